"""Rows of a ragged table taken and joined without loops; shared by ``decoding`` and ``evaluation``."""

import numpy as np
from numpy.typing import NDArray

from textaxa.taxonomy import CSR


def take(table: CSR, rows: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Give the values of ``rows`` one after another, and for each the position in ``rows`` that it came from.

    >>> table = CSR(np.array([0, 2, 3]), np.array([7, 8, 9]))
    >>> position, value = take(table, np.array([1, 0]))
    >>> position.tolist(), value.tolist()
    ([0, 1, 1], [9, 7, 8])
    """
    counts = table.indptr[rows + 1] - table.indptr[rows]
    return np.repeat(np.arange(len(rows), dtype=np.int64), counts), table.rows(rows)
