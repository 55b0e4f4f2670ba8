"""What `optimise.py` measured, as a page and a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PIPELINE, GIVEN = "transformers pipeline", "given"

INTRODUCTION = """Written by `benchmarks/speed/optimise.py`. {machine} {threads} threads.

Fine-tuned MiniLM with the default head on at most 4,000 training rows. The search reads training and validation rows
only; a half of the validation rows chooses, the other half proves, and what loses at most the bar on both passes. The
fastest that passes answered the test rows once: *points lost* is its path accuracy against that of the given model on
the same rows, with a 95 % interval from a paired bootstrap. *× pipeline*: texts a second beside a transformers pipeline
(unsorted, batches of 32) on the same texts in the same run, medians of rounds in turn."""


def table(
    last: Mapping[tuple[str, str], dict[str, Any]],
    searches: Mapping[str, dict[str, Any]],
    bars: Sequence[float],
    results: Path,
) -> None:
    """Write optimise.md and optimise.svg from the last measurement of every set."""
    sets = [name for name, what in last if what == "test"]
    times = [one for (_, what), one in last.items() if what == "timing"]
    about = times[-1] if times else {"machine": "", "threads": "?"}
    page = ["# Less work for the same answer", "", INTRODUCTION.format(**about)]
    for bar in bars:
        page += ["", f"## At most {bar:g} points on the validation rows", "", *_rows(last, searches, sets, f"{bar:g}")]
    (results / "optimise.md").write_text("\n".join(page) + "\n", encoding="utf-8")
    if times:
        _picture(last, sets, bars, results / "optimise.svg")


def _rows(last: Mapping[tuple[str, str], Any], searches: Mapping[str, Any], sets: list[str], bar: str) -> list[str]:
    found = [
        "| set | chosen | cheap answers | given, % | chosen, % | points lost | 95 % interval | texts/s | × PyTorch | "
        "× pipeline |",
        "| --- | --- | --: | --: | --: | --: | --- | --: | --: | --: |",
    ]
    for name in sets:
        scores, speed = last[name, "test"], last.get((name, "timing"))
        if bar not in scores:
            found.append(f"| {name} | nothing faster passed | | {100 * scores[GIVEN]['accuracy']:.2f} | | | | | | |")
            continue
        one = scores[bar]
        share = "" if "cheap_share" not in one else f"{one['cheap_share']:.0%}"
        low, high = one["interval"]
        accuracy = f"{100 * scores[GIVEN]['accuracy']:.2f} | {100 * one['accuracy']:.2f}"
        lost = f"{0.0 + one['lost']:.2f} | {low:.2f} to {high:.2f}"
        found.append(
            f"| {name} | {_chosen(searches, name, bar)} | {share} | {accuracy} | {lost} | {_speed(speed, bar)} |"
        )
    return found


def _chosen(searches: Mapping[str, Any], name: str, bar: str) -> str:
    points = searches.get(name, {}).get("points", {}).get(bar, [])
    return next((f"`{point['name']}`" for point in points if point["chosen"]), "?")


def _speed(speed: Mapping[str, Any] | None, bar: str) -> str:
    if speed is None or bar not in speed["rates"]:
        return "| |"
    rates, times = speed["rates"], speed["times_pipeline"]
    return f"{rates[bar]:,.0f} | {times[bar] / times[GIVEN]:.1f} | {times[bar]:.1f}"


def _picture(last: Mapping[tuple[str, str], Any], sets: list[str], bars: Sequence[float], file: Path) -> None:
    """Draw points lost on test rows against the speed, a point a set and bar."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "textaxa"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7.6, 4.2), layout="constrained")
    for bar, colour in zip(bars, ("#1d4ed8", "#c2410c"), strict=False):
        for name in sets:
            speed, one = last.get((name, "timing")), last[name, "test"].get(f"{bar:g}")
            if speed is None or one is None:
                continue
            x, low, high = speed["times_pipeline"][f"{bar:g}"], *one["interval"]
            axes.plot([x, x], [-low, -high], color=colour, alpha=0.4, linewidth=1)
            axes.plot(x, -one["lost"], "o", color=colour, markersize=5)
            axes.annotate(name, (x, -one["lost"]), xytext=(5, 4), textcoords="offset points", fontsize=8)
        axes.plot([], [], "o", color=colour, label=f"at most {bar:g} points on validation rows")
    axes.axhline(0, color="#9ca3af", linewidth=1)
    axes.set_xscale("log")
    axes.set(xlabel="texts per second, × transformers pipeline", ylabel="points against the given model, test rows")
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)
