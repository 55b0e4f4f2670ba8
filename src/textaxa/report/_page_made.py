"""The last section of the page: how it was made, and what each number means."""

from collections.abc import Mapping
from typing import Any

from textaxa.report._html import Html, element

Told = Mapping[str, Any]

_GLOSSARY = {
    "Whole path right": "Share of texts whose answer is exactly the true one, from the top level to its end.",
    "Accuracy at level L": "Of the texts whose true path reaches level L, the share with the right node there.",
    "Precision, recall": "Of the texts put into a category, the share that belongs there; of those that belong there, "
    "the share that was put there. A text belongs to every category above its own, too.",
    "F1": "The harmonic mean of precision and recall. Macro-F1 is the mean over categories, so a small one counts as "
    "much as a large one; micro-F1 counts texts.",
    "Hierarchical F1": "The F1 over all nodes of all paths: an answer in the right branch is half right.",
    "Mistake severity": "By how many levels answers miss, as a mean over all texts; right ones count 0.",
    "Threshold": "The probability from which on the model gives an answer.",
    "ECE": "Expected calibration error: how far said probabilities are from the share that is right, as a mean over "
    "bins of equally many texts. Corrected: without the part that chance makes.",
    "Log loss, Brier score": "Scores of the probabilities themselves; both are least when these are true.",
    "95 % interval": "Where the number would lie for most other samples of as many texts (bootstrap; Wilson's for "
    "single categories). It says nothing of another training run.",
    "Label to check": "The model is surer of another label than it usually is of this one.",
}


def made_section(payload: Told) -> Html:
    """Give the section with facts and meanings."""
    groups = [
        element("details", element("summary", title), _list(values), data_print=True)
        for title, values in payload["facts"].items()
    ]
    return element(
        "section",
        element("h2", "How this was made"),
        _about(payload["about"]),
        groups,
        element("h3", "What the numbers mean"),
        _list(_GLOSSARY),
        id="made",
    )


def _about(about: Told) -> Html:
    paths = "one path a text" if about["task"] == "single" else "one or several paths a text"
    size = f"{about['nodes']:,} categories on {about['levels']} level{'' if about['levels'] == 1 else 's'}"
    return _list(
        {
            "Model": about["model"],
            "Table": f"{about['source']}, {about['total_rows']:,} rows",
            "Taxonomy": f"{size}; {paths}",
            "Written": about["written"],
        }
    )


def _list(values: Mapping[str, str]) -> Html:
    return element("dl", [(element("dt", name), element("dd", value, dir="auto")) for name, value in values.items()])
