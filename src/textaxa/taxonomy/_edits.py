"""Edits of a taxonomy as values: what a person wants changed.

Paths of an edit are those after the edits before it. What edits do to a taxonomy is in `textaxa.taxonomy._editing`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, Literal

from textaxa._suggest import did_you_mean
from textaxa.errors import TaxonomyError
from textaxa.taxonomy._paths import DEFAULT_SEPARATOR, Path, as_path

_TOP = "the top level"


def told(path: Path) -> str:
    """Give a path as messages write it."""
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
        return f"Added: {told(self.path)}"


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
        return f"Renamed: {told(self.path)} is now called {self.name}"


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
        return f"Described: {told(self.path)}" if self.description else f"Description removed: {told(self.path)}"


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
        return f"Moved: {told(self.path)}, now below {told(self.to)}"


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
        return f"Merged: {' and '.join(map(told, self.paths))} into {told(self.into)}"


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
            raise TaxonomyError(f"{told(self.path)} would be split into fewer than two nodes. Name two or more.")
        _set(self, "into", tuple(map(_part, self.into)))
        names = [part.name for part in self.into]
        if len(set(names)) < len(names):
            raise TaxonomyError(f"Two of the parts of {told(self.path)} have the same name: {names}. Rename one.")
        if self.to not in ("children", "siblings"):
            raise TaxonomyError(f"A node is split to 'children' or 'siblings', not {self.to!r}.")

    def in_words(self) -> str:
        """Give the edit as a sentence."""
        names = ", ".join(part.name for part in self.into)
        return f"Split: {told(self.path)} into {names}" + (" below it" if self.to == "children" else "")


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
        return f"Removed: {told(self.path)}" + (" (its children went up)" if self.children == "lift" else "")


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
        return f"Labels {'may end' if self.terminal else 'no longer end'} at {told(self.path)}"


Edit = Add | Rename | Describe | Move | Merge | Split | Remove | SetTerminal


def _part(value: Any) -> Part:
    if isinstance(value, Part):
        return value
    if isinstance(value, str):
        return Part(value)
    part: Part = made(Part, value, "a part of a split")
    return part


def made(kind: Any, value: Any, what: str) -> Any:
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
