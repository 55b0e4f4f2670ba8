"""The answer with the best expected hierarchical F: one path, or the several that are best together.

An answer stands for its nodes, as in the evaluation; what comes in is ``node_proba`` of a single-path task.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa.decoding._closure import Floats, above, below, ends_exactly, exact_blocks, first_largest, set_sizes
from textaxa.decoding._paths import most_specific
from textaxa.decoding._prediction import LOWEST_COST, Prediction, PredictionMaker
from textaxa.decoding._proba import Probabilities
from textaxa.errors import ConfigError
from textaxa.taxonomy import Taxonomy

_ROOM = 1e-9
"""Nodes may be so much less probable than they need to be: the difference is rounding."""

_BETTER = 1e-12
"""A larger set has to be better by more than rounding: of equals the smaller one is the answer."""


Nodes = NDArray[np.int64]


def hf_beta_paths(
    taxonomy: Taxonomy, node_proba: ArrayLike, beta: float = 1.0, *, paths: Literal["one", "several"] = "one"
) -> list[list[Prediction]]:
    """Give every text the answer with the largest expected hierarchical F, exactly.

    With A(n) for a node and all its ancestors, and p(t) for the probability that the label is exactly terminal t, a set
    of nodes H is expected to score ::

        sum over t of p(t) · (1 + β²) |H ∩ A(t)| / (|H| + β² |A(t)|)

    The best of **all** sets of nodes can be chosen closed (with a node its ancestors): for a fixed size the best set
    takes the nodes with the largest gains, and a node never gains more than its ancestors. But it is often no single
    path: of two equally probable top-level nodes the best answer in F1 is both. So there are two decoders:

    ``paths="one"``
        The best single path: H = A(c) for any node c, inner ones too, also those at which no label ends.
    ``paths="several"``
        The best of all sets, given by its deepest nodes.

    Of equals the first in node order is taken (so never a deeper one), and the smaller set.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    node_proba
        P(the text belongs under node n), shape (B, N), of a single-path task.
    beta
        How many times as much recall (to go deep enough) counts as precision (to name no wrong node), 0 or more.
    paths
        ``one`` or ``several``.

    Returns
    -------
    One list a text: of one prediction, or of several, most probable first. ``stopped`` is ``expected cost is lowest
    here`` at an inner node at which no label ends.

    Raises
    ------
    ConfigError
        ``beta`` is no number from 0 on; ``paths`` is not known.
    DataError
        ``node_proba`` has another shape, or values that are not finite.

    Examples
    --------
    Four kinds of game are equally probable. To answer ``Games`` is expected to score more than to guess the kind; where
    recall counts for more, guessing is better, and naming all of them best.

    >>> from textaxa.taxonomy import Taxonomy
    >>> kinds = ("Sports", "Cards", "Chess", "Words")
    >>> taxonomy = Taxonomy.from_paths([("Tools",), *(("Games", kind) for kind in kinds)])
    >>> proba = [[0.04, 0.96, 0.24, 0.24, 0.24, 0.24]]
    >>> [[one]] = hf_beta_paths(taxonomy, proba)
    >>> one.path, one.stopped
    (('Games',), 'expected cost is lowest here')
    >>> [[deep]] = hf_beta_paths(taxonomy, proba, beta=2)
    >>> deep.path
    ('Games', 'Sports')
    >>> [several] = hf_beta_paths(taxonomy, proba, beta=2, paths="several")
    >>> [p.path[-1] for p in several]
    ['Sports', 'Cards', 'Chess', 'Words']

    Source: Plaud et al., To Each Metric Its Decoding, ICML 2025. There the sets are found from candidates over a
    threshold of probability and up to a given size; here the size is bounded by what larger sets can still score.
    """
    square = _squared(beta)
    if paths not in ("one", "several"):
        raise ConfigError(f"paths = {paths!r} is not known: the answer is 'one' path or 'several'.")
    maker, found = PredictionMaker(taxonomy), []
    for proba, exact in exact_blocks(taxonomy, node_proba):
        if paths == "one":
            nodes = first_largest(expected_f(taxonomy, exact, square))
            found += make_single(taxonomy, maker, proba, exact, nodes)
        else:
            found += _several(taxonomy, maker, proba, exact, _best_sets(taxonomy, exact, square))
    return found


def _squared(beta: float) -> float:
    if not isinstance(beta, int | float) or not 0 <= beta <= 1e6:
        raise ConfigError(
            f"beta = {beta!r} cannot be used: it says how many times as much recall counts as precision, for example "
            "0.5, 1 or 2."
        )
    return float(beta) ** 2


def expected_f(taxonomy: Taxonomy, exact: Floats, square: float) -> Floats:
    """Give the expected F of answering each node, as a path, (R, N); ``square`` is β².

    Terminals whose sets are equally large share their denominator, so there is one pair of sums a size.
    """
    sizes = set_sizes(taxonomy)
    expected = np.zeros((len(exact), len(taxonomy)))
    for size in _terminal_sizes(taxonomy):
        shared = above(taxonomy, below(taxonomy, exact, size))
        expected += shared * ((1 + square) / (square * size + sizes))
    return expected


def _terminal_sizes(taxonomy: Taxonomy) -> list[int]:
    found: list[int] = np.unique(set_sizes(taxonomy)[taxonomy.terminals]).tolist()
    return found


def make_single(
    taxonomy: Taxonomy, maker: PredictionMaker, proba: Probabilities, exact: Floats, nodes: NDArray[np.integer]
) -> list[list[Prediction]]:
    """Give the predictions of one node a text; (R,)."""
    ends = ends_exactly(taxonomy, exact, np.arange(len(nodes)), nodes)
    rows = zip(nodes.tolist(), proba, ends.tolist(), strict=True)
    return [[maker.make(node, row, end, inner=LOWEST_COST)] for node, row, end in rows]


@dataclass(frozen=True)
class _Candidates:
    """The nodes that may be in the best set of each of R texts, C at the most, in node order.

    Attributes
    ----------
    nodes
        Node numbers, (R, C); -1 where a text has fewer.
    parts
        P(the label ends at or below the node, at a terminal with a set of one size), for each of S sizes; (S, R, C).
    sizes
        These sizes, (S,).
    square
        β².
    """

    nodes: Nodes
    parts: Floats
    sizes: Nodes
    square: float

    def gains(self, rows: Nodes, k: int) -> Floats:
        """Give what every node adds to the score of a set of k nodes, up to the factor 1 + β²; -1 for no node.

        Sums run over the sizes in one order, so that a node never gains more than its ancestors, rounding included.
        """
        found = np.zeros((len(rows), self.nodes.shape[1]))
        for part, size in zip(self.parts, self.sizes.tolist(), strict=True):
            found += part[rows] / (k + self.square * size)
        return np.where(self.nodes[rows] >= 0, found, -1.0)


def _candidates(taxonomy: Taxonomy, exact: Floats, square: float) -> _Candidates:
    """Give the nodes that are probable enough.

    Without a node of gain g, the best set of k nodes, worth v, would be worth at least (v - g) times r, where r is
    (k + β² a) / (k - 1 + β² a) and a the largest size; as it is not worth more than v, g is at least v / (k + β² a).
    And g is at most p / (k + β²). So p is at least v (1 + β²) / (1 + β² a), and v at least the best single node's.
    """
    sizes = np.array(_terminal_sizes(taxonomy))
    parts = np.stack([below(taxonomy, exact, size) for size in sizes.tolist()])
    alone = sum(part / (1 + square * size) for part, size in zip(parts, sizes.tolist(), strict=True))
    least = np.max(alone, axis=1) * (1 + square) / (1 + square * sizes[-1]) * (1 - _ROOM)
    proba = parts.sum(axis=0)
    possible = (proba > 0) & (proba >= least[:, None])
    possible[:, 0] = True  # a text without any probability gets the first node
    text, node = np.nonzero(possible)
    counts = possible.sum(axis=1)
    column = np.arange(len(text)) - np.repeat(np.cumsum(counts) - counts, counts)
    nodes = np.full((len(exact), counts.max()), -1)
    nodes[text, column] = node
    taken = np.zeros((len(sizes), *nodes.shape))
    taken[:, text, column] = parts[:, text, node]
    return _Candidates(nodes, taken, sizes, square)


def _best_sets(taxonomy: Taxonomy, exact: Floats, square: float) -> tuple[Nodes, Nodes]:
    """Give the nodes of the best set of every text, as pairs of text and node.

    The best set of k nodes has those with the k largest gains, and gains depend on k; so every k is tried, up to where
    even a set that holds all of every true path would not score more.
    """
    known = _candidates(taxonomy, exact, square)
    size_of = set_sizes(taxonomy)[taxonomy.terminals]
    mass = np.column_stack([exact[:, size_of == size].sum(axis=1) for size in known.sizes])
    best, best_size = np.full(len(exact), -1.0), np.ones(len(exact), dtype=np.int64)
    rows, width = np.arange(len(exact)), known.nodes.shape[1]
    for k in range(1, width + 1):
        bound = (mass[rows] * (known.sizes / (k + square * known.sizes))).sum(axis=1)
        rows = rows[bound > best[rows]]
        if not len(rows):
            break
        value = np.sort(np.partition(known.gains(rows, k), width - k, axis=1)[:, -k:], axis=1).sum(axis=1)
        better = value > best[rows] * (1 + _BETTER)
        best[rows[better]], best_size[rows[better]] = value[better], k
    return _largest_gains(known, best_size)


def _largest_gains(known: _Candidates, best_size: Nodes) -> tuple[Nodes, Nodes]:
    """Give the nodes with the largest gains, as many as each text's set has; of equals the first, so ancestors."""
    texts, nodes = [], []
    for k in np.unique(best_size).tolist():
        rows = np.flatnonzero(best_size == k)
        columns = np.argsort(-known.gains(rows, k), axis=1, kind="stable")[:, :k]
        texts.append(np.repeat(rows, k))
        nodes.append(np.take_along_axis(known.nodes[rows], columns, axis=1).ravel())
    return np.concatenate(texts), np.concatenate(nodes)


def _several(
    taxonomy: Taxonomy, maker: PredictionMaker, proba: Probabilities, exact: Floats, chosen: tuple[Nodes, Nodes]
) -> list[list[Prediction]]:
    """Give the predictions of the deepest nodes of every text's set."""
    text, node = chosen
    deepest = most_specific(taxonomy, text, node)
    text, node = text[deepest], node[deepest]
    order = np.lexsort((node, -proba[text, node], text))
    text, node = text[order], node[order]
    ends = ends_exactly(taxonomy, exact, text, node)
    found: list[list[Prediction]] = [[] for _ in range(len(proba))]
    for i, n, end in zip(text.tolist(), node.tolist(), ends.tolist(), strict=True):
        found[i].append(maker.make(n, proba[i], end, inner=LOWEST_COST))
    return found
