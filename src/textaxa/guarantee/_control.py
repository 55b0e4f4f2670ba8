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

from textaxa.guarantee._bounds import Floats, binomial_tail, mean_loss_tail
from textaxa.guarantee._evidence import LEAST, Evidence

NEVER = np.inf
"""The threshold where nothing may be answered."""


_DOUBT = 0.5
"""Mistakes that are added to those seen before the start is chosen: none among ten is not none among a hundred."""


@dataclass(frozen=True)
class Walk:
    """What is answered at every observed threshold, largest first; K thresholds.

    Attributes
    ----------
    threshold
        Probability from which on a claim is answered. (K,)
    answered
        Texts with an answer. (K,)
    loss
        Wrong answers; in a several-paths task the sum over texts of the share of wrong nodes. (K,)
    p_value
        Of "too many are wrong". (K,)
    """

    threshold: Floats
    answered: NDArray[np.int64]
    loss: Floats
    p_value: Floats


def walk(evidence: Evidence, claims: NDArray[np.bool_] | None, rate: float, *, single_claims: bool = False) -> Walk:
    """Give what would be answered at every threshold.

    Parameters
    ----------
    evidence
        The rows.
    claims
        Which claims count, (C,); None: all.
    rate
        The promised rate of mistakes.
    single_claims
        Every claim is an answer of its own, as for the nodes of one level; else one claim of a path replaces the one
        above it.
    """
    kept = np.ones(len(evidence.node), np.bool_) if claims is None else claims
    row, proba, wrong = evidence.row[kept], evidence.proba[kept], ~evidence.right[kept]
    if evidence.task == "multi":
        return _several(row, proba, wrong, rate)
    first = np.ones(len(row), np.bool_)
    before = np.zeros(len(row), np.bool_)
    if not single_claims:
        first[1:] = row[1:] != row[:-1]
        before[1:] = wrong[:-1] & ~first[1:]
    return _summed(proba, first.astype(np.int64), wrong.astype(np.float64) - before, rate, binomial=True)


def _several(row: NDArray[np.int64], proba: Floats, wrong: NDArray[np.bool_], rate: float) -> Walk:
    """The loss of a text is the share of its answered nodes that are wrong."""
    order = np.lexsort((-proba, row))
    row, proba, wrong = row[order], proba[order], wrong[order]
    first = np.ones(len(row), np.bool_)
    first[1:] = row[1:] != row[:-1]
    begin = np.flatnonzero(first)
    rank = np.arange(len(row)) - np.repeat(begin, np.diff(np.append(begin, len(row)))) + 1
    total = np.cumsum(wrong)
    share = (total - np.repeat((total - wrong)[begin], np.diff(np.append(begin, len(row))))) / rank
    change = share.copy()
    change[1:] -= np.where(first[1:], 0.0, share[:-1])
    return _summed(proba, first.astype(np.int64), change, rate, binomial=False)


def _summed(proba: Floats, answered: NDArray[np.int64], loss: Floats, rate: float, *, binomial: bool) -> Walk:
    order = np.argsort(-proba, kind="stable")
    threshold = proba[order]
    last = np.flatnonzero(np.append(threshold[1:] != threshold[:-1], True)) if len(order) else np.empty(0, np.int64)
    n, lost = np.cumsum(answered[order])[last], np.cumsum(loss[order])[last]
    return Walk(threshold[last], n, lost, _p_values(lost, n, rate, binomial=binomial))


def _p_values(loss: Floats, n: NDArray[np.int64], rate: float, *, binomial: bool) -> Floats:
    return binomial_tail(np.rint(loss).astype(np.int64), n, rate) if binomial else mean_loss_tail(loss, n, rate)


def start_of(tuning: Walk, rate: float, *, scale: float, task: str) -> float:
    """Give the threshold at which rows that are not tested promise the clearest proof.

    Of equals the lowest: it answers most. 1 where there are no such rows.

    Parameters
    ----------
    tuning
        What these rows answer.
    rate
        The promised rate of mistakes.
    scale
        How many rows are tested for each one of these: a proof gets clearer with more of them.
    task
        ``single`` or ``multi``.
    """
    if not len(tuning.threshold):
        return 1.0
    n = np.rint(scale * tuning.answered).astype(np.int64)
    loss = np.minimum(scale * (tuning.loss + _DOUBT), n)
    p_value = (
        binomial_tail(np.rint(loss).astype(np.int64), n, rate) if task == "single" else mean_loss_tail(loss, n, rate)
    )
    best = len(p_value) - 1 - int(np.argmin(p_value[::-1]))
    return 0.0 if best == len(p_value) - 1 else float(tuning.threshold[best])


def lowest_safe(tested: Walk, start: float, error: float, *, task: str) -> tuple[float, int]:
    """Walk down from ``start``; give the lowest threshold that is safe, and the place in the walk that it stands for.

    `NEVER` and -1 where not even the start is.
    """
    begin = int(np.searchsorted(-tested.threshold, -start, side="right")) - 1
    if begin < 0 or tested.p_value[begin] > error:
        return NEVER, -1
    failed = np.flatnonzero(tested.p_value[begin:] > error)
    end = begin + int(failed[0]) - 1 if len(failed) else len(tested.p_value) - 1
    if end == len(tested.p_value) - 1:
        return (0.0 if task == "single" else LEAST), end
    return (start if end == begin else float(tested.threshold[end])), end
