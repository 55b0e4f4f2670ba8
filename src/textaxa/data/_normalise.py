"""What people pass to ``fit(texts, labels)``, as plain lists.

Comes in: lists, arrays, Series and frames in the forms that people have them in. Goes out: a list of texts, or a list
of labels and whether a text can have several paths, decided over all rows; or a `DataError` that names the rows.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, Literal, NoReturn

from textaxa.data._cells import (
    HALF_PAIR,
    HALF_PAIR_CURE,
    cell_text,
    has_surrogate,
    is_blank,
    is_list,
    path_of_cell,
    path_of_names,
)
from textaxa.data._faults import Faults
from textaxa.data._objects import library_of
from textaxa.errors import DataError
from textaxa.taxonomy import DEFAULT_SEPARATOR, Path

Task = Literal["single", "multi"]

_FORMS = (
    "Give every row the same form: a name ('Games'), a path (('Games', 'Sports')), a list of paths "
    "([('Games', 'Sports'), ('News',)]), or label columns (a frame or a 2-D array)."
)


def normalise_labels(
    labels: Any, *, separator: str | None = None, task: Literal["auto", "single", "multi"] = "auto"
) -> tuple[list[tuple[Path, ...]], Task]:
    """Give the labels of every row as paths, and whether a row can have several.

    Parameters
    ----------
    labels
        One of these forms, the same in all rows:

        ==========================================  =========================================================
        a row holds                                 it means
        ==========================================  =========================================================
        ``"Games"``                                 a path of one level
        ``"Games > Sports"`` with a ``separator``   a path
        ``("Games", "Sports")``, a list too         a path; an empty or missing end stops above
        ``["Games > Sports", "News"]`` with a       several paths
        ``separator``
        ``[("Games", "Sports"), ("News",)]``        several paths
        cells of a frame or of a 2-D array          a path, one column a level; an empty or missing end stops above
        ==========================================  =========================================================
    separator
        Between the names of a path in text. None: text is one name.
    task
        ``"single"`` refuses rows of several paths. ``"auto"`` is ``"multi"`` where any row has several paths.

    Returns
    -------
    labels, task
        A tuple of paths a row, each path once; ``"single"`` or ``"multi"``.

    Raises
    ------
    DataError
        Rows are empty, of different forms, or no labels; all of them in one error.

    Examples
    --------
    >>> normalise_labels([("Games", "Sports"), ("News", "")])
    ([(('Games', 'Sports'),), (('News',),)], 'single')
    >>> normalise_labels(["Games > Sports"], separator=" > ")
    ([(('Games', 'Sports'),)], 'single')
    """
    rows, levels = _rows_of(labels, "labels")
    faults = Faults("labels", "index", collect=True)
    forms = [_form(row, None if levels else separator) for row in rows]
    _refuse_mixed(rows, forms, faults)
    faults.raise_if_any()
    found = [
        _labels(row, form, index, separator, faults) for index, (row, form) in enumerate(zip(rows, forms, strict=True))
    ]
    if task == "single":
        _refuse_several(found, faults)
    faults.raise_if_any()
    several = any(len(paths) > 1 for paths in found)
    return found, "multi" if task == "multi" or several else "single"


def normalise_texts(texts: Any) -> list[str]:
    """Give the texts of a list, an array, a Series, or a frame or 2-D array of one column.

    Raises
    ------
    DataError
        Texts are missing, blank or no text; all of them in one error.

    Examples
    --------
    >>> normalise_texts(("Play chess", " Edit photos "))
    ['Play chess', 'Edit photos']
    """
    if hasattr(texts, "toarray"):
        raise DataError(f"The texts are a sparse matrix of numbers. {_FEATURES_CURE}")
    rows, levels = _rows_of(texts, "texts")
    if levels:
        _refuse_columns(texts, rows[0])
    faults = Faults("texts", "index", collect=True)
    found = [_text(row, index, faults) for index, row in enumerate(rows)]
    faults.raise_if_any()
    return found


def _refuse_columns(texts: Any, first: tuple[Any, ...]) -> NoReturn:
    """Refuse texts of several columns: features that another step made, or columns that nobody joined."""
    if not any(isinstance(value, str) for value in first):
        raise DataError(f"The texts are a matrix: {len(first)} columns, and no text in the first row. {_FEATURES_CURE}")
    names = ", ".join(repr(str(name)) for name in list(getattr(texts, "columns", ()))[:5])
    raise DataError(
        f"The texts have {len(first)} columns{f' ({names})' if names else ''}. Give one column: join several into one "
        "text first, in a pipeline by a ColumnTransformer (docs/scikit-learn.md)."
    )


def _rows_of(values: Any, what: str) -> tuple[list[Any], bool]:
    """Give the rows of any container, and whether they are rows of several columns."""
    _refuse_no_rows(values, what)
    if hasattr(values, "columns"):
        rows = _rows_of_frame(values)
    elif getattr(values, "ndim", 1) == 2:
        rows = [tuple(row) for row in values.tolist()]
    elif hasattr(values, "to_pylist"):
        return values.to_pylist(), False
    else:
        return list(values), False
    # One column may hold whole paths, or lists of them: then its cells are the rows.
    if rows and len(rows[0]) == 1:
        return [row[0] for row in rows], False
    return rows, True


def _rows_of_frame(frame: Any) -> list[tuple[Any, ...]]:
    if library_of(frame) == "polars":
        return frame.rows()  # type: ignore[no-any-return]
    columns = [frame.iloc[:, place].tolist() for place in range(frame.shape[1])]
    return list(zip(*columns, strict=True))


def _refuse_no_rows(values: Any, what: str) -> None:
    kind = type(values).__name__
    if values is None:
        raise DataError(f"The {what} are missing (None). Give one for every row.")
    if isinstance(values, str | bytes):
        raise DataError(f"The {what} are one text, {str(values)[:40]!r}. Give a list, even of one text.")
    if isinstance(values, Mapping | Set) or not isinstance(values, Iterable):
        raise DataError(f"The {what} are a {kind}, which has no rows in order. Give a list with one entry a row.")
    array: Any = values
    ndim = getattr(array, "ndim", 1)
    if hasattr(array, "toarray"):
        raise DataError(f"The {what} are a sparse matrix. Give the {what} themselves, one a row.")
    if ndim not in (1, 2):
        raise DataError(f"The {what} have {ndim} dimensions. Give 1, or 2 (one column a level).")
    if hasattr(array, "__len__") and not len(array):
        raise DataError(f"There are no {what}: 0 rows. At least one is needed.")
    if ndim == 2 and array.shape[1] > 1 and _is_indicator(array):
        raise DataError(f"The {what} are a matrix of 0 and 1. Give the paths themselves: [[('Games', 'Sports')], …].")


def _is_indicator(array: Any) -> bool:
    """Tell whether a matrix says with 0 and 1 which labels a row has; its columns are then no levels."""
    kind = getattr(getattr(array, "dtype", None), "kind", "O")
    return kind == "b" or (kind in "iu" and bool(((array == 0) | (array == 1)).all()))


def _text(row: Any, index: int, faults: Faults) -> str:
    if is_blank(row):
        faults.add(
            index, "blank-text", f"the text is {'missing' if not isinstance(row, str) else 'blank'}", cure=_BLANK_CURE
        )
    elif not isinstance(row, str):
        faults.add(index, "not-text", f"{type(row).__name__} where a text belongs: {repr(row)[:40]}", cure=_TEXT_CURE)
    else:
        if has_surrogate(row):
            faults.add(index, "broken-text", f"the text has {HALF_PAIR}", cure=HALF_PAIR_CURE)
        return row.strip()
    return ""


def _form(row: Any, separator: str | None) -> str:
    """Give the form of a row's labels: ``name``, ``path``, ``paths``, or ``empty``."""
    if not is_list(row):
        return "empty" if is_blank(row) else "name"
    if all(is_blank(item) for item in row):
        return "empty"
    if any(is_list(item) for item in row):
        return "paths" if all(is_list(item) for item in row) else "mixed"
    return "path" if separator is None else "paths"


def _refuse_mixed(rows: Sequence[Any], forms: Sequence[str], faults: Faults) -> None:
    usual = next((form for form in forms if form not in ("empty", "mixed")), "name")
    for index, (row, form) in enumerate(zip(rows, forms, strict=True)):
        if form == "empty":
            faults.add(index, "no-label", f"there is no label: {repr(row)[:40]}", cure="Every row needs a label.")
        elif form != usual:
            message = f"{_MEANINGS[form]} where the first rows have {_MEANINGS[usual]}: {repr(row)[:60]}"
            faults.add(index, "mixed-forms", message, cure=_FORMS)


_MEANINGS = {"name": "one text", "path": "a path", "paths": "several paths", "mixed": "paths and texts side by side"}


def _labels(row: Any, form: str, index: int, separator: str | None, faults: Faults) -> tuple[Path, ...]:
    try:
        if form == "paths":
            return tuple(dict.fromkeys(path for item in row if (path := _path(item, separator))))
        return (_path(row, separator),)
    except DataError as error:
        message, _, cure = str(error).partition(". ")
        faults.add(index, "bad-label", message, cure=cure)
        return ()


def _path(value: Any, separator: str | None) -> Path:
    if isinstance(value, str) and separator is not None:
        return path_of_cell(value, "labels", separator)
    # A name with the separator in it would be read back as two from a prediction, and probably is two here.
    names = _names(value) if is_list(value) else (cell_text(value, "labels"),)
    return path_of_names(names, "labels", separator or DEFAULT_SEPARATOR)


def _names(row: Iterable[Any]) -> tuple[str, ...]:
    return tuple(cell_text(name, "labels") for name in row)


def _refuse_several(found: Sequence[tuple[Path, ...]], faults: Faults) -> None:
    for index, paths in enumerate(found):
        if len(paths) > 1:
            faults.add(
                index, "several-paths", f"{len(paths)} paths where one belongs (task='single')", cure=_SEVERAL_CURE
            )


_FEATURES_CURE = (
    "This model makes features by itself: leave out the step that makes them (TfidfVectorizer, an encoder), and give "
    "the texts."
)
_BLANK_CURE = "Leave out rows without a text, or fill them in."
_TEXT_CURE = "Texts are str: decode bytes, and turn numbers into text if they are meant."
_SEVERAL_CURE = "Give one path a row, or task='multi'."
