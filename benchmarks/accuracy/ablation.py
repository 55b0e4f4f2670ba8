"""What should the child level of `chained` be fed in training, and how should the levels' losses be weighed?

Six feeds × four level weightings, on frozen MiniLM vectors, three seeds. At prediction time the child level is always
fed the predicted parent, or with ``nothing`` the text alone. ``tuned`` weights are powers of one ratio, chosen on the
validation rows with the default feed. Test rows are scored once a run.

    python benchmarks/accuracy/ablation.py [DATA ...]        # writes results/ablation.md; goes on where it was stopped
"""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from _runs import RESULTS, SEEDS, Recipe, Run, Split, data_sets, describe, path_hits, run, taxonomy_of
from _tables import gap, mean_and_deviation

DATA = ("open-apps", "trec", "hwu64", "amazon3")
FEEDS: dict[str, dict[str, Any]] = {
    "masked 0.5": {"feed": "masked"},
    "true": {"feed": "true"},
    "predicted": {"feed": "predicted"},
    "predicted, no gradient": {"feed": "predicted", "detach": True},
    "scheduled": {"feed": "scheduled"},
    "nothing": {"feed": "nothing"},
}
WEIGHTS = ("equal", "tuned", "uncertainty", "dwa")
WIDE = 100
"""Nodes from which on not every combination is run, but every feed and every weighting."""

RATIOS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Of the loss weight of a level to that of the level above it."""


def level_weights(ratio: float, n_levels: int) -> tuple[float, ...]:
    """Give weights in a constant ratio, with mean 1."""
    weights = ratio ** np.arange(n_levels, dtype=float)
    return tuple(round(float(w), 4) for w in weights * n_levels / weights.sum())


def tuned_weights(data: Split) -> tuple[float, ...]:
    """Choose the weights with the best path accuracy on the validation rows, mean over the seeds."""
    n_levels = taxonomy_of(data).n_levels

    def score(ratio: float) -> float:
        settings = {"level_weights": level_weights(ratio, n_levels)}
        return float(np.mean([run(data, Recipe("chained", settings), seed).valid["path_accuracy"] for seed in SEEDS]))

    return level_weights(max(RATIOS, key=score), n_levels)


def grid(data: Split) -> list[tuple[str, str]]:
    """Give the combinations to run: all of them, or for wide taxonomies every feed, and every weighting."""
    if len(taxonomy_of(data)) < WIDE:
        return [(feed, weights) for weights in WEIGHTS for feed in FEEDS]
    first = next(iter(FEEDS))
    return [(feed, "equal") for feed in FEEDS] + [(first, weights) for weights in WEIGHTS[1:]]


def runs_of(data: Split) -> dict[tuple[str, str], list[Run]]:
    found = {}
    tuned = tuned_weights(data)
    for feed, weights in grid(data):
        settings = {**FEEDS[feed], "level_weights": tuned if weights == "tuned" else weights}
        found[feed, weights] = [run(data, Recipe("chained", settings), seed) for seed in SEEDS]
        print(data.name, feed, weights, mean_and_deviation(path_hits(data, found[feed, weights])), flush=True)
    return found


def rows_of(data: Split) -> list[str]:
    found = runs_of(data)
    hits = {key: path_hits(data, runs) for key, runs in found.items()}
    base = hits[next(iter(FEEDS)), "equal"]
    lines = []
    for (feed, weights), runs in found.items():
        test = [one.test for one in runs]
        major = 100 * np.mean([one["levels"][0]["accuracy"] for one in test])
        macro = 100 * np.mean([one["nodes"]["macro_f1"] for one in test])
        loss = np.mean([one["log_loss"] for one in test])
        difference = "" if hits[feed, weights] is base else gap(hits[feed, weights], base)
        told = _told(runs[0]) if weights == "tuned" else weights
        cells = [data.name, feed, told, mean_and_deviation(hits[feed, weights]), difference]
        lines.append(f"| {' | '.join(cells)} | {major:.1f} | {macro:.1f} | {loss:.3f} |")
    return lines


def _told(one: Run) -> str:
    return "tuned: " + ", ".join(f"{w:.2g}" for w in one.recipe.settings["level_weights"])


def main(names: Sequence[str]) -> None:
    lines: list[str] = []
    for data in data_sets(names):
        lines += rows_of(data)
    head = [
        "# What the child level is fed, and how levels are weighed",
        "",
        f"Written by `benchmarks/accuracy/ablation.py`. {describe()}",
        "",
        "`chained` on frozen MiniLM vectors, three seeds. Path accuracy on test rows in %, mean ± standard deviation",
        "over seeds, and the difference to `masked 0.5` with equal weights, with the 95 % interval of a bootstrap over",
        "test texts and seeds. Many differences are shown: of twenty-three without any effect one is expected outside.",
        "",
        "| data | child level is fed | level weights | path | to masked, equal | major | macro-F1 | log loss |",
        "| --- | --- | --- | --: | --: | --: | --: | --: |",
    ]
    (RESULTS / "ablation.md").write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:] or DATA)
