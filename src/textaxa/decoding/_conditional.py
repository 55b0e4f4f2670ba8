"""What a beam searches with: a function that scores the children of single nodes, and pairs of text and node."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa._sparse import take
from textaxa.decoding._closure import Floats
from textaxa.decoding._proba import check_node_proba, terminal_proba
from textaxa.errors import DataError
from textaxa.taxonomy import Taxonomy

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
            The node of each pair, int64 (P,): inner nodes, or -1, the root, in all of them. No pair comes twice.

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


@dataclass(frozen=True)
class Pairs:
    """Pairs of text and node with P(the text belongs under the node); three columns (P,)."""

    text: Integers
    node: Integers
    proba: Floats

    def where(self, rows: NDArray[Any]) -> "Pairs":
        """Give the pairs at the given positions, or where a mask is true."""
        return Pairs(self.text[rows], self.node[rows], self.proba[rows])

    @classmethod
    def none(cls) -> "Pairs":
        return cls(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))

    def and_those(self, other: "Pairs") -> "Pairs":
        """Give both, one after the other."""
        return Pairs(
            np.concatenate([self.text, other.text]),
            np.concatenate([self.node, other.node]),
            np.concatenate([self.proba, other.proba]),
        )


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


def n_children(taxonomy: Taxonomy, node: Integers) -> int:
    if node[0] < 0:
        return len(node) * _n_top(taxonomy)
    indptr = taxonomy.children.indptr
    return int((indptr[node + 1] - indptr[node]).sum())


def scored(taxonomy: Taxonomy, conditional: Conditional, pairs: Pairs) -> tuple[Pairs, Integers, Floats]:
    """Give the children of pairs, the position of the pair that each belongs to, and P(exactly the pair's node)."""
    position, child = _children(taxonomy, pairs.node)
    children, ends = (np.asarray(part, dtype=np.float64) for part in conditional(pairs.text, pairs.node))
    _check(children, len(child), "children")
    _check(ends, len(pairs.node), "nodes")
    return Pairs(pairs.text[position], child, pairs.proba[position] * children), position, pairs.proba * ends


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
