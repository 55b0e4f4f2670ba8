"""What there is to do: input files cut into pieces, each of which becomes one output file.

A piece of Parquet files is some row groups of one file; of other formats it is a whole file, since a CSV cannot be cut
without reading it. Pieces are numbered in the order of the files' names, so a plan made twice of the same files is the
same, and so are the names of the output files.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

from textaxa._extras import require
from textaxa.data import FORMATS
from textaxa.data._formats import format_of_suffix, suffix_of
from textaxa.distributed._storage import Storage
from textaxa.errors import DataError

BLOCK_ROWS = 50_000
"""Rows of a piece, about: minutes of work for a network, so that a lost worker costs little; some megabytes."""

_AT_ONCE = 16
"""So many files' ends are read at the same time: over a network that is waiting, not work."""

ENDINGS = tuple(
    f".{name}{packed}" for name in ("csv", "tsv", "jsonl", "ndjson", "parquet") for packed in ("", ".gz", ".xz", ".bz2")
)


@dataclass(frozen=True)
class Piece:
    """A part of the input that one worker answers at a time.

    Attributes
    ----------
    number
        From 0, in the order of the input.
    file
        Its address.
    groups
        The row groups of a Parquet file, from and to; None for a whole file of another format.
    rows
        How many rows, where that is known beforehand.
    """

    number: int
    file: str
    groups: tuple[int, int] | None = None
    rows: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give it as JSON can hold it."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Piece":
        """Read what `to_dict` gave."""
        groups = values["groups"]
        return cls(values["number"], values["file"], None if groups is None else tuple(groups), values["rows"])


@dataclass(frozen=True)
class Input:
    """The files that are read.

    Attributes
    ----------
    pieces
        All of them, in order.
    files
        Addresses, and what tells each from another file of its name.
    format
        How they are written.
    """

    pieces: list[Piece]
    files: list[list[Any]]
    format: str


def read_input(addresses: Sequence[str], *, format: str | None, block_rows: int) -> Input:
    """Find the input files and cut them into pieces.

    Raises
    ------
    DataError
        There are none, or of several formats; a Parquet file is damaged.
    """
    found = [(storage, path) for storage in map(Storage, addresses) for path in _files(storage)]
    formats = {format} if format else {format_of_suffix(suffix_of(path)) for _, path in found}
    if len(formats) > 1 or None in formats:
        names = ", ".join(sorted(str(name or "unknown") for name in formats))
        raise DataError(
            f"The {len(found):,} input files are of several formats ({names}). Name a pattern that fits one of them "
            f"('folder/*.parquet'), or say which it is (--input-format: {', '.join(FORMATS)})."
        )
    chosen = str(formats.pop())
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        cut = list(threads.map(lambda one: _cut(one[0], one[1], chosen, block_rows), found))
        stamps = list(threads.map(lambda one: [one[0].full(one[1]), *one[0].stamp(one[1])], found))
    pieces = [part for parts in cut for part in parts]
    numbered = [Piece(number, *part) for number, part in enumerate(pieces)]
    return Input(numbered, stamps, chosen)


def _files(storage: Storage) -> list[str]:
    found = storage.files(ENDINGS)
    if not found:
        raise DataError(
            f"There is no table at {storage.address!r}. Name a file, a folder with tables, or a pattern in quotes: "
            "'folder/*.parquet'."
        )
    return found


Part = tuple[str, tuple[int, int] | None, int | None]


def _cut(storage: Storage, path: str, format: str, block_rows: int) -> list[Part]:
    if format != "parquet":
        return [(storage.full(path), None, None)]
    with storage.reading(path) as file:
        return [(storage.full(path), groups, rows) for groups, rows in _groups(file, path, block_rows)]


def _groups(file: Any, path: str, block_rows: int) -> Iterator[tuple[tuple[int, int], int]]:
    """Give neighbouring row groups that together have at least so many rows."""
    arrow, parquet = require("pyarrow", extra="parquet"), require("pyarrow.parquet", extra="parquet")
    try:
        metadata = parquet.ParquetFile(file).metadata
    except (arrow.ArrowInvalid, OSError) as error:
        first = str(error).splitlines()[0]
        raise DataError(f"{path} is not a Parquet file, or a damaged one ({first}).") from error
    start = rows = 0
    for group in range(metadata.num_row_groups):
        rows += metadata.row_group(group).num_rows
        if rows >= block_rows or group == metadata.num_row_groups - 1:
            yield (start, group + 1), rows
            start, rows = group + 1, 0
    if not metadata.num_row_groups:
        yield (0, 0), 0
