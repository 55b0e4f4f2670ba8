"""Precision, recall and F1 of every node, with intervals."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa._sparse import take
from textaxa.evaluation._checks import check_lengths
from textaxa.evaluation._sets import Labelled, NodeSets, SetBook
from textaxa.evaluation._wilson import wilson
from textaxa.taxonomy import Path, Taxonomy, format_path

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_SCORES = ("precision", "recall", "f1")


@dataclass(frozen=True)
class NodeTable:
    """Scores of every node of a taxonomy, in ``taxonomy.nodes`` order; columns of shape (N,).

    Attributes
    ----------
    node
        Node numbers, 0 to N - 1.
    path
        Their paths.
    support, predicted, right
        Texts that belong under the node, that were put under it, and both.
    precision, recall, f1
        ``right / predicted``, ``right / support`` and their harmonic mean, in [0, 1]; 0 / 0 is 0.
    intervals
        By score: lower and upper ends of its 95 % interval, two columns (N,); None where not asked for.
    """

    node: Integers
    path: tuple[Path, ...]
    support: Integers
    predicted: Integers
    right: Integers
    precision: Floats
    recall: Floats
    f1: Floats
    intervals: dict[str, tuple[Floats, Floats]] | None = None

    def __len__(self) -> int:
        return len(self.node)

    def to_rows(self) -> Iterator[dict[str, Any]]:
        """Give one flat row a node, for a CSV or a data frame; intervals are ``f1_low`` and ``f1_high``."""
        columns = self._columns() | {"path": [format_path(path) for path in self.path]}
        for values in zip(*columns.values(), strict=True):
            yield dict(zip(columns, values, strict=True))

    def to_dict(self) -> dict[str, Any]:
        """Give the columns as plain lists, for JSON; a path is a list of names."""
        return self._columns() | {"path": [list(path) for path in self.path]}

    def _columns(self) -> dict[str, list[Any]]:
        names = ("node", "path", "support", "predicted", "right", *_SCORES)
        columns = {name: list(self.path) if name == "path" else getattr(self, name).tolist() for name in names}
        for name, (low, high) in (self.intervals or {}).items():
            columns |= {f"{name}_low": low.tolist(), f"{name}_high": high.tolist()}
        return columns


def per_node(taxonomy: Taxonomy, true: Labelled, predicted: Labelled, *, intervals: bool = True) -> NodeTable:
    """Give precision, recall, F1 and support of every node.

    A text belongs under every node of its paths, as in `evaluate_paths`; so the scores of an inner node are of
    everything below it. Their mean over the nodes with support is ``nodes.macro_f1_supported`` there, that over all
    nodes ``nodes.macro_f1``. Predicted nodes that the taxonomy does not have are left out.

    Intervals are Wilson's: of precision with the predicted count as trials, of recall with the support. The F1 is
    ``2 J / (1 + J)``, where J = right / (support + predicted - right) is the share of right ones among the texts that
    the node was true or predicted for; its interval is Wilson's of J carried over, which holds since the F1 grows with
    J. They are of each node by itself: of many nodes' intervals, one in twenty misses.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    true, predicted
        The labels of every text: a path or a tuple of paths; or node numbers in any form of `hierarchical_f1`.
    intervals
        Whether to give intervals.

    Raises
    ------
    DataError
        As for `evaluate_paths`.

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    >>> true = [("Games", "Sports"), ("Games", "Cards"), ("Tools",)]
    >>> predicted = [("Games", "Sports"), ("Games", "Sports"), ("Tools",)]
    >>> found = per_node(taxonomy, true, predicted)
    >>> found.path[2], int(found.support[2]), float(found.precision[2]), float(found.recall[2])
    (('Games', 'Sports'), 1, 0.5, 1.0)
    """
    check_lengths({"true": len(true), "predicted": len(predicted)})
    book = SetBook(taxonomy)
    numbers = book.number_true(true), book.number_predicted(predicted)
    right, predicted_count, support = node_counts(book.sets(), *numbers)[:, : len(taxonomy)]
    either = support + predicted_count - right
    jaccard = _share(right, either)
    ends = None
    if intervals:
        ends = {"precision": wilson(right, predicted_count), "recall": wilson(right, support)}
        low, high = wilson(right, either)
        ends["f1"] = _f1(low), _f1(high)
    return NodeTable(
        node=np.arange(len(taxonomy)),
        path=tuple(taxonomy.nodes),
        support=support,
        predicted=predicted_count,
        right=right,
        precision=_share(right, predicted_count),
        recall=_share(right, support),
        f1=_f1(jaccard),
        intervals=ends,
    )


def node_counts(sets: NodeSets, true: Integers, predicted: Integers) -> Integers:
    """Count for every node the texts that have it in both sets, in the predicted one, in the true one; shape (3, M).

    Parameters
    ----------
    sets
        The distinct sets, over M nodes (the unknown ones too).
    true, predicted
        Number of every text's true and predicted set, shape (n,).
    """
    n_sets, width = len(sets.closure), len(sets.depth)
    pairs, times = np.unique(true * n_sets + predicted, return_counts=True)
    keys = []
    for numbers in (pairs // n_sets, pairs % n_sets):
        pair, node = take(sets.closure, numbers)
        keys.append(pair * width + node)
    shared = np.intersect1d(keys[0], keys[1], assume_unique=True)
    counts = [np.bincount(found % width, times[found // width], minlength=width) for found in (shared, *keys[::-1])]
    return np.asarray(counts).astype(np.int64)


def _share(part: Integers, whole: Integers) -> Floats:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _f1(jaccard: Floats) -> Floats:
    return 2 * jaccard / (1 + jaccard)
