"""Writing and reading a whole model. The folder's layout stands in `textaxa.persistence`."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from shutil import Error as CopyError
from shutil import copytree
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from textaxa._extras import require
from textaxa._version import __version__
from textaxa.errors import ConfigError, MissingExtraError, ModelFileError, TextaxaError
from textaxa.fast_path import NAME as FAST_PATH
from textaxa.fast_path import FastPathModel
from textaxa.heads import head_class, head_settings, is_head
from textaxa.persistence import _fast_path, _plugins
from textaxa.persistence._card import model_card
from textaxa.persistence._config import (
    FORMAT,
    FORMAT_VERSION,
    is_model_folder,
    read_config,
    read_model_taxonomy,
    write_model_taxonomy,
)
from textaxa.persistence._decisions import read_decisions, write_decisions
from textaxa.persistence._files import at_rest, check_no_strangers, fingerprints, replaced_folder, verify
from textaxa.runtime import FOLDER as ONNX
from textaxa.runtime import (
    RuntimeModel,
    computes_bf16,
    is_exported,
    is_installed,
    read_layout,
    read_runtime_model,
)
from textaxa.settings import Checked, EncoderSettings, ModelSettings, TrainingSettings, build

if TYPE_CHECKING:
    from textaxa.model import Model


_TRIES = 20
"""A model that is replaced while it is read is read again; each replacing takes as long as a model takes to write."""

RUNTIMES = ("auto", "torch", "onnx", "openvino")


def save_model(model: "Model", folder: str | Path, *, onnx: Path | None = None) -> Path:
    """Write a model folder, whole or not at all; a model that was there before is replaced.

    Parameters
    ----------
    model
        The model.
    folder
        Its place.
    onnx
        The ``onnx/`` part of this very model, which `textaxa.exporting` wrote; left out, the folder will have none.

    Raises
    ------
    ModelFileError
        The place cannot be written, or holds something that is not a textaxa model.
    """
    from safetensors import SafetensorError  # noqa: PLC0415 - not needed for reading what runs without PyTorch

    if isinstance(model, RuntimeModel):
        raise ConfigError('This model was read without PyTorch and cannot be saved. Read it with runtime="torch".')
    target = Path(folder)
    try:
        with at_rest(target):
            strange = target.exists() and not is_model_folder(target)
        if strange:
            raise ModelFileError(
                f"{target} exists and is not a textaxa model, so it is left alone. Give another place."
            )
        with replaced_folder(target) as fresh:
            _write(model, fresh, onnx)
    except ModelFileError:
        raise
    except (OSError, SafetensorError) as error:
        reason = _copying(error) if isinstance(error, CopyError) else getattr(error, "strerror", None) or error
        raise ModelFileError(f"The model could not be written to {target}: {reason}.") from error
    return target


def _copying(error: CopyError) -> str:
    """Give the first of the faults that copying a folder gathers."""
    faults = error.args[0] if error.args else ()
    return str(faults[0][2]) if isinstance(faults, list) and faults else str(error)


def _write(model: "Model", folder: Path, onnx: Path | None) -> None:
    if onnx is None:
        model.summary.pop(ONNX, None)
    else:
        copytree(onnx, folder / ONNX)
    if isinstance(model, FastPathModel):
        _fast_path.write(model, folder, save_model)
    else:
        _rest(model.settings.head).write(model, folder)
    write_decisions(model, folder)
    write_model_taxonomy(model.taxonomy, folder)
    settings = model.settings
    config = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "textaxa_version": __version__,
        "task": settings.task,
        "head": {"name": settings.head, **vars(settings.head_settings)},
        "encoder": asdict(settings.encoder),
        "training": asdict(settings.training),
        "summary": model.summary,
        "files": _fast_path.own_files(fingerprints(folder)),
    }
    if parts := _plugins.needed(settings.head, folder):
        config[_plugins.KEY] = parts
    _write_json(folder / "config.json", config)
    (folder / "README.md").write_text(model_card(model), encoding="utf-8")


def _write_json(file: Path, value: Any) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def load_model(folder: str | Path, *, runtime: str = "torch") -> "Model":
    """Read a model folder.

    Parameters
    ----------
    folder
        The folder.
    runtime
        ``torch``: a model that can do everything. ``onnx`` and ``openvino``: a `textaxa.runtime.RuntimeModel`, which
        predicts, from the folder's ``onnx/`` part and without PyTorch; of the other files only the small ones are read,
        so that weights of PyTorch may be missing. ``auto``: one of these where that part and the extra ``runtime`` are
        there: ``openvino`` where the export allows bf16 and OpenVINO and the processor have it, else ``onnx``.

    Raises
    ------
    ConfigError
        ``onnx`` or ``openvino`` is asked for, and the model has no such part, or one that OpenVINO does not read.
    MissingExtraError
        The packages that the runtime needs are not installed.
    ModelFileError
        The folder is not there, is not a textaxa model, was written by a newer version, or is damaged; or it needs a
        head or an encoder of a package that is not installed.
    """
    place = Path(folder)
    for _ in range(_TRIES):
        before = _seen(place)
        try:
            model = _load(place, runtime)
        except (ModelFileError, OSError):
            if _seen(place) == before:
                raise
            continue
        if _seen(place) == before:
            return model
    raise ModelFileError(f"{place} was replaced again and again while it was read. Read it when its writers are done.")


def _seen(place: Path) -> tuple[int, ...] | None:
    """Give what changes when another model takes a folder's place: files read before and after are of two models."""
    try:
        about = place.stat()
    except OSError:
        return None
    return about.st_dev, about.st_ino, about.st_ctime_ns


def _load(place: Path, runtime: str) -> "Model":
    config = read_config(place)
    if config["head"].get("name") == FAST_PATH:
        return cast(Any, _fast_path.read(place, config, runtime, load_model))
    engine = _engine(place, config, runtime)
    light = engine != "torch"
    if not light:
        _plugins.check_plugins(config, place)
    check_no_strangers(place, config["files"])
    verify(place, _light_files(config["files"]) if light else config["files"])
    try:
        taxonomy = read_model_taxonomy(place)
        settings = _settings(config, light=light)
        read: Any = _light_reader(settings.head, engine) if light else _rest(settings.head).read
        model: Model = read(place, taxonomy, settings, dict(config["summary"]))
        read_decisions(model, place, config["files"])
    except (ModelFileError, MissingExtraError):
        raise
    except (TextaxaError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{place} cannot be used: {error}") from error
    return model


def _light_reader(head: str, engine: str) -> Any:
    """Give what reads a model that computes without PyTorch; a wide head needs only the encoder from ``onnx/``."""
    if head != "wide":
        return partial(read_runtime_model, engine=engine)
    from textaxa.wide import WideModel  # noqa: PLC0415 - for these models only

    def read(place: Path, taxonomy: Any, settings: ModelSettings, summary: dict[str, Any]) -> WideModel:
        encoder = RuntimeModel(place / ONNX, taxonomy, settings, engine=engine, head=False)
        return WideModel.read(place, taxonomy, settings, summary, encoder=encoder)

    return read


def _engine(place: Path, config: Mapping[str, Any], runtime: str) -> str:
    """Give what computes the encoder: ``torch``, ``onnx`` or ``openvino``."""
    if runtime not in RUNTIMES:
        raise ConfigError(f"runtime = {runtime!r} is not known. It can be: {', '.join(RUNTIMES)}.")
    exported = is_exported(config)
    if runtime not in ("auto", "torch") and not exported:
        raise ConfigError(f"{place} has no part for ONNX Runtime or OpenVINO. Make it: textaxa export {place}")
    if runtime in ("torch", "onnx"):
        return runtime
    if runtime == "auto" and not (exported and is_installed()):
        return "torch"
    precision = read_layout(place / ONNX).precision
    if runtime == "openvino":
        if precision == "int8":
            raise ConfigError(
                f"{place} was exported with 8-bit weights, stored in a way that OpenVINO does not read. "
                f"Use the runtime onnx, or export again: textaxa export {place} --precision bf16"
            )
        return runtime
    return "openvino" if precision == "bf16" and computes_bf16() else "onnx"


def _light_files(files: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what only PyTorch reads."""
    heavy = ("head.safetensors", "encoder/")
    return {name: sums for name, sums in files.items() if not name.startswith(heavy)}


def _settings(config: Mapping[str, Any], *, light: bool) -> ModelSettings:
    head = dict(config["head"])
    name = head.pop("name")
    # Who computes the graph of an export needs no head, so its package may be missing.
    if not (isinstance(name, str) and (is_head(name) or (light and config.get(_plugins.KEY)))):
        raise ModelFileError(f"config.json names the head {name!r}, which is not known.")
    if config["task"] not in ("single", "multi"):
        raise ModelFileError(f"config.json names the task {config['task']!r}, which is not known.")
    return ModelSettings(
        task=config["task"],
        head=name,
        # The class that checks them stands in the head's file, which needs PyTorch.
        head_settings=cast(Checked, SimpleNamespace(**head))
        if light
        else build(head_settings(name), head, where="config.json, head"),
        encoder=build(EncoderSettings, config["encoder"], where="config.json, encoder"),
        training=build(TrainingSettings, config["training"], where="config.json, training"),
    )


def _rest(head: str) -> Any:
    """Give what writes and reads the rest: the model's own class where the head is the whole model."""
    require("safetensors", extra="train")
    kind = head_class(head)
    if kind.reads == "texts":
        return kind
    from textaxa.persistence import _neural  # noqa: PLC0415 - PyTorch, which only these models need

    return _neural
