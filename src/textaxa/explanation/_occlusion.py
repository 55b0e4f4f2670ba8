"""Words by leaving them out: what a score loses without them. Needs a model's ``node_proba`` and nothing else.

Works with any model that gives the probability of every node: an export for ONNX Runtime or OpenVINO, without PyTorch,
too. A text of few words is read once without each; of a long one first groups of words are left out, and the groups
that matter most are parted, until the readings that were granted are used up.

Source: Zeiler & Fergus (ECCV 2014), occlusion; Li et al. (arXiv 1612.08220, 2016), erasure of words. We differ in the
groups, which bound the cost.
"""

from collections.abc import Generator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.explanation._contribution import Contribution
from textaxa.explanation._explanation import ENDS_HERE, LOG_ODDS, NO_CHOICE
from textaxa.explanation._targets import Target, end_columns
from textaxa.explanation._words import Parts, word_spans
from textaxa.taxonomy import Taxonomy

READINGS = 96
"""Versions of a text that are read: some hundred milliseconds of a small transformer on one core."""

MOST_CHARACTERS = 400_000
"""Characters that are read in all: a text of 20,000 is read 20 times."""

FEWEST = 16
"""Versions that are read even of the longest text."""

AT_ONCE = 32
"""Versions that are asked for together."""

WORTH = 0.25
"""Groups below this share of the strongest one are not parted yet: readings are better spent on what matters."""

TOGETHER = "what words do only together"
"""Single words do not add up: of two that say the same, leaving out one changes nothing."""

_LEAST, _REST = 1e-30, 1e-7
"""Probabilities below the first have no logarithm in float32; differences of them below the second are rounding."""

Proba = NDArray[np.floating]
Group = tuple[int, int]
"""The first of some words that follow each other, and the one after the last."""

Asking = Generator[list[str], Proba, list[Contribution | None]]
"""Yields texts, is sent their node probabilities (B, N), and ends with the contributions."""


class OcclusionExplainer:
    """Explains texts by one model with ``node_proba``."""

    method = "occlusion"

    def __init__(self, model: Any, *, readings: int | None = None) -> None:
        self.model = model
        self._readings = readings

    def read(self, text: str) -> "_OccludedReading":
        """Read a text."""
        return _OccludedReading(self.model, text, self._readings)


class _OccludedReading:
    def __init__(self, model: Any, text: str, readings: int | None) -> None:
        self._model, self._text, self._readings = model, text, readings
        self.proba: Proba = model.node_proba([text])[0]

    def contributions(self, targets: Sequence[Target]) -> list[Contribution | None]:
        """Give what the text's words contribute to each target; None where there is no choice."""
        steps = occlusion(self._model.taxonomy, self._text, self.proba, targets, readings=self._readings)
        answer: Proba | None = None
        while True:
            try:
                asked = next(steps) if answer is None else steps.send(answer)
            except StopIteration as end:
                found: list[Contribution | None] = end.value
                return found
            answer = self._model.node_proba(asked)


def occlusion(
    taxonomy: Taxonomy, text: str, proba: Proba, targets: Sequence[Target], *, readings: int | None = None
) -> Asking:
    """Ask for versions of a text, and give what its words contribute to each target.

    A generator, so that whoever has the model decides how it is asked: at once, or among the requests of others.

    Parameters
    ----------
    taxonomy
        With N nodes.
    text
        The text.
    proba
        Its node probabilities (N,).
    targets
        What is asked; all share the readings.
    readings
        Versions that are asked for at most, at least 2; None: 96, of texts above 4,000 characters fewer.

    Returns
    -------
    A contribution a target, None where there is no choice. ``baseline`` is the score of the text without its words;
    ``elsewhere`` what the words do only together.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Games",), ("Tools",)])
    >>> steps = occlusion(taxonomy, "fun game", np.array([0.9, 0.1]), [Target(("Games",), 0, "runner-up", 1)])
    >>> next(steps)
    ['', ' game', 'fun ']
    >>> try:
    ...     steps.send(np.array([[0.5, 0.5], [0.9, 0.1], [0.6, 0.4]]))
    ... except StopIteration as end:
    ...     end.value[0].parts.value.round(2).tolist()
    [0.0, 1.79]
    """
    readings = readings or min(READINGS, max(FEWEST, MOST_CHARACTERS // max(1, len(text))))
    spans = _told_words(text)
    asked = [target for target in targets if target.kind != NO_CHOICE]
    if not asked:
        return [None] * len(targets)
    score = _scores(taxonomy, asked, proba[None])[0]
    if not spans:
        return _contributions(targets, score, score, [], np.zeros((0, len(asked))))
    groups = _first_groups(len(spans), max(1, (readings - 1) // 2 if len(spans) >= readings else len(spans)))
    answers = []
    versions = [_without(text, spans, (0, len(spans))), *(_without(text, spans, group) for group in groups)]
    for start in range(0, len(versions), AT_ONCE):
        answers.append((yield versions[start : start + AT_ONCE]))
    found = _scores(taxonomy, asked, np.concatenate(answers))
    baseline, weights = found[0], dict(zip(groups, score - found[1:], strict=True))
    left = readings - len(versions)
    while (parted := _next_groups(weights, min(left, AT_ONCE))) is not None:
        for group in parted:
            weights.pop(group)
        small = [part for parts in parted.values() for part in parts]
        answer = yield [_without(text, spans, part) for part in small]
        weights |= dict(zip(small, score - _scores(taxonomy, asked, answer), strict=True))
        left -= len(small)
    places = [(spans[first][0], spans[after - 1][1]) for first, after in weights]
    return _contributions(targets, score, baseline, places, np.array(list(weights.values())))


def _told_words(text: str) -> list[tuple[int, int]]:
    """Give the words that are left out: all but signs, which say little; signs where there is nothing else."""
    spans = word_spans(text)
    return [(a, b) for a, b in spans if any(c.isalnum() for c in text[a:b])] or spans


def _first_groups(words: int, most: int) -> list[Group]:
    edges = np.linspace(0, words, min(words, most) + 1).round().astype(int).tolist()
    return list(pairwise(edges))


def _next_groups(weights: dict[Group, NDArray[np.float64]], most: int) -> dict[Group, list[Group]] | None:
    """Give the groups of several words to be parted next, those that matter most first, and their parts.

    None where every word that matters is alone, or where no two readings are left.
    """
    strength = {group: float(np.abs(weights[group]).max()) for group in weights if group[1] - group[0] > 1}
    least = WORTH * max(strength.values(), default=0.0)
    several = sorted((group for group in strength if strength[group] > least), key=lambda group: -strength[group])
    parted: dict[Group, list[Group]] = {}
    for first, after in several:
        parts = min(after - first, most, 8)
        if parts < 2:
            break
        parted[first, after] = [(first + a, first + b) for a, b in _first_groups(after - first, parts)]
        most -= parts
    return parted or None


def _without(text: str, spans: Sequence[tuple[int, int]], group: Group) -> str:
    """Give the text without the words of a group, signs between them left out, too."""
    first, after = group
    return text[: spans[first][0]] + text[spans[after - 1][1] :] if after - first < len(spans) else ""


def _scores(taxonomy: Taxonomy, targets: Sequence[Target], proba: Proba) -> NDArray[np.float64]:
    """Give the score of every target (B, K) from node probabilities (B, N), in nats."""
    columns = [_score(taxonomy, target, proba.astype(np.float64)) for target in targets]
    return np.stack(columns, axis=1)


def _score(taxonomy: Taxonomy, target: Target, proba: NDArray[np.float64]) -> NDArray[np.float64]:
    own = np.maximum(proba[:, target.node], _LEAST)
    if target.kind == LOG_ODDS or target.against is None:
        other = np.maximum(1 - proba[:, target.node], _REST)
    elif target.kind == ENDS_HERE:
        ends = end_columns(taxonomy, target.against)
        other = np.maximum(proba[:, list(ends)] @ np.array(list(ends.values())), _REST)
    else:
        other = np.maximum(proba[:, target.against], _LEAST)
    scores: NDArray[np.float64] = np.log(own) - np.log(other)
    return scores


def _contributions(
    targets: Sequence[Target],
    score: NDArray[np.float64],
    baseline: NDArray[np.float64],
    places: Sequence[tuple[int, int]],
    weights: NDArray[np.float64],
) -> list[Contribution | None]:
    """Put the weights of groups (G, K) where they belong; K of the targets have a choice."""
    start, end = np.array(places, dtype=np.int64).reshape(-1, 2).T
    found: list[Contribution | None] = []
    column = 0
    for target in targets:
        if target.kind == NO_CHOICE:
            found.append(None)
            continue
        own = weights[:, column]
        rest = float(score[column] - baseline[column] - own.sum())
        parts = Parts(start, end, own)
        found.append(Contribution(float(score[column]), float(baseline[column]), parts, {TOGETHER: rest}))
        column += 1
    return found
