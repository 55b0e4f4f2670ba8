"""What the labels of the most similar texts say about a text: evidence that the models, trained on labels, do not have.

In come text vectors (B, D) and labels; out go shares of terminals among the nearest other rows. A text is no neighbour
of its own.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa.audit._levels import Floats, Ints
from textaxa.errors import DataError

NEIGHBOURS = 20
"""From 10 to 20 it makes little difference on hwu64, amazon3 and naics2017."""

_SHARPNESS = 8.0
"""A neighbour weighs exp(8 cos): one at a cosine of 0.8 eleven times as much as one at 0.5."""

_CELLS = 8_000_000
"""Similarities of a block, 32 MB."""


class Neighbours:
    """The nearest other rows of every row, by the cosine of vectors with their mean taken off.

    Attributes
    ----------
    rows
        The neighbours of each row, ``int64 (B, K)``; K is 20, or less where there are fewer rows.
    weights
        What each says, ``float64 (B, K)``; they sum to 1.
    """

    def __init__(self, vectors: ArrayLike) -> None:
        plain = _unit(np.asarray(vectors, dtype=np.float32))
        n = len(plain)
        k = min(NEIGHBOURS, n - 1)
        self.rows: Ints = np.zeros((n, k), dtype=np.int64)
        self.weights: Floats = np.zeros((n, k))
        size = max(1, _CELLS // n)
        for start in range(0, n if k else 0, size):
            block = slice(start, min(start + size, n))
            cosine = plain[block] @ plain.T
            cosine[np.arange(len(cosine)), np.arange(block.start, block.stop)] = -np.inf
            nearest = np.sort(np.argpartition(-cosine, k - 1, axis=1)[:, :k], axis=1)
            weights = np.exp(_SHARPNESS * np.take_along_axis(cosine, nearest, axis=1).astype(np.float64))
            self.rows[block], self.weights[block] = nearest, weights / weights.sum(axis=1, keepdims=True)

    def shares(self, labels: Ints, rows: slice, n_labels: int) -> Floats:
        """Give the weight of every label among the neighbours of some rows, ``float64 (rows, n_labels)``."""
        found = self.rows[rows]
        at = np.arange(len(found))[:, None] * n_labels + labels[found]
        counts = np.bincount(at.ravel(), weights=self.weights[rows].ravel(), minlength=len(found) * n_labels)
        shares: Floats = counts.reshape(len(found), n_labels).astype(np.float64)
        return shares


def checked_vectors(vectors: ArrayLike, n_rows: int) -> NDArray[np.float32]:
    """Give text vectors as float32 (B, D).

    Raises
    ------
    DataError
        Another shape, or values that are not finite.
    """
    found = np.asarray(vectors, dtype=np.float32)
    if found.ndim != 2 or len(found) != n_rows or not np.isfinite(found).all():
        raise DataError(
            f"The text vectors have the shape {found.shape}; one row of finite numbers is needed for each of the "
            f"{n_rows} texts."
        )
    return found


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    centred = vectors - vectors.mean(axis=0)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    found: NDArray[np.float32] = centred / np.maximum(length, np.float32(1e-12))
    return found
