"""Edits as JSON, in and out: objects with the key ``edit``, alone, in lists and in files."""

import json
import os
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

from textaxa._suggest import did_you_mean
from textaxa.errors import TaxonomyError
from textaxa.taxonomy._edits import (
    Add,
    Describe,
    Edit,
    Merge,
    Move,
    Part,
    Remove,
    Rename,
    SetTerminal,
    Split,
    made,
)

FORMAT = "textaxa-edits"
VERSION = 1

EDITS: dict[str, type[Edit]] = {
    "add": Add,
    "rename": Rename,
    "describe": Describe,
    "move": Move,
    "merge": Merge,
    "split": Split,
    "remove": Remove,
    "terminal": SetTerminal,
}
_NAME_OF = {kind: name for name, kind in EDITS.items()}


def edit_from_dict(value: Any) -> Edit:
    """Give the edit that JSON holds.

    >>> edit_from_dict({"edit": "rename", "path": ["Games"], "name": "Play"})
    Rename(path=('Games',), name='Play')

    Raises
    ------
    TaxonomyError
        Unknown kinds and keys, missing ones, values that do not fit.
    """
    if not isinstance(value, Mapping):
        raise TaxonomyError(f"An edit is an object with the key 'edit', not {type(value).__name__}: {value!r}.")
    name = value.get("edit")
    if not isinstance(name, str) or name not in EDITS:
        raise TaxonomyError(f"There is no edit {name!r}.{did_you_mean(str(name), EDITS)} Edits: {', '.join(EDITS)}.")
    rest = {key: given for key, given in value.items() if key != "edit"}
    edit: Edit = made(EDITS[name], rest, f"the edit {name!r}")
    return edit


def edit_to_dict(edit: Edit) -> dict[str, Any]:
    """Give an edit as values that JSON can hold; what is left at its default is left out.

    >>> edit_to_dict(Move(("Games", "Sports"), ("Tools",)))
    {'edit': 'move', 'path': ['Games', 'Sports'], 'to': ['Tools']}
    """
    given = {
        field.name: getattr(edit, field.name)
        for field in fields(edit)
        if field.default is MISSING or getattr(edit, field.name) != field.default
    }
    return {"edit": _NAME_OF[type(edit)], **{name: _plain(value) for name, value in given.items()}}


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return {"name": value.name, **({"description": value.description} if value.description else {})}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def read_edits(file: str | os.PathLike[str]) -> tuple[Edit, ...]:
    """Give the edits of a JSON file: an object with ``edits``, or a plain list.

    Raises
    ------
    TaxonomyError
        It cannot be read, or an edit is not one; the message says which.
    """
    place = pathlib.Path(file)
    try:
        stored = json.loads(place.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise TaxonomyError(f"The edits in {place} cannot be read ({error}). They are JSON, in UTF-8.") from error
    return edits_from_list(_listed(stored, str(place)))


def _listed(stored: Any, source: str) -> Any:
    if not isinstance(stored, Mapping):
        return stored
    if stored.get("format") != FORMAT or stored.get("version") != VERSION:
        raise TaxonomyError(
            f"{source} has the format {stored.get('format')!r}, version {stored.get('version')!r}; edits have "
            f"{FORMAT!r}, version {VERSION}. A newer textaxa wrote it? Update with: pip install -U textaxa"
        )
    return stored.get("edits")


def edits_from_list(values: Any) -> tuple[Edit, ...]:
    """Give edits from a list of what `edit_to_dict` gives; a fault is told with its number, from 1."""
    if not isinstance(values, list):
        raise TaxonomyError(f"Edits are a list, not {type(values).__name__}. Write [ … ] around them.")
    edits = []
    for number, value in enumerate(values, start=1):
        try:
            edits.append(edit_from_dict(value))
        except TaxonomyError as error:
            raise TaxonomyError(f"Edit {number}: {error}") from error
    return tuple(edits)


def edits_to_dict(edits: Sequence[Edit]) -> dict[str, Any]:
    """Give what stands in a file of edits."""
    return {"format": FORMAT, "version": VERSION, "edits": [edit_to_dict(edit) for edit in edits]}


def write_edits(edits: Sequence[Edit], file: str | os.PathLike[str]) -> None:
    """Write edits to a new JSON file that `read_edits` reads back.

    Raises
    ------
    TaxonomyError
        There is a file already, or it cannot be written.
    """
    try:
        with pathlib.Path(file).open("x", encoding="utf-8") as out:
            json.dump(edits_to_dict(edits), out, ensure_ascii=False, indent=1)
    except OSError as error:
        raise TaxonomyError(f"The edits cannot be written to {file} ({error}). Choose another name.") from error
