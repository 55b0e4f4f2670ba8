"""The `Taxonomy`: a tree or DAG of named nodes as immutable arrays.

Nodes are known by their whole path, never by their name. In comes a list of paths or of records (files go through
`read_taxonomy`); out come node ids, parents, levels, ancestors, terminals and lowest common ancestors.
"""

import os
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal, NoReturn

import numpy as np
import numpy.typing as npt

from textaxa.errors import TaxonomyError
from textaxa.taxonomy._ancestry import dag_closure, dag_lca, tree_closure, tree_lca
from textaxa.taxonomy._arrays import read_arrays, write_arrays
from textaxa.taxonomy._build import Parts, build
from textaxa.taxonomy._csr import CSR, Bool, Int32, read_only
from textaxa.taxonomy._draft import END, INNER, NodeRecord, draft_paths, draft_records
from textaxa.taxonomy._lookup import Nodes, PathIndex
from textaxa.taxonomy._paths import Path, as_path
from textaxa.taxonomy._stored import fingerprint, from_stored, to_stored

Terminals = Literal["given", "leaves", "all"]
_END_OF_PATH = {"given": END, "leaves": INNER, "all": END}


class Taxonomy:
    """A tree or DAG of categories, immutable.

    Make one with `from_paths`, `from_records` or `read_taxonomy`.

    Nodes are numbered level by level, within a level by canonical parent, among siblings as given: parents come
    before children, every level is a range of ids, siblings lie side by side. Arrays are read-only. N is the number
    of nodes, T that of terminals (the nodes at which a label may end; every leaf is one).

    In a DAG the depth of a node is its longest way from the root, and its canonical path is such a way (through the
    first listed parent among equals); so ``len(path(i)) == depth[i]`` and parents are always less deep than children.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Other"), ("Tools", "Other")])
    >>> list(taxonomy.nodes)
    [('Games',), ('Tools',), ('Games', 'Sports'), ('Games', 'Other'), ('Tools', 'Other')]
    >>> taxonomy.index(("Tools", "Other")), taxonomy.parent.tolist()
    (4, [-1, -1, 0, 0, 1])
    >>> taxonomy.ancestors.row(4).tolist(), int(taxonomy.lca(2, 3)), int(taxonomy.distance(3, 4))
    ([1, 4], 0, 4)
    """

    _parts: Parts

    def __init__(self, parts: Parts) -> None:
        if not isinstance(parts, Parts):
            raise TypeError("Make a Taxonomy with Taxonomy.from_paths, Taxonomy.from_records or read_taxonomy.")
        self.__dict__["_parts"] = parts

    @classmethod
    def from_paths(
        cls,
        paths: Iterable[Path],
        *,
        descriptions: Mapping[Path, str] | None = None,
        sort: bool = False,
        terminals: Terminals = "given",
    ) -> "Taxonomy":
        """Give the tree in which every prefix of every path is a node.

        Parameters
        ----------
        paths
            Tuples of names from the top level down. Repeats do no harm.
        descriptions
            What belongs under a path, for some or all of the nodes.
        sort
            Order siblings by name instead of as given.
        terminals
            Where labels may end: ``"given"`` at the given paths, ``"leaves"``, or ``"all"`` nodes. Leaves always.

        Raises
        ------
        TaxonomyError
            No paths, an empty path or name, something that is not text, a description of an unknown path.
        """
        if terminals not in _END_OF_PATH:
            raise TaxonomyError(f"terminals is 'given', 'leaves' or 'all', not {terminals!r}.")
        draft = draft_paths(paths, descriptions, terminal=_END_OF_PATH[terminals])
        if terminals == "all":
            draft.terminal = [END] * len(draft.names)
        return cls(build(draft, sort=sort))

    @classmethod
    def from_records(cls, records: Iterable[NodeRecord], *, sort: bool = False) -> "Taxonomy":
        """Give the tree or DAG of these records, which may come in any order.

        Raises
        ------
        TaxonomyError
            With all faults at once: parents that do not exist, cycles, codes given twice, siblings of one name.

        Examples
        --------
        >>> taxonomy = Taxonomy.from_records([
        ...     NodeRecord("1", (), "Food"), NodeRecord("2", (), "Drinks"), NodeRecord("3", ("1", "2"), "Soup"),
        ... ])
        >>> taxonomy.is_tree, taxonomy.index(("Drinks", "Soup")) == taxonomy.index(("Food", "Soup"))
        (False, True)
        """
        return cls(build(draft_records(records), sort=sort))

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Taxonomy":
        """Give the taxonomy that `to_dict` stored.

        Raises
        ------
        TaxonomyError
            The values are damaged, foreign or newer: wrong types, bad indices, cycles, another order of nodes.
        """
        return cls(from_stored(stored))

    def to_dict(self) -> dict[str, Any]:
        """Give values that JSON can hold and `from_dict` reads back to an equal taxonomy."""
        return to_stored(self._parts)

    @classmethod
    def from_arrays(cls, folder: str | os.PathLike[str]) -> "Taxonomy":
        """Give the taxonomy that `to_arrays` stored.

        The arrays are mapped into memory and looked at once; names stay in the file until they are asked for. The files
        must stay as they are while the taxonomy is used.

        Raises
        ------
        TaxonomyError
            Files are missing, damaged, foreign or newer: wrong types or lengths, bad indices, cycles, another order.
        """
        return cls(read_arrays(pathlib.Path(folder)))

    def to_arrays(self, folder: str | os.PathLike[str]) -> None:
        """Write a new folder of arrays that `from_arrays` reads back to an equal taxonomy, a million nodes at once.

        Raises
        ------
        TaxonomyError
            There is something at this place, or it cannot be written.
        """
        write_arrays(self._parts, pathlib.Path(folder))

    # --- nodes and paths

    def __len__(self) -> int:
        return len(self._parts.names)

    @property
    def nodes(self) -> Sequence[Path]:
        """The canonical path of every node, in node order; made when asked for, so a million cost nothing."""
        return self._nodes

    @cached_property
    def _nodes(self) -> Nodes:
        return Nodes(self._parts, self._index)

    @cached_property
    def _index(self) -> PathIndex:
        return PathIndex(self._parts, self.children, self.level(1))

    def path(self, node: int) -> Path:
        """Give the canonical path of a node."""
        return self._nodes[node]

    def index(self, path: Path) -> int:
        """Give the node at ``path`` (in a DAG any of its paths).

        Raises
        ------
        TaxonomyError
            There is no such node; the message names the nearest sibling.
        """
        node = self._index.find(path)
        if node is None:
            raise self._index.unknown(as_path(path))
        return node

    def find(self, path: Path) -> int | None:
        """Give the node at ``path``, or None."""
        return self._index.find(path)

    def __contains__(self, path: object) -> bool:
        return path in self._nodes

    # Of a taxonomy read from arrays these become Python objects when they are first asked for; two threads that ask at
    # once make the same tuple twice, and one of them stays.

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The own name of every node."""
        return tuple(self._parts.names)

    @cached_property
    def descriptions(self) -> tuple[str, ...]:
        """What belongs under every node; empty where not said."""
        return tuple(self._parts.descriptions)

    @cached_property
    def codes(self) -> tuple[str, ...] | None:
        """The code of every node, where the source gave codes."""
        return tuple(self._parts.codes) if self._parts.codes is not None else None

    # --- structure

    @property
    def parent(self) -> Int32:
        """Canonical parent of every node, -1 at the top level; ``int32 (N,)``."""
        return self._parts.parent

    @property
    def parents(self) -> CSR:
        """All parents of every node, the canonical one first; N rows, empty at the top level."""
        return self._parts.parents

    @cached_property
    def children(self) -> CSR:
        """Children of every node, ascending; N rows, empty for leaves."""
        return self.parents.transpose(len(self))

    @cached_property
    def is_tree(self) -> bool:
        """Whether no node has several parents."""
        return bool(self.parents.counts.max() <= 1)

    @property
    def depth(self) -> Int32:
        """Levels from the top to every node, 1 = top level; ``int32 (N,)``, never falling from a node to the next."""
        return self._parts.depth

    @property
    def n_levels(self) -> int:
        """The depth of the deepest node."""
        return int(self.depth[-1])

    def level_slice(self, level: int) -> slice:
        """Give the range of node ids of depth ``level`` as a slice, for columns of ``node_proba``."""
        if not 1 <= level <= self.n_levels:
            raise TaxonomyError(f"There is no level {level!r}: the levels of this taxonomy are 1 to {self.n_levels}.")
        start, stop = np.searchsorted(self.depth, [level, level + 1])
        return slice(int(start), int(stop))

    def level(self, level: int) -> Int32:
        """Give the nodes of depth ``level``, ascending and without gaps; ``int32``."""
        span = self.level_slice(level)
        return read_only(np.arange(span.start, span.stop, dtype=np.int32))

    @cached_property
    def is_leaf(self) -> Bool:
        """Whether a node has no children; ``bool (N,)``."""
        return read_only(self.children.counts == 0)

    @property
    def is_terminal(self) -> Bool:
        """Whether a label may end at a node; ``bool (N,)``. True for every leaf."""
        return self._parts.is_terminal

    @cached_property
    def terminals(self) -> Int32:
        """The nodes at which a label may end, ascending; ``int32 (T,)``."""
        return read_only(np.flatnonzero(self.is_terminal).astype(np.int32))

    def with_terminals(self, terminals: Literal["leaves", "all"] | Iterable[Path]) -> "Taxonomy":
        """Give the same nodes with other terminals: ``"leaves"``, ``"all"``, or these paths and all leaves.

        Raises
        ------
        TaxonomyError
            A path is not in the taxonomy.
        """
        ends = self.is_leaf.copy()
        if terminals == "all":
            ends[:] = True
        elif isinstance(terminals, str):
            if terminals != "leaves":
                raise TaxonomyError(f"Terminals are 'leaves', 'all' or paths, not {terminals!r}.")
        else:
            ends[[self.index(path) for path in terminals]] = True
        return Taxonomy(replace(self._parts, is_terminal=read_only(ends)))

    @cached_property
    def ancestors(self) -> CSR:
        """The ancestors of every node and the node itself, ascending (so by depth); N rows."""
        if self.is_tree:
            return tree_closure(self.parent, self.depth)
        return dag_closure(self.parents, self.depth)

    @cached_property
    def descendants(self) -> CSR:
        """The descendants of every node and the node itself, ascending; N rows."""
        return self.ancestors.transpose(len(self))

    def lca(self, a: npt.ArrayLike, b: npt.ArrayLike) -> Int32:
        """Give the lowest common ancestor of nodes, -1 for the root; shapes broadcast.

        In a DAG: the deepest common ancestor, and of several equally deep ones that with the largest id.
        """
        left, right = np.broadcast_arrays(self._ids(a), self._ids(b))
        if self.is_tree:
            return tree_lca(self.parent, left.ravel(), right.ravel()).reshape(left.shape)
        return dag_lca(self.ancestors, left.ravel(), right.ravel()).reshape(left.shape)

    def distance(self, a: npt.ArrayLike, b: npt.ArrayLike) -> Int32:
        """Give the edges from one node to another by way of their `lca`, the root counting as a node; shapes broadcast.

        Measured in depths, so in a DAG along longest ways.
        """
        left, right = self._ids(a), self._ids(b)
        depth = np.append(self.depth, np.int32(0))  # the last entry, which -1 points to, is the root's
        return depth[left] + depth[right] - 2 * depth[self.lca(left, right)]

    def _ids(self, nodes: npt.ArrayLike) -> Int32:
        ids = np.asarray(nodes)
        if ids.size and not np.issubdtype(ids.dtype, np.integer):
            raise TaxonomyError(f"Nodes are given by their ids (whole numbers), not by {ids.dtype} values.")
        if ids.size and (ids.min() < -1 or ids.max() >= len(self)):
            raise TaxonomyError(
                f"There are nodes 0 to {len(self) - 1} (-1 is the root); got {ids.min()} to {ids.max()}."
            )
        return ids.astype(np.int32)

    # --- identity

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the content (names, edges, order, terminals, descriptions, codes), 64 hexadecimal digits."""
        return fingerprint(self._parts)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Taxonomy):
            return NotImplemented
        return self is other or (len(self) == len(other) and self.fingerprint == other.fingerprint)

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __repr__(self) -> str:
        kind = "tree" if self.is_tree else "DAG"
        return f"<Taxonomy: {kind} of {len(self)} nodes, {self.n_levels} levels, {len(self.terminals)} terminals>"

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"A Taxonomy cannot be changed, so {name} cannot be set. Make a new one.")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"A Taxonomy cannot be changed, so {name} cannot be deleted.")

    def __copy__(self) -> "Taxonomy":
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> "Taxonomy":
        return self

    def __reduce__(self) -> tuple[Callable[[dict[str, Any]], "Taxonomy"], tuple[dict[str, Any]]]:
        return (Taxonomy.from_dict, (self.to_dict(),))
