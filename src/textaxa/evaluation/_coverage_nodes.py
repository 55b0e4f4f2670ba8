"""Risk and coverage of several-path tasks: all nodes over a threshold are answered."""

import numpy as np
from numpy.typing import NDArray

from textaxa.evaluation._along import NodeProba, TrueSets, proba_blocks
from textaxa.evaluation._coverage_result import CoverageCurve
from textaxa.evaluation._sweep import Sweep
from textaxa.taxonomy import Taxonomy

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Truth = NDArray[np.bool_]

LEAST_ANSWER = 0.01
"""No threshold below this is tried, or all n × N probabilities would have to be sorted."""


def threshold_curve(taxonomy: Taxonomy, true: TrueSets, node_proba: NodeProba) -> CoverageCurve:
    """Give the curve of several-path tasks; `coverage_curve` says how each number is defined."""
    n, n_levels = len(true.number), taxonomy.n_levels
    text, node, value = _answers(taxonomy, true, node_proba)
    starts = np.diff(text, prepend=-1) > 0
    hit = true.holds(text, node)
    deepest = _running_max(taxonomy.depth[node], starts, n_levels)
    leaf = _running_max(taxonomy.is_leaf[node], starts, 1)
    sweep = Sweep(value)
    wrong = np.maximum(sweep.sums(_change(_wrong_share(hit, starts), starts)), 0.0) / n
    recall = sweep.sums(hit) / max(1, int(true.sets.closure.counts[true.number].sum()))
    by_depth = [sweep.sums(_change(deepest == level, starts)) / n for level in range(1, n_levels + 1)]
    area = float(np.diff(recall, prepend=0.0) @ wrong)
    return CoverageCurve(
        task="multi",
        n=n,
        threshold=sweep.threshold,
        coverage=sweep.sums(starts) / n,
        accuracy=1 - wrong,
        depth_share=np.stack(by_depth, axis=1),
        full_share=sweep.sums(_change(leaf, starts)) / n,
        area=area,
        area_excess=area,
        recall=recall,
    )


def _answers(taxonomy: Taxonomy, true: TrueSets, node_proba: NodeProba) -> tuple[Integers, Integers, Floats]:
    """Give every text, node and probability that can be an answer: by text, the most probable nodes first."""
    texts, nodes, values = [], [], []
    for start, block in proba_blocks(taxonomy, node_proba, len(true.number)):
        row, node = np.nonzero(block >= LEAST_ANSWER)
        value = block[row, node].astype(np.float64)
        order = np.lexsort((node, -value, row))
        texts.append(row[order] + start)
        nodes.append(node[order])
        values.append(value[order])
    return np.concatenate(texts), np.concatenate(nodes), np.concatenate(values)


def _wrong_share(hit: Truth, starts: Truth) -> Floats:
    """Give the share of wrong nodes among the answers of a text so far."""
    first = np.flatnonzero(starts)[np.cumsum(starts) - 1]
    hits = np.cumsum(hit)
    return np.asarray(1 - (hits - (hits[first] - hit[first])) / (np.arange(len(hit)) - first + 1))


def _running_max(values: NDArray[np.generic], starts: Truth, most: int) -> Integers:
    """Give the largest of a text's values so far; ``most`` is the largest of all."""
    raised = np.cumsum(starts) * (most + 1)
    return np.asarray(np.maximum.accumulate(values.astype(np.int64) + raised) - raised)


def _change(column: NDArray[np.generic], starts: Truth) -> Floats:
    """Give by how much each answer changes what its text adds to a sum."""
    now = column.astype(np.float64)
    return now - np.where(starts, 0.0, np.roll(now, 1))
