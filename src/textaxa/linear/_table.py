"""A hash table over NumPy arrays: 64-bit keys to numbers, many at a time."""

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]

MISSING = -1

_SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio: products with it spread neighbouring keys over the table (Knuth 1998, section 6.4)."""

_ROOM = 4
"""Slots a key at the least. With fewer, more look-ups have to step on; with more, less of the table stays in cache."""


class KeyTable:
    """Where keys lie among those that it was built of: open addressing with linear probing.

    A slot knows whether a key was turned away there, so the search for a key that is not in the table mostly ends at
    once.

    >>> table = KeyTable(np.array([7, 2**60], dtype=np.uint64))
    >>> table(np.array([2**60, 8, 7], dtype=np.uint64)).tolist()
    [1, -1, 0]
    """

    def __init__(self, keys: Keys, values: NDArray[np.integer] | None = None) -> None:
        """Build the table of distinct keys (F,), none of them 0; ``values`` (F,) are given back, else positions."""
        bits = max(4, int(np.ceil(np.log2(_ROOM * max(1, len(keys))))))
        self._shift = np.uint64(64 - bits)
        self._last = (1 << bits) - 1
        self._slots: Keys = np.zeros(1 << bits, dtype=np.uint64)
        self._told = np.full(1 << bits, MISSING * 2, dtype=np.int32)  # twice the value, and 1 where the search goes on
        self._fill(keys, np.arange(len(keys)) if values is None else values)

    def _fill(self, keys: Keys, values: NDArray[np.integer]) -> None:
        at, told = self._first(keys), 2 * np.asarray(values, dtype=np.int32)
        while len(keys):
            free = self._slots[at] == 0
            self._slots[at[free]] = keys[free]  # of those that want the same slot, the last stays
            placed = self._slots[at] == keys
            self._told[at[placed]] = told[placed]
            keys, told, at = keys[~placed], told[~placed], at[~placed]
            turned_away = np.unique(at)
            self._told[turned_away] |= 1
            at = (at + 1) & self._last

    def __call__(self, keys: Keys) -> NDArray[np.int32]:
        """Give the number of every key (n,), `MISSING` for those that are not there; int32 (n,)."""
        at = self._first(keys)
        told = self._told[at]
        hit = self._slots[at] == keys
        # Without a hit, all bits of the number are set: -1. (np.where takes ten times as long.)
        found: NDArray[np.int32] = (told >> 1) | (hit.view(np.int8) - np.int8(1))
        left = np.flatnonzero(~hit & (told & 1).astype(bool))
        at = at[left]
        while len(left):
            at = (at + 1) & self._last
            told = self._told[at]
            hit = self._slots[at] == keys[left]
            found[left[hit]] = told[hit] >> 1
            on = ~hit & (told & 1).astype(bool)
            left, at = left[on], at[on]
        return found

    def _first(self, keys: Keys) -> NDArray[np.int64]:
        """Give the slot where the search for each key begins."""
        at: NDArray[np.int64] = ((keys * _SPREAD) >> self._shift).view(np.int64)
        return at
