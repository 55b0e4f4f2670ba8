"""Columns that are added to a frame: names, values, and of which type they are even where all values are missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Type = Literal["text", "number", "count", "texts", "numbers"]


@dataclass(frozen=True)
class Added:
    """New columns.

    Attributes
    ----------
    values
        By the column's name: one value a row, None where it is missing.
    types
        By the column's name: ``text``, ``number`` (float64), ``count`` (int64), or a list of them: ``texts``,
        ``numbers``.
    renamed
        New names of columns that have a name of these.
    """

    values: Mapping[str, list[Any]]
    types: Mapping[str, Type]
    renamed: Mapping[str, str]
