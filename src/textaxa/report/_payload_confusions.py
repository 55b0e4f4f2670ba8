"""The worst confusions: which nodes, how often, and real texts with the words that pushed them."""

import time
from collections.abc import Sequence
from typing import Any

from textaxa.errors import TextaxaError
from textaxa.evaluation import Confusion, confusions
from textaxa.report._material import Explain, Material, number, shown
from textaxa.taxonomy import Path

PAIRS = 7
"""Pairs told of each kind."""

EXAMPLES = 2
"""Texts a pair: at most 2 × 7 × 2 of them."""

EXPLAINED = 30
"""Most texts that are explained, and below that no more than `SECONDS` allow: a large encoder takes seconds a text."""

SECONDS = 30.0

EXPLAINED_LENGTH = 5_000
"""Characters above which a text is not explained: the cost grows with them."""

EXCERPT = 320
"""Characters of a text that are shown."""

WORDS = 12
"""Words that are marked in a text."""

STRENGTHS = 3


def worst_confusions(material: Material, *, seconds: float = SECONDS) -> dict[str, Any]:
    """Give the most frequent confusions of siblings and across branches, with examples.

    Parameters
    ----------
    material
        What the report is made from.
    seconds
        Time for explanations.

    Returns
    -------
    ``pairs``: by kind, each with ``examples``; ``explained``, ``unexplained``: numbers of example texts with and
    without words; ``why``: why some are without.
    """
    found = confusions(material.taxonomy, material.true, material.predicted, limit=PAIRS)
    budget = _Budget(material.explain, seconds)
    return {
        "pairs": [_pair(material, one, budget) for one in found],
        "explained": budget.explained,
        "unexplained": budget.skipped,
        "why": budget.why,
    }


class _Budget:
    """Explains texts until their number or the time is used up, and remembers why it stopped."""

    def __init__(self, explain: Explain | None, seconds: float) -> None:
        self._explain = explain
        self._end = time.monotonic() + seconds
        self._seconds = seconds
        self.explained, self.skipped = 0, 0
        self.why: str | None = None

    def __call__(self, text: str, path: Path, against: Path, level: int) -> Sequence[tuple[int, int, float]]:
        words = self._words(text, path, against, level)
        if words:
            self.explained += 1
        else:
            self.skipped += 1
        return words

    def _words(self, text: str, path: Path, against: Path, level: int) -> Sequence[tuple[int, int, float]]:
        if self._explain is None:
            self.why = "What pushed an answer cannot be told for this model."
        elif len(text) > EXPLAINED_LENGTH:
            self.why = f"Texts of more than {EXPLAINED_LENGTH:,} characters are not explained."
        elif self.explained >= EXPLAINED or time.monotonic() > self._end:
            self.why = f"At most {EXPLAINED} texts are explained, and for at most {self._seconds:.0f} seconds."
        else:
            try:
                return self._explain(text, path, against, level)
            except TextaxaError as error:
                self.why = str(error)
        return ()


def _pair(material: Material, one: Confusion, budget: _Budget) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "true": shown(one.true_path),
        "predicted": shown(one.predicted_path),
        "count": one.count,
        "share": number(one.share),
        "examples": [_example(material, one, text, budget) for text in one.texts[:EXAMPLES]],
    }


def _example(material: Material, one: Confusion, i: int, budget: _Budget) -> dict[str, Any]:
    path, against = _ends(material, one, i)
    words = budget(material.texts[i], path, against, one.common_depth + 1)
    start, excerpt = _excerpt(material.texts[i], words)
    return {
        "row": material.rows[i],
        "true": shown(against),
        "predicted": shown(path),
        "probability": number(material.node_proba[i, one.predicted]),
        "text": excerpt,
        "before": start > 0,
        "after": start + len(excerpt) < len(material.texts[i]),
        "words": _marks(words, start, len(excerpt)),
    }


def _ends(material: Material, one: Confusion, i: int) -> tuple[Path, Path]:
    """Give the predicted and the true path of a text that meet in the pair."""
    taxonomy = material.taxonomy

    def through(ends: Sequence[int], node: int) -> Path:
        return taxonomy.path(next(end for end in ends if node in taxonomy.ancestors.row(end)))

    return through(material.predicted[i], one.predicted), through(material.true[i], one.true)


def _excerpt(text: str, words: Sequence[tuple[int, int, float]]) -> tuple[int, str]:
    """Give where the shown part of a text begins, and that part: the beginning, or around the word that pushed most.

    >>> _excerpt("short", [])
    (0, 'short')
    """
    if len(text) <= EXCERPT:
        return 0, text
    pushed = max(words, key=lambda word: word[2], default=(0, 0, 0.0))
    start = 0 if pushed[1] <= EXCERPT else max(0, min(pushed[0] - EXCERPT // 2, len(text) - EXCERPT))
    return start, text[start : start + EXCERPT]


def _marks(words: Sequence[tuple[int, int, float]], start: int, length: int) -> list[list[int]]:
    """Give ``[start, end, strength]`` of the excerpt's strongest words: 3 to 1 for the answer, -1 to -3 against."""
    inside = [(a - start, b - start, weight) for a, b, weight in words if a >= start and b <= start + length and weight]
    strongest = sorted(inside, key=lambda word: -abs(word[2]))[:WORDS]
    if not strongest:
        return []
    most = abs(strongest[0][2])
    marks: list[list[int]] = []
    for a, b, weight in sorted(strongest):
        strength = round(STRENGTHS * abs(weight) / most)
        if strength and (not marks or a >= marks[-1][1]):
            marks.append([a, b, strength if weight > 0 else -strength])
    return marks
