"""What does calibration change? Log loss, Brier score and calibration error on test rows, before and after.

Every method is fitted on the validation rows and measured once on the test rows; ``auto`` is what the validation rows
choose by themselves. Finished runs lie in ``build/accuracy/calibration`` (``$TEXTAXA_RUNS``) and are not made again
unless the code of the calibration has changed.

    python benchmarks/decisions/calibration.py              # writes benchmarks/results/calibration.md
    python benchmarks/decisions/calibration.py trec hwu64   # only runs these
"""

import hashlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from _scored import MODELS, SEEDS, SEVERAL, SINGLE, Scored, scored

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from _machine import describe
from _runs import BINS, RESULTS, RUNS, Split, data_sets

import textaxa.calibration
from textaxa.calibration import AUTO, METHODS, fit_calibration
from textaxa.decoding import terminal_proba

SMALLEST = 1e-12
"""What probability 0 counts as in the log loss."""

AIM, AIM_ROWS = 0.03, 1000
_SOURCE = sorted(Path(textaxa.calibration.__file__).parent.glob("*.py"))
CODE = hashlib.sha256(b"".join(file.read_bytes() for file in _SOURCE)).hexdigest()[:12]
"""A mark of the code that is measured."""

DRAWS = 50
"""Simulated test sets that tell which calibration error a perfectly calibrated model would show."""


def main() -> None:
    names = sys.argv[1:] or (*SINGLE, *SEVERAL)
    runs = [(split, model, seed) for split in data_sets(names) for model, seed in _models()]
    found = {}
    for split, model, seed in runs:
        found[split.name, model, seed] = _run(split, model, seed)
        print(split.name, model, seed, found[split.name, model, seed]["chosen"], flush=True)
    if sys.argv[1:]:
        return
    groups: dict[tuple[str, str], list[dict]] = {}
    for (name, model, _), one in found.items():
        groups.setdefault((name, model), []).append(one)
    text = "\n".join(_report(groups))
    (RESULTS / "calibration.md").write_text(text + "\n", encoding="utf-8")
    print(text)


def _models() -> Iterator[tuple[str, int]]:
    return ((model, seed) for model in MODELS for seed in (SEEDS if model == "chained" else SEEDS[:1]))


def _run(split: Split, model: str, seed: int) -> dict:
    file = RUNS / "calibration" / f"{split.name}-{model}-{seed}-{CODE}.json"
    if file.is_file():
        return json.loads(file.read_text(encoding="utf-8"))
    data = scored(split, model, seed)
    began = time.monotonic()
    auto = _fitted(data, AUTO)
    done = {
        "chosen": auto.method,
        "seconds": time.monotonic() - began,
        "valid": len(data.valid_nodes),
        "test": len(data.test_nodes),
        "cross_validated": dict(auto.scores),
        "methods": {name: _measured(data, _fitted(data, name)(data.test_proba)) for name in METHODS},
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(done), encoding="utf-8")
    return done


def _fitted(data: Scored, method: str) -> textaxa.calibration.Calibration:
    return fit_calibration(data.taxonomy, data.valid_nodes, data.valid_proba, task=data.task, method=method)


def _measured(data: Scored, proba: np.ndarray) -> dict:
    return _measured_single(data, proba) if data.task == "single" else _measured_several(data, proba)


def _measured_single(data: Scored, proba: np.ndarray) -> dict:
    taxonomy, rows = data.taxonomy, np.arange(len(proba))
    ends = np.array([max(nodes) for nodes in data.test_nodes])
    true = np.searchsorted(taxonomy.terminals, ends)
    exact = terminal_proba(taxonomy, proba).astype(np.float64)
    of_true, best = exact[rows, true], exact.argmax(axis=1)
    levels: list[list[tuple[float, bool]]] = [[] for _ in range(taxonomy.n_levels)]
    for row, end in enumerate(taxonomy.terminals[best].tolist()):
        above = set(taxonomy.ancestors.row(ends[row]).tolist())
        for node in taxonomy.ancestors.row(end).tolist():
            levels[taxonomy.depth[node] - 1].append((float(proba[row, node]), node in above))
    return {
        "log_loss": float(-np.log(np.maximum(of_true, SMALLEST)).mean()),
        "brier": float(((exact**2).sum(axis=1) - 2 * of_true + 1).mean()),
        "right": float((best == true).mean()),
        "ece": [_errors(np.array([p for p, _ in level]), np.array([r for _, r in level])) for level in levels],
    }


def _measured_several(data: Scored, proba: np.ndarray) -> dict:
    taxonomy, truth = data.taxonomy, np.zeros(proba.shape, dtype=bool)
    for row, nodes in enumerate(data.test_nodes):
        truth[row, taxonomy.ancestors.rows(nodes)] = True
    of_truth = np.where(truth, proba, 1 - proba.astype(np.float64))
    spans = [taxonomy.level_slice(level) for level in range(1, taxonomy.n_levels + 1)]
    return {
        "log_loss": float(-np.log(np.maximum(of_truth, SMALLEST)).mean()),
        "brier": float(((1 - of_truth) ** 2).mean()),
        "right": float(((proba >= 0.5) == truth).all(axis=1).mean()),
        "ece": [_errors(proba[:, span].ravel().astype(np.float64), truth[:, span].ravel()) for span in spans],
    }


def _errors(sure: np.ndarray, right: np.ndarray) -> dict[str, float]:
    """Give the expected calibration error with even bins and with bins of equal mass, and what chance alone makes."""
    even = np.minimum((sure * BINS).astype(int), BINS - 1)
    mass = np.empty(len(sure), dtype=int)
    mass[np.argsort(sure, kind="stable")] = np.arange(len(sure)) * BINS // max(1, len(sure))
    generator = np.random.default_rng(0)
    chance = [_ece(sure, generator.random(len(sure)) < sure, mass) for _ in range(DRAWS)]
    return {"even": _ece(sure, right, even), "mass": _ece(sure, right, mass), "chance": float(np.mean(chance))}


def _ece(sure: np.ndarray, right: np.ndarray, bins: np.ndarray) -> float:
    return float(np.abs(np.bincount(bins, sure - right, minlength=BINS)).sum() / max(1, len(sure)))


def _report(groups: dict[tuple[str, str], list[dict]]) -> Iterator[str]:
    yield from ("# Calibration of node probabilities", "")
    yield from (f"Written by `benchmarks/decisions/calibration.py`. {describe()}", "")
    yield from (_EXPLAINED, "", "## What `auto` does", "")
    yield "| data | model | valid | test | chosen | log loss | Brier | right % | seconds |"
    yield "| --- | --- | --: | --: | --- | --: | --: | --: | --: |"
    for (name, model), runs in groups.items():
        first = runs[0]
        cells = [_change(runs, "log_loss", 3), _change(runs, "brier", 4 if name in SEVERAL else 3)]
        cells += [_change(runs, "right", 1, 100), f"{np.mean([one['seconds'] for one in runs]):.1f}"]
        chosen = ", ".join(one["chosen"] for one in runs)
        yield f"| {name} | {model} | {first['valid']:,} | {first['test']:,} | {chosen} | {' | '.join(cells)} |"
    yield from ("", _verdict(groups), "", "## Calibration error by level, before → after `auto`", "")
    yield "| data | model | level | bins of equal mass | even bins | by chance |"
    yield "| --- | --- | --: | --: | --: | --: |"
    for (name, model), runs in groups.items():
        for level in range(len(runs[0]["methods"]["none"]["ece"])):
            mass, even = (_arrow(*_eces(runs, level, kind)) for kind in ("mass", "even"))
            chance = _eces(runs, level, "chance")[1]
            yield f"| {name} | {model} | {level + 1} | {mass} | {even} | {chance:.3f} |"
    yield from ("", "## Test log loss of every method", "")
    yield f"| data | model | {' | '.join(METHODS)} |"
    yield "| --- | --- |" + " --: |" * len(METHODS)
    for (name, model), runs in groups.items():
        losses = [np.mean([one["methods"][method]["log_loss"] for one in runs]) for method in METHODS]
        yield f"| {name} | {model} | {' | '.join(f'{loss:.3f}' for loss in losses)} |"


_EXPLAINED = """Fitted on the validation rows, measured on the test rows; nothing was chosen by test rows. `linear` has
scaled its margins on the same validation rows already, so little is left to do there; `chained` is trained on frozen
vectors and too sure of itself; its numbers are means over the seeds 0 to 2. *Right* is the share of texts whose most
probable path is the true one. fdroid has several paths a text: its log loss and Brier score are means over texts and
nodes, *right* is the share of texts with exactly the true nodes above 0.5, and its calibration error is over all texts
and nodes of a level. Elsewhere the calibration error is that of the node of the most probable path on that level. 15
bins; *by chance* is the mean error, with bins of equal mass, that a perfectly calibrated model would show on as many
texts."""


def _change(runs: list[dict], key: str, digits: int, factor: float = 1.0) -> str:
    before = np.mean([one["methods"]["none"][key] for one in runs]) * factor
    after = np.mean([one["methods"][one["chosen"]][key] for one in runs]) * factor
    return _arrow(before, after, digits)


def _arrow(before: float, after: float, digits: int = 3) -> str:
    return f"{before:.{digits}f} → {after:.{digits}f}"


def _eces(runs: list[dict], level: int, kind: str) -> tuple[float, float]:
    before = np.mean([one["methods"]["none"]["ece"][level][kind] for one in runs])
    return float(before), float(np.mean([one["methods"][one["chosen"]]["ece"][level][kind] for one in runs]))


def _verdict(groups: dict[tuple[str, str], list[dict]]) -> str:
    lower, same, higher, missed = [], [], [], []
    for (name, model), runs in groups.items():
        gains = np.mean([r["methods"]["none"]["log_loss"] - r["methods"][r["chosen"]]["log_loss"] for r in runs])
        (lower if gains > 0 else higher if gains < 0 else same).append(f"{name} {model}")
        if runs[0]["valid"] < AIM_ROWS:
            continue
        worst = max(_eces(runs, level, "mass")[1] for level in range(len(runs[0]["methods"]["none"]["ece"])))
        if worst > AIM:
            missed.append(f"{name} {model} ({worst:.3f})")
    return (
        f"The log loss is lower on {len(lower)} of {len(groups)}, unchanged on {len(same)} "
        f"({', '.join(same) or 'none'}) and higher on {len(higher)} ({', '.join(higher) or 'none'}). Of the sets with "
        f"{AIM_ROWS:,} validation rows or more, the calibration error of some level, with bins of equal mass, stays "
        f"above {AIM} on: {', '.join(missed) or 'none'}."
    )


if __name__ == "__main__":
    main()
