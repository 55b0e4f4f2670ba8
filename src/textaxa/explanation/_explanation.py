"""What an explanation holds: plain values, offsets into the text, nothing of the model."""

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from textaxa.taxonomy import Path

RUNNER_UP = "runner-up"
NAMED = "named"
ENDS_HERE = "ends here"
LOG_ODDS = "log-odds"
NO_CHOICE = "no choice"


class Word(NamedTuple):
    """A word of the text and what it added to the score, in nats: ``text[start:end]``."""

    start: int
    end: int
    weight: float


@dataclass(frozen=True)
class LevelExplanation:
    """What the words said for one node of the path.

    The contributions add up: ``score = baseline + sum of the words + sum of elsewhere + error``.

    Attributes
    ----------
    path
        Names from the top level down to the node.
    probability
        P(the text belongs under the node), in [0, 1], as ``predict`` tells it.
    kind
        What the node is measured against. ``runner-up``: its most probable sibling; ``named``: the node that was asked
        for; ``ends here``: that the path ends at ``against``, the node above; ``log-odds``: against not being true
        (several paths); ``no choice``: nothing else was possible, so no word decided anything.
    against
        Path of that other node; None with ``log-odds`` and ``no choice``.
    against_probability
        Its probability; with ``ends here`` that the path ends there. None where ``against`` is.
    score
        ln P(node) - ln P(against), or ln of the node's odds, in nats; before `textaxa.calibration`.
    baseline
        The score of the text without its words.
    words
        Every word of the text, in its order.
    elsewhere
        Contributions that belong to no word, by what they come from.
    error
        What is missing of the score: the inexactness of integration.
    """

    path: Path
    probability: float
    kind: str
    against: Path | None = None
    against_probability: float | None = None
    score: float = 0.0
    baseline: float = 0.0
    words: tuple[Word, ...] = ()
    elsewhere: dict[str, float] = field(default_factory=dict)
    error: float = 0.0

    @property
    def name(self) -> str:
        """The node's own name."""
        return self.path[-1]

    def strongest(self, count: int | None = None) -> tuple[Word, ...]:
        """Give the words of the largest contribution, for or against, largest first; those without any left out."""
        told = sorted((word for word in self.words if word.weight), key=lambda word: -abs(word.weight))
        return tuple(told[:count])


@dataclass(frozen=True)
class Explanation:
    """Which words argued for a text's path.

    Attributes
    ----------
    text
        The text.
    paths
        The paths that are explained: one, or with several paths a text all of them.
    levels
        Their nodes from the top level down, path after path; a node that paths share comes once.
    method
        ``contributions of n-grams`` (linear models), ``integrated gradients`` (networks) or ``occlusion`` (any).
    """

    text: str
    paths: tuple[Path, ...]
    levels: tuple[LevelExplanation, ...]
    method: str

    def to_dict(self) -> dict[str, Any]:
        """Give values that JSON can hold; words without any contribution are left out.

        Examples
        --------
        >>> level = LevelExplanation(("Games",), 0.9, "runner-up", words=(Word(0, 4, 1.5), Word(5, 8, 0.0)))
        >>> Explanation("Play now", (("Games",),), (level,), "").to_dict()["levels"][0]["words"]
        [{'start': 0, 'end': 4, 'word': 'Play', 'weight': 1.5}]
        """
        return {
            "text": self.text,
            "method": self.method,
            "paths": [list(path) for path in self.paths],
            "levels": [self._level(level) for level in self.levels],
        }

    def _level(self, level: LevelExplanation) -> dict[str, Any]:
        words = [
            {"start": word.start, "end": word.end, "word": self.text[word.start : word.end], "weight": word.weight}
            for word in level.words
            if word.weight
        ]
        return {"name": level.name, **asdict(level), "words": words}
