"""Hierarchical F1 straight from node numbers, for use while training."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.errors import DataError
from textaxa.evaluation._evaluate import check_lengths
from textaxa.evaluation._sets import closure_keys
from textaxa.taxonomy import CSR, Taxonomy


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
        text, node, n_texts = _node_pairs(nodes)
        if len(node) and not 0 <= node.min() <= node.max() < len(taxonomy):
            raise DataError(
                f"Node numbers from {node.min()} to {node.max()} were given, but the taxonomy has the nodes 0 to "
                f"{len(taxonomy) - 1}: they were probably made with another taxonomy."
            )
        keys.append(closure_keys(taxonomy.ancestors, text, node)[0])
        counts.append(n_texts)
    check_lengths({"true_nodes": counts[0], "predicted_nodes": counts[1]})
    shared = len(np.intersect1d(keys[0], keys[1], assume_unique=True))
    total = len(keys[0]) + len(keys[1])
    return 2 * shared / total if total else 0.0


def _node_pairs(nodes: Any) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Give (text, node) pairs and the number of texts, from node numbers in any of the forms of `hierarchical_f1`.

    Raises
    ------
    DataError
        It is none of these forms.
    """
    if isinstance(nodes, CSR):
        return nodes.row_ids.astype(np.int64), nodes.indices.astype(np.int64), len(nodes)
    if isinstance(nodes, np.ndarray) and nodes.ndim == 1 and np.issubdtype(nodes.dtype, np.integer):
        text = np.flatnonzero(nodes >= 0)
        return text, nodes[text].astype(np.int64), len(nodes)
    if isinstance(nodes, np.ndarray) and nodes.ndim == 2 and nodes.dtype == np.bool_:
        text, node = np.nonzero(nodes)
        return text, node, len(nodes)
    if isinstance(nodes, Sequence) and all(isinstance(one, (Iterable, np.ndarray)) for one in nodes):
        rows = [np.unique(np.asarray(list(one), dtype=np.int64)) for one in nodes]
        text = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        return text, np.concatenate([np.empty(0, np.int64), *rows]), len(rows)
    raise DataError(
        f"Nodes were given as {type(nodes).__name__}: needed are one node number a text (integers, -1 for none), a "
        "table of truth values (B, N), a CSR, or a list with the node numbers of every text."
    )
