"""The answer with the lowest expected cost, for the tree distance or the user's own costs."""

from typing import Literal

from numpy.typing import ArrayLike

from textaxa.decoding._closure import exact_blocks, first_largest
from textaxa.decoding._costs import Costs, cost_matrix
from textaxa.decoding._hf_beta import make_single
from textaxa.decoding._prediction import Prediction, PredictionMaker
from textaxa.errors import ConfigError
from textaxa.taxonomy import Taxonomy


def min_risk_paths(
    taxonomy: Taxonomy,
    node_proba: ArrayLike,
    costs: Costs | ArrayLike | None = None,
    *,
    answers: Literal["all", "terminals"] = "all",
) -> list[list[Prediction]]:
    """Give every text the path with the lowest expected cost: of equals the first in node order.

    Without ``costs`` an answer costs its **tree distance** from the truth: the nodes that belong to one of the two
    paths and not to the other. On a tree this is the number of edges from one node to the other. On a DAG a node stands
    for itself and all its ancestors, so that two nodes below common parents are near each other whichever way is taken
    (`Taxonomy.distance` measures along longest ways instead; on a tree both are the same).

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes and T terminals.
    node_proba
        P(the text belongs under node n), shape (B, N), of a single-path task.
    costs
        What `read_costs` gives, or a matrix (N, T): the cost of answering a node when the truth is a terminal.
    answers
        ``all`` nodes may be answers, also those at which no label ends; or ``terminals`` only.

    Returns
    -------
    One list a text, of one prediction. ``stopped`` is ``expected cost is lowest here`` at an inner node at which no
    label ends.

    Raises
    ------
    ConfigError
        The costs are of another taxonomy or another shape; ``answers`` is not known.
    DataError
        ``node_proba`` has another shape, or values that are not finite.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Games", "Chess"), ("Tools",)])
    >>> proba = [[0.6, 0.4, 0.2, 0.2, 0.2]]
    >>> [[found]] = min_risk_paths(taxonomy, proba)
    >>> found.path, found.stopped
    (('Games',), 'expected cost is lowest here')
    >>> [[found]] = min_risk_paths(taxonomy, proba, answers="terminals")
    >>> found.path
    ('Tools',)

    Source: Karthik et al., No Cost Likelihood Manipulation at Test Time for Making Better Mistakes in Deep Networks,
    ICLR 2021. There the answers are the leaves.
    """
    known = _checked(taxonomy, costs)
    if answers not in ("all", "terminals"):
        raise ConfigError(f"answers = {answers!r} is not known: answers can be 'all' nodes or 'terminals'.")
    terminals, maker, found = taxonomy.terminals, PredictionMaker(taxonomy), []
    for proba, exact in exact_blocks(taxonomy, node_proba):
        risk = known.expected(exact)
        best = first_largest(-risk) if answers == "all" else terminals[first_largest(-risk[:, terminals])]
        found += make_single(taxonomy, maker, proba, exact, best)
    return found


def _checked(taxonomy: Taxonomy, costs: Costs | ArrayLike | None) -> Costs:
    if costs is None:
        return Costs(taxonomy)
    if not isinstance(costs, Costs):
        return cost_matrix(taxonomy, costs)
    if costs.taxonomy != taxonomy:
        raise ConfigError(
            "The costs were made for another taxonomy than the one that is decoded. Read them with this taxonomy."
        )
    return costs
