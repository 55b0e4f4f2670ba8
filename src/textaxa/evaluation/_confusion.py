"""Which nodes are taken for which: where true and predicted paths part, and the whole paths across branches."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from textaxa._sparse import take
from textaxa.evaluation._checks import check_lengths
from textaxa.evaluation._per_node import node_counts
from textaxa.evaluation._sets import Labelled, NodeSets, SetBook
from textaxa.taxonomy import CSR, Path, Taxonomy

Integers = NDArray[np.int64]
Kind = Literal["siblings", "across branches"]

_EXAMPLES = 5
"""Texts that are named for each pair."""


@dataclass(frozen=True)
class Confusion:
    """A node that was true where another was predicted.

    Attributes
    ----------
    true, predicted
        Numbers of the two nodes.
    true_path, predicted_path
        Their paths.
    kind
        ``siblings``: both lie right below the deepest common ancestor of the true and the predicted end (at the top
        level, below the root). ``across branches``: the two ends themselves, where they are no siblings.
    common_depth
        Depth of that common ancestor; 0 is the root.
    count
        Texts in which it is so.
    share
        ``count`` over the texts that belong under ``true``.
    texts
        Positions of the first of these texts, ascending; at most five.
    """

    true: int
    predicted: int
    true_path: Path
    predicted_path: Path
    kind: Kind
    common_depth: int
    count: int
    share: float
    texts: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values, for JSON."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in self.__dict__.items()}


@dataclass(frozen=True)
class _Errors:
    """Pairs of a true and a predicted end that are not the same; E of them, ascending by text."""

    text: Integers
    true: Integers
    predicted: Integers
    common: Integers


def confusions(
    taxonomy: Taxonomy, true: Labelled, predicted: Labelled, *, limit: int | None = None
) -> tuple[Confusion, ...]:
    """Give the pairs of nodes that are confused, the most frequent first.

    A true end is a true node with no other true one below it that was not predicted; a wrong end is a predicted node
    with no other predicted one below it that is not true. Every true end meets the wrong end nearest to it (with the
    deepest common ancestor; of equals the one with the smaller number); with one path a text there is one of each. An
    answer that stops above the true end or goes on below it confuses nothing, and is not counted here.

    Each such meeting is counted in two ways. **siblings**: the two nodes at which the paths part, right below the
    deepest common ancestor. **across branches**: the two ends, where they part above their last level. On a DAG, of
    several nodes below the common ancestor on the way to an end, that with the smallest number.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    true, predicted
        The labels of every text: a path or a tuple of paths; or node numbers in any form of `hierarchical_f1`.
        Predicted nodes that the taxonomy does not have are left out.
    limit
        Pairs wanted of each kind; None gives all.

    Returns
    -------
    Sorted by falling ``count``, then falling ``share``, then node numbers; siblings before ends.

    Raises
    ------
    DataError
        As for `evaluate_paths`.

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    >>> true = [("Games", "Sports"), ("Games", "Cards"), ("Tools",)]
    >>> [one] = confusions(taxonomy, true, [("Games", "Sports"), ("Games", "Sports"), ("Tools",)])
    >>> one.true_path, one.predicted_path, one.kind, one.common_depth, one.count, one.texts
    (('Games', 'Cards'), ('Games', 'Sports'), 'siblings', 1, 1, (1,))
    """
    check_lengths({"true": len(true), "predicted": len(predicted)})
    book = SetBook(taxonomy)
    true_number, predicted_number = book.number_true(true), book.number_predicted(predicted)
    sets = book.sets()
    errors = _errors(taxonomy, sets, true_number, predicted_number)
    support = node_counts(sets, true_number, predicted_number)[2]
    a = _below(taxonomy, errors.true, errors.common)
    b = _below(taxonomy, errors.predicted, errors.common)
    apart = (a != errors.true) | (b != errors.predicted)
    ends = _Errors(*(column[apart] for column in (errors.text, errors.true, errors.predicted, errors.common)))
    siblings = _Errors(errors.text, a, b, errors.common)
    found = [
        *_pairs(taxonomy, siblings, support, "siblings", limit),
        *_pairs(taxonomy, ends, support, "across branches", limit),
    ]
    return tuple(sorted(found, key=lambda one: (-one.count, -one.share, one.kind != "siblings")))


def _errors(taxonomy: Taxonomy, sets: NodeSets, true: Integers, predicted: Integers) -> _Errors:
    """Give every missed true end with the wrong end nearest to it."""
    n_sets = len(sets.closure)
    pairs, group = np.unique(true * n_sets + predicted, return_inverse=True)
    true_sets, predicted_sets = pairs // n_sets, pairs % n_sets
    missed = _ends_outside(sets, true_sets, predicted_sets)
    wrong = _ends_outside(sets, predicted_sets, true_sets)
    pair, true_end = missed.row_ids.astype(np.int64), missed.indices
    meeting, wrong_end = take(wrong, pair)
    common = taxonomy.lca(true_end[meeting], wrong_end)
    depth = np.append(taxonomy.depth, np.int32(0))  # at -1: the root
    # The first of every run of one meeting: the deepest common ancestor, then the smaller wrong end.
    order = np.lexsort((wrong_end, -depth[common], meeting))
    first = order[np.flatnonzero(np.diff(meeting[order], prepend=-1))]
    rows = CSR(
        np.concatenate([[0], np.cumsum(np.bincount(pair[meeting[first]], minlength=len(pairs)))]),
        first.astype(np.int32),
    )
    text, place = take(rows, group)
    return _Errors(
        text,
        true_end[meeting[place]].astype(np.int64),
        wrong_end[place].astype(np.int64),
        common[place].astype(np.int64),
    )


def _ends_outside(sets: NodeSets, own: Integers, other: Integers) -> CSR:
    """Give for every pair of sets the ends of its own that are known nodes and not in the other; one row a pair."""
    width = len(sets.depth)
    pair, end = take(sets.specific, own)
    other_pair, node = take(sets.closure, other)
    outside = ~np.isin(pair * width + end, other_pair * width + node) & (end < sets.n_nodes)
    counts = np.bincount(pair[outside], minlength=len(own))
    return CSR(np.concatenate([[0], np.cumsum(counts)]), end[outside])


def _below(taxonomy: Taxonomy, end: Integers, common: Integers) -> Integers:
    """Give the node right below the common ancestor on the way to the end; of several, the smallest number."""
    place, ancestor = take(taxonomy.ancestors, end)
    is_below = taxonomy.parents.counts[ancestor] == 0
    parent_place, parent = take(taxonomy.parents, ancestor)
    wanted = common[place]
    is_below = np.where(wanted < 0, is_below, False)
    is_below[parent_place[parent == wanted[parent_place]]] = True
    found = np.flatnonzero(is_below)  # ancestors ascend, so the first of every end is the smallest
    return ancestor[found[np.flatnonzero(np.diff(place[found], prepend=-1))]].astype(np.int64)


def _pairs(taxonomy: Taxonomy, errors: _Errors, support: Integers, kind: Kind, limit: int | None) -> list[Confusion]:
    """Count the texts of equal pairs, give the most frequent."""
    n_nodes = len(taxonomy)
    key = errors.true * n_nodes + errors.predicted
    # By pair, then by text; with several paths a text may meet a pair twice.
    order = np.lexsort((errors.text, key))
    key, text = key[order], errors.text[order]
    once = (np.diff(key, prepend=-1) != 0) | (np.diff(text, prepend=-1) != 0)
    order, text = order[once], text[once]
    pairs, start, count = np.unique(key[once], return_index=True, return_counts=True)
    a, b = pairs // n_nodes, pairs % n_nodes
    share = count / support[a]
    depth = np.append(taxonomy.depth, np.int32(0))[errors.common[order[start]]]
    chosen = np.lexsort((pairs, -share, -count))[:limit]
    return [
        Confusion(
            true=int(a[i]),
            predicted=int(b[i]),
            true_path=taxonomy.path(int(a[i])),
            predicted_path=taxonomy.path(int(b[i])),
            kind=kind,
            common_depth=int(depth[i]),
            count=int(count[i]),
            share=float(share[i]),
            texts=tuple(text[start[i] : start[i] + min(_EXAMPLES, count[i])].tolist()),
        )
        for i in chosen.tolist()
    ]
