"""What `coverage_curve` and `coverage_at` give back: plain frozen values, and their form for JSON."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.evaluation._along import Task

Floats = NDArray[np.float64]

_POINTS = 500


@dataclass(frozen=True)
class CoverageCurve:
    """The result of `coverage_curve`, which says how each number is defined. M thresholds, L levels.

    Attributes
    ----------
    task
        ``single`` or ``multi``.
    n
        Number of texts.
    threshold
        The thresholds at which an answer changes, falling, shape (M,).
    coverage
        Share of texts that are answered at all, shape (M,).
    accuracy
        Share of right ones among what is answered, shape (M,).
    depth_share
        Share of all texts whose answer has depth 1, …, L, shape (M, L); a row sums to ``coverage``.
    missing_share
        ``single``: share of all texts whose answer is 0, …, L - 1 levels above the end of their most probable path,
        shape (M, L); a row sums to ``coverage``. None for ``multi``.
    recall
        ``multi``: share of the true nodes that are answered, shape (M,). None for ``single``.
    full_share
        Share of all texts that are answered down to the end, shape (M,).
    full_accuracy
        ``single``: share of right ones among these (0 where there are none), shape (M,). None for ``multi``.
    area, area_excess
        Area under risk (1 - accuracy) over the share of levels answered, and how much of it is above that of the best
        possible order; less is better.
    full_area, full_area_excess
        The same for whole paths only; None for ``multi``.
    """

    task: Task
    n: int
    threshold: Floats
    coverage: Floats
    accuracy: Floats
    depth_share: Floats
    full_share: Floats
    area: float
    area_excess: float
    missing_share: Floats | None = None
    recall: Floats | None = None
    full_accuracy: Floats | None = None
    full_area: float | None = None
    full_area_excess: float | None = None

    def to_dict(self, points: int = _POINTS) -> dict[str, Any]:
        """Give it as plain values, for JSON: at most ``points`` thresholds, the first and the last among them."""
        chosen = np.unique(
            np.linspace(0, len(self.threshold) - 1, min(points, len(self.threshold))).round().astype(int)
        )
        return {
            name: value[chosen].tolist() if isinstance(value, np.ndarray) else value
            for name, value in self.__dict__.items()
        }


@dataclass(frozen=True)
class CoverageAt:
    """What can be answered at a stated accuracy.

    Attributes
    ----------
    wanted
        The stated accuracy.
    threshold
        The lowest threshold at which it is reached; None where none does, and nothing is answered.
    accuracy
        What is reached there; None where nothing is answered.
    coverage, full_share
        As in `CoverageCurve`, at that threshold.
    depth_share
        Share of all texts answered at exactly depth 1, …, L.
    reached_share
        Share of all texts answered at depth 1, …, L or deeper.
    missing_share
        Share of all texts whose answer is 0, …, L - 1 levels above the end of their path; None for several paths.
    """

    wanted: float
    threshold: float | None
    accuracy: float | None
    coverage: float
    full_share: float
    depth_share: tuple[float, ...]
    reached_share: tuple[float, ...]
    missing_share: tuple[float, ...] | None

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values, for JSON."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in self.__dict__.items()}
