"""The sections of the page that people act on: confusions, rare classes, labels to check, what to collect next."""

from collections.abc import Mapping, Sequence
from typing import Any

from textaxa.report._html import Html, element, joined
from textaxa.report._table import Row, count, f1_class, share, table

Told = Mapping[str, Any]


def confusions_section(payload: Told) -> Html:
    """Give the section with the pairs that are confused most, and texts of each."""
    told = payload["confusions"]
    return element(
        "section",
        element("h2", "Worst confusions"),
        element("p", "What was taken for what, most often first. Without a threshold: every text gets a full answer."),
        _legend(told),
        [_kind(kind, title, told["pairs"], payload["about"]["unit"]) for kind, title in _KINDS.items()],
        None if told["pairs"] else element("p", "Nothing was confused."),
        id="confusions",
    )


_KINDS = {
    "siblings": "Siblings: the same category above",
    "across branches": "Across branches: the ends of the two paths",
}


def _legend(told: Told) -> Html | None:
    if not told["pairs"]:
        return None
    why = (
        element("p", f"{told['unexplained']} texts without marked words. {told['why']}", class_="soft")
        if told["why"]
        else None
    )
    if not told["explained"]:
        return why
    marks = element(
        "p",
        "Marked: words that ",
        element("mark", "pushed to the wrong answer", class_="for-3"),
        ", and words that ",
        element("mark", "argued for the right one", class_="against-3"),
        "; the stronger the colour, the more.",
        class_="soft",
    )
    return joined(marks, why)


def _kind(kind: str, title: str, pairs: Sequence[Told], unit: str) -> Html | None:
    chosen = [one for one in pairs if one["kind"] == kind]
    if not chosen:
        return None
    return joined(element("h3", title), element("ol", [_pair(one, unit) for one in chosen], class_="cards"))


def _pair(one: Told, unit: str) -> Html:
    what = element(
        "p",
        element("bdi", element("strong", one["true"])),
        " was taken for ",
        element("bdi", element("strong", one["predicted"])),
        element("span", f" {_texts(one['count'])}, {100 * one['share']:.0f}\u00a0% of its texts", class_="soft"),
    )
    return element("li", what, [_example(example, unit) for example in one["examples"]])


def _example(example: Told, unit: str) -> Html:
    paths = element(
        "footer",
        f"{unit} {example['row']}: is ",
        element("bdi", example["true"]),
        ", was put into ",
        element("bdi", example["predicted"]),
        f" ({100 * example['probability']:.0f}\u00a0% sure)",
    )
    quote = element(
        "p", "… " if example["before"] else None, _marked(example), " …" if example["after"] else None, dir="auto"
    )
    return element("blockquote", quote, paths)


def _marked(example: Told) -> Html:
    text, parts, done = example["text"], [], 0
    for start, end, strength in example["words"]:
        name = f"{'for' if strength > 0 else 'against'}-{abs(strength)}"
        parts += [text[done:start], element("mark", text[start:end], class_=name)]
        done = end
    return joined(*parts, text[done:])


def _texts(number: int) -> str:
    return f"{number:,} text{'' if number == 1 else 's'}"


def rare_section(payload: Told) -> Html | None:
    """Give the section on categories with few training rows; nothing where their numbers are not known."""
    told = payload["rare"]
    if told is None:
        return None
    bands: list[Row] = [
        [_band(one), count(one["nodes"]), count(one["texts"]), share(one["recall"]), share(one["f1"])]
        for one in told["bands"]
    ]
    head = element("h2", "Rare categories")
    rare = f"{told['rare']:,} of {told['of']:,} lowest categories have fewer than {told['limit']} training rows."
    inside = [
        element("p", rare),
        table(
            "Recall by training rows, in %", ["Training rows", "Categories", "Texts", "Mean recall", "Mean F1"], bands
        ),
    ]
    if told["rows"]:
        rows: list[Row] = [
            [
                one["path"],
                count(one["rows"]),
                count(one["support"]),
                share(one["f1"], class_=f1_class(one["f1"])),
                share(one["recall"]),
            ]
            for one in told["rows"]
        ]
        columns = ["Category", "Training rows", "Texts", "F1", "Recall"]
        inside.append(table("Rare categories that miss most texts; scores in %", columns, rows, sortable=True))
    return element("section", head, inside, id="rare")


def _band(one: Told) -> str:
    if one["to"] is None:
        return f"{one['from']} and more"
    return str(one["from"]) if one["to"] == one["from"] else f"{one['from']} to {one['to']}"


def labels_section(payload: Told) -> Html:
    """Give the section with labels that may be wrong."""
    told, about = payload["label_errors"], payload["about"]
    kinds = told["kinds"]
    found = [_suspects(title, kinds[kind], about["unit"]) for kind, title in _SUSPECTS.items() if kinds[kind]["rows"]]
    part = f" A random sample of {told['looked']:,} rows was looked through." if told["looked"] < about["texts"] else ""
    return element(
        "section",
        element("h2", "Labels to check"),
        element("p", _CHECK if found else "No label of these rows looks wrong.", part),
        found,
        id="labels",
    )


_CHECK = (
    "Here the model is sure of something else than the table says. Some of these labels are wrong; some are right, and "
    "the model is not: a person has to look. Most suspicious first."
)
_SUSPECTS = {"wrong branch": "Wrong branch?", "wrong leaf": "Right branch, wrong category below?"}


_SAYS = {
    "replace": ("given", "; the model says"),
    "deeper": ("given", "; the model goes on to"),
    "shallower": ("given", "; the model stops at"),
    "remove": ("given", "; the model would take it away"),
    "add": ("", "the model would add"),
}


def _suspects(title: str, told: Told, unit: str) -> Html:
    items = [
        element(
            "li",
            element("p", one["text"], dir="auto"),
            element(
                "footer",
                f"{unit} {one['row']}: {_SAYS[one['change']][0]} ",
                element("bdi", one["given"]),
                f"{_SAYS[one['change']][1]} ",
                element("bdi", element("strong", one["suggested"])),
            ),
        )
        for one in told["rows"]
    ]
    more = told["count"] - len(told["rows"])
    rest = (
        element("p", f"{more:,} more, less and less likely; textaxa audit lists them.", class_="soft") if more else None
    )
    return joined(element("h3", title), element("ol", items, class_="cards quotes"), rest)


def advice_section(payload: Told) -> Html:
    """Give the section with what to do next."""
    told = payload["advice"]
    steps = [
        element(
            "li",
            element("p", element("strong", _DO[one["kind"]]), " ", element("bdi", one["about"])),
            element("p", one["why"], " ", element("span", f"At stake: {_texts(one['texts'])}.", class_="soft")),
        )
        for one in told["steps"]
    ]
    nothing = element("p", "Nothing stands out: no category misses many of its texts, and no two take from each other.")
    return element(
        "section",
        element("h2", "What to do next"),
        element("ol", steps, class_="cards") if steps else nothing,
        element("p", _unknown(told), class_="soft"),
        id="next",
    )


_DO = {
    "collect": "Collect and label more texts of",
    "look": "Look through the rows of",
    "overlap": "Describe what tells these apart, or merge them:",
    "outside": "Look for a missing category.",
}


def _unknown(told: Told) -> str:
    parts = ["Ranked by the wrong answers that each may cure; a step that helps one category can cost another."]
    if told["untested"]:
        parts.append(f"{told['untested']:,} of {told['leaves']:,} lowest categories have no text in this table.")
    if told["unseen"]:
        parts.append(f"{told['unseen']:,} have no training row, so they are hardly ever the answer.")
    return " ".join(parts)
