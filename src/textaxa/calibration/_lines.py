"""Fitting a scale a level, and a shift an option: log loss and its gradient, minimised by L-BFGS."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from textaxa._extras import require
from textaxa.calibration._maps import Lines
from textaxa.calibration._spaces import Float, Space
from textaxa.calibration._told import Told, joined

PRIOR = 1.0
"""Standard deviation of the logarithm of the scale that all levels share, around 0. It weighs as much as a row or two:
a handful of texts that are all right cannot make everything certain."""

PRIOR_OF_LEVEL = 0.5
"""The same for one level's scale, around the shared one."""

PRIOR_OF_SHIFT = 1.0
"""Standard deviation of the shift that all options of a level share."""

RIDGES = (0.1, 0.3, 1.0)
"""Standard deviations to choose from for the shift of one option, around the level's; in nats."""

_RANGE = float(np.log(0.05)), float(np.log(20.0))
_MOST_SHIFT = 15.0


@dataclass(frozen=True, eq=False)
class Problem:
    """The penalised log loss of a level as a function of theta = (log scale, level's shift, shift of each option).

    Attributes
    ----------
    told
        What the rows tell; ``option`` counts from the level's first.
    centre, spread
        Mean and standard deviation of the prior of the log scale.
    shifted
        Options that the level's shift moves, bool (C,); empty to fit the scale alone.
    ridge
        Standard deviation of the prior of the options' shifts.
    """

    told: Told
    centre: float
    spread: float
    shifted: np.ndarray
    ridge: float = 1.0

    def __call__(self, theta: Float) -> tuple[float, Float]:
        """Give the penalised loss in nats, summed over decisions, and its gradient."""
        scale, option, n = np.exp(theta[0]), self.told.option, len(self.shifted)
        scores = scale * self.told.score
        if n:
            scores = scores + self.shifts(theta)[option]
        proba, losses = self.told.proba_and_losses(scores)
        residual = proba - self.told.true
        away = (theta[0] - self.centre) / self.spread
        value = losses.sum() + away**2 / 2
        gradient = np.empty_like(theta)
        gradient[0] = scale * (residual * self.told.score).sum() + away / self.spread
        if n:
            by_option = np.bincount(option, residual, minlength=n)
            gradient[1] = by_option[self.shifted].sum() + theta[1] / PRIOR_OF_SHIFT**2
            gradient[2:] = by_option + theta[2:] / self.ridge**2
            value += (theta[1] / PRIOR_OF_SHIFT) ** 2 / 2 + (theta[2:] ** 2).sum() / self.ridge**2 / 2
        return float(value), gradient

    def shifts(self, theta: Float) -> Float:
        """Give the shift of each option, (C,)."""
        return theta[2:] + theta[1] * self.shifted

    def solved(self, start: Float) -> Float:
        """Give the best theta."""
        minimize = require("scipy.optimize", extra="train").minimize
        bounds = [_RANGE] + [(-_MOST_SHIFT, _MOST_SHIFT)] * (len(start) - 1)
        found = minimize(self, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 300})
        best: Float = np.asarray(found.x, dtype=np.float64)
        return best


_NO_SHIFT = np.empty(0, dtype=np.bool_)


def shared_scale(told: Sequence[Told]) -> float:
    """Give the logarithm of the scale that suits all levels best, 0 where nothing was decided."""
    return float(Problem(joined(told), 0.0, PRIOR, _NO_SHIFT).solved(np.zeros(1))[0])


def fit_temperature(told: Sequence[Told]) -> Lines:
    """Give one scale for all levels."""
    return Lines(np.full(len(told), np.exp(shared_scale(told))))


def fit_scales(told: Sequence[Told]) -> Lines:
    """Give a scale a level; a level that nobody reached has the one that all share."""
    shared = shared_scale(told)
    problems = (Problem(one, shared, PRIOR_OF_LEVEL, _NO_SHIFT) for one in told)
    return Lines(np.exp([problem.solved(np.array([shared]))[0] for problem in problems]))


def fit_vector(told: Sequence[Told], space: Space, ridge: float) -> Lines:
    """Give a scale a level and a shift an option.

    Source: vector scaling, Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 4.2, with one
    scale a level instead of one a class, and a normal prior on the shifts (ridge).
    """
    shared = shared_scale(told)
    scale, shift = np.empty(len(told)), np.zeros(space.n)
    for level, (one, options) in enumerate(zip(told, space.levels, strict=True)):
        own = Told(one.score, one.option - options.start, one.row, one.true, one.starts)
        problem = Problem(own, shared, PRIOR_OF_LEVEL, space.shifted[options], ridge)
        theta = problem.solved(np.concatenate([[shared], np.zeros(1 + options.stop - options.start)]))
        scale[level], shift[options] = np.exp(theta[0]), problem.shifts(theta)
    return Lines(scale, shift)
