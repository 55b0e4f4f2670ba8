"""Sums over the nodes above or below every node, for all texts at once: what expected scores and costs are made of.

Every answer and every truth stands for a set of nodes, A(n): the node and all its ancestors. How many nodes two sets
share is a sum over one of them, so an expectation over all truths is two sums over the taxonomy, one up and one down,
and never needs a table of answers by truths.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa.decoding._proba import Probabilities, check_node_proba, terminal_proba
from textaxa.taxonomy import CSR, Taxonomy

_NUMBERS = 2_000_000
"""Float64 numbers of one working table, 16 MB: rows are taken in blocks of so many."""

_EQUAL = 1e-12
"""Values that differ by less than this share of the largest one are equal: the difference is rounding."""

Floats = NDArray[np.float64]


def exact_blocks(taxonomy: Taxonomy, node_proba: ArrayLike) -> Iterator[tuple[Probabilities, Floats]]:
    """Give the rows of ``node_proba`` in blocks, (R, N), each with P(the label is exactly terminal t), (R, T).

    Raises
    ------
    DataError
        ``node_proba`` has another shape, or values that are not finite.
    """
    proba = check_node_proba(taxonomy, node_proba)
    entries = len(taxonomy) if taxonomy.is_tree else len(taxonomy.ancestors.indices)
    rows = max(1, _NUMBERS // max(1, entries))
    for start in range(0, len(proba), rows):
        block = proba[start : start + rows]
        yield block, np.asarray(terminal_proba(taxonomy, block.astype(np.float64)))


def ends_exactly(taxonomy: Taxonomy, exact: Floats, text: NDArray[np.integer], node: NDArray[np.integer]) -> Floats:
    """Give P(the label of the text is exactly the node) for pairs, 0 where no label may end; (P,)."""
    column = np.searchsorted(taxonomy.terminals, node)
    column[~taxonomy.is_terminal[node]] = 0
    return np.where(taxonomy.is_terminal[node], exact[text, column], 0.0)


def set_sizes(taxonomy: Taxonomy) -> NDArray[np.int64]:
    """Give the number of nodes of every A(n): the node and its ancestors, (N,). On a tree, the depth."""
    return taxonomy.ancestors.counts


def below(taxonomy: Taxonomy, exact: Floats, size: int | None = None) -> Floats:
    """Give for every node the probability of the terminals at or below it; (R, T) to (R, N).

    Never more than at a node above. With ``size`` only terminals count whose set has so many nodes.
    """
    own = np.zeros((len(exact), len(taxonomy)))
    terminals = taxonomy.terminals
    if size is None:
        own[:, terminals] = exact
    else:
        counted = set_sizes(taxonomy)[terminals] == size
        own[:, terminals[counted]] = exact[:, counted]
    if not taxonomy.is_tree:
        sums = _reduce(np.add, own, taxonomy.descendants)
        # Sums of the same numbers in another order may come out larger below than above.
        return _reduce(np.maximum, sums, taxonomy.descendants)
    for level in range(taxonomy.n_levels, 1, -1):
        nodes = taxonomy.level_slice(level)
        # Within a level nodes are ordered by parent, so siblings lie side by side.
        parents, starts = np.unique(taxonomy.parent[nodes], return_index=True)
        own[:, parents] += np.add.reduceat(own[:, nodes], starts, axis=1)
    return own


def above(taxonomy: Taxonomy, values: Floats) -> Floats:
    """Give for every node the sum of ``values`` over the node and its ancestors; (R, N) to (R, N)."""
    if not taxonomy.is_tree:
        return _reduce(np.add, values, taxonomy.ancestors)
    sums = values.copy()
    for level in range(2, taxonomy.n_levels + 1):
        nodes = taxonomy.level_slice(level)
        sums[:, nodes] += sums[:, taxonomy.parent[nodes]]
    return sums


def _reduce(operation: np.ufunc, values: Floats, table: CSR) -> Floats:
    """Reduce ``values`` (R, N) over every row of a table without empty rows, (R, N)."""
    return np.asarray(operation.reduceat(values[:, table.indices], table.indptr[:-1], axis=1))


def shared_nodes(taxonomy: Taxonomy, a: NDArray[np.integer], b: NDArray[np.integer]) -> NDArray[np.int64]:
    """Give how many nodes A(a) and A(b) share, for each pair of nodes; shape (P,)."""
    if taxonomy.is_tree:
        depth = np.append(taxonomy.depth, np.int32(0))  # -1, the root, points to the last entry
        return depth[taxonomy.lca(a, b)].astype(np.int64)
    keys = []
    for nodes in (a, b):
        counts = set_sizes(taxonomy)[nodes]
        pair = np.repeat(np.arange(len(nodes), dtype=np.int64), counts)
        keys.append(pair * len(taxonomy) + taxonomy.ancestors.rows(nodes))
    common = np.intersect1d(keys[0], keys[1], assume_unique=True)
    return np.bincount(common // len(taxonomy), minlength=len(a))


def first_largest(values: Floats) -> NDArray[np.int64]:
    """Give the column of the largest value of every row, of equals the first; (R,).

    Values are equal up to rounding, so that what is the same by arithmetic is decided by node order alone.
    """
    largest = values.max(axis=1, keepdims=True)
    room = _EQUAL * np.maximum(np.abs(values).max(axis=1, keepdims=True), 1e-300)
    return np.asarray((values >= largest - room).argmax(axis=1))
