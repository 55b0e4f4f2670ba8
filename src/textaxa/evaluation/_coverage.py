"""How deep one can answer at which risk: the climbing rule at every threshold, in one sweep."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.errors import ConfigError
from textaxa.evaluation._along import (
    AlongPaths,
    NodeProba,
    Task,
    TrueSets,
    along_paths,
    proba_blocks,
    task_of,
    true_sets,
)
from textaxa.evaluation._sets import Labelled
from textaxa.taxonomy import Taxonomy

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Truth = NDArray[np.bool_]

Order = Callable[[Floats, Integers], Floats]
"""From probabilities and the levels that lie below on the path, both (n, L), to what nodes are answered by."""

LEAST_ANSWER = 0.01
"""Several paths: no threshold below this is tried, or all n × N probabilities would have to be sorted."""

_POINTS = 500


@dataclass(frozen=True)
class CoverageCurve:
    """The result of `coverage_curve`, which says how each number is defined. M thresholds, L levels.

    Attributes
    ----------
    task
        ``single`` or ``multi``.
    n
        Number of texts.
    threshold
        The thresholds at which an answer changes, falling, shape (M,).
    coverage
        Share of texts that are answered at all, shape (M,).
    accuracy
        Share of right ones among what is answered, shape (M,).
    depth_share
        Share of all texts whose answer has depth 1, …, L, shape (M, L); a row sums to ``coverage``.
    missing_share
        ``single``: share of all texts whose answer is 0, …, L - 1 levels above the end of their most probable path,
        shape (M, L); a row sums to ``coverage``. None for ``multi``.
    recall
        ``multi``: share of the true nodes that are answered, shape (M,). None for ``single``.
    full_share
        Share of all texts that are answered down to the end, shape (M,).
    full_accuracy
        ``single``: share of right ones among these (0 where there are none), shape (M,). None for ``multi``.
    area, area_excess
        Area under risk (1 - accuracy) over the share of levels answered, and how much of it is above that of the best
        possible order; less is better.
    full_area, full_area_excess
        The same for whole paths only; None for ``multi``.
    """

    task: Task
    n: int
    threshold: Floats
    coverage: Floats
    accuracy: Floats
    depth_share: Floats
    full_share: Floats
    area: float
    area_excess: float
    missing_share: Floats | None = None
    recall: Floats | None = None
    full_accuracy: Floats | None = None
    full_area: float | None = None
    full_area_excess: float | None = None

    def to_dict(self, points: int = _POINTS) -> dict[str, Any]:
        """Give it as plain values, for JSON: at most ``points`` thresholds, the first and the last among them."""
        chosen = np.unique(
            np.linspace(0, len(self.threshold) - 1, min(points, len(self.threshold))).round().astype(int)
        )
        return {
            name: value[chosen].tolist() if isinstance(value, np.ndarray) else value
            for name, value in self.__dict__.items()
        }


@dataclass(frozen=True)
class CoverageAt:
    """What can be answered at a stated accuracy.

    Attributes
    ----------
    wanted
        The stated accuracy.
    threshold
        The lowest threshold at which it is reached; None where none does, and nothing is answered.
    accuracy
        What is reached there; None where nothing is answered.
    coverage, full_share
        As in `CoverageCurve`, at that threshold.
    depth_share
        Share of all texts answered at exactly depth 1, …, L.
    reached_share
        Share of all texts answered at depth 1, …, L or deeper.
    missing_share
        Share of all texts whose answer is 0, …, L - 1 levels above the end of their path; None for several paths.
    """

    wanted: float
    threshold: float | None
    accuracy: float | None
    coverage: float
    full_share: float
    depth_share: tuple[float, ...]
    reached_share: tuple[float, ...]
    missing_share: tuple[float, ...] | None

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values, for JSON."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in self.__dict__.items()}


def coverage_curve(
    taxonomy: Taxonomy, true: Labelled, node_proba: NodeProba, *, task: Task | None = None, order: Order | None = None
) -> CoverageCurve:
    """Give what is answered, and how much of it is right, at every threshold.

    Single path, the **climbing rule**: a text's answer is the deepest node of its most probable path
    (`decoding.top_paths`) whose probability is at least the threshold; where not even its top-level node has that,
    there is no answer. An answer is right when the text belongs under it, so a node above the true end is right, and
    one below it is wrong. Source: Goren et al. 2024, "Hierarchical Selective Classification" (climbing).

    ``area`` is the area under risk over the share of levels answered (answered depth over the depth of the most
    probable path, averaged over all texts), in steps: each threshold's gain of levels times the risk there. With
    one-level taxonomies it is the AURC of Geifman & El-Yaniv 2017. ``area_excess`` takes off that of the best possible
    order of the same answers: all right nodes first, then of the wrong ones those that add most levels. ``full_area``
    is the AURC of whole paths by their probability, right when exactly the true path; ``full_area_excess`` takes off
    the area with all right ones first (Geifman et al. 2019, "Bias-Reduced Uncertainty Estimation").

    Several paths: at a threshold, all nodes with at least that probability are answered. ``accuracy`` is 1 minus the
    false-discovery proportion: the share of wrong nodes among a text's answered ones (0 where nothing is answered), as
    a mean over all texts. A text's depth is that of its deepest answered node, and it counts as full where one is a
    leaf. ``area`` is that under the false-discovery proportion over ``recall``. No threshold below 0.01 is tried.

    It describes these texts. A threshold that was read off it does not promise its accuracy for others.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    true
        The labels of every text: a path or a tuple of paths; or node numbers in any form of `hierarchical_f1`.
    node_proba
        P(the text belongs under node n), shape (n, N), or an iterator of blocks of rows of it.
    task
        ``single`` or ``multi``; None: ``multi`` where a text has several paths.
    order
        Single path: what nodes are answered by in place of their probability, from arrays (n, L) of probabilities and
        of the levels that lie below on the path; the thresholds are then values of it. None: the probability.

    Raises
    ------
    ConfigError, DataError
        As for `calibration_scores`.

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    >>> proba = [[0.9, 0.1, 0.6, 0.3], [0.8, 0.2, 0.7, 0.1], [0.3, 0.7, 0.1, 0.2]]
    >>> curve = coverage_curve(taxonomy, [("Games", "Sports"), ("Games", "Cards"), ("Tools",)], proba)
    >>> curve.threshold.tolist()
    [0.9, 0.8, 0.7, 0.6]
    >>> curve.accuracy.round(2).tolist(), curve.full_share.round(2).tolist()
    ([1.0, 1.0, 0.67, 0.67], [0.0, 0.0, 0.67, 1.0])
    """
    sets = true_sets(taxonomy, true)
    which = task_of(sets, task)
    if which == "single":
        return climbing_curve(along_paths(taxonomy, sets, node_proba, which), order)
    return _threshold_curve(taxonomy, sets, node_proba)


def coverage_at(curve: CoverageCurve, accuracy: float) -> CoverageAt:
    """Give what is answered at the lowest threshold at which the accuracy is at least the stated one.

    On the texts of the curve: a description, and a little flattering, since the threshold is chosen on them.

    Parameters
    ----------
    curve
        From `coverage_curve`.
    accuracy
        In (0, 1].

    Raises
    ------
    ConfigError
        ``accuracy`` is outside (0, 1].

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games",), ("Tools",)])
    >>> curve = coverage_curve(taxonomy, [("Games",), ("Tools",)], [[0.9, 0.1], [0.6, 0.4]])
    >>> found = coverage_at(curve, 0.95)
    >>> found.threshold, found.coverage
    (0.9, 0.5)
    """
    if not 0 < accuracy <= 1:
        raise ConfigError(f"accuracy = {accuracy} is outside (0, 1].")
    # A share such as 19 / 20 must count as 0.95.
    good = np.flatnonzero((curve.accuracy >= accuracy - 1e-12) & (curve.coverage > 0))
    n_levels = curve.depth_share.shape[1]
    if not len(good):
        nothing = (0.0,) * n_levels
        return CoverageAt(accuracy, None, None, 0.0, 0.0, nothing, nothing, None)
    i = int(good[-1])
    by_depth = curve.depth_share[i]
    return CoverageAt(
        wanted=accuracy,
        threshold=float(curve.threshold[i]),
        accuracy=float(curve.accuracy[i]),
        coverage=float(curve.coverage[i]),
        full_share=float(curve.full_share[i]),
        depth_share=tuple(by_depth.tolist()),
        reached_share=tuple(by_depth[::-1].cumsum()[::-1].tolist()),
        missing_share=None if curve.missing_share is None else tuple(curve.missing_share[i].tolist()),
    )


def climbing_curve(along: AlongPaths, order: Order | None = None) -> CoverageCurve:
    """Give the curve of the climbing rule from what was read of ``node_proba``; ``order`` as for `coverage_curve`."""
    n, n_levels = along.probability.shape
    known = ~np.isnan(along.probability)
    depth = known.sum(axis=1)
    value = np.where(known, along.probability, 0.0)
    if order is not None:
        value = order(value, np.maximum(depth[:, None] - np.arange(1, n_levels + 1), 0))
    # The deepest node at or above the threshold decides: a node counts as probable as any below it on its path.
    reached = np.fliplr(np.maximum.accumulate(np.fliplr(np.where(known, value, -np.inf)), axis=1))
    text, level = np.nonzero(known)
    falling = np.argsort(-reached[text, level], kind="stable")
    text, level = text[falling], level[falling]
    value = reached[text, level]
    right = along.right.astype(np.int8)
    before = np.where(level > 0, right[text, level - 1], 0)
    last = np.flatnonzero(np.append(value[1:] != value[:-1], True))
    answered = np.cumsum(level == 0)[last]
    correct = np.cumsum(right[text, level] - before, dtype=np.int64)[last]
    whole = level + 1 == depth[text]
    full = np.cumsum(whole)[last]
    full_right = np.cumsum(np.where(whole, right[text, level], 0), dtype=np.int64)[last]
    levels = np.cumsum(1 / depth[text])[last] / n
    risk = 1 - correct / answered
    by_depth = _steps(level, n_levels, last) / n
    missing = _missing(depth[text] - level - 1, level > 0, n_levels, last) / n
    area = float(np.diff(levels, prepend=0.0) @ risk)
    full_area, full_excess = _full_areas(along)
    return CoverageCurve(
        task="single",
        n=n,
        threshold=value[last],
        coverage=answered / n,
        accuracy=correct / answered,
        depth_share=by_depth,
        full_share=full / n,
        area=area,
        area_excess=area - _best_area(depth, along.right.sum(axis=1)),
        missing_share=missing,
        full_accuracy=np.divide(full_right, full, out=np.zeros(len(full)), where=full > 0),
        full_area=full_area,
        full_area_excess=full_excess,
    )


def _steps(level: Integers, n_levels: int, last: Integers) -> Integers:
    """Count the texts answered at each depth when every event moves one text from ``level`` to the next, (M, L)."""
    counts = np.empty((len(last), n_levels), dtype=np.int64)
    for depth in range(n_levels):
        moves = (level == depth).astype(np.int8) - (level == depth + 1).astype(np.int8)
        counts[:, depth] = np.cumsum(moves, dtype=np.int64)[last]
    return counts


def _missing(missing: Integers, was_answered: Truth, n_levels: int, last: Integers) -> Integers:
    """Count the answered texts by levels missing when every event leaves a text with ``missing`` of them, (M, L)."""
    counts = np.empty((len(last), n_levels), dtype=np.int64)
    for number in range(n_levels):
        moves = (missing == number).astype(np.int8) - (was_answered & (missing == number - 1)).astype(np.int8)
        counts[:, number] = np.cumsum(moves, dtype=np.int64)[last]
    return counts


def _best_area(depth: Integers, right: Integers) -> float:
    """Give the smallest area that an order of the same nodes has: right ones first, then most levels at once."""
    wrong = depth > right
    left = np.sort(1 - right[wrong] / depth[wrong])[::-1] / len(depth)
    number = np.arange(1, len(left) + 1)
    # Texts without a right node are not answered before their wrong one; they have all levels left, so they come first.
    unanswered = np.maximum((right == 0).sum() - number, 0)
    return float(left @ (number / (len(depth) - unanswered)))


def _full_areas(along: AlongPaths) -> tuple[float, float]:
    """Give the area under risk over coverage of whole paths, and its excess over that with all right ones first."""
    n = len(along.path_right)
    order = np.argsort(-along.path_probability, kind="stable")
    value, wrong = along.path_probability[order], ~along.path_right[order]
    last = np.flatnonzero(np.append(value[1:] != value[:-1], True))
    risk = np.cumsum(wrong)[last] / (last + 1)
    area = float(np.diff(last + 1, prepend=0) @ risk) / n
    n_wrong = int(wrong.sum())
    best = float((np.arange(1, n_wrong + 1) / np.arange(n - n_wrong + 1, n + 1)).sum()) / n
    return area, area - best


def _threshold_curve(taxonomy: Taxonomy, true: TrueSets, node_proba: NodeProba) -> CoverageCurve:
    """Give the curve of several-path tasks: sort the (text, node) pairs within texts, then all."""
    n, n_levels = len(true.number), taxonomy.n_levels
    text, node, value = _pairs(taxonomy, true, node_proba)
    order = np.lexsort((node, -value, text))
    text, node, value = text[order], node[order], value[order]
    first = np.flatnonzero(np.diff(text, prepend=-1))
    owner = np.cumsum(np.diff(text, prepend=-1) > 0) - 1
    place = np.arange(len(text)) - first[owner] if len(text) else np.empty(0, np.int64)
    hit = true.holds(text, node)
    hits = np.cumsum(hit)
    hits_in_text = hits - (hits[first] - hit[first])[owner] if len(text) else hits
    wrong_share = 1 - hits_in_text / (place + 1)
    depth = _running_max(taxonomy.depth[node].astype(np.int64), owner, n_levels)
    leaf = _running_max(taxonomy.is_leaf[node].astype(np.int64), owner, 1)
    is_first = place == 0
    before = {
        name: np.where(is_first, 0, np.roll(column, 1))
        for name, column in (("d", depth), ("l", leaf), ("w", wrong_share))
    }
    order = np.argsort(-value, kind="stable")
    value = value[order]
    last = np.flatnonzero(np.append(value[1:] != value[:-1], True)) if len(value) else np.empty(0, np.int64)

    def summed(change: NDArray[Any]) -> Floats:
        return np.asarray(np.cumsum(change[order], dtype=np.float64)[last])

    n_true = int(true.sets.closure.counts[true.number].sum())
    by_depth = np.empty((len(last), n_levels))
    for level in range(1, n_levels + 1):
        by_depth[:, level - 1] = summed((depth == level).astype(np.int64) - (before["d"] == level))
    recall = summed(hit) / n_true if n_true else np.zeros(len(last))
    wrong = np.maximum(summed(wrong_share - before["w"]), 0.0) / n
    area = float(np.diff(recall, prepend=0.0) @ wrong)
    return CoverageCurve(
        task="multi",
        n=n,
        threshold=value[last],
        coverage=summed(is_first) / n,
        accuracy=1 - wrong,
        depth_share=by_depth / n,
        full_share=summed(leaf - before["l"]) / n,
        area=area,
        area_excess=area,
        recall=recall,
    )


def _pairs(taxonomy: Taxonomy, true: TrueSets, node_proba: NodeProba) -> tuple[Integers, Integers, Floats]:
    texts, nodes, values = [], [], []
    for start, block in proba_blocks(taxonomy, node_proba, len(true.number)):
        row, node = np.nonzero(block >= LEAST_ANSWER)
        texts.append(row + start)
        nodes.append(node)
        values.append(block[row, node].astype(np.float64))
    return np.concatenate(texts), np.concatenate(nodes), np.concatenate(values)


def _running_max(values: Integers, owner: Integers, most: int) -> Integers:
    """Give the running maximum of non-negative values within each owner's run; owners ascend."""
    return np.asarray(np.maximum.accumulate(values + owner * (most + 1)) - owner * (most + 1))
