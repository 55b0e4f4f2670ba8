"""Fitting a scale and a floor a level: log loss and its gradient, minimised by L-BFGS."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from textaxa._extras import require
from textaxa.calibration._maps import Lines
from textaxa.calibration._spaces import FLOOR, Float
from textaxa.calibration._told import Told, joined

PRIOR = 1.0
"""Standard deviation of the logarithm of the scale that all levels share, around 0. It weighs as much as a row or two:
a handful of texts that are all right cannot make everything certain."""

PRIOR_OF_LEVEL = 0.5
"""The same for one level's scale, around the shared one."""

RANGE = float(np.log(0.05)), float(np.log(20.0))
"""Where the logarithm of a scale is looked for."""

_FLOORS = np.log([FLOOR, 1e-10, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2])
"""Where the floor is looked for: the search starts at the best of these, between the first and the last."""


@dataclass(frozen=True, eq=False)
class Problem:
    """The penalised log loss of a level as a function of theta = (log scale, floor); the floor may be left out.

    Attributes
    ----------
    told
        What the rows tell.
    centre, spread
        Mean and standard deviation of the prior of the log scale.
    """

    told: Told
    centre: float = 0.0
    spread: float = PRIOR

    def __call__(self, theta: Float) -> tuple[float, Float]:
        """Give the penalised loss in nats, summed over decisions, and its gradient."""
        scale, told, away = np.exp(theta[0]), self.told, (theta[0] - self.centre) / self.spread
        score = told.score if len(theta) == 1 else np.maximum(told.score, theta[1])
        proba, losses = told.proba_and_losses(scale * score)
        residual = proba - told.true
        gradient = np.empty_like(theta)
        gradient[0] = scale * (residual * score).sum() + away / self.spread
        if len(theta) > 1:
            gradient[1] = scale * residual[told.score <= theta[1]].sum()
        return float(losses.sum() + away**2 / 2), gradient

    def start(self) -> Float:
        """Give log scale and floor to start from: the loss as a function of the floor may have several valleys."""
        starts = [np.array([self.centre, floor]) for floor in _FLOORS]
        return min(starts, key=lambda theta: self(theta)[0])

    def solved(self, start: Float) -> Float:
        """Give the best theta."""
        return minimised(self, start, [RANGE, (float(_FLOORS[0]), float(_FLOORS[-1]))][: len(start)])


def minimised(
    loss: Callable[[Float], tuple[float, Float]], start: Float, bounds: Sequence[tuple[float, float]]
) -> Float:
    """Give where a loss that tells its gradient is least."""
    minimize = require("scipy.optimize", extra="train").minimize
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 300})
    best: Float = np.asarray(found.x, dtype=np.float64)
    return best


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
