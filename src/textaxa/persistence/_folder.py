"""Writing and reading a whole model. The folder's layout stands in `textaxa.persistence`."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError

from textaxa._version import __version__
from textaxa.errors import ModelFileError, TextaxaError
from textaxa.heads import HEADS, head_class, head_settings
from textaxa.persistence._card import model_card
from textaxa.persistence._config import FORMAT, FORMAT_VERSION, is_model_folder, read_config, read_model_taxonomy
from textaxa.persistence._decisions import read_decisions, write_decisions
from textaxa.persistence._files import fingerprints, replaced_folder, verify
from textaxa.settings import EncoderSettings, ModelSettings, TrainingSettings, build

if TYPE_CHECKING:
    from textaxa.model import Model


def save_model(model: "Model", folder: str | Path) -> Path:
    """Write a model folder, whole or not at all; a model that was there before is replaced.

    Raises
    ------
    ModelFileError
        The place cannot be written, or holds something that is not a textaxa model.
    """
    target = Path(folder)
    if target.exists() and not is_model_folder(target):
        raise ModelFileError(f"{target} exists and is not a textaxa model, so it is left alone. Give another place.")
    try:
        with replaced_folder(target) as fresh:
            _write(model, fresh)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ModelFileError(f"The model could not be written to {target}: {reason}.") from error
    return target


def _write(model: "Model", folder: Path) -> None:
    _rest(model.settings.head).write(model, folder)
    write_decisions(model, folder)
    _write_json(folder / "taxonomy.json", model.taxonomy.to_dict())
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
        "files": fingerprints(folder),
    }
    _write_json(folder / "config.json", config)
    (folder / "README.md").write_text(model_card(model), encoding="utf-8")


def _write_json(file: Path, value: Any) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def load_model(folder: str | Path) -> "Model":
    """Read a model folder.

    Raises
    ------
    ModelFileError
        The folder is not there, is not a textaxa model, was written by a newer version, or is damaged.
    """
    place = Path(folder)
    config = read_config(place)
    verify(place, config["files"])
    try:
        taxonomy = read_model_taxonomy(place)
        settings = _settings(config)
        model: Model = _rest(settings.head).read(place, taxonomy, settings, dict(config["summary"]))
        read_decisions(model, place, config["files"])
    except ModelFileError:
        raise
    except (TextaxaError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{place} cannot be used: {error}") from error
    return model


def _settings(config: Mapping[str, Any]) -> ModelSettings:
    head = dict(config["head"])
    name = head.pop("name")
    if name not in HEADS:
        raise ModelFileError(f"config.json names the head {name!r}, which is not known.")
    if config["task"] not in ("single", "multi"):
        raise ModelFileError(f"config.json names the task {config['task']!r}, which is not known.")
    return ModelSettings(
        task=config["task"],
        head=name,
        head_settings=build(head_settings(name), head, where="config.json, head"),
        encoder=build(EncoderSettings, config["encoder"], where="config.json, encoder"),
        training=build(TrainingSettings, config["training"], where="config.json, training"),
    )


def _rest(head: str) -> Any:
    """Give what writes and reads the rest: the model's own class where the head is the whole model."""
    kind = head_class(head)
    if kind.reads == "texts":
        return kind
    from textaxa.persistence import _neural  # noqa: PLC0415 - PyTorch, which only these models need

    return _neural
