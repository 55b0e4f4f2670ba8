"""A comparison as one page that stands alone: no script, no outside request, light and dark, readable on a phone."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from textaxa.jobs.comparison._result import Comparison, ModelResult
from textaxa.report import Html, check_page_file, document, write_page

COMMAND = "compare"

PERCENT = 100

WIDTH, HEIGHT = 720, 380
LEFT, RIGHT, TOP, BOTTOM = 56, 180, 16, 48
"""The plot and its margins, in the units of the picture."""

LINE = 16
"""Least distance between the names at the right edge."""

NAME = 22
"""Characters of a name that have room there."""


def check_html_file(file: str | Path) -> None:
    """Make sure that a page may be written there: told before hours of training, not after.

    Raises
    ------
    ConfigError
        Something else is there, or there is no such folder.
    """
    check_page_file(file, command=COMMAND)


def write_html(comparison: Comparison, file: str | Path) -> None:
    """Write the page; one of an earlier comparison is replaced."""
    write_page(html_page(comparison), file, command=COMMAND)


def html_page(comparison: Comparison) -> str:
    """Give the page as text."""
    title = f"Models compared on {Path(comparison.source).name}"
    seeds = f"{len(comparison.seeds)} seed{'s' if len(comparison.seeds) > 1 else ''}"
    rows = (
        f"{comparison.rows:,} rows to train on, {comparison.valid_rows:,} to choose the epoch by, "
        f"{comparison.test_rows:,} to compare on; {seeds} a model."
    )
    body = "\n".join(
        [
            f'<h1>{escape(title)}</h1>\n<p class="soft">{rows}</p>',
            f'<p class="advice">{_code(comparison.recommendation.text)}</p>',
            _tables(comparison),
            f"<h2>{_headline(comparison)} against training time</h2>\n{_plot(comparison)}",
            *_others(comparison),
        ]
    )
    return document(title, Html(body), command=COMMAND)


def _code(text: str) -> str:
    """Escape a text, and show what stands between backquotes as code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if i % 2 else part for i, part in enumerate(parts))


def _headline(comparison: Comparison) -> str:
    return comparison.metric_name[0].upper() + comparison.metric_name[1:]


def _tables(comparison: Comparison) -> str:
    metrics = _metrics(comparison)
    scores = "\n".join(_row(comparison, one, [_metric(one, name) for name in metrics]) for one in comparison.models)
    costs = "\n".join(_row(comparison, one, [*_difference(one), *_costs(one)]) for one in comparison.models)
    cost_names = (f"{_headline(comparison)} to the best", "p, corrected", "Training", "Texts/s", "MB", "Parameters")
    return "\n".join(
        [
            f"<h2>Scores</h2>\n{_table(metrics.values(), scores)}",
            "<p><small>Shares in %, below each its 95 % interval over test rows and seeds. Mistake severity in levels: "
            "less is better.</small></p>",
            f"<h2>Against the best, and costs</h2>\n{_table(cost_names, costs)}",
            "<p><small>Differences in points. p: permutation test against the best, corrected for the number of models "
            "(Holm). Training: to train the model alone. Texts/s: from text to path.</small></p>",
        ]
    )


def _table(names: Iterable[str], rows: str) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in ("Model", *names))
    return f'<div class="wide"><table>\n<tr>{head}</tr>\n{rows}\n</table></div>'


def _metrics(comparison: Comparison) -> dict[str, str]:
    levels = {
        f"levels.{level.level}.accuracy": f"Level {level.level}" for level in comparison.models[0].evaluation.levels
    }
    overall = {
        "hierarchical.f1": "Hier. F1",
        "hierarchical.f1_auc": "hF1-AUC",
        "nodes.macro_f1": "Macro-F1",
        "mistake_severity": "Severity",
    }
    return {"path_accuracy": "Path accuracy", **levels, **overall}


def _row(comparison: Comparison, one: ModelResult, cells: Sequence[str]) -> str:
    inside = "".join(f"<td>{cell}</td>" for cell in (f"<code>{escape(one.name)}</code>", *cells))
    return f'<tr class="chosen">{inside}</tr>' if one.name == comparison.recommendation.model else f"<tr>{inside}</tr>"


def _difference(one: ModelResult) -> tuple[str, str]:
    if one.against_best is None:
        return "best", ""
    test = one.against_best.test
    shown, low, high = (f"{PERCENT * value:+.1f}" for value in (test.difference, *test.interval))
    return _stacked(shown, f"{low} to {high}"), f"{one.against_best.p_corrected:.3f}"


def _costs(one: ModelResult) -> tuple[str, ...]:
    seconds = _stacked(f"{one.train_seconds:,.1f} s", "stopped by the time budget" if one.stopped_by_time else "")
    return seconds, f"{one.texts_per_second:,.0f}", f"{one.megabytes:,.1f}", f"{one.parameters:,}"


def _metric(one: ModelResult, name: str) -> str:
    value = one.evaluation.values().get(name)
    if value is None:
        return "–"
    scale, digits = (1, 2) if name == "mistake_severity" else (PERCENT, 1)
    low, high = (one.evaluation.intervals or {}).get(name, (value, value))
    return _stacked(f"{scale * value:.{digits}f}", f"{scale * low:.{digits}f}–{scale * high:.{digits}f}")


def _stacked(value: str, below: str) -> str:
    return f"{value}<small>{below}</small>" if below else value


def _others(comparison: Comparison) -> list[str]:
    told = [
        *(f"<code>{escape(name)}</code> has no result: {escape(why)}" for name, why in comparison.failed.items()),
        *(f"<code>{escape(name)}</code> was left out: {escape(why)}" for name, why in comparison.left_out.items()),
    ]
    return ["<h2>Not in the table</h2>\n<ul>" + "".join(f"<li>{one}</li>" for one in told) + "</ul>"] if told else []


def _plot(comparison: Comparison) -> str:
    """Draw one dot a model: training time from left to right, in powers of ten, and the score upwards."""
    points = [(max(one.train_seconds, 0.01), *_ends(one, comparison.metric)) for one in comparison.models]
    scale = _Scale(
        *_decades([seconds for seconds, *_ in points]), *_range([value for _, *values in points for value in values])
    )
    parts = [_axes(comparison, scale)]
    heights = _apart([scale.up(value) for _, value, _, _ in points])
    for one, point, height in zip(comparison.models, points, heights, strict=True):
        parts.append(_dot(one.name, scale, point, height))
    label = f"{_headline(comparison)} of every model against its training time"
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
        + "\n".join(parts)
        + "</svg>"
    )


def _dot(name: str, scale: "_Scale", point: tuple[float, float, float, float], height: float) -> str:
    """Draw a model: its dot, its interval, and its name at the right edge with a line that leads there."""
    seconds, value, low, high = point
    at, y, edge = scale.across(seconds), scale.up(value), WIDTH - RIGHT + 8
    shown = name if len(name) <= NAME else name[: NAME - 1] + "…"
    return (
        f'<g><title>{escape(name)}</title><path class="lead" d="M{at:.1f} {y:.1f} L{edge} {height:.1f}"/>'
        f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{scale.up(low):.1f}" y2="{scale.up(high):.1f}" stroke="var(--soft)"/>'
        f'<circle cx="{at:.1f}" cy="{y:.1f}" r="5" fill="var(--mark)"/>'
        f'<text x="{edge + 4}" y="{height + 4:.1f}">{escape(shown)}</text></g>'
    )


def _ends(one: ModelResult, metric: str) -> tuple[float, float, float]:
    value = one.evaluation.values()[metric]
    return (value, *(one.evaluation.intervals or {}).get(metric, (value, value)))


def _axes(comparison: Comparison, scale: "_Scale") -> str:
    """Draw the grid with its numbers, a power of ten and a tenth a line, and what the axes mean."""
    floor, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    lines = []
    for power in range(scale.first, scale.last + 1):
        at = scale.across(10.0**power)
        lines.append(
            f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{floor}" stroke="var(--line)"/>'
            f'<text class="soft" x="{at:.1f}" y="{floor + 18}" text-anchor="middle">{10.0**power:g} s</text>'
        )
    for tenth in range(round(10 * scale.low), round(10 * scale.high) + 1):
        at = scale.up(tenth / 10)
        lines.append(
            f'<line x1="{LEFT}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}" stroke="var(--line)"/>'
            f'<text class="soft" x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{10 * tenth} %</text>'
        )
    told = f"training time; upwards: {escape(comparison.metric_name)} with its interval"
    lines.append(f'<text class="soft" x="{right}" y="{HEIGHT - 8}" text-anchor="end">{told}</text>')
    return "\n".join(lines)


@dataclass(frozen=True)
class _Scale:
    """From seconds and shares to places in the picture: powers of ten across, shares upwards."""

    first: int
    last: int
    low: float
    high: float

    def across(self, seconds: float) -> float:
        share = (math.log10(seconds) - self.first) / (self.last - self.first)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def up(self, value: float) -> float:
        return HEIGHT - BOTTOM - (value - self.low) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)


def _decades(seconds: Sequence[float]) -> tuple[int, int]:
    """Give the powers of ten around some times, at least one apart.

    >>> _decades([3.0, 250.0])
    (0, 3)
    """
    first = math.floor(math.log10(min(seconds)))
    return first, max(first + 1, math.ceil(math.log10(max(seconds))))


def _range(values: Sequence[float]) -> tuple[float, float]:
    """Give the ends of the axis of shares: whole tenths around the values."""
    low, high = math.floor(10 * min(values) - 1e-9) / 10, math.ceil(10 * max(values) + 1e-9) / 10
    low, high = max(0.0, low), min(1.0, high)
    return low, high if high > low else low + 0.1


def _apart(heights: Sequence[float]) -> list[float]:
    """Move names that would lie on each other down, each as little as it must.

    >>> _apart([100.0, 50.0, 102.0])
    [100.0, 50.0, 116.0]
    """
    moved, lowest = list(heights), -math.inf
    for i in sorted(range(len(heights)), key=lambda i: heights[i]):
        moved[i] = lowest = max(heights[i], lowest + LINE)
    return moved
