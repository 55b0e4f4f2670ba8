"""What a decoder gives back: one path of one text, with its probabilities and why it ended where it did."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textaxa.taxonomy import Path, Taxonomy

LEAF = "leaf"
LABEL_ENDS_HERE = "label ends here"
NOT_SURE_ENOUGH = "not sure enough"
LOWEST_COST = "expected cost is lowest here"


@dataclass(frozen=True)
class Prediction:
    """One path of one text.

    Attributes
    ----------
    node
        Number of the node at which the path ends.
    path
        Names from the top level down.
    probability
        P(the text belongs under ``node``), in [0, 1].
    path_probability
        P(the label is exactly this path), in [0, 1]: the same at a leaf, less at an inner node. Several-path tasks do
        not model where a label ends, so there it equals ``probability``.
    levels
        ``(name, P(the text belongs under that node))`` for every node of the path, from the top level down.
    stopped
        Why the path ends here: ``leaf``; ``label ends here`` (an inner node at which labels may end); ``not sure
        enough`` (an inner node at which no label ends, below which nothing was probable enough); ``expected cost is
        lowest here`` (an inner node at which no label ends, chosen as the best answer by what answers cost or score).
    """

    node: int
    path: Path
    probability: float
    path_probability: float
    levels: tuple[tuple[str, float], ...]
    stopped: str
    because: str = ""

    @property
    def depth(self) -> int:
        """Number of nodes on the path; 1 is the top level."""
        return len(self.path)


class PredictionMaker:
    """Turns node numbers into predictions; a node's path is looked up once, however often it is predicted."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy
        self._known: dict[int, tuple[Path, list[int], str]] = {}

    def make(
        self, node: int, row: NDArray[np.floating], path_probability: float | None = None, *, inner: str | None = None
    ) -> Prediction:
        """Give the prediction that ends at ``node``; ``row`` is the text's ``node_proba``, shape (N,).

        ``inner`` is why it ends at an inner node at which no label ends; not given: ``not sure enough``.
        """
        chain = self.chain(node)
        return self.make_along(node, row[chain].tolist(), path_probability, inner=inner)

    def chain(self, node: int) -> list[int]:
        """Give the nodes of the canonical path that ends at ``node``, from the top level down."""
        return (self._known.get(node) or self._look_up(node))[1]

    def make_along(
        self, node: int, along: list[float], path_probability: float | None = None, *, inner: str | None = None
    ) -> Prediction:
        """Give the prediction that ends at ``node``, from P(the text belongs under) every node of its `chain`."""
        path, _, stopped = self._known.get(node) or self._look_up(node)
        if inner is not None and stopped == NOT_SURE_ENOUGH:
            stopped = inner
        return Prediction(
            node=node,
            path=path,
            probability=along[-1],
            path_probability=along[-1] if path_probability is None else path_probability,
            levels=tuple(zip(path, along, strict=True)),
            stopped=stopped,
        )

    def _look_up(self, node: int) -> tuple[Path, list[int], str]:
        taxonomy, chain, ancestor = self._taxonomy, [node], int(self._taxonomy.parent[node])
        while ancestor >= 0:
            chain.append(ancestor)
            ancestor = int(taxonomy.parent[ancestor])
        stopped = LEAF if taxonomy.is_leaf[node] else LABEL_ENDS_HERE if taxonomy.is_terminal[node] else NOT_SURE_ENOUGH
        self._known[node] = (taxonomy.path(node), chain[::-1], stopped)
        return self._known[node]
