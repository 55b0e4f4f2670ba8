"""Texts as arrays: lower-case code points of many texts side by side, and what of them is counted.

In come texts, out go the code points of words, of words with a space on either side, or of whole texts, cut exactly as
the analyzers ``word``, ``char_wb`` and ``char`` of scikit-learn's CountVectorizer cut them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.unsignedinteger]
Integers = NDArray[np.int64]

_CODE_POINTS = 0x110000
_WORD, _SPACE, _KNOWN = 1, 2, 4

_classes = np.zeros(_CODE_POINTS, dtype=np.uint8)
"""What is known of each code point; filled in as they are met, for to ask for all takes a quarter of a second."""

_BREAK = "\n"
"""Stands before, between and after texts: not part of a word, and neither cased nor ignored by the rule that makes a
sigma at the end of a word another letter in lower case. So the texts can be put in lower case all together."""

_BLANK = ord(" ")


@dataclass(frozen=True)
class Joined:
    """Several texts in lower case, side by side, with a line break before each and after the last.

    Attributes
    ----------
    codes : uint8 or uint32 (C,)
        Their code points.
    starts : int64 (B + 1,)
        Where each text starts, and one more: the place after the last line break.
    """

    codes: Codes
    starts: Integers


@dataclass(frozen=True)
class Runs:
    """Runs of code points, such as words: start, end (exclusive), and how many lie in each text; int64 (W,), (B,)."""

    start: Integers
    end: Integers
    counts: Integers


@dataclass(frozen=True)
class Places:
    """Code points of several texts, of which sequences are counted within units: padded words, or whole texts.

    Attributes
    ----------
    codes : uint8 or uint32 (P,)
        Code points.
    counts : int64 (B,)
        How many of them each text has.
    units : int64 (U,)
        How many each unit has.
    """

    codes: Codes
    counts: Integers
    units: Integers


def join(texts: Sequence[str], *, lower: bool = True) -> Joined:
    """Give the code points of texts in lower case."""
    joined = _BREAK.join(["", *texts, ""])
    if lower:
        length, joined = len(joined), joined.lower()
        if len(joined) != length:  # as of the Turkish capital I with a dot, which becomes two characters
            texts = [text.lower() for text in texts]
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    starts = np.empty(len(texts) + 1, dtype=np.int64)
    starts[0] = 1
    np.cumsum(lengths + 1, out=starts[1:])
    starts[1:] += 1
    return Joined(code_points(joined), starts)


def code_points(text: str) -> Codes:
    """Give the code points of a string, uint8 where it is ASCII and uint32 where not; half characters stay."""
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), dtype=np.uint8)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def text_of(codes: Codes) -> str:
    """Give the string of code points."""
    return codes.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")


def words(joined: Joined) -> Runs:
    r"""Give where the words are: the longest runs of what the regular expression ``\w`` matches."""
    return _runs(joined, (classes(joined.codes) & _WORD).astype(bool))


def padded_words(joined: Joined) -> Places:
    """Give what stands between white space, each with a blank before and after."""
    solid = (classes(joined.codes) & _SPACE) == 0
    runs = _runs(joined, solid)
    lengths = runs.end - runs.start
    number = np.repeat(np.arange(len(lengths)), lengths)
    codes = np.full(int(lengths.sum()) + 2 * len(lengths), _BLANK, dtype=joined.codes.dtype)
    codes[np.arange(len(number)) + 2 * number + 1] = joined.codes[solid]
    total = np.concatenate([[0], np.cumsum(lengths + 2)])
    last = np.cumsum(runs.counts)
    return Places(codes, total[last] - total[last - runs.counts], lengths + 2)


def whole_texts(joined: Joined) -> Places:
    """Give the texts with runs of white space made one blank; single white space stays as it is."""
    space = (classes(joined.codes) & _SPACE) != 0
    breaks = joined.starts - 1
    space[breaks] = False
    twice = space[1:] & space[:-1]
    codes, kept = joined.codes.copy(), np.ones(len(space), dtype=bool)
    codes[:-1][twice] = _BLANK
    kept[1:] = ~twice
    kept[breaks] = False
    total = np.concatenate([[0], np.cumsum(kept)])
    lengths = total[breaks[1:]] - total[breaks[:-1]]
    return Places(codes[kept], lengths, lengths)


def _runs(joined: Joined, inside: NDArray[np.bool_]) -> Runs:
    borders = np.flatnonzero(inside[1:] != inside[:-1]) + 1  # outside at both ends: a line break
    start = borders[0::2]
    before = np.searchsorted(start, joined.starts)
    return Runs(start, borders[1::2], np.diff(before))


def classes(codes: Codes) -> NDArray[np.uint8]:
    """Give what kind of character each code point is."""
    found = _classes[codes]
    unknown = found == 0
    if unknown.any():
        for code in np.unique(codes[unknown]).tolist():
            character = chr(code)
            word = _WORD * (character.isalnum() or character == "_")
            _classes[code] = word | _SPACE * character.isspace() | _KNOWN
        found = _classes[codes]
    return found
