"""How near does a merged node come to the exact sum of its parts?

The first two leaves below every node with at least three are merged, on models trained with all leaves (those of
`hidden_leaves.py`). A merged node of a softmax is no linear row, so `migrate` fits one: on label texts, or on texts
that are given, here those of training. Beside it stand the exact sums, which need the old model. Scored on test rows,
which choose nothing.

    python benchmarks/living/merged.py           # writes results/merged.*; a minute where the models are trained
    python benchmarks/living/merged.py --dry     # one set, nothing is written
"""

import argparse
import json
from typing import Any

import numpy as np
from _hidden import Hidden, hidden, right, trained  # makes the folders of the shared modules importable
from _runs import RESULTS, data_sets, task_of

from _machine import describe  # isort: skip

from textaxa.decoding import top_paths
from textaxa.heads import head_class
from textaxa.migration import migrate
from textaxa.taxonomy import NodeMapping, Taxonomy, map_nodes
from textaxa.taxonomy import Path as LabelPath

DATA = ("open-apps", "hwu64", "amazon3", "newsgroups20")
HEADS = ("chained", "conditional", "flat")
SEED = 0
TEXTS = 2000
"""Training texts that are given, at most."""

INTRODUCTION = """# Merged nodes

Written by `benchmarks/living/merged.py`. {machine}

The first two leaves below every node with at least three are merged. *Gap*: the mean distance of a merged node's
probability from the exact sum of its parts, on test rows where that sum is above one half. *Paths right*: by the
exact sums of the old model, and by the migrated model, its merged rows fitted on label texts or on {texts:,} training
texts. One model each, frozen MiniLM, no calibration.

| data, head | merged | rows | gap, label texts | gap, texts | paths right, exact | label texts | texts |
| --- | --: | --: | --: | --: | --: | --: | --: |
"""


def merged_pairs(taxonomy: Taxonomy) -> list[tuple[LabelPath, LabelPath]]:
    """Give the pairs of leaves that are merged."""
    groups: dict[LabelPath, list[LabelPath]] = {}
    for node in np.flatnonzero(taxonomy.is_leaf).tolist():
        path = taxonomy.path(node)
        groups.setdefault(path[:-1], []).append(path)
    return [(leaves[0], leaves[1]) for leaves in groups.values() if len(leaves) > 2]


def mapping_of(taxonomy: Taxonomy, pairs: list[tuple[LabelPath, LabelPath]]) -> NodeMapping:
    """Give the taxonomy after the merges, with what became of each node."""
    gone = {second for _, second in pairs}
    ends = [taxonomy.path(int(node)) for node in taxonomy.terminals]
    new = Taxonomy.from_paths([path for path in ends if path not in gone], sort=True)
    links = [(old, first) for first, second in pairs for old in (first, second)]
    return map_nodes(taxonomy, new, links)


def measure(what: Hidden, head: str) -> dict[str, Any]:
    """Compare one model."""
    model, _ = trained(what, head, with_hidden=True)
    pairs = merged_pairs(what.full)
    mapping = mapping_of(what.full, pairs)
    exact = sums(mapping, model.node_proba_of(what.vectors("test")))
    became = {first_or_second: first for first, second in pairs for first_or_second in (first, second)}
    true = [became.get(labels[0], labels[0]) for labels in what.data.test[1]]
    columns = [mapping.new.index(first) for first, _ in pairs]
    texts = np.random.default_rng(SEED).permutation(len(what.data.train[0]))[:TEXTS]
    found: dict[str, Any] = {"exact": accuracy(mapping.new, exact, true)}
    gaps = {}
    for way, given in (("label texts", None), ("texts", what.taken("train", texts)[0])):
        proba = migrate(model, mapping.new, mapping, texts=given).model.node_proba_of(what.vectors("test"))
        sure = exact[:, columns] > 0.5
        gaps[way] = float(np.abs(proba - exact)[:, columns][sure].mean())
        found[way] = accuracy(mapping.new, proba, true)
    about = {"data": what.data.name, "head": head, "merged": len(pairs), "rows": len(true)}
    return about | {"before": float(right(model, what, "test").mean()), "gap": gaps, "right": found}


def sums(mapping: NodeMapping, proba: np.ndarray) -> np.ndarray:
    """Give the exact probability of every new node: the sum of those that became it, (B, new N)."""
    found = np.zeros((len(proba), len(mapping.new)), dtype=proba.dtype)
    for link in mapping.links:
        found[:, link.new] += proba[:, link.old]
    return found


def accuracy(taxonomy: Taxonomy, proba: np.ndarray, true: list[LabelPath]) -> float:
    """Give the share of rows whose most probable path is the true one."""
    found = top_paths(taxonomy, np.clip(proba, 0, 1), 1)
    return float(np.mean([row[0].path == path for row, path in zip(found, true, strict=True)]))


def row(one: dict[str, Any]) -> str:
    """Give a line of the page."""
    gaps = " | ".join(f"{one['gap'][way]:.2f}" for way in ("label texts", "texts"))
    shares = " | ".join(f"{100 * one['right'][way]:.1f} %" for way in ("exact", "label texts", "texts"))
    return f"| {one['data']}, `{one['head']}` | {one['merged']} | {one['rows']:,} | {gaps} | {shares} |\n"


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dry", action="store_true", help="one set; nothing is written")
    dry = parser.parse_args().dry
    found = []
    for data in data_sets(DATA[:1] if dry else DATA):
        for head in HEADS:
            if task_of(data) in head_class(head).tasks:
                found.append(measure(hidden(data, SEED), head))
                print(row(found[-1]), end="", flush=True)
    if dry:
        return
    lines = [json.dumps(one | {"machine": describe()}) for one in found]
    (RESULTS / "merged.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    page = INTRODUCTION.format(machine=describe(), texts=TEXTS) + "".join(map(row, found))
    (RESULTS / "merged.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
