"""Edits of a taxonomy as values: what a person wants changed, in words, and as JSON in and out.

Paths of an edit are those after the edits before it. What edits do to a taxonomy is in `textaxa.taxonomy._editing`.
"""

import json
import os
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal

from textaxa._suggest import did_you_mean
from textaxa.errors import TaxonomyError
from textaxa.taxonomy._paths import DEFAULT_SEPARATOR, Path, as_path

FORMAT = "textaxa-edits"
VERSION = 1
_TOP = "the top level"


def _told(path: Path) -> str:
    return DEFAULT_SEPARATOR.join(path) or _TOP


def _check_text(value: Any, what: str) -> None:
    if not isinstance(value, str):
        raise TaxonomyError(f"The {what} {value!r} is {type(value).__name__}, not text. Put numbers in quotes.")
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise TaxonomyError(
            f"The {what} {value!r} holds half a character (a lone surrogate). Was it decoded wrongly?"
        ) from error


def _check_name(value: Any, what: str = "name") -> None:
    _check_text(value, what)
    if not value.strip():
        raise TaxonomyError(f"The {what} {value!r} is blank. Give every node a name.")


def _node_path(value: Any) -> Path:
    path = as_path(value)
    for name in path:
        _check_name(name)
    return path


def _check_position(value: Any) -> None:
    if value is not None and (type(value) is not int or value < 0):
        raise TaxonomyError(f"The position {value!r} is not a place among siblings. Count from 0, or leave it out.")


def _set(edit: Any, name: str, value: Any) -> None:
    """Put what a frozen value was given into its final form."""
    object.__setattr__(edit, name, value)


@dataclass(frozen=True)
class Add:
    """A new node, whose last name is its own; the node above it must be there.

    Labels may still end at a leaf that gets its first child, so that rows labelled with it stay right.

    Attributes
    ----------
    path
        Where it will be.
    description
        What belongs there.
    code
        Its code, where the taxonomy has codes; None to make one up.
    position
        Its place among its siblings, from 0; None for the last.
    """

    path: Path
    description: str = ""
    code: str | None = None
    position: int | None = None

    def __post_init__(self) -> None:
        """Refuse what is no new node."""
        _set(self, "path", _node_path(self.path))
        _check_text(self.description, "description")
        if self.code is not None:
            _check_name(self.code, "code")
        _check_position(self.position)

    def in_words(self) -> str:
        """Give the edit as a sentence."""
        return f"Added: {_told(self.path)}"


@dataclass(frozen=True)
class Rename:
    """A node gets another name and stays where it is."""

    path: Path
    name: str

    def __post_init__(self) -> None:
        """Refuse a name that is none."""
        _set(self, "path", _node_path(self.path))
        _check_name(self.name)

    def in_words(self) -> str:
        """Give the edit as a sentence."""
        return f"Renamed: {_told(self.path)} is now called {self.name}"


@dataclass(frozen=True)
class Describe:
    """A node gets another description; an empty one takes it away."""

    path: Path
    description: str

    def __post_init__(self) -> None:
        """Refuse a description that is none."""
        _set(self, "path", _node_path(self.path))
        _check_text(self.description, "description")

    def in_words(self) -> str:
        """Give the edit as a sentence."""
        return f"Described: {_told(self.path)}" if self.description else f"Description removed: {_told(self.path)}"


@dataclass(frozen=True)
class Move:
    """A node and what lies below it go below another one.

    In a DAG the parent on the given path is replaced; other parents stay.

    Attributes
    ----------
    path
        What moves.
    to
        Its new parent; empty for the top level.
    position
        Its place among its new siblings, from 0; None for the last.
    """

    path: Path
    to: Path
    position: int | None = None

    def __post_init__(self) -> None:
        """Refuse what is no place."""
        _set(self, "path", _node_path(self.path))
        _set(self, "to", _node_path(self.to) if self.to else ())
        _check_position(self.position)

    def in_words(self) -> str:
        """Give the edit as a sentence."""
        return f"Moved: {_told(self.path)}, now below {_told(self.to)}"


@dataclass(frozen=True)
class Merge:
    """Nodes become part of another one, with what lies below them; children of the same name are merged, too.

    Attributes
    ----------
    paths
        What is merged and then gone.
    into
        What stays, with its name and description.
    """

    paths: tuple[Path, ...]
    into: Path

    def __post_init__(self) -> None:
        """Refuse nothing to merge."""
        if isinstance(self.paths, str) or not isinstance(self.paths, Sequence) or not self.paths:
            raise TaxonomyError(f"The paths to merge are {self.paths!r}. Give a list of one path or more.")
        _set(self, "paths", tuple(_node_path(path) for path in self.paths))
        _set(self, "into", _node_path(self.into))

    def in_words(self) -> str:
        """Give the edit as a sentence."""
        return f"Merged: {' and '.join(map(_told, self.paths))} into {_told(self.into)}"


@dataclass(frozen=True)
class Part:
    """One of the new nodes that a node is split into."""

    name: str
    description: str = ""

    def __post_init__(self) -> None:
        """Refuse a name that is none."""
        _check_name(self.name)
        _check_text(self.description, "description")


@dataclass(frozen=True)
class Split:
    """A node becomes several new ones.

    Attributes
    ----------
    path
        What is split.
    into
        The new nodes, two or more.
    to
        ``children``: the node stays and they lie below it, and labels end there instead. ``siblings``: they take its
        place; it must be a leaf then.
    """

    path: Path
    into: tuple[Part, ...]
    to: Literal["children", "siblings"] = "children"

    def __post_init__(self) -> None:
        """Refuse fewer than two parts, and parts of one name."""
        _set(self, "path", _node_path(self.path))
        if isinstance(self.into, str) or not isinstance(self.into, Sequence) or len(self.into) < 2:
            raise TaxonomyError(f"{_told(self.path)} would be split into fewer than two nodes. Name two or more.")
        _set(self, "into", tuple(map(_part, self.into)))
        names = [part.name for part in self.into]
        if len(set(names)) < len(names):
            raise TaxonomyError(f"Two of the parts of {_told(self.path)} have the same name: {names}. Rename one.")
        if self.to not in ("children", "siblings"):
            raise TaxonomyError(f"A node is split to 'children' or 'siblings', not {self.to!r}.")

    def in_words(self) -> str:
        """Give the edit as a sentence."""
        names = ", ".join(part.name for part in self.into)
        return f"Split: {_told(self.path)} into {names}" + (" below it" if self.to == "children" else "")


@dataclass(frozen=True)
class Remove:
    """A node goes.

    Attributes
    ----------
    path
        What goes.
    children
        ``remove``: what lies below goes along. ``lift``: its children go up to where it was.
    """

    path: Path
    children: Literal["remove", "lift"] = "remove"

    def __post_init__(self) -> None:
        """Refuse another fate of the children."""
        _set(self, "path", _node_path(self.path))
        if self.children not in ("remove", "lift"):
            raise TaxonomyError(f"Children are removed ('remove') or go up ('lift'), not {self.children!r}.")

    def in_words(self) -> str:
        """Give the edit as a sentence."""
        return f"Removed: {_told(self.path)}" + (" (its children went up)" if self.children == "lift" else "")


@dataclass(frozen=True)
class SetTerminal:
    """Labels may end at a node with children, or no more."""

    path: Path
    terminal: bool

    def __post_init__(self) -> None:
        """Refuse what is neither yes nor no."""
        _set(self, "path", _node_path(self.path))
        if not isinstance(self.terminal, bool):
            raise TaxonomyError(f"terminal is true or false, not {self.terminal!r}.")

    def in_words(self) -> str:
        """Give the edit as a sentence."""
        return f"Labels {'may end' if self.terminal else 'no longer end'} at {_told(self.path)}"


Edit = Add | Rename | Describe | Move | Merge | Split | Remove | SetTerminal
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


def _part(value: Any) -> Part:
    if isinstance(value, Part):
        return value
    if isinstance(value, str):
        return Part(value)
    part: Part = _made(Part, value, "a part of a split")
    return part


def _made(kind: Any, value: Any, what: str) -> Any:
    """Give a value of a class from its keys, all of them known and the needed ones there."""
    if not isinstance(value, Mapping):
        raise TaxonomyError(f"{what} is an object with keys, not {type(value).__name__}: {value!r}.")
    known = {field.name: field.default is MISSING for field in fields(kind)}
    for key in value:
        if key not in known:
            raise TaxonomyError(f"There is no key {key!r} in {what}.{did_you_mean(str(key), known)}")
    missing = [name for name, is_needed in known.items() if is_needed and name not in value]
    if missing:
        raise TaxonomyError(f"{what} lacks {', '.join(map(repr, missing))}. Add it.")
    return kind(**value)


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
    edit: Edit = _made(EDITS[name], rest, f"the edit {name!r}")
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
