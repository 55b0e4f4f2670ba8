"""Beam search: the most probable paths of a taxonomy that is too wide to score every node for every text.

What comes in is no ``node_proba`` but a `Conditional`, which scores the children of a few nodes at a time. What goes
out are the best paths found, and for each text whether they are surely the best ones.
"""

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
from textaxa.taxonomy import Taxonomy

_CANDIDATES = 4_000_000
"""Children scored at once, 32 MB of float64, where they are those of several texts."""

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
    root = _Pairs(np.arange(n_texts), np.full(n_texts, -1), np.ones(n_texts))
    if n_texts:
        _Search(taxonomy, conditional, width, found).go_down(root, _Pairs.none(), level=1)
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
    along = _along(taxonomy, conditional, text, [maker.chain(node) for node in nodes])
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

    def conditional(text: Integers, node: Integers, /) -> tuple[Floats, Floats]:
        pair, child = _children(taxonomy, node)
        above = proba[text, node]
        positive = np.where(above > 0, above, 1.0)
        return np.minimum(proba[text[pair], child] / positive[pair], 1.0), np.minimum(ends[text, node] / positive, 1.0)

    return conditional


def _children(taxonomy: Taxonomy, node: Integers) -> tuple[Integers, Integers]:
    """Give the children of nodes, or of as many roots, and the position in ``node`` that each belongs to."""
    if node[0] >= 0:
        position, child = take(taxonomy.children, node)
        return position, child.astype(np.int64)
    top = np.arange(_n_top(taxonomy))
    return np.repeat(np.arange(len(node)), len(top)), np.tile(top, len(node))


def _n_top(taxonomy: Taxonomy) -> int:
    # A number of the same type is found without a copy of all depths, which would outweigh the search for one text.
    return int(np.searchsorted(taxonomy.depth, np.int32(2)))


def _n_children(taxonomy: Taxonomy, node: Integers) -> int:
    if node[0] < 0:
        return len(node) * _n_top(taxonomy)
    indptr = taxonomy.children.indptr
    return int((indptr[node + 1] - indptr[node]).sum())


def _scored(taxonomy: Taxonomy, conditional: Conditional, pairs: "_Pairs") -> tuple["_Pairs", Integers, Floats]:
    """Give the children of pairs, the position of the pair that each belongs to, and P(exactly the pair's node)."""
    position, child = _children(taxonomy, pairs.node)
    children, ends = (np.asarray(part, dtype=np.float64) for part in conditional(pairs.text, pairs.node))
    _check(children, len(child), "children")
    _check(ends, len(pairs.node), "nodes")
    return _Pairs(pairs.text[position], child, pairs.proba[position] * children), position, pairs.proba * ends


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

    @classmethod
    def none(cls) -> "_Pairs":
        return cls(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))

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
        ends = ends.where((ends.proba > 0) & (ends.proba >= self.probabilities[ends.text, -1]))
        if not len(ends.text):
            return
        rows = np.unique(ends.text)
        text, place = np.nonzero(self.nodes[rows] >= 0)
        text = rows[text]
        known = _Pairs(text, self.nodes[text, place], self.probabilities[text, place])
        both, chosen, _ = _largest(known.and_those(ends), self.nodes.shape[1])
        best = both.where(chosen)
        rank = _ranks(best.text)
        self.nodes[best.text, rank], self.probabilities[best.text, rank] = best.node, best.proba

    def keep(self, pairs: _Pairs, width: int) -> _Pairs:
        """Give the pairs worth going on with, at most ``width`` a text, in the order of texts and nodes."""
        possible = pairs.where((pairs.proba > 0) & (pairs.proba >= self.probabilities[pairs.text, -1]))
        if not len(possible.text):
            return possible
        possible, chosen, left_out = _largest(possible, width)
        texts = possible.text[_begins(possible.text)]
        self.lost[texts] = np.maximum(self.lost[texts], left_out)
        return possible.where(np.sort(chosen))


def _largest(pairs: _Pairs, k: int) -> tuple[_Pairs, Integers, Floats]:
    """Find the ``k`` most probable pairs of every text.

    Returns
    -------
    The pairs in the order of texts and nodes; the positions of the chosen ones there, best first within a text, of
    equals the first in node order; and the largest probability of the others of each text, or less than 0.
    """
    if _unordered(pairs):
        pairs = pairs.where(np.lexsort((pairs.node, pairs.text)))
    begins = _begins(pairs.text)
    column = _ranks(pairs.text)
    row = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(column)))
    table = np.full((len(begins), int(column.max()) + 1), -1.0)
    table[row, column] = pairs.proba
    best = best_columns(table, min(k, table.shape[1]))
    chosen = (begins[:, None] + best)[np.take_along_axis(table, best, axis=1) >= 0]
    np.put_along_axis(table, best, -1.0, axis=1)
    return pairs, chosen, table.max(axis=1)


def _unordered(pairs: _Pairs) -> bool:
    """Tell whether pairs are out of the order of texts and nodes; children of ordered nodes of a tree are not."""
    text, node = np.diff(pairs.text), np.diff(pairs.node)
    return bool(((text < 0) | ((text == 0) & (node < 0))).any())


def _begins(text: Integers) -> Integers:
    """Give where the pairs of each text begin, which lie side by side."""
    return np.flatnonzero(np.diff(text, prepend=-1))


def _ranks(text: Integers) -> Integers:
    """Give the position of every pair among those of its text, which lie side by side; (P,)."""
    begins = _begins(text)
    return np.arange(len(text)) - np.repeat(begins, np.diff(begins, append=len(text)))


@dataclass(frozen=True)
class _Search:
    """One search: what is searched, how, and where the best paths go."""

    taxonomy: Taxonomy
    conditional: Conditional
    width: int
    best: _Best

    def go_down(self, inner: _Pairs, waiting: _Pairs, level: int) -> None:
        """Search below the given inner nodes, whose children lie at ``level`` or below it.

        ``waiting`` are nodes at ``level`` or below it that were scored already: in a DAG a child may lie more than one
        level down, and waits until all its parents have been there.
        """
        taxonomy = self.taxonomy
        for at in range(level, taxonomy.n_levels + 1):
            if not len(inner.text) + len(waiting.text):
                return
            if len(inner.text):
                if self._too_many(inner):
                    for half in self._halves(inner, waiting):
                        self.go_down(*half, level=at)
                    return
                below, _, ends = _scored(taxonomy, self.conditional, inner)
                self.best.add(_Pairs(inner.text, inner.node, ends))
                waiting = waiting.and_those(below)
            due = taxonomy.depth[waiting.node] == at
            reached, waiting = waiting.where(due), waiting.where(~due)
            kept = self.best.keep(reached if taxonomy.is_tree else _once(reached, len(taxonomy)), self.width)
            leaf = taxonomy.is_leaf[kept.node]
            self.best.add(kept.where(leaf))
            inner = kept.where(~leaf)

    def _too_many(self, inner: _Pairs) -> bool:
        return inner.text[0] != inner.text[-1] and _n_children(self.taxonomy, inner.node) > _CANDIDATES

    def _halves(self, inner: _Pairs, waiting: _Pairs) -> list[tuple[_Pairs, _Pairs]]:
        middle = (inner.text[0] + inner.text[-1] + 1) // 2
        sides = ((inner.text < middle, waiting.text < middle), (inner.text >= middle, waiting.text >= middle))
        return [(inner.where(one), waiting.where(other)) for one, other in sides]


def _once(pairs: _Pairs, n_nodes: int) -> _Pairs:
    """Give every pair once, with the largest of its probabilities: they differ by rounding."""
    order = np.lexsort((-pairs.proba, pairs.node, pairs.text))
    _, first = np.unique(pairs.text[order] * n_nodes + pairs.node[order], return_index=True)
    return pairs.where(order[first])


def _along(taxonomy: Taxonomy, conditional: Conditional, text: Integers, chains: list[list[int]]) -> list[list[float]]:
    """Give P(the text belongs under the node) for every node of every chain, from the top down.

    The search does not keep what it scored on its way: to score a few paths again costs less.
    """
    along: list[list[float]] = [[] for _ in chains]
    proba, width = np.ones(len(chains)), len(taxonomy)
    for level in range(max(map(len, chains), default=0)):
        rows = np.flatnonzero([len(chain) > level for chain in chains])
        node = np.array([chains[row][level] for row in rows])
        above = np.array([chains[row][level - 1] if level else -1 for row in rows])
        # Chains of a text may share their beginning, and a pair is asked for once; -1 is made 0 for a while.
        keys, pair = np.unique(text[rows] * (width + 1) + above + 1, return_inverse=True)
        pairs = _Pairs(keys // (width + 1), keys % (width + 1) - 1, np.ones(len(keys)))
        below, position, _ = _scored(taxonomy, conditional, pairs)
        proba[rows] *= below.proba[np.searchsorted(position * width + below.node, pair * width + node)]
        for row in rows.tolist():
            along[row].append(float(proba[row]))
    return along
