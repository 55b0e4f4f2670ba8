"""How much of an expected calibration error is chance: bins of few texts are off even where probabilities are true."""

from dataclasses import dataclass
from math import erf, pi, sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_TRIED, _HALVINGS = 65, 30

_FAR = 37.0
"""In standard deviations; beyond, the normal density is 0 in float64."""


@dataclass(frozen=True)
class Chance:
    """How the ECE falls out by chance, if the true differences are a multiple of the observed ones.

    Attributes
    ----------
    weight, gap, deviation
        Of every bin: its share of the texts, its absolute difference, and the standard error of that; shape (K,).
    """

    weight: Floats
    gap: Floats
    deviation: Floats

    def ece(self, multiple: float, deviations: float) -> float:
        """Give the mean of the ECE plus so many of its standard deviations."""
        mean, variance = _folded(multiple * self.gap, self.deviation)
        return float(self.weight @ mean + deviations * np.sqrt(self.weight**2 @ variance))

    def error_at(self, observed: float, deviations: float) -> float:
        """Give the true error at which the observed ECE lies so many standard deviations above its mean; 0 at least.

        Where there are several, the largest: below the mean, chance may first grow faster than the error.
        """
        error = float(self.weight @ self.gap)
        if not error:
            return 0.0
        high = 1.0
        while self.ece(high, deviations) < observed and high * error < 1:
            high *= 2
        tried = np.linspace(0.0, high, _TRIED)
        below = [float(multiple) for multiple in tried if self.ece(multiple, deviations) < observed]
        if not below:
            return 0.0
        low, high = below[-1], below[-1] + float(tried[1])
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.ece(middle, deviations) < observed else (low, middle)
        return min(1.0, high * error)


def _folded(mean: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """Give mean and variance of |X| for normal X, with a mean of at least 0."""
    ratio = np.divide(mean, deviation, out=np.full_like(mean, _FAR), where=deviation > 0)
    beyond = np.array([erf(r / sqrt(2)) for r in np.minimum(ratio, _FAR).tolist()])
    folded = deviation * sqrt(2 / pi) * np.exp(-(np.minimum(ratio, _FAR) ** 2) / 2) + mean * beyond
    return folded, np.maximum(mean**2 + deviation**2 - folded**2, 0.0)
