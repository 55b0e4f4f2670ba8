"""Fills the generated parts of README.md and docs/*.md: lists of settings, and tables of results.

    python docs/generate.py

What goes in: `textaxa.settings`, `textaxa.config` and ``benchmarks/results``. What comes out: the pages, with
everything between ``<!-- generated: NAME -->`` and ``<!-- /generated -->`` written anew. A test compares, so that the
pages cannot drift from the code.
"""

import json
import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from textaxa.config import DataSettings, TaxonomySettings
from textaxa.heads import HEADS, head_settings
from textaxa.settings import EncoderSettings, Rule, TrainingSettings, defaults, rules

WIDTH = 120

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")))
RESULTS = ROOT / "benchmarks" / "results"
SEEDS = 3
ACCURACY_HEADER = "| data | system | seeds | major | path | seconds a run |\n| --- | --- | --: | --: | --: | --: |"
STANDING_HEADER = "| data | score | recommended | test | best head |"
HIAGM_HEADER = "| structure | words | nodes | HiAGM as released |"

_PART = re.compile(r"(<!-- generated: (?P<name>[\w -]+) -->\n).*?(<!-- /generated -->)", re.DOTALL)


@dataclass(frozen=True)
class _Setting:
    """One setting as it is listed."""

    name: str
    default: object
    rule: Rule


def filled(page: str) -> str:
    """Give a page with its generated parts written anew."""
    return _PART.sub(lambda part: f"{part[1]}{PARTS[part['name']]()}\n{part[3]}", page)


def _listed(settings: type) -> list[_Setting]:
    standard = defaults(settings)
    return [_Setting(name, standard[name], rule) for name, rule in rules(settings).items()]


def _shared_by_heads() -> dict[_Setting, list[str]]:
    """Give the settings that several heads have, each with the names of these heads."""
    heads: dict[_Setting, list[str]] = {}
    for head in HEADS:
        for one in _listed(head_settings(head)):
            heads.setdefault(one, []).append(head)
    return {one: names for one, names in heads.items() if len(names) > 1}


def _own(head: str) -> str:
    shared = _shared_by_heads()
    return _lines([one for one in _listed(head_settings(head)) if one not in shared]) or "No settings of its own."


def _shared() -> str:
    lines = []
    for one, heads in _shared_by_heads().items():
        missing = [f"`{head}`" for head in HEADS if head not in heads]
        lines.append(_wrapped(_line(one) + (f" Not in {', '.join(missing)}." if missing else "")))
    return "\n".join(lines)


def _section(settings: type) -> str:
    return _lines(_listed(settings))


def _lines(settings: list[_Setting]) -> str:
    return "\n".join(_wrapped(_line(one)) for one in settings)


def _line(one: _Setting) -> str:
    return f"- **`{one.name}`** {_default(one.default)}{_accepted(one.rule)} {one.rule.help}"


def _wrapped(item: str) -> str:
    return textwrap.fill(item, WIDTH, subsequent_indent="  ", break_on_hyphens=False, break_long_words=False)


def _default(value: object) -> str:
    if value is None:
        return "(empty)"
    return f"= `{json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)}`"


def _accepted(rule: Rule) -> str:
    if rule.choices:
        return f" ({', '.join(f'`{choice}`' for choice in rule.choices)})."
    low, high = rule.at_least, rule.at_most
    if low is None and high is None:
        return "."
    if high is None:
        return f" (from {low:g})."
    return f" ({low:g} to {high:g})."


def _results(name: str, header: str) -> str:
    """Take from a results file its tables, and the line that tells script, date and machine."""
    file = RESULTS / name
    if not file.is_file():
        return f"{header}\n\nNot measured yet."
    found = file.read_text(encoding="utf-8")
    start = found.find(header)
    if start < 0:
        raise SystemExit(f"{file} has no table that begins with:\n{header}")
    (written,) = (line for line in found.splitlines() if line.startswith("Written by "))
    return "\n\n".join([found[start:].strip(), written, *_unfinished(found)])


def _unfinished(results: str) -> list[str]:
    """Say so where results were written before every seed was run; TF-IDF is the same for every seed."""
    runs = re.findall(r"^\| [\w-]+ \| (?:chained|flat) \| (\d+) \|", results, re.MULTILINE)
    return (
        ["**Still being measured: not every system has its three seeds.**"] if any(int(n) < SEEDS for n in runs) else []
    )


PARTS: dict[str, Callable[[], str]] = {
    "settings of data": partial(_section, DataSettings),
    "settings of taxonomy": partial(_section, TaxonomySettings),
    "settings of encoder": partial(_section, EncoderSettings),
    "settings of training": partial(_section, TrainingSettings),
    **{f"settings of {head}": partial(_own, head) for head in HEADS},
    "settings of several heads": _shared,
    "accuracy table": partial(_results, "accuracy.md", ACCURACY_HEADER),
    "standing": partial(_results, "standing.md", STANDING_HEADER),
    "hiagm": partial(_results, "hiagm_speed.md", HIAGM_HEADER),
}


if __name__ == "__main__":
    for file in PAGES:
        file.write_text(filled(file.read_text(encoding="utf-8")), encoding="utf-8")
