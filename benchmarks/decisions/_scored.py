"""Node probabilities of a trained model on the validation and test rows of a data set, computed once and remembered.

Everything that decides on top of probabilities (calibration, decoders, the guarantee, the audit) is measured on these.
Two models: ``linear`` with frozen text vectors, whose probabilities are scaled on validation rows already, and
``chained`` on the frozen vectors, which is too sure of itself. They lie in ``scored`` under ``$TEXTAXA_RUNS``.

    python benchmarks/decisions/_scored.py            # compute them all ahead
"""

import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "accuracy"))

from _corpora import Split
from _runs import (
    AS_TRAINED,
    MAX_LENGTH,
    RESULTS,
    RUNS,
    Recipe,
    data_sets,
    describe,
    known_vectors,
    task_of,
    taxonomy_of,
)

from textaxa.heads import head_class
from textaxa.settings import EncoderSettings, TrainingSettings, build
from textaxa.taxonomy import Taxonomy
from textaxa.training import train_model

__all__ = [
    "MODELS",
    "RESULTS",
    "RUNS",
    "SEEDS",
    "SEVERAL",
    "SINGLE",
    "Scored",
    "Split",
    "data_sets",
    "describe",
    "scored",
]

SINGLE = ("open-apps", "trec", "hwu64", "amazon3", "naics2017", "newsgroups20", "appstore_tokens")
SEVERAL = ("fdroid",)
SEEDS = (0, 1, 2)
MODELS = {"linear": Recipe("linear", {"vectors": True}), "chained": Recipe("chained", {})}

Nodes = list[list[int]]


@dataclass(frozen=True)
class Scored:
    """What a model says about rows that it was not trained on.

    Attributes
    ----------
    taxonomy, task
        The data set's taxonomy; ``single`` or ``multi``.
    valid_nodes, test_nodes
        The ends of the true paths of every row, as node numbers.
    valid_proba, test_proba
        Node probabilities, float32 (B, N).
    """

    taxonomy: Taxonomy
    task: str
    valid_nodes: Nodes
    valid_proba: np.ndarray
    test_nodes: Nodes
    test_proba: np.ndarray


def scored(data: Split, model: str, seed: int = 0) -> Scored:
    """Give a model's node probabilities on a data set; ``linear`` has no randomness, so its seeds are one."""
    seed = 0 if model == "linear" else seed
    file = _file(data, model, seed)
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial.npz")
        np.savez(partial, **_probabilities(data, model, seed))
        partial.rename(file)
    stored, taxonomy = np.load(file), taxonomy_of(data)
    return Scored(
        taxonomy,
        task_of(data),
        _nodes(taxonomy, data.valid),
        stored["valid"],
        _nodes(taxonomy, data.test),
        stored["test"],
    )


def _file(data: Split, model: str, seed: int) -> Path:
    told = json.dumps([data.name, len(data.train[0]), asdict(MODELS[model]), MAX_LENGTH, seed], sort_keys=True)
    mark = hashlib.sha256(told.encode()).hexdigest()[:12]
    return RUNS / "scored" / f"{data.name}-{model}-{seed}-{mark}.npz"


def _probabilities(data: Split, model: str, seed: int) -> dict[str, np.ndarray]:
    recipe, vectors = MODELS[model], known_vectors(data)
    trained = train_model(
        *data.train,
        taxonomy_of(data),
        task=task_of(data),
        head=recipe.head,
        head_settings=build(head_class(recipe.head).Settings, recipe.settings, where="the benchmark"),
        encoder=EncoderSettings(frozen=True, max_length=MAX_LENGTH),
        training=TrainingSettings(seed=seed, **AS_TRAINED),
        valid=data.valid,
        vectors=vectors,
    )
    if recipe.head == "linear":
        return {"valid": trained.node_proba(data.valid[0]), "test": trained.node_proba(data.test[0])}
    return {name: trained.node_proba_of(vectors(None, part[0])) for name, part in _rows(data).items()}


def _rows(data: Split) -> dict[str, tuple]:
    return {"valid": data.valid, "test": data.test}


def _nodes(taxonomy: Taxonomy, rows: tuple) -> Nodes:
    return [[taxonomy.index(path) for path in labels] for labels in rows[1]]


if __name__ == "__main__":
    for split in data_sets((*SINGLE, *SEVERAL)):
        for name in MODELS:
            for one in SEEDS if name == "chained" else SEEDS[:1]:
                found = scored(split, name, one)
                print(split.name, name, one, found.test_proba.shape, flush=True)
