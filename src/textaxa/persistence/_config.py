"""The small files of a model folder, read and checked without PyTorch: what `textaxa info` needs."""

import json
from pathlib import Path
from typing import Any

from textaxa._version import __version__
from textaxa.errors import ModelFileError, TaxonomyError
from textaxa.persistence._files import settled
from textaxa.taxonomy import Taxonomy

FORMAT = "textaxa-model"
FORMAT_VERSION = 1
"""Goes up when an older textaxa could not read what a newer one writes."""

JSON, ARRAYS = "taxonomy.json", "taxonomy.arrays"

MOST_NODES_AS_JSON = 50_000
"""A larger taxonomy is stored as arrays: a million nodes take 1.6 s and 300 MB to read from JSON, 0.3 s and 40 MB from
arrays (``benchmarks/speed/taxonomy.py``). Smaller ones stay readable."""

_ENTRIES = {"task": str, "head": dict, "encoder": dict, "training": dict, "summary": dict, "files": dict}
"""What ``config.json`` must hold."""


def is_model_folder(folder: Path) -> bool:
    """Tell whether a folder says that it is a textaxa model, whole or not; an empty folder may become one."""
    if not folder.is_dir():
        return False
    try:
        return json.loads((folder / "config.json").read_text(encoding="utf-8"))["format"] == FORMAT
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return not any(folder.iterdir())


def read_config(folder: Path) -> dict[str, Any]:
    """Read and check ``config.json`` alone.

    Raises
    ------
    ModelFileError
        The folder is not there, is not a textaxa model, was written by a newer version, or is damaged.
    """
    settled(folder)
    if not folder.is_dir():
        if folder.exists():
            raise ModelFileError(
                f"{folder} is a file, not a model folder. Was the table given first? The model goes first."
            )
        raise ModelFileError(f"There is no model folder {folder}. Train one with: textaxa train … --out {folder}")
    file = folder / "config.json"
    if not file.is_file():
        raise ModelFileError(f"{folder} is not a textaxa model: it has no config.json.")
    config = _read_json(file)
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise ModelFileError(f"{folder} is not a textaxa model: its config.json is of something else.")
    version = config.get("format_version")
    if not isinstance(version, int) or version < 1:
        raise ModelFileError(f"{folder}: config.json has no usable format_version ({version!r}).")
    if version > FORMAT_VERSION:
        raise ModelFileError(
            f"{folder} was written by textaxa {config.get('textaxa_version')} in format {version}; this is textaxa "
            f"{__version__}, which reads up to format {FORMAT_VERSION}. Upgrade it: pip install --upgrade textaxa"
        )
    for key, kind in _ENTRIES.items():
        if not isinstance(config.get(key), kind):
            raise ModelFileError(f"{folder}: config.json is damaged: {key!r} is missing or of the wrong kind.")
    return config


def write_model_taxonomy(taxonomy: Taxonomy, folder: Path) -> None:
    """Write ``taxonomy.json``, or ``taxonomy.arrays/`` where that would be too large to be read by a person."""
    if len(taxonomy) > MOST_NODES_AS_JSON:
        taxonomy.to_arrays(folder / ARRAYS)
        return
    text = json.dumps(taxonomy.to_dict(), ensure_ascii=False, indent=1, allow_nan=False)
    (folder / JSON).write_text(text + "\n", encoding="utf-8")


def read_model_taxonomy(folder: Path) -> Taxonomy:
    """Read the taxonomy alone.

    Raises
    ------
    ModelFileError
        It is missing or damaged.
    """
    file, arrays = folder / JSON, folder / ARRAYS
    if not file.is_file() and not arrays.is_dir():
        raise ModelFileError(f"{folder} is not a whole textaxa model: it has no {JSON} and no {ARRAYS}.")
    try:
        return Taxonomy.from_dict(_read_json(file)) if file.is_file() else Taxonomy.from_arrays(arrays)
    except TaxonomyError as error:
        raise ModelFileError(f"{file if file.is_file() else arrays} is damaged: {error}") from error


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{file} is damaged: it is not readable JSON ({error}).") from error
