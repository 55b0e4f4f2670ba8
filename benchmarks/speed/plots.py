"""Draws docs/images/performance-runtime.svg from the last lines of results/runtime.jsonl.

    python benchmarks/speed/plots.py

One panel a data set, one bar a way to compute: texts a second, and how many times the transformers pipeline that is.
The dotted line is a matrix product of the same useful work: the ceiling of fp32.
"""

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "benchmarks" / "results" / "runtime.jsonl"
PICTURE = ROOT / "docs" / "images" / "performance-runtime.svg"
COLOUR, REFERENCE = "#4c72b0", "#b0b0b0"

mpl.rcParams.update(
    {"svg.fonttype": "none", "svg.hashsalt": "textaxa", "font.family": "sans-serif", "font.size": 10}
    | {"axes.spines.top": False, "axes.spines.right": False, "figure.facecolor": "white"}
)


def main() -> None:
    lines = SOURCE.read_text(encoding="utf-8").splitlines()
    found = list({one["set"]: one for one in map(json.loads, lines)}.values())
    height = sum(0.7 + 0.32 * len(one["ways"]) for one in found)
    figure, axes = plt.subplots(
        len(found), 1, figsize=(8, height), squeeze=False, layout="constrained",
        height_ratios=[len(one["ways"]) + 2 for one in found],
    )  # fmt: skip
    for axis, one in zip(axes[:, 0], found, strict=True):
        _panel(axis, one)
    figure.savefig(PICTURE, metadata={"Date": None})
    print(PICTURE.relative_to(ROOT))


def _panel(axis: Any, one: dict[str, Any]) -> None:
    names = list(one["ways"])[::-1]
    rows = [one["ways"][name] for name in names]
    speeds = [row["texts_per_second"] for row in rows]
    bars = axis.barh(names, speeds, color=[REFERENCE, *[COLOUR] * (len(names) - 1)][::-1])
    axis.bar_label(bars, [f" {row['texts_per_second']:,.0f}  ({row['times_pipeline']:.1f} ×)" for row in rows])
    ceiling = speeds[0] / rows[0]["share_of_sgemm"]
    axis.axvline(ceiling, color="black", linestyle=":", linewidth=1, label="rate of an fp32 matrix product")
    axis.legend(frameon=False, fontsize=8, loc="upper right")
    axis.set(xlim=(0, 1.25 * max(*speeds, ceiling)))
    axis.set_title(
        f"{one['set']}: texts a second, {one['tokens']:.0f} tokens each, {one['threads']} threads", fontsize=10
    )


if __name__ == "__main__":
    main()
