"""Fitting a floor and a scale a level, and a shift an option: log loss and its gradient, minimised by L-BFGS."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from textaxa._extras import require
from textaxa.calibration._maps import Lines
from textaxa.calibration._spaces import FLOOR, Float, Space
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


_FLOORS = np.log([FLOOR, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2])
"""Where the floor is looked for: the search starts at the best of these, between the first and the last."""


@dataclass(frozen=True, eq=False)
class Problem:
    """The penalised log loss of a level as a function of theta = (log scale, floor, level's shift, options' shifts).

    The tail of theta may be left out: the scale alone, or scale and floor.

    Attributes
    ----------
    told
        What the rows tell; ``option`` counts from the level's first.
    centre, spread
        Mean and standard deviation of the prior of the log scale.
    shifted
        Options that the level's shift moves, bool (C,).
    ridge
        Standard deviation of the prior of the options' shifts.
    """

    told: Told
    centre: float = 0.0
    spread: float = PRIOR
    shifted: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, dtype=np.bool_))
    ridge: float = 1.0

    def __call__(self, theta: Float) -> tuple[float, Float]:
        """Give the penalised loss in nats, summed over decisions, and its gradient."""
        scale, told, away = np.exp(theta[0]), self.told, (theta[0] - self.centre) / self.spread
        score = told.score if len(theta) == 1 else np.maximum(told.score, theta[1])
        scores = scale * score
        if len(theta) > 2:
            scores = scores + self.shifts(theta)[told.option]
        proba, losses = told.proba_and_losses(scores)
        residual = proba - told.true
        gradient = np.empty_like(theta)
        gradient[0] = scale * (residual * score).sum() + away / self.spread
        if len(theta) > 1:
            gradient[1] = scale * residual[told.score <= theta[1]].sum()
        if len(theta) > 2:
            by_option = np.bincount(told.option, residual, minlength=len(self.shifted))
            gradient[2] = by_option[self.shifted].sum() + theta[2] / PRIOR_OF_SHIFT**2
            gradient[3:] = by_option + theta[3:] / self.ridge**2
        penalty = away**2 + ((theta[2:3] / PRIOR_OF_SHIFT) ** 2).sum() + ((theta[3:] / self.ridge) ** 2).sum()
        return float(losses.sum() + penalty / 2), gradient

    def shifts(self, theta: Float) -> Float:
        """Give the shift of each option, (C,)."""
        shifts: Float = theta[3:] + theta[2] * self.shifted
        return shifts

    def solved(self, start: Float) -> Float:
        """Give the best theta."""
        minimize = require("scipy.optimize", extra="train").minimize
        bounds = [_RANGE, (_FLOORS[0], _FLOORS[-1]), *[(-_MOST_SHIFT, _MOST_SHIFT)] * (len(start) - 2)][: len(start)]
        found = minimize(self, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 300})
        best: Float = np.asarray(found.x, dtype=np.float64)
        return best

    def start(self) -> Float:
        """Give log scale and floor to start from: the loss as a function of the floor may have several valleys."""
        starts = [np.array([self.centre, floor]) for floor in _FLOORS]
        return min(starts, key=lambda theta: self(theta)[0])


def shared_scale(told: Sequence[Told]) -> float:
    """Give the logarithm of the scale that suits all levels best, 0 where nothing was decided."""
    return float(Problem(joined(told)).solved(np.zeros(1))[0])


def fit_temperature(told: Sequence[Told]) -> Lines:
    """Give one scale for all levels."""
    return Lines(np.full(len(told), np.exp(shared_scale(told))))


def fit_scales(told: Sequence[Told]) -> Lines:
    """Give a scale and a floor a level; a level that nobody reached has the scale that all share."""
    shared = shared_scale(told)
    problems = [Problem(one, shared, PRIOR_OF_LEVEL) for one in told]
    found = [problem.solved(problem.start()) for problem in problems]
    return Lines(np.exp([theta[0] for theta in found]), np.array([theta[1] for theta in found]))


def fit_vector(told: Sequence[Told], space: Space, ridge: float) -> Lines:
    """Give a scale and a floor a level, and a shift an option.

    Source: vector scaling, Guo et al., On Calibration of Modern Neural Networks, ICML 2017, section 4.2, with one
    scale a level instead of one a class, a normal prior on the shifts (ridge), and a floor.
    """
    shared = shared_scale(told)
    scale, floor, shift = np.empty(len(told)), np.empty(len(told)), np.zeros(space.n)
    for level, (one, options) in enumerate(zip(told, space.levels, strict=True)):
        own = Told(one.score, one.option - options.start, one.row, one.true, one.starts)
        problem = Problem(own, shared, PRIOR_OF_LEVEL, space.shifted[options], ridge)
        theta = problem.solved(np.append(problem.start(), np.zeros(1 + options.stop - options.start)))
        scale[level], floor[level], shift[options] = np.exp(theta[0]), theta[1], problem.shifts(theta)
    return Lines(scale, floor, shift)
