"""The taxonomy as values that JSON can hold (``taxonomy.json`` of a model folder), and its fingerprint."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from textaxa._suggest import did_you_mean
from textaxa.errors import TaxonomyError
from textaxa.taxonomy._build import Parts, build
from textaxa.taxonomy._csr import Int32
from textaxa.taxonomy._draft import END, INNER, TOP, Draft
from textaxa.taxonomy._packed import PackedTexts

FORMAT = "textaxa-taxonomy"
VERSION = 1
_KEYS = ("format", "version", "names", "parents", "terminals", "descriptions", "codes")


def to_stored(parts: Parts) -> dict[str, Any]:
    """Give the parts as lists: names, parents (-1 = top level; a list where there are several), terminals."""
    parents: list[int | list[int]] = parts.parent.tolist()
    for node in np.flatnonzero(parts.parents.counts > 1).tolist():
        parents[node] = parts.parents.row(node).tolist()
    return {
        "format": FORMAT,
        "version": VERSION,
        "names": list(parts.names),
        "parents": parents,
        "terminals": np.flatnonzero(parts.is_terminal).tolist(),
        "descriptions": list(parts.descriptions) if any(parts.descriptions) else None,
        "codes": list(parts.codes) if parts.codes is not None else None,
    }


def from_stored(stored: Any) -> Parts:
    """Give the parts that `to_stored` gave, checked as something that may have been edited or damaged.

    Raises
    ------
    TaxonomyError
        Not such a dictionary, wrong types, indices out of range, cycles, nodes not in the order of levels.
    """
    if not isinstance(stored, Mapping):
        raise TaxonomyError(f"A stored taxonomy is an object with names and parents, not {type(stored).__name__}.")
    _check_keys(stored)
    draft = Draft(source="the stored taxonomy", names=_texts(stored, "names"))
    n = len(draft.names)
    _add_edges(draft, _list(stored, "parents", n))
    draft.terminal = [INNER] * n
    for node in _list(stored, "terminals"):
        draft.terminal[_node(node, n, "terminals")] = END
    if stored.get("descriptions") is not None:
        draft.descriptions = {i: text for i, text in enumerate(_texts(stored, "descriptions", n)) if text}
    if stored.get("codes") is not None:
        draft.codes = _texts(stored, "codes", n)
        if len(set(draft.codes)) != n:
            raise TaxonomyError("The stored taxonomy gives the same code to two nodes.")
    return _in_order(draft)


def _check_keys(stored: Mapping[str, Any]) -> None:
    if stored.get("format") != FORMAT:
        raise TaxonomyError(f"A stored taxonomy says format {FORMAT!r}; this says {stored.get('format')!r}.")
    if stored.get("version") != VERSION:
        raise TaxonomyError(
            f"The stored taxonomy has version {stored.get('version')!r}; this textaxa reads version {VERSION}. "
            "A newer textaxa wrote it? Update with: pip install -U textaxa"
        )
    for key in stored:
        if key not in _KEYS:
            raise TaxonomyError(f"A stored taxonomy has no key {key!r}.{did_you_mean(str(key), _KEYS)}")


def _list(stored: Mapping[str, Any], key: str, length: int | None = None) -> list[Any]:
    values = stored.get(key)
    if not isinstance(values, list):
        raise TaxonomyError(f"The {key} of a stored taxonomy are a list, not {type(values).__name__}.")
    if length is not None and len(values) != length:
        raise TaxonomyError(f"The stored taxonomy has {length} names but {len(values)} {key}; it is damaged.")
    return values


def _texts(stored: Mapping[str, Any], key: str, length: int | None = None) -> list[str]:
    values = _list(stored, key, length)
    for position, value in enumerate(values):
        if not isinstance(value, str):
            raise TaxonomyError(f"The {key} of a stored taxonomy are text; number {position} is {value!r}.")
    return values


def _node(value: Any, n: int, key: str) -> int:
    if type(value) is not int or not 0 <= value < n:
        raise TaxonomyError(f"The {key} of the stored taxonomy name node {value!r}; the nodes are 0 to {n - 1}.")
    return value


def _add_edges(draft: Draft, parents: list[Any]) -> None:
    n = len(draft.names)
    for node, value in enumerate(parents):
        for parent in value if isinstance(value, list) and value else [value]:
            is_top = type(parent) is int and parent == TOP and not isinstance(value, list)
            draft.children.append(node)
            draft.parents.append(TOP if is_top else _node(parent, n, "parents"))


def _in_order(draft: Draft) -> Parts:
    """Build, and refuse any other order of nodes than the one it was stored in: models number their outputs by it."""
    parts = build(draft)
    if parts.names != tuple(draft.names) or not _same_parents(draft, parts.parent):
        raise TaxonomyError(
            "The nodes of the stored taxonomy are not in their order (level by level, children grouped by parent). "
            "Was the file edited by hand? Change the taxonomy's source file and write it anew."
        )
    return parts


def _same_parents(draft: Draft, parent: Int32) -> bool:
    """The canonical parent is stored first, so it is the parent of each node's first edge."""
    nodes, first = np.unique(np.asarray(draft.children), return_index=True)
    return np.array_equal(np.asarray(draft.parents)[first], parent[nodes])


def fingerprint(parts: Parts) -> str:
    """Give the SHA-256 of everything that makes this taxonomy what it is, in hexadecimal."""
    digest = hashlib.sha256()
    for texts in (parts.names, parts.descriptions, parts.codes):
        if isinstance(texts, PackedTexts):
            for piece in texts.as_json():
                digest.update(piece)
        else:
            digest.update(json.dumps(texts, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    for array in (parts.parents.indptr, parts.parents.indices, np.flatnonzero(parts.is_terminal)):
        digest.update(array.astype("<i8").tobytes())
    return digest.hexdigest()
