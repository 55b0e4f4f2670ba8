"""What follows from parents: the ancestor closure and lowest common ancestors, vectorised over nodes."""

import numpy as np

from textaxa.errors import TaxonomyError
from textaxa.taxonomy._csr import CSR, Int32, Int64, offsets, ranges

MAX_CLOSURE = 400_000_000
"""Entries of an ancestor closure: 1.6 GB. A million nodes ten levels deep need 10 million."""

_ENTRIES_AT_ONCE = 4_000_000
"""Ancestors of pairs of DAG nodes that are laid out at once; bounds memory to some 100 MB."""


def tree_closure(parent: Int32, depth: Int32) -> CSR:
    """Give the ancestors of every node of a tree, itself included, ascending (so from the top down)."""
    indptr = offsets(depth)
    _bound(int(indptr[-1]))
    indices = np.empty(int(indptr[-1]), dtype=np.int32)
    ancestor = np.arange(len(parent), dtype=np.int32)
    slot = indptr[1:] - 1
    starts = np.searchsorted(depth, np.arange(1, int(depth[-1]) + 1))
    for step in range(len(starts)):
        indices[slot - step] = ancestor
        if step + 1 < len(starts):
            # Only nodes deeper than this many levels have a further ancestor; they are the end of the arrays.
            dropped = int(starts[step + 1]) - int(starts[step])
            ancestor, slot = parent[ancestor[dropped:]], slot[dropped:]
    return CSR(indptr, indices)


def dag_closure(parents: CSR, depth: Int32) -> CSR:
    """Give the ancestors of every node of a DAG, itself included, ascending (so never deeper ones first)."""
    n = len(parents)
    counts = np.zeros(n, dtype=np.int64)
    begins = np.zeros(n, dtype=np.int64)
    entries, used = np.empty(max(4 * n, 16), dtype=np.int32), 0
    bounds = np.searchsorted(depth, np.arange(1, int(depth[-1]) + 2))
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        nodes = np.arange(start, end, dtype=np.int64)
        above = parents.rows(nodes)
        inherited = entries[ranges(begins[above], counts[above])]
        child = np.repeat(np.repeat(nodes - start, parents.counts[start:end]), counts[above])
        # Pairs (node - start, ancestor) as sorted numbers (node - start) * n + ancestor.
        pairs = np.unique(np.concatenate([child * n + inherited, (nodes - start) * n + nodes]))
        _bound(used + len(pairs))
        entries = _grown(entries, used, len(pairs))
        entries[used : used + len(pairs)] = pairs % n
        counts[start:end] = np.bincount(pairs // n, minlength=end - start)
        begins[start:end] = used + offsets(counts[start:end])[:-1]
        used += len(pairs)
    return CSR(offsets(counts), entries[:used])


def _grown(entries: Int32, used: int, more: int) -> Int32:
    if used + more <= len(entries):
        return entries
    grown = np.empty(max(2 * len(entries), used + more), dtype=np.int32)
    grown[:used] = entries[:used]
    return grown


def _bound(entries: int) -> None:
    if entries > MAX_CLOSURE:
        raise TaxonomyError(
            f"The ancestors of all nodes would need {entries:,} entries (the bound is {MAX_CLOSURE:,}): the taxonomy "
            "is too deep for its size. Are chains of single children meant?"
        )


def tree_lca(parent: Int32, a: Int32, b: Int32) -> Int32:
    """Give the lowest common ancestor of each pair of nodes of a tree; -1 is the root."""
    a, b = a.copy(), b.copy()
    apart = np.flatnonzero(a != b)
    while apart.size:
        # The larger id is never an ancestor of the smaller one, so it can move up.
        left, right = a[apart], b[apart]
        left, right = np.where(left > right, parent[left], left), np.where(right > left, parent[right], right)
        a[apart], b[apart] = left, right
        apart = apart[left != right]
    return a


def dag_lca(ancestors: CSR, a: Int32, b: Int32) -> Int32:
    """Give the deepest common ancestor of each pair of nodes of a DAG (of equals the last); -1 is the root."""
    lowest = np.full(len(a), -1, dtype=np.int32)
    both = np.flatnonzero((a >= 0) & (b >= 0))
    at_once = max(1, _ENTRIES_AT_ONCE // int(ancestors.counts.max()))
    for start in range(0, len(both), at_once):
        pairs = both[start : start + at_once]
        left, right = _pair_keys(ancestors, a[pairs]), _pair_keys(ancestors, b[pairs])
        common = np.intersect1d(left, right, assume_unique=True)
        # Keys ascend by pair and then by ancestor, so the last one written to a pair is the deepest.
        lowest[pairs[common // len(ancestors)]] = common % len(ancestors)
    return lowest


def _pair_keys(ancestors: CSR, nodes: Int32) -> Int64:
    counts = ancestors.indptr[nodes + 1] - ancestors.indptr[nodes]
    pair = np.repeat(np.arange(len(nodes), dtype=np.int64), counts)
    return pair * len(ancestors) + ancestors.rows(nodes)
