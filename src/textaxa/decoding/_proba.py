"""From node probabilities to terminal probabilities: how probable it is that a label ends exactly there."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa._sparse import take
from textaxa.errors import DataError
from textaxa.taxonomy import Taxonomy

# Numbers gathered at once: 4 million float64 are 32 MB, small beside any model.
_CHUNK = 4_000_000

Probabilities = NDArray[np.floating]


def check_node_proba(taxonomy: Taxonomy, node_proba: ArrayLike) -> Probabilities:
    """Give ``node_proba`` as a floating array of shape (B, N).

    Raises
    ------
    DataError
        Its shape is not (B, N), or it holds something that is not a finite number.
    """
    proba = np.asarray(node_proba)
    if not np.issubdtype(proba.dtype, np.floating):
        proba = proba.astype(np.float64)
    if proba.ndim != 2 or proba.shape[1] != len(taxonomy):
        raise DataError(
            f"node_proba has the shape {proba.shape}, but the taxonomy has {len(taxonomy)} nodes: it was probably made "
            f"with another taxonomy. One row a text and {len(taxonomy)} columns, in taxonomy.nodes order, are needed."
        )
    finite = np.isfinite(proba).all(axis=1)
    if not finite.all():
        raise DataError(
            f"node_proba holds values that are not finite numbers in {int((~finite).sum())} of {len(proba)} rows, "
            f"first in row {int(np.argmin(finite))}: the model that made them has probably diverged in training."
        )
    return proba


def terminal_proba(taxonomy: Taxonomy, node_proba: ArrayLike) -> Probabilities:
    """Give P(the label is exactly terminal t) for every text and terminal.

    From the deepest level up, a terminal has what is left of its node's probability when the terminals strictly below
    it have had theirs, ``p(t) = node_proba[t] - sum of p(d) over the terminals d below t``, and never less than 0. With
    coherent ``node_proba`` of a single-path task a row sums to 1, on a tree and on a DAG.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes and T terminals.
    node_proba
        P(the text belongs under node n), shape (B, N).

    Returns
    -------
    Probabilities in [0, 1], shape (B, T), columns as ``taxonomy.terminals``, same floating type as ``node_proba``.

    Raises
    ------
    DataError
        ``node_proba`` has another shape, or values that are not finite.

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games",), ("Games", "Sports"), ("Tools",)])
    >>> taxonomy.nodes[0], taxonomy.nodes[1], taxonomy.nodes[2]
    (('Games',), ('Tools',), ('Games', 'Sports'))
    >>> terminal_proba(taxonomy, [[0.75, 0.25, 0.5]]).tolist()
    [[0.25, 0.25, 0.5]]
    """
    proba = check_node_proba(taxonomy, node_proba)
    exact = np.clip(proba[:, taxonomy.terminals], 0.0, 1.0)
    steps = _inner_terminals(taxonomy)
    if not steps:
        return exact
    widest = max(len(below) for _, below, _ in steps)
    rows = max(1, _CHUNK // widest)
    for start in range(0, len(exact), rows):
        part = exact[start : start + rows]
        for columns, below, starts in steps:
            taken = np.add.reduceat(part[:, below], starts, axis=1, dtype=np.float64)
            part[:, columns] = np.maximum(part[:, columns] - taken, 0.0)
    return exact


def _inner_terminals(taxonomy: Taxonomy) -> list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Give, deepest level first, the inner terminals, the terminals strictly below them, and where each one's start.

    All as columns of the (B, T) array.
    """
    terminals = taxonomy.terminals
    inner = taxonomy.is_terminal & ~taxonomy.is_leaf
    if not inner.any():
        return []
    column = np.full(len(taxonomy), -1, dtype=np.int64)
    column[terminals] = np.arange(len(terminals))
    below, ancestor = take(taxonomy.ancestors, terminals)
    wanted = inner[ancestor] & (terminals[below] != ancestor)
    below, ancestor = below[wanted], ancestor[wanted]
    order = np.argsort(ancestor, kind="stable")
    below, ancestor = below[order], ancestor[order]
    steps = []
    depths = taxonomy.depth[ancestor]
    for depth in np.unique(depths)[::-1]:
        at_depth = depths == depth
        nodes, starts = np.unique(ancestor[at_depth], return_index=True)
        steps.append((column[nodes], below[at_depth], starts))
    return steps
