"""Counts of the n-grams of a vocabulary, as scikit-learn's CountVectorizer counts them, some twenty times as fast.

Texts become arrays of code points (`_symbols`), n-grams 64-bit numbers (`_ngrams`), and these columns by a hash table
(`_table`). Sorted, equal ones lie side by side and are counted. No loop runs over texts, words or characters.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.linear._ngrams import Characters, Packing, Symbols, Words, hashes, sequences
from textaxa.linear._settings import LinearSettings
from textaxa.linear._symbols import Integers, Joined, classes, code_points, join, words
from textaxa.linear._table import KeyTable

BLOCK = 1 << 16
"""Characters that are counted at a time: their arrays stay in the cache of a core."""

_NOWHERE = np.uint32(0xFFFFFFFF)
_NUMBERS = 0xFFFFFFFE


@dataclass(frozen=True)
class Cut:
    """Which n-grams a kind (``words``, ``characters``) counts."""

    kind: str
    shortest: int
    longest: int
    within_words: bool = False

    @property
    def whole_if_short(self) -> bool:
        """Whether a word that is shorter than the shortest n-gram is counted as it is."""
        return self.kind == "characters" and self.within_words


def cut_of(settings: LinearSettings, kind: str) -> Cut:
    """Give what the settings say about a kind of n-grams."""
    if kind == "words":
        return Cut(kind, 1, settings.word_ngrams)
    lengths = settings.character_ngrams or (2, 5)
    return Cut(kind, min(lengths), max(lengths), within_words=settings.characters != "across-words")


@dataclass(frozen=True)
class Columns:
    """The columns of one kind of n-grams: which one, if any, starts at each place of texts."""

    cut: Cut
    symbols: Symbols
    packing: Packing
    table: KeyTable

    def __call__(self, joined: Joined) -> tuple[list[NDArray[np.int32]], Integers]:
        """Give the column, or -1, at each place, one array a length of n-grams; and the places of each text (B,)."""
        digits = self.symbols(joined)
        of_length = sequences(self.packing, digits, self.cut.shortest, whole_if_short=self.cut.whole_if_short)
        return [self.table(keys) for keys in of_length], digits.counts


def columns_of(cut: Cut, terms: Sequence[str]) -> Columns:
    """Give the columns of n-grams that are given as strings, in their order."""
    return Columns(cut, *(_of_words if cut.kind == "words" else _of_characters)(cut, terms))


def _of_characters(cut: Cut, terms: Sequence[str]) -> tuple[Symbols, Packing, KeyTable]:
    codes = code_points("".join(terms))
    symbols = Characters(np.unique(codes), within_words=cut.within_words)
    lengths = np.fromiter(map(len, terms), dtype=np.int64, count=len(terms))
    packing = Packing(symbols.size, cut.longest)
    return symbols, packing, _table(packing, np.searchsorted(symbols.codes, codes) + 1, lengths)


def _of_words(cut: Cut, terms: Sequence[str]) -> tuple[Symbols, Packing, KeyTable]:
    joined = join(terms, lower=False)
    runs = words(joined)
    hashed = hashes(joined.codes, runs.start, runs.end)
    known, digits = np.unique(hashed, return_inverse=True)
    symbols = Words(known)
    # What is not words with one blank between them is no n-gram that a text could have: its column stays empty.
    regular = _sums(joined.codes == ord(" "), joined.starts) == runs.counts - 1
    regular &= np.diff(joined.starts) - 1 == _sums(classes(joined.codes) & 1, joined.starts) + runs.counts - 1
    packing = Packing(symbols.size, cut.longest)
    return symbols, packing, _table(packing, digits + 1, np.where(regular, runs.counts, 0), runs.counts)


def _sums(values: NDArray[np.generic], starts: Integers) -> Integers:
    """Sum values (C,) from each start to the next."""
    total = np.cumsum(values, dtype=np.int64)
    return np.diff(total[starts - 1])


def _table(packing: Packing, digits: Integers, lengths: Integers, steps: Integers | None = None) -> KeyTable:
    """Give the table of terms whose digits lie side by side; of length 0, or longer than any n-gram, they are left out.

    ``steps`` says how far it is to the next one where that is not the length.
    """
    steps = lengths if steps is None else steps
    start = np.cumsum(steps) - steps
    keys, column = np.zeros(len(lengths), dtype=np.uint64), np.arange(len(lengths))
    for n, at in enumerate(packing.keys(digits.astype(np.uint64)), start=1):
        of_length = lengths == n
        keys[of_length] = at[start[of_length]]
    kept = np.flatnonzero(keys)
    _, first = np.unique(keys[kept], return_index=True)  # terms differ, and by 1 - 2^-64 a pair their numbers do
    kept = kept[first]
    return KeyTable(keys[kept], column[kept])


@dataclass(frozen=True)
class Counts:
    """How often each n-gram occurs in each text, row by row: columns ascending.

    Attributes
    ----------
    values : float32 (E,)
        Counts, at least 1.
    columns : int32 (E,)
        Which n-gram.
    starts : int64 (B * kinds + 1,)
        Where the entries of each text and kind start, and the end.
    """

    values: NDArray[np.float32]
    columns: NDArray[np.int32]
    starts: Integers


def blocks(texts: Sequence[str], n_columns: int, *, characters: int | None = None) -> Iterator[Sequence[str]]:
    """Give the texts in blocks whose arrays stay small, and of so few rows that row and column fit 32 bits."""
    characters = characters or BLOCK
    most = max(1, _NUMBERS // max(1, n_columns))
    start = held = 0
    for i, text in enumerate(texts):
        if i > start and (held + len(text) > characters or i - start == most):
            yield texts[start:i]
            start, held = i, 0
        held += len(text)
    if start < len(texts):
        yield texts[start:]


def count(kinds: Sequence[Columns], offsets: Sequence[int], n_columns: int, texts: Sequence[str]) -> Counts:
    """Count a block of texts.

    Parameters
    ----------
    kinds, offsets
        The kinds of n-grams, and the first column of each.
    n_columns
        All columns, F.
    texts
        One of the `blocks`.
    """
    joined = join(texts)
    first = np.arange(len(texts), dtype=np.uint32) * np.uint32(n_columns)
    found: list[NDArray[Any]] = []
    for kind, offset in zip(kinds, offsets, strict=True):
        of_length, per_text = kind(joined)
        cell = np.repeat(first + np.uint32(offset), per_text)
        # Where nothing is found the column is -1, and all bits of the cell are set: it goes to the end.
        found += [(cell[: len(at)] + at.view(np.uint32)) | (at >> 31).view(np.uint32) for at in of_length]
    cells = np.concatenate(found) if found else first[:0]
    cells.sort()
    cells = cells[: np.searchsorted(cells, _NOWHERE)]
    new = np.flatnonzero(np.concatenate([[True], cells[1:] != cells[:-1]])) if len(cells) else np.arange(0)
    values = np.diff(new, append=len(cells)).astype(np.float32)
    cells = cells[new]
    starts = np.append(
        np.searchsorted(cells, (first[:, None] + np.array(offsets, dtype=np.uint32)).ravel()), len(cells)
    )
    rows = np.repeat(first, np.diff(starts[:: len(kinds)]))
    return Counts(values, (cells - rows).astype(np.int32), starts)
