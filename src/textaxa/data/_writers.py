"""Rows into a file, whole or not at all.

Comes in: batches of rows. Goes out: CSV, TSV, JSON lines or Parquet, written beside the target and put in its place at
the end. A failure, a full disk or Ctrl-C leaves the target as it was.
"""

import errno
import os
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path as FilePath
from types import TracebackType
from typing import Any

from textaxa.data._files import COMPRESSIONS
from textaxa.data._formats import checked_format, format_of_suffix, suffix_of, unknown_suffix
from textaxa.data._sinks import SINKS, Sink
from textaxa.errors import DataError


class RowWriter:
    """Writes rows; a context manager. Left in order, it puts the file in its place; left by an error, it removes it."""

    def __init__(self, place: "_Place", sink: Sink) -> None:
        self._place = place
        self._sink = sink

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write a batch of rows.

        Raises
        ------
        DataError
            The disk is full or fails, or a row does not fit the columns of the first ones.
        """
        with told(self._place.name):
            self._sink.write(rows)
            self._place.pass_on()

    def write_ordered(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write a batch of rows that have a value for every column, in the order of the columns; faster.

        Values are texts, numbers that are finite, or None.
        """
        with told(self._place.name):
            self._sink.write_ordered(rows)
            self._place.pass_on()

    def __enter__(self) -> "RowWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is not None:
            self._place.discard(self._sink)
            return
        try:
            with told(self._place.name):
                self._sink.finish()
                self._place.keep()
        except BaseException:
            self._place.discard(self._sink)
            raise


def write_rows(
    target: str | os.PathLike[str],
    *,
    format: str | None = None,
    overwrite: bool = False,
    columns: Sequence[str] | None = None,
) -> RowWriter:
    """Give a writer of rows. The target is checked now, before any work is done.

    Parameters
    ----------
    target
        A file name (``.gz``, ``.xz`` and ``.bz2`` compress), or ``"-"`` for standard output.
    format
        ``"csv"``, ``"tsv"``, ``"jsonl"`` or ``"parquet"``. None: by the suffix; CSV on standard output.
    overwrite
        Replace a file that is there.
    columns
        The columns of CSV, TSV and Parquet, in order. None: those of the first batch.

    Raises
    ------
    DataError
        The target is there already, its folder is not, it cannot be written, or its suffix says no format.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     target = pathlib.Path(folder) / "out.csv"
    ...     with write_rows(target) as writer:
    ...         writer.write([{"text": "Chess", "path": "Games"}])
    ...     target.read_text()
    'text,path\\nChess,Games\\n'
    """
    chosen = output_format(os.fspath(target), format)
    place = _standard_output() if os.fspath(target) == "-" else _file(FilePath(target), overwrite=overwrite)
    with told(place.name):
        return RowWriter(place, SINKS[chosen](place.open(), columns, place.name))


def write_text(target: str | os.PathLike[str], text: str, *, overwrite: bool = False) -> None:
    """Write a whole text file, in UTF-8; halves of surrogate pairs are escaped.

    Raises
    ------
    DataError
        It is there already, or cannot be written.
    """
    place = _file(FilePath(target), overwrite=overwrite)
    nothing = _Nothing()
    with told(place.name), RowWriter(place, nothing):
        place.open().write(text.encode("utf-8", "backslashreplace"))


class _Nothing:
    """A sink for who writes the bytes himself."""

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write no rows."""

    def write_ordered(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write no rows."""

    def go_on(self, first: FilePath) -> None:
        """Go on with nothing."""

    def finish(self) -> None:
        """Hold nothing back."""

    def drop(self) -> None:
        """Hold nothing."""


class _Place:
    """Where bytes go: a file beside the target, or the target itself where that is no plain file."""

    def __init__(self, name: str, written: FilePath | None, target: FilePath | None, *, overwrite: bool) -> None:
        self.name = name
        self._written = written
        self._target = target
        self._overwrite = overwrite
        self._raw: Any = None
        self._packed: Any = None

    def open(self) -> Any:
        if self._written is None:
            if sys.stdout is None:  # `textaxa … >&-`
                raise DataError("Standard output is closed, so nothing can be written there. Name a file (-o).")
            return getattr(sys.stdout, "buffer", sys.stdout)
        flags = os.O_WRONLY | (os.O_CREAT | os.O_EXCL if self._target else 0) | getattr(os, "O_BINARY", 0)
        self._raw = os.fdopen(os.open(self._written, flags, 0o666), "wb")
        suffix = FilePath(self.name).suffix.lower()
        self._packed = COMPRESSIONS[suffix][1](self._raw, "wb") if suffix in COMPRESSIONS else None
        return self._packed or self._raw

    def pass_on(self) -> None:
        """Let whoever reads the standard output have each batch at once."""
        if self._written is None:
            sys.stdout.flush()

    def keep(self) -> None:
        """Bring everything to the disk, and the file into its place."""
        if self._raw is None:
            sys.stdout.flush()
            return
        if self._packed is not None:
            self._packed.close()
        self._raw.flush()
        if self._target is None or self._written is None:
            self._raw.close()
            return
        os.fsync(self._raw.fileno())
        self._raw.close()
        if not self._overwrite and self._target.exists():
            raise DataError(there_already(self._target))
        self._written.replace(self._target)

    def discard(self, sink: Sink) -> None:
        """Close without raising what is only a consequence (closing flushes onto the disk that is full), and remove."""
        for close in (sink.drop, getattr(self._packed, "close", None), getattr(self._raw, "close", None)):
            try:
                if close is not None:
                    close()
            except (OSError, ValueError):
                continue
        if self._target is not None and self._written is not None:
            self._written.unlink(missing_ok=True)


def _standard_output() -> _Place:
    return _Place("standard output", None, None, overwrite=True)


def plain_target(path: FilePath, *, overwrite: bool) -> FilePath | None:
    """Give the file that a path stands for, or None where that is a device or a pipe, which can only be written to.

    Raises
    ------
    DataError
        It is a folder, is there already, or its folder is not there.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder. Name a file to write.")
    if path.exists() and not path.is_file():
        return None
    if path.exists() and not overwrite:
        raise DataError(there_already(path))
    # Through a link to the file itself: replacing would otherwise put the file in the place of the link.
    target = path.resolve()
    if not target.parent.is_dir():
        raise DataError(f"{path} cannot be written: the folder {path.parent} does not exist. Make it first.")
    return target


def _file(path: FilePath, *, overwrite: bool) -> _Place:
    target = plain_target(path, overwrite=overwrite)
    if target is None:
        return _Place(str(path), path, None, overwrite=True)
    written = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.partial")
    return _Place(str(path), written, target, overwrite=overwrite)


def there_already(path: FilePath) -> str:
    return (
        f"{path} is there already, and was left as it is. Name another file, or say that it may be replaced "
        "(overwrite=True, --overwrite)."
    )


def output_format(name: str, given: str | None) -> str:
    """Give the format to write: the one given, or the one that the name's ending says; CSV on standard output.

    Raises
    ------
    DataError
        The ending says none.
    """
    format = checked_format(given) or ("csv" if name == "-" else format_of_suffix(suffix_of(name)))
    if format is None:
        raise unknown_suffix(name, option="--format")
    return format


_CAUSES = {
    errno.ENOSPC: "the disk is full. Free some space, or name a file on another disk",
    errno.EDQUOT: "your share of the disk is used up. Free some space, or name a file on another disk",
    errno.EACCES: "you may not write there. Name a file in a folder of yours",
    errno.EPERM: "you may not write there. Name a file in a folder of yours",
    errno.EROFS: "the disk can only be read. Name a file on another disk",
    errno.EFBIG: "it is larger than a file may be here (ulimit -f, or the file system). Name a file on another disk",
    errno.ENAMETOOLONG: "its name is too long",
}


@contextmanager
def told(name: str, then: str = "No file was changed.") -> Iterator[None]:
    """Turn a failing disk into a `DataError`. A closed pipe is no failure: whoever reads has had enough."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        cause = _CAUSES.get(error.errno or 0, error.strerror or str(error))
        raise DataError(f"{name} cannot be written: {cause}. {then}") from error
