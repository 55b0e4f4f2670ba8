"""The Wilson interval of a share, for many shares at once."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

NORMAL = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


def wilson(hits: ArrayLike, trials: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the lower and the upper end of the 95 % Wilson interval of ``hits / trials``; (0, 1) without trials.

    Source: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference". It keeps its level with
    few trials and shares near 0 and 1, where value ± 1.96 standard errors has no width (Brown et al. 2001).

    Examples
    --------
    >>> low, high = wilson([9, 0], [10, 0])
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.596, 0.0], [0.982, 1.0])
    """
    n = np.asarray(trials, dtype=np.float64)
    share = np.divide(hits, n, out=np.zeros_like(n), where=n > 0)
    scale = n + NORMAL**2
    middle = (n * share + NORMAL**2 / 2) / scale
    half = NORMAL * np.sqrt(n * share * (1 - share) + NORMAL**2 / 4) / scale
    # At 0 and at all hits the ends are exact but for rounding.
    low = np.where((share == 0) | (n == 0), 0.0, np.clip(middle - half, 0.0, 1.0))
    high = np.where((share == 1) | (n == 0), 1.0, np.clip(middle + half, 0.0, 1.0))
    return low, high
