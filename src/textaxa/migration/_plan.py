"""Where every output row of a head for the new taxonomy comes from.

A mapping of nodes, and the keys of a head's rows before and after, come in; for each new row its sources among the old
rows goes out, or that it has none and is to start from label text. Only numbers of rows, no weights: so networks,
sparse and mapped rows share it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from textaxa.migration._keys import Key, node_of
from textaxa.taxonomy import NodeMapping

Layer = Sequence[Key]

Group = tuple[Any, ...]
"""What kind of rows compete, and the parents of their nodes."""

CLOSED = ("way", "stop")
"""Kinds of rows that compete with their siblings alone."""


@dataclass(frozen=True)
class Row:
    """Where one row comes from.

    Attributes
    ----------
    key
        What it stands for.
    sources
        Old rows as (layer, row, weight), the weights summing to 1. Empty: nothing is known.
    share
        Share of its source's texts that it stands for; below 1 where others have the same source.
    base
        Of a row from label text: rows of the new layer that are its trained siblings, whose mean it starts from.
    against
        Of a row from label text: nodes of the new taxonomy that its label text is held against.
    competes
        Of a row from label text: whether trained rows, too, are among those that it competes with.
    """

    key: Key
    sources: tuple[tuple[int, int, float], ...] = ()
    share: float = 1.0
    base: tuple[int, ...] = ()
    against: tuple[int, ...] = ()
    competes: bool = True

    @property
    def carried(self) -> bool:
        """Whether it is one old row as it was."""
        return len(self.sources) == 1 and self.share == 1.0

    @property
    def from_text(self) -> bool:
        """Whether label text has a part in it."""
        return not self.sources or self.share < 1.0


class Planner:
    """Finds the sources of rows.

    Parameters
    ----------
    mapping
        Which node became which.
    layers
        The keys of the old head's rows, layer by layer.
    rows
        Training rows at or below every old node (N,); merged rows weigh so much.
    chooses
        Whether siblings compete with each other alone, in a softmax.
    """

    def __init__(
        self, mapping: NodeMapping, layers: Sequence[Layer], rows: np.ndarray, *, chooses: bool = True
    ) -> None:
        self.mapping, self.layers, self.chooses = mapping, layers, chooses
        self.weight = np.asarray(rows, dtype=np.float64) + 1.0
        self.place: dict[Key, tuple[int, int]] = {}
        for at, layer in enumerate(layers):
            for row, key in enumerate(layer):
                self.place.setdefault(key, (at, row))
        self.n_levels = mapping.old.n_levels

    def plan(self, layer: Layer) -> list[Row]:
        """Give the origin of every row of a layer of the new head."""
        sizes = Counter(self._parents(key) for key in layer)
        found = self._shared([Row(key, self._weighed(key)) for key in layer])
        found = [Row(row.key) if self._never_chose(row, sizes) else row for row in found]
        siblings: dict[Group, list[int]] = {}
        groups: dict[Group, list[int]] = {}
        for at, row in enumerate(found):
            groups.setdefault(self._parents(row.key), []).append(at)
            if row.sources and row.key[0] not in ("stop", "ended"):
                siblings.setdefault(self._parents(row.key), []).append(at)
        trained: dict[Any, list[int]] = {}
        for at, row in enumerate(found):
            if row.sources:
                trained.setdefault(self._parents(row.key)[0], []).append(at)
        return [
            self._started(row, siblings, groups[group], trained.get(group[0], []), found) if row.from_text else row
            for row, group in ((row, self._parents(row.key)) for row in found)
        ]

    def _never_chose(self, row: Row, sizes: "Counter[Group]") -> bool:
        """Tell whether a way was the only one there was, and so learned nothing, and has company now."""
        if row.key[0] not in CLOSED or not row.sources or not self.chooses or sizes[self._parents(row.key)] < 2:
            return False
        return all(self._alone[at][source] for at, source, _ in row.sources)

    @cached_property
    def _alone(self) -> list[list[bool]]:
        found = []
        for layer in self.layers:
            parents = [key[1] if key[0] == "way" else node_of(key) for key in layer]
            sizes = Counter(parents)
            found.append([sizes[parent] == 1 for parent in parents])
        return found

    def _weighed(self, key: Key) -> tuple[tuple[int, int, float], ...]:
        known: dict[tuple[int, int], float] = {}
        for old, weight in self._sources(key):
            place = self.place.get(old)
            if place is not None:
                known[place] = known.get(place, 0.0) + weight
        total = sum(known.values())
        return tuple((at, row, weight / total) for (at, row), weight in known.items())

    def _sources(self, key: Key) -> list[tuple[Key, float]]:
        """Give old keys, and how much each weighs."""
        kind, new = key[0], node_of(key)
        if kind == "end":
            return [(("end", old), w) for old, w in self._ends.get(new, [])]
        if kind == "ended":
            return [(self._class_of(old, key[1]), w) for old, w in self._ends.get(new, [])]
        links = [(link.old, link.share * self.weight[link.old]) for link in self.mapping.sources(new)]
        if kind == "node":
            return [(("node", old), w) for old, w in links]
        if kind == "at":
            split = [(old, w) for old, w in self._ends.get(new, []) if not links and self._leaf_before(old)]
            return [(self._class_of(old, key[1], node=True), w) for old, w in links or split]
        if kind == "stop":
            return [(("stop", old), w) for old, w in links] + self._removed_below(new)
        return [(way, w) for old, w in links for way in self._ways(kind, key[1], old)]

    def _ways(self, kind: str, parent: int, old: int) -> list[Key]:
        """Give the old ways to a node: from the parent that is still its parent, else from any, the first."""
        above = self.mapping.old.parents.row(old).tolist() or [-1]
        same = [p for p in above if (p < 0 and parent < 0) or (p >= 0 and self.mapping.heirs[p] == parent)]
        return [(kind, p, old) for p in (same or above)[:1]]

    def _class_of(self, old: int, level: int, *, node: bool = False) -> Key:
        """Give the class that stood for an old node at a level."""
        depth = int(self.mapping.old.depth[old])
        if depth == level:
            return ("at", level, old)
        if depth > level and not node:
            ancestors = self.mapping.old.ancestors.row(old)
            above = ancestors[self.mapping.old.depth[ancestors] == level]
            gone = [int(a) for a in above if not self.mapping.links_of(int(a))]
            return ("at", level, gone[0]) if gone else ("at", depth, old)
        ended = ("ended", min(level, self.n_levels), old)
        return ended if ended in self.place else ("at", depth, old)

    def _leaf_before(self, old: int) -> bool:
        return bool(self.mapping.old.is_leaf[old])

    def _removed_below(self, new: int) -> list[tuple[Key, float]]:
        """Give the ways to removed children of what is now a node: their texts end there."""
        found: list[tuple[Key, float]] = []
        for link in self.mapping.sources(new):
            for child in self.mapping.old.children.row(link.old).tolist():
                if not self.mapping.links_of(child):
                    found.append((("way", link.old, child), self.weight[child]))
        return found

    @cached_property
    def _ends(self) -> dict[int, list[tuple[int, float]]]:
        """The old terminals whose texts end at each new one, with weights: heirs for those that are gone.

        Where the heir is no terminal, the new terminals below it that nobody else leads to share them.
        """
        found: dict[int, list[tuple[int, float]]] = {}
        for old, new, share in ends_of(self.mapping):
            found.setdefault(new, []).append((old, share * self.weight[old]))
        return found

    def _shared(self, rows: list[Row]) -> list[Row]:
        """Say of rows that have one source together which share of it is theirs."""
        users: dict[tuple[int, int], list[int]] = {}
        for at, row in enumerate(rows):
            if len(row.sources) == 1:
                users.setdefault(row.sources[0][:2], []).append(at)
        for several in users.values():
            if len(several) == 1:
                continue
            shares = np.array([self._link_share(rows[at].key) for at in several])
            against = tuple(node_of(rows[at].key) for at in several)
            for at, share in zip(several, shares / shares.sum(), strict=True):
                rows[at] = replace(rows[at], share=float(share), against=against, competes=False)
        return rows

    def _link_share(self, key: Key) -> float:
        links = self.mapping.sources(node_of(key))
        return links[0].share if links else 1.0

    def _started(
        self,
        row: Row,
        siblings: dict[Group, list[int]],
        group: list[int],
        trained: list[int],
        rows: list[Row],
    ) -> Row:
        if row.sources:  # a part of a split node, which is held against the other parts
            return row
        near, closed = siblings.get(self._parents(row.key), []), row.key[0] in CLOSED
        base = near or ([] if closed else trained)
        against = near if len(near) > 1 else group if closed and not near else trained
        nodes = tuple(node_of(rows[at].key) for at in against)
        return replace(row, base=tuple(base), against=nodes, competes=bool(near) or not closed)

    def _parents(self, key: Key) -> Group:
        """Give with whom a row stands: what it is, and below which nodes."""
        if key[0] in CLOSED:
            return ("choice", node_of(key) if key[0] == "stop" else int(key[1]))
        kind = "at" if key[0] == "ended" else key[0]
        return (kind, *self.mapping.new.parents.row(node_of(key)).tolist())


def ends_of(mapping: NodeMapping) -> list[tuple[int, int, float]]:
    """Give which share of the texts that ended at each old terminal ends at which new one: (old, new, share).

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy, map_nodes
    >>> old = Taxonomy.from_paths([("A", "x"), ("A", "y"), ("B",)])
    >>> new = Taxonomy.from_paths([("A",), ("B", "c"), ("B", "d")])
    >>> ends_of(map_nodes(old, new, [(("A", "x"), ()), (("A", "y"), ())]))
    [(1, 2, 0.5), (1, 3, 0.5), (2, 0, 1.0), (3, 0, 1.0)]
    """
    new = mapping.new
    found = []
    for old in mapping.old.terminals.tolist():
        ways = [(link.new, link.share) for link in mapping.links_of(old)] or [(mapping.heirs[old], 1.0)]
        for node, share in ways:
            if node < 0:
                continue
            ends = [node] if new.is_terminal[node] else _open_ends(mapping, node)
            found += [(old, end, share / len(ends)) for end in ends]
    return found


def _open_ends(mapping: NodeMapping, node: int) -> list[int]:
    """Give the new terminals below a node to which no old one leads."""
    below = [int(n) for n in mapping.new.descendants.row(node) if mapping.new.is_terminal[n]]
    return [n for n in below if not mapping.sources(n)]
