"""One run of textaxa on one data set with one seed: trained, scored once on the test rows, and remembered.

Finished runs lie in ``build/accuracy`` (``$TEXTAXA_RUNS``), one JSON a run with the predicted nodes of every test row,
so that a stopped benchmark goes on where it was, and paired intervals can be computed for any two runs. Text vectors
of a frozen encoder are computed once a data set and lie there, too.
"""

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from _corpora import Split, load
from _machine import describe

from textaxa.decoding import terminal_proba
from textaxa.encoders import load_encoder
from textaxa.evaluation import evaluate_paths
from textaxa.heads import head_class
from textaxa.settings import EncoderSettings, TrainingSettings, build
from textaxa.taxonomy import Taxonomy
from textaxa.training import train_model

RUNS = Path(os.environ.get("TEXTAXA_RUNS", "build/accuracy"))
RESULTS = Path(__file__).resolve().parent.parent / "results"
SEEDS = (0, 1, 2)
MAX_LENGTH = 128
"""Tokens read of a text; two cores have to get through long ones."""

AS_TRAINED: Mapping[str, Any] = {"calibration": "none", "promise_share": 0}
"""What is compared is what training gives: all validation rows choose the epoch, and nothing is calibrated after it."""

BINS = 15
"""Bins of the calibration error, as in Guo et al. 2017."""


@dataclass(frozen=True)
class Recipe:
    """What is run: a head with settings, on a frozen or a fine-tuned encoder."""

    head: str
    settings: Mapping[str, Any]
    frozen: bool = True
    training: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Run:
    """What came out: validation scores, test scores, and the predicted nodes of every test row."""

    data: str
    recipe: Recipe
    seed: int
    valid: Mapping[str, float]
    test: Mapping[str, Any]
    found: list[list[int]]
    seconds: float
    machine: str


def taxonomy_of(data: Split) -> Taxonomy:
    """Give the taxonomy that the data set's owner has: every path that occurs in it."""
    labels = [labels for part in _parts(data).values() for labels in part[1]]
    return Taxonomy.from_paths(dict.fromkeys(path for paths in labels for path in paths), sort=True)


def task_of(data: Split) -> str:
    """Give ``multi`` where any text has several paths."""
    several = any(len(labels) > 1 for part in _parts(data).values() for labels in part[1])
    return "multi" if several else "single"


def run(data: Split, recipe: Recipe, seed: int) -> Run:
    """Give a finished run, from disk where it was made before."""
    file = _file(data, recipe, seed)
    if file.is_file():
        return _stored(file)
    done = _run(data, recipe, seed)
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(done)), encoding="utf-8")
    partial.rename(file)
    return done


def finished(data: Split, recipe: Recipe, seeds: Sequence[int]) -> list[Run]:
    """Give the runs of all seeds, or none where one of them is missing."""
    files = [_file(data, recipe, seed) for seed in seeds]
    return [_stored(file) for file in files] if all(file.is_file() for file in files) else []


def _file(data: Split, recipe: Recipe, seed: int) -> Path:
    told = json.dumps([data.name, len(data.train[0]), asdict(recipe), seed], sort_keys=True)
    mark = hashlib.sha256(told.encode()).hexdigest()[:12]
    return RUNS / "runs" / f"{data.name}-{recipe.head}-{seed}-{mark}.json"


def _stored(file: Path) -> Run:
    stored = json.loads(file.read_text(encoding="utf-8"))
    return Run(**{**stored, "recipe": Recipe(**stored["recipe"])})


def _run(data: Split, recipe: Recipe, seed: int) -> Run:
    taxonomy, started = taxonomy_of(data), time.monotonic()
    model = train_model(
        *data.train,
        taxonomy,
        task=task_of(data),
        head=recipe.head,
        head_settings=build(head_class(recipe.head).Settings, recipe.settings, where="the benchmark"),
        encoder=EncoderSettings(frozen=recipe.frozen, max_length=MAX_LENGTH),
        training=TrainingSettings(seed=seed, **AS_TRAINED, **(recipe.training or {})),
        valid=data.valid,
        vectors=known_vectors(data) if recipe.frozen else None,
    )
    seconds = time.monotonic() - started
    stored = recipe.frozen and head_class(recipe.head).reads == "vectors"
    proba = model.node_proba_of(_vectors(data, "test")) if stored else model.node_proba(data.test[0])
    decoded = model.decode(proba)
    predicted = [tuple(p.path for p in row) for row in decoded]
    scores = evaluate_paths(taxonomy, data.test[1], predicted, node_proba=proba, intervals=False).to_dict()
    scores.pop("intervals", None)
    if task_of(data) == "single":
        scores["log_loss"] = _log_loss(taxonomy, proba, data.test[1])
        scores["calibration"] = _calibration(taxonomy, proba, [row[0].path for row in decoded], data.test[1])
    found = [[int(p.node) for p in row] for row in decoded]
    return Run(data.name, recipe, seed, model.summary["best"], scores, found, round(seconds, 2), describe())


def _log_loss(taxonomy: Taxonomy, proba: np.ndarray, labels: Sequence) -> float:
    position = {int(node): i for i, node in enumerate(taxonomy.terminals)}
    true = [position[taxonomy.index(paths[0])] for paths in labels]
    exact = terminal_proba(taxonomy, proba)[np.arange(len(true)), true]
    return float(-np.log(np.maximum(exact, 1e-12)).mean())


def _calibration(taxonomy: Taxonomy, proba: np.ndarray, found: Sequence, labels: Sequence) -> list[float]:
    """Give for each level the expected calibration error of the predicted path's node there, 15 even bins."""
    errors = []
    for level in range(1, taxonomy.n_levels + 1):
        rows = [i for i, path in enumerate(found) if len(path) >= level]
        sure = np.array([proba[i, taxonomy.index(found[i][:level])] for i in rows])
        right = np.array([labels[i][0][:level] == found[i][:level] for i in rows], dtype=float)
        bins = np.minimum((sure * BINS).astype(int), BINS - 1)
        gaps = [abs((sure - right)[bins == b].sum()) for b in range(BINS)]
        errors.append(float(sum(gaps) / max(1, len(rows))))
    return errors


def known_vectors(data: Split) -> Callable[[Any, Sequence[str]], np.ndarray]:
    """Make what gives the vectors of the data set's rows, which were computed once, to every run."""
    known = {id(part[0]): _vectors(data, name) for name, part in _parts(data).items()}
    return lambda _, texts: known[id(texts)]


def _parts(data: Split) -> dict[str, Any]:
    return {"train": data.train, "valid": data.valid, "test": data.test}


def _vectors(data: Split, name: str) -> np.ndarray:
    texts = _parts(data)[name][0]
    mark = hashlib.sha256(json.dumps([MAX_LENGTH, texts]).encode()).hexdigest()[:12]
    file = RUNS / "vectors" / f"{data.name}-{name}-{mark}.npy"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial.npy")
        with torch.autocast("cpu", torch.bfloat16, enabled=_has_matrix_instructions()):
            vectors = load_encoder(EncoderSettings(max_length=MAX_LENGTH)).encode(texts)
        np.save(partial, vectors)
        partial.rename(file)
    return np.load(file)


def _has_matrix_instructions() -> bool:
    """Tell whether bf16 is fast here: 2.8 times, and vectors differ by a cosine of 0.99998 in the mean."""
    return bool(torch.cpu.get_capabilities().get("amx_bf16"))


def path_hits(data: Split, runs: Sequence[Run]) -> np.ndarray:
    """Mark for each run and test row whether the answer is exactly the true one, int (runs, B)."""
    taxonomy = taxonomy_of(data)
    true = [frozenset(taxonomy.index(path) for path in labels) for labels in data.test[1]]
    return np.array([[int(frozenset(nodes) == t) for nodes, t in zip(one.found, true, strict=True)] for one in runs])


def data_sets(names: Sequence[str]) -> Iterator[Split]:
    """Give the data sets that are at hand; the others are named and skipped."""
    for name in names:
        try:
            yield load(name)
        except FileNotFoundError as error:
            print(f"skipped {name}: {error}", flush=True)


if __name__ == "__main__":  # encode ahead: python benchmarks/accuracy/_runs.py open-apps trec …
    for split in data_sets(sys.argv[1:]):
        began = time.monotonic()
        known_vectors(split)
        print(split.name, len(split.train[0]), f"{time.monotonic() - began:.0f} s", flush=True)
