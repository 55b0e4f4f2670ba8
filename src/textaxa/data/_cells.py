"""One cell of a table: as text, as a name, as a path.

Comes in: whatever a reader found there (text, a number, a list, an array, a missing value of any library). Goes out:
text without spaces around it, or a path; or a `DataError` that says what is wrong with the cell and names its column.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from textaxa.errors import DataError
from textaxa.taxonomy import Path

NAME_CURE = (
    "If these are whole paths, read them as paths (separator=' > '; for a table also path=…, --path); else choose "
    "another "
    "separator (separator=…, --separator), one that is in no name."
)


HALF_PAIR = "half of a surrogate pair, which is no character"
HALF_PAIR_CURE = "It was cut in the middle of a character: write the texts again from their source."


def is_missing(value: Any) -> bool:
    """Tell whether a value is no value: None, or the NaN, NaT or NA of a library."""
    if value is None:
        return True
    if isinstance(value, float):
        return math.isnan(value)
    # pandas.NA and NaT are single objects of types that cannot be imported here without importing pandas.
    return type(value).__name__ in {"NAType", "NaTType"}


def is_blank(value: Any) -> bool:
    """Tell whether a cell is missing, or text of nothing but spaces."""
    return is_missing(value) or (isinstance(value, str) and not value.strip())


def has_surrogate(text: str) -> bool:
    """Tell whether a text holds half of a surrogate pair, which no encoding can write and no tokenizer reads.

    Examples
    --------
    >>> has_surrogate("\\ud83d"), has_surrogate("\\U0001f600")
    (True, False)
    """
    if text.isascii():
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def cell_text(value: Any, column: str) -> str:
    """Give a cell as text without spaces around it; the empty string where it is missing.

    Numbers become text: readers of tables make numbers of names such as "1984". A whole number that became a float
    because other cells of its column are empty becomes whole again.

    Raises
    ------
    DataError
        The cell holds something else: a list, a mapping, bytes.
    """
    if isinstance(value, str):
        return value.strip()
    if is_missing(value):
        return ""
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    raise DataError(
        f"column {column!r} holds {_short(value)}, of the type {type(value).__name__}, where text belongs. "
        "Turn it into text first, or name another column."
    )


def path_of_cell(value: Any, column: str, separator: str) -> Path:
    """Give the path in a cell: a list of names, or text with separators; the empty tuple where it is blank.

    Raises
    ------
    DataError
        An empty name inside the path, or a name with the separator in it.
    """
    if is_blank(value):
        return ()
    if isinstance(value, str):
        # The spaces let " > " be found at both ends as well: "Games >" is a path with an empty name.
        names = tuple(name.strip() for name in f" {value} ".split(separator))
        if all(names):
            _refuse_half_pairs(names, column)
            return names
        raise DataError(
            f"the path {_short(value)} in column {column!r} has an empty name at level {names.index('') + 1}. "
            f"A separator {separator!r} too many, or a level left out?"
        )
    if not is_list(value):
        return (cell_text(value, column),)
    if len(value) and all(is_list(name) for name in value):
        raise DataError(
            f"column {column!r} holds {len(value)} paths where one belongs: {_short(value)}. "
            "Read several paths a row (paths=…, --paths), or leave one."
        )
    return path_of_names(tuple(cell_text(name, column) for name in value), column, separator)


def path_of_names(names: Sequence[str], column: str, separator: str, *, labels: Sequence[str] = ()) -> Path:
    """Give the path of names from the top level down, empty ones at the end left out.

    Parameters
    ----------
    names
        Names without spaces around them; empty where there is none.
    column
        The column of the whole path, for messages.
    separator
        What no name may contain.
    labels
        The column of each name, where each has its own.

    Raises
    ------
    DataError
        A name below an empty one, or a name with the separator in it.
    """
    depth = next((level for level, name in enumerate(names) if not name), len(names))
    for level in range(depth, len(names)):
        if names[level]:
            raise DataError(
                _orphan(names[level], labels[level] if labels else "", labels[depth] if labels else "", column, depth)
            )
    path = tuple(names[:depth])
    _refuse_half_pairs(path, column or ", ".join(labels))
    for level, name in enumerate(path):
        if separator in f" {name} ":  # spaces as in `path_of_cell`
            where = labels[level] if labels else column
            raise DataError(
                f"the name {_short(name)} in column {where!r} contains the separator {separator!r}. {NAME_CURE}"
            )
    return path


def _refuse_half_pairs(names: Sequence[str], column: str) -> None:
    for name in names:
        if has_surrogate(name):
            raise DataError(f"the name {_short(name)} in column {column!r} has {HALF_PAIR}. {HALF_PAIR_CURE}")


def is_list(value: Any) -> bool:
    """Tell whether a value is a list of some kind: list, tuple, array, polars or Arrow series."""
    if isinstance(value, str | bytes):  # NumPy's str has `tolist` too
        return False
    return isinstance(value, list | tuple) or (hasattr(value, "tolist") and hasattr(value, "__len__"))


def listed(value: Any, column: str) -> Iterable[Any]:
    """Give the items of a list of any kind.

    Raises
    ------
    DataError
        The value is not a list.
    """
    if not is_list(value):
        raise DataError(
            f"column {column!r} holds {_short(value)}, of the type {type(value).__name__}, where a list of paths "
            "belongs."
        )
    return value.tolist() if hasattr(value, "tolist") else value  # type: ignore[no-any-return]


def _orphan(name: str, child: str, parent: str, column: str, depth: int) -> str:
    if child:
        return (
            f"column {child!r} has {_short(name)}, but its parent column {parent!r} is empty. "
            "Fill in the parent, or name the label columns from the top level down."
        )
    return (
        f"the path in column {column!r} has {_short(name)} below an empty name at level {depth + 1}. "
        "Fill in the parent."
    )


def _short(value: Any) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}…"
