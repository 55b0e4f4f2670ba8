"""What calibration does to one score: a scale and a floor, or a rising curve through knots, and a shift.

A map gets the scores of options of one level, and gives scores of the same shape; every number for itself, so that a
row's result does not depend on the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textaxa.calibration._spaces import FLOOR, Float

END = float(np.log(1 / FLOOR - 1))
"""Log-odds at which a curve ends."""


@dataclass(frozen=True, eq=False)
class Lines:
    """A floor and a scale a level: ``scale * max(score, floor)``.

    Attributes
    ----------
    scale
        Above 0, float64 (levels,); 1 / temperature.
    floor
        float64 (levels,), or None for none: what a model calls impossible is as improbable as such options were.
    """

    scale: Float
    floor: Float | None = None

    def of_level(self, level: int, scores: Float, options: slice | NDArray[np.int32]) -> Float:  # noqa: ARG002 - as Bent
        """Give the changed scores of options of a level (from 0)."""
        if self.floor is not None:
            scores = np.maximum(scores, self.floor[level])
        changed: Float = scores * self.scale[level]
        return changed


@dataclass(frozen=True, eq=False)
class Curve:
    """Straight between knots, level outside them; ``x`` and ``y`` rise, float64 (knots,)."""

    x: Float
    y: Float

    def __call__(self, scores: Float) -> Float:
        """Give the changed scores."""
        return np.interp(scores, self.x, self.y)


@dataclass(frozen=True, eq=False)
class Bent:
    """A curve of scores a level, and a shift an option, float64 (K,)."""

    curves: tuple[Curve, ...]
    shift: Float

    def of_level(self, level: int, scores: Float, options: slice | NDArray[np.int32]) -> Float:
        """Give the changed scores of options of a level (from 0)."""
        changed: Float = self.curves[level](scores) + self.shift[options]
        return changed


@dataclass(frozen=True, eq=False)
class Curves:
    """A curve of log-odds a level. ``logs`` tells that scores are logarithms of probabilities, not log-odds."""

    curves: tuple[Curve, ...]
    logs: bool

    def of_level(self, level: int, scores: Float, options: slice | NDArray[np.int32]) -> Float:  # noqa: ARG002 - as Bent
        """Give the changed scores of options of a level (from 0)."""
        if not self.logs:
            return self.curves[level](scores)
        return np.asarray(-np.logaddexp(0.0, -self.curves[level](log_odds(scores))))


Map = Lines | Bent | Curves


def changed(change: Map, levels: Sequence[slice], scores: Float) -> Float:
    """Give the changed scores (B, K) of the options of all levels."""
    result = np.empty_like(scores)
    for level, options in enumerate(levels):
        result[:, options] = change.of_level(level, scores[:, options], options)
    return result


def log_odds(log_proba: Float) -> Float:
    """Give the log-odds of probabilities given by their logarithms, between -27.6 and 27.6."""
    rest = np.maximum(-np.expm1(np.minimum(log_proba, 0.0)), FLOOR)
    return np.clip(log_proba - np.log(rest), -END, END)


def straight() -> Curve:
    """Give the curve that changes nothing."""
    ends = np.array([-END, END])
    return Curve(ends, ends)
