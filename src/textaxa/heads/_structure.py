"""The edges of a taxonomy for the structure encoders: who is whose parent, and how likely a child is given its parent.

A taxonomy and training counts come in; index arrays and the prior transition probability of every edge go out.
"""

from dataclasses import dataclass

import numpy as np

from textaxa.taxonomy import Taxonomy


@dataclass(frozen=True)
class Edges:
    """Parent and child of every edge, int64 (E,), sorted by child. Top-level nodes have no edge: the root is no node.

    >>> edges = edges_of(Taxonomy.from_paths([("A", "x"), ("A", "y"), ("B",)]))
    >>> edges.parent.tolist(), edges.child.tolist()
    ([0, 0], [2, 3])
    """

    parent: np.ndarray
    child: np.ndarray

    def __len__(self) -> int:
        return len(self.parent)


def edges_of(taxonomy: Taxonomy) -> Edges:
    """Give the edges of a tree or DAG."""
    return Edges(taxonomy.parents.indices.astype(np.int64), taxonomy.parents.row_ids.astype(np.int64))


def node_counts(taxonomy: Taxonomy, task: str, counts: np.ndarray | None) -> np.ndarray:
    """Give the training rows at or below every node (N,), from those of the terminals (T,) in a single-path task."""
    if counts is None:
        return np.zeros(len(taxonomy))
    if task == "multi":
        return np.asarray(counts, dtype=np.float64)
    per_row = taxonomy.ancestors.counts[taxonomy.terminals]
    nodes = taxonomy.ancestors.rows(taxonomy.terminals)
    return np.bincount(nodes, weights=np.repeat(counts, per_row), minlength=len(taxonomy))


def transition_priors(taxonomy: Taxonomy, rows: np.ndarray) -> np.ndarray:
    """Give P(child | parent) of every edge (E,): the child's training rows over those of all children of that parent.

    A parent without training rows shares evenly.

    Parameters
    ----------
    taxonomy
        A tree or DAG.
    rows
        Training rows at or below every node (N,).

    Source: HiAGM (Zhou et al., ACL 2020): N_child / N_parent, then "rescale and normalise the prior
    probabilities of child nodes so that they sum to 1".

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("A", "x"), ("A", "y"), ("B", "z"), ("B", "w")])
    >>> transition_priors(taxonomy, np.array([4, 0, 3, 1, 0, 0])).tolist()
    [0.75, 0.25, 0.5, 0.5]
    """
    edges = edges_of(taxonomy)
    of_child = rows[edges.child].astype(np.float64)
    of_siblings = np.bincount(edges.parent, weights=of_child, minlength=len(taxonomy))[edges.parent]
    even = 1 / np.bincount(edges.parent, minlength=len(taxonomy))[edges.parent]
    return np.where(of_siblings > 0, of_child / np.maximum(of_siblings, 1), even)
