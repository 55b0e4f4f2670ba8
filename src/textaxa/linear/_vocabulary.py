"""Which n-grams are counted: the most frequent of training texts, the same ones that CountVectorizer would choose."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer

from textaxa.linear._counter import Columns, Cut, blocks, count
from textaxa.linear._ngrams import Characters, Packing, Symbols, Words, hashes, sequences
from textaxa.linear._symbols import Joined, code_points, join, padded_words, text_of, whole_texts, words
from textaxa.linear._table import MISSING, Keys, KeyTable

_BLOCK = 1 << 20
"""Characters that are counted at a time. More than for prediction: the found n-grams are merged after each block."""

_WORD = r"(?u)\b\w+\b"
"""Words of one letter count too: "C", "R", and most Chinese words."""

_EMPTY = "empty vocabulary", "no terms remain"


def choose(cut: Cut, texts: Sequence[str], *, most: int, least: int) -> list[str]:
    """Give the ``most`` frequent n-grams among those of at least ``least`` texts, in alphabetical order."""
    if cut.kind == "words":
        symbols, names = _words(texts, least)
    else:
        symbols, names = _characters(cut, texts, least)
    packing = Packing(symbols.size, cut.longest)
    if not packing.exact or "\0" in names:  # n-grams cannot be read off their keys
        return _choose_slowly(cut, texts, most=most, least=least)
    keys, counts = _tally(_keys(cut, symbols, packing, texts))
    keys, counts = keys[counts >= least], counts[counts >= least]
    if least > 1:
        enough = _rows_with(Columns(cut, symbols, packing, KeyTable(keys)), len(keys), texts) >= least
        keys, counts = keys[enough], counts[enough]
    terms = _strings(packing.digits(keys), names, " " if cut.kind == "words" else "")
    order = sorted(range(len(terms)), key=terms.__getitem__)
    if len(order) > most:
        # As CountVectorizer does it, whose choice among equally frequent ones depends on the order and the algorithm.
        taken = (-counts[order].astype(np.float32)).argsort()[:most]
        order = np.array(order)[np.sort(taken)].tolist()
    return [terms[i] for i in order]


def _joined(texts: Sequence[str]) -> Iterator[Joined]:
    return (join(block) for block in blocks(texts, 1, characters=_BLOCK))


def _keys(cut: Cut, symbols: Symbols, packing: Packing, texts: Sequence[str]) -> Iterator[Keys]:
    """Give the keys of all n-grams of known symbols, block by block."""
    for joined in _joined(texts):
        digits = symbols(joined)
        unknown = np.concatenate([[0], np.cumsum(digits.values == symbols.size + 1)])
        found = []
        for keys in sequences(packing, digits, cut.shortest, whole_if_short=cut.whole_if_short):
            n = len(digits.values) - len(keys) + 1
            found.append(keys[(keys != 0) & (unknown[n:] == unknown[:-n])])
        yield np.concatenate(found) if found else digits.values[:0]


def _tally(parts: Iterable[Keys]) -> tuple[Keys, NDArray[np.int64]]:
    """Give the distinct keys, ascending, and how often each occurs."""
    keys, counts = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    waiting: list[tuple[Keys, NDArray[np.int64]]] = []
    for part in parts:
        waiting.append(np.unique(part, return_counts=True))
        if sum(len(one) for one, _ in waiting) > len(keys):
            keys, counts = _merged([(keys, counts), *waiting])
            waiting = []
    return _merged([(keys, counts), *waiting])


def _merged(parts: list[tuple[Keys, NDArray[np.int64]]]) -> tuple[Keys, NDArray[np.int64]]:
    keys, counts = (np.concatenate(side) for side in zip(*parts, strict=True))
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    first = np.flatnonzero(np.diff(keys, prepend=np.uint64(0)))  # no key is 0
    return keys[first], np.add.reduceat(counts[order], first) if len(first) else counts[:0]


def _rows_with(columns: Columns, n_columns: int, texts: Sequence[str]) -> NDArray[np.int64]:
    """Give in how many texts each n-gram occurs."""
    found = np.zeros(n_columns, dtype=np.int64)
    for block in blocks(texts, n_columns, characters=_BLOCK):
        found += np.bincount(count([columns], [0], n_columns, block).columns, minlength=n_columns)
    return found


def _characters(cut: Cut, texts: Sequence[str], least: int) -> tuple[Symbols, list[str]]:
    """Give the alphabet of characters that occur often enough to be part of a frequent n-gram."""
    found = np.zeros(0x110000, dtype=np.int64)
    for joined in _joined(texts):
        part = np.bincount((padded_words if cut.within_words else whole_texts)(joined).codes)
        found[: len(part)] += part
    codes = np.flatnonzero(found >= least)
    return Characters(codes, within_words=cut.within_words), [chr(code) for code in codes]


def _words(texts: Sequence[str], least: int) -> tuple[Symbols, list[str]]:
    """Give the alphabet of words that occur often enough to be part of a frequent n-gram."""
    known, counts = _tally(_hashed(joined)[0] for joined in _joined(texts))
    known = known[counts >= least]
    table, names = KeyTable(known), [""] * len(known)
    told = np.zeros(len(known) + 1, dtype=bool)  # the last one stands for all rare words
    told[MISSING] = True
    for joined in _joined(texts):
        hashed, start, end = _hashed(joined)
        number = table(hashed)
        new = np.flatnonzero(~told[number])
        number, first = np.unique(number[new], return_index=True)
        for i, at in zip(number.tolist(), new[first].tolist(), strict=True):
            names[i] = text_of(joined.codes[start[at] : end[at]])
        told[number] = True
    return Words(known), names


def _hashed(joined: Joined) -> tuple[Keys, NDArray[np.int64], NDArray[np.int64]]:
    runs = words(joined)
    return hashes(joined.codes, runs.start, runs.end), runs.start, runs.end


def _strings(digits: NDArray[np.int64], names: list[str], between: str) -> list[str]:
    if not between:  # characters: rows of code points are strings already
        codes = np.zeros(len(names) + 1, dtype="<u4")
        codes[1:] = code_points("".join(names))
        found = np.ascontiguousarray(codes[digits])
        strings: list[str] = found.view(f"<U{digits.shape[1]}").ravel().tolist()
        return strings
    named = ["", *names]
    return [between.join([named[i] for i in row if i]) for row in digits.tolist()]


def _choose_slowly(cut: Cut, texts: Sequence[str], *, most: int, least: int) -> list[str]:
    """Let CountVectorizer choose."""
    how = {"token_pattern": _WORD} if cut.kind == "words" else {"analyzer": "char_wb" if cut.within_words else "char"}
    lengths = cut.shortest, cut.longest
    counter = CountVectorizer(dtype=np.float32, max_features=most, min_df=least, ngram_range=lengths, **how)
    try:
        counter.fit(texts)
    except ValueError as error:
        if any(reason in str(error) for reason in _EMPTY):
            return []
        raise
    found: list[str] = counter.get_feature_names_out().tolist()
    return found
