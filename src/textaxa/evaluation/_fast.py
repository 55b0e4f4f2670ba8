"""Hierarchical F1 straight from node numbers, for use while training."""

from typing import Any

import numpy as np

from textaxa.evaluation._checks import check_lengths
from textaxa.evaluation._nodes import node_pairs
from textaxa.evaluation._sets import closure_keys
from textaxa.taxonomy import Taxonomy


def hierarchical_f1(taxonomy: Taxonomy, true_nodes: Any, predicted_nodes: Any) -> float:
    """Give the hierarchical F1 of node numbers: one number, fast, for use while training.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    true_nodes, predicted_nodes
        One node number a text (integers of shape (B,), -1 for none), or truth values of shape (B, N), or a `CSR` or
        list with the node numbers of every text. Ancestors need not be given.

    Returns
    -------
    F1 in [0, 1], as ``hierarchical.f1`` of `evaluate_paths`.

    Raises
    ------
    DataError
        Another form, unequal numbers of texts, or node numbers that the taxonomy does not have.

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    >>> hierarchical_f1(taxonomy, np.array([2, 1]), np.array([3, 1]))
    0.6666666666666666
    """
    keys = []
    counts = []
    for nodes in (true_nodes, predicted_nodes):
        text, node, n_texts = node_pairs(taxonomy, nodes)
        keys.append(closure_keys(taxonomy.ancestors, text, node)[0])
        counts.append(n_texts)
    check_lengths({"true_nodes": counts[0], "predicted_nodes": counts[1]})
    shared = len(np.intersect1d(keys[0], keys[1], assume_unique=True))
    total = len(keys[0]) + len(keys[1])
    return 2 * shared / total if total else 0.0
