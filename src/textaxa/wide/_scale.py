"""The feature scale: text vectors brought to zero mean and unit variance, as training texts have them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textaxa.wide._rows import Float32

_CONSTANT = 1e-4
"""Features that vary less than this over the training texts count as constant; what is left is rounding."""


@dataclass(frozen=True, eq=False)
class Scale:
    """What vectors (B, D) are shifted by and multiplied with; both float32 (D,).

    Examples
    --------
    >>> scale = Scale.of(np.array([[1.0, 5.0], [3.0, 5.0]]))
    >>> scale(np.array([[2.0, 5.0], [4.0, 6.0]])).tolist()
    [[0.0, 0.0], [2.0, 1.0]]
    """

    mean: Float32
    factor: Float32

    @classmethod
    def of(cls, vectors: NDArray[np.floating]) -> "Scale":
        """Measure it on training vectors (B, D)."""
        deviation = vectors.std(0, dtype=np.float64)
        deviation[deviation < _CONSTANT] = 1.0  # else any other value of it would outweigh all the rest
        return cls(vectors.mean(0, dtype=np.float64).astype(np.float32), (1 / deviation).astype(np.float32))

    def __call__(self, vectors: NDArray[np.floating]) -> Float32:
        """Scale vectors (B, D)."""
        scaled: Float32 = np.subtract(vectors, self.mean, dtype=np.float32)
        scaled *= self.factor
        return scaled
