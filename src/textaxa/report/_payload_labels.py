"""Tested rows whose label is likely wrong, with the text and what the model suggests."""

from typing import Any

from textaxa.audit import label_errors
from textaxa.report._material import Material, cut, number, shown

SHOWN = 12
"""Rows told of each kind."""

TEXT = 240
"""Characters of a text that are shown."""

KINDS = ("wrong branch", "wrong leaf")


def likely_label_errors(material: Material) -> dict[str, Any]:
    """Give the most suspicious rows of each kind, and in how many the model would have it otherwise."""
    found = label_errors(material.taxonomy, material.true, material.node_proba, task=material.task)
    return {
        kind: {
            "count": sum(one.kind == kind for one in found),
            "rows": [_row(material, one) for one in found if one.kind == kind][:SHOWN],
        }
        for kind in KINDS
    }


def _row(material: Material, one: Any) -> dict[str, Any]:
    return {
        "row": material.rows[one.row],
        "text": cut(material.texts[one.row], TEXT),
        "given": shown(one.given),
        "suggested": shown(one.suggested),
        "change": one.change,
        "score": number(one.score),
    }
