"""Where the n-grams stand that a linear model counts. In comes a text, out go n-grams and their places in it."""

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from textaxa.linear import LinearSettings

Place = tuple[str, int, int]
"""An n-gram, and where it stands in the lower-cased text: start, and end exclusive. One of several words has a place a
word, so that they share it evenly, and what stands between them gets nothing."""

_WORD = re.compile(r"(?u)\b\w+\b")
_BLANKS = re.compile(r"\s\s+")


def places(settings: LinearSettings, kind: str, lowered: str) -> Iterator[Place]:
    """Give every n-gram of a lower-cased text as `sklearn.feature_extraction.text.CountVectorizer` cuts them.

    Parameters
    ----------
    settings
        Of a trained model: nothing is left open.
    kind
        ``words`` or ``characters``.
    lowered
        The text.
    """
    if kind == "words":
        yield from _word_places(lowered, settings.word_ngrams)
        return
    lengths = settings.character_ngrams or (2, 5)
    squeezed, origin = _squeezed(lowered)
    across = settings.characters == "across-words"
    cut = _across_words if across else _within_words
    for gram, start, end in cut(squeezed, min(lengths), max(lengths)):
        yield gram, origin[start], origin[end]


def lowered_with_places(text: str) -> tuple[str, NDArray[np.int64]]:
    """Give a text in lower case, and for each place in it, and its end, the place in the text.

    A few characters are two in lower case.

    >>> lowered, place = lowered_with_places("Aİb")
    >>> len(lowered), place.tolist()
    (4, [0, 1, 1, 2, 3])
    """
    lengths = [len(character.lower()) for character in text]
    return text.lower(), np.append(np.repeat(np.arange(len(text)), lengths), len(text))


def _word_places(text: str, longest: int) -> Iterator[Place]:
    words = [(found[0], found.start(), found.end()) for found in _WORD.finditer(text)]
    for n in range(1, longest + 1):
        for i in range(len(words) - n + 1):
            gram = " ".join(word for word, _, _ in words[i : i + n])
            yield from ((gram, start, end) for _, start, end in words[i : i + n])


def _squeezed(text: str) -> tuple[str, list[int]]:
    """Make one space of several blanks in a row; give the text, and where each place of it stood."""
    pieces: list[str] = []
    origin: list[int] = []
    done = 0
    for found in _BLANKS.finditer(text):
        pieces += [text[done : found.start()], " "]
        origin += range(done, found.start() + 1)
        done = found.end()
    pieces.append(text[done:])
    origin += range(done, len(text) + 1)
    return "".join(pieces), origin


def _across_words(text: str, shortest: int, longest: int) -> Iterator[Place]:
    for n in range(shortest, min(longest, len(text)) + 1):
        for i in range(len(text) - n + 1):
            yield text[i : i + n], i, i + n


def _within_words(text: str, shortest: int, longest: int) -> Iterator[Place]:
    """Cut words with a blank put on both sides; a word shorter than an n-gram is one n-gram, once."""
    for found in re.finditer(r"\S+", text):
        first, last = found.span()
        word = f" {found[0]} "
        for n in range(shortest, longest + 1):
            for i in range(max(1, len(word) - n + 1)):
                yield word[i : i + n], max(first, first - 1 + i), min(last, first - 1 + i + n)
            if len(word) <= n:
                break
