"""Where does textaxa stand? On each data set the model that the validation rows recommend, against every head and peer.

The recommended model has the best score on the validation rows (mean over seeds): path accuracy, or with several paths
a text hierarchical F1. Its test score is compared with the best test score of all heads, chosen with hindsight, and
with that of every peer, in differences with 95 % intervals of a bootstrap over test texts and seeds.

    python benchmarks/accuracy/standing.py        # from finished runs of heads.py and run_peers.py: results/standing.md
"""

import json
from collections.abc import Sequence

import numpy as np
from _peers import PEERS
from _runs import RESULTS, Run, Split, data_sets, describe, finished, task_of, taxonomy_of
from heads import DATA, recipes, seeds_of
from run_peers import SEEDS as PEER_SEEDS
from run_peers import found_file

RESAMPLES = 2000
Counts = np.ndarray
"""For each run and text: what the numerator and the denominator of the score add up, (runs, B, 2)."""


def ours(data: Split) -> dict[str, list[Run]]:
    planned = recipes(data, fine_tuned=False) | recipes(data, fine_tuned=True)
    found = {name: finished(data, recipe, seeds_of(recipe)) for name, recipe in planned.items()}
    return {name: runs for name, runs in found.items() if runs}


def theirs(data: Split) -> dict[str, list[list[list[int]]]]:
    """Give what each peer found for every test row, one list a seed."""
    found = {}
    for peer in PEERS:
        files = [found_file(data.name, peer.name, seed, len(data.train[0])) for seed in PEER_SEEDS]
        runs = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.is_file()]
        if runs:
            found[peer.name] = runs
    return found


def recommended(data: Split, found: dict[str, list[Run]]) -> str:
    """Choose by the validation rows alone."""
    key = "path_accuracy" if task_of(data) == "single" else "hierarchical_f1"
    return max(found, key=lambda name: np.mean([one.valid[key] for one in found[name]]))


def counts(data: Split, runs: Sequence[Sequence[Sequence[int]]]) -> Counts:
    """Count right answers of texts; or with several paths twice the shared nodes, and the nodes of both sides."""
    taxonomy = taxonomy_of(data)
    true = [[taxonomy.index(path) for path in labels] for labels in data.test[1]]
    if task_of(data) == "single":
        return np.array([[(set(a) == set(b), 1) for a, b in zip(run, true, strict=True)] for run in runs], dtype=float)
    close = lambda nodes: set(taxonomy.ancestors.rows(np.asarray(nodes, dtype=np.int64)).tolist())  # noqa: E731
    wanted = [close(nodes) for nodes in true]
    pairs = [[(close(a), b) for a, b in zip(run, wanted, strict=True)] for run in runs]
    return np.array([[(2 * len(a & b), len(a) + len(b)) for a, b in run] for run in pairs], dtype=float)


def score(found: Counts) -> float:
    """Give the mean over runs of the score."""
    sums = found.sum(1)
    return float((sums[:, 0] / sums[:, 1]).mean())


def gap(one: Counts, other: Counts) -> tuple[float, float, float]:
    """Give a difference of scores and its interval, over texts and seeds."""
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(RESAMPLES):
        weights = np.bincount(rng.integers(0, one.shape[1], one.shape[1]), minlength=one.shape[1])
        sides = []
        for side in (one, other):
            sums = np.einsum("sbk,b->sk", side[rng.integers(0, len(side), len(side))], weights)
            sides.append((sums[:, 0] / sums[:, 1]).mean())
        draws.append(sides[0] - sides[1])
    low, high = np.percentile(draws, [2.5, 97.5])
    return score(one) - score(other), float(low), float(high)


def rows_of(data: Split) -> list[str]:
    found, peers = ours(data), theirs(data)
    if not found:
        return []
    systems = {name: counts(data, [one.found for one in runs]) for name, runs in found.items()}
    rivals = {name: counts(data, runs) for name, runs in peers.items()}
    name = recommended(data, found)
    best = max(systems, key=lambda one: score(systems[one]))
    cells = [data.name, "path" if task_of(data) == "single" else "hF1", name, f"{100 * score(systems[name]):.1f}"]
    cells += [best, _told(gap(systems[name], systems[best])) if best != name else "the same"]
    if not rivals:
        return [f"| {' | '.join([*cells, '', '', ''])} |"]
    first = max(rivals, key=lambda one: score(rivals[one]))
    gaps = {one: gap(systems[name], found) for one, found in rivals.items()}
    cells += [f"{first} {100 * score(rivals[first]):.1f}", _told(gaps[first])]
    cells += ["yes" if all(low > 0 for _, low, _ in gaps.values()) else "no"]
    return [f"| {' | '.join(cells)} |"]


def _told(found: tuple[float, float, float]) -> str:
    return "{:+.1f} ({:+.1f} to {:+.1f})".format(*(100 * value for value in found))


def main() -> None:
    lines = [line for data in data_sets(DATA) for line in rows_of(data)]
    head = [
        "# Where textaxa stands",
        "",
        f"Written by `benchmarks/accuracy/standing.py`. {describe()}",
        "",
        "Test scores in %. *Recommended*: the best on the validation rows. *To the best head*: its difference to that",
        "which was best on the test rows, with hindsight. *To the best peer*, and whether it is ahead of every peer by",
        "more than the 95 % interval.",
        "",
        "| data | score | recommended | test | best head | to the best head | best peer | to the best peer | ahead |",
        "| --- | --- | --- | --: | --- | --: | --- | --: | --- |",
    ]
    (RESULTS / "standing.md").write_text("\n".join([*head, *lines]) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
