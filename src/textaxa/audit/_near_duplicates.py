"""Texts that are nearly the same, and whether their labels agree.

In come texts and labels; out go groups of rows, those with different labels first. Needs the extra ``audit``.
"""

import zlib
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from textaxa._extras import require
from textaxa.data._keys import text_key
from textaxa.errors import ConfigError

SHINGLE = 5
"""Characters of a shingle: fewer make all texts of a language alike, more make one changed letter count too much."""

_PERMUTATIONS = 128
"""Hashes of a signature: its estimate of a similarity of 0.8 is off by 0.035. Candidates are checked exactly."""

_READ = 20_000
"""Characters of a text that are compared: what differs later than that is not what a label depends on."""


@dataclass(frozen=True)
class NearDuplicates:
    """Rows whose texts are nearly the same.

    Attributes
    ----------
    rows
        Positions, ascending; two or more.
    similarity
        The lowest similarity of a text to the first of the group, in (0, 1]; 1 = the same but for case and spaces.
    conflict
        Whether their labels differ.
    """

    rows: tuple[int, ...]
    similarity: float
    conflict: bool


def near_duplicates(
    texts: Sequence[str], labels: Sequence[Hashable], *, similarity: float = 0.8
) -> tuple[NearDuplicates, ...]:
    """Give the groups of rows with nearly the same text: those with different labels first, then by first row.

    Similarity is the Jaccard index of the sets of five-character shingles, case and spaces aside. A text joins the
    earlier text that is most like it, where that is like enough; so time and memory grow with the rows, not with their
    pairs, and a thousand copies of a template are one group.

    Parameters
    ----------
    texts
        B texts.
    labels
        What is compared within a group, for example a set of paths.
    similarity
        From which similarity on two texts are nearly the same, in (0, 1].

    Raises
    ------
    ConfigError
        ``similarity`` is not in (0, 1].
    MissingExtraError
        datasketch is not installed.

    Notes
    -----
    Source: Broder 1997 (MinHash), Indyk & Motwani 1998 (locality-sensitive hashing), as in datasketch. Candidates are
    found by hashing, so a pair just over the limit can be missed; no pair below it is given.

    Examples
    --------
    >>> texts = ["Record your runs on a map", "A card game", "record  your runs on a map!"]
    >>> near_duplicates(texts, ["Sport", "Games", "Travel"])
    (NearDuplicates(rows=(0, 2), similarity=0.95..., conflict=True),)
    """
    if not 0 < similarity <= 1:
        raise ConfigError(f"The similarity of near-duplicates is {similarity}. It must be in (0, 1], for example 0.8.")
    groups = _Groups(similarity)
    for row, text in enumerate(texts):
        groups.add(row, text)
    found = [
        NearDuplicates(tuple(rows), lowest, len({labels[row] for row in rows}) > 1)
        for rows, lowest in groups.of_several()
    ]
    return tuple(sorted(found, key=lambda group: (not group.conflict, group.rows)))


class _Groups:
    """The groups so far; each is known by its first text."""

    def __init__(self, similarity: float) -> None:
        sketch: Any = require("datasketch", extra="audit")
        self._empty = sketch.MinHash(num_perm=_PERMUTATIONS, hashfunc=zlib.crc32)
        self._limit = similarity
        # A little below the limit: a candidate too many is checked and dropped, one too few is lost.
        self._found = sketch.MinHashLSH(threshold=max(0.05, 0.9 * similarity), num_perm=_PERMUTATIONS)
        self._same: dict[bytes, tuple[int, float]] = {}
        self._first: list[str] = []
        self._rows: list[list[int]] = []
        self._lowest: list[float] = []

    def add(self, row: int, text: str) -> None:
        key = text_key(text)
        group, similarity = self._same.get(key) or self._place(text)
        self._same[key] = group, similarity
        self._rows[group].append(row)
        self._lowest[group] = min(self._lowest[group], similarity)

    def of_several(self) -> Iterable[tuple[list[int], float]]:
        return ((rows, low) for rows, low in zip(self._rows, self._lowest, strict=True) if len(rows) > 1)

    def _place(self, text: str) -> tuple[int, float]:
        """Give the group of a text not seen before, a new one if need be, and how like its first text it is."""
        mine = shingles(text)
        signature = self._empty.copy()  # drawing the permutations anew for every text would take half of the time
        signature.update_batch([one.encode("utf-8", "surrogatepass") for one in mine])
        near = sorted((-_jaccard(mine, shingles(self._first[one])), one) for one in self._found.query(signature))
        if near and -near[0][0] >= self._limit:
            return near[0][1], -near[0][0]
        group = len(self._first)
        self._first.append(text[: 2 * _READ])
        self._rows.append([])
        self._lowest.append(1.0)
        self._found.insert(group, signature)
        return group, 1.0


def shingles(text: str) -> set[str]:
    """Give the sets of characters that two texts are compared by; a text that is shorter is one itself."""
    plain = " ".join(text[: 2 * _READ].casefold().split())[:_READ]
    return {plain[i : i + SHINGLE] for i in range(max(1, len(plain) - SHINGLE + 1))}


def _jaccard(one: set[str], other: set[str]) -> float:
    both = len(one & other)
    return both / (len(one) + len(other) - both)
