"""The model that answers, from its folder, and what computes it; exactly, where promises rest on its numbers."""

from pathlib import Path
from typing import TYPE_CHECKING

from textaxa.answers._searched import searches
from textaxa.errors import ConfigError
from textaxa.fast_path import FastPathModel
from textaxa.heads import needs_encoder
from textaxa.persistence import load_model, read_config
from textaxa.runtime import FOLDER, RuntimeModel, is_exported, read_layout

if TYPE_CHECKING:
    from textaxa.model import Model


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

    if exact:
        runtime = exact_runtime(model, runtime)
    return load_model(model, runtime=runtime)


def exact_runtime(folder: str | Path, runtime: str) -> str:
    """Give a runtime whose probabilities are those of the model as it was trained.

    Raises
    ------
    ConfigError
        Another was asked for by name.
    ModelFileError
        The folder is not there or damaged.
    """
    return _exact(runtime, _exported_precision(Path(folder)))


def _exact(runtime: str, precision: str) -> str:
    """Give it for the precision of an export.

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

    return read_layout(folder / FOLDER).precision if is_exported(read_config(folder)) else "fp32"


def computed_by(model: "Model") -> str:
    """Say what computes a model's probabilities; nothing of one that needs no encoder, which has no choice."""

    if isinstance(model, FastPathModel):
        cheap, strong = (computed_by(part) or part.settings.head for part in (model.cheap, model.strong))
        share = f" answered {model.ways.share:.0%}" if model.ways.cheap or model.ways.strong else ""
        return f"a fast path ({cheap}{share}, {strong} the rest)"
    if isinstance(model, RuntimeModel) or searches(model):
        return str(model.computed_by)
    return "PyTorch" if needs_encoder(model.settings.head) else ""
