"""What ``wide.py`` measured, as a page and a picture: from results/wide_curve.jsonl."""

import json
from pathlib import Path
from typing import Any

INTRODUCTION = """Written by `benchmarks/speed/wide.py`. {machine}

Taxonomies of a fan-out of about 30 and planted features of 384 numbers: every node has a random vector, a text is the
sum of those on its path and noise. A beam of 10, one thread unless said otherwise, milliseconds a text: medians over
rounds in which the ways take turns."""
CURVE = """Weights are the planted vectors; texts are hard (few find their leaf), so that the beam stays wide.
*Everything* scores all options with one matrix product and adds up along the paths. *Plain beam* is the same search
written as one would write it, node by node. *As exact*: of 256 texts, scoring everything gives the same path."""
TRAINED = """Heads learnt from stored float16 features, from zero, without validation. *Right*: share of 4,096 held-out
texts whose path is found. Peak memory includes the features."""
AGREES = """Search with the trained heads, as it runs on held-out texts, and its agreement with scoring everything."""
MEMORY = """A fresh process maps the trained head and its taxonomy from their folder, reads every row once, and answers
4,096 texts with paths and probabilities."""
WAYS = (
    "wide, batch of 256",
    "wide, one text",
    "everything, batch of 32",
    "everything, one text",
    "plain beam, one text",
)


def write(file: Path) -> None:
    """Write the page beside the file of measurements, and the picture."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    last = {(line["step"], line["leaves"]): line for line in lines}
    steps = {
        step: sorted((one for key, one in last.items() if key[0] == step), key=lambda one: one["leaves"])
        for step in ("curve", "trained", "memory")
    }
    page = ["# The wide head from a hundred to a million leaves", "", INTRODUCTION.format(machine=lines[-1]["machine"])]
    page += ["", "![Milliseconds a text over the number of leaves](wide_curve.svg)", *_curve(steps["curve"])]
    page += [*_trained(steps["trained"]), *_memory(steps["memory"])]
    file.with_suffix(".md").write_text("\n".join(page) + "\n", encoding="utf-8")
    _picture(steps["curve"], file.with_suffix(".svg"))


def _curve(lines: list[dict[str, Any]]) -> list[str]:
    names = list(dict.fromkeys(name for line in lines for name in line["ms"]))
    rows = ["", "## The curve", "", CURVE, ""]
    rows.append(f"| leaves | levels | rows | {' | '.join(names)} | as exact | surely |")
    rows.append("|" + " --: |" * (len(names) + 5))
    for line in lines:
        cells = [f"{line['ms'][name]:.3f}" if name in line["ms"] else "" for name in names]
        rows.append(
            f"| {line['leaves']:,} | {line['levels']} | {line['rows_mb']:,.0f} MB | {' | '.join(cells)} "
            f"| {100 * line['agrees']:.1f} % | {100 * line['sure']:.1f} % |"
        )
    return rows


def _trained(lines: list[dict[str, Any]]) -> list[str]:
    rows = ["", "## Training", "", TRAINED, ""]
    rows += ["| leaves | texts | epoch | seconds | loss, nats | right | peak memory |", "|" + " --: |" * 7]
    for line in lines:
        for epoch in line["epochs"]:
            rows.append(
                f"| {line['leaves']:,} | {line['texts']:,} | {epoch['epoch']} | {epoch['seconds']:.1f} "
                f"| {epoch['loss']:.2f} | {100 * epoch['right']:.1f} % | {line['peak_mb'] / 1000:.1f} GB |"
            )
    rows += ["", AGREES, ""]
    rows += ["| leaves | rows | batch of 256, ms | one text, ms | texts | as exact |", "| --: | --- |" + " --: |" * 4]
    for line in lines:
        for kind, share in line["agrees"].items():
            times = " | ".join(f"{line['ms'][f'{kind}, {way}']:.3f}" for way in ("batch of 256", "one text"))
            rows.append(f"| {line['leaves']:,} | {kind} | {times} | {line['checked']:,} | {100 * share:.1f} % |")
    return rows


def _memory(lines: list[dict[str, Any]]) -> list[str]:
    rows = ["", "## Memory", "", MEMORY, ""]
    rows += ["| leaves | rows | Python and NumPy | resident | of the rows | taxonomy read in | all read in |"]
    rows += ["|" + " --: |" * 7]
    for line in lines:
        rows.append(
            f"| {line['leaves']:,} | {line['rows_mb']:,.0f} MB | {line['start_mb']} MB | {line['resident_mb']:,} MB "
            f"| {line['resident_mb'] / line['rows_mb']:.2f} | {line['read_taxonomy_seconds']:.1f} s "
            f"| {line['read_seconds']:.1f} s |"
        )
    return rows


def _picture(lines: list[dict[str, Any]], file: Path) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    from matplotlib import pyplot as plt

    mpl.rcParams.update({"svg.hashsalt": "textaxa", "svg.fonttype": "none", "font.family": "sans-serif"})
    figure, axes = plt.subplots(figsize=(7.2, 4.2))
    for name in WAYS:
        points = [(line["leaves"], line["ms"][name]) for line in lines if name in line["ms"]]
        style = {"marker": "o", "linewidth": 2.2 if name.startswith("wide") else 1.2}
        axes.plot(*zip(*points, strict=True), label=name, linestyle="-" if "batch" in name else "--", **style)
    axes.set(xscale="log", yscale="log", xlabel="leaves", ylabel="milliseconds a text")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(frameon=False, fontsize=9)
    figure.tight_layout()
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
