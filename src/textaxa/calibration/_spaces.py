"""Where calibration acts: scores that a map may change one by one, and the way from there to coherent probabilities.

A space reads ``node_proba`` (B, N) as scores (B, K), one an option, and writes changed scores as coherent
``node_proba``. In a single-path task the options of a decision are the children of a node and "ends here", and a score
is the logarithm of P(option | decision). In a several-paths task there is a yes or no a node, and a score is the
log-odds of P(node | its least probable parent).
"""

from collections.abc import Iterator
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from textaxa.taxonomy import Taxonomy

FLOOR = 1e-12
"""Probability below which nothing is told apart, and what 0 counts as: a text whose truth had 0 loses 27.6 nats, not
infinitely many. It is far below what a softmax in float32 leaves to a class that it has seen."""

LIMIT = 16.0
"""Log-odds of a yes or no end here: in float32, probabilities nearer to 1 (6e-8) are 1."""

_CHUNK = 4_000_000
_NEVER = 1 / (1 + np.exp(LIMIT))

Floating = TypeVar("Floating", bound=np.floating)

Float = NDArray[np.float64]
Int = NDArray[np.int64]


class Space(Protocol):
    """What a map and its fit need to know."""

    levels: tuple[slice, ...]
    """The options of each level; together 0 to K."""
    shifted: NDArray[np.bool_]
    """Options that a shift of the whole level moves, bool (K,)."""

    @property
    def n(self) -> int:
        """How many options there are."""

    def read(self, node_proba: NDArray[np.floating]) -> Float:
        """Give the scores, (B, K)."""

    def write(self, scores: Float) -> NDArray[np.float32]:
        """Give coherent ``node_proba`` (B, N)."""


def row_blocks(n_rows: int, width: int) -> Iterator[slice]:
    """Give ranges of rows such that arrays of ``width`` columns stay small."""
    step = max(1, _CHUNK // max(1, width))
    return (slice(start, start + step) for start in range(0, n_rows, step))


class Ratios:
    """A yes or no a node of a several-paths task, given its least probable parent."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.taxonomy = taxonomy
        self.levels = tuple(taxonomy.level_slice(level) for level in range(1, taxonomy.n_levels + 1))
        self.shifted = np.ones(len(taxonomy), dtype=np.bool_)

    @property
    def n(self) -> int:
        """How many nodes there are."""
        return len(self.taxonomy)

    def read(self, node_proba: NDArray[np.floating]) -> Float:
        """Give the log-odds of P(node | its least probable parent), (B, N)."""
        proba = np.clip(node_proba.astype(np.float64), FLOOR, 1.0)
        ratio = proba.copy()
        for nodes in self.levels[1:]:
            ratio[:, nodes] /= self.least_parent(proba, nodes)
        ratio = np.clip(ratio, _NEVER, 1 - _NEVER)
        return np.log(ratio) - np.log1p(-ratio)

    def write(self, scores: Float) -> NDArray[np.float32]:
        """Give coherent ``node_proba`` (B, N): products downwards."""
        proba = 1 / (1 + np.exp(-scores))
        for nodes in self.levels[1:]:
            proba[:, nodes] *= self.least_parent(proba, nodes)
        return proba.astype(np.float32)

    def least_parent(self, proba: NDArray[Floating], nodes: slice) -> NDArray[Floating]:
        """Give the smallest probability among the parents of each node of a level below the top one, (B, C)."""
        parents = self.taxonomy.parents
        begin = parents.indptr[nodes.start]
        taken = np.take(proba, parents.indices[begin : parents.indptr[nodes.stop]], axis=1)
        found: NDArray[Floating] = np.minimum.reduceat(taken, parents.indptr[nodes.start : nodes.stop] - begin, axis=1)
        return found
