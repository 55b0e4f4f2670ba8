"""One run of a comparison: a model is trained with one seed, answers the test rows, is measured, and is written down.

What is written is enough for every metric, interval and test later on, so a finished run is never done again.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from textaxa.answers import searches
from textaxa.evaluation import Answers, answers_of, evaluate_paths
from textaxa.heads import head_class, uses_encoder
from textaxa.jobs._listener import Listener
from textaxa.jobs.comparison._models import ComparedModel
from textaxa.jobs.comparison._plan import MODELS, RUNS, Material, write_json
from textaxa.jobs.comparison._vectors import SharedVectors
from textaxa.jobs.train import complete_summary
from textaxa.taxonomy import Path as LabelPath
from textaxa.taxonomy import Taxonomy

if TYPE_CHECKING:
    from textaxa.model import Model

BLOCK = 4096
"""Test rows whose node probabilities are held at once."""

WARM_UP = 8
"""Texts predicted before the clock starts: the first call of PyTorch sets things up."""

SPENT = "spent.json"
MEGABYTE = 1e6


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes
    ----------
    model, seed
        Which run it is.
    train_seconds
        Time to train it alone, encoding the texts with a frozen encoder included.
    texts_per_second
        Speed from text to path, on the test rows.
    parameters
        Numbers in the model that are learned or were pre-trained.
    megabytes
        Size of the model's folder on disk, in 10^6 bytes.
    stopped_by_time
        Whether the time budget ended it.
    epoch
        The epoch that was kept; None where there are none, or no validation rows.
    scores
        Metrics on the test rows, for the progress that is shown.
    answers
        What it says of the test rows.
    """

    model: str
    seed: int
    train_seconds: float
    texts_per_second: float
    parameters: int
    megabytes: float
    stopped_by_time: bool
    epoch: float | None
    scores: dict[str, float]
    answers: Answers


@dataclass(frozen=True)
class Workplace:
    """What all runs of a comparison have in common.

    Attributes
    ----------
    out
        The comparison's folder.
    fingerprint
        What its finished runs carry.
    material
        The rows.
    vectors
        Text vectors of frozen encoders.
    time_a_run
        Seconds of training for each run, or None.
    """

    out: Path
    fingerprint: str
    material: Material
    vectors: SharedVectors
    time_a_run: float | None


def finished_run(place: Workplace, model: ComparedModel, seed: int) -> Run | None:
    """Give a run that was finished before; None where there is none, or its files are not whole."""
    stored = _file(place, model, seed)
    try:
        found = json.loads(stored.read_text(encoding="utf-8"))
        if found.pop("fingerprint") != _fingerprint(place, model, seed):
            return None
        with np.load(stored.with_suffix(".npz"), allow_pickle=False) as arrays:
            answers = _unpacked(dict(arrays), place.material.taxonomy)
        if len(answers.predicted) != len(place.material.test):
            return None
        return Run(**found, answers=answers)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None


def train_run(place: Workplace, model: ComparedModel, seed: int, *, keep: bool, listener: Listener) -> Run:
    """Train a model, measure it and write the run down.

    Parameters
    ----------
    place, model, seed
        Which run.
    keep
        Whether to keep the model in ``models/``.
    listener
        Is told what `textaxa.training.train_model` tells.
    """
    checkpoints = place.out / RUNS / f"{model.file_name}-{seed}.training"
    place.vectors.begin()
    trained, seconds = _train(place, model, seed, checkpoints, listener)
    listener({"event": "scoring"})
    # A head that reads texts does more with them than to encode them, so it predicts them as they are.
    shared = place.vectors.asked and head_class(model.config.head).reads != "texts"
    answers, speed = _answer(trained, place, shared=shared)
    material = place.material
    measured = evaluate_paths(material.taxonomy, material.test.labels, answers.predicted, intervals=False)
    complete_summary(trained, model.config.data.columns(), material.training, material.valid, {})
    run = Run(
        model=model.name,
        seed=seed,
        train_seconds=seconds,
        texts_per_second=speed,
        parameters=_n_parameters(trained),
        megabytes=_saved(trained, place, model, seed, keep=keep),
        stopped_by_time=trained.summary.get("stopped") == "time budget",
        epoch=trained.summary.get("best", {}).get("epoch"),
        scores={"path_accuracy": measured.path_accuracy, "hierarchical_f1": measured.hierarchical.f1},
        answers=answers,
    )
    _write(run, place, model)
    shutil.rmtree(checkpoints, ignore_errors=True)
    return run


def _train(
    place: Workplace, model: ComparedModel, seed: int, checkpoints: Path, listener: Listener
) -> tuple["Model", float]:
    """Train, from a checkpoint where there is one; give the model and the seconds, those before a stop included."""
    from textaxa.training import train_model

    _import_all(model)
    material, config = place.material, model.config
    before, began = _spent(checkpoints), time.monotonic()
    try:
        trained = train_model(
            material.training.texts,
            material.training.labels,
            material.taxonomy,
            task=material.task,
            encoder=config.encoder,
            head=config.head,
            head_settings=config.head_settings,
            training=_training(config.training, seed, place.time_a_run),
            valid=(material.valid.texts, material.valid.labels) if len(material.valid) else None,
            listener=listener,
            checkpoint_dir=checkpoints,
            resume=True,
            vectors=place.vectors,
        )
    except BaseException:
        if checkpoints.is_dir():
            own = time.monotonic() - began - place.vectors.spent
            write_json(checkpoints / SPENT, {"seconds": before + own})
        raise
    own = time.monotonic() - began - place.vectors.spent
    return trained, before + own + place.vectors.seconds


def _import_all(model: ComparedModel) -> None:
    """Import what training needs before the clock starts: the first model must not pay for all."""
    if uses_encoder(model.config.head, model.config.head_settings):
        from transformers import AutoModel, AutoTokenizer

        from textaxa.training._train import train_network

        del train_network, AutoModel, AutoTokenizer


def _n_parameters(model: Any) -> int:
    """Count the numbers of a model; of linear weights those that are not 0."""
    if hasattr(model, "parameters"):
        return sum(one.numel() for one in model.parameters())
    if searches(model):
        return int(model.head.rows.values.size + model.head.rows.bias.size) + _n_parameters(model.encoder)
    own = int(model.weights.matrix.nnz + model.weights.bias.size)
    encoder = getattr(model.features, "encoder", None)
    return own if encoder is None else own + _n_parameters(encoder)


def _training(training: Any, seed: int, time_a_run: float | None) -> Any:
    """Give the settings of a run; a comparison promises nothing, so all validation rows choose."""
    time_budget = training.time_budget if time_a_run is None else time_a_run
    return replace(training, seed=seed, time_budget=time_budget, promise_share=0)


def _spent(checkpoints: Path) -> float:
    """Give the seconds that an interrupted run had trained; a process that was killed could not write them."""
    try:
        return float(json.loads((checkpoints / SPENT).read_text(encoding="utf-8"))["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0.0


def _answer(model: "Model", place: Workplace, *, shared: bool) -> tuple[Answers, float]:
    """Predict the test rows; give the answers and the texts a second, from text to path."""
    test, taxonomy = place.material.test, place.material.taxonomy
    seconds, features = 0.0, None
    if shared:
        place.vectors.begin()
        features = place.vectors(model.encoder, test.texts)
        seconds = place.vectors.seconds
    model.predict(test.texts[:WARM_UP])
    blocks = []
    for start in range(0, len(test), BLOCK):
        part = slice(start, start + BLOCK)
        began = time.monotonic()
        proba = model.node_proba(test.texts[part]) if features is None else model.node_proba_of(features[part])
        rows = model.decode(proba)
        seconds += time.monotonic() - began
        predicted = [tuple(one.path for one in row) for row in rows]
        blocks.append(answers_of(taxonomy, test.labels[part], predicted, proba))
    return _joined(blocks), len(test) / max(seconds, 1e-6)


def _joined(blocks: Sequence[Answers]) -> Answers:
    return Answers(
        [labels for block in blocks for labels in block.predicted],
        np.concatenate([block.area for block in blocks if block.area is not None]),
        np.concatenate([block.coherent for block in blocks if block.coherent is not None]),
    )


def _saved(trained: "Model", place: Workplace, model: ComparedModel, seed: int, *, keep: bool) -> float:
    """Save a model; give its size on disk in MB. One that is not kept is removed again."""
    from textaxa.persistence import save_model

    folder = place.out / (f"{MODELS}/{model.file_name}" if keep else f"{RUNS}/{model.file_name}-{seed}.model")
    save_model(trained, folder)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
    return size / MEGABYTE


def _file(place: Workplace, model: ComparedModel, seed: int) -> Path:
    return place.out / RUNS / f"{model.file_name}-{seed}.json"


def _fingerprint(place: Workplace, model: ComparedModel, seed: int) -> str:
    config = model.config
    settings = [config.head, asdict(config.head_settings), asdict(config.encoder), asdict(config.training), seed]
    told = json.dumps([place.fingerprint, model.name, settings], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def _write(run: Run, place: Workplace, model: ComparedModel) -> None:
    stored = _file(place, model, run.seed)
    fresh = stored.with_suffix(".new.npz")
    np.savez_compressed(fresh, **_packed(run.answers, place.material.taxonomy))
    fresh.replace(stored.with_suffix(".npz"))
    values = {name: value for name, value in vars(run).items() if name != "answers"}
    write_json(stored, {"fingerprint": _fingerprint(place, model, run.seed), **values})  # last: it says "finished"


def _packed(answers: Answers, taxonomy: Taxonomy) -> dict[str, Any]:
    """Give answers as arrays: node numbers of every text's paths one after the other, and how many each text has."""
    rows = cast("Sequence[tuple[LabelPath, ...]]", answers.predicted)  # as `_answer` gives them
    counts = np.fromiter((len(paths) for paths in rows), np.int32, len(rows))
    nodes = np.fromiter((taxonomy.index(path) for paths in rows for path in paths), np.int32, counts.sum())
    return {"counts": counts, "nodes": nodes, "area": answers.area, "coherent": answers.coherent}


def _unpacked(arrays: dict[str, Any], taxonomy: Taxonomy) -> Answers:
    ends = np.cumsum(arrays["counts"]).tolist()
    paths = [taxonomy.path(node) for node in arrays["nodes"].tolist()]
    predicted = [tuple(paths[end - count : end]) for end, count in zip(ends, arrays["counts"].tolist(), strict=True)]
    return Answers(predicted, arrays["area"], arrays["coherent"])
