"""The words of a text, and contributions of parts of words and of phrases brought to them. Any script."""

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from textaxa.explanation._explanation import Word

_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Characters of scripts that put no spaces between words: there a letter with its marks counts as a word."""

Floats = NDArray[np.float64]

_JOINERS = frozenset("\u200c\u200d")
_APOSTROPHES = frozenset("'’")


class Parts(NamedTuple):
    """Contributions of parts of a text: where they stand, int (P,), ``end`` exclusive, and how much, float64 (P,)."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    value: NDArray[np.float64]


def word_spans(text: str) -> list[tuple[int, int]]:
    """Give where the words of a text stand: runs of letters, digits and their marks; any other sign stands alone.

    >>> [("It's", "5G ☎️!")[0][a:b] for a, b in word_spans("It's")], len(word_spans("5G ☎️!"))
    (["It's"], 3)
    """
    starts: list[int] = []
    ends: list[int] = []
    before = " "
    for i, character in enumerate(text):
        kind = _kind(character)
        if kind == "'" and before in "wc" and i + 1 < len(text) and _kind(text[i + 1]) == "w":
            kind = "w"
        if kind != " ":
            joined = ends and ends[-1] == i
            if joined and (kind == "m" or (kind == "w" and before == "w") or text[i - 1] == "\u200d"):
                ends[-1] = i + 1
            else:
                starts.append(i)
                ends.append(i + 1)
        # A mark belongs to what it stands on, and so does what follows it.
        before = before if kind == "m" else kind
    return list(zip(starts, ends, strict=True))


def _kind(character: str) -> str:
    """Tell a blank, a letter of a word (w), a character that is a word (c), a mark (m), an apostrophe, a sign (s)."""
    if character.isspace():
        return " "
    if character in _APOSTROPHES:
        return "'"
    category = unicodedata.category(character)
    if category[0] == "M" or character in _JOINERS or category == "Sk":
        return "m" if category != "Sk" or ord(character) > 0xFFFF else "s"
    if _SPACELESS.match(character):
        return "c"
    return "w" if category[0] in "LN" or character == "_" else "s"


def by_word(text: str, parts: Parts) -> tuple[tuple[Word, ...], float]:
    """Share the contribution of every part evenly among its characters that are not blanks, and add them up by word.

    Returns
    -------
    The words of the text, in order, and the sum of what stands on blanks only.
    """
    spans = word_spans(text)
    printed = np.array([not character.isspace() for character in text], dtype=np.int64)
    place = np.concatenate([[0], np.cumsum(printed)])
    start, end = place[parts.start], place[parts.end]
    real = end > start
    share = np.where(real, parts.value, 0) / np.maximum(end - start, 1)
    sums, covered = (_running(start[real], end[real], of, place[-1]) for of in (share[real], np.ones(real.sum())))
    edges = place[np.array(spans, dtype=np.int64).reshape(-1, 2)]
    weights = np.diff(sums[edges])[:, 0] * (np.diff(covered[edges])[:, 0] > 0.5)  # where nothing is, no rounding either
    words = tuple(Word(*span, weight) for span, weight in zip(spans, weights.tolist(), strict=True))
    return words, float(parts.value[~real].sum())


def _running(start: NDArray[np.int64], end: NDArray[np.int64], value: Floats, length: int) -> Floats:
    """Add a value to every place from start to end; give the sums of all places before each, (length + 1,)."""
    steps = np.zeros(length + 1)
    np.add.at(steps, start, value)
    np.add.at(steps, end, -value)
    return np.concatenate([[0], np.cumsum(np.cumsum(steps)[:-1])])


class Listed(NamedTuple):
    """A word as it is listed: spelled as at its first place, with the sum over all its places."""

    word: str
    weight: float
    times: int


def listed(text: str, words: Iterable[Word]) -> list[Listed]:
    """Put a text's equal words together (whatever their case); those with a contribution, largest first.

    >>> listed("Play, play on", [Word(0, 4, 1.0), Word(6, 10, 0.5), Word(11, 13, -2.0)])
    [Listed(word='on', weight=-2.0, times=1), Listed(word='Play', weight=1.5, times=2)]
    """
    found: dict[str, Listed] = {}
    for word in words:
        if not word.weight:
            continue
        spelled = text[word.start : word.end]
        before = found.get(spelled.casefold(), Listed(spelled, 0.0, 0))
        found[spelled.casefold()] = Listed(before.word, before.weight + word.weight, before.times + 1)
    return sorted(found.values(), key=lambda one: -abs(one.weight))
