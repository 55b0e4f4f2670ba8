"""What each decoder is worth: hierarchical F and tree distance on test rows, from the same probabilities.

    python benchmarks/decisions/decoders.py              # all data sets that are at hand
    python benchmarks/decisions/decoders.py trec hwu64   # some

Writes benchmarks/results/decoders.md. What is measured is remembered in ``build/accuracy/decoders``
(``$TEXTAXA_RUNS``), so that a stopped benchmark goes on where it was. The thresholds of the climbing rule and the
calibration are chosen on validation rows; nothing sees the test rows before they are scored.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
from _scored import MODELS, RUNS, SEEDS, SINGLE, Scored, Split, data_sets, scored

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from _machine import describe

from textaxa.calibration import fit_calibration
from textaxa.decoding import decode, hf_beta_paths
from textaxa.taxonomy import Taxonomy

RESULTS = Path(__file__).resolve().parent.parent / "results" / "decoders.md"
BETAS = (0.5, 1.0, 2.0)
KINDS = ("raw", "calibrated")
RESAMPLES = 2000
CUTS = 200
"""Thresholds tried: 0, and so many quantiles of the probabilities on the validation rows."""

Answers = np.ndarray
"""The answered node of every text, -1 where there is none; int64 (B,)."""


def main() -> None:
    """Measure what is not yet remembered, and write the page of all that is."""
    asked = sys.argv[1:] or SINGLE
    for data in data_sets(asked):
        for model in MODELS:
            for kind in KINDS:
                _remembered(f"{data.name}-{model}-{kind}", lambda data=data, m=model, k=kind: _measured(data, m, k))
        _remembered(f"{data.name}-times", lambda data=data: _times(data.name, scored(data, "linear")))
    RESULTS.write_text(_page(), encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


def _remembered(name: str, measure: Callable[[], dict[str, str]]) -> dict[str, str]:
    """Give rows of the tables, from disk where they were measured before."""
    file = RUNS / "decoders" / f"{name}.json"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        file.write_text(json.dumps(measure()), encoding="utf-8")
        print(name, f"{time.monotonic() - began:.0f} s", flush=True)
    return json.loads(file.read_text(encoding="utf-8"))


def _measured(data: Split, model: str, kind: str) -> dict[str, str]:
    """Give the rows of a model on a data set, by table."""
    runs = [scored(data, model, seed) for seed in (SEEDS if model == "chained" else SEEDS[:1])]
    if kind == "calibrated":
        runs = [_calibrated(one) for one in runs]
    place = f"| {data.name} | {model} | {kind} |"
    rows = {str(beta): f"{place} {_f_columns(runs, beta)} |" for beta in BETAS}
    return rows | {"distance": f"{place} {_distance_columns(runs)} |"}


def _calibrated(one: Scored) -> Scored:
    calibration = fit_calibration(one.taxonomy, one.valid_nodes, one.valid_proba, task=one.task)
    return Scored(
        one.taxonomy,
        one.task,
        one.valid_nodes,
        calibration(one.valid_proba),
        one.test_nodes,
        calibration(one.test_proba),
    )


def _f_columns(runs: Sequence[Scored], beta: float) -> str:
    """Write mean F of every decoder in %, and the differences of hf-beta, one path and several, to the first two."""
    names = ("most-probable", "climbing", "greedy", "hf-beta", "several")
    found = {name: np.array([_f_of(name, one, beta) for one in runs]) for name in names}
    means = [f"{100 * found[name].mean():.2f}" for name in names]
    pairs = [(ours, theirs) for ours in names[3:] for theirs in names[:2]]
    return " | ".join([*means, *(_difference(found[ours] - found[theirs], 100) for ours, theirs in pairs)])


def _f_of(name: str, one: Scored, beta: float) -> np.ndarray:
    """Give the F of every test row, (B,)."""
    if name == "several":
        found = hf_beta_paths(one.taxonomy, one.test_proba, beta, paths="several")
        return _f_of_sets(one.taxonomy, [[p.node for p in row] for row in found], one.test_nodes, beta)
    if name == "climbing":
        true = [row[0] for row in one.valid_nodes]
        cut = _best_cut(one.taxonomy, one.valid_proba, true, beta)
        answer = _climb(one.taxonomy, one.test_proba, _nodes(one, "most-probable"), cut)
    else:
        answer = _nodes(one, name, **({"beta": beta} if name == "hf-beta" else {}))
    return _f_of_nodes(one.taxonomy, answer, np.array([row[0] for row in one.test_nodes]), beta)


def _nodes(one: Scored, decoder: str, **options: float) -> Answers:
    return np.array([row[0].node for row in decode(one.taxonomy, one.test_proba, decoder, **options)])


def _best_cut(taxonomy: Taxonomy, proba: np.ndarray, true: Sequence[int], beta: float) -> float:
    """Give the threshold of the climbing rule with the best mean F on validation rows."""
    start = np.array([row[0].node for row in decode(taxonomy, proba)])
    along = np.concatenate([proba[i, taxonomy.ancestors.row(n)] for i, n in enumerate(start.tolist())])
    cuts = np.unique([0.0, *np.quantile(along, np.linspace(0, 1, CUTS))])
    worth = [_f_of_nodes(taxonomy, _climb(taxonomy, proba, start, cut), np.array(true), beta).mean() for cut in cuts]
    return float(cuts[int(np.argmax(worth))])


def _climb(taxonomy: Taxonomy, proba: np.ndarray, start: Answers, cut: float) -> Answers:
    """Give the deepest node of each most probable path whose probability reaches the cut, -1 where none does."""
    node, text = start.copy(), np.arange(len(start))
    while True:
        above = (node >= 0) & (proba[text, node] < cut)
        if not above.any():
            return node
        node[above] = taxonomy.parent[node[above]]


def _f_of_nodes(taxonomy: Taxonomy, answer: Answers, true: np.ndarray, beta: float) -> np.ndarray:
    """Give the hierarchical F of one node a text against the true node; no answer scores 0. Trees only."""
    depth = np.append(taxonomy.depth, 0)
    shared = depth[taxonomy.lca(answer, true)]
    return (1 + beta**2) * shared / (depth[answer] + beta**2 * depth[true])


def _f_of_sets(taxonomy: Taxonomy, answers: Sequence, truths: Sequence, beta: float) -> np.ndarray:
    found = []
    for answer, truth in zip(answers, truths, strict=True):
        one, other = (set(taxonomy.ancestors.rows(nodes).tolist()) for nodes in (answer, truth))
        found.append((1 + beta**2) * len(one & other) / (len(one) + beta**2 * len(other)))
    return np.array(found)


def _distance_columns(runs: Sequence[Scored]) -> str:
    """Write the mean number of edges between answer and truth, and the differences of min-risk to argmax."""
    names = ("most-probable", "greedy", "hf-beta", "min-risk")
    found = {name: [] for name in names}
    for one in runs:
        true = np.array([row[0] for row in one.test_nodes])
        for name in names:
            found[name].append(one.taxonomy.distance(_nodes(one, name), true))
    means = [f"{np.mean(found[name]):.3f}" for name in names]
    return " | ".join([*means, _difference(np.array(found["min-risk"]) - np.array(found["most-probable"]), 1)])


def _difference(values: np.ndarray, factor: float) -> str:
    """Write the mean of paired differences (seeds, B) with its 95 % interval over rows and seeds."""
    rng, (n_seeds, n_rows) = np.random.default_rng(0), values.shape
    draws = [
        values[rng.integers(0, n_seeds, n_seeds)].mean(0)[rng.integers(0, n_rows, n_rows)].mean()
        for _ in range(RESAMPLES)
    ]
    low, high = np.percentile(draws, [2.5, 97.5])
    digits = 2 if factor == 100 else 3
    return f"{factor * values.mean():+.{digits}f} ({factor * low:+.{digits}f} to {factor * high:+.{digits}f})"


def _times(name: str, one: Scored) -> dict[str, str]:
    """Write the seconds for 1,000 texts of every decoder, median of three."""
    proba = np.resize(one.test_proba, (1000, len(one.taxonomy)))
    taxonomy = one.taxonomy
    runs: list[Callable] = [
        *(lambda d=d: decode(taxonomy, proba, d) for d in ("most-probable", "greedy", "hf-beta")),
        lambda: hf_beta_paths(taxonomy, proba, paths="several"),
        lambda: decode(taxonomy, proba, "min-risk"),
    ]
    seconds = []
    for run in runs:
        taken = []
        for _ in range(3):
            began = time.perf_counter()
            run()
            taken.append(time.perf_counter() - began)
        seconds.append(f"{sorted(taken)[1]:.3f}")
    return {"times": f"| {name} | {len(taxonomy):,} | " + " | ".join(seconds) + " |"}


def _rows(table: str) -> list[str]:
    """Give the rows of a table that are remembered, in the order of the data sets."""
    names = [f"{data}-{model}-{kind}" for data in SINGLE for model in MODELS for kind in KINDS]
    files = [RUNS / "decoders" / f"{name}.json" for name in (*names, *(f"{data}-times" for data in SINGLE))]
    found = [json.loads(file.read_text(encoding="utf-8")) for file in files if file.is_file()]
    return [rows[table] for rows in found if table in rows]


def _page() -> str:
    lines = ["# Decoders", "", f"Written by `benchmarks/decisions/decoders.py`. {describe()}", ""]
    lines += [
        "Test rows of each data set; `linear` reads frozen text vectors and is scaled on validation rows already (one",
        "run), `chained` on the frozen vectors is too sure of itself (three seeds). *calibrated*: by",
        "`textaxa.calibration` on the validation rows. *climbing*: the deepest node of the most probable path over one",
        "threshold, which has the best mean F on the validation rows. *several*: the best set of nodes, which may be",
        "several paths. Differences are of the same texts and seeds, with the 95 % interval over rows and seeds.",
        "",
    ]
    for beta in BETAS:
        lines += [f"## Mean hierarchical F of a text, β = {beta:g}, %", ""]
        lines += ["| data | model | probabilities | most probable | climbing | greedy | hf-beta | several |"]
        lines[-1] += " hf-beta − most probable | hf-beta − climbing |"
        lines[-1] += " several − most probable | several − climbing |"
        lines += ["| --- | --- | --- |" + " --: |" * 5 + " --- |" * 4, *_rows(str(beta)), ""]
    lines += ["## Mean tree distance, edges (less is better)", ""]
    lines += [
        "| data | model | probabilities | most probable | greedy | hf-beta | min-risk | min-risk − most probable |"
    ]
    lines += ["| --- | --- | --- |" + " --: |" * 4 + " --- |", *_rows("distance"), ""]
    lines += ["## Seconds for 1,000 texts, one core, predictions made", ""]
    lines += ["| data | nodes | most probable | greedy | hf-beta | several | min-risk |"]
    lines += ["| --- | --: |" + " --: |" * 5, *_rows("times"), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
