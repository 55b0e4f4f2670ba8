"""The first two sections of the page: what can be left to the model, at which accuracy."""

from collections.abc import Mapping
from typing import Any

from textaxa.report._html import Html, element, joined
from textaxa.report._payload_coverage import percent
from textaxa.report._table import Cell, Row, count, interval, plain, share, table

Told = Mapping[str, Any]


def in_short(payload: Told) -> Html:
    """Give the section for a person who reads one sentence."""
    about, coverage = payload["about"], payload["coverage"]
    headline = coverage["headline"]
    return element(
        "section",
        element("p", headline["sentence"], class_="headline"),
        element("p", headline["note"], " ", _ends(coverage), class_="soft"),
        element("p", _whole_path(payload)),
        _honest(about),
        _scores(payload),
        id="short",
        aria_label="In short",
    )


def _ends(coverage: Told) -> str:
    ends = coverage["headline"]["intervals"]
    if not ends or coverage["headline"]["threshold"] is None:
        return ""
    told = [
        f"{100 * low:.0f} to {100 * high:.0f}\u00a0% {name}"
        for name, (low, high) in zip(coverage["names"], ends, strict=True)
        if high > 0
    ]
    return f"95 % intervals: {'; '.join(told)}."


def _whole_path(payload: Told) -> Html:
    one = payload["overall"][0]
    between = f" (95 % interval {interval(one['interval'])})" if one["interval"] else ""
    others = "; ".join(f"{name} {percent(value, 1)}" for name, value in one["references"].items())
    beside = f" For comparison: {others}." if others else ""
    what = "exactly the right path" if payload["about"]["task"] == "single" else "exactly the right set of paths"
    return joined(
        "If the model answers every text in full, ",
        element("strong", percent(one["value"], 1)),
        f"{between} get {what}.{beside}",
    )


def _honest(about: Told) -> Html:
    rows = f"Measured on {about['texts']:,} texts. It holds for new texts only if the model has not learned from these."
    if about["total_rows"] > about["texts"]:
        rows += f" They are a random sample of {about['total_rows']:,} rows."
    if about["texts"] < 100:
        rows += " That is few: read every number as a rough one."
    return element("p", rows, class_="soft")


def _scores(payload: Told) -> Html:
    names = list(payload["overall"][0]["references"])
    rows: list[Row] = [
        [one["title"], _value(one), *(Cell(_plain(one, one["references"][name]), None) for name in names)]
        for one in payload["overall"]
    ]
    return table("Scores over all texts, shares in %", ["Score", "This model", *names], rows)


def _value(one: Told) -> Cell:
    return (
        plain(one["value"], one["interval"])
        if one["name"] == "mistake_severity"
        else share(one["value"], one["interval"])
    )


def _plain(one: Told, value: float) -> str:
    return f"{value:.2f}" if one["name"] == "mistake_severity" else f"{100 * value:.1f}"


def coverage_section(payload: Told) -> Html:
    """Give the section with the slider; without a script, its table says the same for a few accuracies."""
    coverage = payload["coverage"]
    single = payload["about"]["task"] == "single"
    names = coverage["names"]
    person = len(names) - 1
    return element(
        "section",
        element("h2", "Coverage against accuracy"),
        element("p", _RULE if single else _RULE_SEVERAL),
        _slider(payload),
        element("div", id="coverage-chart", class_="chart tall", role="img", aria_label=_CHART, hidden=True),
        _targets(coverage),
        element("p", _DESCRIBES, class_="soft"),
        _promise(payload["promise"]),
        id="coverage",
        style=f"--share-{person}: var(--person); --on-share-{person}: var(--on-person)",
    )


_RULE = (
    "The model starts at the most probable path of a text and goes up until it is sure enough; the higher it stops, "
    "the surer it has to be. The surer it has to be, the fewer answers are wrong, and the more is left to a person. An "
    "answer that stops above the last level is right when the text belongs under it."
)
_RULE_SEVERAL = (
    "A text may have several paths. The model gives all categories that it is sure enough of. Accuracy is the share of "
    "right ones among those it gives to a text; a text without an answer has none that is wrong."
)
_CHART = "Shares of the texts at every accuracy; the table below gives them in numbers"
_DESCRIBES = (
    "This describes these texts: how sure the model has to be was read off them, which flatters a little. It is no "
    "promise for others."
)


def _promise(told: Told | None) -> Html | None:
    """Tell what the model promises from rows that were held out in training, and how that went here."""
    if told is None:
        return None
    head = element("h3", f"The promise: {percent(told['accuracy'])} of answers right")
    if told["why"]:
        return joined(head, element("p", "It cannot be made for this model. ", told["why"]))
    shares = "; ".join(f"{part}\u00a0% {name}" for name, part in zip(told["names"], told["shown"], strict=True) if part)
    right = told["right"] / max(1, told["answered"])
    return joined(
        head,
        element(
            "p",
            "It rests on rows that were held out in training, not on these, and is made with "
            f"{percent(told['confidence'])} confidence. Answered that way, {shares}. "
            f"Of the {told['answered']:,} answers ",
            element("strong", percent(right, 1)),
            f" are right here (95 % interval {interval(told['interval'])}).",
        ),
    )


def _slider(payload: Told) -> Html:
    coverage, charts = payload["coverage"], payload["charts"]["coverage"]
    headline = coverage["headline"]
    scale = element(
        "input",
        type="range",
        id="target",
        min=0,
        max=len(charts["targets"]) - 1,
        step=1,
        value=charts["start"],
        aria_describedby="target-sentence",
    )
    label = element(
        "label",
        "Accuracy asked for: ",
        element("output", percent(headline["wanted"], 1), id="target-shown"),
        for_="target",
    )
    return joined(
        element("div", label, scale, id="slider", hidden=True),
        element("p", headline["sentence"], id="target-sentence", class_="told", aria_live="polite"),
        element("p", headline["note"], id="target-note", class_="soft"),
        element(
            "div",
            [_part(i, headline["shares"][i]) for i in range(len(coverage["names"]))],
            class_="shares",
            aria_hidden="true",
        ),
        element(
            "ul", [_legend(i, name, headline["shown"][i]) for i, name in enumerate(coverage["names"])], class_="legend"
        ),
    )


def _part(i: int, value: float) -> Html:
    return element("span", id=f"share-{i}", style=f"flex-grow: {value}; background: var(--share-{i})")


def _legend(i: int, name: str, value: int) -> Html:
    swatch = element("span", class_="swatch", style=f"background: var(--share-{i})")
    return element("li", swatch, element("strong", f"{value}\u00a0%", id=f"share-number-{i}"), f" {name}")


def _targets(coverage: Told) -> Html:
    rows: list[Row] = [
        [
            percent(row["wanted"]),
            *(
                Cell(f"{value}", value) if row["threshold"] is not None else Cell("not reached", None)
                for value in row["shown"]
            ),
            count(row["answered"]),
            share(row["accuracy"]),
            plain(row["threshold"], digits=3),
        ]
        for row in coverage["table"]
    ]
    columns = [
        "Accuracy asked for",
        *(f"{name} (%)" for name in coverage["names"]),
        "Texts answered",
        "Reached (%)",
        "Threshold",
    ]
    return table("What share of the texts, at which accuracy", [name[:1].upper() + name[1:] for name in columns], rows)
