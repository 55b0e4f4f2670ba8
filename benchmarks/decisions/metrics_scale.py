"""Every metric on 1,000,000 texts × 10,000 nodes: seconds and highest resident memory, each in a process of its own.

Labels are random: a tree of 5 levels, leaves by a power law; three of four answers are right, of the others most are a
sibling or lie in the same branch. Labels are given as paths (as a table has them) and as node numbers. Metrics of
``node_proba`` read blocks of rows (a model's batches); here the blocks are made up, and their making is not timed.

    python benchmarks/decisions/metrics_scale.py          # writes results/metrics_scale.json and .md

Seconds are of the processor, one thread: other work on the machine changes them less. What results/metrics_scale.json
already has is kept, so that an interrupted run goes on; delete it to measure anew.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from _machine import describe

RESULTS = Path(__file__).resolve().parents[1] / "results" / "metrics_scale.json"
BRANCHING = (20, 5, 5, 4, 4)
BLOCK = 256


def random_tree(n_nodes: int) -> Any:
    """Give a tree of five levels and about ``n_nodes`` nodes."""
    from textaxa.taxonomy import Taxonomy

    paths: list[tuple[str, ...]] = [()]
    every: list[tuple[str, ...]] = []
    for level, width in enumerate(BRANCHING, 1):
        paths = [(*path, f"{level}-{i}") for path in paths for i in range(width)]
        every += paths
    return Taxonomy.from_paths(every[:n_nodes], terminals="leaves")


def single_labels(taxonomy: Any, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Give true and predicted leaves."""
    generator = np.random.default_rng(0)
    leaves = generator.permutation(taxonomy.terminals)
    weight = 1 / np.arange(1, len(leaves) + 1) ** 0.7
    true = generator.choice(leaves, size=n, p=weight / weight.sum())
    kind = generator.random(n)
    ordered = np.sort(leaves)
    place = np.searchsorted(ordered, true)
    near = np.clip(place + generator.integers(-3, 4, n), 0, len(leaves) - 1)
    branch = np.clip(place + generator.integers(-50, 51, n), 0, len(leaves) - 1)
    wrong = np.where(kind < 0.9, ordered[near], np.where(kind < 0.97, ordered[branch], generator.choice(leaves, n)))
    return true, np.where(kind < 0.75, true, wrong)


def several(true: np.ndarray, predicted: np.ndarray) -> tuple[Any, Any]:
    """Give one to three leaves a text, from the labels of other texts."""
    from textaxa.taxonomy import CSR

    generator = np.random.default_rng(1)
    n = len(true)
    counts = generator.choice([1, 2, 3], size=n, p=[0.6, 0.3, 0.1])
    indptr = np.concatenate([[0], np.cumsum(counts)])
    # The further labels come from few rows, so that label sets repeat as they do in real data.
    drawn = generator.integers(0, n // 100, size=int(indptr[-1]))
    drawn[indptr[:-1]] = np.arange(n)
    return CSR(indptr, true[drawn]), CSR(indptr, predicted[drawn])


def made_up_blocks(taxonomy: Any, true: np.ndarray, spent: list[float]) -> Iterator[np.ndarray]:
    """Give coherent probabilities in blocks: most on the true leaf for most texts; counts the seconds that takes."""
    generator = np.random.default_rng(2)
    column = np.full(len(taxonomy), -1)
    column[taxonomy.terminals] = np.arange(len(taxonomy.terminals))
    for start in range(0, len(true), BLOCK):
        began = time.process_time()
        wanted = column[true[start : start + BLOCK]]
        exact = generator.random((len(wanted), len(taxonomy.terminals)), dtype=np.float32) ** 8
        exact[np.arange(len(wanted)), wanted] += generator.exponential(500, len(wanted)).astype(np.float32)
        exact /= exact.sum(axis=1, keepdims=True)
        block = np.zeros((len(wanted), len(taxonomy)), np.float32)
        block[:, taxonomy.terminals] = exact
        for level in range(taxonomy.n_levels, 1, -1):
            nodes = taxonomy.level_slice(level)
            parents = taxonomy.parent[nodes]
            first = np.flatnonzero(np.diff(parents, prepend=-1))
            block[:, parents[first]] += np.add.reduceat(block[:, nodes], first, axis=1)
        spent[0] += time.process_time() - began
        yield block


def peak_mb() -> int:
    """Give the highest resident memory of this process so far, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) // 1000
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1_000_000


def jobs() -> dict[str, Callable[[Any, int], Callable[[], Any]]]:
    """Give what is measured by name: from taxonomy and number of texts to the call that is timed."""
    from textaxa import evaluation as e

    def numbers(taxonomy: Any, n: int) -> Any:
        return single_labels(taxonomy, n)

    def paths(taxonomy: Any, n: int) -> Any:
        nodes = list(taxonomy.nodes)
        return [[nodes[i] for i in side.tolist()] for side in single_labels(taxonomy, n)]

    def csr(taxonomy: Any, n: int) -> Any:
        return several(*single_labels(taxonomy, n))

    def on(labels: Any, measure: Callable[..., Any]) -> Any:
        def ready(taxonomy: Any, n: int) -> Any:
            true, predicted = labels(taxonomy, n)
            return lambda: measure(taxonomy, true, predicted)

        return ready

    def blocks(measure: Callable[..., Any]) -> Any:
        def ready(taxonomy: Any, n: int) -> Any:
            true, _ = single_labels(taxonomy, n)
            spent = [0.0]

            def call() -> float:
                measure(taxonomy, true, made_up_blocks(taxonomy, true, spent))
                return spent[0]

            return call

        return ready

    def climbing(taxonomy: Any, n: int) -> Any:
        from textaxa.evaluation._along import AlongPaths
        from textaxa.evaluation._coverage import climbing_curve

        generator = np.random.default_rng(3)
        proba = np.sort(generator.random((n, taxonomy.n_levels)), axis=1)[:, ::-1].copy()
        right = np.logical_and.accumulate(generator.random(proba.shape) < proba, axis=1)
        losses = np.zeros(n)
        read = AlongPaths("single", proba, right, proba[:, -1].copy(), right[:, -1].copy(), losses, losses)
        return lambda: climbing_curve(read)

    def everything(taxonomy: Any, true: Any, predicted: Any) -> None:
        e.evaluate_paths(taxonomy, true, predicted)
        e.per_node(taxonomy, true, predicted)
        e.confusions(taxonomy, true, predicted, limit=1000)

    return {
        "evaluate_paths, no intervals; paths": on(paths, lambda *a: e.evaluate_paths(*a, intervals=False)),
        "per_node; paths": on(paths, e.per_node),
        "confusions, 1,000 of each kind; paths": on(paths, lambda *a: e.confusions(*a, limit=1000)),
        "**all label metrics; paths**": on(paths, everything),
        "**all label metrics; node numbers**": on(numbers, everything),
        "evaluate_paths, no intervals; 1 to 3 paths": on(csr, lambda *a: e.evaluate_paths(*a, intervals=False)),
        "**all label metrics; 1 to 3 paths**": on(csr, everything),
        "calibration_scores; blocks": blocks(e.calibration_scores),
        "coverage_curve; blocks": blocks(e.coverage_curve),
        "coverage_curve once all is read: 5,000,000 thresholds": climbing,
    }


def measure(name: str, n_texts: int, n_nodes: int) -> dict[str, Any]:
    """Give seconds and memory of one job, in this process."""
    taxonomy = random_tree(n_nodes)
    call = jobs()[name](taxonomy, n_texts)
    before = peak_mb()
    began = time.process_time()
    not_counted = call()
    seconds = time.process_time() - began - (not_counted if isinstance(not_counted, float) else 0.0)
    return {"seconds": round(seconds, 1), "before_mb": before, "peak_mb": peak_mb()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=1_000_000)
    parser.add_argument("--block-texts", type=int, default=10_000, help="texts of the metrics of node_proba")
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--only", help="one job, in this process; prints JSON")
    parser.add_argument("--some", default="", help="only the jobs whose name has this in it")
    told = parser.parse_args()
    if told.only:
        sys.stdout.write(json.dumps(measure(told.only, told.texts, told.nodes)) + "\n")
        return
    found = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    for name in jobs():
        texts = told.block_texts if name.endswith("blocks") else told.texts
        if name in found or told.some not in name:
            continue
        command = [sys.executable, __file__, "--only", name, "--texts", str(texts), "--nodes", str(told.nodes)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found[name] = {"texts": texts, "machine": describe()} | json.loads(done.stdout)
        RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    page = rendered(found, random_tree(told.nodes))
    RESULTS.with_suffix(".md").write_text(page, encoding="utf-8")
    sys.stdout.write(page)


def rendered(found: dict[str, Any], taxonomy: Any) -> str:
    """Give the results as a page."""
    machine = next(iter(found.values()))["machine"]
    lines = [
        "# Metrics at scale",
        "",
        f"Written by `benchmarks/decisions/metrics_scale.py`. {machine}",
        "",
        f"A tree of {len(taxonomy):,} nodes in {taxonomy.n_levels} levels, {len(taxonomy.terminals):,} leaves. Aim: "
        "all label metrics (`evaluate_paths` with 1,000 resamples, `per_node`, `confusions`) of 1,000,000 texts in 60 "
        "seconds and 2 GB. Seconds of one processor core. Memory: the highest resident memory of the process, imports "
        "and labels included; in brackets what these took before. `node_proba` comes in blocks of "
        f"{BLOCK} rows, whose making is not counted; seconds grow with the texts.",
        "",
        "| what | texts | seconds | peak MB |",
        "| --- | --: | --: | --: |",
    ]
    for name in (name for name in jobs() if name in found):
        one = found[name]
        lines.append(f"| {name} | {one['texts']:,} | {one['seconds']} | {one['peak_mb']:,} ({one['before_mb']:,}) |")
    lines += [
        "",
        "With 1 to 3 paths a text, some 800,000 of the 2,000,000 label sets are different ones. "
        "The macro-F1s' intervals are then of fewer resamples (at least 200).",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
