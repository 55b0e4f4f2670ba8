"""How many labels does `textaxa select` save? Labels are bought in rounds: chosen by it, at random, by margin, entropy.

Every way begins with the same 100 random rows, trains, chooses the next rows among the training rows (whose labels are
then uncovered), and is scored on the test rows after each round. The model is the head `linear` with text vectors (one
classifier a parent; the words to count are taken from all training texts): it trains in a second. How `select` works
was settled on validation rows with other seeds (10, 11); the test rows are read here alone. (A script named select.py
would hide a module of Python.)

    python benchmarks/decisions/selection.py         # writes results/select.md; goes on where it was stopped
    python benchmarks/decisions/selection.py trec    # one data set; `--valid` for validation rows and other seeds
"""

import argparse
import json
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "accuracy"))

from _machine import describe
from _runs import RESULTS, RUNS, data_sets, known_vectors, taxonomy_of

from textaxa.decoding import terminal_proba
from textaxa.linear._features import fit_features
from textaxa.linear._settings import LinearSettings, resolved
from textaxa.linear.model import LinearModel, _Fit
from textaxa.selection import FEWEST, PER_WANTED, coverage_weight, residuals, score_rows, spread
from textaxa.settings import EncoderSettings, ModelSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy

ROUNDS = {"trec": (200, 2900), "hwu64": (200, 4500), "newsgroups20": (200, 4900), "amazon3": (200, 3100)}
ROUNDS |= {"open-apps": (100, 1300)}
"""Labels bought a round, and at the end: about half of the training rows."""

START = 100
SEEDS, DEVELOPMENT_SEEDS = (0, 1, 2), (10, 11)
WAYS = ("random", "entropy", "margin", "select")
STATED = (0.5, 0.75, 1.0)
"""The accuracy that random rows give at these shares of the labels is what the others have to reach."""

_LENGTH, _CONSTANT = 1.5, 1e-4
"""How text vectors are scaled beside the counts, as in the head `linear`."""


@dataclass(frozen=True)
class Task:
    """A data set as numbers."""

    name: str
    taxonomy: Taxonomy
    labels: Sequence
    features: sparse.csr_matrix
    true: np.ndarray
    scored_features: sparse.csr_matrix
    scored_true: np.ndarray


class VectorFit(_Fit):
    """The training of the head `linear`, on vectors that are there already; texts are their row numbers."""

    def _features(self, rows):
        return (lambda some: self.give[np.asarray(some)]), self.give[np.asarray(rows)]

    def _summary(self, *_):
        return {}


def main() -> None:
    warnings.simplefilter("ignore")  # a class with one row is what the first rounds are about
    arguments = argparse.ArgumentParser()
    arguments.add_argument("names", nargs="*", default=[])
    arguments.add_argument("--valid", action="store_true", help="validation rows, other seeds")
    given = arguments.parse_args()
    for ways in (("random", "select"), ("margin", "entropy")):
        for data in data_sets(given.names or list(ROUNDS)):
            _run(data, ways, valid=given.valid)
    report(valid=given.valid)


def _run(data, ways: Sequence[str], *, valid: bool) -> None:
    task = None
    for seed in DEVELOPMENT_SEEDS if valid else SEEDS:
        for way in ways:
            file = _file(data.name, way, seed, valid=valid)
            if not file.is_file():
                task = task or _task(data, valid=valid)
                _store(file, curve(task, way, seed))
                print(file.stem, flush=True)


def curve(task: Task, way: str, seed: int) -> dict:
    """Give the accuracy on the scored rows after every round."""
    step, end = ROUNDS[task.name]
    rng = np.random.default_rng(seed)
    bought = rng.permutation(len(task.true))[:START].tolist()
    accuracy, choosing = [], []
    while True:
        model = train(task, bought)
        exact = terminal_proba(task.taxonomy, model.node_proba_of(task.scored_features))
        accuracy.append(float((exact.argmax(1) == task.scored_true).mean()))
        if len(bought) >= end:
            return {"labels": list(range(START, end + 1, step)), "accuracy": accuracy, "seconds": choosing}
        began = time.monotonic()
        bought += choose(task, way, model, bought, n=step, rng=rng)
        choosing.append(round(time.monotonic() - began, 2))


def train(task: Task, rows: Sequence[int]) -> LinearModel:
    own = LinearSettings(arrangement="per-parent")
    settings = ModelSettings("single", "linear", own, EncoderSettings(), TrainingSettings())
    return VectorFit(settings, task.taxonomy, None, task.features).run(rows, [task.labels[i] for i in rows], None)


def choose(
    task: Task, way: str, model: LinearModel, bought: list[int], *, n: int, rng: np.random.Generator
) -> list[int]:
    """Give the next rows to label."""
    pool = np.setdiff1d(np.arange(len(task.true)), bought)
    if way == "random":
        return rng.permutation(pool)[:n].tolist()
    proba = model.node_proba_of(task.features[pool])
    if way == "entropy":
        exact = terminal_proba(task.taxonomy, proba).astype(float)
        return pool[np.argsort((exact * np.log(exact + 1e-12)).sum(1), kind="stable")[:n]].tolist()
    scores = score_rows(task.taxonomy, proba)
    if way == "margin":
        return pool[np.argsort(-scores.uncertainty, kind="stable")[:n]].tolist()
    counts = np.bincount(task.true[bought], minlength=len(task.taxonomy.terminals))
    rare = coverage_weight(task.taxonomy, counts, scores.best)
    near = np.argsort(-scores.uncertainty * rare, kind="stable")[: max(FEWEST, PER_WANTED * n)]
    unclear = residuals(task.taxonomy, proba[near], scores.best[near])
    seed = int(rng.integers(1 << 31))
    found = spread(task.features[pool[near]], n, residuals=unclear, weights=rare[near], seed=seed)
    return pool[near[found]].tolist()


def _task(data, *, valid: bool) -> Task:
    taxonomy, give = taxonomy_of(data), known_vectors(data)
    part = data.valid if valid else data.test
    own = resolved(LinearSettings(), data.train[0], taxonomy, task="single")
    counts, counted = fit_features(own, data.train[0], seed=0)
    vectors, scored = give(None, data.train[0]), give(None, part[0])
    mean, deviation = vectors.mean(0), vectors.std(0)
    varies = deviation > _CONSTANT
    factor = np.where(varies, _LENGTH / np.sqrt(varies.sum()) / np.where(varies, deviation, 1), 0)
    features, scored_features = (
        sparse.hstack([some, ((rows - mean) * factor).astype(np.float32)], format="csr")
        for some, rows in ((counted, vectors), (counts(part[0]), scored))
    )
    place = {int(node): i for i, node in enumerate(taxonomy.terminals)}
    true, scored_true = (
        np.array([place[taxonomy.index(paths[0])] for paths in labels]) for labels in (data.train[1], part[1])
    )
    return Task(data.name, taxonomy, data.train[1], features, true, scored_features, scored_true)


def _file(name: str, way: str, seed: int, *, valid: bool) -> Path:
    return RUNS / "selection" / f"{'valid-' if valid else ''}{name}-{way}-{seed}.json"


def _store(file: Path, found: dict) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(found), encoding="utf-8")
    partial.rename(file)


def _curves(name: str, *, valid: bool) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Give for each way the numbers of labels, and the accuracies (seeds, rounds); nothing where a seed is missing."""
    found = {}
    for way in WAYS:
        files = [_file(name, way, seed, valid=valid) for seed in (DEVELOPMENT_SEEDS if valid else SEEDS)]
        if all(file.is_file() for file in files):
            runs = [json.loads(file.read_text(encoding="utf-8")) for file in files]
            found[way] = np.array(runs[0]["labels"]), np.array([run["accuracy"] for run in runs])
    return found


def needed(labels: np.ndarray, accuracy: np.ndarray, wanted: float) -> float:
    """Give how many labels a curve needs for an accuracy, between rounds by a straight line; NaN where it never does.

    Both curves are taken at their best so far: who labels keeps the better model.
    """
    best = np.maximum.accumulate(accuracy)
    reached = np.flatnonzero(best >= wanted)
    if not len(reached):
        return float("nan")
    after = int(reached[0])
    if after == 0:
        return float(labels[0])
    part = (wanted - best[after - 1]) / (best[after] - best[after - 1])
    return float(labels[after - 1] + part * (labels[after] - labels[after - 1]))


def report(*, valid: bool) -> None:
    lines = ["# Which texts to label next", "", f"Written by `benchmarks/decisions/selection.py`. {describe()}", ""]
    lines += [_HOW, "", *_savings(valid=valid), "", *_accuracies(valid=valid)]
    text = "\n".join(lines) + "\n"
    print(text)
    if not valid:
        (RESULTS / "select.md").write_text(text, encoding="utf-8")


_HOW = f"""\
Rows of the training part are bought in rounds: the first {START} at random, the next by each way. After every round a
model is trained (the head `linear` on counts and MiniLM vectors, one classifier a parent) and scored on the test rows:
path accuracy, mean of seeds {", ".join(map(str, SEEDS))}. `entropy` and `margin` take the texts with the largest
entropy or the smallest margin of whole paths. What `select` does was settled on validation rows.

The test rows were read once before, with a weaker model (text vectors alone, no counts) and the same `select`, which
then needed, for the accuracy of random rows at the end: TREC 80 %, hwu64 59 %, newsgroups20 88 %, open-apps 94 %.
The curves of hwu64, newsgroups20 and amazon3 first ended at 2,900 labels (76, 71 and 72 % there); they were then drawn
out to half of the training rows."""


def _savings(*, valid: bool) -> list[str]:
    lines = ["## Labels needed for the accuracy that random rows give", ""]
    lines += ["100 % is what random rows need themselves; – is not reached with all labels bought.", ""]
    lines += ["| data | random has | accuracy | " + " | ".join(WAYS[1:]) + " |", "| --- | --: | --: |" + " --: |" * 3]
    for name in ROUNDS:
        curves = _curves(name, valid=valid)
        if not {"random", "select"} <= set(curves):
            continue
        means = {way: (labels, accuracy.mean(0)) for way, (labels, accuracy) in curves.items()}
        labels, base = means["random"]
        for share in STATED:
            at = int(np.flatnonzero(labels <= share * labels[-1])[-1])
            wanted = float(np.maximum.accumulate(base)[at])
            own = needed(labels, base, wanted)
            cells = [_share(needed(*means[way], wanted), own) if way in means else "" for way in WAYS[1:]]
            lines.append(f"| {name} | {own:,.0f} labels | {100 * wanted:.1f} % | " + " | ".join(cells) + " |")
    return lines


def _share(labels: float, own: float) -> str:
    return "–" if np.isnan(labels) else f"{labels:,.0f} ({100 * labels / own:.0f} %)"


def _accuracies(*, valid: bool) -> list[str]:
    lines = ["## Accuracy by labels bought", ""]
    for name in ROUNDS:
        curves = _curves(name, valid=valid)
        if not curves:
            continue
        labels = next(iter(curves.values()))[0]
        shown = np.unique(np.linspace(0, len(labels) - 1, 8).round().astype(int))
        lines += [
            f"| {name} | " + " | ".join(f"{labels[i]:,}" for i in shown) + " |",
            "| --- |" + " --: |" * len(shown),
        ]
        for way, (_, accuracy) in curves.items():
            mean, spread_of = 100 * accuracy.mean(0), 100 * accuracy.std(0)
            lines.append(f"| {way} | " + " | ".join(f"{mean[i]:.1f} ± {spread_of[i]:.1f}" for i in shown) + " |")
        lines.append("")
    return [*lines, "± is the deviation over seeds."]


if __name__ == "__main__":
    main()
