"""Linear classifiers on sparse vectors: one a decision. In come vectors and decisions, out go their weights."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from textaxa.linear._options import Decision
from textaxa.linear._settings import LinearSettings

NEVER, SCORED, ALWAYS = -1, 0, 1
"""States of an option: no training row took it; scored by its weights; every training row took it (several paths)."""

_DENSE_BYTES = 400_000_000
"""Weights up to this size may be held dense, which is no more than a transformer."""

_SPARSE = 0.05
"""Share of weights that are not 0 up to which they are held sparse. Such an entry costs 3.5 times as long as
one of a dense matrix, and frequent n-grams have more of them. On naics2017 (2 %, one classifier a parent) sparse takes
0.4 times as long."""

_FIT_BYTES = 1_000_000_000
"""Above this size of double-precision weights, classes are fitted one by one instead of together."""

_TOLERANCE = 0.01
"""Of the SVM solver. Between 1e-4 (scikit-learn's) and 0.1 (LIBLINEAR's own) no accuracy changed on amazon3."""


@dataclass(frozen=True)
class Weights:
    """Weights of all options.

    Attributes
    ----------
    matrix : float32 CSR (K, F)
    bias : float32 (K,)
    state : int8 (K,)
        `NEVER`, `SCORED` or `ALWAYS`.
    """

    matrix: sparse.csr_matrix
    bias: np.ndarray
    state: np.ndarray

    def scores(self, features: sparse.csr_matrix) -> np.ndarray:
        """Give the margins of features (B, F), float64 (B, K); those of options that are not scored mean nothing."""
        return np.asarray(self.margins(features), dtype=np.float64)

    def margins(self, features: sparse.csr_matrix) -> np.ndarray:
        """Give the margins as float32 (B, K), as they are computed: half the memory of `scores`."""
        product = features @ self._by_feature
        dense: np.ndarray = product.toarray() if sparse.issparse(product) else product
        dense += self.bias
        return dense

    def of_features(self, features: np.ndarray, options: np.ndarray) -> np.ndarray:
        """Give the weights of features (f,), each a sum over options weighted by ``options`` (K,); float64 (f,)."""
        return np.asarray(self._by_feature[features] @ options, dtype=np.float64).ravel()

    @cached_property
    def _by_feature(self) -> Any:
        """The matrix turned around, (F, K); dense where that is small and most of it is not 0."""
        turned = self.matrix.T
        size = turned.shape[0] * turned.shape[1]
        dense = size * 4 <= _DENSE_BYTES and turned.nnz > _SPARSE * size
        return np.ascontiguousarray(turned.toarray()) if dense else turned.tocsr()


def fit_weights(
    settings: LinearSettings,
    decisions: Sequence[Decision],
    features: sparse.csr_matrix,
    *,
    n_options: int,
    seed: int,
) -> Weights:
    """Fit one classifier a decision on training vectors (B, F)."""
    bias = np.zeros(n_options, dtype=np.float32)
    state = np.full(n_options, NEVER, dtype=np.int8)
    rows, columns, values = [], [], []
    for decision in decisions:
        classes = np.unique(decision.taken)
        scored = decision.options if decision.yes_or_no else decision.options[classes]
        if len(classes) < 2:
            state[scored] = _only(decision, classes)
            continue
        used, coefficients, intercepts = _fit(settings, features[decision.rows], decision.taken, seed)
        if decision.yes_or_no:
            coefficients, intercepts = coefficients[1:], intercepts[1:]
        state[scored], bias[scored] = SCORED, intercepts
        option, column = np.nonzero(coefficients)
        rows.append(scored[option])
        columns.append(used[column])
        values.append(coefficients[option, column])
    shape = (n_options, features.shape[1])
    if not rows:
        return Weights(sparse.csr_matrix(shape, dtype=np.float32), bias, state)
    entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    return Weights(sparse.csr_matrix(entries, shape, dtype=np.float32), bias, state)


def _only(decision: Decision, classes: np.ndarray) -> int:
    """Give the state of the options where all rows took the same one, or no row came."""
    if not decision.yes_or_no:
        return SCORED
    return ALWAYS if classes.tolist() == [1] else NEVER


def _fit(
    settings: LinearSettings, features: sparse.csr_matrix, taken: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit one classifier; give the columns that occur, and of these the weights (C, used) and biases (C,)."""
    used = np.unique(features.indices)
    features = _columns(features, used)
    classes = np.unique(taken)
    if settings.classifier == "svm" and len(classes) > 2 and len(classes) * len(used) * 8 > _FIT_BYTES:
        fitted = [_coefficients(settings, features, taken == one, seed) for one in classes]
        return used, np.concatenate([w[1:] for w, _ in fitted]), np.concatenate([b[1:] for _, b in fitted])
    return used, *_coefficients(settings, features, taken, seed)


def _coefficients(
    settings: LinearSettings, features: sparse.csr_matrix, taken: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    model = _classifier(settings, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the last steps change no answer
        model.fit(features, taken)
    weights, bias = model.coef_.astype(np.float32), model.intercept_.astype(np.float32)
    if len(bias) > 1:
        return weights, bias
    # Two classes have one margin: each gets it with its sign, halved where a softmax of both must give its sigmoid.
    share = np.float32(0.5 if settings.classifier == "logistic" else 1.0)
    return share * np.concatenate([-weights, weights]), share * np.concatenate([-bias, bias])


def _classifier(settings: LinearSettings, seed: int) -> Any:
    class_weight = None if settings.class_weights == "none" else settings.class_weights
    if settings.classifier == "svm":
        return LinearSVC(C=settings.C, class_weight=class_weight, tol=_TOLERANCE, random_state=seed)
    return LogisticRegression(C=settings.C, class_weight=class_weight, max_iter=1000)


def _columns(features: sparse.csr_matrix, used: np.ndarray) -> sparse.csr_matrix:
    """Keep only the columns that occur: a decision deep down sees few rows, and few of the features."""
    position = np.zeros(features.shape[1], dtype=np.int32)
    position[used] = np.arange(len(used), dtype=np.int32)
    shape = (features.shape[0], max(1, len(used)))
    return sparse.csr_matrix((features.data, position[features.indices], features.indptr), shape)
