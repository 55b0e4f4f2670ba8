"""From node probabilities to paths: the most probable ones (one path a text), or all over a threshold (several)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa._sparse import take
from textaxa.decoding._prediction import Prediction, PredictionMaker
from textaxa.decoding._proba import Probabilities, check_node_proba, terminal_proba
from textaxa.decoding._thresholds import check_thresholds, passing
from textaxa.errors import ConfigError
from textaxa.taxonomy import Taxonomy


def top_paths(taxonomy: Taxonomy, node_proba: ArrayLike, k: int = 1) -> list[list[Prediction]]:
    """Give the ``k`` most probable paths of every text, best first: the decoder of single-path tasks.

    Terminals are ranked by `terminal_proba`; of equals the first in node order is taken, so the answer does not depend
    on ``k`` or on the other texts of the batch.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    node_proba
        P(the text belongs under node n), shape (B, N).
    k
        Paths wanted; where there are fewer terminals, all of them are given.

    Returns
    -------
    One list a text, of ``min(k, T)`` predictions.

    Raises
    ------
    ConfigError
        ``k`` is below 1.
    DataError
        ``node_proba`` has another shape, or values that are not finite.

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    >>> [[best, second]] = top_paths(taxonomy, [[0.75, 0.25, 0.5, 0.25]], k=2)
    >>> best.path, best.probability, best.levels, best.stopped
    (('Games', 'Sports'), 0.5, (('Games', 0.75), ('Sports', 0.5)), 'leaf')
    >>> second.path
    ('Tools',)
    """
    proba = check_node_proba(taxonomy, node_proba)
    nodes, exactly = top_nodes(taxonomy, proba, k)
    maker = PredictionMaker(taxonomy)
    return [
        [maker.make(node, row, p) for node, p in zip(*found, strict=True)]
        for row, found in zip(proba, zip(nodes.tolist(), exactly.tolist(), strict=True), strict=True)
    ]


def top_nodes(taxonomy: Taxonomy, node_proba: Probabilities, k: int = 1) -> tuple[NDArray[np.integer], Probabilities]:
    """Give what `top_paths` gives as arrays: the nodes at which paths end, and P(the label is exactly that path).

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    node_proba
        P(the text belongs under node n), shape (B, N), checked before.
    k
        Paths wanted.

    Returns
    -------
    Both of shape ``(B, min(k, T))``, best first.

    Raises
    ------
    ConfigError
        ``k`` is below 1.
    """
    if k < 1:
        raise ConfigError(f"k = {k} paths were asked for: it must be at least 1.")
    exact = terminal_proba(taxonomy, node_proba)
    best = best_columns(exact, min(k, exact.shape[1]))
    return taxonomy.terminals[best], np.take_along_axis(exact, best, axis=1)


def best_columns(exact: Probabilities, k: int) -> NDArray[np.int64]:
    """Give the columns of the ``k`` largest values of every row, largest first, of equals the first; shape (B, k)."""
    if k == 1:
        return np.asarray(exact.argmax(axis=1))[:, None]
    if k == exact.shape[1]:
        return np.argsort(-exact, axis=1, kind="stable")
    candidates = np.sort(np.argpartition(-exact, k - 1, axis=1)[:, :k], axis=1)
    values = np.take_along_axis(exact, candidates, axis=1)
    # A partition may take any of several equal values at the border: such rows are sorted whole.
    tied = (exact >= values.min(axis=1, keepdims=True)).sum(axis=1) > k
    order = np.argsort(-values, axis=1, kind="stable")
    best = np.take_along_axis(candidates, order, axis=1)
    if tied.any():
        best[tied] = np.argsort(-exact[tied], axis=1, kind="stable")[:, :k]
    return best


def decode_multi(
    taxonomy: Taxonomy, node_proba: ArrayLike, threshold: ArrayLike = 0.5, *, at_least_one: bool = True
) -> list[list[Prediction]]:
    """Give every text the deepest nodes whose probability reaches the threshold: the decoder of several-path tasks.

    A path stands for all its nodes, so a node above another one that passed is not given again.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    node_proba
        P(the text belongs under node n), shape (B, N); coherent: a child is never above its parent.
    threshold
        A node is taken from this probability on, in (0, 1]: one number, or one a node (N,). With one a node, a node is
        taken only where one of its parents is taken too.
    at_least_one
        Where no node reaches the threshold, give the most probable top-level node, followed down as long as the most
        probable child has at least ``threshold`` (its own) of its parent's probability. False: give nothing for such a
        text.

    Returns
    -------
    One list a text, most probable first (of equals the first in node order); empty where nothing was taken.

    Raises
    ------
    ConfigError
        A threshold is outside (0, 1], or there is another number of them than one or N.
    DataError
        ``node_proba`` has another shape, or values that are not finite.

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    >>> [found] = decode_multi(taxonomy, [[0.9, 0.6, 0.8, 0.1]])
    >>> [p.path for p in found]
    [('Games', 'Sports'), ('Tools',)]
    """
    thresholds = check_thresholds(taxonomy, threshold)
    proba = check_node_proba(taxonomy, node_proba)
    # With one threshold for all, parents of a node that passes pass anyway: coherent probabilities grow upwards.
    shared = float(threshold) if isinstance(threshold, float | int) else None
    text, node = np.nonzero(passing(taxonomy, proba, thresholds) if shared is None else proba >= shared)
    deepest = most_specific(taxonomy, text, node)
    text, node = text[deepest], node[deepest]
    order = np.lexsort((node, -proba[text, node], text))
    maker = PredictionMaker(taxonomy)
    found: list[list[Prediction]] = [[] for _ in range(len(proba))]
    for i, n in zip(text[order].tolist(), node[order].tolist(), strict=True):
        found[i].append(maker.make(n, proba[i]))
    if at_least_one and len(taxonomy):
        for i, predictions in enumerate(found):
            if not predictions:
                predictions.append(maker.make(_follow_down(taxonomy, proba[i], thresholds), proba[i]))
    return found


def most_specific(taxonomy: Taxonomy, text: NDArray[np.int64], node: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which of the (text, node) pairs have no pair of the same text strictly below them."""
    pair, ancestor = take(taxonomy.ancestors, node)
    strict = node[pair] != ancestor
    covered = np.unique(text[pair[strict]] * len(taxonomy) + ancestor[strict])
    return ~np.isin(text * len(taxonomy) + node, covered)


def _follow_down(taxonomy: Taxonomy, row: NDArray[np.floating], shares: NDArray[np.float64]) -> int:
    """Give the node reached from the most probable top-level node through children with their share of the parent."""
    options = taxonomy.level(1)
    node = int(options[np.argmax(row[options])])
    while True:
        options = taxonomy.children.row(node)
        if not len(options):
            return node
        child = int(options[np.argmax(row[options])])
        if row[child] < shares[child] * row[node] or row[child] <= 0:
            return node
        node = child
