"""What validation rows tell: the scores of the options that they had, and which of them are true.

Node probabilities and true nodes come in; a `Told` a level goes out, from which lines and curves are fitted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textaxa._sparse import take
from textaxa.calibration._choices import Choices, Level
from textaxa.calibration._spaces import Float, Int, Ratios, row_blocks
from textaxa.taxonomy import Taxonomy
from textaxa.taxonomy._csr import ranges

_EXTREME = 700.0


@dataclass(frozen=True, eq=False)
class Told:
    """Options that rows had to decide on; E of them, end to end.

    Attributes
    ----------
    score, option, row
        Score, option and row of each, (E,).
    true
        Whether it is true, bool (E,).
    starts
        Where each decision's options begin, of which exactly one is true; None where every entry is a yes or no.
    """

    score: Float
    option: NDArray[np.int32]
    row: NDArray[np.int32]
    true: NDArray[np.bool_]
    starts: Int | None

    @property
    def decisions(self) -> int:
        """How many decisions were taken."""
        return len(self.score) if self.starts is None else len(self.starts)

    def of(self, rows: NDArray[np.bool_]) -> "Told":
        """Give the part of the rows that are marked, bool (B,)."""
        kept = rows[self.row]
        starts = None
        if self.starts is not None:
            counts = np.diff(np.append(self.starts, len(self.score)))[kept[self.starts]]
            starts = np.cumsum(counts) - counts
        return Told(self.score[kept], self.option[kept], self.row[kept], self.true[kept], starts)

    def proba_and_losses(self, scores: Float) -> tuple[Float, Float]:
        """Give the probability of each option at changed scores (E,), and the log loss of each decision."""
        if self.starts is None:
            proba = 1 / (1 + np.exp(-np.clip(scores, -_EXTREME, _EXTREME)))
            return proba, np.logaddexp(0.0, np.where(self.true, -scores, scores))
        if not len(scores):
            return scores, scores
        counts = np.diff(np.append(self.starts, len(scores)))
        top = np.maximum.reduceat(scores, self.starts)
        powers = np.exp(scores - np.repeat(top, counts))
        total = np.add.reduceat(powers, self.starts)
        return powers / np.repeat(total, counts), np.log(total) + top - scores[self.true]

    def losses_by_row(self, scores: Float, n_rows: int) -> Float:
        """Give each row's log loss, summed over its decisions, (B,)."""
        _, losses = self.proba_and_losses(scores)
        rows = self.row if self.starts is None else self.row[self.starts]
        return np.bincount(rows, losses, minlength=n_rows).astype(np.float64)


def joined(told: Sequence[Told]) -> Told:
    """Give what all levels tell as one."""
    sizes = [len(one.score) for one in told]
    begins = np.cumsum([0, *sizes[:-1]])
    starts = [one.starts + begin for one, begin in zip(told, begins, strict=True) if one.starts is not None]
    return Told(
        np.concatenate([one.score for one in told]),
        np.concatenate([one.option for one in told]),
        np.concatenate([one.row for one in told]),
        np.concatenate([one.true for one in told]),
        np.concatenate(starts) if starts else None,
    )


def told_by_choices(space: Choices, terminal: Int, node_proba: NDArray[np.floating]) -> tuple[Told, ...]:
    """Give what the decisions on the way to the true terminals tell, a `Told` a level.

    Parameters
    ----------
    space
        The decisions.
    terminal
        The true terminal of each row, as its position in ``taxonomy.terminals``, (B,).
    node_proba
        float (B, N).
    """
    on_path = _paths(space, terminal)
    found: list[list[Told]] = [[] for _ in space.levels]
    for rows in row_blocks(len(node_proba), space.n):
        scores = space.read(node_proba[rows])
        for level, step in enumerate(space.steps):
            found[level].append(_of_level(step.options.start, step, on_path[rows, level], scores, rows.start))
    return tuple(joined(parts) for parts in found)


def _paths(space: Choices, terminal: Int) -> Int:
    """Give the option that each row takes on each level, -1 below its end, (B, levels)."""
    found = np.full((len(terminal), len(space.levels)), -1, dtype=np.int64)
    option = space.last[terminal]
    rows = np.arange(len(terminal))
    while len(rows):
        found[rows, space.level_of[option]] = option
        above = space.parent[option]
        rows, option = rows[above >= 0], above[above >= 0]
    return found


def _of_level(offset: int, step: Level, taken: Int, scores: Float, first_row: int) -> Told:
    counts = np.bincount(step.decision)
    rows = np.flatnonzero(taken >= 0)
    decision = step.decision[taken[rows] - offset]
    several = counts[decision] > 1  # where there is one option only, nothing was decided
    rows, decision = rows[several], decision[several]
    width = counts[decision]
    option = ranges(step.starts[decision] + offset, width)
    row = np.repeat(rows, width)
    starts = np.cumsum(width) - width
    true = option == np.repeat(taken[rows], width)
    return Told(scores[row, option], option.astype(np.int32), (row + first_row).astype(np.int32), true, starts)


def told_by_ratios(space: Ratios, truth: NDArray[np.bool_], node_proba: NDArray[np.floating]) -> tuple[Told, ...]:
    """Give what the nodes tell whose least probable parent is true, a `Told` a level.

    Parameters
    ----------
    space
        The nodes.
    truth
        The true nodes with their ancestors, bool (B, N).
    node_proba
        float (B, N).
    """
    found: list[list[Told]] = [[] for _ in space.levels]
    for rows in row_blocks(len(node_proba), space.n):
        scores, proba, true = space.read(node_proba[rows]), node_proba[rows], truth[rows]
        for level, nodes in enumerate(space.levels):
            asked = _asked(space, proba, true, nodes) if level else np.ones_like(true[:, nodes])
            row, column = np.nonzero(asked)
            option = (column + nodes.start).astype(np.int32)
            where = (row + rows.start).astype(np.int32)
            found[level].append(Told(scores[row, option], option, where, true[row, option], None))
    return tuple(joined(parts) for parts in found)


def _asked(space: Ratios, proba: NDArray[np.floating], true: NDArray[np.bool_], nodes: slice) -> NDArray[np.bool_]:
    """Tell for the nodes of a level whether a parent of the least probability is true, (B, C)."""
    parents = space.taxonomy.parents
    begin, end = parents.indptr[nodes.start], parents.indptr[nodes.stop]
    counts = np.diff(parents.indptr[nodes.start : nodes.stop + 1])
    of_parents = np.take(proba, parents.indices[begin:end], axis=1)
    least = np.repeat(space.least_parent(proba, nodes), counts, axis=1)
    true_and_least = (of_parents == least) & np.take(true, parents.indices[begin:end], axis=1)
    starts = parents.indptr[nodes.start : nodes.stop] - begin
    return np.asarray(np.logical_or.reduceat(true_and_least, starts, axis=1))


def closed(taxonomy: Taxonomy, true_nodes: Sequence[Sequence[int]]) -> NDArray[np.bool_]:
    """Give the true nodes with their ancestors, bool (B, N)."""
    text = np.repeat(np.arange(len(true_nodes)), [len(nodes) for nodes in true_nodes])
    node = np.concatenate([np.empty(0, np.int64), *(np.asarray(nodes, np.int64) for nodes in true_nodes)])
    pair, ancestor = take(taxonomy.ancestors, node)
    truth = np.zeros((len(true_nodes), len(taxonomy)), dtype=np.bool_)
    truth[text[pair], ancestor] = True
    return truth
