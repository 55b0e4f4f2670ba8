"""How suspicious the one label of a row is, and which other label would fit better.

The score of a row is the logarithm of

    P(class's own) / P(given) · √P(best other)

where P(given) is the out-of-sample probability of the given terminal with every level at its own temperature, and
P(class's own) the mean of it over the rows of the same label. So a label that models find hard as such is not held
against its rows, errors in a class that is found easily come first, and of two rows of the same self-confidence the one
with one clear other path comes before the one that is simply unclear.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textaxa.audit._levels import FLOOR, Decisions, Floats, Ints
from textaxa.taxonomy import Taxonomy

_PRIOR_ROWS = 5.0
"""Rows of the average class that the mean of every class is mixed with: the mean of three rows says little."""

_JUDGED_ROWS = 2
"""A node with fewer rows cannot be judged: when its one row is held out, the models have never seen it."""

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
    """

    score: Floats
    given: Ints
    suggested: Ints
    given_proba: Floats
    suggested_proba: Floats

    @property
    def disagrees(self) -> NDArray[np.bool_]:
        """Where the other label is the more probable one, bool (B,)."""
        return self.suggested_proba > self.given_proba


def single_path_suspects(taxonomy: Taxonomy, given: Ints, proba: NDArray[np.floating]) -> Suspects:
    """Give the suspicion of every row.

    Parameters
    ----------
    taxonomy
        The taxonomy, with T terminals.
    given
        The label of every row, as a column of ``taxonomy.terminals``; (B,).
    proba
        Out-of-sample probabilities of terminals, (B, T).
    """
    decisions = Decisions(taxonomy)
    place = decisions.place[given]
    sample = decisions.sample(proba)
    temperatures = decisions.temperatures(_ordered(proba[sample], decisions), place[sample])
    own, other, suggested = np.empty(len(given)), np.empty(len(given)), np.zeros(len(given), dtype=np.int64)
    judged = _judged_levels(decisions, place)
    size = max(1, _CELLS // proba.shape[1])
    for start in range(0, len(given), size):
        rows = slice(start, start + size)
        found = _own_and_other(decisions, temperatures, _ordered(proba[rows], decisions), place[rows], judged[rows])
        own[rows], other[rows], suggested[rows] = found
    known = (judged > 0) & np.isfinite(other)
    log_odds = _expected(own, given, proba.shape[1]) - own + np.where(known, other, 0.0) / 2
    score = np.where(known, 1 / (1 + np.exp(-log_odds)), 0.0)
    return Suspects(score, given, decisions.order[suggested], np.exp(own), np.exp(other))


def _ordered(proba: NDArray[np.floating], decisions: Decisions) -> Floats:
    return proba[:, decisions.order].astype(np.float64)


def _judged_levels(decisions: Decisions, place: Ints) -> Ints:
    """Give down to which level each row's label can be judged, (B,); 0 = not at all."""
    judged = np.zeros(len(place), dtype=np.int64)
    for number, level in enumerate(decisions.levels, start=1):
        rows = np.bincount(level.option[place], minlength=len(level.start))
        judged[(judged == number - 1) & (rows[level.option[place]] >= _JUDGED_ROWS)] = number
    return judged


def _own_and_other(
    decisions: Decisions, temperatures: list[float], proba: Floats, place: Ints, judged: Ints
) -> tuple[Floats, Floats, Ints]:
    """Give log P(given, as far as judged), log P(best other terminal) and that terminal's place; (B,) each."""
    rows = np.arange(len(place))
    every = np.zeros_like(proba)
    own = np.zeros(len(place))
    mine = np.ones(proba.shape, dtype=bool)
    for number, (level, temperature) in enumerate(zip(decisions.levels, temperatures, strict=True)):
        logs = decisions.tempered(decisions.log_conditionals(proba, number), number, temperature)
        every += logs[:, level.option]
        option = level.option[place]
        counts = judged > number
        own[counts] += logs[rows[counts], option[counts]]
        mine[counts] &= level.option[None, :] == option[counts, None]
    every[mine] = -np.inf
    suggested = every.argmax(axis=1)
    return own, every[rows, suggested], suggested


def _expected(own: Floats, given: Ints, n_terminals: int) -> Floats:
    """Give the logarithm of the mean probability of each row's class among the rows given that class, (B,)."""
    proba = np.exp(own)
    count = np.bincount(given, minlength=n_terminals)
    total = np.bincount(given, weights=proba, minlength=n_terminals)
    mean = (total + _PRIOR_ROWS * proba.mean()) / (count + _PRIOR_ROWS)
    found: Floats = np.log(mean + FLOOR)[given]
    return found
