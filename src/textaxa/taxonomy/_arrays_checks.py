"""Are these arrays a taxonomy's? Everything that code later relies on, looked at once, without a loop over nodes.

In come arrays that may have been edited or damaged; what is wrong is a `DamagedError`, whose message the reader
completes with the name of the folder.
"""

import codecs

import numpy as np
import numpy.typing as npt

from textaxa.taxonomy._csr import CSR, Bool, Int32, Int64, read_only
from textaxa.taxonomy._packed import Bytes, PackedTexts

_BYTES, _NODES = 1 << 18, 1 << 15
"""So many bytes, or nodes, are looked at together, so that checking needs little memory beside the arrays."""

_HASHED = 256
"""Bytes of a text that its key is made of; names are shorter."""


class DamagedError(ValueError):
    """Arrays that are no taxonomy's; the message says why."""


def check_starts(starts: Int64, total: int, what: str) -> None:
    """Where rows begin: from 0 to the end, never falling."""
    if starts[0] != 0 or starts[-1] != total or bool((starts[1:] < starts[:-1]).any()):
        raise DamagedError(f"the places where {what} begin do not ascend from 0 to {total:,}.")


def check_parents(parents: CSR) -> tuple[Int32, Int32]:
    """Give canonical parents and depths, if the parents of all nodes are a taxonomy in node order.

    Node order makes the check cheap: canonical parents never fall from a node to the next, and each comes before its
    children; that alone rules out cycles, and levels are ranges.
    """
    starts, edges = parents.indptr, parents.indices
    check_starts(starts, len(edges), "parents")
    n = len(parents)
    n_top = int(np.searchsorted(starts, 1)) - 1  # nodes without a parent stand at the beginning
    if n_top < 1 or bool((starts[n_top + 1 :] == starts[n_top:-1]).any()):
        raise DamagedError("nodes without a parent are not at the beginning.")
    if edges.size and (edges.min() < 0 or edges.max() >= n):
        raise DamagedError(f"parents are named that are not among nodes 0 to {n - 1}.")
    parent = np.full(n, -1, dtype=np.int32)
    parent[n_top:] = edges[starts[n_top:-1]]
    if bool((parent[1:] < parent[:-1]).any()) or bool((parent >= np.arange(n, dtype=np.int32)).any()):
        raise DamagedError("nodes are not in their order (level by level, children grouped by parent).")
    depth = _depths(parent, n_top)
    if len(edges) > n - n_top and bool((depth[edges] >= np.repeat(depth, parents.counts)).any()):
        raise DamagedError("a parent lies no higher than its child.")
    return read_only(parent), read_only(depth)


def _depths(parent: Int32, n_top: int) -> Int32:
    """Give the depth of every node; parents never fall, so the children of a level are a range of nodes."""
    depth = np.empty(len(parent), dtype=np.int32)
    start, end, level = 0, n_top, 1
    while start < end:
        depth[start:end] = level
        start, end, level = end, int(np.searchsorted(parent, end)), level + 1
    return depth


def check_terminals(is_terminal: Bool, parents: CSR) -> None:
    """Every byte yes or no, and every leaf a terminal."""
    if bool((is_terminal.view(np.uint8) > 1).any()):
        raise DamagedError("whether labels end at a node is neither yes nor no.")
    ends = is_terminal.copy()
    ends[parents.indices] = True
    if not ends.all():
        raise DamagedError("a leaf is no terminal.")


def check_texts(texts: PackedTexts, what: str) -> None:
    """UTF-8, and no text begins inside a character."""
    check_starts(texts.starts, len(texts.blob), what)
    begins = (texts.starts[at : at + _NODES] for at in range(0, len(texts), _NODES))
    last = max(len(texts.blob) - 1, 0)  # texts without bytes may begin behind it
    if not _is_utf8(texts.blob) or any((texts.blob[some[some <= last]] & 0xC0 == 0x80).any() for some in begins):
        raise DamagedError(f"the {what} are not text in UTF-8.")


def _is_utf8(blob: Bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for at in range(0, len(blob), _BYTES):
            decoder.decode(blob[at : at + _BYTES].tobytes())
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def check_names(names: PackedTexts, parents: CSR) -> None:
    """No name is blank, and no two children of one parent have the same."""
    for at in range(0, len(names), _NODES):
        for node in _maybe_blank(names, at, min(at + _NODES, len(names))).tolist():
            if not names[node].strip():
                raise DamagedError(f"the name of node {node} is blank.")
    n_top = int(np.searchsorted(parents.indptr, 1)) - 1
    above = np.concatenate([np.full(n_top, -1, dtype=np.int32), parents.indices])
    node = np.concatenate([np.arange(n_top, dtype=np.int32), parents.row_ids])
    again = _repeated(names, node, above)
    if again is not None:
        raise DamagedError(f"node {again} has the name of one of its siblings.")


def check_unique(codes: PackedTexts) -> None:
    """No two nodes have the same code."""
    node = np.arange(len(codes), dtype=np.int32)
    again = _repeated(codes, node, np.zeros_like(node))
    if again is not None:
        raise DamagedError(f"node {again} has the code of another node.")


def _maybe_blank(names: PackedTexts, start: int, stop: int) -> Int64:
    """Nodes whose names are empty or begin with a space of some kind; few, so that these can be read one by one."""
    begins, blob = names.starts[start:stop], names.blob
    empty = names.starts[start + 1 : stop + 1] == begins
    if empty.any():
        return start + np.flatnonzero(empty)
    first, second = blob[begins], blob[np.minimum(begins + 1, len(blob) - 1)]
    # In UTF-8 the spaces beyond ASCII begin with C2 85, C2 A0, E1 9A, E2 80, E2 81 or E3 80.
    wide = ((first == 0xC2) & ((second == 0x85) | (second == 0xA0))) | ((first == 0xE1) & (second == 0x9A))
    wide |= ((first == 0xE2) & ((second == 0x80) | (second == 0x81))) | ((first == 0xE3) & (second == 0x80))
    return start + np.flatnonzero((first <= 0x20) | wide)


def _repeated(texts: PackedTexts, node: Int32, group: Int32) -> int | None:
    """Give a node whose text occurs twice in a group, or None. Pairs of node and group come as two arrays.

    Sorting keys made of length and bytes finds those that are equal, or in the rarest case only seem so; these are
    decoded.
    """
    keys: npt.NDArray[np.uint64] = np.empty(len(node), dtype=np.uint64)
    words = _words(texts.blob)
    for at in range(0, len(node), _NODES):
        some = slice(at, at + _NODES)
        keys[some] = _mixed(_keys(texts, words, node[some]), group[some])
    order = np.sort(keys)
    twice = order[1:][order[1:] == order[:-1]]
    seen: set[tuple[int, str]] = set()
    for at in np.flatnonzero(np.isin(keys, twice)).tolist() if twice.size else ():
        one = (int(group[at]), texts[int(node[at])])
        if one in seen:
            return int(node[at])
        seen.add(one)
    return None


def _words(blob: Bytes) -> npt.NDArray[np.uint64]:
    """Give every eight bytes in a row as one number; a view, unless the bytes are fewer."""
    enough = blob if len(blob) >= 8 else np.append(blob, np.zeros(8, dtype=np.uint8))
    return np.ndarray((len(enough) - 7,), dtype="<u8", buffer=enough.data, strides=(1,))


def _keys(texts: PackedTexts, words: npt.NDArray[np.uint64], nodes: Int32) -> npt.NDArray[np.uint64]:
    """Give a number for the text of every node, equal where texts are equal, and hardly ever elsewhere."""
    begin, length = texts.starts[nodes], texts.starts[nodes + 1] - texts.starts[nodes]
    keys = _mixed(np.zeros(len(nodes), dtype=np.uint64), length)
    longer, last = np.flatnonzero(length > 0), len(words) - 1
    for at in range(0, _HASHED, 8):
        if not longer.size:
            break
        place, left = begin[longer] + at, length[longer] - at
        low = np.minimum(place, last)
        word = words[low] >> (8 * (place - low)).astype(np.uint64)
        word <<= 8 * np.clip(8 - left, 0, 7).astype(np.uint64)  # shifts out what is the next text's
        keys[longer] = _mixed(keys[longer], word)
        longer = longer[left > 8]
    return keys


def _mixed(left: npt.NDArray[np.uint64], right: npt.NDArray[np.integer]) -> npt.NDArray[np.uint64]:
    """Mix two columns of numbers into one; arithmetic wraps round at 64 bits on purpose."""
    mixed: npt.NDArray[np.uint64] = left * np.uint64(0x9E3779B97F4A7C15) + right.astype(np.uint64) * np.uint64(
        0xC2B2AE3D27D4EB4F
    )
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    return mixed
