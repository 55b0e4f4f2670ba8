"""What a wide head chooses between: the options of every sibling group, numbered so that a group's lie side by side.

A taxonomy comes in; a few arrays with one entry an option go out. In a DAG every node is an option of its canonical
parent only, so that the options form a tree.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from textaxa.errors import DataError
from textaxa.taxonomy import Taxonomy

Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]
ROOT = 0
"""The group of the top level."""


@dataclass(frozen=True, eq=False)
class Options:
    """The options of G sibling groups, C in all. Group 0 is the top level; groups and options follow node order.

    Attributes
    ----------
    start
        ``int64 (G + 1,)``; the options of group ``g`` are ``start[g]`` to ``start[g + 1] - 1``: the children of a node,
        and last "ends here", where a label may end at the node.
    node
        ``int32 (C,)``; the child, and for "ends here" the node itself.
    below
        ``int32 (C,)``; the group that is chosen from next, -1 where the path ends.
    option
        ``int32 (N,)``; the option by which a node is reached, -1 for a node below which no label can end.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Games", "Cards"), ("Tools",), ("Tools", "Clocks")])
    >>> options = Options.of(taxonomy)
    >>> options.start.tolist(), options.node.tolist(), options.below.tolist()
    ([0, 2, 3, 5], [0, 1, 2, 3, 1], [1, 2, -1, -1, -1])
    """

    start: Int64
    node: Int32
    below: Int32
    option: Int32

    @classmethod
    def of(cls, taxonomy: Taxonomy) -> "Options":
        """Give the options of a taxonomy."""
        live = _live(taxonomy)
        n, parent = len(taxonomy), np.asarray(taxonomy.parent)
        n_children = np.bincount(parent[live] + 1, minlength=n + 1)
        inner = n_children > 0  # entry 0 is the root
        group = np.where(inner, np.cumsum(inner) - 1, -1).astype(np.int32)
        stops = np.append(False, taxonomy.is_terminal)[inner]
        start = np.zeros(len(stops) + 1, dtype=np.int64)
        np.cumsum(n_children[inner] + stops, out=start[1:])
        nodes = np.flatnonzero(live).astype(np.int32)
        # Nodes are in the order of their parents; each "ends here" of a group before them moves them one place on.
        place = np.arange(len(nodes)) + (np.cumsum(stops) - stops)[group[parent[nodes] + 1]]
        ends = start[1:][stops] - 1
        node, below = np.empty(start[-1], dtype=np.int32), np.full(start[-1], -1, dtype=np.int32)
        node[place], below[place] = nodes, group[nodes + 1]
        node[ends] = np.flatnonzero(inner)[stops] - 1
        option = np.full(n, -1, dtype=np.int32)
        option[nodes] = place
        return cls(start, node, below, option)

    def __len__(self) -> int:
        return len(self.node)

    @property
    def n_groups(self) -> int:
        """The number of sibling groups, G."""
        return len(self.start) - 1

    @cached_property
    def largest_group(self) -> int:
        """The number of options of the largest group."""
        return int(np.diff(self.start).max())

    @cached_property
    def n_ends(self) -> int:
        """The number of options at which a path ends: one for each terminal that can be reached."""
        return int(np.count_nonzero(self.below < 0))

    @cached_property
    def has_ends(self) -> NDArray[np.bool_]:
        """Whether a path can end in a group, ``bool (G,)``."""
        return np.minimum.reduceat(self.below, self.start[:-1]) < 0

    @cached_property
    def group(self) -> Int32:
        """The group of every option, ``int32 (C,)``."""
        return np.repeat(np.arange(self.n_groups, dtype=np.int32), np.diff(self.start))

    def paths(self, taxonomy: Taxonomy, terminals: NDArray[np.integer]) -> Int32:
        """Give the options chosen on the way to terminals, from the top down, -1 after the last.

        Parameters
        ----------
        taxonomy
            The taxonomy of these options.
        terminals
            Node ids at which labels end, (B,).

        Returns
        -------
        ``int32 (B, levels + 1)``.

        Raises
        ------
        DataError
            A node at which no label ends.
        """
        nodes = np.asarray(terminals)
        _check_terminals(taxonomy, nodes)
        table = np.full((len(nodes), taxonomy.n_levels + 1), -1, dtype=np.int32)
        depth, at = np.asarray(taxonomy.depth)[nodes], nodes.astype(np.int64)
        own = self.below[self.option[at]]
        stops = np.flatnonzero(own >= 0)
        table[stops, depth[stops]] = self.start[own[stops] + 1] - 1
        for level in range(taxonomy.n_levels, 0, -1):
            rows = np.flatnonzero(depth >= level)
            table[rows, level - 1] = self.option[at[rows]]
            at[rows] = taxonomy.parent[at[rows]]
        return table


def _live(taxonomy: Taxonomy) -> NDArray[np.bool_]:
    """Mark the nodes at or below which a label can end, on canonical ways; in a tree all."""
    live = np.array(taxonomy.is_terminal)
    for level in range(taxonomy.n_levels, 1, -1):
        span = taxonomy.level_slice(level)
        live[taxonomy.parent[span][live[span]]] = True
    return live


def _check_terminals(taxonomy: Taxonomy, nodes: NDArray[np.integer]) -> None:
    if nodes.ndim != 1 or (nodes.size and not np.issubdtype(nodes.dtype, np.integer)):
        raise DataError(f"Labels are node ids, one a text; these are {nodes.dtype} of shape {nodes.shape}.")
    if not nodes.size:
        return
    if nodes.min() < 0 or nodes.max() >= len(taxonomy):
        raise DataError(
            f"Labels go from node {nodes.min()} to {nodes.max()}; the taxonomy has nodes 0 to {len(taxonomy) - 1}. "
            "Were they made with another taxonomy?"
        )
    wrong = np.flatnonzero(~taxonomy.is_terminal[nodes])
    if len(wrong):
        path = " > ".join(taxonomy.path(int(nodes[wrong[0]])))
        raise DataError(
            f"{len(wrong):,} labels end at nodes where no label may end, the first is {path!r}. "
            "Allow it with Taxonomy.with_terminals, or give the terminal's id."
        )
