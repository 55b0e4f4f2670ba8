"""The sections of the page with scores: levels, branches, nodes; and whether the probabilities mean what they say."""

from collections.abc import Mapping
from typing import Any

from textaxa.report._html import Html, element, joined
from textaxa.report._table import Cell, Row, count, f1_class, plain, share, table

Told = Mapping[str, Any]

PRINTED = 300
"""Above this many nodes the tables of the branches stay folded in print."""

_STEPS = ("below 20 %", "20 to 40 %", "40 to 60 %", "60 to 80 %", "80 % and more")


def scores_section(payload: Told) -> Html:
    """Give the section with levels, tree map, branches and their nodes."""
    branches = payload["branches"]
    return element(
        "section",
        element("h2", "Where it is right"),
        _levels(payload),
        element("h3", "Branches"),
        element("p", _remarks(branches), class_="soft"),
        _tree_map(),
        _branches(branches),
        _nodes(branches),
        id="scores",
    )


def _levels(payload: Told) -> Html:
    rows: list[Row] = [
        [
            f"Level {one['level']}",
            count(one["n"]),
            *(share(one[name]["value"], one[name]["interval"]) for name in _LEVEL),
        ]
        for one in payload["levels"]
    ]
    return table("Scores by level in %, 95 % intervals below", ["Level", "Texts", *_LEVEL.values()], rows)


_LEVEL = {"accuracy": "Accuracy", "micro_f1": "Micro-F1", "macro_f1": "Macro-F1"}


def _remarks(branches: Told) -> str:
    told = "F1 is one number for how many of a category's texts are found, and how many of those found are its own."
    if branches["untested"]:
        share = f"{branches['untested']:,} of {branches['nodes']:,}"
        told += f" {share} categories have no text here, so nothing is known of them."
    if branches["left_out"]:
        told += f" {branches['left_out']:,} categories with the fewest texts are left out of the tables."
    return told


def _tree_map() -> Html:
    """Give the place of the tree map with its legend; both are shown when the script has drawn it."""
    steps = [
        element("li", element("span", class_="swatch", style=f"background: var(--f1-{i})"), f"F1 {name}")
        for i, name in enumerate(_STEPS)
    ]
    label = "Tree map: a tile a category, as large as it has texts, coloured by F1; the tables below give the numbers"
    return element(
        "div",
        element("div", id="tree-map", class_="chart tall", role="img", aria_label=label, hidden=True),
        element("ul", steps, class_="legend"),
        element(
            "p",
            "A tile is as large as its category has texts. A click on it shows the branch.",
            class_="soft on-screen",
        ),
        class_="drawn",
    )


def _branches(branches: Told) -> Html:
    rows: list[Row] = [
        [
            _link(row),
            count(row["support"]),
            _f1(row),
            share(row["precision"]),
            share(row["recall"]),
            share(row["whole_path"]),
        ]
        for row in branches["rows"]
    ]
    return table("Branches; scores in %", ["Branch", "Texts", *_SCORES, "Whole path right"], rows, sortable=True)


_SCORES = ("F1", "Precision", "Recall")


def _link(row: Told) -> str:
    return element("a", row["name"], href=f"#branch-{row['node']}", dir="auto") if row["nodes"] else row["name"]


def _f1(row: Told) -> Cell:
    return share(row["f1"], row["interval"], class_=f1_class(row["f1"]))


def _nodes(branches: Told) -> Html | None:
    listed = [row for row in branches["rows"] if row["nodes"]]
    if not listed:
        return None
    opened = sum(len(row["nodes"]) for row in listed) <= PRINTED
    return joined(element("h3", "Nodes of each branch"), [_branch(row, printed=opened) for row in listed])


def _branch(row: Told, *, printed: bool) -> Html:
    nodes: list[Row] = [
        [
            node["path"].removeprefix(f"{row['path']} › "),
            count(node["support"]),
            _f1(node),
            share(node["precision"]),
            share(node["recall"]),
        ]
        for node in row["nodes"]
    ]
    shown = "" if row["f1"] is None else f", F1 {100 * row['f1']:.0f}\u00a0%"
    summary = element(
        "summary", element("bdi", row["name"]), element("span", f" {row['support']:,} texts{shown}", class_="soft")
    )
    inside = table(f"Nodes of {row['name']}; scores in %", ["Node", "Texts", *_SCORES], nodes, sortable=True)
    return element("details", summary, inside, id=f"branch-{row['node']}", data_print=printed)


def reliability_section(payload: Told) -> Html:
    """Give the section with the reliability diagrams."""
    told = payload["reliability"]
    return element(
        "section",
        element("h2", "Do the probabilities mean what they say?"),
        element("p", _MEANING, " ", _CALIBRATED if told["calibrated"] else None),
        element("div", [_diagram(one) for one in told["levels"] if one["level"] is not None], class_="diagrams drawn"),
        _errors(told),
        _losses(told),
        id="reliability",
    )


_MEANING = (
    "Of the answers that the model is 80 % sure of, 80 % should be right: then the points lie on the dotted line. "
    "Points below it: the model is too sure of itself. A large point stands for many texts. ECE is the mean distance "
    "from the line; in the corrected one the part is taken off that chance makes with so many texts."
)
_CALIBRATED = "Before (diamonds, dashed) and after (circles) the model's calibration."


def _diagram(one: Told) -> Html:
    name = f"Level {one['level']}"
    label = f"Reliability diagram of level {one['level']}; the table below gives the error"
    place = element("div", id=f"reliability-{one['level']}", class_="chart", role="img", aria_label=label, hidden=True)
    return element("figure", element("figcaption", name), place)


def _errors(told: Told) -> Html:
    before = told["calibrated"]
    rows: list[Row] = []
    for one in told["levels"]:
        name = "Whole path" if one["level"] is None else f"Level {one['level']}"
        cells = [share(one["after"]["ece"]), share(one["after"]["ece_debiased"], one["after"]["interval"])]
        if before:
            cells.insert(
                0, share(one["before"]["ece_debiased"], one["before"]["interval"]) if one["before"] else share(None)
            )
        rows.append([name, count(one["after"]["n"]), *cells])
    columns = ["Level", "Texts", *(["Before, corrected"] if before else []), "ECE", "ECE, corrected"]
    return table("Expected calibration error in points, 95 % intervals below", columns, rows)


def _losses(told: Told) -> Html:
    before = told["calibrated"]
    rows: list[Row] = [
        [
            title,
            *([plain(told[name]["before"], digits=3)] if before else []),
            plain(told[name]["after"], told[name]["interval"], digits=3),
        ]
        for name, title in (("log_loss", "Log loss (nats)"), ("brier", "Brier score"))
    ]
    return table(
        "Scores of the probabilities; less is better", ["Score", *(["Before"] if before else []), "Value"], rows
    )
