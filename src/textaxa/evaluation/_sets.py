"""From the labels of texts to numbered sets of nodes, each closed under ancestors.

Equal labels get one number, so that everything after works on the distinct sets. Predicted paths that the taxonomy does
not have get nodes of their own behind its N nodes: they can match nothing true, and count as wrong wherever they reach.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa._sparse import take
from textaxa.errors import DataError
from textaxa.evaluation._nodes import are_node_numbers, node_pairs
from textaxa.taxonomy import CSR, Path, Taxonomy, format_path

Labels = tuple[Path, ...]
TextLabels = Path | Sequence[Path]
"""What is taken as the labels of one text: a path, or several."""

Labelled = Sequence[TextLabels] | Sequence[Sequence[int]] | NDArray[Any] | CSR
"""What is taken as the labels of all texts: paths, or node numbers in any of the forms of `node_pairs`."""

_FAULTS_TOLD = 10


@dataclass(frozen=True)
class NodeSets:
    """S distinct sets of nodes, over the N nodes of the taxonomy and the unknown ones behind them.

    Attributes
    ----------
    closure
        Every node of each set with all its ancestors; S rows.
    specific
        The nodes of each set that have no other one of it below them; S rows.
    depth
        Depth of every node, the unknown ones too; shape (N + unknown,).
    anchor
        The node itself where the taxonomy has it, else its nearest known ancestor, -1 where it has none.
    n_nodes
        N.
    """

    closure: CSR
    specific: CSR
    depth: NDArray[np.int32]
    anchor: NDArray[np.int32]
    n_nodes: int


class SetBook:
    """Numbers the distinct label sets that it is shown, true and predicted alike."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy
        self._number: dict[Any, int] = {}
        self._sets: list[list[int]] = []
        self._unknown: dict[Path, int] = {}
        self._unknown_above: list[tuple[int, int]] = []  # node above it and depth, of every unknown node

    def number_true(self, labels: Labelled) -> NDArray[np.int64]:
        """Give the number of every text's set of true paths.

        Raises
        ------
        DataError
            Something is not a path, or a path is not in the taxonomy; the first ten are told.
        """
        if are_node_numbers(labels):
            return self._of_nodes(labels)
        missing = []
        for text, one in enumerate(labels):
            if not self._is_numbered(one):
                missing += [
                    f"text {text}: {format_path(path)!r}"
                    for path in as_labels(one, text=text, what="true")
                    if self._taxonomy.find(path) is None
                ]
        if missing:
            raise DataError(
                f"{len(missing)} true paths are not in the taxonomy ({'; '.join(missing[:_FAULTS_TOLD])}"
                f"{'; …' if len(missing) > _FAULTS_TOLD else ''}). The texts were probably labelled with another "
                "version of it. Evaluate with the taxonomy that the labels come from, or leave these texts out."
            )
        return self._numbers(labels, "true")

    def number_predicted(self, labels: Labelled) -> NDArray[np.int64]:
        """Give the number of every text's set of predicted paths; the taxonomy need not have them.

        Raises
        ------
        DataError
            Something is not a path.
        """
        if are_node_numbers(labels):
            return self._of_nodes(labels)
        return self._numbers(labels, "predicted")

    def sets(self) -> NodeSets:
        """Give the sets that were numbered so far."""
        ancestors = self._ancestors()
        width = len(ancestors)
        counts = np.fromiter((len(nodes) for nodes in self._sets), np.int64, len(self._sets))
        owner = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
        given = np.fromiter((node for nodes in self._sets for node in nodes), np.int64, int(counts.sum()))
        keys, times = closure_keys(ancestors, owner, given)
        # A node of a set is met once more for each other one of the set below it.
        own = owner * width + given
        specific = np.sort(own[times[np.searchsorted(keys, own)] == 1])
        above = np.array(self._unknown_above, dtype=np.int32).reshape(-1, 2)
        n_nodes = len(self._taxonomy)
        anchor = np.arange(width, dtype=np.int32)
        for node, parent in enumerate(above[:, 0].tolist(), n_nodes):
            anchor[node] = anchor[parent] if parent >= 0 else -1
        return NodeSets(
            closure=rows_of(keys, len(counts), width),
            specific=rows_of(specific, len(counts), width),
            depth=np.concatenate([self._taxonomy.depth, above[:, 1]]),
            anchor=anchor,
            n_nodes=n_nodes,
        )

    def _is_numbered(self, labels: Any) -> bool:
        try:
            return labels in self._number
        except TypeError:  # a list cannot be looked up
            return False

    def _numbers(self, labels: Any, what: str) -> NDArray[np.int64]:
        numbers = np.empty(len(labels), dtype=np.int64)
        for text, one in enumerate(labels):
            if self._is_numbered(one):
                numbers[text] = self._number[one]
                continue
            paths = as_labels(one, text=text, what=what)
            number = self._number.get(paths)
            if number is None:
                number = self._number[paths] = len(self._sets)
                self._sets.append(sorted({self._node(path) for path in paths}))
            if isinstance(one, tuple) and all(isinstance(part, (str, tuple)) for part in one):
                self._number[one] = number
            numbers[text] = number
        return numbers

    def _of_nodes(self, labels: Any) -> NDArray[np.int64]:
        text, node, n_texts = node_pairs(self._taxonomy, labels)
        counts = np.bincount(text, minlength=n_texts)
        numbers = np.full(n_texts, -1, dtype=np.int64)
        # Most texts have one label: those need a number a node, not one a text.
        alone = counts[text] == 1
        distinct, place = np.unique(node[alone], return_inverse=True)
        numbers[text[alone]] = np.array([self._of_set((one,)) for one in distinct.tolist()], dtype=np.int64)[place]
        ends = np.cumsum(counts)
        for i in np.flatnonzero(counts != 1).tolist():
            numbers[i] = self._of_set(tuple(sorted(set(node[ends[i] - counts[i] : ends[i]].tolist()))))
        return numbers

    def _of_set(self, nodes: tuple[int, ...]) -> int:
        number = self._number.get(nodes)
        if number is None:
            number = self._number[nodes] = len(self._sets)
            self._sets.append(list(nodes))
        return number

    def _node(self, path: Path) -> int:
        known = self._taxonomy.find(path)
        if known is None:
            known = self._unknown.get(path)
        if known is not None:
            return known
        above = self._node(path[:-1]) if len(path) > 1 else -1
        self._unknown[path] = node = len(self._taxonomy) + len(self._unknown)
        self._unknown_above.append((above, self._depth(above) + 1))
        return node

    def _depth(self, node: int) -> int:
        if node < 0:
            return 0
        n_nodes = len(self._taxonomy)
        return int(self._taxonomy.depth[node]) if node < n_nodes else self._unknown_above[node - n_nodes][1]

    def _ancestors(self) -> CSR:
        """Give the ancestor closure of the taxonomy, with the unknown nodes behind."""
        known = self._taxonomy.ancestors
        if not self._unknown:
            return known
        rows: list[NDArray[np.int32]] = []
        for node, (above, _) in enumerate(self._unknown_above, len(known)):
            upward = np.empty(0, np.int32) if above < 0 else known.row(above) if above < len(known) else None
            if upward is None:
                upward = rows[above - len(known)]
            rows.append(np.append(upward, np.int32(node)))
        ends = known.indptr[-1] + np.cumsum([len(row) for row in rows], dtype=np.int64)
        return CSR(np.concatenate([known.indptr, ends]), np.concatenate([known.indices, *rows]))


def as_labels(value: Any, *, text: int, what: str) -> Labels:
    """Give the labels of one text as a tuple of paths; one path alone is taken as a set of one.

    Raises
    ------
    DataError
        It is neither a path nor several.
    """
    if isinstance(value, (list, tuple)):
        paths = (value,) if value and isinstance(value[0], str) else value
        if all(_is_path(path) for path in paths):
            return tuple(tuple(path) for path in paths)
    raise DataError(
        f"The {what} labels of text {text} are {value!r}: a path is a tuple of names from the top level down, such as "
        "('Games', 'Sports'), and the labels of a text are one path or a tuple of paths."
    )


def _is_path(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(isinstance(name, str) for name in value)


def closure_keys(
    ancestors: CSR, owner: NDArray[np.integer], node: NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the pairs (owner, ancestor of one of its nodes) as ascending keys, and how often each pair is met.

    The key of a pair is ``owner * len(ancestors) + ancestor``.
    """
    position, above = take(ancestors, node)
    return np.unique(owner[position].astype(np.int64) * len(ancestors) + above, return_counts=True)


def rows_of(keys: NDArray[np.int64], n_rows: int, width: int) -> CSR:
    """Give ascending keys ``row * width + value`` as a ragged table."""
    counts = np.bincount(keys // width, minlength=n_rows) if len(keys) else np.zeros(n_rows, np.int64)
    return CSR(np.concatenate([[0], np.cumsum(counts)]), (keys % width).astype(np.int32))
