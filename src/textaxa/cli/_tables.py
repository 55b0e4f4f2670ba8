"""Results as tables on stdout."""

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from textaxa.cli._streams import is_unicode

if TYPE_CHECKING:
    from textaxa._report import Report
    from textaxa.evaluation import Evaluation

WIDTH_WITHOUT_TERMINAL = 120
"""A table that goes into a file or a pipe must not be squeezed into the 80 columns that rich would assume."""

WIDTH_OF_SCORES = 400
"""One column a level: ten levels need more than text does, and take no more than they need."""

_COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


def console(width: int = WIDTH_WITHOUT_TERMINAL) -> Console:
    """Give a console on stdout, wide enough where there is no terminal."""
    return _Console() if sys.stdout.isatty() else _Console(width=width)


class _Console(Console):
    """Lets whoever stands at the door know when the reader of a pipe has gone; rich would leave with a status of 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def show_evaluations(evaluations: Mapping[str, "Evaluation"]) -> None:
    """Show scores, one row a system."""
    from textaxa.evaluation import render

    console(WIDTH_OF_SCORES).print(render(evaluations))


def show_json(value: Any) -> None:
    """Write one JSON object."""
    sys.stdout.write(json_text(value, indent=2) + "\n")


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Give a value as JSON that stdout can carry: where its encoding lacks characters, escaped as JSON does it."""
    return json.dumps(value, ensure_ascii=not is_unicode(sys.stdout), indent=indent)


def end_with(report: "Report", *, as_json: bool) -> None:
    """Show a report, and end with status 1 where it has errors."""
    if as_json:
        show_json(report.to_dict())
    else:
        _show_report(report)
    if not report.ok:
        raise typer.Exit(1)


def _show_report(report: "Report") -> None:
    """Show the findings, errors first."""
    from rich.text import Text

    out = console()
    out.print(Text(report.title, style="bold"))
    for name, value in report.facts:
        out.print(Text(f"  {name}: {value}"))
    for finding in report.findings:
        line = Text(f"{finding.severity}: ", style=_COLOURS[finding.severity])
        out.print(line.append(finding.message, style="default"))
        if finding.examples:
            more = finding.count - len(finding.examples)
            tail = f"; and {more:,} more" if more > 0 else ""
            out.print(Text(f"    {'; '.join(finding.examples)}{tail}", style="dim"))
        if finding.advice:
            out.print(Text(f"    {finding.advice}"))
    if not report.findings:
        out.print("Nothing to complain about.")
