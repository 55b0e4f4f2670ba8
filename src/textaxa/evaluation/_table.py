"""Evaluations as tables for people: in the terminal (rich) and in Markdown, which reads well as plain text too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textaxa.evaluation._result import Evaluation

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

_LEVEL_METRICS = {"accuracy": "accuracy", "micro_f1": "micro-F1", "macro_f1": "macro-F1"}

# These fit beside each other in 80 columns.
_HEADLINES = {
    "path_accuracy": "Path accuracy",
    "hierarchical.f1": "Hier. F1",
    "hierarchical.f1_auc": "hF1-AUC",
    "nodes.macro_f1": "Macro-F1",
    "mistake_severity": "Mistake severity",
}

_ALL = {
    "path_accuracy": "Path accuracy",
    "hierarchical.precision": "Hierarchical precision",
    "hierarchical.recall": "Hierarchical recall",
    "hierarchical.f1": "Hierarchical F1",
    "hierarchical.f1_auc": "hF1-AUC",
    "nodes.micro_f1": "Micro-F1, all nodes",
    "nodes.macro_f1": "Macro-F1, all nodes",
    "nodes.macro_f1_supported": "Macro-F1, nodes with texts",
    "mistake_severity": "Mistake severity (levels)",
    "coherent_share": "Coherent",
}

_NAMING = ("Metric", "System")

_BESIDE = 4
"""Columns up to which a value and its interval stand side by side in the terminal."""

_CAPTION = (
    "Shares in %, with 95 % bootstrap intervals. ECE: expected calibration error, less is better. Mistake severity in "
    "levels, over all texts: less is better."
)


@dataclass(frozen=True)
class _Grid:
    """A table as plain text: groups of rows, each with as many cells as there are columns."""

    title: str
    columns: tuple[str, ...]
    groups: tuple[tuple[tuple[str, ...], ...], ...]


def render(evaluations: Mapping[str, Evaluation]) -> "Group":
    """Give the evaluations as tables for the terminal: per level, and overall; one row a system.

    Parameters
    ----------
    evaluations
        Each system's name and evaluation, on the same texts.

    Returns
    -------
    Something that ``rich.print`` and a rich console show; the overall table has the headline numbers, `to_markdown` and
    `Evaluation.to_dict` have all.
    """
    from rich.console import Group  # noqa: PLC0415 - the metrics must not wait for rich to be imported
    from rich.text import Text  # noqa: PLC0415

    wanted = dict(_HEADLINES)
    if any(one.coherent_share < 1 for one in evaluations.values()):
        wanted["coherent_share"] = "Coherent"
    grids = (_per_level(evaluations), _overall(evaluations, wanted))
    return Group(*(_rich(grid) for grid in grids), Text(_CAPTION, style="dim"))


def to_markdown(evaluations: Mapping[str, Evaluation]) -> str:
    """Give the evaluations as Markdown tables with all metrics, for model cards.

    Examples
    --------
    >>> from textaxa.evaluation import evaluate_paths
    >>> from textaxa.taxonomy import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games",), ("Tools",)])
    >>> found = evaluate_paths(taxonomy, [("Games",), ("Tools",)], [("Games",), ("Games",)], intervals=False)
    >>> for line in to_markdown({"majority": found}).splitlines()[:5]:
    ...     print(line)
    ### Per level
    <BLANKLINE>
    | Metric   | System   | Level 1 (n = 2) |
    | -------- | -------- | --------------- |
    | accuracy | majority | 50.0            |
    """
    grids = (_per_level(evaluations), _overall(evaluations, _ALL))
    return "\n\n".join([*(_markdown(grid) for grid in grids), _CAPTION]) + "\n"


def _per_level(evaluations: Mapping[str, Evaluation]) -> _Grid:
    texts = {level.level: level.n for one in evaluations.values() for level in one.levels}
    groups = tuple(
        tuple(
            (
                shown if i == 0 else "",
                system,
                *(_cell(one, f"levels.{level}.{metric}") for level in sorted(texts)),
            )
            for i, (system, one) in enumerate(evaluations.items())
        )
        for metric, shown in _LEVEL_METRICS.items()
    )
    columns = ("Metric", "System", *(f"Level {level} (n = {texts[level]:,})" for level in sorted(texts)))
    errors = _calibration_errors(evaluations, sorted(texts))
    return _Grid("Per level", columns, (*groups, errors) if errors else groups)


def _calibration_errors(evaluations: Mapping[str, Evaluation], levels: Sequence[int]) -> tuple[tuple[str, ...], ...]:
    """Give the row of every system that has probabilities; without intervals, which are not of this number."""
    rows: list[tuple[str, ...]] = []
    for system, one in evaluations.items():
        if one.calibration is not None:
            found = {level.level: f"{100 * level.ece:.1f}" for level in one.calibration}
            rows.append(("" if rows else "ECE", system, *(found.get(level, "–") for level in levels)))
    return tuple(rows)


def _overall(evaluations: Mapping[str, Evaluation], wanted: Mapping[str, str]) -> _Grid:
    shown = {name: title for name, title in wanted.items() if any(name in one.values() for one in evaluations.values())}
    rows = tuple((system, *(_cell(one, name) for name in shown)) for system, one in evaluations.items())
    return _Grid("Overall", ("System", *shown.values()), (rows,))


def _cell(evaluation: Evaluation, name: str) -> str:
    value = evaluation.values().get(name)
    if value is None:
        return "–"
    scale, digits = (1, 2) if name == "mistake_severity" else (100, 1)
    shown = f"{scale * value:.{digits}f}"
    low, high = (f"{scale * end:.{digits}f}" for end in (evaluation.intervals or {}).get(name, (value, value)))
    # Where all texts are alike, resamples are too: such an interval would only look like certainty.
    return shown if low == high else f"{shown} ({low}–{high})"


def _rich(grid: _Grid) -> "Table":
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    # Cells are Text, not str: the name of a system may hold what rich takes for markup.
    table = Table(
        title=grid.title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for name in grid.columns:
        table.add_column(name, justify="left" if name in _NAMING else "right", overflow="fold")
    # Many columns fit into a terminal only with each interval below its value.
    stacked = len(grid.columns) > _BESIDE
    for group in grid.groups:
        for row in group:
            table.add_row(
                *(
                    _rich_value(cell, stacked=stacked) if name not in _NAMING else Text(cell)
                    for name, cell in zip(grid.columns, row, strict=True)
                )
            )
        table.add_section()
    return table


def _rich_value(cell: str, *, stacked: bool) -> "Text":
    from rich.text import Text  # noqa: PLC0415

    value, _, ends = cell.partition(" ")
    ends = ends.strip("()")
    between = f"\n{ends}" if stacked else f" {ends:>9}"
    return Text(value) + Text(between if ends else "", style="dim")


def _markdown(grid: _Grid) -> str:
    rows = [tuple(cell.replace("|", r"\|") for cell in row) for group in grid.groups for row in group]
    widths = [max(map(len, column)) for column in zip(grid.columns, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    rule = line(["-" * width for width in widths])
    return "\n".join([f"### {grid.title}", "", line(grid.columns), rule, *map(line, rows)])
