"""Do prediction sets hold the truth as often as they say, how large are they, and are foreign texts told apart?

Sets: the test rows are split in halves a hundred times, cut on one half and checked on the other. Foreign texts: a
plain `linear` model (words and characters) is trained on each set; texts of all the other sets are foreign to it. Half
of the validation rows choose the cut, so that 5 % of the texts that belong may be sent away.

    python benchmarks/decisions/sets_and_outside.py            # writes results/sets_and_outside.md; minutes
"""

import numpy as np
from _scored import RESULTS, SEVERAL, SINGLE, Scored, Split, data_sets, describe, scored

from textaxa.guarantee import collect_evidence, is_outside, outside_cut, prediction_sets, set_cut
from textaxa.guarantee._evidence import surest_of
from textaxa.taxonomy import Taxonomy
from textaxa.training import train_model

SPLITS = 100
COVERAGES = (0.8, 0.9, 0.95)
FALSE_ALARMS = 0.05
FOREIGN = 200
"""Texts of every other set."""


def sets_row(data: Split, model: str, found: Scored, coverage: float) -> str:
    held, mean, middle = [], [], []
    for split in range(SPLITS):
        order = np.random.default_rng([split, 3]).permutation(len(found.test_proba))
        first, second = np.array_split(order, 2)
        evidence = _evidence(found, first)
        given = prediction_sets(found.taxonomy, found.test_proba[second], set_cut(evidence, coverage), task=found.task)
        held.append(np.mean([_holds(found, nodes, i) for nodes, i in zip(given, second, strict=True)]))
        mean.append(np.mean([len(one) for one in given]))
        middle.append(np.median([len(one) for one in given]))
    ends = np.quantile(held, [0.025, 0.975])
    cells = (data.name, model, f"{coverage:.0%}", f"{np.mean(held):.1%}", f"{ends[0]:.1%}–{ends[1]:.1%}")
    return "| " + " | ".join((*cells, f"{np.mean(mean):.1f}", f"{np.mean(middle):.0f}")) + " |"


def _evidence(found: Scored, rows: np.ndarray):
    nodes = [found.test_nodes[i] for i in rows]
    tuning = np.zeros(len(rows), bool)
    return collect_evidence(found.taxonomy, nodes, found.test_proba[rows], task=found.task, tuning=tuning)


def _holds(found: Scored, nodes: list[int], row: int) -> bool:
    """Single-path: the true end is at or below a node of the set. Several: every true node is above one."""
    ancestors, true = found.taxonomy.ancestors, found.test_nodes[row]
    if found.task == "single":
        return bool(set(ancestors.row(true[0]).tolist()) & set(nodes))
    covered = {above for node in nodes for above in ancestors.row(node).tolist()}
    return set(true) <= covered


def outside_row(data: Split, everything: list[Split]) -> str:
    taxonomy = Taxonomy.from_paths(dict.fromkeys(data.paths), sort=True)
    task = "multi" if data.several else "single"
    model = train_model(*data.train, taxonomy, task=task, head="linear", valid=data.valid)
    cut = outside_cut(model.evidence, FALSE_ALARMS)
    own = model.node_proba(data.test[0])
    rng = np.random.default_rng(0)
    others = [other for other in everything if other.name != data.name]
    foreign = [other.test[0][i] for other in others for i in rng.permutation(len(other.test[0]))[:FOREIGN]]
    strange = model.node_proba(foreign)
    false, found = (is_outside(taxonomy, proba, cut, task=task).mean() for proba in (own, strange))
    area = _area(surest_of(taxonomy, own, task), surest_of(taxonomy, strange, task))
    return f"| {data.name} | {len(own):,} | {len(foreign):,} | {false:.1%} | {found:.1%} | {area:.3f} |"


def _area(own: np.ndarray, strange: np.ndarray) -> float:
    """Give P(a text that belongs is surer than a foreign one), ties half: the area under the ROC curve."""
    ordered = np.sort(strange)
    below, upto = np.searchsorted(ordered, own), np.searchsorted(ordered, own, side="right")
    return float((below + (upto - below) / 2).mean() / len(strange))


HEAD = """# Prediction sets, and texts that belong nowhere

{machine}

## Sets: how often the truth is in them

Test rows, split in halves {splits} times; the cut from one half, checked on the other. Mean and central 95 % of the
splits, mean and median number of nodes in a set. fdroid has several paths a text: there all of them must be in the set.

| data | model | wanted | held | central 95 % | nodes, mean | median |
| --- | --- | --- | --- | --- | --- | --- |
"""

OUTSIDE = """
## Texts that belong nowhere

A plain `linear` model; {foreign} test texts of each of the other sets are foreign to it. The cut allows {alarms:.0%}
false alarms on texts that belong. *Area*: how often a text that belongs is surer than a foreign one.

| data | own texts | foreign texts | false alarms | foreign ones found | area |
| --- | --- | --- | --- | --- | --- |
"""


def main() -> None:
    everything = list(data_sets((*SINGLE, *SEVERAL)))
    lines = [HEAD.format(machine=describe(), splits=SPLITS)]
    for data in everything:
        for model in ("linear", "chained"):
            found = scored(data, model)
            for coverage in COVERAGES:
                lines.append(sets_row(data, model, found, coverage) + "\n")
                print(lines[-1], end="", flush=True)
    lines.append(OUTSIDE.format(foreign=FOREIGN, alarms=FALSE_ALARMS))
    for data in everything:
        lines.append(outside_row(data, everything) + "\n")
        print(lines[-1], end="", flush=True)
    (RESULTS / "sets_and_outside.md").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
