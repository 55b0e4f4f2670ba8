"""What lies in the ``onnx/`` part of a model folder, and ``runtime.json``, which says how to read the rest."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from textaxa.errors import ModelFileError

FOLDER = "onnx"
LAYOUT, TOKENIZER, ENCODER, HEAD = "runtime.json", "tokenizer.json", "encoder.onnx", "head.onnx"
PRECISIONS = ("fp32", "bf16", "int8")

FORMAT_VERSION = 1
"""Goes up when an older textaxa could not read what a newer one writes."""

_LARGEST = 2**31 - 1
"""Of a token id, and of a size."""

_NEEDED = ("onnxruntime", "tokenizers")


@dataclass(frozen=True)
class Layout:
    """What ONNX files do not say of themselves.

    Attributes
    ----------
    precision
        Of the encoder: ``fp32``; ``int8``, weights of 8 bits; ``bf16``, fp32 weights that may be multiplied in bf16
        where OpenVINO and the processor can. The head is always fp32.
    width
        Features of a text vector, D.
    padding
        The token id that fills up short pieces; the mask hides it.
    prefix, suffix
        Special tokens before and after each piece.
    normalise
        Whether text vectors are scaled to length 1, after those of a text's windows were averaged.
    layers, feed_forward
        Sizes of a transformer, by which its work is counted; 0 of a static encoder and in older exports.
    """

    precision: str
    width: int
    padding: int
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    normalise: bool
    layers: int = 0
    feed_forward: int = 0

    def write(self, folder: Path) -> None:
        """Write ``runtime.json`` into the ``onnx/`` folder."""
        stored = {"format_version": FORMAT_VERSION, **asdict(self)}
        (folder / LAYOUT).write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


def is_exported(config: Mapping[str, Any]) -> bool:
    """Tell by a model's ``config.json`` whether its folder has an ``onnx/`` part."""
    return f"{FOLDER}/{LAYOUT}" in config["files"]


def is_installed() -> bool:
    """Tell whether the packages of the extra ``runtime`` are there, without importing them."""
    return all(find_spec(package) is not None for package in _NEEDED)


def read_layout(folder: Path) -> Layout:
    """Read ``runtime.json`` of an ``onnx/`` folder.

    Raises
    ------
    ModelFileError
        It is missing, damaged, or of a newer version.
    """
    file = folder / LAYOUT
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        version = stored.pop("format_version")
        if type(version) is int and version > FORMAT_VERSION:
            raise ModelFileError(
                f"{file} is of format {version}; this textaxa reads up to {FORMAT_VERSION}. "
                "Upgrade it: pip install --upgrade textaxa"
            )
        return _checked(stored)
    except ModelFileError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelFileError(
            f"{file} is missing or damaged: {error}. Export the model again: textaxa export"
        ) from error


def _checked(stored: Mapping[str, Any]) -> Layout:
    for name in ("prefix", "suffix"):
        if not all(type(token) is int and 0 <= token <= _LARGEST for token in stored[name]):
            raise ValueError(f"{name} is no list of token ids")
    for name in ("width", "padding", "layers", "feed_forward"):
        if type(number := stored.get(name, 0)) is not int or not 0 <= number <= _LARGEST:
            raise ValueError(f"{name} is {number!r}")
    if stored["precision"] not in PRECISIONS:
        raise ValueError(f"precision is {stored['precision']!r}")
    return Layout(**{**stored, "prefix": tuple(stored["prefix"]), "suffix": tuple(stored["suffix"])})
