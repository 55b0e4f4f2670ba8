"""Split-conformal prediction: sets of nodes that hold the truth as often as wanted, and texts that belong nowhere.

Both compare a text with held-out rows by one number, so all they need of a model is in its evidence.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa._sparse import take
from textaxa.decoding._paths import most_specific
from textaxa.decoding._proba import Probabilities, check_node_proba, terminal_proba
from textaxa.errors import ConfigError, DataError
from textaxa.guarantee._evidence import Evidence, surest_of
from textaxa.guarantee._promise import percent
from textaxa.taxonomy import Taxonomy

MANY = 1e12
"""Rows that nobody has; a number of 300 digits would tell less."""


def set_cut(evidence: Evidence, coverage: float) -> float:
    """Give the probability from which on a node belongs into the set, so that sets hold the truth often enough.

    Of texts like the held-out ones, at least ``coverage`` get a set with their whole truth in it, on average over the
    draw of the held-out rows. Only rows that chose nothing about the model are used.

    Parameters
    ----------
    evidence
        What held-out rows say.
    coverage
        Wanted share, in (0, 1).

    Raises
    ------
    ConfigError
        ``coverage`` is not in (0, 1).
    DataError
        There are too few rows.

    Source: Vovk et al., Algorithmic Learning in a Random World (2005); the score is one minus the probability of the
    truth (Sadinle et al. 2019, least ambiguous sets).
    """
    if not 0 < coverage < 1:
        raise ConfigError(f"set_coverage = {coverage} must lie between 0 and 1, such as 0.9.")
    truth = evidence.truth[~evidence.tuning]
    return _lowest(truth, 1 - coverage, f"A set that holds the truth in {percent(coverage)} of the texts")


def outside_cut(evidence: Evidence, false_alarms: float) -> float:
    """Give the surest probability up to which a text counts as belonging nowhere in the taxonomy.

    Of texts that do belong, at most ``false_alarms`` are on or below it, on average over the draw of the held-out rows.
    Rows that helped to choose the model are used, so that the others stay untouched for a promise about what is left.

    Parameters
    ----------
    evidence
        What held-out rows say.
    false_alarms
        Share of texts that belong but may be said not to, in (0, 1).

    Raises
    ------
    ConfigError
        ``false_alarms`` is not in (0, 1).
    DataError
        There are too few rows.

    Source: the maximum-probability baseline of Hendrycks & Gimpel (2017), with a conformal threshold.
    """
    if not 0 < false_alarms < 1:
        raise ConfigError(f"outside = {false_alarms} must lie between 0 and 1, such as 0.01.")
    surest = evidence.surest[evidence.tuning]
    return _lowest(
        surest, false_alarms, f"Telling texts outside the taxonomy with {percent(false_alarms)} false alarms"
    )


def _lowest(values: NDArray[np.float64], share: float, what: str) -> float:
    """Give the value below which at most ``share`` of new values lie, on average: the k-th smallest of n."""
    # A share that rounds to 1 would ask for one more than there are.
    k = min(int(np.floor(share * (len(values) + 1) + 1e-9)), len(values))
    if k < 1:
        needed = np.ceil(1 / max(share, np.finfo(np.float64).tiny) - 1e-9) - 1
        there = (
            f"{needed:,.0f} held-out rows, and there are {len(values):,}" if needed < MANY else "more rows than exist"
        )
        raise DataError(
            f"{what} needs at least {there}. Give more with `textaxa calibrate MODEL labelled.csv`, or ask for less."
        )
    return float(np.partition(values, k - 1)[k - 1])


def is_outside(taxonomy: Taxonomy, node_proba: ArrayLike, cut: float, *, task: str) -> NDArray[np.bool_]:
    """Tell which texts belong nowhere: their surest probability is below the cut; (B,).

    Raises
    ------
    DataError
        ``node_proba`` has another shape, or values that are not finite.
    """
    return np.asarray(surest_of(taxonomy, check_node_proba(taxonomy, node_proba), task) < cut)


def prediction_sets(taxonomy: Taxonomy, node_proba: ArrayLike, cut: float, *, task: str) -> list[list[int]]:
    """Give the set of every text: the nodes of which one (single-path) or all the true ones (several) are.

    Single-path: the terminals with a probability of at least the cut, the most probable one in any case. Where a set
    holds every terminal below a node, that node stands for them, so that a set reads "Games" rather than a list of all
    kinds of games. Several paths: all nodes from the cut on, without those that another one of the set lies below.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    node_proba
        P(the text belongs under node n), (B, N).
    cut
        As `set_cut` gives it.
    task
        ``single`` or ``multi``.

    Returns
    -------
    Node numbers, most probable first.

    Raises
    ------
    DataError
        ``node_proba`` has another shape, or values that are not finite.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    >>> found = prediction_sets(taxonomy, [[0.9, 0.1, 0.5, 0.4]], 0.3, task="single")
    >>> [taxonomy.path(node) for node in found[0]]
    [('Games',)]
    """
    proba = check_node_proba(taxonomy, node_proba)
    if task == "multi":
        return _several(taxonomy, proba, cut)
    exact = terminal_proba(taxonomy, proba)
    chosen = exact >= cut
    chosen[np.arange(len(exact)), exact.argmax(axis=1)] = True
    below = np.bincount(take(taxonomy.ancestors, taxonomy.terminals)[1], minlength=len(taxonomy))
    return [_merged(taxonomy, taxonomy.terminals[row], p, below) for row, p in zip(chosen, proba, strict=True)]


def _merged(
    taxonomy: Taxonomy, terminals: NDArray[np.int32], row: Probabilities, below: NDArray[np.int64]
) -> list[int]:
    """Let a node stand for its terminals where all of them are in the set; a terminal with none to stand for it stays.

    An inner node at which a label may end is a terminal, too: it may be in the set without those below it.
    """
    position, above = take(taxonomy.ancestors, terminals)
    node, count = np.unique(above, return_counts=True)
    full = node[count == below[node]]
    stood_for = np.unique(position[np.isin(above, full)])
    alone = np.delete(terminals, stood_for)
    inside = set(full.tolist())
    tops = [n for n in full.tolist() if not any(p in inside for p in taxonomy.parents.row(n).tolist())]
    return _ordered(np.array(sorted([*tops, *alone.tolist()]), dtype=np.int64), row)


def _several(taxonomy: Taxonomy, proba: Probabilities, cut: float) -> list[list[int]]:
    text, node = np.nonzero(proba >= cut)
    deepest = most_specific(taxonomy, text, node)
    begin = np.searchsorted(text[deepest], np.arange(1, len(proba)))
    return [_ordered(nodes, row) for nodes, row in zip(np.split(node[deepest], begin), proba, strict=True)]


def _ordered(nodes: NDArray[np.int64], row: Probabilities) -> list[int]:
    ordered: list[int] = nodes[np.argsort(-row[nodes], kind="stable")].tolist()
    return ordered
