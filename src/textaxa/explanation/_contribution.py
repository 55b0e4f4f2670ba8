"""What the explainers give back: contributions of parts of a text to one score."""

from typing import NamedTuple

from textaxa.explanation._words import Parts


class Contribution(NamedTuple):
    """What parts of a text contribute to one target: see `textaxa.explanation.LevelExplanation`."""

    score: float
    baseline: float
    parts: Parts
    elsewhere: dict[str, float]
