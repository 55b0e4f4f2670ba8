"""Risk control: the lowest threshold of which held-out rows still prove that the rate of mistakes is low enough.

Every threshold between 1 and 0 is a hypothesis "at this threshold too many answers are wrong". They are tested one
after the other, from a start downwards, and the first one that cannot be rejected ends the walk. All thresholds passed
are safe at once with the confidence of one test, however many there are.

Why that is exact. Let A be the thresholds at which too many answers are wrong, and t the largest one of them below the
start (the limit, if there is no largest). The observed answers change only at the observed probabilities, and every one
of these is tested; so to pass any threshold of A, the walk must first pass a test of the answers at t. Given how many
texts are answered at t, their mistakes are independent with a rate above the promised one, so that this test passes
with a probability of at most 1 - confidence. The risk need not be monotone in the threshold. The start must not depend
on the rows that are tested: it comes from other rows.

Source: fixed-sequence testing of Angelopoulos et al., Learn then Test (2021); the climbing rule of Goren et al.,
Hierarchical Selective Classification (NeurIPS 2024), whose quantile rule holds on average, not with a confidence.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textaxa.guarantee._bounds import Floats, batch_rate, binomial_tail, mean_loss_tail
from textaxa.guarantee._climb import order_of
from textaxa.guarantee._evidence import LEAST, Evidence

NEVER = np.inf
"""The threshold where nothing may be answered."""


_DOUBT = 0.5
"""Mistakes that are added to those seen before the start is chosen: none among ten is not none among a hundred."""


@dataclass(frozen=True)
class Wanted:
    """What is to be proven.

    Attributes
    ----------
    rate
        The rate of mistakes that must not be exceeded, in (0, 1).
    error
        The p-value below which it is proven, in (0, 1).
    to_come
        Texts that the promise is about for each row that is tested; None: all that will ever come.
    """

    rate: float
    error: float
    to_come: float | None = None

    def p_values(self, loss: Floats, answered: NDArray[np.int64], *, task: str) -> Floats:
        """Give the p-values of "too many are wrong"; each of shape (K,)."""
        if task == "multi":
            return mean_loss_tail(loss, answered, self.rate)
        wrong = np.rint(loss).astype(np.int64)
        if self.to_come is None:
            return binomial_tail(wrong, answered, self.rate)
        # Half of the error is for a true rate that is too high, half for a batch that turns out worse than it.
        to_come = np.rint(answered * self.to_come).astype(np.int64)
        rate = batch_rate(self.rate, self.error / 2, to_come)
        return np.minimum(2 * binomial_tail(wrong, answered, rate), 1.0)


@dataclass(frozen=True)
class Walk:
    """What is answered at every observed threshold, largest first; K thresholds.

    Attributes
    ----------
    threshold
        From which on a claim is answered: its probability, or its place in the order of `order_of`. (K,)
    answered
        Texts with an answer. (K,)
    loss
        Wrong answers; in a several-paths task the sum over texts of the share of wrong nodes. (K,)
    task
        ``single`` or ``multi``.
    """

    threshold: Floats
    answered: NDArray[np.int64]
    loss: Floats
    task: str

    def at(self, threshold: float) -> int:
        """Give the place of what is answered at a threshold; -1 where nothing is."""
        return int(np.searchsorted(-self.threshold, -threshold, side="right")) - 1


def walk_paths(evidence: Evidence, handicap: float, claims: NDArray[np.bool_] | None = None) -> Walk:
    """Give what is answered at every threshold, one node a text, or with several paths all above it.

    Parameters
    ----------
    evidence
        The rows.
    handicap
        Of the order in which the nodes of a path come; several paths come by their probabilities.
    claims
        Which claims count, (C,); None: all.
    """
    kept = np.ones(len(evidence.node), np.bool_) if claims is None else claims
    if evidence.task == "multi":
        return _several(evidence.row[kept], evidence.proba[kept], ~evidence.right[kept])
    order = order_of(evidence.proba, evidence.levels_below, handicap)
    kept = kept & _answered_once(order, evidence.start)
    row, wrong = evidence.row[kept], ~evidence.right[kept]
    first = np.append(True, row[1:] != row[:-1])[: len(row)]
    above = np.append(False, wrong[:-1])[: len(row)] & ~first  # the answer that a deeper one takes the place of
    return _summed(order[kept], first.astype(np.int64), wrong.astype(np.float64) - above.astype(np.float64), "single")


def walk_nodes(evidence: Evidence, claims: NDArray[np.bool_]) -> Walk:
    """Give what is answered at every threshold on the probability, of the nodes of one level."""
    row, proba, wrong = evidence.row[claims], evidence.proba[claims], ~evidence.right[claims]
    if evidence.task == "multi":
        return _several(row, proba, wrong)
    return _summed(proba, np.ones(len(row), np.int64), wrong.astype(np.float64), "single")


def _answered_once(order: Floats, start: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which claims are ever the answer: those that come before all deeper ones of their row."""
    kept = np.ones(len(order), np.bool_)
    counts = np.diff(start)
    deepest = np.full(len(counts), -np.inf)
    for back in range(int(counts.max(initial=0))):
        rows = np.flatnonzero(counts > back)
        at = start[1:][rows] - 1 - back
        kept[at] = order[at] > deepest[rows]
        deepest[rows] = np.maximum(deepest[rows], order[at])
    return kept


def _several(row: NDArray[np.int64], proba: Floats, wrong: NDArray[np.bool_]) -> Walk:
    """The loss of a text is the share of its answered nodes that are wrong."""
    order = np.lexsort((-proba, row))
    row, proba, wrong = row[order], proba[order], wrong[order]
    first = np.append(True, row[1:] != row[:-1])[: len(row)]
    begin = np.flatnonzero(first)
    size = np.diff(np.append(begin, len(row)))
    total = np.cumsum(wrong)
    before: NDArray[np.int64] = np.repeat((total - wrong)[begin], size)
    share = (total - before) / (np.arange(len(row)) - np.repeat(begin, size) + 1)
    change = share - np.where(first, 0.0, np.append(0.0, share[:-1])[: len(row)])
    return _summed(proba, first.astype(np.int64), change, "multi")


def _summed(threshold: Floats, answered: NDArray[np.int64], loss: Floats, task: str) -> Walk:
    order = np.argsort(-threshold, kind="stable")
    threshold = threshold[order]
    last = np.flatnonzero(np.append(threshold[1:] != threshold[:-1], True)[: len(order)])
    return Walk(threshold[last], np.cumsum(answered[order])[last], np.cumsum(loss[order])[last], task)


def start_of(tuning: Walk, wanted: Wanted, *, scale: float) -> tuple[float, float]:
    """Give the threshold at which rows that are not tested promise the clearest proof, and the p-value to be expected.

    Of equals the lowest: it answers most. 1 and 1 where there are no such rows.

    Parameters
    ----------
    tuning
        What these rows answer.
    wanted
        What is to be proven.
    scale
        How many rows are tested for each one of these: a proof gets clearer with more of them.
    """
    if not len(tuning.threshold):
        return 1.0, 1.0
    answered = np.rint(scale * tuning.answered).astype(np.int64)
    loss = np.minimum(scale * (tuning.loss + _DOUBT), answered)
    p_value = wanted.p_values(loss, answered, task=tuning.task)
    best = len(p_value) - 1 - int(np.argmin(p_value[::-1]))
    return 0.0 if best == len(p_value) - 1 else float(tuning.threshold[best]), float(p_value[best])


def lowest_safe(tested: Walk, start: float, wanted: Wanted) -> tuple[float, int]:
    """Walk down from ``start``; give the lowest threshold that is safe, and its place in the walk.

    `NEVER` and -1 where not even the start is.
    """
    begin = tested.at(start)
    if begin < 0:
        return NEVER, -1
    failed = wanted.p_values(tested.loss[begin:], tested.answered[begin:], task=tested.task) > wanted.error
    if failed[0]:
        return NEVER, -1
    end = begin + int(np.argmax(failed)) - 1 if failed.any() else len(tested.threshold) - 1
    if end == len(tested.threshold) - 1:
        return (0.0 if tested.task == "single" else LEAST), end
    return (start if end == begin else float(tested.threshold[end])), end
