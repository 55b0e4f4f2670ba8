"""How fast a run was beside what the machine can do: its rate of a large matrix product, measured in the process."""

import time

import numpy as np

_SIZE, _TIMES = 768, 4
"""A product of 0.9 GFLOP: large enough to reach the rate of larger ones within a tenth, done in some milliseconds."""


def matrix_rate() -> float:
    """Give the operations a second of a single-precision matrix product, the best of a few."""
    left = np.ones((_SIZE, _SIZE), dtype=np.float32)
    seconds = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        left @ left
        seconds.append(time.perf_counter() - began)
    return 2 * _SIZE**3 / min(seconds)


def share_of_ceiling(flop: float, seconds: float) -> float | None:
    """Give the share of the matrix rate that ``flop`` useful operations in ``seconds`` are.

    None where there were none, or where it took less than a second: then loading and warming up is what was measured.

    >>> share_of_ceiling(0.0, 10.0), share_of_ceiling(1e9, 0.5)
    (None, None)
    """
    return flop / seconds / matrix_rate() if flop and seconds >= 1 else None
