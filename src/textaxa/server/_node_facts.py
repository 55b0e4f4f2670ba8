"""From answers to labelled texts to facts about every node: scores, confusions, examples. Plain values, no service."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from textaxa.evaluation import Confusion, NodeTable, confusions, per_node
from textaxa.taxonomy import Path, Taxonomy

CONFUSIONS = 8
"""Nodes that are told with which a node is confused."""

RIGHT, WRONG = 4, 6
"""Examples of a node: half of them the surest, half the least sure. Wrong ones teach more."""

SHOWN = 300
"""Characters of an example."""


@dataclass(frozen=True)
class Answer:
    """A labelled text and what the model said.

    Attributes
    ----------
    text
        Its first characters.
    true
        Its paths.
    predicted
        The model's paths, most probable first; empty where it gave none.
    probability
        Of the first of these, in [0, 1].
    """

    text: str
    true: tuple[Path, ...]
    predicted: tuple[Path, ...]
    probability: float


class Facts:
    """Facts about the nodes of a taxonomy.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    >>> cards, sports = ("Games", "Cards"), ("Games", "Sports")
    >>> told = Facts(taxonomy, [Answer("Poker", (cards,), (cards,), 0.9), Answer("Dice", (cards,), (sports,), 0.5)])
    >>> found = told.of(taxonomy.index(cards))
    >>> found["n"], found["recall"], found["confusions"], [one["right"] for one in found["examples"]]
    (2, 0.5, [{'id': 2, 'path': ['Games', 'Sports'], 'count': 1}], [True, False])
    """

    def __init__(self, taxonomy: Taxonomy, answers: Sequence[Answer]) -> None:
        true, predicted = [one.true for one in answers], [one.predicted for one in answers]
        self._taxonomy = taxonomy
        self._scores: NodeTable = per_node(taxonomy, true, predicted, intervals=False)
        self._confused: dict[int, list[Confusion]] = defaultdict(list)
        for one in confusions(taxonomy, true, predicted):
            if all(one.predicted != other.predicted for other in self._confused[one.true]):
                self._confused[one.true].append(one)
        self._examples = _examples(taxonomy, answers)

    def of(self, node: int) -> dict[str, Any]:
        """Give the facts about a node, as values for JSON."""
        scores = self._scores
        n, predicted = int(scores.support[node]), int(scores.predicted[node])
        return {
            "n": n,
            "predicted": predicted,
            "precision": float(scores.precision[node]) if predicted else None,
            "recall": float(scores.recall[node]) if n else None,
            "f1": float(scores.f1[node]) if n or predicted else None,
            "confusions": [
                {"id": one.predicted, "path": list(one.predicted_path), "count": one.count}
                for one in self._confused.get(node, [])[:CONFUSIONS]
            ],
            "examples": self._examples.get(node, []),
        }


def _examples(taxonomy: Taxonomy, answers: Sequence[Answer]) -> dict[int, list[dict[str, Any]]]:
    """Give examples by node: right and wrong ones, the surest and the least sure of each."""
    right: dict[int, list[int]] = defaultdict(list)
    wrong: dict[int, list[int]] = defaultdict(list)
    surest_first = sorted(range(len(answers)), key=lambda row: -answers[row].probability)
    for row in surest_first:
        put_under = _above(taxonomy, answers[row].predicted)
        for node in _above(taxonomy, answers[row].true):
            (right if node in put_under else wrong)[node].append(row)
    return {
        node: [_shown(answers[row], right=True) for row in _ends(right[node], RIGHT)]
        + [_shown(answers[row], right=False) for row in _ends(wrong[node], WRONG)]
        for node in right.keys() | wrong.keys()
    }


def _above(taxonomy: Taxonomy, paths: Sequence[Path]) -> set[int]:
    nodes = [node for path in paths if (node := taxonomy.find(path)) is not None]
    return {int(above) for node in nodes for above in np.asarray(taxonomy.ancestors.row(node))}


def _ends(rows: list[int], count: int) -> list[int]:
    """Give the first and the last of a list."""
    return rows if len(rows) <= count else rows[: count // 2] + rows[-(count // 2) :]


def _shown(answer: Answer, *, right: bool) -> dict[str, Any]:
    path = list(answer.predicted[0]) if answer.predicted else []
    return {"text": answer.text[:SHOWN], "path": path, "probability": answer.probability, "right": right}
