"""The path that is climbed: from the most probable terminal of a text up to the top level."""

import numpy as np
from numpy.typing import NDArray

from textaxa.decoding._proba import Probabilities, terminal_proba
from textaxa.taxonomy import Taxonomy


def best_chains(taxonomy: Taxonomy, proba: Probabilities) -> NDArray[np.int32]:
    """Give the nodes of the most probable path of every text, from the top level down; (B, levels), -1 below its end.

    On a DAG a node's primary parent is followed, as everywhere where a path is written.

    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Tools",)])
    >>> best_chains(taxonomy, np.array([[0.75, 0.25, 0.75], [0.25, 0.75, 0.25]])).tolist()
    [[0, 2], [1, -1]]
    """
    best = taxonomy.terminals[terminal_proba(taxonomy, proba).argmax(axis=1)]
    chains = np.full((len(best), taxonomy.n_levels), -1, dtype=np.int32)
    rows, node = np.arange(len(best)), best
    while len(rows):
        chains[rows, taxonomy.depth[node] - 1] = node
        above = taxonomy.parent[node]
        rows, node = rows[above >= 0], above[above >= 0]
    return chains
