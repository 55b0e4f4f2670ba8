"""How suspicious the one label of a row is, and which other label would fit better.

The score of a row is the logarithm of

    P(class's own) / P(given) · √P(best other)

where P(given) is the out-of-sample probability of the given terminal with every level at its own temperature, mixed
with the labels of neighbouring texts where vectors are given (as much as makes the given labels most probable), and
P(class's own) its mean over the rows of that label. So a label that models find hard as such is not held against its
rows, errors in a class that is found easily come first, and of two rows of the same self-confidence the one with one
clear other path comes before the one that is simply unclear.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textaxa.audit._levels import FLOOR, Decisions, Floats, Ints
from textaxa.audit._neighbours import Neighbours
from textaxa.taxonomy import Taxonomy

_PRIOR_ROWS = 5.0
"""Rows of the average class that the mean of every class is mixed with: the mean of three rows says little."""

_JUDGED_ROWS = 2
"""A node with fewer rows cannot be judged: when its one row is held out, the models have never seen it."""

_NEIGHBOUR_SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
"""What neighbours may weigh beside the models; one weight for all tables was worse than none on some."""

_CELLS = 4_000_000
"""Numbers of a block, 32 MB."""


@dataclass(frozen=True)
class Suspects:
    """Every row's suspicion.

    Attributes
    ----------
    score
        In [0, 1], float64 (B,); 0 where nothing can be said.
    given, suggested
        Columns of `taxonomy.terminals`, int64 (B,): the label as given, and the most probable one outside what could be
        judged of it.
    given_proba, suggested_proba
        Of the label as far as it could be judged, and of the other one; float64 (B,).
    expected_proba
        The mean probability of the suggested label on the rows that were given it; float64 (B,).
    """

    score: Floats
    given: Ints
    suggested: Ints
    given_proba: Floats
    suggested_proba: Floats
    expected_proba: Floats

    @property
    def confident(self) -> NDArray[np.bool_]:
        """Where the other label is as probable as it is, in the mean, on its own rows, bool (B,).

        These are the off-diagonal counts of the confident joint of Northcutt, Jiang & Chuang 2021.
        """
        return self.disagrees & (self.suggested_proba >= self.expected_proba)

    @property
    def disagrees(self) -> NDArray[np.bool_]:
        """Where the other label is the more probable one, bool (B,)."""
        return self.suggested_proba > self.given_proba


def single_path_suspects(
    taxonomy: Taxonomy, given: Ints, proba: NDArray[np.floating], neighbours: Neighbours | None = None
) -> Suspects:
    """Give the suspicion of every row.

    Parameters
    ----------
    taxonomy
        The taxonomy, with T terminals.
    given
        The label of every row, as a column of ``taxonomy.terminals``; (B,).
    proba
        Out-of-sample probabilities of terminals, (B, T).
    neighbours
        The most similar other texts.
    """
    decisions = Decisions(taxonomy)
    place = decisions.place[given]
    sample = decisions.sample(proba)
    temperatures = decisions.temperatures(_ordered(proba[sample], decisions), place[sample])
    weight = 0.0
    if neighbours is not None:
        logs = decisions.calibrated(_ordered(proba[sample], decisions), temperatures)
        weight = neighbour_share(logs, place[sample], neighbours.shares(place, sample, proba.shape[1]))
    own, other, suggested = np.empty(len(given)), np.empty(len(given)), np.zeros(len(given), dtype=np.int64)
    judged = _judged_levels(decisions, place)
    size = max(1, _CELLS // proba.shape[1])
    for start in range(0, len(given), size):
        rows = slice(start, start + size)
        logs = decisions.calibrated(_ordered(proba[rows], decisions), temperatures)
        if neighbours is not None and weight:
            logs = np.log((1 - weight) * np.exp(logs) + weight * neighbours.shares(place, rows, proba.shape[1]) + FLOOR)
        own[rows], other[rows], suggested[rows] = _own_and_other(decisions, logs, place[rows], judged[rows])
    known = (judged > 0) & np.isfinite(other)
    expected = _expected(own, given, proba.shape[1])
    log_odds = expected[given] - own + np.where(known, other, 0.0) / 2
    score = np.where(known, 1 / (1 + np.exp(-log_odds)), 0.0)
    found = decisions.order[suggested]
    return Suspects(score, given, found, np.exp(own), np.exp(other), np.exp(expected)[found])


def neighbour_share(logs: Floats, place: Ints, shares: Floats) -> float:
    """Give the weight of neighbours at which the given labels are most probable (log loss).

    Parameters
    ----------
    logs
        log P(terminal) of the models, (B, T).
    place
        The given terminals, (B,).
    shares
        Shares of terminals among the neighbours, (B, T).
    """
    rows = np.arange(len(place))
    own, near = np.exp(logs[rows, place]), shares[rows, place]
    losses = [-np.log((1 - weight) * own + weight * near + FLOOR).mean() for weight in _NEIGHBOUR_SHARES]
    return _NEIGHBOUR_SHARES[int(np.argmin(losses))]


def _ordered(proba: NDArray[np.floating], decisions: Decisions) -> Floats:
    return proba[:, decisions.order].astype(np.float64)


def _judged_levels(decisions: Decisions, place: Ints) -> Ints:
    """Give down to which level each row's label can be judged, (B,); 0 = not at all."""
    judged = np.zeros(len(place), dtype=np.int64)
    for number, level in enumerate(decisions.levels, start=1):
        rows = np.bincount(level.option[place], minlength=len(level.start))
        judged[(judged == number - 1) & (rows[level.option[place]] >= _JUDGED_ROWS)] = number
    return judged


def _own_and_other(decisions: Decisions, logs: Floats, place: Ints, judged: Ints) -> tuple[Floats, Floats, Ints]:
    """Give log P(given, as far as judged), log P(best other terminal) and that terminal's place; (B,) each."""
    rows = np.arange(len(place))
    mine = np.ones(logs.shape, dtype=bool)
    for number, level in enumerate(decisions.levels):
        counts = judged > number
        mine[counts] &= level.option[None, :] == level.option[place[counts], None]
    # What is below the level that can be judged is summed, not chosen from.
    largest = logs.max(axis=1, keepdims=True)
    own = np.log((np.exp(logs - largest) * mine).sum(axis=1) + FLOOR) + largest[:, 0]
    exact = judged == len(decisions.levels)
    own[exact] = logs[rows[exact], place[exact]]
    others = np.where(mine, -np.inf, logs)
    suggested = others.argmax(axis=1)
    return own, others[rows, suggested], suggested


def _expected(own: Floats, given: Ints, n_terminals: int) -> Floats:
    """Give the logarithm of the mean probability that each class has on the rows given that class, (T,)."""
    proba = np.exp(own)
    count = np.bincount(given, minlength=n_terminals)
    total = np.bincount(given, weights=proba, minlength=n_terminals)
    found: Floats = np.log((total + _PRIOR_ROWS * proba.mean()) / (count + _PRIOR_ROWS) + FLOOR)
    return found
