"""Keys of n-grams: symbols (characters or words) as digits, and sequences of them as one 64-bit number.

A symbol of an alphabet of A symbols is a digit from 1 to A; A + 1 is whatever is not in the alphabet. A sequence is the
number that these digits write in a base above A + 1. Up to 64 bits no two sequences share a number; longer ones wrap
around, in an odd base, and two may share a number by chance: some 2^-64 a pair.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from textaxa.linear._symbols import Codes, Integers, Joined, padded_words, whole_texts, words
from textaxa.linear._table import MISSING, Keys, KeyTable

_BASE = 0xD1342543DE82EF95
"""Base where digits do not fit: odd, so that no digit is lost, and of good spectral figures for a modulus of 2^64
(Steele & Vigna 2022, "Computationally easy, spectrally good multipliers")."""

_INVERSE = np.uint64(pow(_BASE, -1, 1 << 64))


@dataclass(frozen=True)
class Packing:
    """How sequences of up to ``longest`` symbols, of an alphabet of ``n_symbols``, become numbers.

    >>> Packing(4094, longest=5).exact, Packing(4095, longest=5).exact
    (True, False)
    """

    n_symbols: int
    longest: int

    @property
    def bits(self) -> int:
        """Bits of a digit."""
        return (self.n_symbols + 1).bit_length()

    @property
    def exact(self) -> bool:
        """Whether no two sequences share a number."""
        return self.bits * self.longest <= 64

    def keys(self, digits: Keys) -> Iterator[Keys]:
        """Give for n = 1, 2, … ``longest`` the numbers of n digits from each place on, (P - n + 1,)."""
        base, keys = np.uint64(1 << self.bits if self.exact else _BASE), digits
        for n in range(1, min(self.longest, len(digits)) + 1):
            if n > 1:
                keys = keys[:-1] * base
                keys += digits[n - 1 :]
            yield keys

    def digits(self, keys: Keys) -> NDArray[np.int64]:
        """Give the digits of exact numbers, the first one first and 0 behind the last; int64 (F, longest)."""
        shifts = np.uint64(self.bits) * np.arange(self.longest, dtype=np.uint64)[::-1]
        found = ((keys[:, None] >> shifts) & np.uint64((1 << self.bits) - 1)).astype(np.int64)
        length = (found > 0).sum(axis=1)
        at = np.arange(self.longest) + (self.longest - length)[:, None]
        return np.where(at < self.longest, np.take_along_axis(found, np.minimum(at, self.longest - 1), 1), 0)


@dataclass(frozen=True)
class Digits:
    """Texts as digits. ``values`` uint64 (P,), ``counts`` of each text int64 (B,), and of each unit int64 (U,)."""

    values: Keys
    counts: Integers
    units: Integers


class Symbols(Protocol):
    """An alphabet: makes digits of texts."""

    size: int

    def __call__(self, joined: Joined) -> Digits:
        """Give the digits of texts."""


class Characters:
    """An alphabet of characters, within words that a blank is put around, or over whole texts.

    ``codes`` (A,) are the code points of the digits from 1 on, ascending.
    """

    def __init__(self, codes: NDArray[np.integer], *, within_words: bool) -> None:
        self.codes = np.asarray(codes, dtype=np.int64)
        self.size = len(codes)
        self.within_words = within_words
        self._digit_of = np.full(int(self.codes.max(initial=0)) + 2, self.size + 1, dtype=np.uint32)
        self._digit_of[self.codes] = np.arange(1, self.size + 1)

    def __call__(self, joined: Joined) -> Digits:
        """Give the digits of texts."""
        places = (padded_words if self.within_words else whole_texts)(joined)
        values = self._digit_of.take(places.codes, mode="clip").astype(np.uint64)
        return Digits(values, places.counts, places.units)


class Words:
    """An alphabet of words, known by their hashes; ``hashes`` (A,) are those of the digits from 1 on."""

    def __init__(self, hashes: Keys) -> None:
        self.size = len(hashes)
        self._digit_of = KeyTable(hashes, np.arange(1, self.size + 1))

    def __call__(self, joined: Joined) -> Digits:
        """Give the digits of texts."""
        runs = words(joined)
        found = self._digit_of(hashes(joined.codes, runs.start, runs.end))
        found[found == MISSING] = self.size + 1
        return Digits(found.astype(np.uint64), runs.counts, runs.counts)


_powers: dict[int, Keys] = {}
_KEPT = 1 << 20


def hashes(codes: Codes, start: Integers, end: Integers) -> Keys:
    """Give a 64-bit number for each of the runs of code points [start, end), start > 0; uint64 (W,).

    A run c_1 … c_n has the number c_1 + c_2 K + … + c_n K^(n-1) modulo 2^64, by one running sum over all: K is odd, so
    that its powers can be divided by.
    """
    sums = codes.astype(np.uint64)
    sums *= _power(_BASE, len(codes))
    np.cumsum(sums, out=sums)
    found: Keys = (sums[end - 1] - sums[start - 1]) * _power(int(_INVERSE), len(codes))[start]
    return found


def _power(base: int, count: int) -> Keys:
    """Give base^0 … base^(count - 1) modulo 2^64."""
    known = _powers.get(base)
    if known is None or len(known) < count:
        size = max(1 << 12, 1 << (count - 1).bit_length())
        factors = np.full(size, base, dtype=np.uint64)
        factors[0] = 1
        known = np.multiply.accumulate(factors)
        if size <= _KEPT:
            _powers[base] = known
    return known[:count]


def sequences(packing: Packing, digits: Digits, shortest: int, *, whole_if_short: bool) -> Iterator[Keys]:
    """Give the numbers of all n-grams, length by length: at each place that of the n-gram that starts there, else 0.

    ``whole_if_short``: a unit of fewer than ``shortest`` symbols counts as one n-gram of its own length.
    """
    left = _left(digits.units)
    for n, keys in enumerate(packing.keys(digits.values), start=1):
        here = left[: len(keys)]
        if n >= shortest:
            yield keys * (here >= n)
        elif whole_if_short and (digits.units == n).any():
            first = np.zeros(len(left), dtype=bool)
            first[np.cumsum(digits.units) - digits.units] = True
            yield keys * (first[: len(keys)] & (here == n))


def _left(units: Integers) -> Integers:
    """Give for every place how many places its unit has from there on, int64 (P,)."""
    ends = np.repeat(np.cumsum(units), units)
    return ends - np.arange(len(ends))
