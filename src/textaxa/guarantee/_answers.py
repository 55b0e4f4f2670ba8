"""From node probabilities and a promise to answers: the deepest node that can be defended, and why not a deeper one."""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa.decoding import Prediction
from textaxa.decoding._paths import most_specific
from textaxa.decoding._prediction import NOT_SURE_ENOUGH, PredictionMaker
from textaxa.decoding._proba import check_node_proba
from textaxa.decoding._thresholds import passing
from textaxa.guarantee._climb import best_chains
from textaxa.guarantee._promise import Promise, percent
from textaxa.taxonomy import Taxonomy

OUTSIDE = "outside the taxonomy"
"""Why a text has no path that seems to belong nowhere."""


def guaranteed_paths(taxonomy: Taxonomy, node_proba: ArrayLike, kept: Promise) -> list[list[Prediction]]:
    """Give for every text the deepest node of its most probable path that the promise covers.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    node_proba
        P(the text belongs under node n), (B, N).
    kept
        The promise, made with evidence of the same model and task ``single``.

    Returns
    -------
    One list of one prediction a text. Where no node can be defended, its path is empty and its probability that of the
    surest top-level node. ``because`` says why it did not go on.

    Raises
    ------
    DataError
        ``node_proba`` has another shape, or values that are not finite.
    """
    proba = check_node_proba(taxonomy, node_proba)
    chains = best_chains(taxonomy, proba)
    along = np.where(chains >= 0, np.take_along_axis(proba, np.maximum(chains, 0), axis=1), 0.0).astype(np.float64)
    return climbed(taxonomy, chains, along, kept)


def climbed(
    taxonomy: Taxonomy, chains: NDArray[np.integer], proba: NDArray[np.float64], kept: Promise
) -> list[list[Prediction]]:
    """Give the same from the most probable path of every text alone.

    Parameters
    ----------
    taxonomy
        The taxonomy.
    chains
        The nodes of each path from the top level down, -1 below its end, (B, levels).
    proba
        P(the text belongs under the node), 0 below the end, (B, levels).
    kept
        The promise.
    """
    known = chains >= 0
    along = np.minimum.accumulate(proba, axis=1)
    places = np.arange(1, taxonomy.n_levels + 1)
    ends = known.sum(axis=1)
    given = known & kept.passes(along, np.maximum(chains, 0), np.maximum(ends[:, None] - places, 0))
    depths = np.where(given, places, 0).max(axis=1, initial=0)
    maker = PredictionMaker(taxonomy)
    found = []
    for row, chain, depth, end in zip(proba.tolist(), chains.tolist(), depths.tolist(), ends.tolist(), strict=True):
        prediction = maker.make_along(chain[depth - 1], row[:depth]) if depth else nowhere(row[0])
        if depth < end:
            because = _because(taxonomy, row[depth], chain[depth], kept, levels_below=end - depth - 1)
            prediction = replace(prediction, stopped=NOT_SURE_ENOUGH, because=because)
        found.append([prediction])
    return found


def nowhere(probability: float, *, stopped: str = NOT_SURE_ENOUGH, because: str = "") -> Prediction:
    """Give the answer "none": an empty path."""
    return Prediction(-1, (), probability, probability, (), stopped, because)


def _because(taxonomy: Taxonomy, proba: float, below: int, kept: Promise, *, levels_below: int) -> str:
    name, sure, needed = taxonomy.names[below], f"{proba:.2f}", kept.needed(below, levels_below)
    if np.isinf(needed):
        return f"no promise can be kept below, for want of held-out rows ({name} has {sure})"
    return f"{name} has {sure}, and {needed:.2f} is needed for {percent(kept.accuracy)} accuracy"


def guaranteed_sets(taxonomy: Taxonomy, node_proba: ArrayLike, kept: Promise) -> list[list[Prediction]]:
    """Give for every text the nodes that the promise covers in a several-paths task: the deepest of each branch.

    Raises
    ------
    DataError
        ``node_proba`` has another shape, or values that are not finite.
    """
    proba = check_node_proba(taxonomy, node_proba)
    text, node = np.nonzero(passing(taxonomy, proba, kept.thresholds))
    deepest = most_specific(taxonomy, text, node)
    maker = PredictionMaker(taxonomy)
    found: list[list[Prediction]] = [[] for _ in range(len(proba))]
    for i, end in zip(text[deepest].tolist(), node[deepest].tolist(), strict=True):
        found[i].append(maker.make(end, proba[i]))
    return [sorted(row, key=lambda one: -one.probability) for row in found]
