"""The model that a job works with, and what it remembers of the table that it was trained on."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textaxa.data import Columns
from textaxa.data._columns import REMEMBERED, remember_columns
from textaxa.taxonomy import Path as LabelPath

if TYPE_CHECKING:
    from textaxa.model import Model

__all__ = ["columns_for", "columns_of", "majority_of", "remember_columns"]

_LABELS = ("labels", "path", "paths")


def columns_for(model: "Model", given: dict[str, Any], *, labels: bool) -> Columns:
    """Give the columns to read: those given, and for what is not given those of the training table.

    Parameters
    ----------
    model
        Its summary holds the training table's columns.
    given
        Fields of `Columns`; None or missing means "as in training".
    labels
        Whether labels are read too.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    known = _known_columns(model)
    if "text" in chosen:
        known.pop("template", None)
    if any(name in chosen for name in _LABELS):
        known = {name: value for name, value in known.items() if name not in _LABELS}
    fields = {**known, **chosen}
    if not labels:
        fields = {name: value for name, value in fields.items() if name not in _LABELS}
    return columns_of(fields)


def majority_of(model: "Model") -> tuple[LabelPath, ...]:
    """Give the most frequent labels of the training rows; empty where the model does not know them."""
    stored = model.summary.get("majority")
    if not isinstance(stored, list) or not all(isinstance(path, list) and path for path in stored):
        return ()
    return tuple(tuple(path) for path in stored)


def _known_columns(model: "Model") -> dict[str, Any]:
    """Give the training table's columns; what a hand has written there that is no column's name is left out."""
    stored = model.summary.get("columns")
    return {
        name: value
        for name, value in (stored.items() if isinstance(stored, dict) else ())
        if name in REMEMBERED and (isinstance(value, str) or _is_list_of_names(value))
    }


def _is_list_of_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def columns_of(fields: dict[str, Any]) -> Columns:
    """Give columns from their fields, lists taken for tuples."""
    return Columns(**{name: _as_tuple(value) for name, value in fields.items()})


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
