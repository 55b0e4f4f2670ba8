"""Rows that would change the model, each in another way.

Comes in: what a model would learn from each row (residuals), and where the row lies (features). Goes out: positions,
in the order in which they were drawn.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def spread(
    features: Any, n: int, *, residuals: ArrayLike | None = None, weights: ArrayLike | None = None, seed: int = 0
) -> NDArray[np.int64]:
    """Draw rows one after another, each with a chance of its squared distance to the nearest one drawn.

    The distance is that of the gradients that a linear classifier would get from the rows, if their most probable
    answer were the right one: residual times features, an outer product. It is long where the model is unsure, and two
    rows are near where they are alike and it is unsure about the same. No outer product is ever made: the inner product
    of two of them is that of the residuals times that of the features. Memory is (C,) beside the input.

    Source: BADGE (Ash et al. 2020, algorithm 1), whose draw is the seeding of k-means++ (Arthur & Vassilvitskii 2007).
    Ours differs in three ways. Residuals are those of all nodes of the taxonomy, not of leaves, so what is unclear from
    the top down counts on every level. Features have length 1, else long texts would win. The zero gradient counts as
    drawn: a text of which the model is sure teaches nothing, however far it lies from the drawn ones.

    Parameters
    ----------
    features
        float (C, D): an array, or a CSR matrix of scipy. Rows are brought to length 1.
    n
        How many; where there are fewer rows, all are given.
    residuals
        Node probabilities less the predicted answer (C, N); None: the features alone count.
    weights
        A factor on the squared distance of each row, (C,); None: 1.
    seed
        Another seed draws others; the same one the same.

    Examples
    --------
    >>> import numpy as np
    >>> features = np.array([[1.0, 0.0], [0.99, 0.01], [0.0, 1.0]])
    >>> spread(features, 2, residuals=[[0.9, -0.9], [0.8, -0.8], [0.5, -0.5]]).tolist()
    [0, 2]
    """
    unit = _unit(features)
    count = unit.shape[0]
    residual = np.ones((count, 1), dtype=np.float32) if residuals is None else np.asarray(residuals, dtype=np.float32)
    length = np.einsum("ij,ij->i", residual, residual, dtype=np.float64)
    zero = length if residuals is not None else np.full(count, np.inf)
    weight = np.ones(count) if weights is None else np.asarray(weights, dtype=np.float64)
    rng = np.random.default_rng(seed)
    left = np.ones(count, dtype=bool)
    nearest = zero.copy()
    drawn = np.empty(min(n, count), dtype=np.int64)
    for place in range(len(drawn)):
        chosen = int(np.argmax(weight * length)) if place == 0 else _draw(weight * nearest, left, rng)
        drawn[place] = chosen
        left[chosen] = False
        shared = (residual @ residual[chosen]).astype(np.float64) * _alike(unit, chosen)
        np.minimum(nearest, np.maximum(length + length[chosen] - 2 * shared, 0), out=nearest)
        nearest[chosen] = 0.0
    return drawn


def _draw(chances: Floats, left: NDArray[np.bool_], rng: np.random.Generator) -> int:
    """Draw one of the rows that are left; where they all lie on drawn ones, the first."""
    total = np.cumsum(np.where(left, chances, 0.0))
    if total[-1] <= 0:
        return int(np.argmax(left))
    found = int(np.searchsorted(total, rng.random() * total[-1], side="right"))
    return found if found < len(left) and left[found] else int(np.argmax(np.where(left, chances, -1.0)))


def _unit(features: Any) -> Any:
    """Give rows of length 1; a row of zeros stays."""
    if hasattr(features, "multiply"):
        lengths = np.sqrt(np.asarray(features.multiply(features).sum(axis=1)).ravel())
        return features.multiply(1 / np.where(lengths > 0, lengths, 1)[:, None]).tocsr()
    dense = np.asarray(features, dtype=np.float32)
    lengths = np.linalg.norm(dense, axis=1, keepdims=True)
    return dense / np.where(lengths > 0, lengths, 1)


def _alike(unit: Any, row: int) -> Floats:
    """Give the cosine of a row and every row, (C,)."""
    one = unit[[row]].toarray().ravel() if hasattr(unit, "toarray") else unit[row]
    alike: Floats = np.asarray(unit @ one).astype(np.float64)
    return alike
