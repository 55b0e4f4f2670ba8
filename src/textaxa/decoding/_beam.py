"""Beam search: the most probable paths of a taxonomy that is too wide to score every node for every text.

What comes in is no ``node_proba`` but a `Conditional`, which scores the children of a few nodes at a time. What goes
out are the best paths found, and for each text whether they are surely the best ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa._sparse import take
from textaxa.decoding._closure import Floats
from textaxa.decoding._paths import best_columns
from textaxa.decoding._prediction import Prediction, PredictionMaker
from textaxa.decoding._proba import check_node_proba, terminal_proba
from textaxa.errors import ConfigError, DataError
from textaxa.taxonomy import CSR, Taxonomy

_CANDIDATES = 4_000_000
"""Children that may be scored at once, 32 MB of float64: texts are taken in blocks of so many."""

_ROUNDING = 1e-6
"""Probabilities of float32 may be above 1 by so much."""

Integers = NDArray[np.int64]


class Conditional(Protocol):
    """What a model offers to be searched: probabilities of the children of single nodes, for many texts at once."""

    def __call__(self, text: Integers, node: Integers, /) -> tuple[Floats, Floats]:
        """Give the probabilities of what comes below P pairs of text and node.

        Parameters
        ----------
        text
            Number of the text, 0 to B - 1, of each pair; int64 (P,), ascending.
        node
            The node of each pair, an inner one, or -1 for the root; int64 (P,). No pair comes twice in a call.

        Returns
        -------
        children
            P(the text belongs under the child, given that it belongs under the node), of all children of the first
            pair, then of the second, and so on; in the order of ``taxonomy.children``, for the root of
            ``taxonomy.level(1)``. Floating (sum of their numbers,).
        ends
            P(the label is exactly the node, given that the text belongs under it), floating (P,): 0 where no label may
            end, and for the root. On a tree, a pair's children and ``ends`` sum to 1.

        On a DAG the product of the conditionals must be the same along every way to a node.
        """


@dataclass(frozen=True)
class BeamPaths:
    """The best paths found for B texts.

    Attributes
    ----------
    nodes
        The terminal at which each path ends, most probable first, -1 where there are fewer; int64 (B, k).
    probabilities
        P(the label is exactly this path), 0 where there is none; float64 (B, k).
    exact
        Whether nothing that was left out could be more probable than the k-th path; bool (B,).
    """

    nodes: Integers
    probabilities: Floats
    exact: NDArray[np.bool_]


def beam_search(
    taxonomy: Taxonomy, conditional: Conditional, n_texts: int, *, k: int = 1, width: int = 10
) -> BeamPaths:
    """Give the ``k`` most probable paths of every text that a beam of ``width`` nodes a level finds, as arrays.

    Level by level the ``width`` most probable nodes of each text are kept, and their children scored. A node is left
    out before that where the k-th best path is already more probable. With ``width`` no smaller than the widest level
    the paths are those of `top_paths`; with less, ``exact`` says for which texts that is sure all the same.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    conditional
        What scores children; see `Conditional`.
    n_texts
        Number of texts, B.
    k
        Paths wanted.
    width
        Nodes kept a level and text, at least ``k``.

    Raises
    ------
    ConfigError
        ``k`` is below 1, or ``width`` below ``k``.
    DataError
        ``conditional`` gives another number of probabilities than there are children, or numbers outside [0, 1].
    """
    if k < 1:
        raise ConfigError(f"k = {k} paths were asked for: it must be at least 1.")
    if width < k:
        raise ConfigError(f"width = {width} is too narrow a beam for k = {k} paths: it must be at least as wide.")
    k = min(k, len(taxonomy.terminals))
    found = _Best.empty(n_texts, k)
    tree = _WithRoot.of(taxonomy)
    for texts in _text_blocks(tree.children, n_texts, width):
        _search(tree, conditional, texts, width, found)
    return BeamPaths(found.nodes, found.probabilities, found.probabilities[:, -1] >= found.lost)


def beam_paths(
    taxonomy: Taxonomy, conditional: Conditional, n_texts: int, *, k: int = 1, width: int = 10
) -> list[list[Prediction]]:
    """Give the ``k`` most probable paths of every text that a beam of ``width`` nodes a level finds.

    The same as `beam_search`, as predictions; fewer than ``k`` where the beam meets fewer terminals.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    >>> scores = dense_conditional(taxonomy, [[0.75, 0.25, 0.5, 0.25]])
    >>> [[best, second]] = beam_paths(taxonomy, scores, 1, k=2, width=2)
    >>> best.path, best.path_probability, best.levels
    (('Games', 'Sports'), 0.5, (('Games', 0.75), ('Sports', 0.5)))
    >>> second.path
    ('Tools',)
    """
    found = beam_search(taxonomy, conditional, n_texts, k=k, width=width)
    text, place = np.nonzero(found.nodes >= 0)
    nodes, exactly = found.nodes[text, place].tolist(), found.probabilities[text, place].tolist()
    maker = PredictionMaker(taxonomy)
    along = _along(_WithRoot.of(taxonomy), conditional, text, [maker.chain(node) for node in nodes])
    predictions: list[list[Prediction]] = [[] for _ in range(n_texts)]
    for i, node, values, p in zip(text.tolist(), nodes, along, exactly, strict=True):
        predictions[i].append(maker.make_along(node, values, p))
    return predictions


def dense_conditional(taxonomy: Taxonomy, node_proba: ArrayLike) -> Conditional:
    """Give what beam search asks for from ``node_proba`` (B, N), so that it can be compared with `top_paths`.

    Raises
    ------
    DataError
        ``node_proba`` has another shape, or values that are not finite.
    """
    proba = check_node_proba(taxonomy, node_proba).astype(np.float64)
    ends = np.zeros_like(proba)
    ends[:, taxonomy.terminals] = terminal_proba(taxonomy, proba)
    # One more column at the end, which -1 points to, is the root's.
    proba = np.column_stack([proba, np.ones(len(proba))])
    ends = np.column_stack([ends, np.zeros(len(ends))])
    children = _WithRoot.of(taxonomy).children

    def conditional(text: Integers, node: Integers, /) -> tuple[Floats, Floats]:
        pair, child = take(children, node % len(children))
        above = proba[text, node]
        positive = np.where(above > 0, above, 1.0)
        return np.minimum(proba[text[pair], child] / positive[pair], 1.0), np.minimum(ends[text, node] / positive, 1.0)

    return conditional


@dataclass(frozen=True)
class _WithRoot:
    """A taxonomy with the children of the root as the last row of ``children``."""

    taxonomy: Taxonomy
    children: CSR

    @classmethod
    def of(cls, taxonomy: Taxonomy) -> "_WithRoot":
        known, top = taxonomy.children, taxonomy.level(1)
        indptr = np.append(known.indptr, known.indptr[-1] + len(top))
        return cls(taxonomy, CSR(indptr, np.concatenate([known.indices, top])))

    def scored(self, conditional: Conditional, pairs: "_Pairs") -> tuple["_Pairs", Integers, Floats]:
        """Give the children of pairs, the position of the pair that each belongs to, and P(exactly the pair's node)."""
        position, child = take(self.children, pairs.node % len(self.children))
        children, ends = (np.asarray(part, dtype=np.float64) for part in conditional(pairs.text, pairs.node))
        _check(children, len(child), "children")
        _check(ends, len(pairs.node), "nodes")
        below = _Pairs(pairs.text[position], child.astype(np.int64), pairs.proba[position] * children)
        return below, position, pairs.proba * ends


def _check(values: Floats, wanted: int, what: str) -> None:
    if values.shape != (wanted,):
        raise DataError(
            f"The conditional gave values of the shape {values.shape} for {wanted:,} {what}: it was probably made for "
            "another taxonomy. One probability each is needed, in the order of taxonomy.children."
        )
    if wanted and not (values.min() >= 0 and values.max() <= 1 + _ROUNDING):
        raise DataError(
            f"The conditional gave values from {values.min()} to {values.max()} for {what}: probabilities given the "
            "node above, in [0, 1], are needed. Are they logits?"
        )


@dataclass(frozen=True)
class _Pairs:
    """Pairs of text and node with P(the text belongs under the node); three columns (P,)."""

    text: Integers
    node: Integers
    proba: Floats

    def where(self, rows: NDArray[Any]) -> "_Pairs":
        """Give the pairs at the given positions, or where a mask is true."""
        return _Pairs(self.text[rows], self.node[rows], self.proba[rows])

    def and_those(self, other: "_Pairs") -> "_Pairs":
        """Give both, one after the other."""
        return _Pairs(
            np.concatenate([self.text, other.text]),
            np.concatenate([self.node, other.node]),
            np.concatenate([self.proba, other.proba]),
        )


@dataclass(frozen=True)
class _Best:
    """The best paths so far, (B, k), and the largest probability of what was left out, (B,). Filled in place."""

    nodes: Integers
    probabilities: Floats
    lost: Floats

    @classmethod
    def empty(cls, n_texts: int, k: int) -> "_Best":
        return cls(np.full((n_texts, k), -1), np.zeros((n_texts, k)), np.zeros(n_texts))

    def add(self, ends: _Pairs) -> None:
        """Take in terminals with P(the label is exactly there)."""
        ends = ends.where(ends.proba > 0)
        rows = np.unique(ends.text)
        text, place = np.nonzero(self.nodes[rows] >= 0)
        text = rows[text]
        known = _Pairs(text, self.nodes[text, place], self.probabilities[text, place])
        best, _ = _largest(known.and_those(ends), self.nodes.shape[1])
        rank = _ranks(best.text)
        self.nodes[best.text, rank], self.probabilities[best.text, rank] = best.node, best.proba

    def keep(self, pairs: _Pairs, width: int) -> _Pairs:
        """Give the pairs worth going on with, at most ``width`` a text."""
        possible = pairs.where((pairs.proba > 0) & (pairs.proba >= self.probabilities[pairs.text, -1]))
        kept, left = _largest(possible, width)
        np.maximum.at(self.lost, left.text, left.proba)
        return kept


def _largest(pairs: _Pairs, k: int) -> tuple[_Pairs, _Pairs]:
    """Give the ``k`` most probable pairs of every text, best first, of equals the first in node order; and the rest."""
    pairs = pairs.where(np.lexsort((pairs.node, pairs.text)))
    row = np.cumsum(np.diff(pairs.text, prepend=pairs.text[:1]) > 0)
    column = _ranks(pairs.text)
    if not len(row):
        return pairs, pairs
    table = np.full((row[-1] + 1, column.max() + 1), -1.0)
    table[row, column] = pairs.proba
    best = best_columns(table, min(k, table.shape[1]))
    begins = np.flatnonzero(column == 0)
    chosen = (begins[:, None] + best)[np.take_along_axis(table, best, axis=1) >= 0]
    left = np.ones(len(row), dtype=np.bool_)
    left[chosen] = False
    return pairs.where(chosen), pairs.where(left)


def _ranks(text: Integers) -> Integers:
    """Give the position of every pair among those of its text, which lie side by side; (P,)."""
    begins = np.flatnonzero(np.diff(text, prepend=-1))
    return np.arange(len(text)) - np.repeat(begins, np.diff(begins, append=len(text)))


def _text_blocks(children: CSR, n_texts: int, width: int) -> Iterator[Integers]:
    """Give the texts in blocks whose candidates on any level fit into memory, even if all kept nodes are wide."""
    widest = int(np.sort(children.counts)[-width:].sum())
    rows = max(1, _CANDIDATES // widest)
    for start in range(0, n_texts, rows):
        yield np.arange(start, min(start + rows, n_texts))


def _search(tree: _WithRoot, conditional: Conditional, texts: Integers, width: int, best: _Best) -> None:
    """Search the paths of a block of texts, from the root down."""
    taxonomy = tree.taxonomy
    root = _Pairs(texts, np.full(len(texts), -1), np.ones(len(texts)))
    pending, _, _ = tree.scored(conditional, root)
    for level in range(1, taxonomy.n_levels + 1):
        due = taxonomy.depth[pending.node] == level
        # In a DAG a child may lie more than one level down; it waits until all its parents have been there.
        waiting, reached = pending.where(~due), pending.where(due)
        kept = best.keep(reached if taxonomy.is_tree else _once(reached, len(taxonomy)), width)
        leaf = taxonomy.is_leaf[kept.node]
        best.add(kept.where(leaf))
        inner = kept.where(~leaf)
        if len(inner.text):
            below, _, ends = tree.scored(conditional, inner)
            best.add(_Pairs(inner.text, inner.node, ends))
            waiting = waiting.and_those(below)
        pending = waiting


def _once(pairs: _Pairs, n_nodes: int) -> _Pairs:
    """Give every pair once, with the largest of its probabilities: they differ by rounding."""
    order = np.lexsort((-pairs.proba, pairs.node, pairs.text))
    _, first = np.unique(pairs.text[order] * n_nodes + pairs.node[order], return_index=True)
    return pairs.where(order[first])


def _along(tree: _WithRoot, conditional: Conditional, text: Integers, chains: list[list[int]]) -> list[list[float]]:
    """Give P(the text belongs under the node) for every node of every chain, from the top down.

    The search does not keep what it scored on its way: to score a few paths again costs less.
    """
    along: list[list[float]] = [[] for _ in chains]
    proba = np.ones(len(chains))
    for level in range(max(map(len, chains), default=0)):
        rows = np.flatnonzero([len(chain) > level for chain in chains])
        node = np.array([chains[row][level] for row in rows])
        above = np.array([chains[row][level - 1] if level else -1 for row in rows])
        width = len(tree.children)
        # Chains of a text may share their beginning, and a pair is asked for once.
        keys, pair = np.unique(text[rows] * width + above % width, return_inverse=True)
        asked = keys % width
        pairs = _Pairs(keys // width, np.where(asked == width - 1, -1, asked), np.ones(len(keys)))
        below, position, _ = tree.scored(conditional, pairs)
        proba[rows] *= below.proba[np.searchsorted(position * width + below.node, pair * width + node)]
        for row in rows.tolist():
            along[row].append(float(proba[row]))
    return along
