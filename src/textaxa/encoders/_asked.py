"""What the config.json of an encoder's folder asks for, compared with what its weights hold, before memory is taken.

A folder comes in that somebody else may have written; nothing comes out, or an error. Only the headers of its
safetensors files are read.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open

from textaxa.errors import ConfigError

_ALWAYS_FINE = 10_000_000
"""A number in a configuration up to which nothing is asked: positions, rates of rotary embeddings, token ids."""

_COUNTED = re.compile(r"(layers?|blocks?|groups?|stages?|experts?|heads?)$")
_MODULES = 1_000
"""So many layers, or one a tensor, are made one by one; each takes milliseconds."""

_LABELS, _MOST_LABELS = "num_labels", 1_000_000
"""transformers makes a dictionary of as many names."""

_MADE_UP, _PACKED = 2, 16
"""A pooler and the like may be missing in the file, and are left out later: never as much as is there. Quantised
weights lie up to eight in a number."""

_INDEX = "model.safetensors.index.json"

UNREADABLE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
    ArithmeticError,
    AssertionError,
    ImportError,
    SafetensorError,
    StrictDataclassError,
)
"""What transformers raises for configurations, tokenizers and weights that are damaged or do not fit each other."""


def check_asked(folder: Path) -> None:
    """Refuse a folder whose configuration asks for a much larger encoder than its weights are.

    Raises
    ------
    ConfigError
        It does; or a header cannot be read, or the weights are said to lie elsewhere.
    """
    shapes = _shapes(folder)
    if not shapes:
        return  # transformers says what is missing
    held = sum(math.prod(shape) for shape in shapes)
    config = _json(folder / "config.json")
    for name, number in _numbers(config):
        most = max(held, _ALWAYS_FINE)
        if name == _LABELS:
            most = _MOST_LABELS
        elif _COUNTED.search(name):
            most = max(len(shapes), _MODULES)
        if number > most:
            raise _too_much(folder, f"{name} = {_short(number)}", held)
    asked = _parameters(folder)
    if asked > held * (_PACKED if isinstance(config, dict) and config.get("quantization_config") else _MADE_UP):
        raise _too_much(folder, f"{asked:,} weights", held)


def _too_much(folder: Path, asked: str, held: int) -> ConfigError:
    return ConfigError(
        f"{folder}: its config.json asks for {asked}, but its weights are {held:,} numbers: it is damaged, or of "
        "another encoder. Get the whole folder again."
    )


def _short(number: int) -> str:
    return f"{number:,}" if number.bit_length() < 100 else "a number of very many digits"


def _shapes(folder: Path) -> list[list[int]]:
    """Give the shape of every tensor in the safetensors files of a folder."""
    _check_index(folder / _INDEX)
    found = []
    for file in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(file, framework="pt") as tensors:
                found += [tensors.get_slice(name).get_shape() for name in tensors.keys()]  # noqa: SIM118 - no mapping
        except (OSError, SafetensorError) as error:
            raise ConfigError(f"{file} is damaged: {error}. Get the whole folder again.") from error
    return found


def _check_index(file: Path) -> None:
    """Refuse an index of weights in several files that names files elsewhere: transformers follows it anywhere."""
    if not file.is_file():
        return
    index = _json(file)
    names = index.get("weight_map") if isinstance(index, Mapping) else None
    if not isinstance(names, Mapping) or not all(_is_plain(name) for name in names.values()):
        raise ConfigError(f"{file} names weights that are not in the same folder. Get the whole folder again.")


def _is_plain(name: object) -> bool:
    return isinstance(name, str) and Path(name).name == name and "\\" not in name


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{file} is damaged: {error}. Get the whole folder again.") from error


def _numbers(value: Any, name: str = "") -> Iterator[tuple[str, int]]:
    """Give every whole number of a configuration, with the last name on the way to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _numbers(inner, name)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield name, value


def _parameters(folder: Path) -> int:
    """Count the weights of the encoder that a configuration describes, without making them; 0 where it has no sense."""
    from transformers import AutoConfig, AutoModel  # noqa: PLC0415 - a second of import that only this step needs

    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)  # nosec B615 - a folder here
        with torch.device("meta"):
            sketch = AutoModel.from_config(config, trust_remote_code=False)
    except UNREADABLE:
        return 0  # loading it fails as well, and says why
    return sum(parameter.numel() for parameter in sketch.parameters())
