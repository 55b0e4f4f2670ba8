"""A promise: "with 95 % confidence, at least 95 % of the answers are right", and the thresholds that keep it.

Evidence of held-out rows comes in, a promise goes out; or an error that says how many rows would be needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from textaxa.errors import ConfigError, DataError
from textaxa.guarantee._bounds import answers_needed
from textaxa.guarantee._climb import HANDICAPS, order_of, proba_at
from textaxa.guarantee._control import NEVER, Walk, Wanted, lowest_safe, start_of, walk_nodes, walk_paths
from textaxa.guarantee._evidence import Evidence
from textaxa.taxonomy import Taxonomy

SCOPES = {
    "all": "of all answers",
    "level": "of the nodes given on each level",
    "branch": "of the answers in each top-level branch",
}
"""What a promise can be about."""

_GROUPS_TOLD = 5
_ROUNDED = 1000

_ROOM = 0.1
"""The p-value that rows which are not tested let expect must be so much smaller than the one that is asked for: what
others show just about, the rows that prove it show in half of the cases."""


@dataclass(frozen=True)
class Kept:
    """What the promise looks like on one part of the answers (all, a level, or a branch), on the rows that prove it.

    Attributes
    ----------
    name
        ``all``, ``level 2``, or the name of a top-level node.
    threshold
        Probability from which on a node is given; infinite where no promise can be kept, so that none is given.
    rows
        Held-out rows of this part.
    answered
        Of these, how many get an answer.
    accuracy
        Share of the answers that are right; NaN without answers.
    needed
        Where none is given: held-out rows of this part that would probably be needed. None: no number would do, or not
        applicable.
    """

    name: str
    threshold: float
    rows: int
    answered: int
    accuracy: float
    needed: int | None


@dataclass(frozen=True)
class Promise:
    """Thresholds under which answers are right as often as promised.

    Attributes
    ----------
    accuracy, confidence
        With probability ``confidence`` over the draw of the held-out rows, the share of right answers among all answers
        to come is at least ``accuracy``. In a several-paths task: on average over the texts with an answer, at least
        this share of a text's nodes is right.
    scope
        A key of `SCOPES`.
    thresholds
        One a node, float64 (N,); infinite: never given. They are compared with the order of a path's nodes
        (`_climb.order_of`), which is their probability where there is no handicap.
    parts
        What it rests on.
    handicap
        Log-odds by which a node comes behind one that lies a level nearer to the end of its path.
    """

    accuracy: float
    confidence: float
    scope: str
    thresholds: NDArray[np.float64]
    parts: tuple[Kept, ...]
    handicap: float = 0.0

    def passes(
        self, proba: NDArray[np.float64], nodes: NDArray[np.integer], levels_below: NDArray[np.integer]
    ) -> NDArray[np.bool_]:
        """Tell which nodes of single-path answers the promise covers.

        Parameters
        ----------
        proba
            P(the text belongs under the node).
        nodes
            Their numbers; the same shape.
        levels_below
            How many nodes of the path lie below each; the same shape.
        """
        compared = order_of(proba, levels_below, self.handicap) if self.handicap else proba
        return np.asarray(compared >= self.thresholds[nodes])

    def needed(self, node: int, levels_below: int) -> float:
        """Give the probability from which on a node of a single-path answer is covered; infinite: never."""
        threshold = float(self.thresholds[node])
        ordered = self.handicap and np.isfinite(threshold)
        return proba_at(threshold, levels_below, self.handicap) if ordered else threshold


def promise(
    taxonomy: Taxonomy,
    evidence: Evidence,
    accuracy: float,
    confidence: float = 0.95,
    scope: str = "all",
    *,
    texts: int | None = None,
) -> Promise:
    """Give the lowest thresholds at which held-out rows prove that the answers are right as often as promised.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    evidence
        What held-out rows say.
    accuracy
        Share of answers that shall be right, in (0, 1).
    confidence
        Probability that the promise holds, in (0, 1).
    scope
        ``all``: of all answers. ``level``: on every level at once, of the nodes given there. ``branch``: in every
        top-level branch; where a branch has too few rows, nothing is answered there.
    texts
        Single-path tasks: the promise is about the share that will be right among the next so many texts, which varies
        more the fewer they are. Left out: about all texts that will ever come.

    Raises
    ------
    ConfigError
        ``accuracy`` or ``confidence`` is not in (0, 1), or ``scope`` is not known.
    DataError
        The rows cannot prove it; the message says how many would be needed.

    Examples
    --------
    >>> from textaxa.guarantee import collect_evidence
    >>> taxonomy = Taxonomy.from_paths([("Games",), ("Tools",)])
    >>> proba = [[0.9, 0.1], [0.2, 0.8]] * 100
    >>> evidence = collect_evidence(taxonomy, [[0], [1]] * 100, proba, task="single")
    >>> promise(taxonomy, evidence, 0.95).parts[0].answered
    150
    """
    _check(accuracy, confidence, scope)
    tuning, tested = evidence.select(evidence.tuning), evidence.select(~evidence.tuning)
    maker = {"all": _of_all, "level": _of_levels, "branch": _of_branches}[scope]
    to_come = None if texts is None else texts / max(1, len(tested))
    thresholds, parts, handicap = maker(taxonomy, tuning, tested, Wanted(1 - accuracy, 1 - confidence, to_come))
    if not any(part.answered for part in parts):
        raise DataError(_cannot(parts, tested, accuracy, confidence, scope, share=len(tested) / max(1, len(evidence))))
    return Promise(accuracy, confidence, scope, thresholds, parts, handicap)


def percent(share: float) -> str:
    """Write a share in percent, with no more digits than it has."""
    return f"{100 * share:.6g}%"


def _check(accuracy: float, confidence: float, scope: str) -> None:
    for name, value in (("accuracy", accuracy), ("confidence", confidence)):
        if not 0 < value < 1:
            raise ConfigError(f"{name} = {value} cannot be promised: it must lie between 0 and 1, such as 0.95.")
    if scope not in SCOPES:
        raise ConfigError(f"A promise can be made for {', '.join(SCOPES)}, not for {scope!r}.")


Made = tuple[NDArray[np.float64], tuple[Kept, ...], float]
"""Thresholds (N,), the parts, and the handicap of the order."""


def _of_all(taxonomy: Taxonomy, tuning: Evidence, tested: Evidence, wanted: Wanted) -> Made:
    start, handicap = _order(tuning, wanted, scale=_scale(tuning, tested))
    part = _part("all", walk_paths(tested, handicap), start, wanted, rows=len(tested))
    return np.full(len(taxonomy), part.threshold), (part,), handicap


def _order(tuning: Evidence, wanted: Wanted, *, scale: float) -> tuple[float, float]:
    """Choose the order of nodes and the start in it: the first order that will probably do, else the nearest to it."""
    found = [(*start_of(walk_paths(tuning, handicap), wanted, scale=scale), handicap) for handicap in HANDICAPS]
    probable = [one for one in found if one[1] <= _ROOM * wanted.error]
    start, _, handicap = probable[0] if probable else min(found, key=lambda one: one[1])
    return start, handicap


def _of_levels(taxonomy: Taxonomy, tuning: Evidence, tested: Evidence, wanted: Wanted) -> Made:
    """Every level has its own walk at a part of the error, so that all hold at once.

    Thresholds must not fall downwards, so that what is given on a level is given above it, too. Starts do not fall
    either, so that a raised threshold is one that its level's walk has passed.
    """
    thresholds, parts = np.empty(len(taxonomy)), []
    wanted = replace(wanted, error=wanted.error / taxonomy.n_levels)
    start, highest = 0.0, 0.0
    for level in range(1, taxonomy.n_levels + 1):
        of_tuning, of_tested = (taxonomy.depth[one.node] == level for one in (tuning, tested))
        start = max(start, start_of(walk_nodes(tuning, of_tuning), wanted, scale=_scale(tuning, tested))[0])
        found, rows = walk_nodes(tested, of_tested), len(np.unique(tested.row[of_tested]))
        part = _part(f"level {level}", found, start, wanted, rows=rows, least=highest)
        highest = part.threshold
        thresholds[taxonomy.level_slice(level)] = highest
        parts.append(part)
    return thresholds, tuple(parts), 0.0


def _of_branches(taxonomy: Taxonomy, tuning: Evidence, tested: Evidence, wanted: Wanted) -> Made:
    """Every top-level branch has its own walk; order and start come from all rows, since a branch has few of them."""
    thresholds, parts = np.full(len(taxonomy), NEVER), []
    branch = branches(taxonomy)
    of_claims = branch[tested.node]
    _, handicap = _order(tuning, wanted, scale=_scale(tuning, tested))
    every = walk_paths(tuning, handicap)
    for top in taxonomy.level(1).tolist():
        claims = of_claims == top
        rows = len(np.unique(tested.row[claims]))
        start, _ = start_of(every, wanted, scale=rows / max(1, len(tuning)))
        part = _part(taxonomy.names[top], walk_paths(tested, handicap, claims), start, wanted, rows=rows)
        thresholds[branch == top] = part.threshold
        parts.append(part)
    return thresholds, tuple(parts), handicap


def _scale(tuning: Evidence, tested: Evidence) -> float:
    return len(tested) / max(1, len(tuning))


def branches(taxonomy: Taxonomy) -> NDArray[np.int64]:
    """Give the top-level node above every node, by primary parents; (N,)."""
    found = np.arange(len(taxonomy))
    for level in range(2, taxonomy.n_levels + 1):
        nodes = taxonomy.level(level)
        found[nodes] = found[taxonomy.parent[nodes]]
    return found


def _part(name: str, found: Walk, start: float, wanted: Wanted, *, rows: int, least: float = 0.0) -> Kept:
    threshold, at = lowest_safe(found, start, wanted)
    if at >= 0 and least > threshold:  # raised to that of the level above, which this walk has passed
        threshold, at = least, found.at(least)
    if at < 0:
        return Kept(name, NEVER, rows, 0, np.nan, _needed(found, start, wanted, rows))
    answered = int(found.answered[at])
    return Kept(name, threshold, rows, answered, 1 - float(found.loss[at]) / max(1, answered), None)


def _needed(found: Walk, start: float, wanted: Wanted, rows: int) -> int | None:
    """Give the rows that would be needed, were mistakes as frequent as they are among the surest answers at hand."""
    at = max(0, found.at(start))
    if not len(found.threshold):
        return answers_needed(0.0, wanted.rate, wanted.error)
    answered = int(found.answered[at])
    needed = answers_needed(float(found.loss[at]) / answered, wanted.rate, wanted.error)
    return None if needed is None else max(rows + 1, int(np.ceil(needed * rows / answered)))


def _cannot(
    parts: Sequence[Kept], tested: Evidence, accuracy: float, confidence: float, scope: str, *, share: float
) -> str:
    said = f"{percent(accuracy)} accuracy with {percent(confidence)} confidence cannot be promised"
    possible = [part.needed for part in parts if part.needed is not None]
    about = "" if scope == "all" else f" for any {scope}"
    if not possible:
        return (
            f"{said}{about}: even of the surest answers on the {len(tested):,} held-out rows too many are wrong, so "
            "more rows would not help. Ask for less accuracy, or train a better model."
        )
    total = int(np.ceil(min(possible) / max(share, 0.01)))
    return (
        f"{said}{about}: {len(tested):,} held-out rows that chose nothing about the model are too few to prove it. "
        f"About {_round(total):,} validation rows would be needed ({_round(min(possible)):,} for the proof). Give more "
        "with `textaxa calibrate MODEL labelled.csv`, or ask for less."
    )


def describe(found: Promise) -> str:
    """Tell in one sentence what is promised, and on what it rests.

    >>> describe(Promise(0.95, 0.9, "all", np.zeros(1), (Kept("all", 0.0, 80, 80, 1.0, None),)))
    'With 90% confidence, at least 95% of all answers are right (proven on 80 held-out rows that chose nothing).'
    """
    counts = [part.rows for part in found.parts]
    rows = sum(counts) if found.scope == "branch" else max(counts)
    promised = f"at least {percent(found.accuracy)} {SCOPES[found.scope]} are right"
    rests_on = f"proven on {rows:,} held-out rows that chose nothing"
    return f"With {percent(found.confidence)} confidence, {promised} ({rests_on})."


def unproven(found: Promise) -> str:
    """Tell the parts in which nothing can be promised, with the rows that they would need; empty where there are none.

    >>> unproven(Promise(0.9, 0.9, "all", np.zeros(1), (Kept("all", 0.0, 9, 9, 1.0, None),)))
    ''
    """
    missing = [part for part in found.parts if part.threshold == NEVER]
    told = [
        f"{part.name} ({part.rows:,} held-out rows; {_more(part.needed)})"
        for part in sorted(missing, key=lambda part: -part.rows)[:_GROUPS_TOLD]
    ]
    if not told:
        return ""
    more = f" and {len(missing) - len(told)} more" if len(missing) > len(told) else ""
    return f"Nothing is promised, and so nothing answered, in: {'; '.join(told)}{more}."


def _more(needed: int | None) -> str:
    return "more would not help" if needed is None else f"about {_round(needed):,} needed"


def _round(number: int) -> int:
    """Round up to two digits, from a thousand on: it is an estimate."""
    step = 10 ** max(0, len(str(number)) - 2) if number >= _ROUNDED else 1
    return -(-number // step) * step
