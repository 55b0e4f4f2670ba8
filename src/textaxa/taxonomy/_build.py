"""From a draft to arrays: depths, canonical parents, the order of nodes, and what makes a draft unusable.

Nodes are ordered level by level, within a level by canonical parent, and among siblings as given (or by name). So
parents come before children, a level is a slice of ids, and siblings lie side by side.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from textaxa.errors import TaxonomyError
from textaxa.taxonomy._csr import CSR, Bool, Int32, Int64, group, read_only
from textaxa.taxonomy._draft import END, TOP, Draft
from textaxa.taxonomy._faults import Fault
from textaxa.taxonomy._packed import PackedTexts

Texts = tuple[str, ...] | PackedTexts
"""Texts of all nodes, as Python objects or packed."""


@dataclass(frozen=True, eq=False)
class Parts:
    """What a `Taxonomy` is made of, in node order; everything else is derived."""

    names: Texts
    parent: Int32
    parents: CSR
    depth: Int32
    is_terminal: Bool
    descriptions: Texts
    codes: Texts | None


def build(draft: Draft, *, sort: bool = False) -> Parts:
    """Give the arrays of a draft.

    Raises
    ------
    TaxonomyError
        With all faults of the draft, or because it has no nodes.
    """
    if not draft.names and not draft.faults:
        raise TaxonomyError(f"{draft.source}: there are no nodes. A taxonomy needs at least one path.")
    graph = Graph(draft)
    draft.refuse(graph.faults())
    return graph.parts(sort=sort)


class Graph:
    """The nodes and edges of a draft as arrays, with the depth of every node that no cycle holds up."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.n = len(draft.names)
        self.child = np.asarray(draft.children, dtype=np.int64)
        self.parent = np.asarray(draft.parents, dtype=np.int64)
        self._inner = self.parent != TOP
        self.kids = group(self.parent[self._inner], self.child[self._inner], self.n)
        self.depth = self._depths()

    @cached_property
    def name_ids(self) -> Int64:
        """A number for every node, equal where names are equal."""
        return numbered(self.draft.names)

    @property
    def has_several_parents(self) -> bool:
        """Whether some node has more than one parent."""
        return bool((np.bincount(self.child[self._inner], minlength=self.n) > 1).any())

    def _depths(self) -> Int64:
        """Longest way down to each node, 1 at the top; 0 for nodes in a cycle or below one."""
        waiting = np.bincount(self.child[self._inner], minlength=self.n)
        depth = np.zeros(self.n, dtype=np.int64)
        frontier = np.flatnonzero(waiting == 0)
        level = 0
        while frontier.size:
            level += 1
            depth[frontier] = level
            reached, times = np.unique(self.kids.rows(frontier), return_counts=True)
            waiting[reached] -= times
            frontier = reached[waiting[reached] == 0].astype(np.int64)
        return depth

    def faults(self) -> Iterator[Fault]:
        """Give what stands in the way: blank names, names that cannot be written, cycles, siblings of one name."""
        yield from self._bad_names()
        yield from self._cycles()
        yield from self._same_siblings()

    def _bad_names(self) -> Iterator[Fault]:
        draft = self.draft
        # First all at once, because hardly any taxonomy has a fault, and a loop over a million names takes a second.
        if not all(map(str.strip, draft.names)):
            for node, name in enumerate(draft.names):
                if not name.strip():
                    message = f"{draft.label(node)} has a blank name."
                    yield Fault("blank-name", message, draft.row(node))
        if not _writable(draft.names):
            for node, name in enumerate(draft.names):
                if not _writable([name]):
                    message = f"{draft.label(node)} holds half a character (a lone surrogate)."
                    yield Fault("broken-character", message, draft.row(node))

    def _cycles(self) -> Iterator[Fault]:
        held = self.depth == 0
        if not held.any():
            return
        edges = np.flatnonzero(self._inner & held[self.child] & held[self.parent])
        # A node that is held up has a held parent; following first ones must run into a cycle.
        up = dict(zip(self.child[edges[::-1]].tolist(), self.parent[edges[::-1]].tolist(), strict=True))
        seen: dict[int, int] = {}
        for start in sorted(up):
            node, walk = start, []
            while node not in seen:
                seen[node] = start
                walk.append(node)
                node = up[node]
            if seen[node] == start:
                yield self._cycle(walk[walk.index(node) :])

    def _cycle(self, cycle: list[int]) -> Fault:
        labels = [self.draft.label(node) for node in cycle[:8]]
        more = [f"… ({len(cycle) - 8} more)"] if len(cycle) > 8 else []
        way = " is below ".join([*labels, *more, labels[0]])
        return Fault("cycle", f"Nodes go round in a circle: {way}.", self.draft.row(cycle[0]))

    def _same_siblings(self) -> Iterator[Fault]:
        """Two nodes of one name below one parent would have the same path."""
        key = (self.parent + 1) * (int(self.name_ids.max(initial=0)) + 1) + self.name_ids[self.child]
        _, first, inverse, times = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
        for edge in np.flatnonzero((times > 1)[inverse]):
            original = int(first[inverse[edge]])
            if edge != original:
                yield self._sibling(int(self.child[original]), int(self.child[edge]), int(self.parent[edge]))

    def _sibling(self, node: int, again: int, parent: int) -> Fault:
        draft = self.draft
        place = "at the top level" if parent == TOP else f"below {draft.label(parent)}"
        if node == again:
            message = f"{draft.label(node)} is listed twice {place}."
            return Fault("repeated-parent", message, draft.row(node))
        message = f"{draft.label(again)} and {draft.label(node)} have the same name {place}."
        return Fault("duplicate-sibling", message, draft.row(again))

    def parts(self, *, sort: bool) -> Parts:
        """Give the arrays in node order; there must be no faults."""
        draft, canonical = self.draft, self._canonical()
        order, position = self._order(canonical, sort=sort)
        is_leaf = self.kids.counts == 0
        is_terminal = is_leaf | (np.asarray(draft.terminal, dtype=np.int64) == END)
        listed = order.tolist()
        parent = np.where(canonical == TOP, TOP, position[canonical])[order]
        return Parts(
            names=tuple([draft.names[i] for i in listed]),
            parent=read_only(parent.astype(np.int32)),
            parents=self._parents(canonical, position),
            depth=read_only(self.depth[order].astype(np.int32)),
            is_terminal=read_only(is_terminal[order]),
            descriptions=tuple([draft.descriptions.get(i, "") for i in listed]),
            codes=tuple([draft.codes[i] for i in listed]) if draft.codes is not None else None,
        )

    def _canonical(self) -> Int64:
        """The first listed parent of those that lie deepest; `TOP` at the top level."""
        child, parent = self.child[self._inner], self.parent[self._inner]
        deepest = self.depth[parent] == self.depth[child] - 1
        nodes, first = np.unique(child[deepest], return_index=True)
        canonical = np.full(self.n, TOP, dtype=np.int64)
        canonical[nodes] = parent[deepest][first]
        return canonical

    def _order(self, canonical: Int64, *, sort: bool) -> tuple[Int64, Int64]:
        """Give old ids in new order, and the new id of each old one."""
        rank = np.arange(self.n)
        if sort:
            rank[np.asarray(sorted(range(self.n), key=self.draft.names.__getitem__))] = np.arange(self.n)
        by_level = np.lexsort((rank, self.depth))
        ends = np.cumsum(np.bincount(self.depth)[1:])
        position = np.empty(self.n, dtype=np.int64)
        start = 0
        for end in ends.tolist():
            level = by_level[start:end]
            if start:
                level = level[np.argsort(position[canonical[level]], kind="stable")]
                by_level[start:end] = level
            position[level] = np.arange(start, end)
            start = end
        return by_level, position

    def _parents(self, canonical: Int64, position: Int64) -> CSR:
        """All parents of each node in node order, the canonical one first, the others as listed."""
        child, parent = self.child[self._inner], self.parent[self._inner]
        others = parent != canonical[child]
        edges = np.lexsort((others, position[child]))
        return group(position[child][edges], position[parent][edges], self.n)


def numbered(names: list[str]) -> Int64:
    """Give equal numbers to equal names, counting from 0 as they come."""
    numbers = dict(zip(dict.fromkeys(names), itertools.count(), strict=False))
    return np.fromiter(map(numbers.__getitem__, names), np.int64, len(names))


def _writable(names: list[str]) -> bool:
    try:
        "".join(names).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
