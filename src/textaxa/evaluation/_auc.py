"""What is measured on ``node_proba`` itself: the area under each text's precision-recall curve, and coherence."""

import numpy as np
from numpy.typing import NDArray

from textaxa.taxonomy import CSR, Taxonomy

# Comparisons done at once: 8 million truth values are 8 MB.
_CHUNK = 8_000_000

# Room for rounding in float32 sums over many terminals.
COHERENCE_TOLERANCE = 1e-5


def f1_auc(node_proba: NDArray[np.floating], true: CSR) -> NDArray[np.float64]:
    """Give the area under the hierarchical precision-recall curve of every text, shape (B,).

    The threshold goes from above the largest probability of the text down over its distinct values; at each, the nodes
    that reach it are compared with the true ones. The curve starts at recall 0 and precision 1, ends at recall 1, and
    its points are joined by straight lines (trapezoids). Only thresholds at which a true node is gained add area, so
    each true node needs two counts: the nodes at least as probable as it, and those more probable.

    Source: Plaud et al. 2024, "Revisiting Hierarchical Text Classification: Inference and Metrics" (CoNLL), hF1-AUC;
    the same numbers as the authors' ``compute_curve_hf1``. Texts without a true node have no recall: NaN here.

    Parameters
    ----------
    node_proba
        Coherent probabilities, shape (B, N).
    true
        The true nodes of every text with all their ancestors; B rows.
    """
    text, node = true.row_ids, true.indices
    own = node_proba[text, node]
    nodes_from, nodes_above = _counts_over(node_proba, text, own)
    true_from, true_above = _counts_among(true, own)
    with np.errstate(invalid="ignore"):
        before = np.where(nodes_above > 0, true_above / nodes_above, 1.0)
        area = (true_from / nodes_from + before) / 2
        sums = np.bincount(text, weights=area, minlength=len(true))
        return np.asarray(sums / true.counts)


def _counts_over(
    node_proba: NDArray[np.floating], text: NDArray[np.int32], own: NDArray[np.floating]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count, for each true node, the nodes of its text at least as probable, and those more probable."""
    at_least, more = np.empty(len(own), np.int64), np.empty(len(own), np.int64)
    step = max(1, _CHUNK // max(1, node_proba.shape[1]))
    for start in range(0, len(own), step):
        part = slice(start, start + step)
        rows, bound = node_proba[text[part]], own[part, None]
        at_least[part] = np.count_nonzero(rows >= bound, axis=1)
        more[part] = np.count_nonzero(rows > bound, axis=1)
    return at_least, more


def _counts_among(true: CSR, own: NDArray[np.floating]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count, for each true node, the true nodes of its text at least as probable, and those more probable."""
    if not len(own):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    text = true.row_ids
    order = np.lexsort((-own, text))  # within each text, most probable first; the texts stay where they are
    ordered = own[order]
    first_of_equals = np.r_[True, (ordered[1:] != ordered[:-1]) | (text[1:] != text[:-1])]
    equals = np.cumsum(first_of_equals) - 1
    place = np.arange(len(own)) - true.indptr[text]
    at_least, more = np.empty(len(own), np.int64), np.empty(len(own), np.int64)
    more[order] = place[first_of_equals][equals]
    at_least[order] = more[order] + np.bincount(equals)[equals]
    return at_least, more


def is_coherent(taxonomy: Taxonomy, node_proba: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Tell for every text whether no node is more probable than one of its parents, shape (B,)."""
    child, parent = taxonomy.parents.row_ids, taxonomy.parents.indices
    coherent = np.ones(len(node_proba), dtype=bool)
    step = max(1, _CHUNK // max(1, len(child)))
    for start in range(0, len(node_proba), step):
        rows = node_proba[start : start + step]
        coherent[start : start + step] = (rows[:, child] <= rows[:, parent] + COHERENCE_TOLERANCE).all(axis=1)
    return coherent
