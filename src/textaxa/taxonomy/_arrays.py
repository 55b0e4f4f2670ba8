"""A taxonomy as a folder of arrays, for those too large for JSON: mapped into memory, and read with suspicion.

::

    taxonomy.arrays/
    ├── about.json               format, version, number of nodes, which texts there are
    ├── parents.npy              int32 (edges,)      the parents of each node, its canonical one first
    ├── parents_start.npy        int64 (N + 1,)      where those of each node begin
    ├── is_terminal.npy          bool (N,)
    ├── names.npy                uint8 (bytes,)      UTF-8, name after name
    ├── names_start.npy          int64 (N + 1,)      where each name begins
    └── descriptions, codes      as names, where there are any

Depths, canonical parents and children follow from these, quickly, and are not stored. Reading looks at every number
once, with NumPy (`textaxa.taxonomy._arrays_checks`); texts stay bytes in the file until one is asked for.
"""

import json
import os
import shutil
from pathlib import Path
from tokenize import TokenError  # NumPy reads an old header by it
from typing import Any

import numpy as np
import numpy.typing as npt

from textaxa.errors import TaxonomyError
from textaxa.taxonomy._arrays_checks import (
    DamagedError,
    check_names,
    check_parents,
    check_terminals,
    check_texts,
    check_unique,
)
from textaxa.taxonomy._build import Parts
from textaxa.taxonomy._csr import CSR
from textaxa.taxonomy._packed import PackedTexts

FORMAT = "textaxa-taxonomy-arrays"
VERSION = 1
ABOUT = "about.json"
_TEXTS = ("names", "descriptions", "codes")
_LARGEST_ABOUT = 10_000
"""Bytes; what is larger is something else, and is not read."""


def write_arrays(parts: Parts, folder: Path) -> None:
    """Write the parts into a new folder, all or nothing.

    Raises
    ------
    TaxonomyError
        There is something at this place, or it cannot be written.
    """
    if folder.exists():
        raise TaxonomyError(f"{folder} exists: arrays are written into a new folder. Remove it or name another.")
    beside = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        beside.mkdir(parents=True)
        _write(parts, beside)
        beside.rename(folder)
    except OSError as error:
        raise TaxonomyError(
            f"{folder} cannot be written: {error}. Is the disk full, or the place protected?"
        ) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _write(parts: Parts, folder: Path) -> None:
    arrays: dict[str, npt.NDArray[Any]] = {
        "parents": parts.parents.indices.astype("<i4", copy=False),
        "parents_start": parts.parents.indptr.astype("<i8", copy=False),
        "is_terminal": parts.is_terminal,
    }
    kept = []
    for what in _TEXTS:
        texts = getattr(parts, what)
        if texts is None:
            continue
        packed = PackedTexts.of(texts)
        if what == "descriptions" and not packed.blob.size:
            continue
        arrays |= {what: packed.blob, f"{what}_start": packed.starts.astype("<i8", copy=False)}
        kept.append(what)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    about = {"format": FORMAT, "version": VERSION, "nodes": len(parts.names), "texts": kept}
    (folder / ABOUT).write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


def read_arrays(folder: Path) -> Parts:
    """Give the parts that `write_arrays` wrote.

    Raises
    ------
    TaxonomyError
        A file is missing, cut short, foreign or newer, or its numbers are no taxonomy's.
    """
    n, kept = _about(folder / ABOUT)
    starts = _mapped(folder, "parents_start", "int64", n + 1)
    parents = CSR(starts, _mapped(folder, "parents", "int32"))
    try:
        parent, depth = check_parents(parents)
        is_terminal = _mapped(folder, "is_terminal", "bool", n)
        check_terminals(is_terminal, parents)
        texts = {what: _texts(folder, what, n) for what in kept}
        check_names(texts["names"], parents)
        if "codes" in texts:
            check_unique(texts["codes"])
    except DamagedError as error:
        raise TaxonomyError(f"{folder} is damaged: {error} Copy the whole folder again, or write it anew.") from None
    return Parts(
        names=texts["names"],
        parent=parent,
        parents=parents,
        depth=depth,
        is_terminal=is_terminal,
        descriptions=texts["descriptions"] if "descriptions" in texts else PackedTexts.blank(n),
        codes=texts.get("codes"),
    )


def _about(file: Path) -> tuple[int, list[str]]:
    """Give the number of nodes, and which texts there are."""
    try:
        if file.stat().st_size > _LARGEST_ABOUT:
            raise TaxonomyError(f"{file} is too large to be what it says. Write the taxonomy anew.")
        about = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, TaxonomyError):
            raise
        raise TaxonomyError(f"{file} cannot be read: {error}. Is this the folder of a taxonomy?") from None
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise TaxonomyError(f"{file} does not describe a taxonomy. Is this the folder of something else?")
    if about.get("version") != VERSION:
        raise TaxonomyError(
            f"{file} has version {about.get('version')!r}; this textaxa reads version {VERSION}. "
            "A newer textaxa wrote it? Update with: pip install -U textaxa"
        )
    n, kept = about.get("nodes"), about.get("texts")
    known = isinstance(kept, list) and "names" in kept and all(what in _TEXTS for what in kept)
    if type(n) is not int or n < 1 or not known:
        raise TaxonomyError(f"{file} was edited or damaged: its nodes or texts are none. Write the taxonomy anew.")
    return n, [what for what in _TEXTS if what in (kept or ())]


def _texts(folder: Path, what: str, n: int) -> PackedTexts:
    texts = PackedTexts(_mapped(folder, what, "uint8"), _mapped(folder, f"{what}_start", "int64", n + 1))
    check_texts(texts, what)
    return texts


def _mapped(folder: Path, name: str, kind: str, length: int | None = None) -> npt.NDArray[Any]:
    """Map an array that must have one axis, this type, and this length if there is one to have."""
    file = folder / f"{name}.npy"
    try:
        # A plain array on the mapped memory: slices of np.memmap itself cost several times as much.
        array: npt.NDArray[Any] = np.load(file, mmap_mode="r", allow_pickle=False).view(np.ndarray)
    except (OSError, ValueError, EOFError, OverflowError, TypeError, AttributeError, SyntaxError, TokenError) as error:
        raise TaxonomyError(f"{file} cannot be read: {error}. Was it cut short? Write the taxonomy anew.") from None
    if array.dtype != np.dtype(kind).newbyteorder("<") or array.ndim != 1 or length not in (None, len(array)):
        wanted = "any length" if length is None else f"length {length:,}"
        raise TaxonomyError(
            f"{file} holds {array.dtype} of shape {array.shape}; {kind} of {wanted} belongs there. "
            "Are the files of two taxonomies mixed up?"
        )
    return array
