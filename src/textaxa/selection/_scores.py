"""How unsure a model is about a text, and about what.

Comes in: node probabilities (B, N). Goes out: one number a text in [0, 1], and the two nodes that it hangs between, so
that a person can be told why.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa._sparse import take
from textaxa.decoding import check_thresholds, terminal_proba
from textaxa.decoding._thresholds import passing
from textaxa.taxonomy import Taxonomy

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

COVERAGE = 0.25
"""How much rare classes count: a text's weight falls with its class's rows to this power."""

NO_NODE = -1


@dataclass(frozen=True)
class RowScores:
    """How unsure a model is about texts.

    Attributes
    ----------
    uncertainty
        In [0, 1], float64 (B,). One path a text: 1 minus the margin between the two most probable paths. Several: of
        all nodes the one nearest to its threshold; 1 is right on it.
    node, rival
        What the text hangs between: the nodes at which the two most probable paths part, int64 (B,). Where one path
        goes on from the other, ``node`` or ``rival`` is the node at which the shorter one ends. Several paths: the node
        whose threshold is near, and -1.
    node_proba, rival_proba
        Their probabilities, float64 (B,); of the shorter path the probability that it ends there.
    best
        The end of the most probable path, int64 (B,); several paths: the same as ``node``.
    """

    uncertainty: Floats
    node: Ints
    rival: Ints
    node_proba: Floats
    rival_proba: Floats
    best: Ints

    def __len__(self) -> int:
        return len(self.uncertainty)

    def take(self, rows: ArrayLike) -> "RowScores":
        """Give the scores of these rows."""
        return RowScores(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def score_rows(
    taxonomy: Taxonomy, node_proba: ArrayLike, *, task: str = "single", thresholds: ArrayLike = 0.5
) -> RowScores:
    """Give for every text how unsure the model is, and between what.

    The margin of the two best paths does better than their entropy where there are many classes: the tail of classes
    that a text certainly is not in makes entropy large without telling anything. Source: Settles (2009), "Active
    Learning Literature Survey", section 3.1.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    node_proba
        P(the text belongs under node n), shape (B, N).
    task
        ``single`` (one path a text) or ``multi``.
    thresholds
        Several paths: from which probability on a node is an answer; one, or one a node (N,).

    Raises
    ------
    ConfigError
        A threshold is outside (0, 1].
    DataError
        ``node_proba`` has another shape, or values that are not finite.

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    >>> found = score_rows(taxonomy, [[1.0, 0.0, 0.75, 0.25], [0.625, 0.375, 0.625, 0.0]])
    >>> found.uncertainty.tolist()
    [0.5, 0.75]
    >>> [taxonomy.path(int(node)) for node in found.rival]
    [('Games', 'Cards'), ('Tools',)]
    """
    exact = terminal_proba(taxonomy, node_proba)
    proba = np.asarray(node_proba, dtype=np.float64)
    if task == "multi":
        return _several(proba, check_thresholds(taxonomy, thresholds))
    return _one_path(taxonomy, proba, exact.astype(np.float64))


def residuals(
    taxonomy: Taxonomy, node_proba: ArrayLike, best: ArrayLike, *, task: str = "single", thresholds: ArrayLike = 0.5
) -> NDArray[np.float32]:
    """Give node probabilities less the answer that the model would give, float32 (B, N): what it is unsure about.

    Parameters
    ----------
    taxonomy, node_proba, task, thresholds
        As `score_rows` takes them.
    best
        The end of every text's most probable path (B,); not read where there are several paths.

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards")])
    >>> residuals(taxonomy, [[1.0, 0.75, 0.25]], [1]).tolist()
    [[0.0, -0.25, 0.25]]
    """
    found = np.array(node_proba, dtype=np.float32)
    if task == "multi":
        cuts = check_thresholds(taxonomy, thresholds)
        return found - passing(taxonomy, found, cuts)
    row, node = take(taxonomy.ancestors, np.asarray(best))
    found[row, node] -= 1
    return found


def coverage_weight(taxonomy: Taxonomy, counts: ArrayLike, nodes: ArrayLike, *, task: str = "single") -> Floats:
    """Give the weight of texts by how many training rows their predicted class has: 1 for none, less for more.

    Parameters
    ----------
    taxonomy
        The taxonomy.
    counts
        Training rows of every terminal (T,); several paths: of every node (N,).
    nodes
        The end of every text's most probable path (B,).
    task
        ``single`` or ``multi``.
    """
    of_node = np.zeros(len(taxonomy))
    of_node[slice(None) if task == "multi" else taxonomy.terminals] = counts
    weights: Floats = (1 + of_node[np.asarray(nodes)]) ** -COVERAGE
    return weights


def _one_path(taxonomy: Taxonomy, proba: Floats, exact: Floats) -> RowScores:
    best = np.argmax(exact, axis=1)
    rows = np.arange(len(exact))
    first = exact[rows, best]
    ends = taxonomy.terminals[best].astype(np.int64)
    if exact.shape[1] == 1:
        nothing = np.full(len(exact), NO_NODE)
        return RowScores(1 - first, ends, nothing, first, np.zeros(len(exact)), ends)
    others = exact.copy()
    others[rows, best] = -1
    second = np.argmax(others, axis=1)
    rivals = taxonomy.terminals[second].astype(np.int64)
    level = 1 + np.append(taxonomy.depth, 0)[taxonomy.lca(ends, rivals)]
    node, rival = _climb(taxonomy, ends, level), _climb(taxonomy, rivals, level)
    runner_up = others[rows, second]
    node_proba = np.where(taxonomy.depth[node] < level, first, proba[rows, node])
    rival_proba = np.where(taxonomy.depth[rival] < level, runner_up, proba[rows, rival])
    return RowScores(np.clip(1 - (first - runner_up), 0, 1), node, rival, node_proba, rival_proba, ends)


def _climb(taxonomy: Taxonomy, nodes: Ints, level: NDArray[np.integer]) -> Ints:
    """Give the canonical ancestors of nodes at their levels; a node that ends above its level stays."""
    nodes = nodes.copy()
    while (too_deep := taxonomy.depth[nodes] > level).any():
        nodes[too_deep] = taxonomy.parent[nodes[too_deep]]
    return nodes


def _several(proba: Floats, thresholds: NDArray[np.floating]) -> RowScores:
    above = (1 - proba) / np.maximum(1 - thresholds, np.finfo(np.float64).tiny)
    near = np.clip(np.where(proba < thresholds, proba / thresholds, above), 0, 1)
    near[(proba >= thresholds) & (thresholds >= 1)] = 1  # a probability of 1 on a threshold of 1
    node = np.argmax(near, axis=1).astype(np.int64)
    rows = np.arange(len(proba))
    at = proba[rows, node]
    return RowScores(near[rows, node], node, np.full(len(proba), NO_NODE), at, np.zeros(len(proba)), node)
