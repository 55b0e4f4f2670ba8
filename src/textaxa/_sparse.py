"""Rows of ragged integer tables (CSR) taken and joined without loops; shared by ``decoding`` and ``evaluation``."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Rows(Protocol):
    """What a ragged table offers: row ``i`` is ``indices[indptr[i]:indptr[i + 1]]``. `taxonomy.CSR` is one."""

    @property
    def indptr(self) -> NDArray[np.int64]:
        """Where each row starts, and the end of the last; shape (rows + 1,)."""
        ...

    @property
    def indices(self) -> NDArray[np.int32]:
        """The values of all rows, one after another."""
        ...


def ranges(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give ``start, start + 1, …`` (``count`` numbers) for every pair, one after another.

    >>> ranges(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    total = int(counts.sum())
    ends = np.cumsum(counts)
    return np.arange(total, dtype=np.int64) + np.repeat(starts - ends + counts, counts)


def take(table: Rows, rows: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Give the values of ``rows`` one after another, and for each the position in ``rows`` that it came from."""
    starts = table.indptr[rows]
    counts = table.indptr[rows + 1] - starts
    return np.repeat(np.arange(len(rows), dtype=np.int64), counts), table.indices[ranges(starts, counts)]
