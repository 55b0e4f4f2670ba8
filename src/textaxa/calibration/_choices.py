"""The space of single-path tasks: decisions between the children of a node and "ends here", or between all terminals.

``node_proba`` (B, N) comes in, log P(option | decision) (B, K) goes to a map, and coherent ``node_proba`` comes back.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from textaxa._sparse import take
from textaxa.calibration._spaces import FLOOR, Float, Int, row_blocks
from textaxa.decoding import terminal_proba
from textaxa.taxonomy import Taxonomy


@dataclass(frozen=True, eq=False)
class Level:
    """The decisions of one level; siblings lie side by side.

    Attributes
    ----------
    options
        The range of their options.
    starts
        Where each decision's options begin within the range, (D,).
    decision
        The decision of each option of the range.
    above
        The option, one level up, that leads to each decision, (D,); empty at the top.
    """

    options: slice
    starts: Int
    decision: Int
    above: Int


class Choices:
    """Decisions of a single-path task, from the top down; the last option of a path stands for its terminal.

    Attributes
    ----------
    last
        The last option on the way to each terminal, (T,).
    parent
        The option above each option, -1 at the top, (K,).
    level_of, decision_of
        The level of each option, and its decision within that level, (K,).
    """

    def __init__(self, taxonomy: Taxonomy, above: Int, ends: NDArray[np.bool_], depth: Int, last: Int) -> None:
        """Take options in order: the option above each, which are "ends here", their levels from 0, and ``last``."""
        self.taxonomy, self.parent, self.shifted, self.last, self.level_of = taxonomy, above, ends, last, depth
        bounds = np.searchsorted(depth, np.arange(int(depth[-1]) + 2))
        self.steps = tuple(_level(above, a, b) for a, b in pairwise(bounds.tolist()))
        self.levels = tuple(step.options for step in self.steps)
        self.decision_of = np.concatenate([step.decision for step in self.steps])
        self._sums = NodeSums(taxonomy)

    @property
    def n(self) -> int:
        """How many options there are."""
        return len(self.parent)

    def read(self, node_proba: NDArray[np.floating]) -> Float:
        """Give log P(option | decision), (B, K)."""
        exact = terminal_proba(self.taxonomy, node_proba.astype(np.float64))
        mass = np.empty((len(exact), self.n))
        mass[:, self.last] = np.maximum(exact, FLOOR)
        for step in reversed(self.steps):
            part = mass[:, step.options]
            total = np.add.reduceat(part, step.starts, axis=1)
            if len(step.above):
                mass[:, step.above] = total
            part /= np.take(total, step.decision, axis=1)
        return np.log(mass)

    def terminals(self, scores: Float) -> Float:
        """Give P(the label is exactly terminal t), (B, T): a softmax a decision, multiplied downwards."""
        proba = np.empty_like(scores)
        for step in self.steps:
            part = scores[:, step.options]
            part = np.exp(part - np.take(np.maximum.reduceat(part, step.starts, axis=1), step.decision, axis=1))
            factor = 1 / np.add.reduceat(part, step.starts, axis=1)
            if len(step.above):
                factor *= np.take(proba, step.above, axis=1)
            proba[:, step.options] = part * np.take(factor, step.decision, axis=1)
        return np.take(proba, self.last, axis=1)

    def write(self, scores: Float) -> NDArray[np.float32]:
        """Give coherent ``node_proba`` (B, N)."""
        return self._sums(self.terminals(scores))

    def write_keeping_the_best(self, scores: Float, node_proba: NDArray[np.floating]) -> NDArray[np.float32]:
        """Give coherent ``node_proba`` in which the most probable terminal is that of the ``node_proba`` given.

        A temperature keeps the order, but rounding to float32 and taking differences again may not, among terminals
        that are as good as equal. Such a text's most probable terminal is mixed in with the smallest weight that helps.
        """
        wanted = terminal_proba(self.taxonomy, node_proba).argmax(axis=1)
        exact = self.terminals(scores)
        proba = self._sums(exact)
        weight = 2.0**-24
        off = np.arange(len(wanted))
        while weight < 1:
            off = off[terminal_proba(self.taxonomy, proba[off]).argmax(axis=1) != wanted[off]]
            if not len(off):
                break
            mixed = exact[off] * (1 - weight)
            mixed[np.arange(len(off)), wanted[off]] += weight
            proba[off] = self._sums(mixed)
            weight *= 2
        return proba


def _level(above: Int, start: int, stop: int) -> Level:
    group = above[start:stop]
    first = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
    decision = np.repeat(np.arange(len(first)), np.diff(np.append(first, len(group))))
    return Level(slice(start, stop), first, decision, group[first][group[first] >= 0])


def terminal_choice(taxonomy: Taxonomy) -> Choices:
    """Give the space of one decision between all terminals."""
    every = np.arange(len(taxonomy.terminals))
    return Choices(taxonomy, np.full_like(every, -1), np.zeros(len(every), np.bool_), np.zeros_like(every), every)


def sibling_choices(taxonomy: Taxonomy) -> Choices:
    """Give the space of the decisions from parent to child.

    On a DAG these are the decisions of the tree of canonical parents. Nodes with no terminal below them in that tree
    are no options: nothing can be reached through them.
    """
    parent = taxonomy.parent.astype(np.int64)
    reachable = taxonomy.is_terminal.copy()
    for level in range(taxonomy.n_levels, 1, -1):
        of_level = taxonomy.level(level)
        reachable[parent[of_level[reachable[of_level]]]] = True
    inner = np.zeros(len(taxonomy), dtype=np.bool_)
    inner[parent[reachable & (parent >= 0)]] = True
    nodes, ending = np.flatnonzero(reachable), np.flatnonzero(taxonomy.is_terminal & inner)
    node = np.concatenate([nodes, ending])
    above: Int = np.concatenate([parent[nodes], ending])
    ends = np.arange(len(node)) >= len(nodes)
    depth = np.where(above >= 0, taxonomy.depth[above], 0).astype(np.int64)
    order = np.lexsort((node, ends, above, depth))
    node, above, ends, depth = node[order], above[order], ends[order], depth[order]
    column = np.full(len(taxonomy), -1, dtype=np.int64)
    column[node[~ends]] = np.flatnonzero(~ends)
    last = column.copy()
    last[node[ends]] = np.flatnonzero(ends)
    return Choices(taxonomy, np.where(above >= 0, column[above], -1), ends, depth, last[taxonomy.terminals])


class NodeSums:
    """From terminals to nodes: a node has the sum of the terminals at or below it, a child never more than a parent."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        column, ancestor = take(taxonomy.ancestors, taxonomy.terminals)
        order = np.argsort(ancestor, kind="stable")
        self._columns = column[order]
        self._nodes, self._starts = np.unique(ancestor[order], return_index=True)
        self._n, self._children = len(taxonomy), _steps_up(taxonomy)

    def __call__(self, exact: Float) -> NDArray[np.float32]:
        """Give ``node_proba`` (B, N) from P(exactly terminal t) (B, T)."""
        proba = np.zeros((len(exact), self._n), dtype=np.float32)
        for rows in row_blocks(len(exact), len(self._columns)):
            sums = np.add.reduceat(np.take(exact[rows], self._columns, axis=1), self._starts, axis=1)
            proba[rows, self._nodes] = np.minimum(sums, 1.0)
            # Sums of the same numbers in another order may differ in the last digit, and then round apart.
            for nodes, children, starts in self._children:
                below = np.maximum.reduceat(np.take(proba[rows], children, axis=1), starts, axis=1)
                proba[rows, nodes] = np.maximum(proba[rows, nodes], below)
        return proba


def _steps_up(taxonomy: Taxonomy) -> list[tuple[NDArray[np.int32], NDArray[np.int32], Int]]:
    """Give, deepest level first, the nodes with children, the children, and where each node's begin."""
    steps = []
    for level in range(taxonomy.n_levels - 1, 0, -1):
        nodes = taxonomy.level(level)
        nodes = nodes[~taxonomy.is_leaf[nodes]]
        if len(nodes):
            counts = taxonomy.children.counts[nodes]
            steps.append((nodes, taxonomy.children.rows(nodes), np.cumsum(counts) - counts))
    return steps
