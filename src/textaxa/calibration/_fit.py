"""Choosing and fitting a calibration on validation rows.

True nodes and ``node_proba`` of rows that the model was not trained on come in, a `Calibration` goes out. Methods are
compared by cross-validated log loss, and a more flexible one has to earn its place.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa._suggest import did_you_mean
from textaxa.calibration._calibration import METHODS, MULTI, SINGLE, Calibration
from textaxa.calibration._rows import Rows, SeveralRows, SingleRows
from textaxa.calibration._spaces import Float, Int
from textaxa.calibration._told import closed
from textaxa.calibration._vector import RIDGES
from textaxa.decoding._proba import check_node_proba
from textaxa.errors import ConfigError, DataError
from textaxa.taxonomy import Taxonomy

AUTO = "auto"

FOLDS = 5

FEWEST = 20
"""With fewer rows nothing is cross-validated, and ``auto`` changes nothing: four rows a fold say too little."""


def fit_calibration(
    taxonomy: Taxonomy,
    true_nodes: Sequence[Sequence[int]],
    node_proba: ArrayLike,
    *,
    task: str,
    method: str = AUTO,
    seed: int = 0,
) -> Calibration:
    """Give a calibration of ``node_proba``, fitted on rows that the model was not trained on.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes and T terminals.
    true_nodes
        The true nodes of each row, B lists; ancestors need not be given. In a single-path task one terminal a row.
    node_proba
        P(the text belongs under node n), shape (B, N), coherent.
    task
        ``single`` or ``multi``.
    method
        ``none``, ``temperature``, ``temperature-per-level``, ``vector``, ``isotonic``, ``venn-abers``, or ``auto``: the
        simplest one, in this order, whose log loss in five folds of the rows is not worse than the best one's by more
        than a standard error of the difference.
    seed
        Which rows go into which fold; and which are used where there are more than memory allows (with thousands of
        categories).

    Returns
    -------
    What is called on ``node_proba``. Levels, nodes and scores of which the rows say little or nothing are changed
    little or not at all; without rows nothing is changed.

    Raises
    ------
    ConfigError
        ``task`` or ``method`` is not known.
    DataError
        ``node_proba`` has another shape, or values that are not finite; a true node is not in the taxonomy; in a
        single-path task a row has no or several paths, or one at whose node no label can end.
    MissingExtraError
        scikit-learn and SciPy, which fits need, are not installed. Applying a calibration does not need them.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Games",), ("Tools",)])
    >>> true = [[0], [0], [1]] * 20
    >>> too_sure = [[0.99, 0.01], [0.98, 0.02], [0.98, 0.02]] * 20
    >>> calibration = fit_calibration(taxonomy, true, too_sure, task="single", method="temperature")
    >>> calibration([[0.98, 0.02]]).round(1).tolist()
    [[0.699999988079071, 0.30000001192092896]]

    Source: temperature and vector scaling, Guo et al., ICML 2017; isotonic regression, Zadrozny and Elkan, KDD 2002;
    Venn-Abers, Vovk et al., NeurIPS 2015. Here they act on the decisions from parent to child, so that what comes out
    is coherent.
    """
    _check(task, method)
    proba = check_node_proba(taxonomy, node_proba)
    if len(true_nodes) != len(proba):
        raise DataError(f"There are true nodes of {len(true_nodes)} texts, but node_proba has {len(proba)} rows.")
    _check_nodes(taxonomy, true_nodes)
    terminal = _terminals(taxonomy, true_nodes) if task == SINGLE else None
    if not len(proba) or method == "none":
        return Calibration(taxonomy, task, rows=len(proba))
    rows: Rows
    if terminal is not None:
        rows = SingleRows(taxonomy, terminal, proba, seed)
    else:
        rows = SeveralRows(taxonomy, closed(taxonomy, true_nodes), proba, seed)
    return _fit(Calibration(taxonomy, task, rows=int(rows.fitted.sum())), rows, method, seed)


def _fit(nothing: Calibration, rows: Rows, method: str, seed: int) -> Calibration:
    n, wanted = len(rows.fitted), METHODS if method == AUTO else ("none", method)
    if n < FEWEST:
        if method == AUTO:
            return nothing
        losses, ridge = dict[str, Float](), RIDGES[0]
    else:
        losses, ridge = _cross_validated(rows, wanted, _folds(n, seed))
    chosen = _simplest_of_the_best(losses) if method == AUTO else method
    change = None if chosen == "none" else rows.fit(chosen, np.ones(n, dtype=np.bool_), ridge)
    scores = {name: float(found.mean()) for name, found in losses.items()}
    return replace(nothing, method=chosen, map=change, scores=scores)


def _cross_validated(rows: Rows, methods: Iterable[str], folds: Int) -> tuple[dict[str, Float], float]:
    """Give each method's log loss of every compared row when it was held out, and the best ridge of ``vector``."""
    losses: dict[str, Float] = {}
    best_ridge = RIDGES[0]
    for method in methods:
        tried = {
            ridge: _held_out(rows, method, ridge, folds) for ridge in (RIDGES if method == "vector" else RIDGES[:1])
        }
        best = min(tried, key=lambda ridge: float(tried[ridge].mean()))
        losses[method] = tried[best]
        best_ridge = best if method == "vector" else best_ridge
    return losses, best_ridge


def _held_out(rows: Rows, method: str, ridge: float, folds: Int) -> Float:
    losses = np.zeros(len(folds))
    for fold in range(FOLDS):
        held = folds == fold
        change = None if method == "none" else rows.fit(method, ~held, ridge)
        losses += rows.losses(method, change, held)
    return losses[rows.compared]


def _folds(n: int, seed: int) -> Int:
    return np.random.default_rng(seed).permutation(n) % FOLDS


def _simplest_of_the_best(losses: Mapping[str, Float]) -> str:
    """Give the simplest method that is worse than the best one by a standard error of the difference at most.

    Source: the one-standard-error rule, Hastie et al., The Elements of Statistical Learning, section 7.10, paired.
    """
    best = min(losses, key=lambda method: float(losses[method].mean()))
    worse = {method: loss - losses[best] for method, loss in losses.items()}
    return next(m for m in METHODS if m in worse and worse[m].mean() <= worse[m].std(ddof=1) / np.sqrt(len(worse[m])))


def _check(task: str, method: str) -> None:
    if task not in (SINGLE, MULTI):
        raise ConfigError(f"task = {task!r}: a task is {SINGLE!r} or {MULTI!r}.")
    known = (*METHODS, AUTO)
    if method not in known:
        raise ConfigError(
            f"Probabilities can be calibrated by {', '.join(known)}, not by {method!r}.{did_you_mean(method, known)}"
        )


def _check_nodes(taxonomy: Taxonomy, true_nodes: Sequence[Sequence[int]]) -> None:
    for row, nodes in enumerate(true_nodes):
        for node in nodes:
            if not 0 <= node < len(taxonomy):
                raise DataError(
                    f"Row {row} has the true node {node}, but the taxonomy has nodes 0 to {len(taxonomy) - 1}: "
                    "they were probably numbered by another taxonomy."
                )


def _terminals(taxonomy: Taxonomy, true_nodes: Sequence[Sequence[int]]) -> Int:
    """Give the position in ``taxonomy.terminals`` of each row's one path's end, (B,)."""
    position = np.full(len(taxonomy), -1, dtype=np.int64)
    position[taxonomy.terminals] = np.arange(len(taxonomy.terminals))
    ends = [_end(taxonomy, row, nodes) for row, nodes in enumerate(true_nodes)]
    found: NDArray[np.int64] = position[np.array(ends, dtype=np.int64)]
    if (found < 0).any():
        row = int(np.argmin(found))
        raise DataError(
            f"Row {row} has a label that ends at {taxonomy.path(ends[row])}, where the taxonomy lets no label "
            "end. Give a deeper label, or allow that node as a terminal."
        )
    return found


def _end(taxonomy: Taxonomy, row: int, nodes: Sequence[int]) -> int:
    """Give the deepest of the nodes, which must all lie on one path."""
    end = int(max(nodes)) if len(nodes) else -1  # deeper nodes have larger numbers
    if end < 0 or not set(map(int, nodes)) <= set(taxonomy.ancestors.row(end).tolist()):
        raise DataError(
            f"Row {row} has {'no path' if end < 0 else 'several paths'}: in a single-path task every row has one. Is "
            "the task multi?"
        )
    return end
