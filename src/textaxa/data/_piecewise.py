"""Rows into a folder, piece by piece, so that a crash loses no more than the last piece; at the end, one file.

Comes in: batches of rows, and from time to time the wish to have what was written safe on the disk. Goes out: how many
bytes (CSV, TSV, JSON lines) or part files (Parquet) are safe, from which another process can go on; then the whole
file. Packed formats and Parquet cannot be gone on with in the middle: there a piece is a member of the archive of its
own, which every program reads as one, or a file of its own.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from textaxa._extras import require
from textaxa.data._files import COMPRESSIONS
from textaxa.data._sinks import ROW_GROUP, SINKS, Sink
from textaxa.data._writers import told

PARQUET = "parquet"


class PieceWriter:
    """Writes rows into a folder, piece by piece.

    Parameters
    ----------
    folder
        Where to write. Nobody else writes there.
    name
        The name of the file that will be: its ending says how it is packed.
    format, columns
        As in `textaxa.data.write_rows`.
    kept
        What an earlier `save` gave: what was written after it is cut off.

    Raises
    ------
    DataError
        The disk is full or fails.
    """

    def __init__(self, folder: Path, name: str, *, format: str, columns: Sequence[str], kept: int = 0) -> None:
        self._folder, self._name, self._format, self._columns = folder, name, format, tuple(columns)
        self._pack = COMPRESSIONS.get(Path(name).suffix.lower(), (b"", None))[1]
        self._kept = kept
        self._raw: Any = None
        self._packed: Any = None
        self._sink: Sink | None = None
        with self._told():
            self._cut()

    @staticmethod
    def has(folder: Path, kept: int, *, format: str) -> bool:
        """Tell whether a folder still holds what an earlier `save` gave."""
        if format == PARQUET:
            return all(_part(folder, number).is_file() for number in range(kept))
        rows = _rows_file(folder)
        return rows.is_file() and rows.stat().st_size >= kept

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write a batch of rows."""
        with self._told():
            self._begun().write(rows)

    def write_ordered(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write a batch of rows that have a value for every column, in order."""
        with self._told():
            self._begun().write_ordered(rows)

    def save(self) -> int:
        """Bring everything that was written to the disk; give what `kept` needs to go on from here."""
        if self._sink is None:
            return self._kept
        with self._told():
            self._end()
        return self._kept

    def close(self) -> None:
        """Let go of the files; what was not saved is lost."""
        for close in (
            getattr(self._sink, "drop", None),
            getattr(self._packed, "close", None),
            getattr(self._raw, "close", None),
        ):
            try:
                if close is not None:
                    close()
            except (OSError, ValueError):  # a full disk, told before
                continue
        self._sink = self._packed = self._raw = None

    def whole(self) -> Path:
        """Finish, and give the one file."""
        with self._told():
            if not self._kept or self._sink is not None:
                self._begun()
                self._end()
            return self._joined() if self._format == PARQUET else _rows_file(self._folder)

    def _told(self) -> Any:
        return told(self._name, then=f"The rows that were saved are in {str(self._folder)!r}.")

    def _begun(self) -> Sink:
        """Begin a piece where none is being written."""
        if self._sink is None:
            file = _part(self._folder, self._kept) if self._format == PARQUET else _rows_file(self._folder)
            self._raw = file.open("wb" if self._format == PARQUET else "ab")
            self._packed = None if self._pack is None or self._format == PARQUET else self._pack(self._raw, "wb")
            self._sink = SINKS[self._format](self._packed or self._raw, self._columns, self._name)
            if self._kept:
                self._sink.go_on(_part(self._folder, 0))
        return self._sink

    def _end(self) -> None:
        """End the piece, and bring it to the disk."""
        if self._sink is None:
            return
        self._sink.finish()
        if self._packed is not None:
            self._packed.close()
        self._raw.flush()
        os.fsync(self._raw.fileno())
        self._kept = self._kept + 1 if self._format == PARQUET else os.fstat(self._raw.fileno()).st_size
        self._raw.close()
        self._sink = self._packed = self._raw = None

    def _cut(self) -> None:
        """Cut off what was written after the last save."""
        if self._format == PARQUET:
            kept = {_part(self._folder, number) for number in range(self._kept)}
            for part in set(self._folder.glob("part-*.parquet")) - kept:
                part.unlink()
        elif _rows_file(self._folder).exists():
            os.truncate(_rows_file(self._folder), self._kept)

    def _joined(self) -> Path:
        """Join the parts to one file, with row groups of the usual size."""
        parquet = require("pyarrow.parquet", extra="parquet")
        parts = [_part(self._folder, number) for number in range(self._kept)]
        if len(parts) == 1:
            return parts[0]
        target = self._folder / "joined.parquet"
        with target.open("wb") as file:
            with parquet.ParquetWriter(file, parquet.read_schema(parts[0])) as writer:
                for table in _row_groups(parts):
                    writer.write_table(table)
            file.flush()
            os.fsync(file.fileno())
        return target


def _rows_file(folder: Path) -> Path:
    return folder / "rows"


def _part(folder: Path, number: int) -> Path:
    return folder / f"part-{number:06}.parquet"


def _row_groups(parts: Sequence[Path]) -> Iterator[Any]:
    """Give the rows of part files as tables of `ROW_GROUP` rows, the last one shorter."""
    arrow = require("pyarrow", extra="parquet")
    parquet = require("pyarrow.parquet", extra="parquet")
    waiting: Any = None
    for part in parts:
        table = parquet.read_table(part)
        waiting = table if waiting is None else arrow.concat_tables([waiting, table])
        while waiting.num_rows >= ROW_GROUP:
            yield waiting.slice(0, ROW_GROUP)
            waiting = waiting.slice(ROW_GROUP)
    if waiting is not None and waiting.num_rows:
        yield waiting
