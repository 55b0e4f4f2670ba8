"""What the output rows of a head stand for: keys that say the same before and after a taxonomy changed.

=======================  ==========================================================================================
``("node", n)``          node n: heads that ask yes or no a node
``("end", t)``           the path ends exactly at terminal t: one softmax over terminals
``("at", level, n)``     node n among the classes of its level
``("ended", level, t)``  "the path has ended at t", a class of a level below t
``("way", p, n)``        from parent p (-1: the root) to child n
``("stop", n)``          "ends here" at an inner node n
``("edge", p, n)``       the edge from parent p to child n, in a structure encoder
=======================  ==========================================================================================
"""

from typing import Any

import numpy as np

from textaxa.taxonomy import Taxonomy

Key = tuple[Any, ...]


def node_of(key: Key) -> int:
    """Give the node that a key is about."""
    return int(key[-1])


def node_keys(taxonomy: Taxonomy) -> list[Key]:
    """Give a key a node."""
    return [("node", node) for node in range(len(taxonomy))]


def end_keys(taxonomy: Taxonomy) -> list[Key]:
    """Give a key a terminal."""
    return [("end", int(node)) for node in taxonomy.terminals]


def level_keys(taxonomy: Taxonomy, level: int, nodes: np.ndarray) -> list[Key]:
    """Give the keys of the classes of a level (1 = top), which stand for these nodes."""
    return [("at" if taxonomy.depth[node] == level else "ended", level, int(node)) for node in nodes]


def way_keys(children: np.ndarray, parents: np.ndarray, stops: np.ndarray) -> list[Key]:
    """Give the keys of choices: to children (K,) from parents (K,), -1 for the root; ``stops``: which mean "ends here".

    Of a stop, child and parent are the node itself.
    """
    rows = zip(children.tolist(), parents.tolist(), stops.tolist(), strict=True)
    return [("stop", child) if stop else ("way", parent, child) for child, parent, stop in rows]


def edge_keys(parents: np.ndarray, children: np.ndarray) -> list[Key]:
    """Give a key an edge."""
    return [("edge", parent, child) for parent, child in zip(parents.tolist(), children.tolist(), strict=True)]
