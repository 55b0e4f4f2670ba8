"""From sums over texts to metrics: every formula of the evaluation, once, for one sample or for many resamples."""

import numpy as np
from numpy.typing import NDArray

from textaxa.evaluation._node_counts import SHARED, SIZE, TRUE
from textaxa.evaluation._statistics import PER_LEVEL, PER_TEXT, SCALARS, Statistics

Floats = NDArray[np.float64]


def scores(statistics: Statistics, sums: Floats, nodes: Floats | None, *, with_area: bool) -> dict[str, Floats]:
    """Give every metric by its dotted name, each of shape (R,); NaN where it is not defined.

    Parameters
    ----------
    statistics
        Where the sums come from.
    sums
        Sums of its columns with the per-text columns behind, shape (R, K + 3).
    nodes
        Counts of the nodes, shape (R, 3, U); None leaves the macro-F1 out.
    with_area
        Whether there is an hF1-AUC.
    """
    n_levels = len(statistics.level_sizes)
    names = {name: sums[:, i] for i, name in enumerate(SCALARS)}
    first = len(SCALARS)
    for i, name in enumerate(PER_LEVEL):
        names[name] = sums[:, first + i * n_levels : first + (i + 1) * n_levels]
    for i, name in enumerate(PER_TEXT):
        names[name] = sums[:, first + len(PER_LEVEL) * n_levels + i]
    micro = _ratio(2 * names["shared"], names["true"] + names["predicted"])
    found = {
        "path_accuracy": names["path_correct"] / names["texts"],
        "nodes.micro_f1": micro,
        "hierarchical.precision": _ratio(names["shared"], names["predicted"]),
        "hierarchical.recall": _ratio(names["shared"], names["true"]),
        "hierarchical.f1": micro,
        "mistake_severity": names["severity"] / names["texts"],
        "coherent_share": names["coherent_texts"] / names["texts"],
    }
    if with_area:
        found["hierarchical.f1_auc"] = _ratio(names["area"], names["area_texts"], empty=np.nan)
    accuracy = _ratio(names["level_correct"], names["reached"], empty=np.nan)
    level_micro = _ratio(2 * names["level_shared"], names["level_true"] + names["level_predicted"])
    for level in range(n_levels):
        found[f"levels.{level + 1}.accuracy"] = accuracy[:, level]
        found[f"levels.{level + 1}.micro_f1"] = level_micro[:, level]
    if nodes is not None:
        found |= _macro(statistics, nodes)
    return found


def _macro(statistics: Statistics, nodes: Floats) -> dict[str, Floats]:
    """Give the macro-F1 over all nodes and by level, each over the supported nodes and over all.

    Which nodes have support is read off each resample: one that a rare node is missing from says nothing about it. The
    mean over all nodes counts 0 for those without support, so it is the mean over the supported ones times their share
    in the whole sample.
    """
    f1 = _ratio(2 * nodes[:, SHARED], nodes[:, SIZE])
    # Differences of sums in permutations may leave a zero that is not quite zero.
    present = nodes[:, TRUE] > 0.5
    of_level = statistics.node_level[:, None] == np.arange(len(statistics.level_sizes))
    sums = np.where(present, f1, 0.0) @ of_level.astype(np.float64)
    supported = present.astype(np.float64) @ of_level.astype(np.float64)
    share = of_level.sum(axis=0) / statistics.level_sizes
    by_level = _ratio(sums, supported, empty=np.nan)
    overall = _ratio(sums.sum(axis=1), supported.sum(axis=1))
    found = {
        "nodes.macro_f1": overall * statistics.n_supported / statistics.level_sizes.sum(),
        "nodes.macro_f1_supported": overall,
    }
    for level in range(len(statistics.level_sizes)):
        found[f"levels.{level + 1}.macro_f1"] = by_level[:, level]
        found[f"levels.{level + 1}.macro_f1_all"] = by_level[:, level] * share[level]
    return found


def _ratio(part: Floats, whole: Floats, *, empty: float = 0.0) -> Floats:
    ratio = np.full(np.broadcast(part, whole).shape, empty)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio
