"""The commands that are killed: how each is run, run again as a person would, and how right is told from wrong.

A subject works in a folder of its own. ``begin`` puts there what has to be there; ``run`` is the command, the first
time and after a kill; ``state`` looks at what a kill left, and gives ``nothing``, ``part`` or ``whole``, or raises
`BrokenError`; ``result`` is what must be as in an undisturbed run.
"""

# ruff: noqa: ARG001, ARG005 - all functions of a subject take the same

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _material import Material

from textaxa import load_model
from textaxa.errors import ConfigError, ModelFileError
from textaxa.feedback import Correction, open_feedback
from textaxa.jobs import _partial
from textaxa.jobs import predict as job
from textaxa.jobs._interrupted import has_checkpoint, training_folder
from textaxa.jobs._partial import partial_folder
from textaxa.jobs.calibrate import calibrate
from textaxa.jobs.export import export
from textaxa.jobs.migrate import migrate
from textaxa.jobs.teach import teach
from textaxa.jobs.train import resumed_config, train
from textaxa.persistence import read_config

PROBES = ["play football", "edit a photo", "music", "a notebook for money", "?"]

CORRECTIONS = 60


class BrokenError(Exception):
    """What a kill left is neither as before nor whole."""


@dataclass(frozen=True)
class Subject:
    """A command that is killed; see the module."""

    name: str
    begin: Callable[[Material, Path], Any]
    run: Callable[[Material, Path], Any]
    state: Callable[[Material, Path], str]
    result: Callable[[Material, Path], Any]


def _nothing(material: Material, place: Path) -> None:
    """Leave the folder empty."""


# --- train


def _train(material: Material, place: Path, head: str = "conditional") -> dict[str, Any]:
    out, steps = place / "model", []
    listener: Any = lambda event: steps.append(event["step"]) if event["event"] in ("start", "step") else None  # noqa: E731
    try:
        train(material.config(head), out, references=False, listener=listener)
    except ConfigError as error:
        if "already there" in str(error):
            return {"did": "was there"}
        if "--resume" not in str(error):
            raise
        train(resumed_config(out, {}), out, resume=True, references=False, listener=listener)
        return {"did": "went on", "from": steps[0]}
    return {"did": "began"}


def _train_state(material: Material, place: Path) -> str:
    if (place / "model").exists():
        _loaded(place / "model")
        return "whole"
    return "part" if has_checkpoint(training_folder(place / "model")) else "nothing"


def _trained(material: Material, place: Path) -> Any:
    model = _loaded(place / "model")
    told = {name: model.summary.get(name) for name in ("rows", "valid_rows", "best", "recipe")}
    return told, _sum(model), _leftovers(place, {"model"})


# --- predict


def _predict(material: Material, place: Path) -> dict[str, Any]:
    _partial.SAVE_SECONDS, job.BLOCK = 0.0, 512  # not every two seconds and 2,048 rows: the run is short
    went_on: list[int] = []
    listener: Any = lambda event: went_on.append(event["rows"]) if event["event"] == "resumed" else None  # noqa: E731
    try:
        job.predict(material.model("linear"), material.many, place / "out.csv", processes=1, listener=listener)
    except ConfigError as error:
        if "already there" not in str(error):
            raise
        return {"did": "was there"}
    return {"did": "went on", "from": went_on[0]} if went_on else {"did": "began"}


def _predict_state(material: Material, place: Path) -> str:
    if (place / "out.csv").exists():
        return "whole"
    journal = _partial._read_journal(partial_folder(place / "out.csv"))
    return "part" if journal is not None and journal.rows else "nothing"


def _predicted(material: Material, place: Path) -> Any:
    return hashlib.sha256((place / "out.csv").read_bytes()).hexdigest(), _leftovers(place, {"out.csv"})


# --- migrate


def _copied(head: str) -> Callable[[Material, Path], None]:
    return lambda material, place: shutil.copytree(material.model(head), place / "model") and None


def _migrate(material: Material, place: Path) -> dict[str, Any]:
    """Replace the model by the one of the changed taxonomy: the harder case, where a whole model is at stake."""
    if _is_migrated(material, place):
        return {"did": "was there"}
    told = place / "report.csv"
    migrate(place / "model", material.changed, place / "model", report=told, overwrite=True)
    return {"did": "began"}


def _is_migrated(material: Material, place: Path) -> bool:
    old = read_config(material.model("conditional"))["files"]["taxonomy.json"]
    return bool(read_config(place / "model")["files"]["taxonomy.json"] != old)


def _model_state(changed: Callable[[Material, Path], bool]) -> Callable[[Material, Path], str]:
    def state(material: Material, place: Path) -> str:
        _loaded(place / "model")
        return "whole" if changed(material, place) else "nothing"

    return state


def _migrated(material: Material, place: Path) -> Any:
    report = hashlib.sha256((place / "report.csv").read_bytes()).hexdigest()
    return _sum(_loaded(place / "model")), report, _leftovers(place, {"model", "report.csv"})


# --- export


def _export(material: Material, place: Path) -> dict[str, Any]:
    if _is_exported(material, place):
        return {"did": "was there"}
    export(place / "model")
    return {"did": "began"}


def _is_exported(material: Material, place: Path) -> bool:
    return "onnx" in read_config(place / "model")["summary"]


def _exported(material: Material, place: Path) -> Any:
    runs = load_model(place / "model", runtime="onnx")
    return _sum(_loaded(place / "model")), _sum(runs), _leftovers(place, {"model"})


# --- calibrate and teach


def _calibrate(material: Material, place: Path) -> dict[str, Any]:
    if _is_calibrated(material, place):
        return {"did": "was there"}
    calibrate(place / "model", material.table)
    return {"did": "began"}


def _is_calibrated(material: Material, place: Path) -> bool:
    return "calibrated_on" in read_config(place / "model")["summary"]


def _of_model(material: Material, place: Path) -> Any:
    return _sum(_loaded(place / "model")), _leftovers(place, {"model"})


def _teach(material: Material, place: Path) -> dict[str, Any]:
    if (place / "model").exists():
        return {"did": "was there"}
    teach(material.model("linear"), material.table, out=place / "model")
    return {"did": "began"}


def _taught_state(material: Material, place: Path) -> str:
    if not (place / "model").exists():
        return "nothing"
    _loaded(place / "model")
    return "whole"


# --- feedback


def _correction(number: int) -> Correction:
    return Correction(f"text {number} ü\n" * 20, (("Games", "Board"),), comment=str(number))


def _say(ending: str) -> Callable[[Material, Path], dict[str, Any]]:
    """Keep corrections one after the other; what was confirmed is noted in a file of its own, as a client would."""

    def say(material: Material, place: Path) -> dict[str, Any]:
        store = open_feedback(place / f"said{ending}")
        done = len(list(store))
        for number in range(done, CORRECTIONS):
            store.append(_correction(number))
            with (place / "confirmed").open("a", encoding="utf-8") as stream:
                stream.write("x")
        return {"did": "went on" if done else "began", "from": done}

    return say


def _said_state(ending: str) -> Callable[[Material, Path], str]:
    """Look for every confirmed correction; of the others one may be there: that whose answer was under way."""

    def state(material: Material, place: Path) -> str:
        store = open_feedback(place / f"said{ending}")
        kept = [int(one.comment) for one in store]
        noted = place / "confirmed"
        confirmed = noted.stat().st_size if noted.exists() else 0
        if kept != list(range(len(kept))) or len(kept) < min(confirmed, CORRECTIONS) or store.damaged:
            raise BrokenError(f"{confirmed} confirmed, kept {kept}, {store.damaged} damaged")
        return "whole" if len(kept) == CORRECTIONS else "part" if kept else "nothing"

    return state


def _said(ending: str) -> Callable[[Material, Path], Any]:
    return lambda material, place: [(one.text, one.comment) for one in open_feedback(place / f"said{ending}")]


# --- what all share


def _loaded(folder: Path) -> Any:
    try:
        return load_model(folder)
    except ModelFileError as error:
        raise BrokenError(str(error)) from error


def _sum(model: Any) -> str:
    return hashlib.sha256(model.node_proba(PROBES).tobytes()).hexdigest()


def _leftovers(place: Path, wanted: set[str]) -> list[str]:
    return sorted(one.name for one in place.iterdir() if one.name not in wanted and not is_litter(one))


def is_litter(file: Path) -> bool:
    """Tell whether something is what a killed save left of the old model, until the next save, or of a table."""
    return file.name.startswith(".model.new-") or (file.name.startswith(".report") and file.suffix == ".partial")


def subjects() -> dict[str, Subject]:
    """Give all subjects by name."""
    found = [
        Subject("train", _nothing, _train, _train_state, _trained),
        Subject("predict", _nothing, _predict, _predict_state, _predicted),
        Subject("migrate", _copied("conditional"), _migrate, _model_state(_is_migrated), _migrated),
        Subject("feedback .jsonl", _nothing, _say(".jsonl"), _said_state(".jsonl"), _said(".jsonl")),
        Subject("feedback .db", _nothing, _say(".db"), _said_state(".db"), _said(".db")),
        Subject("export", _copied("conditional"), _export, _model_state(_is_exported), _exported),
        Subject("calibrate", _copied("linear"), _calibrate, _model_state(_is_calibrated), _of_model),
        Subject("teach", _nothing, _teach, _taught_state, _of_model),
    ]
    return {one.name: one for one in found}
