"""Categories whose texts fall in two clear groups, and could be split.

In come texts, labels and text vectors; out go the categories with the words of both groups. A hint, no more: what two
groups mean is for a person to say. Needs the extra ``train`` (scikit-learn).
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.audit._levels import Floats
from textaxa.taxonomy import Path, format_path

MIN_ROWS = 60
"""Fewer texts fall in two groups by chance: the groups are found on one half and tested on the other."""

CLEAR = 6.0
"""Distance of the two means in standard deviations. Of categories of hwu64 and amazon3 a seventh has it, of pairs of
categories put together a half to two thirds; one even cloud, cut through the middle, has 2.7."""

_SMALLER = 0.2
"""Share of the texts that the smaller group has at least; what is rarer is an outlier."""

_DIRECTIONS = 8
"""Main directions in which groups are looked for."""

_COUNTED = 64
"""Dimensions of TF-IDF vectors, where there are no text vectors."""

_TOLD = 4
"""Words of each group."""


@dataclass(frozen=True)
class TwoGroups:
    """A category whose texts fall in two groups.

    Attributes
    ----------
    path
        The category.
    rows
        How many rows it has.
    share
        Share of the smaller group in [0, 0.5].
    distance
        Of the two means, in standard deviations, on rows on which the groups were not looked for.
    words
        The most typical words of the smaller and of the larger group.
    """

    path: Path
    rows: int
    share: float
    distance: float
    words: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    def sentence(self) -> str:
        """What was found and what could be done, with the numbers."""
        small, large = (", ".join(words) for words in self.words)
        return (
            f"The {self.rows:,} texts of {format_path(self.path)!r} fall in two groups: {100 * self.share:.0f} % with "
            f"words like {small}, the others with words like {large}. Split it, if these are two things for you."
        )


def two_groups(
    texts: Sequence[str], labels: Sequence[tuple[Path, ...]], vectors: NDArray[np.float32] | None = None
) -> tuple[TwoGroups, ...]:
    """Give the categories whose texts fall in two clear groups, the clearest first.

    Parameters
    ----------
    texts, labels
        B rows; rows of several paths are left out.
    vectors
        Text vectors (B, D). Left out, TF-IDF in 64 dimensions.
    """
    rows_of: dict[Path, list[int]] = {}
    for row, paths in enumerate(labels):
        if len(paths) == 1:
            rows_of.setdefault(paths[0], []).append(row)
    large = {path: rows for path, rows in rows_of.items() if len(rows) >= MIN_ROWS}
    if not large:
        return ()
    directions = _unit(_tfidf(texts) if vectors is None else vectors.astype(np.float64))
    found = [_of_category(path, rows, texts, directions[rows]) for path, rows in sorted(large.items())]
    return tuple(sorted((one for one in found if one is not None), key=lambda one: -one.distance))


def _of_category(path: Path, rows: list[int], texts: Sequence[str], vectors: Floats) -> TwoGroups | None:
    """Look for two groups on every second row, and test them on the others."""
    learnt, tested = vectors[::2], vectors[1::2]
    mean = learnt.mean(axis=0)
    main = np.linalg.svd(learnt - mean, full_matrices=False)[2][:_DIRECTIONS].T
    points = (learnt - mean) @ main
    if len(np.unique(points.round(9), axis=0)) < 2:
        return None
    axis, middle = _axis(points)
    place = (tested - mean) @ main @ axis
    upper = place > middle
    share = min(upper.mean(), 1 - upper.mean())
    if share < _SMALLER:
        return None
    spread = np.sqrt((place[upper].var() + place[~upper].var()) / 2)
    distance = float(abs(place[upper].mean() - place[~upper].mean()) / max(spread, 1e-12))
    if distance < CLEAR:
        return None
    side = (vectors - mean) @ main @ axis > middle
    smaller = side if side.mean() <= 0.5 else ~side
    own = [texts[row] for row in rows]
    return TwoGroups(path, len(rows), float(smaller.mean()), distance, _words(own, smaller))


def _axis(points: Floats) -> tuple[Floats, float]:
    """Give the direction from one centre of two to the other, and where between them the middle is."""
    from sklearn.cluster import KMeans  # noqa: PLC0415 - the extra `train`, which scoring alone does not need

    one, other = KMeans(2, n_init=4, random_state=0).fit(points).cluster_centers_
    axis = (other - one) / max(float(np.linalg.norm(other - one)), 1e-12)
    return axis, float((one + other) @ axis / 2)


def _words(texts: Sequence[str], smaller: NDArray[np.bool_]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the words that are in far more texts of the one group than of the other."""
    sides: list[Counter[str]] = [Counter(), Counter()]
    for text, small in zip(texts, smaller, strict=True):
        sides[0 if small else 1].update(set(re.findall(r"[^\W\d_]{2,}", text.casefold())))
    sizes = max(1, int(smaller.sum())), max(1, int((~smaller).sum()))
    share = [{word: count / size for word, count in side.items()} for side, size in zip(sides, sizes, strict=True)]

    def typical(here: int) -> tuple[str, ...]:
        gap = {word: part - share[1 - here].get(word, 0.0) for word, part in share[here].items()}
        return tuple(sorted(gap, key=lambda word: (-gap[word], word))[:_TOLD])

    return typical(0), typical(1)


def _tfidf(texts: Sequence[str]) -> Floats:
    from sklearn.decomposition import TruncatedSVD  # noqa: PLC0415
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415

    # Every text has such a piece, so there is always something to count.
    pieces = re.compile(r"\w+|\S")
    vectoriser: Any = TfidfVectorizer(
        sublinear_tf=True, max_features=50_000, analyzer=lambda text: pieces.findall(text.casefold())
    )
    counts = vectoriser.fit_transform(texts)
    if counts.shape[1] <= _COUNTED:
        dense: Floats = counts.toarray()
        return dense
    found: Floats = TruncatedSVD(_COUNTED, random_state=0, n_iter=2).fit_transform(counts)
    return found


def _unit(vectors: Floats) -> Floats:
    found: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return found
