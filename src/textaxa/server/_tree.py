"""A part of a taxonomy as a list of lines: what lies below a node, so many levels deep, at most so many.

Works on arrays: a million nodes cost no more than the lines that are shown.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textaxa._sparse import take
from textaxa.taxonomy import Taxonomy

Int64 = NDArray[np.int64]

NO_NODE = -1
"""The parent of a node at the top level, and what lies above it."""


@dataclass(frozen=True)
class Lines:
    """Nodes below parents, level by level; in a DAG a node stands below each of its parents.

    Attributes
    ----------
    node, parent
        Ids, shape (L,); `NO_NODE` where there is no parent.
    total
        How many lines there would be without the limit.
    """

    node: Int64
    parent: Int64
    total: int


def lines_below(taxonomy: Taxonomy, under: int, *, depth: int, limit: int) -> Lines:
    """Give the lines below a node.

    Parameters
    ----------
    taxonomy
        The taxonomy.
    under
        The node; `NO_NODE`: the root.
    depth
        Levels below it.
    limit
        Lines at most.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    >>> found = lines_below(taxonomy, -1, depth=2, limit=3)
    >>> found.node.tolist(), found.parent.tolist(), found.total
    ([0, 1, 2], [-1, -1, 0], 4)
    """
    top = under == NO_NODE
    nodes = np.asarray(taxonomy.level(1) if top else taxonomy.children.row(under), dtype=np.int64)
    parents = np.full(len(nodes), under, dtype=np.int64)
    met = np.zeros(len(taxonomy), dtype=bool)
    found, total = [(nodes, parents)], len(nodes)
    for _ in range(depth - 1):
        # A node's children are shown once, however many ways lead to it: so there are no more lines than edges.
        marked = np.zeros(len(taxonomy), dtype=bool)
        marked[nodes] = True
        fresh = np.flatnonzero(marked & ~met)
        if not len(fresh):
            break
        met[fresh] = True
        place, below = take(taxonomy.children, fresh)
        nodes, parents = below.astype(np.int64), fresh[place]
        total += len(nodes)
        found.append((nodes, parents))
    shown, above = (np.concatenate(column)[:limit] for column in zip(*found, strict=True))
    return Lines(shown, above, total)
