"""Paths: names from the top level down, and how they are written in one line."""

from collections.abc import Sequence
from typing import Any

from textaxa.errors import TaxonomyError

Path = tuple[str, ...]
"""Names from the top level down, root left out: ``("Games", "Sports")``."""

DEFAULT_SEPARATOR = " > "


def format_path(path: Sequence[str], separator: str = DEFAULT_SEPARATOR) -> str:
    """Give the path in one line.

    Raises
    ------
    TaxonomyError
        A name contains the separator, so the line could not be read back.

    Examples
    --------
    >>> format_path(("Games", "Sports"))
    'Games > Sports'
    """
    for name in path:
        if splits(name, separator):
            raise TaxonomyError(
                f"The name {name!r} contains the separator {separator!r}, so a path with it could not be read back. "
                "Rename the node or choose another separator."
            )
    return separator.join(path)


def splits(name: str, separator: str = DEFAULT_SEPARATOR) -> bool:
    """Tell whether a name would fall apart (or lose a piece) when a path with it is parsed."""
    return separator in f" {name} "


def parse_path(text: str, separator: str = DEFAULT_SEPARATOR) -> Path:
    """Give the path that a line holds; spaces around names do not count.

    Raises
    ------
    TaxonomyError
        The line is blank, or a name between two separators is.

    Examples
    --------
    >>> parse_path("Games > Sports")
    ('Games', 'Sports')
    >>> parse_path("Games/Sports", separator="/")
    ('Games', 'Sports')
    """
    check_separator(separator)
    if not text.strip():
        raise TaxonomyError("The path is blank. Write the names from the top level down.")
    # The spaces let " > " be found at both ends as well: "Games >" has an empty name, and is not a name with an arrow.
    names = tuple(name.strip() for name in f" {text} ".split(separator))
    empty = next((level for level, name in enumerate(names, start=1) if not name or splits(name, separator)), None)
    if empty is not None:
        raise TaxonomyError(
            f"The path {text!r} has an empty name at level {empty}. "
            f"A separator {separator!r} too many, or a level left out?"
        )
    return names


def check_separator(separator: str) -> None:
    """Refuse an empty separator."""
    if not separator:
        raise TaxonomyError(
            "The separator of paths is empty. Name the characters between two levels, for example ' > '."
        )


def as_path(value: Any) -> Path:
    """Give ``value`` as a path, or say what is wrong with it."""
    if isinstance(value, str):
        raise TaxonomyError(
            f"{value!r} is text, not a path. A path is a tuple of names, ('Games', 'Sports'); "
            "parse_path(text) makes one of text."
        )
    if not isinstance(value, tuple | list):
        raise TaxonomyError(f"{value!r} is not a path. A path is a tuple of names, ('Games', 'Sports').")
    for level, name in enumerate(value, start=1):
        if not isinstance(name, str):
            raise TaxonomyError(
                f"The path {value!r} has {name!r} ({type(name).__name__}) at level {level}, where a name belongs. "
                "Turn numbers into text, and leave out levels that are empty."
            )
        if not name.strip():
            raise TaxonomyError(
                f"The path {value!r} has an empty name at level {level}. Leave out levels that are empty."
            )
    if not value:
        raise TaxonomyError("A path is empty: the root itself is not a label. Give at least one name.")
    return tuple(value)
