"""Settings of the linear model, and how those that were left open are chosen from the training texts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from textaxa.errors import ConfigError
from textaxa.settings import Checked, setting
from textaxa.taxonomy import Taxonomy

_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Characters of scripts that put no spaces between words: Thai, Lao, Burmese, Khmer, Japanese, Chinese."""

_SPACELESS_SHARE = 0.2
"""From this share of such letters on, words cannot be told by spaces. Texts on software mix in Latin names."""

_SHORT_TEXT = 300
"""Median characters of a text up to which parts of words are counted too. They help where a text has few words; on
long texts they cost several times the time of everything else and change little."""

_MANY_ROWS = 1000
"""From so many training rows on, n-grams of a single row are left out: they are most of all, and say little."""

_SAMPLE = 2000
"""Texts that are looked at to choose."""


_BOTH = 4_000_000
"""Rows times classes up to which a flat classifier is fitted beside the others: each class is fitted on all rows."""


@dataclass(frozen=True)
class LinearSettings(Checked):
    """``linear``: TF-IDF of words and characters, and linear classifiers. No encoder, unless asked for; seconds."""

    vectors: bool = setting(
        False,
        "Read the text vector of the frozen encoder beside the counts. Costs the time of encoding; the two know "
        "different things of a text, and together usually beat both.",
    )
    arrangement: str = setting(
        "auto",
        "Which classifiers there are. per-parent: one a parent node, among its children; a path's probability is the "
        "product. flat: one over all full paths (several paths: one yes-or-no a node, on all rows); often better at "
        "the whole path, worse at the top, and slow with many classes. both: their geometric mean; one path a text "
        f"only. auto: both up to {_BOTH // 1_000_000} million rows times classes, which is about a minute, and where "
        "there is one path a text; else per-parent.",
        choices=("auto", "per-parent", "flat", "both"),
    )
    classifier: str = setting(
        "svm",
        "svm: support vector machines, one against the rest; their margins become probabilities by a scale that is "
        "fitted on rows not trained on. logistic: logistic regression; several times slower.",
        choices=("svm", "logistic"),
    )
    C: float = setting(
        1.0,
        "Inverse strength of the regularisation, as in scikit-learn. Larger fits the training rows more closely.",
        at_least=1e-6,
        at_most=1e6,
    )
    word_ngrams: int = setting(
        2, "Count words and sequences of up to this many words; 0 counts no words.", at_least=0, at_most=5
    )
    characters: str = setting(
        "auto",
        "Count sequences of characters too. within-words: not across spaces; across-words: over everything, for "
        "scripts without spaces; off. auto: across-words for such scripts, within-words for short texts, off for "
        "long ones.",
        choices=("auto", "off", "within-words", "across-words"),
    )
    character_ngrams: tuple[int, ...] | None = setting(
        None,
        "Shortest and longest sequence of characters. Empty: 2 to 5 within words, 1 to 3 across words.",
        at_least=1,
        at_most=10,
    )
    min_rows: int | None = setting(
        None,
        f"Leave out n-grams that occur in fewer rows. Empty: 2, or 1 with fewer than {_MANY_ROWS} rows.",
        at_least=1,
    )
    max_features: int = setting(
        100_000,
        "At most this many word n-grams, and as many character n-grams: the most frequent. Bounds memory and the "
        "model's size.",
        at_least=1,
        at_most=10_000_000,
    )
    class_weights: str = setting(
        "none",
        "none; balanced: rows of a class weigh inversely to its count. Lifts rare classes at some cost in overall "
        "accuracy.",
        choices=("none", "balanced"),
    )


def resolved(settings: LinearSettings, texts: Sequence[str], taxonomy: Taxonomy, *, task: str) -> LinearSettings:
    """Fill in what was left to be chosen from the training rows.

    Raises
    ------
    ConfigError
        ``arrangement = both`` in a several-paths task; nothing to count.
    """
    arrangement = settings.arrangement
    if arrangement == "both" and task == "multi":
        raise ConfigError("arrangement = both is for one path a text. With several paths, use per-parent or flat.")
    if arrangement == "auto":
        worth_it = task == "single" and taxonomy.n_levels > 1 and len(texts) * len(taxonomy.terminals) <= _BOTH
        arrangement = "both" if worth_it else "per-parent"
    if settings.characters == "off" and not settings.word_ngrams:
        raise ConfigError("word_ngrams = 0 and characters = off leave nothing to count. Use words, characters or both.")
    characters = _characters(texts) if settings.characters == "auto" else settings.characters
    lengths = settings.character_ngrams or ((1, 3) if characters == "across-words" else (2, 5))
    min_rows = settings.min_rows or (2 if len(texts) >= _MANY_ROWS else 1)
    counted: dict[str, Any] = {"characters": characters, "character_ngrams": lengths, "min_rows": min_rows}
    return replace(settings, arrangement=arrangement, **counted)


def _characters(texts: Sequence[str]) -> str:
    sample = [texts[i] for i in np.linspace(0, len(texts) - 1, min(_SAMPLE, len(texts))).astype(int)]
    spaceless = sum(len(_SPACELESS.findall(text)) for text in sample)
    if spaceless >= _SPACELESS_SHARE * sum(len(re.findall(r"\w", text)) for text in sample) > 0:
        return "across-words"
    return "within-words" if np.median([len(text) for text in sample]) <= _SHORT_TEXT else "off"
