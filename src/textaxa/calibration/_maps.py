"""What calibration does to one score: a line (scale and shift), or a rising curve through knots.

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
    """A floor and a scale a level, a shift an option: ``scale * max(score, floor) + shift``.

    Attributes
    ----------
    scale
        Above 0, float64 (levels,); 1 / temperature.
    floor
        float64 (levels,), or None for none: what a model calls impossible is as improbable as such options were.
    shift
        float64 (K,), or None for no shift.
    """

    scale: Float
    floor: Float | None = None
    shift: Float | None = None

    def of_level(self, level: int, scores: Float, options: slice | NDArray[np.int32]) -> Float:
        """Give the changed scores of options of a level (from 0)."""
        if self.floor is not None:
            scores = np.maximum(scores, self.floor[level])
        changed: Float = scores * self.scale[level]
        return changed if self.shift is None else changed + self.shift[options]


@dataclass(frozen=True, eq=False)
class Curve:
    """Log-odds to log-odds, linear between knots; ``x`` and ``y`` rise, float64 (knots,)."""

    x: Float
    y: Float

    def __call__(self, log_odds: Float) -> Float:
        """Give the changed log-odds."""
        return np.interp(log_odds, self.x, self.y)


@dataclass(frozen=True, eq=False)
class Curves:
    """A curve a level. ``logs`` tells that scores are logarithms of probabilities, not log-odds."""

    curves: tuple[Curve, ...]
    logs: bool

    def of_level(self, level: int, scores: Float, options: slice | NDArray[np.int32]) -> Float:  # noqa: ARG002 - as Lines
        """Give the changed scores of options of a level (from 0)."""
        if not self.logs:
            return self.curves[level](scores)
        return np.asarray(-np.logaddexp(0.0, -self.curves[level](log_odds(scores))))


Map = Lines | Curves


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
