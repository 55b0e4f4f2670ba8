"""Sums over all events whose value reaches a threshold, at every threshold at once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Sweep:
    """Sorts E events by falling value, once.

    >>> sweep = Sweep(np.array([0.5, 0.9, 0.5]))
    >>> sweep.threshold.tolist(), sweep.sums(np.array([1, 10, 100])).tolist()
    ([0.9, 0.5], [10.0, 111.0])
    """

    def __init__(self, value: Floats) -> None:
        self._order = np.argsort(-value, kind="stable")
        ordered = value[self._order]
        is_last = np.append(ordered[1:] != ordered[:-1], np.ones(min(1, len(ordered)), dtype=bool))
        self._last = np.flatnonzero(is_last)
        self.threshold: Floats = ordered[self._last]
        """The M distinct values, falling."""

    def sums(self, change: NDArray[Any]) -> Floats:
        """Give the sum of what the events with at least each threshold change, (M,), from (E,)."""
        return np.asarray(np.cumsum(change[self._order], dtype=np.float64)[self._last])
