"""Rows of label vectors: each terminal's own, and for each inner node the mean of the terminals below it.

In come the vectors of all nodes, which are read once and a block at a time; out come rows in the order of options.
"""

import numpy as np
from numpy.typing import NDArray

from textaxa.errors import DataError
from textaxa.taxonomy import Taxonomy
from textaxa.wide._options import Options
from textaxa.wide._rows import Float32, Int64, Rows

_BLOCK = 1 << 14
"""Vectors read at once: 25 MB at 384 numbers."""


def label_rows(
    taxonomy: Taxonomy,
    options: Options,
    vectors: NDArray[np.generic],
    *,
    parent_weight: float,
    spread: float,
    rows: str,
) -> Rows:
    """Lay label vectors (N, D): ``S(n) = (1 - w) unit(n) + w S(parent)`` for terminals, and a way to each branch.

    The row of a way is the mean of S over the terminals below, its bias ``spread`` times their distance from it (root
    of the mean square).
    """
    laying = _Laying(taxonomy, options, vectors.shape[1], rows)
    for level in range(1, taxonomy.n_levels + 1):
        span = taxonomy.level_slice(level)
        for start in range(span.start, span.stop, _BLOCK):
            nodes = np.arange(start, min(start + _BLOCK, span.stop))
            unit = unit_vectors(vectors[nodes[0] : nodes[-1] + 1])
            laying.add(nodes, unit, parent_weight if level > 1 else 0.0)
    for level in range(taxonomy.n_levels, 0, -1):
        span = taxonomy.level_slice(level)
        laying.close(np.arange(span.start, span.stop), spread)
    return Rows(laying.values, laying.bias, laying.scale)


def unit_vectors(vectors: NDArray[np.generic]) -> Float32:
    """Give vectors (B, D) at length 1.

    Raises
    ------
    DataError
        One is zero, or not finite.
    """
    unit: Float32 = np.array(vectors, dtype=np.float32)
    length = np.linalg.norm(unit, axis=1, keepdims=True)
    if not (np.isfinite(length) & (length > 0)).all():
        raise DataError("Some vectors are zero or not finite: is a text empty, or did NaN come out of the encoder?")
    unit /= length
    return unit


class _Laying:
    """Rows that are being laid, and what is summed up on the way: one entry a sibling group, that is an inner node."""

    def __init__(self, taxonomy: Taxonomy, options: Options, width: int, kind: str) -> None:
        self.options, self.is_terminal = options, np.asarray(taxonomy.is_terminal)
        self.values = np.zeros((len(options), width), dtype=kind)
        self.bias = np.zeros(len(options), dtype=np.float32)
        self.scale = np.ones(len(options), dtype=np.float32) if kind == "int8" else None
        self.own = np.zeros((options.n_groups, width), dtype=np.float32)
        self.sums = np.zeros_like(self.own)
        self.squares = np.zeros(options.n_groups)
        self.counts = np.zeros(options.n_groups, dtype=np.int64)

    def add(self, nodes: Int64, unit: Float32, parent_weight: float) -> None:
        """Lay the terminals among some nodes of one level, and remember the inner ones; parents were there before."""
        live = self.options.option[nodes] >= 0
        nodes, option = nodes[live], self.options.option[nodes[live]]
        above, below = self.options.group[option], self.options.below[option]
        smooth = (1 - parent_weight) * unit[live] + np.float32(parent_weight) * self.own[above]
        leaf = below < 0
        self.own[below[~leaf]] = smooth[~leaf]
        self._put(option[leaf], smooth[leaf])
        self._sum(above[leaf], smooth[leaf], np.einsum("nd,nd->n", smooth[leaf], smooth[leaf]), 1)
        ends = self.is_terminal[nodes] & ~leaf
        self._put(self.options.start[below[ends] + 1] - 1, smooth[ends])  # "ends here" is the last of a group
        self._sum(below[ends], smooth[ends], np.einsum("nd,nd->n", smooth[ends], smooth[ends]), 1)

    def close(self, nodes: Int64, spread: float) -> None:
        """Lay the ways to the inner ones among the nodes of a level, below which everything has been summed up."""
        option = self.options.option[nodes]
        option = option[(option >= 0) & (self.options.below[option] >= 0)]
        group = self.options.below[option]
        sums, squares, counts = self.sums[group], self.squares[group], self.counts[group]
        mean: Float32 = (sums / counts[:, None]).astype(np.float32)
        variance = squares / counts - np.einsum("nd,nd->n", mean, mean)
        self.bias[option] = spread * np.sqrt(np.maximum(variance, 0))
        self._put(option, mean)
        self._sum(self.options.group[option], sums, squares, counts)

    def _sum(
        self, group: NDArray[np.integer], sums: Float32, squares: NDArray[np.floating], counts: "Int64 | int"
    ) -> None:
        """Add to groups, which come ascending because nodes are in the order of their parents."""
        if not len(group):
            return
        begins = np.flatnonzero(np.diff(group, prepend=-1))
        self.sums[group[begins]] += np.add.reduceat(sums, begins, axis=0)
        np.add.at(self.squares, group, squares)
        np.add.at(self.counts, group, counts)

    def _put(self, option: NDArray[np.integer], rows: Float32) -> None:
        if self.scale is not None:
            largest = np.abs(rows).max(axis=1, initial=0.0)
            self.scale[option] = np.where(largest > 0, largest / 127, 1.0)
            rows = np.rint(rows / self.scale[option][:, None])
        self.values[option] = rows
