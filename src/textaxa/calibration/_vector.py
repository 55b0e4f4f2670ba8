"""Fitting a bent line a level and a shift an option: log loss and its gradient, minimised by L-BFGS.

The line has a slope a segment. One slope for all would be a temperature; with several, scores that are nearly certain
may be corrected in another way than doubtful ones, and what a model calls impossible may keep a share.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textaxa.calibration._lines import minimised, shared_scale
from textaxa.calibration._maps import END, Bent, Curve
from textaxa.calibration._spaces import Float, Space
from textaxa.calibration._told import Told

LOG_BENDS = (-END, -10.0, -5.0, -2.5, -1.0, 0.0)
"""Where the slope may change, for logarithms of probabilities: at 0.4, 0.08, 0.007 and 0.00005."""

ODDS_BENDS = (-END, -6.0, -3.0, -1.0, 1.0, 3.0, 6.0, END)
"""The same for log-odds."""

PRIOR_OF_BEND = 0.5
"""Standard deviation of the difference between the logarithms of neighbouring slopes."""

PRIOR_OF_SHIFT = 1.0
"""Standard deviation of the shift that all options of a level share, in nats."""

RIDGES = (0.1, 0.3, 1.0)
"""Standard deviations to choose from for the shift of one option, around the level's, in nats."""

_SLOPES = -5.0, 3.0
_MOST_SHIFT = 15.0


@dataclass(frozen=True, eq=False)
class BentProblem:
    """The penalised log loss of a level as a function of theta = (log slopes, level's shift, options' shifts).

    Attributes
    ----------
    told
        What the rows tell; ``option`` counts from the level's first.
    parts
        How much of each score lies in each segment, (segments, E): a score is the sum of its parts.
    centre
        Mean of the prior of the uppermost log slope.
    shifted
        Options that the level's shift moves, bool (C,).
    ridge
        Standard deviation of the prior of the options' shifts.
    """

    told: Told
    parts: Float
    centre: float
    shifted: NDArray[np.bool_]
    ridge: float

    def __call__(self, theta: Float) -> tuple[float, Float]:
        """Give the penalised loss in nats, summed over decisions, and its gradient."""
        n = len(self.parts)
        slopes = np.exp(theta[:n])
        proba, losses = self.told.proba_and_losses(slopes @ self.parts + self.shifts(theta)[self.told.option])
        residual = proba - self.told.true
        by_option = np.bincount(self.told.option, residual, minlength=len(self.shifted))
        bends = np.diff(theta[:n], append=self.centre) / PRIOR_OF_BEND
        penalty = (bends**2).sum() + (theta[n] / PRIOR_OF_SHIFT) ** 2 + ((theta[n + 1 :] / self.ridge) ** 2).sum()
        gradient = np.empty_like(theta)
        gradient[:n] = slopes * (self.parts @ residual) - np.diff(bends, prepend=0.0) / PRIOR_OF_BEND
        gradient[n] = by_option[self.shifted].sum() + theta[n] / PRIOR_OF_SHIFT**2
        gradient[n + 1 :] = by_option + theta[n + 1 :] / self.ridge**2
        return float(losses.sum() + penalty / 2), gradient

    def shifts(self, theta: Float) -> Float:
        """Give the shift of each option, (C,)."""
        n = len(self.parts)
        shifts: Float = theta[n + 1 :] + theta[n] * self.shifted
        return shifts

    def solved(self) -> Float:
        """Give the best theta."""
        n, rest = len(self.parts), 1 + len(self.shifted)
        start = np.concatenate([np.full(n, self.centre), np.zeros(rest)])
        return minimised(self, start, [_SLOPES] * n + [(-_MOST_SHIFT, _MOST_SHIFT)] * rest)


def fit_vector(told: Sequence[Told], space: Space, ridge: float) -> Bent:
    """Give a bent line a level, and a shift an option.

    Source: vector scaling, Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 4.2, with a bent
    line a level instead of a scale a class, and a normal prior on the shifts (ridge).
    """
    shared, shift, curves = shared_scale(told), np.zeros(space.n), []
    bends = np.array(ODDS_BENDS if told[0].starts is None else LOG_BENDS)
    for one, options in zip(told, space.levels, strict=True):
        own = Told(one.score, one.option - options.start, one.row, one.true, one.starts)
        problem = BentProblem(own, parts_of(one.score, bends), shared, space.shifted[options], ridge)
        theta = problem.solved()
        shift[options] = problem.shifts(theta)
        curves.append(Curve(bends, np.exp(theta[: len(bends) - 1]) @ parts_of(bends, bends)))
    return Bent(tuple(curves), shift)


def parts_of(scores: Float, bends: Float) -> Float:
    """Give how much of each score lies between each two bends, counted from 0, (segments, E)."""
    low, high = bends[:-1, None], bends[1:, None]
    parts: Float = np.clip(scores, low, high) - np.clip(0.0, low, high)
    return parts
