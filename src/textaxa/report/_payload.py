"""A report as one plain dict: every number and text of the page, which JSON can hold."""

from datetime import UTC, datetime
from typing import Any

from textaxa.evaluation import per_node
from textaxa.report._material import Material, cut
from textaxa.report._payload_advice import advice
from textaxa.report._payload_confusions import worst_confusions
from textaxa.report._payload_coverage import coverage
from textaxa.report._payload_labels import likely_label_errors
from textaxa.report._payload_promise import promise_kept
from textaxa.report._payload_rare import rare_nodes
from textaxa.report._payload_reliability import charts, reliability
from textaxa.report._payload_scores import branches, levels, overall, tiles

VERSION = 1
"""Of the JSON that the page holds; another form of it gets another number."""

FACT = 500
"""Characters of a setting."""


def payload(material: Material) -> dict[str, Any]:
    """Give everything that the page shows.

    Returns
    -------
    Plain values. ``charts`` is what the script reads, and the other entries are the sections of the page in its order:
    ``about``, ``coverage``, ``promise`` (or None), ``overall``, ``levels``, ``branches``, ``reliability``,
    ``confusions``, ``rare`` (None where training rows are not known), ``label_errors``, ``advice``, ``facts``.
    """
    table = per_node(material.taxonomy, material.true, material.predicted)
    covered = coverage(material)
    reliable = reliability(material)
    return {
        "version": VERSION,
        "about": _about(material),
        "coverage": {name: value for name, value in covered.items() if name != "charts"},
        "promise": promise_kept(material),
        "overall": overall(material),
        "levels": levels(material),
        "branches": branches(material, table),
        "reliability": reliable,
        "confusions": worst_confusions(material),
        "rare": rare_nodes(material, table),
        "label_errors": likely_label_errors(material),
        "advice": advice(material, table),
        "facts": {
            title: {name: cut(str(value), FACT) for name, value in group.items()}
            for title, group in material.facts.items()
        },
        "charts": {
            "coverage": covered["charts"],
            "tiles": tiles(material, table),
            "reliability": charts(reliable),
        },
    }


def _about(material: Material) -> dict[str, Any]:
    taxonomy = material.taxonomy
    return {
        "model": cut(material.name, 120),
        "source": cut(material.source, 120),
        "unit": material.unit,
        "task": material.task,
        "texts": len(material.texts),
        "total_rows": material.total_rows or len(material.texts),
        "nodes": len(taxonomy),
        "levels": taxonomy.n_levels,
        "written": datetime.now(UTC).date().isoformat(),
    }
