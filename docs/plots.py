"""Draws the plots of docs/which-model.md from the tables of benchmarks/results.

    python docs/plots.py

What comes in: ``heads.md`` and ``ablation.md`` as the benchmarks wrote them. What comes out: SVG files in docs/images,
whose text stays text.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
IMAGES = ROOT / "docs" / "images"
_DIFFERENCE = re.compile(r"([+-][\d.]+) \(([+-][\d.]+) to ([+-][\d.]+)\)")
COLOURS = {
    "cascade": "#8856a7",
    "conditional": "#1b7837",
    "flat": "#555555",
    "chained": "#2166ac",
    "linear": "#b35806",
    "linear + vectors": "#d6204e",
}
"""Drawn in this order, the last on top."""

OTHER = "#b9b9b9"

mpl.rcParams.update(
    {"svg.fonttype": "none", "svg.hashsalt": "textaxa", "font.family": "sans-serif", "font.size": 10}
    | {"axes.spines.top": False, "axes.spines.right": False, "figure.facecolor": "white"}
)


def rows_of(file: str, first: str) -> list[dict[str, str]]:
    """Give the rows of the table whose header begins with a column name pair, by column name."""
    lines = (RESULTS / file).read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(first))
    names = _cells(lines[start])
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        found.append(dict(zip(names, _cells(line), strict=True)))
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def heads_plot() -> None:
    """Draw the path accuracy of every head on every data set: one line a set, one dot a head."""
    by_data: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for row in rows_of("heads.md", "| data | head |"):
        by_data[row["data"]].append((row["head"], float(row["path"].split()[0])))
    figure, axes = plt.subplots(figsize=(8.5, 0.55 * len(by_data) + 1.6))
    for place, (data, found) in enumerate(reversed(by_data.items())):
        values = [value for _, value in found]
        axes.plot([min(values), max(values)], [place, place], color="#dddddd", zorder=1)
        for head, value in sorted(found, key=lambda one: list(COLOURS).index(one[0]) if one[0] in COLOURS else -1):
            axes.scatter(value, place, s=46, zorder=2, **_mark(head))
        axes.text(-0.01, place, data, transform=axes.get_yaxis_transform(), ha="right", va="center")
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("texts whose whole path is right, % of test rows")
    _legend(axes, list(by_data.values()))
    _save(figure, "which-model-heads.svg")


def _mark(head: str) -> dict[str, str]:
    tuned = head.endswith(", fine-tuned")
    colour = COLOURS.get(head.removesuffix(", fine-tuned"), OTHER)
    return {"color": colour, "marker": "D" if tuned else "o", "edgecolors": "white"}


def _legend(axes: plt.Axes, found: Sequence[Sequence[tuple[str, float]]]) -> None:
    there = {head for rows in found for head, _ in rows}
    for head, colour in COLOURS.items():
        if head in there:
            axes.scatter([], [], color=colour, label=head)
    axes.scatter([], [], color=OTHER, label="other heads")
    if any(head.endswith(", fine-tuned") for head in there):
        axes.scatter([], [], color="#ffffff", edgecolors="#555555", marker="D", label="encoder fine-tuned")
    axes.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=4, frameon=False)


def ablation_plot() -> None:
    """Draw what each feed and each weighting changes against the default, with its interval; one panel a data set."""
    panels: Mapping[str, list[tuple[str, tuple[float, float, float]]]] = defaultdict(list)
    for row in rows_of("ablation.md", "| data | child level is fed |"):
        difference = _DIFFERENCE.search(row["to masked, equal"])
        if difference:
            values = float(difference[1]), float(difference[2]), float(difference[3])
            weights = row["level weights"].partition(":")[0]
            panels[row["data"]].append((_name(row["child level is fed"], weights), values))
    names = list(dict.fromkeys(name for found in panels.values() for name, _ in found))
    figure, all_axes = plt.subplots(
        1, len(panels), sharey=True, figsize=(2.3 * len(panels) + 2.2, 0.26 * len(names) + 1)
    )
    for axes, (data, found) in zip(all_axes, panels.items(), strict=True):
        axes.axvline(0, color="#999999", linewidth=0.8)
        for name, (middle, low, high) in found:
            place = len(names) - names.index(name)
            colour = "#2166ac" if low <= 0 <= high else "#d6204e"
            axes.plot([low, high], [place, place], color=colour, linewidth=1.4)
            axes.scatter(middle, place, color=colour, s=16, zorder=2)
        axes.set_title(data, fontsize=10)
        axes.spines["left"].set_visible(False)
        axes.tick_params(axis="y", length=0)
    all_axes[0].set_yticks(range(len(names), 0, -1), names)
    figure.supxlabel("points of path accuracy against `masked 0.5`, equal weights (95 % interval)", fontsize=10)
    _save(figure, "which-model-ablation.svg")


def _name(feed: str, weights: str) -> str:
    return feed if weights == "equal" else f"{feed} · {weights}"


def _save(figure: plt.Figure, name: str) -> None:
    figure.savefig(IMAGES / name, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    heads_plot()
    ablation_plot()
