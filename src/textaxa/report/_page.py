"""The page, from the dict that `payload` gives: sections in order, a list of them, data and script."""

from collections.abc import Mapping
from typing import Any

from textaxa.report._document import document, static
from textaxa.report._html import Html, element, joined, json_block
from textaxa.report._page_made import made_section
from textaxa.report._page_mistakes import advice_section, confusions_section, labels_section, rare_section
from textaxa.report._page_scores import reliability_section, scores_section
from textaxa.report._page_summary import coverage_section, in_short

COMMAND = "evaluate"

DATA = "report-data"
"""The element that holds the payload as JSON."""

_CONTENTS = {
    "coverage": "Coverage",
    "scores": "Scores",
    "reliability": "Probabilities",
    "confusions": "Confusions",
    "rare": "Rare categories",
    "labels": "Labels to check",
    "next": "What to do next",
    "made": "How it was made",
}


def html_page(payload: Mapping[str, Any]) -> str:
    """Give the page as text; it can be read without its script, and asks for nothing outside itself."""
    about = payload["about"]
    title = f"{about['model']} on {about['source']}"
    sections = [
        in_short(payload),
        coverage_section(payload),
        scores_section(payload),
        reliability_section(payload),
        confusions_section(payload),
        rare_section(payload),
        labels_section(payload),
        advice_section(payload),
        made_section(payload),
    ]
    body = joined(
        element("header", element("h1", title, dir="auto"), element("p", _what(about), class_="soft"), class_="top"),
        _contents(payload),
        element("main", sections),
        json_block(DATA, payload),
    )
    return document(title, body, command=COMMAND, script=static("report.js"))


def _what(about: Mapping[str, Any]) -> str:
    levels = f"{about['levels']} level{'' if about['levels'] == 1 else 's'}"
    return f"{about['texts']:,} texts, {about['nodes']:,} categories on {levels}. {about['written']}."


def _contents(payload: Mapping[str, Any]) -> Html:
    links = [
        element("li", element("a", name, href=f"#{target}"))
        for target, name in _CONTENTS.items()
        if target != "rare" or payload["rare"] is not None
    ]
    return element("nav", element("ul", links), aria_label="Sections")
