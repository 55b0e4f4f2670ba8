"""Corrections as JSON lines: one write a correction, flushed to the disk; a torn line costs no other.

A line is appended with ``O_APPEND`` in a single ``write``, which the kernel keeps in one piece whoever else writes; a
lock keeps what a full disk cut off from being glued to the next line. A crash of the machine can tear the last line.
Who appends next begins a new line then, so that the torn one stays alone, and readers count it and go on.
"""

import json
import os
from collections.abc import Generator, Iterator
from contextlib import suppress
from pathlib import Path

from textaxa.errors import DataError
from textaxa.feedback._correction import Correction

try:
    import fcntl
except ImportError:  # Windows: there, only a torn line and a write in the same instant can harm each other
    fcntl = None  # type: ignore[assignment]

_BLOCK = 1 << 16
"""Bytes that are read at a time, from the end of the file."""

LONGEST = 1 << 22
"""Bytes of a line; what is longer is none of ours, and is counted as damaged."""


class LinesStore:
    """A file of JSON lines: see `textaxa.feedback.FeedbackStore`."""

    def __init__(self, file: Path) -> None:
        self.file, self.damaged = file, 0

    def append(self, correction: Correction) -> None:
        """Keep a correction; once this returns, it is on the disk."""
        line = json.dumps(correction.to_dict(), ensure_ascii=False).encode("utf-8", "replace") + b"\n"
        try:
            self._write(line)
        except OSError as error:
            raise DataError(
                f"The correction could not be kept in {str(self.file)!r}: {error.strerror or error}. Make room on the "
                "disk, or check who may write there."
            ) from error

    def _write(self, line: bytes) -> None:
        new = not self.file.exists()
        handle = os.open(self.file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            _lock(handle)
            size = os.fstat(handle).st_size
            whole = b"\n" + line if _is_torn(handle) else line
            if os.write(handle, whole) < len(whole):
                os.truncate(handle, size)  # or what comes next would be glued to what fitted
                raise OSError("the disk is full")
            os.fsync(handle)
        finally:
            os.close(handle)
        if new:
            _flush_folder(self.file.parent)

    def last(self, limit: int) -> list[Correction]:
        """Give the newest corrections, newest first, at most ``limit``."""
        self.damaged = 0
        found: list[Correction] = []
        lines = _backwards(self.file)
        while len(found) < limit and (line := next(lines, None)) is not None:
            if (one := self._read(line)) is not None:
                found.append(one)
        lines.close()
        return found

    def __iter__(self) -> Iterator[Correction]:
        self.damaged = 0
        try:
            with self.file.open("rb") as stream:
                while line := stream.readline(LONGEST):
                    if (one := self._read(line)) is not None:
                        yield one
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unreadable(self.file, error) from error

    def _read(self, line: bytes) -> Correction | None:
        """Give the correction of a line; None, counted, where it is torn or foreign. Empty lines do not count."""
        if not line.strip():
            return None
        try:
            return Correction.from_dict(json.loads(line.decode("utf-8")))
        except (ValueError, RecursionError):  # DataError is a ValueError, too
            self.damaged += 1
            return None


def _lock(handle: int) -> None:
    """Keep other processes from writing until the file is closed; a file system without locks goes without."""
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)


def _is_torn(handle: int) -> bool:
    """Tell whether the file ends inside a line."""
    size = os.fstat(handle).st_size
    if not size:
        return False
    os.lseek(handle, size - 1, os.SEEK_SET)
    return os.read(handle, 1) != b"\n"


def _flush_folder(folder: Path) -> None:
    """Make sure that the file's name is on the disk, too."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _backwards(file: Path) -> Generator[bytes, None, None]:
    """Give the lines of a file from the last to the first, reading no more of it than is asked for."""
    try:
        stream = file.open("rb")
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unreadable(file, error) from error
    with stream:
        place, later = stream.seek(0, os.SEEK_END), b""
        while place:
            size = min(_BLOCK, place)
            place = stream.seek(place - size)
            first, *whole = (stream.read(size) + later).split(b"\n")
            yield from reversed(whole)
            later = first[:LONGEST]
        yield later


def _unreadable(file: Path, error: OSError) -> DataError:
    return DataError(f"The corrections in {str(file)!r} cannot be read: {error.strerror or error}. Check the path.")
