"""Beam search: the most probable paths of a taxonomy that is too wide to score every node for every text.

What comes in is no ``node_proba`` but a `Conditional`, which scores the children of a few nodes at a time. What goes
out are the best paths found, and for each text whether they are surely the best ones.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textaxa.decoding._closure import Floats
from textaxa.decoding._conditional import Conditional, Integers, Pairs, n_children, scored
from textaxa.decoding._frontier import BestPaths, once
from textaxa.decoding._prediction import Prediction, PredictionMaker
from textaxa.errors import ConfigError
from textaxa.taxonomy import Taxonomy

_CANDIDATES = 4_000_000
"""Children scored at once, 32 MB of float64, where they are those of several texts."""


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
    found = BestPaths.empty(n_texts, k)
    root = Pairs(np.arange(n_texts), np.full(n_texts, -1), np.ones(n_texts))
    if n_texts:
        _Search(taxonomy, conditional, width, found).go_down(root, Pairs.none(), level=1)
    return BeamPaths(found.nodes, found.probabilities, found.probabilities[:, -1] >= found.lost)


def beam_paths(
    taxonomy: Taxonomy, conditional: Conditional, n_texts: int, *, k: int = 1, width: int = 10
) -> list[list[Prediction]]:
    """Give the ``k`` most probable paths of every text that a beam of ``width`` nodes a level finds.

    The same as `beam_search`, as predictions; fewer than ``k`` where the beam meets fewer terminals.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    >>> from textaxa.decoding import dense_conditional
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


@dataclass(frozen=True)
class _Search:
    """One search: what is searched, how, and where the best paths go."""

    taxonomy: Taxonomy
    conditional: Conditional
    width: int
    best: BestPaths

    def go_down(self, inner: Pairs, waiting: Pairs, level: int) -> None:
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
                below, _, ends = scored(taxonomy, self.conditional, inner)
                self.best.add(Pairs(inner.text, inner.node, ends))
                waiting = waiting.and_those(below)
            due = taxonomy.depth[waiting.node] == at
            reached, waiting = waiting.where(due), waiting.where(~due)
            kept = self.best.keep(reached if taxonomy.is_tree else once(reached, len(taxonomy)), self.width)
            leaf = taxonomy.is_leaf[kept.node]
            self.best.add(kept.where(leaf))
            inner = kept.where(~leaf)

    def _too_many(self, inner: Pairs) -> bool:
        return inner.text[0] != inner.text[-1] and n_children(self.taxonomy, inner.node) > _CANDIDATES

    def _halves(self, inner: Pairs, waiting: Pairs) -> list[tuple[Pairs, Pairs]]:
        middle = (inner.text[0] + inner.text[-1] + 1) // 2
        sides = ((inner.text < middle, waiting.text < middle), (inner.text >= middle, waiting.text >= middle))
        return [(inner.where(one), waiting.where(other)) for one, other in sides]


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
        pairs = Pairs(keys // (width + 1), keys % (width + 1) - 1, np.ones(len(keys)))
        below, position, _ = scored(taxonomy, conditional, pairs)
        proba[rows] *= below.proba[np.searchsorted(position * width + below.node, pair * width + node)]
        for row in rows.tolist():
            along[row].append(float(proba[row]))
    return along
