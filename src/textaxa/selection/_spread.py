"""Rows that are both worth it and unlike each other.

Comes in: features (C, D) and a weight a row. Goes out: positions, in the order in which they were drawn.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

TINY = np.finfo(np.float64).tiny


def spread(features: Any, n: int, *, weights: ArrayLike | None = None, seed: int = 0) -> NDArray[np.int64]:
    """Draw rows one after another, each with a chance of its weight times its distance to the nearest one drawn.

    This is the seeding of k-means++ (Arthur & Vassilvitskii 2007) with weights; the distance is 1 minus the cosine,
    half the squared distance of vectors of length 1. A draw, not the farthest row: the farthest ones are outliers. The
    first is the row of the largest weight. Memory is (C,) beside the features: no distances between all pairs.

    Parameters
    ----------
    features
        float (C, D): an array, or a CSR matrix of scipy.
    n
        How many; where there are fewer rows, all are given.
    weights
        What a row is worth, 0 or more, (C,); None: all the same.
    seed
        Another seed draws others; the same one the same.

    Examples
    --------
    >>> import numpy as np
    >>> features = np.array([[1.0, 0.0], [0.99, 0.01], [0.0, 1.0]])
    >>> spread(features, 2, weights=[1.0, 0.9, 0.2]).tolist()
    [0, 2]
    """
    unit = _unit(features)
    worth = np.ones(unit.shape[0]) if weights is None else np.asarray(weights, dtype=np.float64).copy()
    worth += TINY  # rows of no worth come last, not never
    distance = np.ones(len(worth))
    rng = np.random.default_rng(seed)
    drawn = np.empty(min(n, len(worth)), dtype=np.int64)
    for place in range(len(drawn)):
        chosen = int(np.argmax(worth)) if place == 0 else _draw(worth * distance, worth, rng)
        drawn[place] = chosen
        np.minimum(distance, _distance(unit, chosen), out=distance)
        worth[chosen] = 0.0
    return drawn


def _draw(chances: NDArray[np.float64], worth: NDArray[np.float64], rng: np.random.Generator) -> int:
    """Draw a row; where all that are left lie on drawn ones, by worth alone."""
    total = np.cumsum(chances if chances.max() > TINY else worth)
    found = int(np.searchsorted(total, rng.random() * total[-1], side="right"))
    return found if found < len(total) and worth[found] > 0 else int(np.argmax(worth))


def _unit(features: Any) -> Any:
    """Give rows of length 1; a row of zeros stays."""
    if hasattr(features, "multiply"):
        lengths = np.sqrt(np.asarray(features.multiply(features).sum(axis=1)).ravel())
        return features.multiply(1 / np.where(lengths > 0, lengths, 1)[:, None]).tocsr()
    dense = np.asarray(features, dtype=np.float32)
    lengths = np.linalg.norm(dense, axis=1, keepdims=True)
    return dense / np.where(lengths > 0, lengths, 1)


def _distance(unit: Any, row: int) -> NDArray[np.float64]:
    """Give 1 - cosine between a row and all rows, (C,)."""
    alike = unit @ unit[row].T
    flat = np.asarray(alike.todense()).ravel() if hasattr(alike, "todense") else np.asarray(alike)
    return np.clip(1.0 - flat.astype(np.float64), 0.0, None)
