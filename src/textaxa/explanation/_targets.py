"""What is asked about a path: at each level one node, and what it is measured against."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textaxa.errors import ConfigError
from textaxa.explanation._explanation import ENDS_HERE, LOG_ODDS, NAMED, NO_CHOICE, RUNNER_UP
from textaxa.taxonomy import Path, Taxonomy

_ROUNDING = 1e-6
"""A difference of probabilities below this is rounding of float32."""


@dataclass(frozen=True)
class Target:
    """One score: of a node against another one.

    Attributes
    ----------
    path
        Names down to the node.
    node
        The node.
    kind
        As in `textaxa.explanation.LevelExplanation`.
    against
        The other node; with ``ends here`` the inner node at which the path would end; None where there is none.
    """

    path: Path
    node: int
    kind: str
    against: int | None = None


def targets_of(
    taxonomy: Taxonomy, proba: NDArray[np.floating], path: Path, against: Path | None, *, task: str
) -> list[Target]:
    """Give one target a level of a path.

    Parameters
    ----------
    taxonomy
        With N nodes.
    proba
        The text's node probabilities (N,), in which the runner-up is looked for.
    path
        The path that is explained.
    against
        The path to measure it against; None: at each level the most probable sibling. Where both paths are the same,
        the most probable sibling too.
    task
        ``single`` or ``multi``: with several paths and no ``against``, the log-odds of the node.

    Raises
    ------
    ConfigError
        The two paths cannot be told apart.
    TaxonomyError
        A path is not in the taxonomy.
    """
    chain = _chain(taxonomy, path)
    other = [] if against is None else _chain(taxonomy, against)
    if other and not _apart(taxonomy, chain, other, task):
        raise ConfigError(
            f"{' > '.join(path)} cannot be measured against {' > '.join(against or ())}: one leads through the other, "
            "and no label ends where they part. Name a path that branches off."
        )
    found = []
    for level, node in enumerate(chain):
        told = path[: level + 1]
        here = _named(taxonomy, told, chain, other) if other else None
        if here is None and task == "multi":
            here = Target(told, node, LOG_ODDS)
        found.append(here or _runner_up(taxonomy, proba, told, chain))
    return found


def end_columns(taxonomy: Taxonomy, node: int) -> dict[int, float]:
    """Give P(the label ends exactly at an inner node) as a sum over node probabilities: ``{node: factor}``.

    In a tree it is the node's own less that of its children; in a DAG every terminal strictly below it counts once.

    >>> end_columns(Taxonomy.from_paths([("Games",), ("Games", "Cards"), ("Games", "Cards", "Solo")]), 0)
    {0: 1.0, 1: -1.0}
    """
    factors: dict[int, float] = {node: 1.0}
    if taxonomy.is_tree:
        return factors | dict.fromkeys(taxonomy.children.row(node).tolist(), -1.0)
    below = [int(t) for t in taxonomy.descendants.row(node)[1:] if taxonomy.is_terminal[t]]
    for terminal in below:  # ascending: above before below
        over = sum(f for n, f in factors.items() if n in set(taxonomy.ancestors.row(terminal).tolist()))
        if over:
            factors[terminal] = factors.get(terminal, 0.0) - over
    return factors


def _chain(taxonomy: Taxonomy, path: Path) -> list[int]:
    taxonomy.index(path)
    return [taxonomy.index(path[:level]) for level in range(1, len(path) + 1)]


def _apart(taxonomy: Taxonomy, chain: list[int], other: list[int], task: str) -> bool:
    """Tell whether some level can be measured against the named path."""
    if other[-1] in chain[:-1]:
        return task == "single" and bool(taxonomy.is_terminal[other[-1]])
    return chain[-1] not in other


def _named(taxonomy: Taxonomy, told: Path, chain: list[int], other: list[int]) -> Target | None:
    """Give the target of a level against the named path; None where both go the same way there."""
    level = len(told) - 1
    node, there = chain[level], other[min(level, len(other) - 1)]
    if there in chain:
        ends = there == other[-1] and level and there == chain[level - 1]
        return Target(told, node, ENDS_HERE, there) if ends else None
    return None if there in _kin(taxonomy, node) else Target(told, node, NAMED, there)


def _kin(taxonomy: Taxonomy, node: int) -> NDArray[np.int32]:
    """Give a node's ancestors and descendants, and itself."""
    return np.union1d(taxonomy.ancestors.row(node), taxonomy.descendants.row(node))


def _runner_up(taxonomy: Taxonomy, proba: NDArray[np.floating], told: Path, chain: list[int]) -> Target:
    """Give the target against the most probable of all other ways on from the node above."""
    level = len(told) - 1
    node, above = chain[level], chain[level - 1] if level else None
    siblings = taxonomy.level(1) if above is None else taxonomy.children.row(above)
    ways = [(float(proba[n]), RUNNER_UP, int(n)) for n in np.setdiff1d(siblings, _kin(taxonomy, node)) if proba[n] > 0]
    if above is not None and taxonomy.is_terminal[above]:
        ending = sum(factor * float(proba[n]) for n, factor in end_columns(taxonomy, above).items())
        if ending > _ROUNDING:
            ways.append((ending, ENDS_HERE, above))
    if not ways:
        return Target(told, node, NO_CHOICE)
    _, kind, against = max(ways, key=lambda way: way[0])
    return Target(told, node, kind, against)
