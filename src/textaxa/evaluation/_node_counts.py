"""Counts of every node over many texts, fast enough to be made anew for a thousand resamples.

Texts with the same pair of sets add the same, equal sets are stored once, and on a tree a set is stored by its ends
alone: what its nodes count is added up along the taxonomy at the end, once for all sets.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from textaxa._sparse import take
from textaxa.evaluation._sets import NodeSets, rows_of
from textaxa.taxonomy import CSR, Taxonomy

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SHARED, SIZE, TRUE = 0, 1, 2
"""The three counts of a node: texts where it is true and predicted; true plus predicted; true."""


@dataclass(frozen=True)
class Part:
    """One summand of the counts: a set of nodes for every one of G pairs of sets.

    Attributes
    ----------
    kinds
        To which of the three counts it is added.
    owner
        The set of every pair, shape (G,).
    ends
        What every set is stored by: nodes of the taxonomy.
    value
        How often each of these counts for itself and all its ancestors, one number an entry of ``ends``.
    """

    kinds: tuple[int, ...]
    owner: Integers
    ends: CSR
    value: Floats

    @cached_property
    def _set(self) -> NDArray[np.int32]:
        return self.ends.row_ids

    def of(self, pairs: Integers, sign: int) -> "Part":
        """Give it for some pairs; ``sign`` is 1, or -1 where they are taken off."""
        used, owner = np.unique(self.owner[pairs], return_inverse=True)
        entries = CSR(self.ends.indptr, np.arange(len(self.value), dtype=np.int32))
        chosen = take(entries, used)[1]
        rows = CSR(np.concatenate([[0], np.cumsum(self.ends.counts[used])]), self.ends.indices[chosen])
        return replace(self, owner=owner, ends=rows, value=sign * self.value[chosen])

    def sums(self, weight: Floats, n_nodes: int) -> Floats:
        """Give the sum of the weights of the pairs by end, shape (N,)."""
        of_set = np.bincount(self.owner, weight, minlength=len(self.ends))
        return np.bincount(self.ends.indices, self.value * of_set[self._set], minlength=n_nodes).astype(np.float64)


@dataclass(frozen=True)
class NodeCounts:
    """The counts of U nodes over G pairs of a true and a predicted set.

    Attributes
    ----------
    parts
        Their summands.
    spread
        The nodes, as numbers 0 to U - 1, for which each end counts; N rows.
    n_counted
        U.
    """

    parts: tuple[Part, ...]
    spread: CSR
    n_counted: int

    @cached_property
    def _end(self) -> NDArray[np.int32]:
        return self.spread.row_ids

    @property
    def visits(self) -> int:
        """The numbers that are summed up for one row of weights."""
        return sum(len(part.owner) + len(part.value) for part in self.parts) + 3 * len(self.spread.indices)

    def sums(self, weights: Floats) -> Floats:
        """Give the counts under each row of ``weights`` (R, G), shape (R, 3, U)."""
        sums = np.empty((len(weights), 3, self.n_counted))
        ends = np.empty((3, len(self.spread)))
        for counts, row in zip(sums, weights, strict=True):
            ends[:] = 0.0
            for part in self.parts:
                ends[list(part.kinds)] += part.sums(row, len(self.spread))
            for kind in range(3):
                counts[kind] = np.bincount(self.spread.indices, ends[kind][self._end], minlength=self.n_counted)
        return sums

    def exchanged(self, own: Integers, other: "NodeCounts", others: Integers) -> "NodeCounts":
        """Give what the counts gain when pair ``own[i]`` becomes pair ``others[i]`` of ``other``, one row each."""
        gained = tuple(part.of(others, 1) for part in other.parts)
        return replace(self, parts=(*gained, *(part.of(own, -1) for part in self.parts)))


def count_nodes(
    taxonomy: Taxonomy,
    sets: NodeSets,
    pairs: tuple[Integers, Integers],
    *,
    shared: Integers,
    counted: NDArray[np.int32],
) -> NodeCounts:
    """Give the counts of some nodes over pairs of sets.

    Parameters
    ----------
    taxonomy, sets
        The taxonomy, and the distinct sets of nodes.
    pairs
        The true and the predicted set of every pair, two columns of shape (G,).
    shared
        The nodes that both have, as ascending keys ``pair * M + node`` over all M nodes, the unknown ones too.
    counted
        The nodes that are counted, ascending; with every node all its ancestors.
    """
    true, predicted = pairs
    return NodeCounts(
        parts=(
            _shared_part(taxonomy, sets, true, predicted, rows_of(shared, len(true), len(sets.depth))),
            _part(taxonomy, (SIZE, TRUE), true, sets.closure),
            _part(taxonomy, (SIZE,), predicted, sets.closure),
        ),
        spread=_spread(taxonomy, counted),
        n_counted=len(counted),
    )


def _spread(taxonomy: Taxonomy, counted: NDArray[np.int32]) -> CSR:
    every = np.arange(len(taxonomy), dtype=np.int32)
    row, node = take(taxonomy.ancestors, every) if taxonomy.is_tree else (every, every)
    place = np.full(len(taxonomy), -1, dtype=np.int32)
    place[counted] = np.arange(len(counted), dtype=np.int32)
    return _kept(row, place[node], place[node] >= 0, len(taxonomy))


def _kept(row: NDArray[np.integer], value: NDArray[np.int32], wanted: NDArray[np.bool_], n_rows: int) -> CSR:
    counts = np.bincount(row[wanted], minlength=n_rows)
    return CSR(np.concatenate([[0], np.cumsum(counts)]), value[wanted])


def _part(taxonomy: Taxonomy, kinds: tuple[int, ...], owner: Integers, table: CSR) -> Part:
    """Give the part of sets that are rows of a table of ancestor-closed sets, without nodes that are unknown.

    On a tree, to count 1 at each node of a set is to count (1 - its children in the set) at each node and all its
    ancestors: so only ends, which have no children there, and forks count.
    """
    used, owner = np.unique(owner, return_inverse=True)
    row, node = take(table, used)
    known = np.flatnonzero(node < len(taxonomy))
    row, node = row[known], node[known]
    value = np.ones(len(node))
    if taxonomy.is_tree:
        parent = taxonomy.parent[node]
        below = np.flatnonzero(parent >= 0)
        keys = row * len(taxonomy) + node
        place = np.searchsorted(keys, row[below] * len(taxonomy) + parent[below])
        value -= np.bincount(place, minlength=len(node))
    return Part(kinds, owner, _kept(row, node, value != 0, len(used)), value[value != 0])


def _shared_part(taxonomy: Taxonomy, sets: NodeSets, true: Integers, predicted: Integers, table: CSR) -> Part:
    """Give the part of what the two sets of each pair share.

    Most pairs share what many others share: all of the one set, or the way down to one node.
    """
    width, n_sets, counts = len(sets.depth), len(sets.closure), table.counts
    sizes = sets.closure.counts
    last = np.full(len(table), -1, dtype=np.int64)
    last[counts > 0] = table.indices[table.indptr[1:][counts > 0] - 1]
    # An ancestor-closed set that is no larger than the ways down to its last node is just these.
    ways = np.append(taxonomy.ancestors.counts, 0)[np.where(last < len(taxonomy), last, -1)]
    own = width + 2 * n_sets + np.arange(len(table))
    name = np.select(
        [counts == ways, counts == sizes[true], counts == sizes[predicted]],
        [last, width + true, width + n_sets + predicted],
        own,
    )
    _, first, owner = np.unique(name, return_index=True, return_inverse=True)
    part = _part(taxonomy, (SHARED,), first, table)
    return replace(part, owner=part.owner[owner])
