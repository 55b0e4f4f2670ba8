"""How good and how fast a candidate is: scores of every row, and seconds in turn with the others."""

import math
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.data._label_nodes import label_nodes
from textaxa.fast_path import confidence_of
from textaxa.optimising._material import Candidate, Rows
from textaxa.taxonomy import Taxonomy

Floats = NDArray[np.float64]

_Z = 1.96

_FIRST = 32
"""Texts of the first call, which is not timed: it makes buffers and thread pools."""


@dataclass(frozen=True)
class Measured:
    """What a model answers to rows, and how that is judged.

    Attributes
    ----------
    score
        Of every row, in [0, 1]: 1 where its path is right; with several paths the F1 of the row's nodes. (B,)
    confidence
        Probability of the best path, (B,); in a several-paths task zeros.
    seconds
        How long it took: a first, rough time.
    """

    score: Floats
    confidence: Floats
    seconds: float

    @cached_property
    def mean(self) -> float:
        """Give the mean score: accuracy, in a single-path task."""
        return float(self.score.mean())


def measure(model: Any, rows: Rows) -> Measured:
    """Let a model answer rows, and judge its answers."""
    model.node_proba(rows.texts[:_FIRST])
    began = time.perf_counter()
    proba = model.node_proba(rows.texts)
    seconds = time.perf_counter() - began
    single = model.task == "single"
    confidence = confidence_of(model.taxonomy, proba) if single else np.zeros(len(rows))
    found = [[one.node for one in row] for row in model.decode(proba)]
    true = label_nodes(model.taxonomy, rows.labels)
    return Measured(row_scores(model.taxonomy, true, found, single=single), confidence, seconds)


def row_scores(
    taxonomy: Taxonomy, true: Sequence[Sequence[int]], found: Sequence[Sequence[int]], *, single: bool
) -> Floats:
    """Judge every row: 1 or 0 for its path, or with several paths the F1 of its nodes and all above them.

    >>> taxonomy = Taxonomy.from_paths([("A", "a"), ("A", "b"), ("B",)])
    >>> row_scores(taxonomy, [[2], [2]], [[2], [3]], single=True).tolist()
    [1.0, 0.0]
    >>> row_scores(taxonomy, [[2], []], [[3], []], single=False).tolist()
    [0.5, 1.0]
    """
    if single:
        return np.array([set(a) == set(b) for a, b in zip(true, found, strict=True)], dtype=np.float64)
    closed = [[set(taxonomy.ancestors.rows(list(row)).tolist()) for row in side] for side in (true, found)]
    pairs = zip(*closed, strict=True)
    return np.array([2 * len(a & b) / (len(a) + len(b)) if a or b else 1.0 for a, b in pairs], dtype=np.float64)


def loss_interval(before: Floats, after: Floats) -> tuple[float, float, float]:
    """Give the mean score lost from one model to another on the same rows, and its 95 % interval.

    Half a row is added to those lost and to those gained: no change among ten rows is not none at all.

    Source: Agresti & Min, Simple improved confidence intervals for comparing matched proportions, Statistics in
    Medicine 2005; on scores between 0 and 1 with sums of squares in place of counts.

    >>> [round(float(one), 3) for one in loss_interval(np.array([1.0, 1, 1, 0]), np.array([1.0, 1, 0, 0]))]
    [0.25, -0.276, 0.609]
    """
    change = before - after
    rows = len(change) + 2
    centre = change.sum() / rows
    spread = math.sqrt(max(0.0, (np.square(change).sum() + 1) / rows - centre**2) / rows)
    return float(change.mean()), float(centre - _Z * spread), float(centre + _Z * spread)


def in_turn(models: Sequence[Any], texts: Sequence[str], *, rounds: int) -> list[float]:
    """Give the median seconds of each model on the same texts; the models take turns, round by round."""
    for model in models:
        model.node_proba(texts[:_FIRST])
    times: list[list[float]] = [[] for _ in models]
    for _ in range(rounds):
        for model, found in zip(models, times, strict=True):
            began = time.perf_counter()
            model.node_proba(texts)
            found.append(time.perf_counter() - began)
    return [statistics.median(found) for found in times]


def size_of(candidate: Candidate) -> int:
    """Give the bytes that prediction reads of a candidate: the ``onnx/`` part, or the vocabulary and weights."""
    if candidate.parts:
        return sum(map(size_of, candidate.parts))
    if candidate.part is not None:
        return sum(file.stat().st_size for file in candidate.part.iterdir())
    if hasattr(candidate.source, "parameters"):
        return sum(one.numel() * one.element_size() for one in candidate.source.parameters())
    weights, features = candidate.source.weights.matrix, candidate.source.features
    words = sum(len(term) + 4 for terms in features.vocabulary.values() for term in terms)
    return int(weights.data.nbytes + weights.indices.nbytes) + words
