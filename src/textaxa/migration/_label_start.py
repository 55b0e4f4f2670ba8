"""The first weights of a row that no training row has taught: from label text, sized so that it competes fairly.

With e the unit vector of the node's label text, and of the trained rows of the layer m the mean length and b the mean
bias: where all nodes of a level compete (``chained``, ``per-level``, ``flat``, ``binary``)::

    row = m e                           bias = b - 0.05 m sqrt(D)

Where siblings compete among themselves (``conditional``, ``wide``, ``linear``) the label is held against the siblings'
labels a, for what they have in common says nothing there; m, the row w and b are those of the trained siblings::

    d   = e - 0.3 mean(a) - 0.3 sum of softmax(a e / 0.05) a
    row = w + 3 m d                     bias = b - 0.25 · 3 m sqrt(D)

So a new logit rises above the others where a text is nearer to this label than a cosine of about 0.05, or 0.25 beyond
what it has in common with the siblings' labels, and from there on steeply enough to win. Where only new rows compete
with each other no threshold is needed: ``row = w + m d``, ``bias = b``. A part of a split node starts as the whole row,
``w + m d`` with the other parts as a, and the logarithm of its share is added to the bias.

The numbers were chosen on validation rows (a fifth of the leaves hidden): see docs/living-taxonomy.md.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from textaxa.migration._plan import CLOSED, Row

MEAN, NEAR, SHARP = 0.3, 0.3, 0.05
"""What is taken off of the siblings' mean label, and of the nearest ones; how near counts."""

STEEP, THRESHOLD = 3.0, 0.25
"""Among siblings: length of a new row against trained ones; where it begins to win."""

PLAIN_THRESHOLD = 0.05
"""Where it begins to win among all nodes of a level."""


def direction(labels: Any, node: int, against: Sequence[int]) -> Any:
    """Give the direction d of a node, (D,) of labels (N, D) with length 1, dense or sparse."""
    others = [other for other in against if other != node]
    if not others:
        return labels[node]
    held, own = labels[others], labels[node]
    near = np.asarray(held @ own.T).ravel() if isinstance(labels, np.ndarray) else (held @ own.T).toarray().ravel()
    weights = np.exp((near - near.max()) / SHARP)
    weights = (MEAN / len(others) + NEAR * weights / weights.sum()).astype(np.float32)
    return own - (weights @ held if isinstance(labels, np.ndarray) else type(held)(weights[None]) @ held)


def mean_length(rows: np.ndarray) -> float:
    """Give the mean length of rows (R, D) around their mean; of a single one its own length."""
    if not len(rows):
        return 0.0
    centred = rows - rows.mean(0) if len(rows) > 1 else rows
    return float(np.linalg.norm(centred, axis=1).mean())


def size_of(
    row: Row, length: float, width: int, *, steep: float = STEEP, threshold: float = THRESHOLD
) -> tuple[float, float]:
    """Give what the direction of a row is multiplied by, and what is added to its bias."""
    if row.sources:
        return length, float(np.log(row.share))
    if not row.competes:
        return length, 0.0
    return steep * length, -threshold * steep * length * width**0.5


class DenseStart:
    """Fills in rows held as arrays.

    Parameters
    ----------
    labels
        Unit label vectors of the new taxonomy's nodes, float32 (N, D).
    """

    def __init__(self, labels: np.ndarray) -> None:
        self.labels = labels

    def fill(self, plan: Sequence[Row], weight: np.ndarray, bias: np.ndarray) -> None:
        """Set the rows of a plan that are from text; those with sources are there already.

        Parameters
        ----------
        plan
            The plan of a layer.
        weight, bias
            Float32 (C, D + what else is read) and (C,); changed in place.
        """
        width = self.labels.shape[1]
        trained = [at for at, row in enumerate(plan) if row.sources]
        level = self._of_level(weight[trained, :width], bias[trained])
        lengths: dict[tuple[int, ...], float] = {}
        for at, row in enumerate(plan):
            if not row.from_text:
                continue
            if not row.sources and row.competes and row.key[0] not in CLOSED:
                if row.base:  # what is fed from the level above, siblings read alike
                    weight[at] = weight[list(row.base)].mean(0)
                weight[at, :width], bias[at] = level[0] * self.labels[int(row.key[-1])], level[1]
                continue
            if row.base:
                weight[at], bias[at] = weight[list(row.base)].mean(0), bias[list(row.base)].mean()
            beside = row.base if len(row.base) > 1 else ()
            if beside not in lengths:
                lengths[beside] = mean_length(weight[list(beside) or trained, :width])
            length = lengths[beside] or 20 / width**0.5
            times, shift = size_of(row, length, width)
            weight[at, :width] += times * direction(self.labels, int(row.key[-1]), row.against)
            bias[at] += shift

    @staticmethod
    def _of_level(weight: np.ndarray, bias: np.ndarray) -> tuple[float, float]:
        """Give length and bias of a new row among all nodes of a level, from the trained rows (R, D) and (R,)."""
        width = weight.shape[1]
        if not len(weight):
            return 20 / width**0.5, 0.0
        length = float(np.linalg.norm(weight, axis=1).mean())
        return length, float(bias.mean()) - PLAIN_THRESHOLD * length * width**0.5
