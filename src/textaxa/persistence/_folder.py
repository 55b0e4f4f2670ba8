"""Writing and reading a whole model: what needs PyTorch. The folder's layout stands in `textaxa.persistence`."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from textaxa._version import __version__
from textaxa.encoders import load_encoder
from textaxa.errors import ModelFileError, TextaxaError
from textaxa.heads import HEADS, build_head, head_settings
from textaxa.model import Model, ModelSettings
from textaxa.persistence._card import model_card
from textaxa.persistence._config import FORMAT, FORMAT_VERSION, is_model_folder, read_config, read_model_taxonomy
from textaxa.persistence._files import fingerprints, replaced_folder, verify
from textaxa.settings import EncoderSettings, TrainingSettings, build


def save_model(model: Model, folder: str | Path) -> Path:
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


def _write(model: Model, folder: Path) -> None:
    model.encoder.save(folder / "encoder")
    save_file(_own_weights(model), folder / "head.safetensors")
    _write_json(folder / "taxonomy.json", model.taxonomy.to_dict())
    settings = model.settings
    config = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "textaxa_version": __version__,
        "task": settings.task,
        "head": {"name": settings.head, **asdict(settings.head_settings)},
        "encoder": asdict(settings.encoder),
        "training": asdict(settings.training),
        "summary": model.summary,
        "files": fingerprints(folder),
    }
    _write_json(folder / "config.json", config)
    (folder / "README.md").write_text(model_card(model), encoding="utf-8")


def _own_weights(model: Model) -> dict[str, torch.Tensor]:
    """Give what the encoder folder does not hold: the feature scale and the head."""
    state = {name: value for name, value in model.state_dict().items() if not name.startswith("encoder.")}
    return {name: value.detach().cpu().contiguous() for name, value in state.items()}


def _write_json(file: Path, value: Any) -> None:
    file.write_text(json.dumps(value, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def load_model(folder: str | Path) -> Model:
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
        encoder = load_encoder(settings.encoder, folder=place / "encoder")
        head = build_head(settings.head, taxonomy, encoder.width, task=settings.task, settings=settings.head_settings)
        model = Model(taxonomy, encoder, head, settings, dict(config["summary"]))
        _load_weights(model, place / "head.safetensors")
    except ModelFileError:
        raise
    except (TextaxaError, KeyError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{place} cannot be used: {error}") from error
    return model.eval()


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


def _load_weights(model: Model, file: Path) -> None:
    """Fill scale and head; every tensor must be there, in its shape, and finite."""
    try:
        weights = load_file(file)
    except SafetensorError as error:
        raise ModelFileError(f"{file} is damaged: {error}.") from error
    expected = _own_weights(model)
    if weights.keys() != expected.keys():
        odd = sorted(weights.keys() ^ expected.keys())
        raise ModelFileError(f"{file} does not fit config.json: tensors missing or too many: {', '.join(odd[:5])}.")
    for name, value in weights.items():
        if value.shape != expected[name].shape:
            raise ModelFileError(
                f"{file} does not fit config.json: {name} has shape {tuple(value.shape)}, "
                f"not {tuple(expected[name].shape)}."
            )
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise ModelFileError(f"{file} is damaged: {name} holds values that are not finite.")
    model.load_state_dict({**model.state_dict(), **weights})
