"""The part of a model folder that needs PyTorch: encoder, feature scale and head."""

import math
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from textaxa.encoders import load_encoder
from textaxa.errors import ModelFileError
from textaxa.heads import build_head, head_class
from textaxa.model import Model, read_width
from textaxa.settings import ModelSettings
from textaxa.taxonomy import Taxonomy

_QUICK, _LEVELS, _USUAL_WIDTH = 2_000, 32, 1_024
"""Nodes, levels and sizes in the settings, up to which a head is sketched in no time, and it cannot be very large."""


def write(model: Model, folder: Path) -> None:
    """Write the encoder's folder, and scale and head beside it."""
    model.encoder.save(folder / "encoder")
    save_file(_own_weights(model), folder / "head.safetensors")


def read(folder: Path, taxonomy: Taxonomy, settings: ModelSettings, summary: dict[str, Any]) -> Model:
    """Read what `write` wrote.

    Raises
    ------
    ModelFileError
        The weights are damaged, or of another model.
    ConfigError
        The encoder cannot be loaded.
    """
    encoder = load_encoder(settings.encoder, folder=folder / "encoder")
    width = read_width(encoder, head_class(settings.head))
    if _could_be_large(taxonomy, settings):
        _check_asked(settings, taxonomy, width, folder / "head.safetensors")
    head = build_head(settings.head, taxonomy, width, task=settings.task, settings=settings.head_settings)
    model = Model(taxonomy, encoder, head, settings, summary)
    _load_weights(model, folder / "head.safetensors")
    return model.eval()


def _could_be_large(taxonomy: Taxonomy, settings: ModelSettings) -> bool:
    """Tell whether a head is looked at before it is made. Of a large taxonomy that takes as long as making it."""
    sizes = [value for value in vars(settings.head_settings).values() if isinstance(value, int)]
    return len(taxonomy) <= _QUICK or taxonomy.n_levels > _LEVELS or max(sizes, default=0) > _USUAL_WIDTH


def _check_asked(settings: ModelSettings, taxonomy: Taxonomy, width: int, file: Path) -> None:
    """Refuse settings that ask for a much larger head than the file has, before memory is taken for it."""
    try:
        with safe_open(file, framework="pt") as tensors:
            shapes = [tensors.get_slice(name).get_shape() for name in tensors.keys()]  # noqa: SIM118 - no mapping
    except SafetensorError as error:
        raise ModelFileError(f"{file} is damaged: {error}.") from error
    try:
        with torch.device("meta"):
            sketch = build_head(settings.head, taxonomy, width, task=settings.task, settings=settings.head_settings)
    except RuntimeError:
        return  # a head of another package that cannot be sketched
    asked, held = sum(value.numel() for value in sketch.state_dict().values()), sum(map(math.prod, shapes))
    if asked > 2 * held:  # what lacks less is named below
        raise ModelFileError(
            f"{file} does not fit config.json: its settings ask for {asked:,} numbers, but the file has {held:,}."
        )


def _own_weights(model: Model) -> dict[str, torch.Tensor]:
    """Give what the encoder folder does not hold: the feature scale and the head."""
    state = {name: value for name, value in model.state_dict().items() if not name.startswith("encoder.")}
    return {name: value.detach().cpu().contiguous() for name, value in state.items()}


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
