"""Any table as one stream of rows.

Comes in: a file name, ``-`` for standard input, an open file, or a table in memory. Goes out: a `RowStream`, which
gives the rows one after the other in constant memory, and knows the columns before the first of them.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path as FilePath
from types import TracebackType
from typing import Any

from textaxa._suggest import did_you_mean
from textaxa.data._annif import ANNIF, read_annif, read_annif_folder
from textaxa.data._delimited import Record, as_mappings, likely_delimiter, read_delimited, wrong_delimiter
from textaxa.data._exports import TOOLS, UNIT, read_export, read_export_table
from textaxa.data._faults import Faults
from textaxa.data._files import OpenFile, open_file
from textaxa.data._formats import checked_format, format_of_suffix, unknown_suffix
from textaxa.data._jsonlines import read_json_lines
from textaxa.data._lines import Lines
from textaxa.data._objects import Table, library_of, read_object, read_parquet
from textaxa.errors import DataError

PEEKED = 100
"""Rows of JSON lines that are looked at for the columns' names; a key may be missing from the first rows. Of a pipe
that falls silent, only those that have come are: the first is not held back until the hundredth is there."""

Row = tuple[int, dict[str, Any]]


class RowStream:
    """The rows of a table, once, one after the other.

    Iterating gives pairs of row number and row. Row numbers are those that a person counts: the line of the file on
    which the row begins (CSV, TSV, JSON lines; the first line is 1, so the first row of a CSV is on line 2), the row
    from 1 (Parquet), or the index from 0 (objects in Python). It is a context manager; leaving it closes the file.

    Attributes
    ----------
    columns
        The names of the columns, in order. For JSON lines: the keys of the first 100 rows (of a pipe that falls
        silent: of those that have come).
    total
        The number of rows, or None where it is not known before the end.
    source
        What the table is called in messages.
    unit
        What row numbers count: ``"line"``, ``"row"`` or ``"index"``.
    format
        ``"csv"``, ``"tsv"``, ``"jsonl"``, ``"parquet"``, ``"label-studio"``, ``"argilla"``, ``"annif"``, or
        None for an object in memory.
    faults
        What was wrong with rows that were left out; empty unless faults are collected.
    records
        CSV and TSV: the same rows as lists of cells in the order of the columns, which is faster. A row is given once,
        there or here. None for other formats.
    """

    def __init__(
        self,
        table: Table,
        *,
        format: str | None,
        faults: Faults,
        progress: Callable[[], float | None],
        close: Callable[[], None],
        at_hand: Callable[[], bool] = lambda: True,
        records: Iterator[Record] | None = None,
    ) -> None:
        seen = _peeked(table.rows, at_hand) if table.columns is None else []
        rows: Iterator[Row] = chain(seen, table.rows)
        self.columns = (
            tuple(dict.fromkeys(k for _, row in seen for k in row)) if table.columns is None else table.columns
        )
        self.total = table.total
        self.source = table.name
        self.unit = table.unit
        self.format = format
        self.faults = faults
        self.records = records
        self._rows = rows
        self._progress = progress
        self._close = close
        self._at_hand = at_hand
        self._peeked = len(seen)
        self._given = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self._given += 1
            yield row

    def __enter__(self) -> "RowStream":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file, where one was opened."""
        self._close()

    @property
    def at_hand(self) -> bool:
        """Whether the next row can be had without waiting; False where a pipe, or a person, has sent no more just now.

        A file is always at hand. Who works in batches does not let those rows wait that have come.
        """
        return self._given < self._peeked or self._at_hand()

    def progress(self) -> float | None:
        """Give the share that has been read, in [0, 1], or None where it cannot be told (standard input)."""
        return min(1.0, self._given / self.total) if self.total else self._progress()

    def require(self, names: Iterable[str]) -> None:
        """Make sure that the table has these columns.

        Raises
        ------
        DataError
            A column is missing; the nearest name, or the likely delimiter, is given.
        """
        missing = [name for name in names if name not in self.columns]
        if not missing:
            return
        if not self.columns:
            self.faults.raise_if_any()
        if self.format in ("csv", "tsv") and len(self.columns) == 1 and (likely := likely_delimiter(self.columns[0])):
            raise DataError(wrong_delimiter(self.source, self.columns[0], likely))
        asked = " ".join(f"There is no column {name!r}.{did_you_mean(name, self.columns)}" for name in missing)
        shown = ", ".join(map(repr, self.columns[:20])) + (" …" if len(self.columns) > 20 else "")
        raise DataError(f"{self.source}: {asked} Its columns are: {shown or 'none'}.")


def _peeked(rows: Iterator[Row], at_hand: Callable[[], bool]) -> list[Row]:
    seen = []
    for row in rows:
        seen.append(row)
        if len(seen) == PEEKED or not at_hand():
            break
    return seen


@dataclass(frozen=True)
class _Options:
    encoding: str | None
    delimiter: str | None
    collect: bool


def iterate_rows(
    source: Any,
    *,
    format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    collect_faults: bool = False,
) -> RowStream:
    """Give the rows of a table, in constant memory.

    Parameters
    ----------
    source
        A file name (``.gz``, ``.xz`` and ``.bz2`` are unpacked), ``"-"`` for standard input, an open file, a list of
        mappings, a pandas or polars frame, an Arrow table, or a `datasets.Dataset`.
    format
        ``"csv"``, ``"tsv"``, ``"jsonl"``, ``"parquet"``; ``"label-studio"`` or ``"argilla"`` for an export of these
        tools; ``"annif"`` for a corpus of Annif, a file or a folder. None: by the suffix; without one, by the first
        character. A JSON export is known by itself.
    encoding
        Of a text file. None: UTF-8, or UTF-16 and UTF-32 where the file begins with their mark.
    delimiter
        Between the cells of a CSV; one character or ``"tab"``. None: a comma, or a tab for TSV.
    collect_faults
        Leave out rows that cannot be read and note them in ``faults``; else the first one raises.

    Raises
    ------
    DataError
        The source cannot be opened, is empty, or is of another kind than it seems; while iterating: a row cannot be
        read.
    MissingExtraError
        Parquet is asked for and pyarrow is not installed.

    Examples
    --------
    >>> import io
    >>> with iterate_rows(io.StringIO("text,category\\nChess,Games\\n"), format="csv") as rows:
    ...     print(rows.columns, list(rows))
    ('text', 'category') [(2, {'text': 'Chess', 'category': 'Games'})]
    """
    format = checked_format(format, also=(*TOOLS, ANNIF))
    table = None if _is_file(source) else read_object(source)
    if table is not None:
        faults = Faults(table.name, table.unit, collect=collect_faults)
        return RowStream(table, format=None, faults=faults, progress=lambda: None, close=lambda: None)
    if not _is_file(source):
        raise DataError(
            f"A {type(source).__name__} is not a table. Give a file name, '-' for standard input, an open file, a "
            f"list of mappings, a "
            "pandas or polars frame, or a datasets.Dataset."
        )
    if format == ANNIF and not hasattr(source, "read") and FilePath(source).is_dir():
        faults = Faults(str(source), "row", collect=collect_faults)
        table = read_annif_folder(FilePath(source), faults, encoding=encoding)
        return RowStream(table, format=format, faults=faults, progress=lambda: None, close=lambda: None)
    file = open_file(source)
    try:
        return _read_file(file, format, _Options(encoding, delimiter, collect_faults))
    except BaseException:
        file.close()
        raise


def _is_file(source: Any) -> bool:
    is_name = isinstance(source, str) or hasattr(source, "__fspath__")
    return is_name or (
        hasattr(source, "read") and library_of(source) not in ("pandas", "polars", "pyarrow", "datasets")
    )


def _read_file(file: OpenFile, format: str | None, options: _Options) -> RowStream:
    named = format
    format = "parquet" if file.start.startswith(b"PAR1") else format or _format_of(file)
    faults = Faults(file.name, "row" if format == "parquet" else "line", collect=options.collect)
    if format == "parquet":
        if not file.stream.seekable():
            raise DataError(
                f"Parquet cannot be read from {file.name}, since its index is at its end. Give a file name."
            )
        table = read_parquet(file.stream, file.name)
        return RowStream(table, format=format, faults=faults, progress=lambda: None, close=file.close)
    lines = Lines(file, encoding=options.encoding)
    if format == ANNIF:
        table = read_annif(lines, faults, suffix=file.suffix)
        return RowStream(table, format=format, faults=faults, progress=file.progress, close=file.close)
    if format in TOOLS or (named is None and format in (None, "jsonl") and lines.begins_with("[")):
        return _read_export(file, lines, named, options)
    if format is None:
        format = "jsonl" if lines.begins_with("{") else "csv"
    columns: tuple[str, ...] | None = None
    records: Iterator[Record] | None = None
    rows: Iterator[Row]
    if format == "jsonl":
        rows = read_json_lines(lines, faults)
    else:
        tab = "\t" if format == "tsv" else ","
        columns, records = read_delimited(lines, faults, delimiter=options.delimiter, default=tab)
        rows = as_mappings(columns, records)
    table = Table(file.name, "line", columns, None, rows)
    return RowStream(
        table,
        format=format,
        faults=faults,
        progress=file.progress,
        close=file.close,
        at_hand=lambda: lines.at_hand,
        records=records,
    )


def _read_export(file: OpenFile, lines: Lines, tool: str | None, options: _Options) -> RowStream:
    """Read what a labelling tool exported: JSON, or (Label Studio) a table."""
    faults = Faults(file.name, UNIT, collect=options.collect)
    if tool is None or lines.begins_with("[") or lines.begins_with("{"):
        export = read_export(lines, faults, tool=tool)
        tool, rows, total = export.tool, export.rows, export.total
    else:
        tab = "\t" if format_of_suffix(file.suffix) == "tsv" else ","
        columns, records = read_delimited(lines, faults, delimiter=options.delimiter, default=tab)
        rows, total = read_export_table(as_mappings(columns, records), faults, tool=tool), None
    table = Table(file.name, UNIT, None, total, rows)
    return RowStream(table, format=tool, faults=faults, progress=lambda: None, close=file.close)


def _format_of(file: OpenFile) -> str | None:
    """Give the format that the suffix stands for, or None where there is no suffix to go by."""
    if not file.suffix or file.name == "standard input":
        return None
    found = format_of_suffix(file.suffix)
    if found is None:
        raise unknown_suffix(file.name)
    return found
