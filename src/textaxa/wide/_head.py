"""`WideHead`: a conditional softmax among siblings, for taxonomies of up to millions of categories.

Features (B, D) come in; the best paths of every text come out, found by beam search. What it computes is what the
head ``conditional`` computes, except that in a DAG a node is reached from its canonical parent only.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa.decoding import BeamPaths, Conditional
from textaxa.errors import ConfigError, DataError
from textaxa.taxonomy import CSR, Taxonomy
from textaxa.wide._best_first import search_one
from textaxa.wide._options import ROOT, Options
from textaxa.wide._rows import Float32, Int64, Rows
from textaxa.wide._search import Best, choices, search_block

BATCH = 256
"""Texts that are searched together: enough to share the rows of upper levels."""
_CANDIDATES = 4_000_000
"""Options scored at once, where a beam is so wide that fewer texts must do: 50 MB."""


@dataclass(frozen=True, eq=False)
class WideHead:
    """Rows of weights for the options of a taxonomy, and the search over them. One path a text.

    Attributes
    ----------
    taxonomy
        The taxonomy, with N nodes.
    options
        What is chosen between, C options.
    rows
        A row of D weights an option.

    Raises
    ------
    DataError
        There are more or fewer rows than options.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Games", "Cards"), ("Games", "Chess"), ("Tools",)])
    >>> head = WideHead.zeros(taxonomy, width=2)
    >>> head.rows.values[head.options.option[taxonomy.index(("Tools",))]] = [2, 0]
    >>> found = head.search(np.array([[1.0, 0.0], [-1.0, 0.0]]), k=2)
    >>> found.nodes.tolist(), found.probabilities.round(2).tolist()
    ([[1, 2], [2, 3]], [[0.88, 0.06], [0.44, 0.44]])
    """

    taxonomy: Taxonomy
    options: Options
    rows: Rows

    def __post_init__(self) -> None:
        if len(self.rows) != len(self.options):
            raise DataError(
                f"There are {len(self.rows):,} rows for the {len(self.options):,} options of this taxonomy: they were "
                "probably trained for another one."
            )

    @classmethod
    def zeros(cls, taxonomy: Taxonomy, width: int) -> "WideHead":
        """Give an untrained head for features of ``width`` numbers: all siblings are equally probable."""
        if width < 1:
            raise ConfigError(f"width = {width} features: there must be at least 1.")
        options = Options.of(taxonomy)
        return cls(taxonomy, options, Rows.zeros(len(options), width))

    def astype(self, name: str) -> "WideHead":
        """Give the same head with rows stored as ``float32``, ``float16`` or ``int8``."""
        return WideHead(self.taxonomy, self.options, self.rows.astype(name))

    @cached_property
    def tree(self) -> Taxonomy:
        """The taxonomy with canonical parents only, its nodes numbered the same: what `conditional` speaks of."""
        if self.taxonomy.is_tree:
            return self.taxonomy
        return Taxonomy.from_dict(self.taxonomy.to_dict() | {"parents": self.taxonomy.parent.tolist()})

    def search(self, features: ArrayLike, *, k: int = 1, width: int = 10) -> BeamPaths:
        """Give the ``k`` most probable paths of every text that a beam of ``width`` nodes a level finds.

        Parameters
        ----------
        features
            Text vectors (B, D), finite; of any floating type, in memory or mapped from a file.
        k
            Paths wanted.
        width
            Inner nodes kept a level and text, at least ``k``. With ``width`` no smaller than the inner nodes of the
            widest level the paths are the best ones; with less, ``exact`` says for which texts that is sure all the
            same.

        Raises
        ------
        ConfigError
            ``k`` is below 1, or ``width`` below ``k``.
        DataError
            Features of another shape, or not finite.
        """
        if k < 1 or width < k:
            raise ConfigError(f"k = {k}, width = {width}: both must be at least 1, and the beam as wide as k.")
        # Features may be mapped from a file and of another type: they are read and turned a block at a time.
        given = self._fitting(features)
        k, step = min(k, self.options.n_ends), self._block(width)
        found = [self._best(_float32(given[at : at + step]), k=k, width=width) for at in range(0, len(given), step)]
        return _joined(self.options, found or [Best.none(0, k)])

    def conditional(self, features: ArrayLike) -> Conditional:
        """Give what `textaxa.decoding.beam_search` asks for, of text vectors (B, D), to search in `tree`.

        Raises
        ------
        DataError
            Features of another shape, or not finite.
        """
        vectors, options = _float32(self._fitting(features)), self.options
        table = self.tree.children

        def conditional(text: Int64, node: Int64, /) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            group = np.where(node < 0, ROOT, options.below[options.option[node]]).astype(np.int64)
            pair, child = _children(self.tree, table, node)
            children, ends = np.zeros(len(child)), np.ones(len(node))
            # A node whose children all lead nowhere on canonical ways has no group: a text that is there stays there.
            chooses = np.flatnonzero(group >= 0)
            if not len(chooses):
                return children, ends
            scored = choices(options, self.rows, vectors, text[chooses], group[chooses])
            proba = np.exp(scored.log_proba, dtype=np.float64)
            last = scored.begins[1:] - 1
            # A group's last option leads to its own node where it is "ends here", else to a child.
            ends[chooses] = np.where(options.node[scored.option[last]] == node[chooses], proba[last], 0.0)
            begins = np.zeros(len(node), dtype=np.int64)
            begins[chooses] = scored.begins[:-1]
            there = np.flatnonzero((options.option[child] >= 0) & (group[pair] >= 0))
            at = pair[there]
            children[there] = proba[begins[at] + options.option[child[there]] - options.start[group[at]]]
            return children, ends

        return conditional

    def _best(self, vectors: Float32, *, k: int, width: int) -> Best:
        if len(vectors) == 1:
            return search_one(self.options, self.rows, vectors[0], k=k, width=width)
        return search_block(self.options, self.rows, vectors, k=k, width=width)

    def _fitting(self, features: ArrayLike) -> NDArray[Any]:
        given = np.asanyarray(features)
        if given.ndim != 2 or given.shape[1] != self.rows.width:
            raise DataError(
                f"Features of shape {given.shape} came for a head of {self.rows.width} features a text: "
                "they are probably another encoder's."
            )
        return given

    def _block(self, width: int) -> int:
        candidates = min(width, self.options.n_groups) * self.options.largest_group
        return max(1, min(BATCH, _CANDIDATES // max(1, min(candidates, len(self.options)))))


def _float32(features: NDArray[Any]) -> Float32:
    vectors = np.ascontiguousarray(features, dtype=np.float32)
    if not np.isfinite(vectors).all():
        raise DataError("Some features are not finite: NaN or infinity came out of the encoder.")
    return vectors


def _joined(options: Options, found: list[Best]) -> BeamPaths:
    log_proba = np.concatenate([best.log_proba for best in found])
    option = np.concatenate([best.option for best in found])
    lost = np.concatenate([best.lost for best in found])
    nodes = np.where(option >= 0, options.node[option], -1).astype(np.int64)
    return BeamPaths(nodes, np.exp(log_proba, dtype=np.float64), log_proba[:, -1] >= lost)


def _children(tree: Taxonomy, table: CSR, node: Int64) -> tuple[Int64, Int64]:
    """Give the children of nodes, or of as many roots, and the position in ``node`` that each belongs to."""
    if node[0] < 0:
        top = np.asarray(tree.level(1), dtype=np.int64)
        return np.repeat(np.arange(len(node)), len(top)), np.tile(top, len(node))
    counts = table.indptr[node + 1] - table.indptr[node]
    return np.repeat(np.arange(len(node)), counts), table.rows(node).astype(np.int64)
