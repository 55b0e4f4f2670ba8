"""The best of many candidates for every text at once: which nodes a beam keeps, and which paths are the best so far."""

from dataclasses import dataclass

import numpy as np

from textaxa.decoding._closure import Floats
from textaxa.decoding._conditional import Integers, Pairs
from textaxa.decoding._paths import best_columns


@dataclass(frozen=True)
class BestPaths:
    """The best paths so far, (B, k), and the largest probability of what was left out, (B,). Filled in place."""

    nodes: Integers
    probabilities: Floats
    lost: Floats

    @classmethod
    def empty(cls, n_texts: int, k: int) -> "BestPaths":
        return cls(np.full((n_texts, k), -1), np.zeros((n_texts, k)), np.zeros(n_texts))

    def add(self, ends: Pairs) -> None:
        """Take in terminals with P(the label is exactly there)."""
        ends = ends.where((ends.proba > 0) & (ends.proba >= self.probabilities[ends.text, -1]))
        if not len(ends.text):
            return
        rows = np.unique(ends.text)
        text, place = np.nonzero(self.nodes[rows] >= 0)
        text = rows[text]
        known = Pairs(text, self.nodes[text, place], self.probabilities[text, place])
        both, chosen, _ = _largest(known.and_those(ends), self.nodes.shape[1])
        best = both.where(chosen)
        rank = _ranks(best.text)
        self.nodes[best.text, rank], self.probabilities[best.text, rank] = best.node, best.proba

    def keep(self, pairs: Pairs, width: int) -> Pairs:
        """Give the pairs worth going on with, at most ``width`` a text, in the order of texts and nodes."""
        possible = pairs.where((pairs.proba > 0) & (pairs.proba >= self.probabilities[pairs.text, -1]))
        if not len(possible.text):
            return possible
        possible, chosen, left_out = _largest(possible, width)
        texts = possible.text[_begins(possible.text)]
        self.lost[texts] = np.maximum(self.lost[texts], left_out)
        return possible.where(np.sort(chosen))


def _largest(pairs: Pairs, k: int) -> tuple[Pairs, Integers, Floats]:
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


def _unordered(pairs: Pairs) -> bool:
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


def once(pairs: Pairs, n_nodes: int) -> Pairs:
    """Give every pair once, with the largest of its probabilities: they differ by rounding."""
    order = np.lexsort((-pairs.proba, pairs.node, pairs.text))
    _, first = np.unique(pairs.text[order] * n_nodes + pairs.node[order], return_index=True)
    return pairs.where(order[first])
