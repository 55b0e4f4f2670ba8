"""How rows become bytes: one class a format, all with the same three methods.

Comes in: a binary file and batches of rows, as mappings or as values in the order of the columns. Goes out: bytes. A
sink does not open, close or rename files.
"""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from textaxa._extras import require
from textaxa.data._cells import is_missing
from textaxa.errors import DataError

ROW_GROUP = 1 << 14
"""Rows of a Parquet row group: large enough to compress well, small enough for constant memory."""


class Sink(Protocol):
    """What writes rows in one format."""

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows."""

    def write_ordered(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows that have a value for every column, in order: texts, numbers that are finite, or None."""

    def go_on(self, first: Path) -> None:
        """Write what follows on rows that another sink wrote, the first of them to ``first``."""

    def finish(self) -> None:
        """Write what is still held back."""

    def drop(self) -> None:
        """Let go of the file without writing anything that is still held back."""


class DelimitedSink:
    """CSV or TSV with a header; lists and mappings become JSON in their cell."""

    def __init__(self, file: Any, columns: Sequence[str] | None, name: str, *, delimiter: str) -> None:
        self._text = _text(file)
        # The writer quotes what its own line end contains, so it must be \r\n for a lone \r in a text to be read back.
        self._writer = csv.writer(_LineFeeds(self._text), delimiter=delimiter, lineterminator="\r\n")
        self._delimiter = delimiter
        self._columns = None if columns is None else tuple(columns)
        self._begun = False
        self._name = name

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows; the header before the first."""
        columns = self._begin(rows)
        known = set(columns)
        for row in rows:
            if not known.issuperset(row):
                raise DataError(_extra_column(self._name, row, columns))
            self._writer.writerow([_cell(row.get(column)) for column in columns])

    def write_ordered(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows at once; one by one where a carriage return wants the other writer's quotes."""
        self._begin(())
        block = io.StringIO(newline="")
        csv.writer(block, delimiter=self._delimiter, lineterminator="\n").writerows(rows)
        written = block.getvalue()
        if "\r" in written:
            self._writer.writerows(rows)
        else:
            self._text.write(written)

    def go_on(self, first: Path) -> None:  # noqa: ARG002 - the columns are the same
        """Write no header."""
        self._begun = True

    def finish(self) -> None:
        """Write the header where there were no rows."""
        self._begin(())
        self._text.flush()
        self._text.detach()

    def drop(self) -> None:
        """Let go of the file."""
        _drop(self._text)

    def _begin(self, rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        columns = self._columns or _keys(rows)
        if not self._begun and columns:
            self._columns = columns
            self._writer.writerow(columns)
            self._begun = True
        return columns


class JsonLinesSink:
    """JSON lines: one object a row, in UTF-8."""

    def __init__(self, file: Any, columns: Sequence[str] | None = None) -> None:
        self._text = _text(file)
        self._columns = columns or ()

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows."""
        for row in rows:
            self._text.write(_json(dict(row)) + "\n")

    def write_ordered(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows."""
        self.write([dict(zip(self._columns, row, strict=True)) for row in rows])

    def go_on(self, first: Path) -> None:
        """Write as before: a line knows nothing of others."""

    def finish(self) -> None:
        """Write what is held back."""
        self._text.flush()
        self._text.detach()

    def drop(self) -> None:
        """Let go of the file."""
        _drop(self._text)


class ParquetSink:
    """Parquet; the types are those of the first rows."""

    def __init__(self, file: Any, columns: Sequence[str] | None, name: str) -> None:
        self._arrow = require("pyarrow", extra="parquet")
        self._parquet = require("pyarrow.parquet", extra="parquet")
        self._file = file
        self._columns = None if columns is None else tuple(columns)
        self._name = name
        self._waiting: list[Mapping[str, Any]] = []
        self._writer: Any = None
        self._schema: Any = None

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows, a row group at a time."""
        columns = self._columns = self._columns or _keys(rows)
        for row in rows:
            if not set(columns).issuperset(row):
                raise DataError(_extra_column(self._name, row, columns))
        self._waiting.extend(rows)
        while len(self._waiting) >= ROW_GROUP:
            self._flush(self._waiting[:ROW_GROUP])
            del self._waiting[:ROW_GROUP]

    def write_ordered(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows, a row group at a time."""
        self.write([dict(zip(self._columns or (), row, strict=True)) for row in rows])

    def go_on(self, first: Path) -> None:
        """Write columns of the same types as there."""
        self._schema = self._parquet.read_schema(first)

    def finish(self) -> None:
        """Write the last rows and the index of the file."""
        if self._waiting or self._writer is None:
            self._flush(self._waiting)
        self._writer.close()

    def drop(self) -> None:
        """Let go of the file."""
        if self._writer is not None:
            self._writer.close()

    def _flush(self, rows: Sequence[Mapping[str, Any]]) -> None:
        table = self._table({column: [row.get(column) for row in rows] for column in self._columns or ()})
        if self._writer is None:
            self._schema = table.schema
            self._writer = self._parquet.ParquetWriter(self._file, table.schema)
        self._writer.write_table(table)

    def _table(self, cells: dict[str, list[Any]]) -> Any:
        arrow = self._arrow
        try:
            if self._schema is not None:
                return arrow.table(cells, schema=self._schema)
            table = arrow.table(cells)
            # A column that is empty so far is taken for text: Parquet must know a type before the first row.
            fields = [
                arrow.field(f.name, arrow.string() if arrow.types.is_null(f.type) else f.type) for f in table.schema
            ]
            return table.cast(arrow.schema(fields))
        except (UnicodeEncodeError, OverflowError) as error:
            raise DataError(
                f"{self._name} cannot be written as Parquet: a cell holds half of a surrogate pair, or a number over "
                f"64 bits ({error}). Write JSON lines instead (format='jsonl', --format jsonl)."
            ) from error
        except (arrow.ArrowInvalid, arrow.ArrowTypeError, arrow.ArrowNotImplementedError) as error:
            raise DataError(
                f"{self._name} cannot be written as Parquet: a column mixes kinds of values ({error}). Write JSON "
                f"lines instead "
                "(format='jsonl', --format jsonl)."
            ) from error


def _csv(file: Any, columns: Sequence[str] | None, name: str) -> Sink:
    return DelimitedSink(file, columns, name, delimiter=",")


def _tsv(file: Any, columns: Sequence[str] | None, name: str) -> Sink:
    return DelimitedSink(file, columns, name, delimiter="\t")


def _json_lines(file: Any, columns: Sequence[str] | None, _name: str) -> Sink:
    return JsonLinesSink(file, columns)


SINKS: dict[str, Callable[[Any, Sequence[str] | None, str], Sink]] = {
    "csv": _csv,
    "tsv": _tsv,
    "jsonl": _json_lines,
    "parquet": ParquetSink,
}


class _LineFeeds:
    """Ends the rows of a csv writer, which calls `write` once a row, with a line feed alone."""

    def __init__(self, text: io.TextIOBase) -> None:
        self._text = text

    def write(self, row: str) -> int:
        return self._text.write(row.removesuffix("\r\n") + "\n")


def _text(file: Any) -> io.TextIOWrapper:
    # Half of a surrogate pair cannot be written; escaped, it can still be seen and, in JSON, read back.
    return io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="", write_through=True)


def _drop(text: io.TextIOWrapper) -> None:
    if not text.closed:
        text.detach()


def _keys(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key for row in rows for key in row))


def _cell(value: Any) -> Any:
    if is_missing(value):
        return ""
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping | list | tuple) or hasattr(value, "tolist"):
        return _json(value)
    return str(value)


def _json(value: Any) -> str:
    """Give a value as JSON; numbers that are not finite, for which JSON has no word, as null or as text."""
    try:
        return json.dumps(value, ensure_ascii=False, default=_plain, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, default=_plain)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    if hasattr(value, "tolist"):
        return _finite(value.tolist())
    if is_missing(value):
        return None
    return str(value) if isinstance(value, float) and math.isinf(value) else value


def _plain(value: Any) -> Any:
    """Give a value of NumPy or of a date as JSON can hold it."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return None if is_missing(value) else str(value)


def _extra_column(name: str, row: Mapping[str, Any], columns: tuple[str, ...]) -> str:
    extra = next(key for key in row if key not in columns)
    return (
        f"{name}: a row has the column {extra!r}, which the first rows lack, and the header is written already. "
        "Write JSON lines instead (format='jsonl', --format jsonl), where every row may have its own keys."
    )
