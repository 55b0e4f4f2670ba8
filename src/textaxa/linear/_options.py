"""What is decided between, and how the decisions make a probability for every node.

An option is one way on: to a child of a node, or "the path ends here". The options of one node form a group, of which
exactly one is taken in a single-path task. In a several-paths task every node is an option, taken or not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.special import expit

from textaxa.taxonomy import Taxonomy


@dataclass(frozen=True)
class Decision:
    """One classifier: which rows it is trained on, and which of its options each of them takes.

    Attributes
    ----------
    options : int array (C,)
        Its options, ascending.
    rows : int array (R,)
        Training rows that come to it.
    taken : int array (R,)
        Position in ``options`` that each row takes. With ``yes_or_no``, 1 where the one option is taken, 0 where not.
    """

    options: np.ndarray
    rows: np.ndarray
    taken: np.ndarray
    yes_or_no: bool = False


class OnePath:
    """Single-path task: groups of options, and the options on the way to every terminal.

    In a DAG the decisions follow canonical parents; the probability of a terminal then counts for all its ancestors.

    Attributes
    ----------
    starts : int array (G,)
        The first option of each group; the options of a group lie side by side.
    level : int array (K,)
        The level of each option's decision, 0 = top.
    """

    def __init__(self, taxonomy: Taxonomy, arrangement: str) -> None:
        ways, group, level = _ARRANGEMENTS[arrangement](taxonomy)
        self.level = level
        self.starts = np.flatnonzero(np.diff(group, prepend=-1))
        self._group = np.cumsum(np.diff(group, prepend=-1) != 0) - 1
        n_terminals, n_options = len(ways), len(group)
        self._ways = _ones(ways, n_options)
        if arrangement == "both":
            self._ways.data[:] = np.where(level[self._ways.indices] < taxonomy.n_levels, _PATH_SHARE, 1 - _PATH_SHARE)
        closures = [taxonomy.ancestors.row(int(t)) for t in taxonomy.terminals]
        self._nodes = sparse.csr_matrix(_ones(closures, len(taxonomy)).T)
        self.n_options, self.n_terminals = n_options, n_terminals

    @property
    def ways(self) -> sparse.csr_matrix:
        """How much each option counts on the way to each terminal, CSR (T, K): 1, or its share of a geometric mean."""
        return self._ways

    def decisions(self, terminals: np.ndarray) -> list[Decision]:
        """Give the classifiers, for rows whose labels are these positions in ``taxonomy.terminals`` (B,)."""
        taken = self._ways[terminals]
        row = np.repeat(np.arange(len(terminals)), np.diff(taken.indptr))
        group = self._group[taken.indices]
        order = np.argsort(group, kind="stable")
        bounds = np.searchsorted(group[order], np.arange(len(self.starts) + 1))
        sizes = np.diff(self.starts, append=self.n_options)
        found = []
        for first, size, start, stop in zip(self.starts, sizes, bounds[:-1], bounds[1:], strict=True):
            here = order[start:stop]
            found.append(Decision(np.arange(first, first + size), row[here], taken.indices[here] - first))
        return found

    def node_proba(self, scores: np.ndarray) -> np.ndarray:
        """Turn scores of options (B, K), -inf where never seen, into coherent node probabilities, float32 (B, N).

        It computes in the precision of the scores, with texts along the rows of memory: what belongs to one option is
        then added, compared and copied for many texts at a time.
        """
        chances = self._ways @ self._log_proba(np.ascontiguousarray(scores.T))
        chances -= chances.max(axis=0)
        terminals = np.exp(chances, out=chances)
        terminals /= terminals.sum(axis=0)
        # Terms are added in the order of terminals, and more of them never lower a float sum: a child stays below.
        return np.ascontiguousarray(np.minimum(self._nodes @ terminals.astype(np.float32, copy=False), 1).T)

    def _log_proba(self, scores: np.ndarray) -> np.ndarray:
        """Give the log-softmax of every group, for scores (K, B) that are overwritten."""
        best = np.maximum.reduceat(scores, self.starts, axis=0)
        best[np.isneginf(best)] = 0  # a group without a training row
        scores -= best[self._group]
        with np.errstate(divide="ignore"):
            total = np.log(np.add.reduceat(np.exp(scores), self.starts, axis=0))
        total[np.isneginf(total)] = 0
        scores -= total[self._group]
        return scores


class SeveralPaths:
    """Several-paths task: every node is an option, taken or not where all its parents are true.

    Attributes
    ----------
    level : int array (N,)
        The level of each node, 0 = top.
    """

    def __init__(self, taxonomy: Taxonomy, arrangement: str) -> None:
        self.taxonomy = taxonomy
        self.given_parent = arrangement != "flat"
        self.level = np.asarray(taxonomy.depth) - 1
        self.n_options = len(taxonomy)

    def decisions(self, true: sparse.csr_matrix) -> list[Decision]:
        """Give the classifiers, for rows with these true nodes, closed under ancestors, bool CSR (B, N)."""
        by_node = true.tocsc()
        rows_of = [by_node.indices[by_node.indptr[n] : by_node.indptr[n + 1]] for n in range(self.n_options)]
        found = []
        for node in range(self.n_options):
            rows = np.arange(true.shape[0])
            if self.given_parent:
                for parent in self.taxonomy.parents.row(node):
                    rows = np.intersect1d(rows, rows_of[parent])
            found.append(Decision(np.array([node]), rows, np.isin(rows, rows_of[node]).astype(np.int64), True))
        return found

    def node_proba(self, scores: np.ndarray) -> np.ndarray:
        """Turn log-odds of nodes (B, N), -inf where never true, into coherent node probabilities, float32 (B, N)."""
        own = expit(scores).astype(np.float32)
        if self.taxonomy.is_tree:
            return self._down_the_tree(own)
        for node in range(self.n_options):  # parents come before children
            parents = self.taxonomy.parents.row(node)
            if len(parents):
                above = own[:, parents].min(axis=1)
                own[:, node] = own[:, node] * above if self.given_parent else np.minimum(own[:, node], above)
        return own

    def _down_the_tree(self, own: np.ndarray) -> np.ndarray:
        combine = np.multiply if self.given_parent else np.minimum
        for level in range(2, self.taxonomy.n_levels + 1):
            nodes = self.taxonomy.level_slice(level)
            own[:, nodes] = combine(own[:, nodes], own[:, self.taxonomy.parent[nodes]])
        return own


Options = OnePath | SeveralPaths


def options_of(taxonomy: Taxonomy, task: str, arrangement: str) -> Options:
    """Give the options of a task: ``single`` or ``multi``."""
    return OnePath(taxonomy, arrangement) if task == "single" else SeveralPaths(taxonomy, arrangement)


_PATH_SHARE = np.float32(0.4)
"""With both arrangements, the weight of a path's product against the full path's own class (a geometric mean). Between
0.3 and 0.5 nothing changes much: on validation rows of seven data sets this had the log loss of the better of both
arrangements or a lower one, and nearly its accuracy."""

_Ways = tuple[list[list[int]], np.ndarray, np.ndarray]
"""The options on the way to each terminal; group and level of each option."""


def _flat(taxonomy: Taxonomy) -> _Ways:
    n = len(taxonomy.terminals)
    return [[t] for t in range(n)], np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)


def _per_parent(taxonomy: Taxonomy) -> _Ways:
    """Number the options parent by parent: its children, then "ends here" where it is an inner terminal."""
    parent = np.asarray(taxonomy.parent)
    children: list[list[int]] = [[] for _ in range(len(taxonomy) + 1)]
    for node, above in enumerate(parent):
        children[above + 1].append(node)
    to_child, ends_here = np.full(len(taxonomy), -1), np.full(len(taxonomy), -1)
    group: list[int] = []
    for above, nodes in enumerate(children):
        to_child[nodes] = len(group) + np.arange(len(nodes))
        group += [above] * len(nodes)
        if above and nodes and taxonomy.is_terminal[above - 1]:
            ends_here[above - 1] = len(group)
            group.append(above)
    depth = np.append(0, taxonomy.depth)
    ways = []
    for terminal in map(int, taxonomy.terminals):
        way, node = [int(ends_here[terminal])] if ends_here[terminal] >= 0 else [], terminal
        while node >= 0:
            way.append(int(to_child[node]))
            node = int(parent[node])
        ways.append(sorted(way))
    return ways, np.array(group), depth[group]


def _both(taxonomy: Taxonomy) -> _Ways:
    """Put both arrangements side by side; the flat group counts as a level of its own, below all others."""
    ways, group, level = _per_parent(taxonomy)
    first, n = len(group), len(taxonomy.terminals)
    joined = [[*way, first + t] for t, way in enumerate(ways)]
    return joined, np.append(group, np.full(n, group[-1] + 1)), np.append(level, np.full(n, taxonomy.n_levels))


_ARRANGEMENTS: dict[str, Callable[[Taxonomy], _Ways]] = {"per-parent": _per_parent, "flat": _flat, "both": _both}


def _ones(rows: Sequence[Sequence[int] | np.ndarray], n_columns: int) -> sparse.csr_matrix:
    """Give a CSR matrix with 1 at the given columns of every row."""
    indices = np.concatenate([np.asarray(row) for row in rows])
    indptr = np.cumsum([0, *map(len, rows)])
    return sparse.csr_matrix((np.ones(len(indices), dtype=np.float32), indices, indptr), (len(rows), n_columns))
