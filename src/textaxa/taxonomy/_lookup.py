"""From paths to nodes and back, without a million tuples or a million-entry table up front."""

from collections.abc import Iterator, Sequence
from typing import overload

from textaxa._suggest import did_you_mean
from textaxa.errors import TaxonomyError
from textaxa.taxonomy._build import Parts
from textaxa.taxonomy._csr import CSR, Int32
from textaxa.taxonomy._paths import Path, as_path

_MAX_COMPARED = 2_000
"""Siblings whose names are compared with an unknown one; comparing a million would take a minute."""


class PathIndex:
    """Finds nodes by path. The children of a node are put in a table the first time that they are asked for."""

    def __init__(self, parts: Parts, children: CSR, top: Int32) -> None:
        self._names = parts.names
        self._children = children
        self._top = top
        self._tables: dict[int, dict[str, int]] = {}

    def find(self, path: Sequence[str]) -> int | None:
        """Give the node at ``path``, or None."""
        if isinstance(path, str) or not path:
            return None
        # A million rows of labels come through here, so a step costs two look-ups and no call.
        tables, node = self._tables, -1
        for name in path:
            table = tables.get(node)
            found = (self._table(node) if table is None else table).get(name)
            if found is None:
                return None
            node = found
        return node

    def _table(self, node: int) -> dict[str, int]:
        table = self._tables.get(node)
        if table is None:
            below = (self._top if node < 0 else self._children.row(node)).tolist()
            table = self._tables[node] = dict(zip(self._names_of(below), below, strict=True))
        return table

    def _names_of(self, below: list[int]) -> Sequence[str]:
        """Give the names of siblings, which lie side by side unless one of them has a parent before this one."""
        if below and below[-1] - below[0] == len(below) - 1:
            return self._names[below[0] : below[-1] + 1]
        return [self._names[child] for child in below]

    def unknown(self, path: Path) -> TaxonomyError:
        """Give the error for a path that is not in the taxonomy: where it leaves it, and the nearest name there."""
        node, level = -1, 0
        while (found := self._table(node).get(path[level])) is not None:
            node, level = found, level + 1
        name = path[level]
        place = f"below {path[:level]!r}" if level else "at the top level"
        siblings = self._table(node)
        if not siblings:
            return TaxonomyError(f"{path!r} is not in the taxonomy: {path[:level]!r} is a leaf, nothing lies below it.")
        hint = did_you_mean(name, _comparable(name, siblings)) or self._elsewhere(name)
        return TaxonomyError(f"{path!r} is not in the taxonomy: there is no {name!r} {place}.{hint}")

    def _elsewhere(self, name: str) -> str:
        if name not in self._names:
            return ""
        return f" A node {name!r} lies in another branch; nodes are known by their whole path."


def _comparable(name: str, siblings: dict[str, int]) -> list[str]:
    if len(siblings) <= _MAX_COMPARED:
        return list(siblings)
    first = name[:1].casefold()
    return [sibling for sibling in siblings if sibling[:1].casefold() == first][:_MAX_COMPARED]


class Nodes(Sequence[Path]):
    """The canonical paths of all nodes, made when asked for."""

    def __init__(self, parts: Parts, index: PathIndex) -> None:
        self._parts = parts
        self._index = index

    def __len__(self) -> int:
        return len(self._parts.names)

    @overload
    def __getitem__(self, node: int) -> Path: ...
    @overload
    def __getitem__(self, node: slice) -> list[Path]: ...
    def __getitem__(self, node: int | slice) -> Path | list[Path]:
        if isinstance(node, slice):
            return [self[i] for i in range(len(self))[node]]
        names, parent = self._parts.names, self._parts.parent
        at = range(len(self))[node]
        path: list[str] = []
        while at >= 0:
            path.append(names[at])
            at = parent.item(at)
        return tuple(reversed(path))

    def __iter__(self) -> Iterator[Path]:
        """Level by level: each path is that of its parent, one level up, and one name more."""
        above: dict[int, Path] = {-1: ()}
        level: dict[int, Path] = {}
        depth = 1
        columns = zip(self._parts.names, self._parts.parent.tolist(), self._parts.depth.tolist(), strict=True)
        for node, (name, parent, deep) in enumerate(columns):
            if deep != depth:
                above, level, depth = level, {}, deep
            path = level[node] = (*above[parent], name)
            yield path

    def __contains__(self, path: object) -> bool:
        return isinstance(path, tuple | list) and self._index.find(path) is not None

    def index(self, value: Path, start: int = 0, stop: int | None = None) -> int:
        """Give the node at a path; `TaxonomyError` (a ValueError) where there is none."""
        node = self._index.find(value)
        if node is None or node not in range(len(self))[start:stop]:
            raise (
                self._index.unknown(as_path(value))
                if node is None
                else TaxonomyError(f"{value!r} is outside the range.")
            )
        return node

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join(repr(self[i]) for i in range(min(len(self), 4)))
        return f"[{shown}{', …' if len(self) > 4 else ''}] ({len(self)} paths)"
