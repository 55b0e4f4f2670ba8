"""From which probability on a node is an answer, in a several-paths task: chosen on validation rows, checked, applied.

True nodes and ``node_proba`` (B, N) come in, a threshold a node (N,) goes out. Every choice tries all cuts between the
probabilities that occur.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa._sparse import take
from textaxa.decoding._proba import Probabilities, check_node_proba
from textaxa.errors import ConfigError, DataError
from textaxa.taxonomy import Taxonomy

KINDS = ("global", "level", "node")

FIXED = 0.5
"""The threshold where none is chosen: right for probabilities that can be taken at their word, and equal costs."""

_FEW = 10
"""With fewer true texts than this, the best cut says more about those texts than about others: the wider group's holds.

The widest group, all nodes together, then has `FIXED`.
"""

_NODE_PRIOR = 10
"""A node with this many true texts gets the middle of its own best threshold and its level's; with fewer it stays
nearer to the level's. Thresholds that are chosen for rare classes alone overfit (Yang, SIGIR 2001)."""

_ROUNDS = 20
"""Two to five rounds settle the thresholds of the levels; this is only a bound."""

Thresholds = NDArray[np.float64]
Truth = NDArray[np.bool_]
Cutter = Callable[[Probabilities, Truth, slice], Thresholds]
"""Gives the thresholds of the nodes of a level from their probabilities and truth (B, C)."""

Worth = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]]
"""Tells what a cut is worth from how many of those it takes are true (R, C), and how many it takes (R, 1)."""


def choose_thresholds(
    taxonomy: Taxonomy, true_nodes: Sequence[Sequence[int]], node_proba: ArrayLike, kind: str = "level"
) -> Thresholds:
    """Give the thresholds with the best F1 on validation rows.

    ``global``: one for all nodes; the micro-F1 over all (text, node) pairs is the largest that one threshold gives.
    ``level``: one a level, from the top down, for the same micro-F1, which is never below that of ``global``. ``node``:
    one a node, for the node's own F1, mixed with the level's where the node has few true texts.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    true_nodes
        The nodes of each text; ancestors need not be given. B lists.
    node_proba
        P(the text belongs under node n), shape (B, N), coherent.
    kind
        ``global``, ``level`` or ``node``.

    Returns
    -------
    Thresholds in (0, 1], float64 (N,), each half-way between two probabilities that occur; 1 where it is best to give
    no answer.

    Raises
    ------
    ConfigError
        ``kind`` is not known.
    DataError
        The numbers of texts differ; ``node_proba`` has another shape, or values that are not finite.

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games",), ("Tools",)])
    >>> proba = [[0.4, 0.1], [0.1, 0.3]] * 5
    >>> choose_thresholds(taxonomy, [[0], [1]] * 5, proba, "global").round(3).tolist()
    [0.2, 0.2]

    Source: thresholds for F1 after Yang, A Study on Thresholding Strategies for Text Categorization, SIGIR 2001; the
    micro-F1 of several groups is maximised by Dinkelbach's method (Management Science 1967).
    """
    if kind not in KINDS:
        raise ConfigError(f"Thresholds can be chosen by {', '.join(KINDS)}, not by {kind!r}.")
    proba = check_node_proba(taxonomy, node_proba)
    if len(true_nodes) != len(proba):
        raise DataError(f"There are true nodes of {len(true_nodes)} texts, but node_proba has {len(proba)} rows.")
    if not len(proba):
        return np.full(len(taxonomy), FIXED)
    true = _closed(taxonomy, true_nodes)
    found = _global(taxonomy, proba, true)
    if kind != "global":
        found = _by_level(taxonomy, proba, true, found)
    if kind == "node":
        found = _descend(taxonomy, proba, true, _node_cutter(true, found))
    return found


def fitted_thresholds(
    taxonomy: Taxonomy, wanted: float | str, true_nodes: Sequence[Sequence[int]] = (), node_proba: ArrayLike = ()
) -> Thresholds | None:
    """Give the thresholds that a setting asks for: a number stands for itself, a kind is chosen on validation rows.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    wanted
        ``global``, ``level``, ``node``, or a number.
    true_nodes, node_proba
        The validation rows, as `choose_thresholds` takes them; there may be none.

    Returns
    -------
    Thresholds (N,); None where they are all 0.5, as they are for a kind without validation rows.
    """
    if not isinstance(wanted, str):
        return None if wanted == FIXED else check_thresholds(taxonomy, wanted)
    return choose_thresholds(taxonomy, true_nodes, node_proba, wanted) if len(true_nodes) else None


def check_thresholds(taxonomy: Taxonomy, thresholds: ArrayLike) -> Thresholds:
    """Give thresholds as float64 (N,), from one number or one a node.

    Raises
    ------
    ConfigError
        One is outside (0, 1], or there is another number of them.
    """
    values = np.asarray(thresholds)
    if values.dtype.kind not in "fiu" or values.shape not in ((), (len(taxonomy),)):
        raise ConfigError(
            f"A threshold is one number, or one a node ({len(taxonomy)} of them), not {values.dtype} values of the "
            f"shape {values.shape}. Were they chosen with another taxonomy?"
        )
    values = values.astype(np.float64)
    outside = ~((values > 0) & (values <= 1))
    if outside.any():
        raise ConfigError(f"threshold = {values[outside][0]} is outside (0, 1].")
    return np.broadcast_to(values, len(taxonomy))


def passing(taxonomy: Taxonomy, proba: Probabilities, thresholds: Thresholds) -> Truth:
    """Tell which nodes reach their threshold and have a parent that does, up to the top level; shape (B, N)."""
    passed = proba >= thresholds
    for level in range(2, taxonomy.n_levels + 1):
        nodes = taxonomy.level_slice(level)
        passed[:, nodes] &= _parent_passed(taxonomy, passed, nodes)
    return passed


def _parent_passed(taxonomy: Taxonomy, passed: Truth, nodes: slice) -> Truth:
    """Tell for the nodes of a level (not the top one) whether any of their parents passed, (B, C)."""
    parents = taxonomy.parents
    begin, end = parents.indptr[nodes.start], parents.indptr[nodes.stop]
    of_parents = passed[:, parents.indices[begin:end]]
    if of_parents.shape[1] == nodes.stop - nodes.start:  # one parent each
        return of_parents
    starts = parents.indptr[nodes.start : nodes.stop] - begin
    return np.asarray(np.logical_or.reduceat(of_parents, starts, axis=1))


def _closed(taxonomy: Taxonomy, true_nodes: Sequence[Sequence[int]]) -> Truth:
    """Give the true nodes with their ancestors, (B, N)."""
    text = np.repeat(np.arange(len(true_nodes)), [len(nodes) for nodes in true_nodes])
    node = np.concatenate([np.empty(0, dtype=np.int64), *(np.asarray(nodes, dtype=np.int64) for nodes in true_nodes)])
    pair, ancestor = take(taxonomy.ancestors, node)
    closed = np.zeros((len(true_nodes), len(taxonomy)), dtype=np.bool_)
    closed[text[pair], ancestor] = True
    return closed


def _f1(passed: Truth, true: Truth) -> float:
    """Give the micro-F1 over all pairs; 0 where there is nothing to find."""
    total = int(passed.sum()) + int(true.sum())
    return 2 * int((passed & true).sum()) / total if total else 0.0


def _global(taxonomy: Taxonomy, proba: Probabilities, true: Truth) -> Thresholds:
    positives = int(true.sum())
    if positives < _FEW:
        return np.full(len(taxonomy), FIXED)
    cut = _pooled_cut(proba, true, _f1(proba >= FIXED, true), lambda hit, taken: 2 * hit / (taken + positives))
    return np.repeat(cut, len(taxonomy))


def _by_level(taxonomy: Taxonomy, proba: Probabilities, true: Truth, start: Thresholds) -> Thresholds:
    """Improve on ``start``: the F1 is above f where 2 hits - f (answers + truths) is above 0.

    That number is a sum over levels, so each level can be cut for itself; f rises until no cut is better.
    """
    best, f1 = start, _f1(passing(taxonomy, proba, start), true)
    for _ in range(_ROUNDS):
        found = _descend(taxonomy, proba, true, _level_cutter(start, f1))
        reached = _f1(passing(taxonomy, proba, found), true)
        if reached <= f1:
            break
        best, f1 = found, reached
    return best


def _descend(taxonomy: Taxonomy, proba: Probabilities, true: Truth, cutter: Cutter) -> Thresholds:
    """Choose the thresholds level by level from the top; a node whose parents did not pass cannot be an answer."""
    thresholds = np.empty(len(taxonomy))
    passed = np.zeros(proba.shape, dtype=np.bool_)
    for level in range(1, taxonomy.n_levels + 1):
        nodes = taxonomy.level_slice(level)
        reachable = proba[:, nodes]
        if level > 1:
            reachable = np.where(_parent_passed(taxonomy, passed, nodes), reachable, 0.0)
        thresholds[nodes] = cutter(reachable, true[:, nodes], nodes)
        passed[:, nodes] = reachable >= thresholds[nodes]
    return thresholds


def _level_cutter(start: Thresholds, f1: float) -> Cutter:
    def cut(proba: Probabilities, true: Truth, nodes: slice) -> Thresholds:
        if true.sum() < _FEW:
            return start[nodes]
        found = _pooled_cut(proba, true, f1, lambda hit, taken: 2 * hit - f1 * taken)
        return np.repeat(found, proba.shape[1])

    return cut


def _node_cutter(all_true: Truth, level: Thresholds) -> Cutter:
    positives = all_true.sum(axis=0)

    def cut(proba: Probabilities, true: Truth, nodes: slice) -> Thresholds:
        count = positives[nodes]
        own = _best_cut(proba, true, lambda hit, taken: 2 * hit / (taken + count))
        mixed: Thresholds = (count * own + _NODE_PRIOR * level[nodes]) / (count + _NODE_PRIOR)
        return mixed

    return cut


def _pooled_cut(proba: Probabilities, true: Truth, f1: float, worth: Worth) -> Thresholds:
    """Find one threshold for all pairs (R, C); (1,).

    To take more than 2 / f1 times as many pairs as are true cannot give an F1 above f1, so less probable pairs than
    those need not be sorted.
    """
    most = int(2 * true.sum() / f1) + 1 if f1 else true.size
    possible = proba > 0
    pairs, truth = proba[possible], true[possible]
    if not len(pairs):
        return np.ones(1)
    if most < len(pairs):
        kept = pairs >= np.partition(pairs, len(pairs) - most - 1)[len(pairs) - most - 1]
        pairs, truth = pairs[kept], truth[kept]
    return _best_cut(pairs[:, None], truth[:, None], worth)


def _best_cut(proba: Probabilities, true: Truth, worth: Worth) -> Thresholds:
    """Find for each column (R, C) the threshold of the largest worth, of equals the highest; (C,).

    No answer at all is worth 0.
    """
    order = np.argsort(-proba, axis=0, kind="stable")
    proba = np.take_along_axis(proba, order, axis=0)
    hits = np.cumsum(np.take_along_axis(true, order, axis=0), axis=0, dtype=np.int64)
    below = np.vstack([proba[1:], np.zeros_like(proba[:1])])
    # A cut lies between two different values, and probability 0 is never an answer.
    possible = proba > below
    value = np.where(possible, worth(hits, np.arange(1, len(proba) + 1)[:, None]), -np.inf)
    best = np.argmax(value, axis=0)[None]
    upper, lower = (np.take_along_axis(side, best, axis=0)[0].astype(np.float64) for side in (proba, below))
    middle = (upper + lower) / 2
    cut = np.where(middle > lower, middle, upper)  # neighbours among the floating numbers have no middle
    return np.where(np.take_along_axis(value, best, axis=0)[0] > 0, cut, 1.0)
