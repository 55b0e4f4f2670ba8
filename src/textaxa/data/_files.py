"""Files as streams of bytes: opening, decompressing, and telling what stands in the way.

Comes in: a path, ``-`` for standard input, or an open file. Goes out: an `OpenFile`, whose bytes are decompressed.
"""

import bz2
import gzip
import io
import lzma
import os
import select
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import IO, Any, cast

from textaxa._suggest import nearest
from textaxa.data._formats import suffix_of
from textaxa.errors import DataError

CHUNK = 1 << 18
"""Bytes read at once: large enough that Python's share of the time is small, small enough for any machine."""

PATIENCE = 0.01
"""Seconds that a pipe may be silent before what has come so far is used: enough for a program to write its next piece
while we have just emptied the pipe, too short for a person to notice."""

COMPRESSIONS: dict[str, tuple[bytes, Callable[..., Any]]] = {
    ".gz": (b"\x1f\x8b", gzip.open),
    ".xz": (b"\xfd7zXZ\x00", lzma.open),
    ".bz2": (b"BZh", bz2.open),
}
"""Suffix, first bytes and opener of the compressions of the standard library."""

_FOREIGN = {
    b"PK\x03\x04": "an Excel workbook or a zip archive. Save the sheet as CSV (UTF-8), or unpack the archive",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook. Save the sheet as CSV (UTF-8)",
    b"(\xb5/\xfd": "compressed with zstd. Unpack it first, or use .gz or .xz",
    b"SQLite format 3": "an SQLite database. Export the table as CSV",
}

_DAMAGE = (EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)


@dataclass
class OpenFile:
    """An open source of bytes or of text.

    Attributes
    ----------
    name
        What it is called in messages.
    suffix
        The suffix of the name that stands for a format, or empty: ``".csv"``.
    stream
        What is read: decompressed bytes, or text.
    start
        The first bytes (empty for text), for guesses at the format.
    progress
        The share that has been read, in [0, 1], or None where it cannot be told.
    close
        Closes what was opened here; leaves alone what was given open.
    waits
        Tells whether reading on may have to wait for whoever writes: a pipe, or a person, with nothing more just now.
    """

    name: str
    suffix: str
    stream: IO[Any]
    start: bytes
    progress: Callable[[], float | None]
    close: Callable[[], None]
    waits: Callable[[], bool]


def open_file(source: Any) -> OpenFile:
    """Open a path, ``-`` (standard input) or an open file.

    Raises
    ------
    DataError
        No such file (the nearest name is given), a folder, no permission, or a file of a foreign kind.
    """
    if isinstance(source, str | os.PathLike) and os.fspath(source) != "-":
        path = FilePath(source)
        raw: Any = _open_path(path)
        size = os.fstat(raw.fileno()).st_size
        try:
            return _opened(raw, str(path), path.name, size, close=raw.close)
        except DataError:
            raw.close()
            raise
    raw = getattr(sys.stdin, "buffer", sys.stdin) if isinstance(source, str) else source
    if raw is None:  # `textaxa … <&-`
        raise DataError("Standard input is closed, so no table can be read from it. Name a file.")
    name = "standard input" if isinstance(source, str) else str(getattr(source, "name", "the open file"))
    if isinstance(raw, io.TextIOBase):
        # What its own buffer still holds cannot be seen, so nobody is told that it waits.
        text = cast("IO[Any]", raw)
        return OpenFile(name, suffix_of(name), text, b"", lambda: None, lambda: None, lambda: False)
    if not hasattr(raw, "peek"):
        raw = io.BufferedReader(raw)
        return _opened(raw, name, name, 0, close=lambda: _let_go(raw))
    return _opened(raw, name, name, 0, close=lambda: None)


def _let_go(raw: io.BufferedReader) -> None:
    """Leave the caller's file open when the buffer around it goes."""
    if not raw.closed:
        raw.detach()


def _open_path(path: FilePath) -> io.BufferedReader:
    try:
        return path.open("rb")
    except FileNotFoundError:
        folder = path.parent
        hint = _near(path) if folder.is_dir() else f" The folder {folder} does not exist either."
        raise DataError(f"There is no file {path}.{hint}") from None
    except IsADirectoryError:
        raise DataError(
            f"{path} is a folder, not a file. Name a file in it; a data set saved with save_to_disk is opened in "
            "Python with datasets.load_from_disk."
        ) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error


def _near(path: FilePath) -> str:
    """Give the file of the same folder that may be meant; by the stem, since a common suffix makes all names alike."""
    names = {entry.stem: entry.name for entry in path.parent.iterdir()}
    found = nearest(path.stem, names)
    return f" Did you mean {names[found]!r}?" if found is not None else ""


def _opened(raw: Any, name: str, file_name: str, size: int, *, close: Callable[[], None]) -> OpenFile:
    start = _start(raw, name)
    stream: Any = raw
    for magic, opener in COMPRESSIONS.values():
        if start.startswith(magic):
            stream = io.BufferedReader(opener(raw, "rb"))
    if stream is not raw:
        start = _start(stream, name)
    for magic, what in _FOREIGN.items():
        if start.startswith(magic):
            raise DataError(f"{name} is {what}.")

    def progress() -> float | None:
        return min(1.0, raw.tell() / size) if size and not raw.closed else None

    return OpenFile(name, suffix_of(file_name), stream, start, progress, close, lambda: _waits(raw))


def _waits(raw: Any) -> bool:
    if raw.closed or not hasattr(raw, "seekable") or raw.seekable():
        return False
    try:
        return not select.select([raw], [], [], PATIENCE)[0]
    except (OSError, ValueError):  # nothing that the system could ask; on Windows, anything but a socket
        return True


def _start(stream: Any, name: str) -> bytes:
    return guarded(name, lambda: bytes(stream.peek(32)[:32]))  # type: ignore[no-any-return]


def guarded(name: str, read: Callable[[], Any]) -> Any:
    """Read, and turn a damaged archive or a failing disk into a `DataError`."""
    try:
        return read()
    except _DAMAGE as error:
        raise DataError(
            f"{name} is damaged: it could not be decompressed ({error}). Copy or download it again."
        ) from error
    except UnicodeDecodeError:
        raise
    except OSError as error:
        raise DataError(f"{name} cannot be read: {error.strerror or error}.") from error
