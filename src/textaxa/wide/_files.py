"""A wide head as a folder: ``wide.json`` and one ``.npy`` file an array, read by memory mapping and with suspicion."""

import json
import os
import shutil
from pathlib import Path
from tokenize import TokenError  # NumPy reads an old header by it
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.errors import DataError, ModelFileError
from textaxa.taxonomy import Taxonomy
from textaxa.wide._head import WideHead
from textaxa.wide._options import Options
from textaxa.wide._rows import BLOCK, ROW_TYPES, Rows

FORMAT = "textaxa-wide"
VERSION = 1
_KEYS = {"format", "version", "taxonomy", "options", "width", "rows"}
_LARGEST_JSON = 10_000


def save_wide(head: WideHead, folder: str | Path) -> Path:
    """Write a head into a new folder, all or nothing; give the folder.

    Raises
    ------
    ModelFileError
        There is something at this place, or it cannot be written.
    """
    place = Path(folder)
    if place.exists():
        raise ModelFileError(f"{place} exists: a head is written into a new folder. Remove it or name another.")
    beside = place.with_name(f".{place.name}.{os.getpid()}.partial")
    try:
        beside.mkdir(parents=True)
        for name, array in _arrays(head.rows).items():
            np.save(beside / f"{name}.npy", array, allow_pickle=False)
        (beside / "wide.json").write_text(json.dumps(_description(head), indent=1) + "\n", encoding="utf-8")
        beside.rename(place)
    except OSError as error:
        raise ModelFileError(f"{place} cannot be written: {error}. Is the disk full, or the place protected?") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return place


def load_wide(folder: str | Path, taxonomy: Taxonomy) -> WideHead:
    """Read a head; its rows stay in their file until a search asks for them.

    Every number is looked at once, so a first reading takes as long as the disk needs for the file.

    Raises
    ------
    ModelFileError
        A file is missing, damaged, foreign or newer, has numbers that are not finite, or was made for another taxonomy.
    """
    place = Path(folder)
    told = _told(place / "wide.json")
    if told["taxonomy"] != taxonomy.fingerprint:
        raise ModelFileError(
            f"{place} was trained for another taxonomy than the one given: names, order, parents or terminals differ. "
            "Give the taxonomy that it was trained with."
        )
    options = Options.of(taxonomy)
    n, width = told["options"], told["width"]
    values = mapped(place / "rows.npy", told["rows"], (n, width))
    bias = mapped(place / "bias.npy", "float32", (n,))
    scale = mapped(place / "scale.npy", "float32", (n,)) if told["rows"] == "int8" else None
    try:
        return WideHead(taxonomy, options, Rows(values, bias, scale))
    except DataError as error:
        raise ModelFileError(f"{place} is damaged: {error}") from None


def _arrays(rows: Rows) -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {"rows": rows.values, "bias": rows.bias}
    return arrays if rows.scale is None else arrays | {"scale": rows.scale}


def _description(head: WideHead) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "taxonomy": head.taxonomy.fingerprint,
        "options": len(head.options),
        "width": head.rows.width,
        "rows": head.rows.values.dtype.name,
    }


def _told(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > _LARGEST_JSON:
            raise ModelFileError(f"{file} is too large to be what it says. Save the head anew.")
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError(f"{file} cannot be read: {error}. Is this the folder of a wide head?") from None
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise ModelFileError(f"{file} does not describe a wide head. Is this another kind of model?")
    if told.get("version") != VERSION:
        raise ModelFileError(
            f"{file} has version {told.get('version')!r}; this textaxa reads version {VERSION}. Update textaxa."
        )
    whole = all(type(told.get(key)) is int and told[key] > 0 for key in ("options", "width"))
    if set(told) != _KEYS or not whole or told["rows"] not in ROW_TYPES:
        raise ModelFileError(f"{file} was edited or damaged: it its keys or values are no head's. Save it anew.")
    return told


def mapped(file: Path, kind: str, shape: tuple[int, ...]) -> NDArray[Any]:
    """Map an array that must have this type and shape and be finite."""
    try:
        # A plain array on the mapped memory: slices of np.memmap itself cost several times as much.
        array: NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False).view(np.ndarray)
    except (OSError, ValueError, EOFError, OverflowError, TypeError, AttributeError, TokenError) as error:
        raise ModelFileError(f"{file} cannot be read: {error}. Was it cut short? Copy or save the head anew.") from None
    if array.dtype != np.dtype(kind) or array.shape != shape or not array.flags.c_contiguous:
        raise ModelFileError(
            f"{file} holds {array.dtype} of shape {array.shape}; {kind} of shape {shape} belongs there. "
            "Are the files of two heads mixed up?"
        )
    for at in range(0, len(array), BLOCK):
        if not np.isfinite(array[at : at + BLOCK]).all():
            raise ModelFileError(f"{file} holds NaN or infinity near row {at}: training went wrong, or it is damaged.")
    return array
