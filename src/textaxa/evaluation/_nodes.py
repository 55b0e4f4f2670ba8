"""Labels given as node numbers instead of paths: one number a text, truth values, or ragged rows."""

from collections.abc import Iterable, Sequence
from itertools import chain
from numbers import Integral
from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.errors import DataError
from textaxa.taxonomy import CSR, Taxonomy

Integers = NDArray[np.int64]


def are_node_numbers(labels: Any) -> bool:
    """Tell whether labels are node numbers (`node_pairs` says in which forms), rather than paths."""
    if isinstance(labels, (np.ndarray, CSR)):
        return True
    if not isinstance(labels, Sequence):
        return False
    for one in labels:
        if _is_number(one):
            return True
        if isinstance(one, str) or not isinstance(one, Iterable):
            return False
        for part in one:
            return _is_number(part)  # the first label of any text tells
    return False


def _is_number(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def node_pairs(taxonomy: Taxonomy, nodes: Any) -> tuple[Integers, Integers, int]:
    """Give (text, node) pairs ascending by text, and the number of texts.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    nodes
        One node number a text (integers of shape (n,), -1 for none), or truth values of shape (n, N), or a `CSR` or
        sequence with the node numbers of every text.

    Raises
    ------
    DataError
        It is none of these forms, or the taxonomy does not have a node.
    """
    text, node, n_texts = _pairs(nodes)
    if len(node) and not 0 <= node.min() <= node.max() < len(taxonomy):
        raise DataError(
            f"Node numbers from {node.min()} to {node.max()} were given, but the taxonomy has the nodes 0 to "
            f"{len(taxonomy) - 1}: they were probably made with another taxonomy."
        )
    return text, node, n_texts


def _pairs(nodes: Any) -> tuple[Integers, Integers, int]:
    if isinstance(nodes, CSR):
        return nodes.row_ids.astype(np.int64), nodes.indices.astype(np.int64), len(nodes)
    if isinstance(nodes, Sequence) and nodes and all(isinstance(one, Integral) for one in nodes):
        nodes = np.asarray(nodes)
    if isinstance(nodes, np.ndarray) and nodes.ndim == 1 and np.issubdtype(nodes.dtype, np.integer):
        text = np.flatnonzero(nodes >= 0)
        return text, nodes[text].astype(np.int64), len(nodes)
    if isinstance(nodes, np.ndarray) and nodes.ndim == 2 and nodes.dtype == np.bool_:
        text, node = np.nonzero(nodes)
        return text, node, len(nodes)
    if isinstance(nodes, Sequence) and all(isinstance(one, (Iterable, np.ndarray)) for one in nodes):
        return _ragged(nodes)
    raise DataError(
        f"Nodes were given as {type(nodes).__name__}: needed are one node number a text (integers, -1 for none), a "
        "table of truth values (B, N), a CSR, or a list with the node numbers of every text."
    )


def _ragged(nodes: Sequence[Any]) -> tuple[Integers, Integers, int]:
    rows = [one if isinstance(one, (Sequence, np.ndarray)) else list(one) for one in nodes]
    counts = np.fromiter(map(len, rows), np.int64, len(rows))
    try:
        node = np.fromiter(map(index, chain.from_iterable(rows)), np.int64, int(counts.sum()))
    except TypeError as error:
        raise DataError(
            f"The node numbers of a text hold something that is no whole number ({error}). Either all labels are node "
            "numbers, or all are paths."
        ) from error
    return np.repeat(np.arange(len(rows)), counts), node, len(rows)
