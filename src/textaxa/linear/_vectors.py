"""The text vectors of a frozen encoder beside the counts, as more columns of the same matrix.

In come texts, out goes a CSR matrix that linear classifiers read like any other. Needs PyTorch; the counts do not.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from textaxa.linear._features import Features
from textaxa.settings import EncoderSettings

_LENGTH = 1.5
"""Root of the mean square of a vector's length; the counts of each kind have length 1. From 1.2 to 2 it makes little
difference on the validation rows of open-apps and TREC; 3 is worse."""

_CONSTANT = 1e-4
"""Features that vary less than this over the training rows count as constant; what is left is rounding."""

Give = Callable[[Any, Sequence[str]], np.ndarray]
"""Gives the vectors (B, D) of texts by an encoder."""


class JoinedFeatures:
    """TF-IDF counts, and right of them the standardised text vectors.

    Attributes
    ----------
    counts : Features
        The counts.
    encoder
        A frozen encoder: `textaxa.encoders`.
    mean, factor : float32 (D,)
        What a vector is shifted and multiplied by.
    """

    def __init__(self, counts: Features, encoder: Any, mean: np.ndarray, factor: np.ndarray, give: Give) -> None:
        self.counts = counts
        self.encoder = encoder
        self.mean = mean
        self.factor = factor
        self._give = give

    def __call__(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Give the vectors of texts as float32 CSR (B, F + D)."""
        return self.beside(self.counts(texts), self._give(self.encoder, texts))

    def beside(self, counts: sparse.csr_matrix, vectors: np.ndarray) -> sparse.csr_matrix:
        """Put text vectors (B, D) right of counts (B, F)."""
        scaled = sparse.csr_matrix((vectors - self.mean) * self.factor)
        return sparse.csr_matrix(sparse.hstack([counts, scaled], format="csr", dtype=np.float32))


def encode(encoder: Any, texts: Sequence[str]) -> np.ndarray:
    """Give the vectors (B, D) of texts by an encoder."""
    found: np.ndarray = encoder.encode(texts)
    return found


def join_vectors(
    counts: Features, settings: EncoderSettings, texts: Sequence[str], *, give: Give | None
) -> tuple[JoinedFeatures, np.ndarray]:
    """Measure the scale of text vectors on training texts; give the features, and the vectors of these texts (B, D)."""
    from textaxa.encoders import load_encoder  # noqa: PLC0415 - PyTorch, which the counts alone do not need

    encoder, give = load_encoder(settings), give or encode
    encoder.requires_grad_(False)
    vectors = give(encoder, texts)
    deviation = vectors.std(0)
    varies = deviation > _CONSTANT
    factor = np.zeros_like(deviation)
    factor[varies] = _LENGTH / np.sqrt(varies.sum()) / deviation[varies]
    return JoinedFeatures(counts, encoder, vectors.mean(0), factor, give), vectors
