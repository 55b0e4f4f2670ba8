"""Every head on the same data: what does each way of modelling the hierarchy give?

Frozen: all heads read the same MiniLM vectors, so only the head differs. Fine-tuned: the encoder learns too, three
epochs. `linear` reads the texts themselves, and in `linear + vectors` those vectors, too. Defaults everywhere, epochs
chosen on validation rows, test rows scored once a run.

    python benchmarks/accuracy/heads.py [DATA ...]                 # writes results/heads.md; goes on where it stopped
    python benchmarks/accuracy/heads.py --fine-tuned open-apps     # more runs; the page tells all that are finished
"""

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
from _runs import (
    RESULTS,
    SEEDS,
    Recipe,
    Run,
    Split,
    data_sets,
    describe,
    finished,
    path_hits,
    run,
    task_of,
    taxonomy_of,
)
from _tables import gap, mean_and_deviation

from textaxa.heads import HEADS, head_class

DATA = (
    "open-apps",
    "trec",
    "hwu64",
    "amazon3",
    "naics2017",
    "newsgroups20",
    "appstore_tokens",
    "fdroid",
    "goemotions",
)
SLOW = ("hiagm-la",)
"""Reads token states, so a frozen encoder saves it nothing: not part of the frozen table."""

FINE_TUNED = ("flat", "chained")
COLUMNS = (
    ("micro-F1", lambda s: s["nodes"]["micro_f1"]),
    ("macro-F1", lambda s: s["nodes"]["macro_f1"]),
    ("hF1-AUC", lambda s: s["hierarchical"]["f1_auc"]),
)


def recipes(data: Split, *, fine_tuned: bool) -> dict[str, Recipe]:
    """Give what is run on a data set, by name."""
    if fine_tuned:
        return {f"{head}, fine-tuned": Recipe(head, {}, frozen=False, training={"epochs": 3}) for head in FINE_TUNED}
    able = [head for head in HEADS if task_of(data) in head_class(head).tasks and head not in SLOW]
    return {head: Recipe(head, {}) for head in able} | {"linear + vectors": Recipe("linear", {"vectors": True})}


def seeds_of(recipe: Recipe) -> tuple[int, ...]:
    """Give the seeds to run: nothing is drawn at random in `linear`."""
    return SEEDS[:1] if recipe.head == "linear" else SEEDS


def measure(data: Split, wanted: Sequence[str], *, fine_tuned: bool) -> dict[str, list[Run]]:
    found = {}
    for name, recipe in recipes(data, fine_tuned=fine_tuned).items():
        if wanted and name not in wanted:
            continue
        found[name] = [run(data, recipe, seed) for seed in seeds_of(recipe)]
        seconds = np.median([one.seconds for one in found[name]])
        print(data.name, name, mean_and_deviation(path_hits(data, found[name])), f"{seconds:.0f} s", flush=True)
    return found


def rows_of(data: Split, found: dict[str, list[Run]]) -> list[str]:
    hits = {name: path_hits(data, runs) for name, runs in found.items()}
    lines = []
    for name, runs in sorted(found.items(), key=lambda item: -hits[item[0]].mean()):
        difference = gap(hits[name], hits["flat"]) if "flat" in hits and name != "flat" else ""
        cells = [data.name, name, mean_and_deviation(hits[name]), difference]
        cells += [f"{100 * np.mean([value(one.test) for one in runs]):.1f}" for _, value in COLUMNS]
        cells += [f"{np.mean([one.test['mistake_severity'] for one in runs]):.3f}", _calibration(runs)]
        cells += [f"{np.mean([one.test['coherent_share'] for one in runs]):.3f}"]
        cells += [f"{np.median([one.seconds for one in runs]):.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _calibration(runs: Sequence[Run]) -> str:
    if "calibration" not in runs[0].test:
        return ""
    return f"{100 * np.mean([np.mean(one.test['calibration']) for one in runs]):.1f}"


def about(data: Split) -> str:
    taxonomy = taxonomy_of(data)
    rows = " / ".join(f"{len(part[0]):,}" for part in (data.train, data.valid, data.test))
    per_level = " > ".join(str(len(taxonomy.level(level))) for level in range(1, taxonomy.n_levels + 1))
    return f"| {data.name} | {task_of(data)} | {rows} | {per_level} |"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="*", default=DATA)
    parser.add_argument("--fine-tuned", action="store_true", help="fine-tune the encoder, too")
    parser.add_argument("--heads", type=lambda names: names.split(","), default=[], help="only these, with commas")
    arguments: Any = parser.parse_args(argv)
    for data in data_sets(arguments.data):
        measure(data, arguments.heads, fine_tuned=arguments.fine_tuned)
    write()


def write() -> None:
    """Write the page from the runs that are finished."""
    lines, told = [], []
    for data in data_sets(DATA):
        planned = recipes(data, fine_tuned=False) | recipes(data, fine_tuned=True)
        found = {name: finished(data, recipe, seeds_of(recipe)) for name, recipe in planned.items()}
        found = {name: runs for name, runs in found.items() if runs}
        if found:
            lines += rows_of(data, found)
            told.append(about(data))
    head = [
        "# Heads against each other",
        "",
        f"Written by `benchmarks/accuracy/heads.py`. {describe()}",
        "",
        "Test rows, three seeds. Path: texts whose whole answer is right, in %, mean ± standard deviation over",
        "seeds, and the difference to `flat` on the same vectors with the 95 % interval of a bootstrap over texts and",
        "seeds. F1 over all nodes, hF1-AUC and calibration error (mean over levels, 15 bins) in %. Severity: levels by",
        "which a path is wrong, mean over all texts. Seconds: training, one thread; a frozen encoder has its vectors.",
        "",
        f"| data | head | path | to flat | {' | '.join(name for name, _ in COLUMNS)} | severity | ECE | coherent | s |",
        "| --- | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    sets = [
        "",
        "| data | paths a text | rows: training / validation / test | nodes a level |",
        "| --- | --- | --: | --- |",
    ]
    (RESULTS / "heads.md").write_text("\n".join([*head, *lines, *sets, *told]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
