"""What of ``node_proba`` the metrics of probabilities need: a few numbers a text, read block by block.

In come the true labels and ``node_proba``, whole or in blocks of rows; out go, for every text and level, the
probability of one node there and whether the text belongs under it. No array of shape (n, N) is made.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa._sparse import take
from textaxa.decoding import terminal_proba
from textaxa.decoding._proba import check_node_proba
from textaxa.errors import ConfigError, DataError
from textaxa.evaluation._sets import Labelled, NodeSets, SetBook
from textaxa.taxonomy import Taxonomy

Floats = NDArray[np.float64]
Truth = NDArray[np.bool_]
Int32 = NDArray[np.int32]
Task = Literal["single", "multi"]
NodeProba = ArrayLike | Iterator[ArrayLike]
"""P(the text belongs under node n), shape (n, N), or an iterator of blocks of its rows."""

LEAST = 1.2e-7
"""Probabilities are kept this far from 0 and 1 in a log loss: nearer, float32 cannot tell them from 1."""

# Numbers of node_proba that are worked on at once: 4 million float64 are 32 MB.
_CHUNK = 4_000_000


@dataclass(frozen=True)
class TrueSets:
    """The true labels of n texts.

    Attributes
    ----------
    sets
        The distinct sets of nodes.
    number
        The set of every text, shape (n,).
    """

    sets: NodeSets
    number: NDArray[np.int64]

    def holds(self, text: NDArray[np.integer], node: NDArray[np.integer]) -> Truth:
        """Tell for pairs of a text and a node whether the text belongs under it; -1 is no node."""
        width = len(self.sets.depth)
        keys = self.sets.closure.row_ids.astype(np.int64) * width + self.sets.closure.indices
        asked = self.number[text] * width + node
        place = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
        return np.asarray((keys[place] == asked) & (node >= 0)) if len(keys) else np.zeros(asked.shape, dtype=bool)

    def end(self) -> Int32:
        """Give the node at which every text's only path ends, -1 where it has none; shape (n,)."""
        table = self.sets.specific
        ends = np.full(len(table), -1, dtype=np.int32)
        ends[table.counts == 1] = table.indices[table.indptr[:-1][table.counts == 1]]
        return ends[self.number]


@dataclass(frozen=True)
class AlongPaths:
    """One node a text and level: its probability, and whether it is true.

    Attributes
    ----------
    task
        ``single``: the nodes of the most probable path. ``multi``: the most probable node of every level.
    probability
        Shape (n, L); NaN where the path does not reach the level.
    right
        Whether the text belongs under the node, shape (n, L).
    path_probability
        P(the label is exactly the most probable path), shape (n,); ``single`` only.
    path_right
        Whether it is, shape (n,); ``single`` only.
    brier, log_loss
        Of every text, shape (n,): ``single`` over the terminals, NaN for a text whose true path ends at none; ``multi``
        summed over the nodes.
    """

    task: Task
    probability: Floats
    right: Truth
    path_probability: Floats
    path_right: Truth
    brier: Floats
    log_loss: Floats


def true_sets(taxonomy: Taxonomy, true: Labelled) -> TrueSets:
    """Number the true labels.

    Raises
    ------
    DataError
        There are none, or something is neither a path of the taxonomy nor a node number.
    """
    if not len(true):
        raise DataError("There are no texts to evaluate.")
    book = SetBook(taxonomy)
    number = book.number_true(true)
    return TrueSets(book.sets(), number)


def task_of(true: TrueSets, task: str | None) -> Task:
    """Give the task: as told, else ``multi`` where a text has several paths.

    Raises
    ------
    ConfigError
        It is neither, or ``single`` although a text has several paths.
    """
    most = int(true.sets.specific.counts[np.unique(true.number)].max())
    if task not in (None, "single", "multi"):
        raise ConfigError(f"task is 'single', 'multi' or None, not {task!r}.")
    if task == "single" and most > 1:
        raise ConfigError(f"A text has {most} true paths, so the task is not 'single'. Give task='multi', or no task.")
    return "multi" if task == "multi" or most > 1 else "single"


def chains(taxonomy: Taxonomy) -> Int32:
    """Give the nodes of every node's canonical path by level, -1 below its end; shape (N, L)."""
    table = np.full((len(taxonomy), taxonomy.n_levels), -1, dtype=np.int32)
    for level in range(1, taxonomy.n_levels + 1):
        nodes = taxonomy.level(level)
        if level > 1:
            table[nodes] = table[taxonomy.parent[nodes]]
        table[nodes, level - 1] = nodes
    return table


def proba_blocks(taxonomy: Taxonomy, node_proba: Any, n_texts: int) -> Iterator[tuple[int, NDArray[np.floating]]]:
    """Give ``node_proba`` in blocks of rows, each with the text that it begins with.

    Raises
    ------
    DataError
        Another number of rows or columns, or values that are not finite.
    """
    blocks: Iterable[Any] = node_proba if isinstance(node_proba, Iterator) else [node_proba]
    step, begin = max(1, _CHUNK // max(1, len(taxonomy))), 0
    for given in blocks:
        block = np.asarray(given) if not isinstance(given, np.ndarray) else given
        _check_shape(taxonomy, block, begin, n_texts)
        for start in range(0, len(block), step):
            yield begin + start, check_node_proba(taxonomy, block[start : start + step])
        begin += len(block)
    if begin != n_texts:
        raise DataError(f"The numbers of texts differ (true: {n_texts}, node_proba: {begin}).")


def _check_shape(taxonomy: Taxonomy, block: NDArray[Any], begin: int, n_texts: int) -> None:
    if block.ndim != 2 or not len(block):
        check_node_proba(taxonomy, block)
    if begin + len(block) > n_texts:
        raise DataError(f"The numbers of texts differ (true: {n_texts}, node_proba: at least {begin + len(block)}).")


def along_paths(taxonomy: Taxonomy, true: TrueSets, node_proba: NodeProba, task: Task) -> AlongPaths:
    """Read ``node_proba`` once, block by block.

    Raises
    ------
    DataError
        As for `proba_blocks`.
    """
    n, n_levels = len(true.number), taxonomy.n_levels
    found = AlongPaths(
        task=task,
        probability=np.full((n, n_levels), np.nan),
        right=np.zeros((n, n_levels), dtype=bool),
        path_probability=np.full(n, np.nan),
        path_right=np.zeros(n, dtype=bool),
        brier=np.full(n, np.nan),
        log_loss=np.full(n, np.nan),
    )
    nodes = np.full((n, n_levels), -1, dtype=np.int32)
    read = _read_single(taxonomy, true, found, nodes) if task == "single" else _read_multi(taxonomy, true, found, nodes)
    for start, block in proba_blocks(taxonomy, node_proba, n):
        read(start, block)
    found.right[:] = true.holds(np.arange(n)[:, None], nodes)
    return found


def _read_single(taxonomy: Taxonomy, true: TrueSets, found: AlongPaths, nodes: Int32) -> Any:
    chain, ends = chains(taxonomy), true.end()
    column = np.full(len(taxonomy) + 1, -1)  # the last one, which -1 points to, is no terminal
    column[taxonomy.terminals] = np.arange(len(taxonomy.terminals))

    def read(start: int, block: NDArray[np.floating]) -> None:
        rows, texts = np.arange(len(block)), slice(start, start + len(block))
        exact = terminal_proba(taxonomy, block)
        best = exact.argmax(axis=1)
        nodes[texts] = chain[taxonomy.terminals[best]]
        found.probability[texts] = _of_nodes(block, nodes[texts])
        found.path_probability[texts] = exact[rows, best]
        found.path_right[texts] = taxonomy.terminals[best] == ends[texts]
        wanted = column[ends[texts]]
        scored = np.flatnonzero(wanted >= 0)
        of_true = exact[scored, wanted[scored]].astype(np.float64)
        squares = np.einsum("bt,bt->b", exact[scored], exact[scored], dtype=np.float64)
        found.brier[start + scored] = np.maximum(squares - 2 * of_true + 1, 0.0)
        found.log_loss[start + scored] = -np.log(np.clip(of_true, LEAST, 1.0))

    return read


def _read_multi(taxonomy: Taxonomy, true: TrueSets, found: AlongPaths, nodes: Int32) -> Any:
    levels = [taxonomy.level_slice(level) for level in range(1, taxonomy.n_levels + 1)]

    def read(start: int, block: NDArray[np.floating]) -> None:
        texts = slice(start, start + len(block))
        for i, level in enumerate(levels):
            nodes[texts, i] = level.start + block[:, level].argmax(axis=1)
        found.probability[texts] = _of_nodes(block, nodes[texts])
        row, node = take(true.sets.closure, true.number[texts])
        of_true = block[row, node].astype(np.float64)
        found.brier[texts] = np.einsum("bn,bn->b", block, block, dtype=np.float64)
        found.brier[texts] += np.bincount(row, 1 - 2 * of_true, minlength=len(block))
        sure = np.clip(of_true, LEAST, 1 - LEAST)
        found.log_loss[texts] = -np.log1p(-np.clip(block, 0.0, 1 - LEAST, dtype=np.float64)).sum(axis=1)
        found.log_loss[texts] += np.bincount(row, np.log1p(-sure) - np.log(sure), minlength=len(block))

    return read


def _of_nodes(block: NDArray[np.floating], nodes: Int32) -> Floats:
    values = np.take_along_axis(block, np.maximum(nodes, 0), axis=1).astype(np.float64)
    return np.where(nodes >= 0, values, np.nan)
