"""What a model decides with, as files of its folder: thresholds, calibration, and what held-out rows say about it.

=====================  ===================================================================================
``thresholds.json``    several paths: from which probability on each node is an answer, if not all from 0.5
``calibration.json``   what node probabilities go through, if they are calibrated
``held_out.json``      claims on held-out rows and whether they were right; no texts
=====================  ===================================================================================
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from textaxa.calibration import calibration_from_dict
from textaxa.decoding import check_thresholds
from textaxa.errors import ConfigError, ModelFileError
from textaxa.guarantee import evidence_from_dict
from textaxa.taxonomy import Taxonomy

THRESHOLDS, CALIBRATION, HELD_OUT = "thresholds.json", "calibration.json", "held_out.json"

Found = TypeVar("Found")


def write_decisions(model: Any, folder: Path) -> None:
    """Write what the model has of them; what it lacks leaves no file."""
    stored: dict[str, Any] = {
        THRESHOLDS: None if model.thresholds is None else model.thresholds.tolist(),
        # A model that searches has it built into its rows.
        CALIBRATION: None if model.calibration is None or _searches(model) else model.calibration.to_dict(),
        HELD_OUT: None if model.evidence is None else model.evidence.to_dict(),
    }
    for name, value in stored.items():
        if value is not None:
            (folder / name).write_text(json.dumps(value, allow_nan=False) + "\n", encoding="utf-8")


def read_decisions(model: Any, folder: Path, files: Mapping[str, Any]) -> None:
    """Give a model what `write_decisions` wrote, of what ``files``, those of the model, name.

    Raises
    ------
    ModelFileError
        A file is damaged, or does not fit the model.
    """

    def read(name: str, of: Callable[[Taxonomy, Any], Found]) -> Found | None:
        return _read(folder / name, model.taxonomy, of) if name in files else None

    model.thresholds = read(THRESHOLDS, _thresholds)
    if not _searches(model):
        model.calibration = read(CALIBRATION, calibration_from_dict)
    model.evidence = read(HELD_OUT, evidence_from_dict)
    parts = ((CALIBRATION, None if _searches(model) else model.calibration), (HELD_OUT, model.evidence))
    for name, part in parts:
        if part is not None and part.task != model.task:
            raise ModelFileError(f"{folder / name} is of a task {part.task!r}, but the model's is {model.task!r}.")


def _searches(model: Any) -> bool:
    return bool(getattr(model, "searches", False))


def _read(file: Path, taxonomy: Taxonomy, of: Callable[[Taxonomy, Any], Found]) -> Found:
    try:
        return of(taxonomy, json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, RecursionError, OverflowError) as error:
        raise ModelFileError(f"{file} is damaged or does not fit the model: {error}") from error
    except ModelFileError as error:
        raise ModelFileError(f"{file}: {error}") from error


def _thresholds(taxonomy: Taxonomy, values: Any) -> NDArray[np.float64]:
    if not isinstance(values, list) or not all(type(value) in (float, int) for value in values):
        raise ModelFileError("it is no list of numbers.")
    try:
        return check_thresholds(taxonomy, values)
    except ConfigError as error:
        raise ModelFileError(str(error)) from error
