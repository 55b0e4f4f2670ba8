"""What to collect, describe or look through next, ranked by the texts at stake."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from textaxa.evaluation import NodeTable, confusions
from textaxa.report._material import Material, shown

SHOWN = 12

FEW_ROWS = 30
"""Fewer training rows than this: more of them are the likeliest cure."""

LEAST_MISSED = 2
"""One missed text may be chance."""

LOW_RECALL = 0.7

LEAST_CONFUSED = 3
"""Texts that two nodes take from each other before they count as overlapping."""

UNSURE = 0.3
"""A text that no top-level node has this probability for is one that the taxonomy may have no place for."""


@dataclass(frozen=True)
class _Advice:
    kind: str
    about: str
    why: str
    texts: int

    def to_dict(self) -> dict[str, Any]:
        return dict(vars(self))


def advice(material: Material, table: NodeTable) -> dict[str, Any]:
    """Give what to do next in plain words.

    Returns
    -------
    ``steps``: the kind (``collect``, ``look``, ``overlap``, ``outside``), what it is about, why, and the wrong answers
    that it may cure, most first. ``unsure``: texts for which no top-level node is probable; ``untested``, ``unseen``:
    leaves without a tested text, and without a training row (None where that is not known).
    """
    steps = [*_few_rows(material, table), *_overlapping(material), *_outside(material)]
    rows, leaves = material.training_rows, material.taxonomy.is_leaf
    return {
        "steps": [step.to_dict() for step in sorted(steps, key=lambda step: -step.texts)[:SHOWN]],
        "unsure": int(_unsure(material).sum()),
        "n": len(material.texts),
        "leaves": int(leaves.sum()),
        "untested": int((table.support[leaves] == 0).sum()),
        "unseen": None if rows is None else int((rows[leaves] == 0).sum()),
    }


def _few_rows(material: Material, table: NodeTable) -> Iterator[_Advice]:
    """Leaves that are missed often: more rows where there are few, another look where there are many."""
    rows = material.training_rows
    often = (table.support - table.right >= LEAST_MISSED) & (table.recall < LOW_RECALL) & material.taxonomy.is_leaf
    for node in np.flatnonzero(often).tolist():
        missed = int(table.support[node] - table.right[node])
        told = f"{missed} of its {table.support[node]:,} tested texts were put elsewhere."
        kind = "look"
        if rows is not None:
            kind = "collect" if rows[node] < FEW_ROWS else "look"
            told = f"{rows[node]:,} training row{'' if rows[node] == 1 else 's'}; {told}"
        yield _Advice(kind, shown(table.path[node]), told, missed)


def _overlapping(material: Material) -> Iterator[_Advice]:
    """Siblings that take texts from each other, in both directions."""
    found = confusions(material.taxonomy, material.true, material.predicted)
    counts = {(one.true, one.predicted): one for one in found if one.kind == "siblings"}
    for (true, predicted), one in counts.items():
        back = counts.get((predicted, true))
        if back is None or one.count + back.count < LEAST_CONFUSED or (one.count, true) < (back.count, predicted):
            continue
        about = f"{shown(one.true_path)} and {shown(one.predicted_path)}"
        why = f"{one.count} texts of the first were put into the second, and {back.count} the other way round."
        yield _Advice("overlap", about, why, one.count + back.count)


def _outside(material: Material) -> Iterator[_Advice]:
    unsure = _unsure(material)
    if count := int(unsure.sum()):
        share = count / len(unsure)
        why = (
            f"For {count} of {len(unsure):,} texts ({100 * share:.0f}\u00a0%) no top-level category reaches "
            f"{100 * UNSURE:.0f}\u00a0%. Read some of them: a category may be missing."
        )
        wrong = int((unsure & ~material.is_right).sum())
        yield _Advice("outside", "Texts that fit nowhere well", why, wrong)


def _unsure(material: Material) -> Any:
    return material.node_proba[:, material.taxonomy.level_slice(1)].max(axis=1) < UNSURE
