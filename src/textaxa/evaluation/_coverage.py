"""How deep one can answer at which risk: the climbing rule at every threshold, in one sweep."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from textaxa.errors import ConfigError
from textaxa.evaluation._along import AlongPaths, NodeProba, Task, along_paths, task_of, true_sets
from textaxa.evaluation._coverage_nodes import threshold_curve
from textaxa.evaluation._coverage_result import CoverageAt, CoverageCurve
from textaxa.evaluation._sets import Labelled
from textaxa.evaluation._sweep import Sweep
from textaxa.taxonomy import Taxonomy

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

Order = Callable[[Floats, Integers], Floats]
"""From probabilities and the levels that lie below on the path, both (n, L), to what nodes are answered by."""


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
    return threshold_curve(taxonomy, sets, node_proba)


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
    # An event is that a text's answer moves down to a node, from the one above it or from none.
    text, level = np.nonzero(known)
    sweep = Sweep(_reached(along, known, order)[text, level])
    moved = level > 0
    missing = depth[text] - level - 1
    right = along.right[text, level].astype(np.int8)
    answered = sweep.sums(~moved)
    correct = sweep.sums(right - np.where(moved, along.right[text, level - 1], False))
    full, full_right = sweep.sums(missing == 0), sweep.sums(np.where(missing == 0, right, 0))
    by_depth = [sweep.sums((level == i) * 1 - (level == i + 1)) / n for i in range(n_levels)]
    by_missing = [sweep.sums((missing == i) * 1 - (moved & (missing == i - 1))) / n for i in range(n_levels)]
    area = float(np.diff(sweep.sums(1 / depth[text]) / n, prepend=0.0) @ (1 - correct / answered))
    full_area, best_full_area = _full_areas(along)
    return CoverageCurve(
        task="single",
        n=n,
        threshold=sweep.threshold,
        coverage=answered / n,
        accuracy=correct / answered,
        depth_share=np.stack(by_depth, axis=1),
        full_share=full / n,
        area=area,
        area_excess=area - _best_area(depth, along.right.sum(axis=1)),
        missing_share=np.stack(by_missing, axis=1),
        full_accuracy=np.divide(full_right, full, out=np.zeros(len(full)), where=full > 0),
        full_area=full_area,
        full_area_excess=full_area - best_full_area,
    )


def _reached(along: AlongPaths, known: NDArray[np.bool_], order: Order | None) -> Floats:
    """Give the threshold up to which the answer of each text lies at each level or below, (n, L).

    The deepest node at or above the threshold decides, so a node counts as much as any below it on its path.
    """
    value = np.where(known, along.probability, 0.0)
    if order is not None:
        below = known.sum(axis=1)[:, None] - np.arange(1, known.shape[1] + 1)
        value = order(value, np.maximum(below, 0))
    return np.fliplr(np.maximum.accumulate(np.fliplr(np.where(known, value, -np.inf)), axis=1))


def _best_area(depth: Integers, right: Integers) -> float:
    """Give the smallest area that an order of the same nodes has: right ones first, then most levels at once."""
    wrong = depth > right
    left = np.sort(1 - right[wrong] / depth[wrong])[::-1] / len(depth)
    number = np.arange(1, len(left) + 1)
    # Texts without a right node are not answered before their wrong one; they have all levels left, so they come first.
    unanswered = np.maximum((right == 0).sum() - number, 0)
    return float(left @ (number / (len(depth) - unanswered)))


def _full_areas(along: AlongPaths) -> tuple[float, float]:
    """Give the area under risk over coverage of whole paths, and that with all right ones first."""
    n, sweep = len(along.path_right), Sweep(along.path_probability)
    answered = sweep.sums(np.ones(n))
    area = float(np.diff(answered, prepend=0.0) @ (sweep.sums(~along.path_right) / answered)) / n
    n_wrong = int((~along.path_right).sum())
    return area, float((np.arange(1, n_wrong + 1) / np.arange(n - n_wrong + 1, n + 1)).sum()) / n
