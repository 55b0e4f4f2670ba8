"""What are the names of the nodes worth? Zero rows, a few rows a path, all rows; random start against label names.

Frozen encoder, the same vectors for all, defaults everywhere. The epoch is chosen on all validation rows, also where
there are few training rows: the same for every system. Test rows are scored once a run.

    python benchmarks/accuracy/label_names.py [DATA ...]      # writes results/label_names.md; goes on where it stopped
"""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from _runs import (
    MAX_LENGTH,
    RESULTS,
    SEEDS,
    Recipe,
    Split,
    _vectors,
    data_sets,
    describe,
    path_hits,
    run,
    task_of,
    taxonomy_of,
)
from _tables import gap, mean_and_deviation

from textaxa.heads import head_class
from textaxa.labels import zero_shot_model
from textaxa.settings import EncoderSettings

DATA = ("open-apps", "trec", "hwu64", "amazon3", "newsgroups20", "fdroid")
ROWS_A_PATH = (1, 4, 16, None)
"""Training rows of each path; None is all."""

STARTS = ("flat", "per-level", "chained", "conditional", "binary")
RECIPES = {"label-text": Recipe("label-text", {})} | {
    f"{head}, {start}": Recipe(head, {"init": start}) for head in STARTS for start in ("random", "label-names")
}
HEADER = (
    "| data | rows a path | system | path | label names instead of a random start |\n| --- | --: | --- | --: | --: |"
)


def some_rows(data: Split, rows_a_path: int | None) -> Split:
    """Keep the first rows of each path; a row of several paths counts for its first."""
    if rows_a_path is None:
        return data
    texts, labels = data.train
    seen: dict[Any, int] = {}
    kept = []
    for i in np.random.default_rng(0).permutation(len(texts)):
        seen[labels[i][0]] = seen.get(labels[i][0], 0) + 1
        if seen[labels[i][0]] <= rows_a_path:
            kept.append(int(i))
    kept.sort()
    return replace(data, train=([texts[i] for i in kept], [labels[i] for i in kept]))


def zero_shot_hits(data: Split) -> np.ndarray:
    """Mark for each test row whether the model that saw no row is right, int (1, B)."""
    taxonomy = taxonomy_of(data)
    settings = EncoderSettings(frozen=True, max_length=MAX_LENGTH)
    model = zero_shot_model(taxonomy, task=task_of(data), encoder=settings)
    found = model.decode(model.node_proba_of(_vectors(data, "test")))
    true = [{taxonomy.index(path) for path in labels} for labels in data.test[1]]
    return np.array([[int({p.node for p in row} == t) for row, t in zip(found, true, strict=True)]])


def rows_of(data: Split) -> list[str]:
    """Give the lines of a data set, and tell them as they come."""
    lines = [f"| {data.name} | 0 | label-text | {mean_and_deviation(zero_shot_hits(data))} | |"]
    print(lines[0], flush=True)
    for rows_a_path in ROWS_A_PATH:
        part = some_rows(data, rows_a_path)
        hits: dict[str, np.ndarray] = {}
        for name, recipe in RECIPES.items():
            if task_of(data) not in head_class(recipe.head).tasks:
                continue
            hits[name] = path_hits(part, [run(part, recipe, seed) for seed in SEEDS])
            other = hits.get(name.replace("label-names", "random"))
            difference = gap(hits[name], other) if name.endswith("label-names") else ""
            rows = "all" if rows_a_path is None else rows_a_path
            lines.append(f"| {data.name} | {rows} | {name} | {mean_and_deviation(hits[name])} | {difference} |")
            print(lines[-1], flush=True)
    return lines


def main(argv: Sequence[str] | None = None) -> None:
    """Run what is not finished, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="*", default=DATA)
    arguments = parser.parse_args(argv)
    lines = [
        "# What the names of the nodes are worth",
        "",
        f"Written by `benchmarks/accuracy/label_names.py`. {describe()}",
        "",
        "Test rows whose whole answer is right, in %, mean ± standard deviation over three seeds, on a frozen encoder;",
        "and the difference that `init = label-names` makes to a random start, with the 95 % interval of a bootstrap",
        "over texts and seeds. No descriptions: paths alone.",
        "",
        HEADER,
    ]
    for data in data_sets(arguments.data):
        lines += rows_of(data)
    (RESULTS / "label_names.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
