"""Top-down greedy decoding: from the top level on, the most probable way at every node. For comparison with the others.

It never takes back a step: a wrong top level cannot be made good further down.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa._sparse import take
from textaxa.decoding._closure import Floats, ends_exactly, exact_blocks
from textaxa.decoding._prediction import Prediction, PredictionMaker
from textaxa.decoding._proba import Probabilities
from textaxa.decoding._thresholds import check_thresholds
from textaxa.taxonomy import Taxonomy

Nodes = NDArray[np.int64]


def greedy_paths(
    taxonomy: Taxonomy, node_proba: ArrayLike, threshold: ArrayLike | None = None
) -> list[list[Prediction]]:
    """Give every text the path that is found by going down, at every node, to the most probable child.

    It ends at a leaf, at a terminal where "the label ends here" is at least as probable as every child, or where no
    child reaches its threshold. Of equals the first in node order is taken. The top level is always answered.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    node_proba
        P(the text belongs under node n), shape (B, N), of a single-path task.
    threshold
        A node is gone to from this probability on, in (0, 1]: one number, or one a node (N,). None: always.

    Returns
    -------
    One list a text, of one prediction.

    Raises
    ------
    ConfigError
        A threshold is outside (0, 1], or there is another number of them than one or N.
    DataError
        ``node_proba`` has another shape, or values that are not finite.

    Examples
    --------
    The most probable path is ``Tools``, but the top level is more probably ``Games``.

    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    >>> proba = [[0.6, 0.4, 0.25, 0.35]]
    >>> [[found]] = greedy_paths(taxonomy, proba)
    >>> found.path
    ('Games', 'Cards')
    >>> [[found]] = greedy_paths(taxonomy, proba, threshold=0.5)
    >>> found.path, found.stopped
    (('Games',), 'not sure enough')
    """
    needed = None if threshold is None else check_thresholds(taxonomy, threshold)
    maker, found = PredictionMaker(taxonomy), []
    for proba, exact in exact_blocks(taxonomy, node_proba):
        nodes = _go_down(taxonomy, proba, exact, needed)
        ends = ends_exactly(taxonomy, exact, np.arange(len(nodes)), nodes).tolist()
        found += [[maker.make(n, row, end)] for n, row, end in zip(nodes.tolist(), proba, ends, strict=True)]
    return found


def _go_down(taxonomy: Taxonomy, proba: Probabilities, exact: Floats, needed: Floats | None) -> Nodes:
    """Give the node at which every text ends, (R,)."""
    node: Nodes = proba[:, taxonomy.level_slice(1)].argmax(axis=1)
    going = np.flatnonzero(~taxonomy.is_leaf[node])
    while len(going):
        child = _best_child(taxonomy, proba, going, node[going])
        value = proba[going, child]
        on = value > ends_exactly(taxonomy, exact, going, node[going])
        on |= ~taxonomy.is_terminal[node[going]]
        if needed is not None:
            on &= value >= needed[child]
        going, child = going[on], child[on]
        node[going] = child
        going = going[~taxonomy.is_leaf[child]]
    return node


def _best_child(taxonomy: Taxonomy, proba: Probabilities, text: Nodes, node: Nodes) -> Nodes:
    """Give the most probable child of each inner node for its text, of equals the first; (P,)."""
    pair, child = take(taxonomy.children, node)
    value = proba[text[pair], child]
    starts = np.concatenate([[0], np.cumsum(taxonomy.children.counts[node])[:-1]])
    largest = np.maximum.reduceat(value, starts)
    best = np.flatnonzero(value == largest[pair])
    _, first = np.unique(pair[best], return_index=True)
    return np.asarray(child[best[first]], dtype=np.int64)
