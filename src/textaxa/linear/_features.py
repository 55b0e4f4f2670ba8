"""Texts to sparse TF-IDF vectors, over a vocabulary that is plain strings. In come texts, out goes a CSR matrix."""

from collections.abc import Iterable, Sequence

import numpy as np
from scipy import sparse

from textaxa.errors import DataError
from textaxa.linear._counter import Columns, Counts, blocks, columns_of, count, cut_of
from textaxa.linear._settings import LinearSettings
from textaxa.linear._vocabulary import choose

_COUNTED_CHARACTERS = {"words": 60_000_000, "characters": 15_000_000}
"""So many characters of text are counted to choose the vocabulary; of more, an even sample. It bounds the memory of
counting, before the rare n-grams are dropped, to about 1.5 GB."""

Strings = list[str]


class Features:
    """TF-IDF of word n-grams, of character n-grams, or of both side by side.

    Each kind is weighted by 1 + log(count) and by the inverse document frequency, and brought to length 1.

    Attributes
    ----------
    vocabulary : dict of list of str
        The n-grams of each kind (``words``, ``characters``), in the order of their columns.
    idf : dict of float32 arrays
        The inverse document frequency of each n-gram.
    """

    def __init__(
        self,
        settings: LinearSettings,
        vocabulary: dict[str, Strings],
        idf: dict[str, np.ndarray],
        *,
        like: "Features | None" = None,
    ) -> None:
        """Take ``vocabulary`` and ``idf``; ``like`` has the same vocabulary, and its tables are shared."""
        self.vocabulary = vocabulary
        self.idf = idf
        own = () if like else [columns_of(cut_of(settings, kind), terms) for kind, terms in vocabulary.items()]
        self._kinds: Sequence[Columns] = like._kinds if like else own
        self._offsets = np.cumsum([0, *map(len, vocabulary.values())]).tolist()
        self._idf = np.concatenate([idf[kind] for kind in vocabulary])

    @property
    def width(self) -> int:
        """Number of columns, F."""
        return int(self._offsets[-1])

    def __call__(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Give the vectors of texts as float32 CSR (B, F)."""
        return self.of_counts(self.counted(block) for block in blocks(texts, self.width))

    def counted(self, texts: Sequence[str]) -> Counts:
        """Count the n-grams of one of the `blocks` of texts."""
        return count(self._kinds, self._offsets[:-1], self.width, texts)

    def of_counts(self, parts: Iterable[Counts]) -> sparse.csr_matrix:
        """Give the vectors of counted texts."""
        values, columns, ends = [np.empty(0, np.float32)], [np.empty(0, np.int32)], [np.zeros(1, np.int64)]
        for one in parts:
            values.append(_weighted(one, self._idf))
            columns.append(one.columns)
            ends.append(one.starts[len(self._kinds) :: len(self._kinds)] + ends[-1][-1])
        rows = np.concatenate(ends)
        shape = (len(rows) - 1, self.width)
        return sparse.csr_matrix((np.concatenate(values), np.concatenate(columns), rows), shape)


def fit_features(settings: LinearSettings, texts: Sequence[str], *, seed: int) -> tuple[Features, sparse.csr_matrix]:
    """Choose the vocabulary of training texts; give the features, and the vectors of these texts (B, F).

    Raises
    ------
    DataError
        No n-gram is left to count.
    """
    vocabulary: dict[str, Strings] = {}
    for kind in kinds(settings):
        sample = _sample(texts, kind, seed)
        least = min(settings.min_rows or 1, len(sample))
        terms = choose(cut_of(settings, kind), sample, most=settings.max_features, least=least)
        if terms:
            vocabulary[kind] = terms
    if not vocabulary:
        raise DataError(
            "The training texts hold nothing that could be counted: no word or sequence of characters occurs in "
            f"{settings.min_rows} rows. Set min_rows = 1, count characters too, or use another head."
        )
    return _weighed(settings, vocabulary, texts)


def kinds(settings: LinearSettings) -> list[str]:
    """Give which n-grams are counted: ``words``, ``characters``."""
    return ["words"] * (settings.word_ngrams > 0) + ["characters"] * (settings.characters != "off")


def _sample(texts: Sequence[str], kind: str, seed: int) -> Sequence[str]:
    """Give all texts, or so many of them, drawn at random, as are counted to choose the vocabulary."""
    limit = _COUNTED_CHARACTERS[kind]
    lengths = np.array([len(text) for text in texts])
    if lengths.sum() <= limit:
        return texts
    order = np.random.default_rng(seed).permutation(len(texts))
    taken = order[np.cumsum(lengths[order]) <= limit]
    return [texts[i] for i in np.sort(taken)]


def _weighed(
    settings: LinearSettings, vocabulary: dict[str, Strings], texts: Sequence[str]
) -> tuple[Features, sparse.csr_matrix]:
    """Give the features with the inverse document frequencies of texts, and the vectors of these texts."""
    bare = Features(settings, vocabulary, {kind: np.ones(len(terms), np.float32) for kind, terms in vocabulary.items()})
    counted = [bare.counted(block) for block in blocks(texts, bare.width)]
    rows_with = np.zeros(bare.width)
    for one in counted:
        rows_with += np.bincount(one.columns, minlength=bare.width)
    inverse = (np.log((1 + len(texts)) / (1 + rows_with)) + 1).astype(np.float32)  # as scikit-learn has it
    parts = np.split(inverse, np.cumsum([len(terms) for terms in vocabulary.values()])[:-1])
    features = Features(settings, vocabulary, dict(zip(vocabulary, parts, strict=True)), like=bare)
    return features, features.of_counts(counted)


def _weighted(counts: Counts, idf: np.ndarray) -> np.ndarray:
    """Give (1 + log(count)) * idf, those of each text and kind brought to length 1; float32 (E,)."""
    values = np.log(counts.values)
    values += 1
    values *= idf[counts.columns]
    sizes = np.diff(counts.starts)
    some = sizes > 0
    if some.any():
        lengths = np.sqrt(np.add.reduceat(values * values, counts.starts[:-1][some]))
        values /= np.repeat(lengths, sizes[some])
    return values
