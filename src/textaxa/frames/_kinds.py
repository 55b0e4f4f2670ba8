"""What can be done with a frame, kind by kind: name its columns, take some of them, add others."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from textaxa._extras import require
from textaxa.data._objects import FRAMES
from textaxa.errors import DataError
from textaxa.frames._added import Added


@dataclass(frozen=True)
class FrameKind:
    """How frames of one library are handled.

    Attributes
    ----------
    columns
        Gives the names of a frame's columns.
    select
        Gives a frame with these columns alone; no row is copied.
    add
        Gives a frame with columns added.
    """

    columns: Callable[[Any], tuple[str, ...]]
    select: Callable[[Any, Sequence[str]], Any]
    add: Callable[[Any, Added], Any]


def kind_of(frame: Any) -> tuple[Any, FrameKind]:
    """Give a frame and how it is handled; what only offers its rows as Arrow is given back as an Arrow table.

    Raises
    ------
    DataError
        It is no frame.
    MissingExtraError
        pyarrow is needed and not installed.

    Examples
    --------
    >>> rows, kind = kind_of([{"text": "Chess", "id": 1}])
    >>> kind.columns(rows)
    ('text', 'id')
    """
    library = type(frame).__module__.split(".")[0]
    if library in KINDS and hasattr(frame, _TELLTALE[library]):
        return frame, KINDS[library]
    if isinstance(frame, list):
        return frame, ROWS
    if library not in KINDS and hasattr(frame, "__arrow_c_stream__"):
        return require("pyarrow", extra="parquet").table(frame), KINDS["pyarrow"]
    raise DataError(
        f"A {type(frame).__module__}.{type(frame).__name__} is not a frame of rows. Give {FRAMES} or a list of "
        "mappings. Files, and what is too large for memory, go through textaxa.predict(model, table, output)."
    )


def splits_of(frame: Any) -> dict[str, Any] | None:
    """Give the splits of a `datasets.DatasetDict` by name, or None for anything else."""
    is_splits = type(frame).__module__.split(".")[0] == "datasets" and isinstance(frame, Mapping)
    return dict(frame) if is_splits else None


def _columns(frame: Any) -> tuple[str, ...]:
    return tuple(str(name) for name in frame.columns)


def _column_names(frame: Any) -> tuple[str, ...]:
    return tuple(frame.column_names)


def _select_pandas(frame: Any, names: Sequence[str]) -> Any:
    wanted = [place for place, name in enumerate(frame.columns) if str(name) in names]
    return frame.iloc[:, wanted]


def _add_pandas(frame: Any, added: Added) -> Any:
    pandas = import_module("pandas")  # of which the frame is, so it is there
    kinds = {"number": "float64", "count": "Int64"}
    series = {
        name: pandas.Series(values, index=frame.index, dtype=kinds.get(added.types[name], "object"))
        for name, values in added.values.items()
    }
    for name, one in series.items():
        if added.types[name] == "text":
            series[name] = one.astype("str") if one.notna().all() else one
    # Shallow: the columns that were there are the same memory, in this frame and in that one.
    return frame.copy(deep=False).rename(columns=dict(added.renamed)).assign(**series)


def _add_polars(frame: Any, added: Added) -> Any:
    polars = import_module("polars")
    text, number = polars.String, polars.Float64
    kinds = {
        "text": text,
        "number": number,
        "count": polars.Int64,
        "texts": polars.List(text),
        "numbers": polars.List(number),
    }
    new = [polars.Series(name, values, dtype=kinds[added.types[name]]) for name, values in added.values.items()]
    return frame.rename(dict(added.renamed)).hstack(new)


def _add_arrow(table: Any, added: Added) -> Any:
    kinds = _arrow_types()
    found = table.rename_columns([added.renamed.get(name, name) for name in table.column_names])
    for name, values in added.values.items():
        found = found.append_column(name, [require("pyarrow", extra="parquet").array(values, kinds[added.types[name]])])
    return found


def _arrow_types() -> dict[str, Any]:
    arrow = require("pyarrow", extra="parquet")
    text, number = arrow.string(), arrow.float64()
    return {
        "text": text,
        "number": number,
        "count": arrow.int64(),
        "texts": arrow.list_(text),
        "numbers": arrow.list_(number),
    }


def _select_dataset(dataset: Any, names: Sequence[str]) -> Any:
    return dataset.select_columns(list(names))


def _add_dataset(dataset: Any, added: Added) -> Any:
    datasets, arrow = import_module("datasets"), require("pyarrow", extra="parquet")
    kinds = _arrow_types()
    cells = {name: arrow.array(values, kinds[added.types[name]]) for name, values in added.values.items()}
    found = dataset.rename_columns(dict(added.renamed)) if added.renamed else dataset
    new = datasets.Dataset(arrow.table(cells))
    if not len(found):  # which joining would leave out
        features = datasets.Features({**found.features, **new.features})
        return datasets.Dataset.from_dict({name: [] for name in features}, features=features)
    return datasets.concatenate_datasets([found, new], axis=1)


def _columns_of_rows(rows: Sequence[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(name) for row in rows if isinstance(row, Mapping) for name in row))


def _select_rows(rows: Sequence[Any], names: Sequence[str]) -> list[Any]:  # noqa: ARG001 - a row is a reference
    return list(rows)


def _add_rows(rows: Iterable[Mapping[str, Any]], added: Added) -> list[dict[str, Any]]:
    kept = ({added.renamed.get(name, name): value for name, value in row.items()} for row in rows)
    new = zip(*added.values.values(), strict=True)
    return [row | dict(zip(added.values, values, strict=True)) for row, values in zip(kept, new, strict=True)]


ROWS = FrameKind(_columns_of_rows, _select_rows, _add_rows)

KINDS = {
    "pandas": FrameKind(_columns, _select_pandas, _add_pandas),
    "polars": FrameKind(_columns, lambda frame, names: frame.select(list(names)), _add_polars),
    "pyarrow": FrameKind(_column_names, lambda table, names: table.select(list(names)), _add_arrow),
    "datasets": FrameKind(_column_names, _select_dataset, _add_dataset),
}
"""How the frames of a library are handled, by its name."""

_TELLTALE = {"pandas": "columns", "polars": "iter_rows", "pyarrow": "append_column", "datasets": "select_columns"}
"""What a frame of a library has, and its columns, lazy frames and dictionaries of splits have not."""
