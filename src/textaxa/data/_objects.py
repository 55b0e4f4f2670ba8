"""Tables that are Python objects, and Parquet files, as rows.

Comes in: a list of mappings, a pandas or polars frame, a `datasets.Dataset`, an Arrow table, a Parquet file. Goes out:
the column names, the number of rows where it is known, and pairs of row number and row. Nothing is imported that the
caller has not imported already, but pyarrow for Parquet.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from textaxa._extras import require
from textaxa.data._cells import is_missing
from textaxa.errors import DataError

FRAMES = "a pandas or polars frame, an Arrow table, a datasets.Dataset"
"""Tables in memory, as messages name them."""

BATCH = 1024
"""Rows taken from a column store at once."""

PARQUET_BUFFER = 1 << 20
"""Bytes of a Parquet column read at once; without it a whole column of a row group (often a million rows) is."""

Rows = Iterator[tuple[int, dict[str, Any]]]


@dataclass(frozen=True)
class Table:
    """What a reader gives: names, the number of rows where it is known, and the rows."""

    name: str
    unit: str
    columns: tuple[str, ...] | None
    total: int | None
    rows: Rows


def library_of(source: Any) -> str:
    """Give the library that the type of an object comes from."""
    return type(source).__module__.split(".")[0]


def read_object(source: Any) -> Table | None:
    """Give the rows of a Python object, or None where it is no table of a known kind.

    Raises
    ------
    DataError
        It is nearly one: a lazy frame, a dictionary of splits, a mapping of columns.
    """
    reader = _LIBRARIES.get(library_of(source))
    if reader is not None:
        return reader(source)
    if hasattr(source, "__arrow_c_stream__"):
        return _read_stream(source)
    if isinstance(source, Mapping):
        raise DataError(
            f"A mapping with the keys {', '.join(map(repr, list(source)[:5]))} is not a table. Give a list of rows, "
            f"each a "
            "mapping from column name to value, or a frame: pandas.DataFrame(…)."
        )
    if isinstance(source, list | tuple):
        return Table("the list", "index", _columns_of(source), len(source), _checked(source))
    if isinstance(source, Iterable) and not hasattr(source, "read") and not isinstance(source, str | bytes):
        return Table("the rows", "index", None, None, _checked(source))
    return None


def read_parquet(file: Any, name: str) -> Table:
    """Give the rows of an open Parquet file.

    Raises
    ------
    DataError
        It is not a Parquet file, or damaged.
    MissingExtraError
        pyarrow is not installed.
    """
    arrow = require("pyarrow", extra="parquet")
    parquet = require("pyarrow.parquet", extra="parquet")
    try:
        table = parquet.ParquetFile(file, buffer_size=PARQUET_BUFFER)
    except (arrow.ArrowInvalid, OSError) as error:
        raise DataError(f"{name} is not a Parquet file, or a damaged one ({_first_line(error)}).") from error
    columns = tuple(table.schema_arrow.names)
    _refuse_repeated(columns, name)

    def rows() -> Rows:
        number = 0
        try:
            # One row group at a time: a single walk over all of them keeps what it has read.
            for group in range(table.num_row_groups):
                for batch in table.iter_batches(batch_size=BATCH, row_groups=[group]):
                    for row in batch.to_pylist():
                        number += 1
                        yield number, row
        except (arrow.ArrowException, OSError) as error:
            raise DataError(f"{name} is damaged after row {number} ({_first_line(error)}).") from error

    return Table(name, "row", columns, table.metadata.num_rows, rows())


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__


def _read_pandas(frame: Any) -> Table:
    if not hasattr(frame, "columns"):
        raise DataError(
            f"A pandas {type(frame).__name__} is not a table. Make it a frame with named columns: .to_frame('text')."
        )
    columns = tuple(str(name) for name in frame.columns)
    _refuse_repeated(columns, "The pandas frame")

    def rows() -> Rows:
        for start in range(0, len(frame), BATCH):
            # By column: a row-wise walk over a frame is a hundred times slower and forgets the columns' types.
            piece = frame.iloc[start : start + BATCH]
            cells = [piece.iloc[:, place].tolist() for place in range(len(columns))]
            for offset, values in enumerate(zip(*cells, strict=True)):
                yield (
                    start + offset,
                    {name: None if is_missing(v) else v for name, v in zip(columns, values, strict=True)},
                )

    return Table("the pandas frame", "index", columns, len(frame), rows())


def _read_polars(frame: Any) -> Table:
    if hasattr(frame, "collect"):
        raise DataError("A polars LazyFrame has no rows yet. Give frame.collect().")
    if not hasattr(frame, "iter_rows"):
        raise DataError(
            f"A polars {type(frame).__name__} is not a table. Make it a frame with named columns: .to_frame('text')."
        )
    rows = enumerate(frame.iter_rows(named=True, buffer_size=BATCH))
    return Table("the polars frame", "index", tuple(frame.columns), frame.height, rows)


def _read_arrow(table: Any) -> Table:
    if not hasattr(table, "to_batches"):
        raise DataError(f"A pyarrow {type(table).__name__} is not a table. Give a pyarrow.Table.")
    _refuse_repeated(tuple(table.column_names), "The Arrow table")
    rows = (row for batch in table.to_batches(max_chunksize=BATCH) for row in batch.to_pylist())
    return Table("the Arrow table", "index", tuple(table.column_names), table.num_rows, enumerate(rows))


def _read_stream(source: Any) -> Table:
    """Read whatever offers its rows as a stream of Arrow (a DuckDB relation, a table of nanoarrow), batch by batch."""
    name = f"the {type(source).__name__}"
    reader = require("pyarrow", extra="parquet").RecordBatchReader.from_stream(source)
    _refuse_repeated(tuple(reader.schema.names), name)
    rows = (row for batch in reader for row in batch.to_pylist())
    return Table(name, "index", tuple(reader.schema.names), None, enumerate(rows))


def _read_dataset(dataset: Any) -> Table:
    if isinstance(dataset, Mapping):
        raise DataError(
            f"A {type(dataset).__name__} holds several splits ({', '.join(map(str, dataset))}). "
            f"Give one of them: dataset[{next(iter(dataset), 'train')!r}]."
        )
    features = getattr(dataset, "features", None) or {}
    # A ClassLabel column holds numbers; what was meant are the names behind them.
    named = {column: feature.int2str for column, feature in features.items() if hasattr(feature, "int2str")}

    def rows() -> Rows:
        for number, row in enumerate(dataset):
            for column, name_of in named.items():
                # -1 is how the library writes that there is no label.
                row[column] = None if row[column] in (None, -1) else name_of(row[column])
            yield number, row

    columns = tuple(dataset.column_names) if dataset.column_names else None
    return Table("the data set", "index", columns, len(dataset) if hasattr(dataset, "__len__") else None, rows())


_LIBRARIES = {"pandas": _read_pandas, "polars": _read_polars, "pyarrow": _read_arrow, "datasets": _read_dataset}


def _checked(source: Iterable[Any]) -> Rows:
    for number, row in enumerate(source):
        if not isinstance(row, Mapping):
            raise DataError(
                f"index {number} of the list is {type(row).__name__}, not a row. Give mappings from column name to "
                f"value: "
                "[{'text': '…'}]."
            )
        yield number, dict(row)


def _columns_of(rows: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for row in rows if isinstance(row, Mapping) for name in row))


def _refuse_repeated(columns: tuple[str, ...], name: str) -> None:
    for column in columns:
        if columns.count(column) > 1:
            raise DataError(f"{name} has two columns named {column!r}. Give every column its own name.")
