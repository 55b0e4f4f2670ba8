"""Tested rows whose label is likely wrong, with the text and what the model suggests."""

from typing import Any

from textaxa.audit import label_errors
from textaxa.report._material import Material, cut, number, sample, shown

SHOWN = 12
"""Rows told of each kind."""

TEXT = 240
"""Characters of a text that are shown."""

CELLS = 12_000_000
"""Rows × nodes that are looked through: some twenty seconds. Of more rows a random sample is taken."""

KINDS = ("wrong branch", "wrong leaf")


def likely_label_errors(material: Material) -> dict[str, Any]:
    """Give the most suspicious rows of each kind, in how many the model would have it otherwise, and of how many."""
    looked = sample(len(material.texts), max(1, CELLS // len(material.taxonomy)))
    true = [material.true[i] for i in looked.tolist()]
    found = label_errors(material.taxonomy, true, material.node_proba[looked], task=material.task)
    kinds = {
        kind: {
            "count": sum(one.kind == kind for one in found),
            "rows": [_row(material, one, int(looked[one.row])) for one in found if one.kind == kind][:SHOWN],
        }
        for kind in KINDS
    }
    return {"looked": len(looked), "kinds": kinds}


def _row(material: Material, one: Any, i: int) -> dict[str, Any]:
    return {
        "row": material.rows[i],
        "text": cut(material.texts[i], TEXT),
        "given": shown(one.given),
        "suggested": shown(one.suggested),
        "change": one.change,
        "score": number(one.score),
    }
