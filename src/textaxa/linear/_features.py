"""Texts to sparse TF-IDF vectors, over a vocabulary that is plain strings. In come texts, out goes a CSR matrix."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.preprocessing import normalize

from textaxa.errors import DataError
from textaxa.linear._settings import LinearSettings

_WORD = r"(?u)\b\w+\b"
"""Words of one letter count too: "C", "R", and most Chinese words."""

_COUNTED_CHARACTERS = {"words": 60_000_000, "characters": 15_000_000}
"""So many characters of text are counted to choose the vocabulary; of more, an even sample. It bounds the memory of
counting, before the rare n-grams are dropped, to about 1.5 GB."""

_ROWS = 20_000
"""Texts that are counted at a time."""

_EMPTY = "empty vocabulary", "no terms remain"

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

    def __init__(self, settings: LinearSettings, vocabulary: dict[str, Strings], idf: dict[str, np.ndarray]) -> None:
        self.vocabulary = vocabulary
        self.idf = idf
        self._counters = {
            kind: _counter(settings, kind, vocabulary={term: i for i, term in enumerate(terms)})
            for kind, terms in vocabulary.items()
        }

    @property
    def width(self) -> int:
        """Number of columns, F."""
        return sum(map(len, self.vocabulary.values()))

    def __call__(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """Give the vectors of texts as float32 CSR (B, F)."""
        blocks = [_weighted(_counts(self._counters[kind], texts), self.idf[kind]) for kind in self.vocabulary]
        return _beside(blocks)


def fit_features(settings: LinearSettings, texts: Sequence[str], *, seed: int) -> tuple[Features, sparse.csr_matrix]:
    """Choose the vocabulary of training texts; give the features, and the vectors of these texts (B, F).

    Raises
    ------
    DataError
        No n-gram is left to count.
    """
    vocabulary: dict[str, Strings] = {}
    idf: dict[str, np.ndarray] = {}
    blocks = []
    for kind in kinds(settings):
        terms, counts = _counted(settings, kind, texts, seed)
        if terms:
            vocabulary[kind], idf[kind] = terms, _inverse_frequency(counts)
            blocks.append(_weighted(counts, idf[kind]))
    if not vocabulary:
        raise DataError(
            "The training texts hold nothing that could be counted: no word or sequence of characters occurs in "
            f"{settings.min_rows} rows. Set min_rows = 1, count characters too, or use another head."
        )
    return Features(settings, vocabulary, idf), _beside(blocks)


def kinds(settings: LinearSettings) -> list[str]:
    """Give which n-grams are counted: ``words``, ``characters``."""
    return ["words"] * (settings.word_ngrams > 0) + ["characters"] * (settings.characters != "off")


def _counter(settings: LinearSettings, kind: str, **options: Any) -> CountVectorizer:
    if kind == "words":
        how: dict[str, Any] = {"token_pattern": _WORD, "ngram_range": (1, settings.word_ngrams)}
    else:
        lengths = settings.character_ngrams or (2, 5)
        analyzer = "char" if settings.characters == "across-words" else "char_wb"
        how = {"analyzer": analyzer, "ngram_range": (min(lengths), max(lengths))}
    return CountVectorizer(dtype=np.float32, **how, **options)


def _sample(texts: Sequence[str], kind: str, seed: int) -> Sequence[str]:
    """Give all texts, or so many of them, drawn at random, as are counted to choose the vocabulary."""
    limit = _COUNTED_CHARACTERS[kind]
    lengths = np.array([len(text) for text in texts])
    if lengths.sum() <= limit:
        return texts
    order = np.random.default_rng(seed).permutation(len(texts))
    taken = order[np.cumsum(lengths[order]) <= limit]
    return [texts[i] for i in np.sort(taken)]


def _counted(
    settings: LinearSettings, kind: str, texts: Sequence[str], seed: int
) -> tuple[Strings, sparse.csr_matrix | None]:
    """Give the most frequent n-grams in alphabetical order, and their counts in all texts."""
    sample = _sample(texts, kind, seed)
    most, least = settings.max_features, min(settings.min_rows or 1, len(sample))
    counter = _counter(settings, kind, max_features=most, min_df=least)
    try:
        counts = counter.fit_transform(sample)
    except ValueError as error:
        if any(reason in str(error) for reason in _EMPTY):
            return [], None
        raise
    return counter.get_feature_names_out().tolist(), counts if sample is texts else _counts(counter, texts)


def _counts(counter: CountVectorizer, texts: Sequence[str]) -> sparse.csr_matrix:
    parts = [counter.transform(texts[start : start + _ROWS]) for start in range(0, max(1, len(texts)), _ROWS)]
    return sparse.csr_matrix(sparse.vstack(parts, format="csr"))


def _inverse_frequency(counts: sparse.csr_matrix) -> np.ndarray:
    """Give ln((1 + rows) / (1 + rows with the n-gram)) + 1, as scikit-learn has it; float32 (F,)."""
    rows_with = np.bincount(counts.indices, minlength=counts.shape[1])
    return (np.log((1 + counts.shape[0]) / (1 + rows_with)) + 1).astype(np.float32)


def _weighted(counts: sparse.csr_matrix, idf: np.ndarray) -> sparse.csr_matrix:
    counts.data = (1 + np.log(counts.data)) * idf[counts.indices]
    return normalize(counts, copy=False) if counts.shape[0] else counts


def _beside(blocks: list[sparse.csr_matrix]) -> sparse.csr_matrix:
    return blocks[0] if len(blocks) == 1 else sparse.hstack(blocks, format="csr", dtype=np.float32)
