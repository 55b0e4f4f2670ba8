"""Likely label errors where a row has several paths: paths that are likely wrong, and paths that are likely missing.

Every terminal is a yes or no of its own, and the score is that of `textaxa.audit._suspicion` with these two answers:
log P(class's own) / P(given answer) · √P(other answer).
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.audit._levels import FLOOR, Floats, Ints
from textaxa.taxonomy import Taxonomy

_PRIOR_ROWS = 5.0
_CELLS = 4_000_000

Proba = NDArray[np.floating]

Found = tuple[int, int, int, float, float, float, bool]
"""Row, given node or -1, suggested node or -1, score, the probabilities of the two, and whether it is confident."""


def several_paths_errors(taxonomy: Taxonomy, true_nodes: Sequence[Sequence[int]], proba: Proba) -> list[Found]:
    """Give the given paths with a probability below a half, and the other terminals with one above it.

    Of missing paths one below the other the deepest is given. ``proba`` is (B, N).
    """
    rows, nodes = _pairs(true_nodes)
    closed = [taxonomy.ancestors.rows(row) for row in true_nodes]
    absent = _mean_absent(closed, proba)
    present = _mean_present(rows, nodes, proba)
    wrong = _wrong(rows, nodes, proba, present, absent)
    missing = _missing(taxonomy, closed, proba, present, absent)
    return sorted([*wrong, *missing], key=lambda one: (-one[3], one[0], one[1], one[2]))


def _pairs(true_nodes: Sequence[Sequence[int]]) -> tuple[Ints, Ints]:
    counts = [len(row) for row in true_nodes]
    nodes = np.fromiter((node for row in true_nodes for node in row), dtype=np.int64, count=sum(counts))
    return np.repeat(np.arange(len(counts)), counts), nodes


def _wrong(rows: Ints, nodes: Ints, proba: Proba, present: Floats, absent: Floats) -> Iterator[Found]:
    yes = np.clip(proba[rows, nodes].astype(np.float64), 0.0, 1.0)
    score = _score(present[nodes], yes, 1 - yes)
    confident = 1 - yes >= absent[nodes]
    count = np.bincount(nodes, minlength=proba.shape[1])
    # A path of one row was in no model's training when it was held out, so nothing is known against it.
    for i in np.flatnonzero((yes < 0.5) & (count[nodes] > 1)):
        yield int(rows[i]), int(nodes[i]), -1, float(score[i]), float(yes[i]), 0.0, bool(confident[i])


def _missing(
    taxonomy: Taxonomy, closed: Sequence[NDArray[Any]], proba: Proba, present: Floats, absent: Floats
) -> Iterator[Found]:
    size = max(1, _CELLS // len(taxonomy))
    for start in range(0, len(closed), size):
        block = np.clip(proba[start : start + size].astype(np.float64), 0.0, 1.0)
        candidates = (block > 0.5) & taxonomy.is_terminal
        for i, row in enumerate(closed[start : start + size]):
            candidates[i, row] = False
        for at in np.flatnonzero(candidates.any(axis=1)):
            for node in _deepest(taxonomy, np.flatnonzero(candidates[at])):
                yes = float(block[at, node])
                score = float(_score(absent[node], 1 - yes, yes))
                yield start + int(at), -1, node, score, 0.0, yes, bool(yes >= present[node])


def _mean_present(rows: Ints, nodes: Ints, proba: Proba) -> Floats:
    """Give the mean P(node) of the rows whose path ends there, (N,)."""
    yes = proba[rows, nodes].astype(np.float64)
    total, count = (np.bincount(nodes, weights=w, minlength=proba.shape[1]) for w in (yes, np.ones_like(yes)))
    found: Floats = (total + _PRIOR_ROWS * yes.mean()) / (count + _PRIOR_ROWS)
    return found


def _mean_absent(closed: Sequence[NDArray[Any]], proba: Proba) -> Floats:
    """Give the mean P(not node) of the rows that do not have a node, (N,)."""
    n = proba.shape[1]
    rows = np.repeat(np.arange(len(closed)), [len(row) for row in closed])
    nodes = np.concatenate([*closed, np.empty(0, dtype=np.int64)]).astype(np.int64)
    without = len(closed) - np.bincount(nodes, minlength=n)
    inside = np.bincount(nodes, weights=proba[rows, nodes], minlength=n)
    found: Floats = (without - (proba.sum(axis=0, dtype=np.float64) - inside)) / np.maximum(without, 1)
    return found


def _deepest(taxonomy: Taxonomy, nodes: Ints) -> list[int]:
    above = {int(one) for node in nodes for one in taxonomy.ancestors.row(int(node))[:-1]}
    return [int(node) for node in nodes if int(node) not in above]


def _score(expected: Any, given: Any, other: Any) -> Any:
    odds = expected / (given + FLOOR) * np.sqrt(other)
    return odds / (1 + odds)
