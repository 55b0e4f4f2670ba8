"""The model that a job works with, and what it remembers of the table that it was trained on."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textaxa.data import Columns
from textaxa.errors import ConfigError
from textaxa.heads import needs_encoder
from textaxa.jobs._searched import searches
from textaxa.taxonomy import Path as LabelPath

if TYPE_CHECKING:
    from textaxa.model import Model

_REMEMBERED = ("text", "template", "labels", "path", "paths", "separator", "paths_separator")
_LABELS = ("labels", "path", "paths")


def opened(model: "Model | str | Path", *, runtime: str = "torch", exact: bool = False) -> "Model":
    """Give a model, read from its folder where that is what is given.

    Parameters
    ----------
    model
        A model, which is given back as it is, or its folder.
    runtime
        As in `textaxa.load_model`.
    exact
        Whether probabilities must be those that the held-out rows got, since promises rest on them: 8-bit weights and
        bf16 give others.

    Raises
    ------
    ConfigError
        ``exact`` and a runtime that would not be are asked for; or there is no export.
    MissingExtraError
        PyTorch, or what else the model needs, is not installed.
    ModelFileError
        The folder is not there, damaged, foreign or newer.
    """
    if not isinstance(model, str | Path):
        return model
    from textaxa.persistence import load_model

    if exact:
        runtime = _exact(runtime, _exported_precision(Path(model)))
    return load_model(model, runtime=runtime)


def _exact(runtime: str, precision: str) -> str:
    """Give a runtime whose probabilities are those of the model as it was trained.

    Raises
    ------
    ConfigError
        Another was asked for by name.
    """
    if precision == "int8" and runtime == "auto":
        return "torch"
    if precision == "bf16" and runtime == "auto":
        return "onnx"  # which computes the same file in fp32
    if (precision, runtime) in (("int8", "onnx"), ("bf16", "openvino")):
        other = "or export it with --precision fp32" if precision == "int8" else "or onnx, which computes it in fp32"
        raise ConfigError(
            "What is promised rests on the probabilities of the model as it was trained, and this export is computed "
            f"in {precision}, which gives others. Use --runtime torch, {other}."
        )
    return runtime


def _exported_precision(folder: Path) -> str:
    """Give the precision of a model's export; fp32 where there is none, which `load_model` says."""
    from textaxa.persistence import read_config
    from textaxa.runtime import FOLDER, is_exported, read_layout

    return read_layout(folder / FOLDER).precision if is_exported(read_config(folder)) else "fp32"


def computed_by(model: "Model") -> str:
    """Say what computes a model's probabilities; nothing of one that needs no encoder, which has no choice."""
    from textaxa.fast_path import FastPathModel
    from textaxa.runtime import RuntimeModel

    if isinstance(model, FastPathModel):
        cheap, strong = (computed_by(part) or part.settings.head for part in (model.cheap, model.strong))
        share = f" answered {model.ways.share:.0%}" if model.ways.cheap or model.ways.strong else ""
        return f"a fast path ({cheap}{share}, {strong} the rest)"
    if isinstance(model, RuntimeModel) or searches(model):
        return str(model.computed_by)
    return "PyTorch" if needs_encoder(model.settings.head) else ""


def remember_columns(columns: Columns) -> dict[str, Any]:
    """Give what a model's summary keeps of the training table's columns."""
    kept = {name: value for name, value in asdict(columns).items() if name in _REMEMBERED}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in kept.items()}


def columns_for(model: "Model", given: dict[str, Any], *, labels: bool) -> Columns:
    """Give the columns to read: those given, and for what is not given those of the training table.

    Parameters
    ----------
    model
        Its summary holds the training table's columns.
    given
        Fields of `Columns`; None or missing means "as in training".
    labels
        Whether labels are read too.
    """
    chosen = {name: value for name, value in given.items() if value is not None}
    known = _known_columns(model)
    if "text" in chosen:
        known.pop("template", None)
    if any(name in chosen for name in _LABELS):
        known = {name: value for name, value in known.items() if name not in _LABELS}
    fields = {**known, **chosen}
    if not labels:
        fields = {name: value for name, value in fields.items() if name not in _LABELS}
    return columns_of(fields)


def majority_of(model: "Model") -> tuple[LabelPath, ...]:
    """Give the most frequent labels of the training rows; empty where the model does not know them."""
    stored = model.summary.get("majority")
    if not isinstance(stored, list) or not all(isinstance(path, list) and path for path in stored):
        return ()
    return tuple(tuple(path) for path in stored)


def _known_columns(model: "Model") -> dict[str, Any]:
    """Give the training table's columns; what a hand has written there that is no column's name is left out."""
    stored = model.summary.get("columns")
    return {
        name: value
        for name, value in (stored.items() if isinstance(stored, dict) else ())
        if name in _REMEMBERED and (isinstance(value, str) or _is_list_of_names(value))
    }


def _is_list_of_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def columns_of(fields: dict[str, Any]) -> Columns:
    """Give columns from their fields, lists taken for tuples."""
    return Columns(**{name: _as_tuple(value) for name, value in fields.items()})


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
