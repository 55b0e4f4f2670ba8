"""Does the promise hold? "At least 95 % of the answers are right", made on held-out rows, checked on others.

The test rows of every data set are split at random a hundred times into rows that the promise is made on (a quarter of
them choose the calibration and the start of the walk, three quarters prove it) and as many that it is checked on.
Printed are the share of splits in which the realised accuracy reaches the target (it should be at least the
confidence), how often a promise could be made at all, how many texts are answered and how many down to the end of their
path, and beside it how many texts a single threshold on the raw probability of the best terminal answers at the same
realised accuracy.

    python benchmarks/decisions/guarantee.py            # writes results/guarantee.md; half an hour
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from _scored import RESULTS, SEVERAL, SINGLE, Scored, data_sets, describe, scored

from textaxa.calibration import fit_calibration
from textaxa.decoding import terminal_proba
from textaxa.errors import DataError
from textaxa.guarantee import Evidence, collect_evidence, promise
from textaxa.taxonomy import Taxonomy

SPLITS = 100
TARGETS = (0.9, 0.95, 0.99)
CONFIDENCE = 0.95
SCOPES = ("all", "level", "branch")
MODELS = ("linear", "chained")


@dataclass(frozen=True)
class Outcome:
    """One split: what was promised came true on the other half?"""

    made: bool
    realised: float = np.nan
    answered: float = np.nan
    full_depth: float = np.nan
    raw_full_depth: float = np.nan


def outcomes(found: Scored, target: float, scope: str) -> Iterator[Outcome]:
    for split in range(SPLITS):
        rng = np.random.default_rng([split, 7])
        yield _outcome(found, target, scope, rng.permutation(len(found.test_proba)))


_CACHE: dict[tuple[int, int], tuple[Evidence, np.ndarray]] = {}


def _calibrated(found: Scored, order: np.ndarray) -> tuple[Evidence, np.ndarray]:
    """Give the evidence of the first half of the rows, and the calibrated probabilities of the second one."""
    key = id(found), hash(order.tobytes())
    if key not in _CACHE:
        half = len(order) // 2
        first, second = order[:half], order[half:]
        tuning = np.arange(half) < half // 4
        chosen = first[tuning]
        calibration = fit_calibration(
            found.taxonomy,
            [found.test_nodes[i] for i in chosen],
            found.test_proba[chosen],
            task=found.task,
            method="temperature-per-level",
        )
        nodes = [found.test_nodes[i] for i in first]
        evidence = collect_evidence(
            found.taxonomy, nodes, calibration(found.test_proba[first]), task=found.task, tuning=tuning
        )
        _CACHE[key] = evidence, calibration(found.test_proba[second])
    return _CACHE[key]


def _outcome(found: Scored, target: float, scope: str, order: np.ndarray) -> Outcome:
    evidence, proba = _calibrated(found, order)
    rows = order[len(order) // 2 :]
    try:
        kept = promise(found.taxonomy, evidence, target, CONFIDENCE, scope, texts=len(rows))
    except DataError:
        return Outcome(made=False)
    checked = collect_evidence(
        found.taxonomy,
        [found.test_nodes[i] for i in rows],
        proba,
        task=found.task,
        tuning=np.zeros(len(rows), bool),
    )
    if found.task == "multi":
        return _several(checked, checked.proba >= kept.thresholds[checked.node])
    given = kept.passes(checked.proba, checked.node, checked.levels_below)
    return _single(found.taxonomy, checked, given, found.test_proba[rows], scope)


def _single(taxonomy: Taxonomy, checked: Evidence, given: np.ndarray, raw: np.ndarray, scope: str) -> Outcome:
    n = len(checked)
    deepest = _last_given(checked, given)
    answered = deepest >= 0
    right = checked.right[deepest[answered]]
    full = deepest == checked.start[1:] - 1
    realised = _worst(taxonomy, checked, given, deepest, scope) if scope != "all" else _mean(right)
    best = terminal_proba(taxonomy, raw)
    sure, position = best.max(axis=1), checked.start[1:] - 1
    raw_right = checked.right[position]
    return Outcome(True, realised, answered.mean(), (answered & full).mean(), _raw(sure, raw_right, _mean(right)) / n)


def _last_given(checked: Evidence, given: np.ndarray) -> np.ndarray:
    last = np.full(len(checked), -1)
    claims = np.flatnonzero(given)
    np.maximum.at(last, checked.row[claims], claims)
    return last


def _worst(taxonomy: Taxonomy, checked: Evidence, given: np.ndarray, deepest: np.ndarray, scope: str) -> float:
    """Give the lowest realised accuracy of a level; of branches the mean one, since each is promised by itself."""
    if scope == "level":
        levels = taxonomy.depth[checked.node]
        return min(_mean(checked.right[given & (levels == one)]) for one in np.unique(levels[given]))
    return _mean(checked.right[deepest[deepest >= 0]])


def _raw(sure: np.ndarray, right: np.ndarray, target: float) -> int:
    """Give how many texts one threshold on the raw probability answers with a realised accuracy of the target."""
    order = np.argsort(-sure, kind="stable")
    accuracy = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    reached = np.flatnonzero(accuracy >= target)
    return int(reached[-1]) + 1 if len(reached) else 0


def _several(checked: Evidence, given: np.ndarray) -> Outcome:
    row = checked.row[given]
    count = np.bincount(row, minlength=len(checked))
    right = np.bincount(row, weights=checked.right[given], minlength=len(checked))
    share = right[count > 0] / count[count > 0]
    return Outcome(True, _mean(share), (count > 0).mean())


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else 1.0


def row_of(name: str, model: str, found: list[Outcome], target: float, scope: str) -> str:
    made = [one for one in found if one.made]
    cells = [name, model, scope, f"{target:.0%}", f"{len(made)}"]
    if made:
        kept = sum(one.realised >= target - 1e-12 for one in made) + len(found) - len(made)
        cells += [
            f"{kept / len(found):.0%}",
            *(f"{np.mean([getattr(one, k) for one in made]):.1%}" for k in ("realised", "answered")),
        ]
        cells += [
            "" if np.isnan(made[0].full_depth) else f"{np.mean([getattr(one, k) for one in made]):.1%}"
            for k in ("full_depth", "raw_full_depth")
        ]
    else:
        cells += ["–"] * 5
    return "| " + " | ".join(cells) + " |"


HEAD = """# Guaranteed depth: does the promise hold?

{machine}

The test rows of every set, split at random {splits} times into rows that the promise is made on (a quarter chooses the
calibration and the start of the walk, three quarters prove it) and as many that it is checked on. Confidence
{confidence:.0%}; the promise is about as many texts as it is checked on. "Held": share of the splits in which the
realised accuracy was at least the target; splits without a promise (an error that says how many rows it would take)
count as held. "Made": in how many there was one. For scope `level` the lowest realised accuracy of a level counts, for
`branch` that of all answers. Means over splits with a promise. "Raw": what one threshold on the raw probability of the
best terminal answers at the same realised accuracy, chosen with hindsight. fdroid has several paths a text: there the
accuracy is the mean share of a text's nodes that are right.

| data | model | scope | target | made | held | realised | answered | to the full depth | raw |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def main(names: tuple[str, ...]) -> None:
    rows = []
    for data in data_sets(names):
        for model in MODELS:
            found = scored(data, model)
            for scope in SCOPES:
                for target in TARGETS:
                    rows.append(row_of(data.name, model, list(outcomes(found, target, scope)), target, scope))
                    print(rows[-1], flush=True)
            _CACHE.clear()
    if names == (*SINGLE, *SEVERAL):
        head = HEAD.format(machine=describe(), confidence=CONFIDENCE, splits=SPLITS)
        (RESULTS / "guarantee.md").write_text(head + "\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(tuple(sys.argv[1:]) or (*SINGLE, *SEVERAL))
