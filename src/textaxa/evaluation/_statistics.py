"""Sufficient statistics: what one text adds to the sums that every metric is a function of.

All metrics here are functions of sums over texts, so a bootstrap resample or a permutation is a product of a matrix of
weights with these tables. Texts with the same true and the same predicted set add the same, so they share one row.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textaxa._sparse import take
from textaxa.evaluation._node_counts import NodeCounts, count_nodes
from textaxa.evaluation._sets import NodeSets
from textaxa.taxonomy import CSR, Taxonomy

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SCALARS = ("texts", "path_correct", "severity", "coherent", "shared", "predicted", "true")
PER_LEVEL = ("reached", "level_correct", "level_shared", "level_predicted", "level_true")
PER_TEXT = ("area", "area_texts", "coherent_texts")


@dataclass(frozen=True)
class Statistics:
    """What the G distinct pairs (true set, predicted set) of n texts add to the sums.

    Attributes
    ----------
    columns
        One row a pair, shape (G, K): `SCALARS`, then each of `PER_LEVEL` once a level.
    group
        The pair of every text, shape (n,).
    answer
        Number of every text's predicted set, shape (n,).
    per_text
        `PER_TEXT`, what depends on ``node_proba`` too, shape (n, 3).
    counts
        Counts of the U nodes that are true in some text (F1 of all others is 0).
    node_level
        Level of each of these U nodes from 0 on, shape (U,).
    level_sizes
        Nodes of the taxonomy on every level, shape (L,).
    """

    columns: Floats
    group: Integers
    answer: Integers
    per_text: Floats
    counts: NodeCounts
    node_level: Integers
    level_sizes: Integers

    @property
    def n_supported(self) -> int:
        """U, the nodes that are true in some text."""
        return len(self.node_level)

    def level_counts(self) -> list[int]:
        """Give the number of texts whose true path reaches each level, L of them."""
        first = len(SCALARS) + PER_LEVEL.index("reached") * len(self.level_sizes)
        sums = self.totals()[0][0, first : first + len(self.level_sizes)]
        return [int(count) for count in sums]

    def totals(self) -> tuple[Floats, Floats]:
        """Give the sums over all texts: columns with per-text columns behind, (1, K + 3), and nodes, (1, 3, U)."""
        weights = np.bincount(self.group, minlength=len(self.columns)).astype(np.float64)
        scalars = np.concatenate([weights @ self.columns, self.per_text.sum(axis=0)])
        return scalars[None], self.node_sums(weights[None])

    def node_sums(self, weights: Floats) -> Floats:
        """Give the counts of the nodes under each row of ``weights`` (R, G), shape (R, 3, U)."""
        return self.counts.sums(weights)


def collect(
    taxonomy: Taxonomy,
    sets: NodeSets,
    true: Integers,
    predicted: Integers,
    *,
    area: Floats | None,
    coherent: NDArray[np.bool_],
) -> Statistics:
    """Give the statistics of n texts.

    Parameters
    ----------
    taxonomy, sets
        The taxonomy, and the distinct sets of nodes.
    true, predicted
        Number of every text's true and predicted set, shape (n,).
    area
        `f1_auc` of every text, shape (n,), or None.
    coherent
        Whether every text's ``node_proba`` is coherent, shape (n,).
    """
    n_sets = len(sets.closure)
    pairs, group = np.unique(true * n_sets + predicted, return_inverse=True)
    true_of, predicted_of = _Side(sets, pairs // n_sets), _Side(sets, pairs % n_sets)
    shared = np.intersect1d(true_of.keys, predicted_of.keys, assume_unique=True)
    n_levels = taxonomy.n_levels
    counts = {
        "shared": _per_level(shared, sets, len(pairs), n_levels),
        "predicted": _per_level(predicted_of.keys, sets, len(pairs), n_levels),
        "true": _per_level(true_of.keys, sets, len(pairs), n_levels),
    }
    same = (counts["shared"] == counts["true"]) & (counts["shared"] == counts["predicted"])
    reached = counts["true"] > 0
    n_shared = counts["shared"].sum(axis=1)
    scalars = {
        "texts": np.ones(len(pairs)),
        "path_correct": (n_shared == true_of.sizes) & (n_shared == predicted_of.sizes),
        "severity": severity(taxonomy, sets, pairs // n_sets, pairs % n_sets),
        "coherent": ~predicted_of.has_unknown,
        "shared": n_shared,
        "predicted": predicted_of.sizes,
        "true": true_of.sizes,
    }
    per_level = {
        "reached": reached,
        "level_correct": same & reached,
        "level_shared": counts["shared"],
        "level_predicted": counts["predicted"],
        "level_true": counts["true"],
    }
    columns = np.column_stack([*(scalars[name] for name in SCALARS), *(per_level[name] for name in PER_LEVEL)])
    per_text = np.zeros((len(group), len(PER_TEXT)))
    if area is not None:
        per_text[:, 0] = np.nan_to_num(area)
        per_text[:, 1] = ~np.isnan(area)
    per_text[:, 2] = coherent & ~predicted_of.has_unknown[group]
    supported = np.unique(true_of.nodes)
    return Statistics(
        columns=columns.astype(np.float64),
        group=group,
        answer=predicted,
        per_text=per_text,
        counts=count_nodes(taxonomy, sets, (true_of.set, predicted_of.set), shared=shared, counted=supported),
        node_level=sets.depth[supported].astype(np.int64) - 1,
        level_sizes=np.bincount(taxonomy.depth - 1, minlength=n_levels),
    )


class _Side:
    """The true or the predicted sets of the pairs, as ascending keys ``pair * width + node``."""

    def __init__(self, sets: NodeSets, numbers: Integers) -> None:
        self.set = numbers
        pair, self.nodes = take(sets.closure, numbers)
        self.keys: Integers = pair * len(sets.depth) + self.nodes
        self.sizes: Integers = np.bincount(pair, minlength=len(numbers))
        unknown = pair[self.nodes >= sets.n_nodes]
        self.has_unknown: NDArray[np.bool_] = np.bincount(unknown, minlength=len(numbers)) > 0


def _per_level(keys: Integers, sets: NodeSets, n_pairs: int, n_levels: int) -> Integers:
    """Count nodes by pair and level, shape (G, L); nodes deeper than the taxonomy are in no level."""
    width = len(sets.depth)
    level = sets.depth[keys % width].astype(np.int64) - 1
    cell = (keys // width * n_levels + level)[level < n_levels]
    return np.bincount(cell, minlength=n_pairs * n_levels).reshape(n_pairs, n_levels)


def severity(taxonomy: Taxonomy, sets: NodeSets, true: Integers, predicted: Integers) -> Floats:
    """Give the mistake severity of every pair of sets, shape (G,); see `evaluate_paths` for its definition."""
    true_table, predicted_table = _with_root(sets.specific), _with_root(sets.specific)
    n_true = true_table.counts[true]
    n_predicted = predicted_table.counts[predicted]
    pair, true_node = take(true_table, true)
    # Every true node meets every predicted node of its pair; the meetings of one true node lie side by side.
    meeting, predicted_node = take(predicted_table, predicted[pair])
    true_node = true_node[meeting]
    distance = _height(taxonomy, sets, true_node, predicted_node)
    nearest = np.minimum.reduceat(distance, _starts(n_predicted[pair]))
    sums = np.add.reduceat(nearest, _starts(n_true), dtype=np.float64)
    return np.asarray(sums / n_true)


def _with_root(table: CSR) -> CSR:
    """Give the table with -1, the root, in every empty row: a text without a path is at the root."""
    empty = table.counts == 0
    return CSR(
        np.concatenate([[0], np.cumsum(table.counts + empty)]), np.insert(table.indices, table.indptr[:-1][empty], -1)
    )


def _height(taxonomy: Taxonomy, sets: NodeSets, a: NDArray[np.int32], b: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give how far the deeper of two nodes lies below their deepest common ancestor, in levels."""
    depth = np.append(sets.depth, np.int32(0))  # at -1: the root
    anchor = np.append(sets.anchor, np.int32(-1))
    common = np.full(len(a), -1, dtype=np.int32)
    apart = np.flatnonzero((anchor[a] >= 0) & (anchor[b] >= 0))
    common[apart] = taxonomy.lca(anchor[a[apart]], anchor[b[apart]])
    equal = a == b
    common[equal] = a[equal]
    return np.asarray(np.maximum(depth[a], depth[b]) - depth[common])


def _starts(counts: Integers) -> Integers:
    return np.concatenate([[0], np.cumsum(counts)[:-1]])
