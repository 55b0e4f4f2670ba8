"""What a model answers, as values of the columns that `predict` adds; and answers of texts seen before, remembered.

Texts come in, a tuple of values a text goes out, in the order of `ResultRows.added`. The common case (one path a text,
the most probable, no promise) goes through arrays: a node's path is rendered once, however often it is the answer.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from textaxa.answers._result_rows import DIGITS, ResultRows
from textaxa.answers._searched import check_scores_all, searches
from textaxa.decisions import Choice, Decider, evidence_of
from textaxa.decoding._paths import top_nodes
from textaxa.decoding._prediction import PredictionMaker
from textaxa.decoding._proba import check_node_proba
from textaxa.guarantee import Promise, prediction_sets, set_cut
from textaxa.taxonomy import Path as LabelPath
from textaxa.taxonomy import Taxonomy

Cells = tuple[Any, ...]
"""The values of the added columns for one text."""

REMEMBERED_CHARACTERS = 16_000_000
"""So many characters of texts are remembered with their answers, up to twice as many for a while: tables of products or
tickets hold the same short text thousands of times. About 100 MB where texts are short."""

_PER_TEXT = 200
"""What an answer counts for itself, in characters."""


class Answers:
    """A model's answers, in the way that was chosen.

    Parameters
    ----------
    model
        Anything with ``node_proba``, or with ``searches = True`` and ``decider``.
    choice, set_coverage
        As in `textaxa.predict`.
    rows
        Makes values of predictions.

    Attributes
    ----------
    promise : Promise, or None
        What is promised about the answers.

    Raises
    ------
    ConfigError
        The choice contradicts itself or the model.
    DataError
        A promise cannot be kept.
    """

    def __init__(self, model: Any, choice: Choice, set_coverage: float | None, rows: ResultRows) -> None:
        self.model, self.rows = model, rows
        self.promise: Promise | None = None
        self._searches = searches(model)
        if self._searches:
            for flag, asked in (("--set-coverage", set_coverage), ("--costs", choice.costs)):
                if asked is not None:
                    check_scores_all(model, flag, "Leave it out, or train a model with another head.")
            self._decide_texts = model.decider(choice)
            self.promise = self._decide_texts.promise
            return
        self._decide = Decider(model, choice)
        self.promise = self._decide.promise
        self._cut = None if set_coverage is None else set_cut(evidence_of(model), set_coverage)
        plain = (choice.decoder or "most-probable") == "most-probable" and self.promise is None
        fast = plain and choice.outside is None and set_coverage is None and model.task == "single"
        self._best = MostProbable(model.taxonomy, rows) if fast else None

    def __call__(self, texts: Sequence[str]) -> list[Cells]:
        """Give the values of each text."""
        if not texts:
            return []
        if self._searches:
            return [self.rows.cells(found) for found in self._decide_texts(texts)]
        return self.of(self.model.node_proba(texts))

    def of(self, proba: np.ndarray) -> list[Cells]:
        """Give the values for node probabilities (B, N); not of a model that searches."""
        return self.decided(proba) if self._best is None else self._best(proba)

    def decided(self, proba: np.ndarray) -> list[Cells]:
        """Give the values for node probabilities (B, N), by way of predictions."""
        found = self._decide(proba)
        return [self.rows.cells(*pair) for pair in zip(found, self._sets(proba), strict=True)]

    def _sets(self, proba: np.ndarray) -> Iterable[list[LabelPath]]:
        if self._cut is None:
            return [[] for _ in proba]
        taxonomy = self.model.taxonomy
        found = prediction_sets(taxonomy, proba, self._cut, task=self.model.task)
        return [[taxonomy.path(node) for node in row] for row in found]


class MostProbable:
    """The most probable paths as values, without an object a text.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    >>> rows = ResultRows((), several=False, top=1, nested=False, separator=" > ", paths_separator=";")
    >>> MostProbable(taxonomy, rows)(np.array([[0.75, 0.25, 0.5, 0.25]]))
    [('Games > Sports', 0.5, 2, 'leaf')]
    """

    def __init__(self, taxonomy: Taxonomy, rows: ResultRows) -> None:
        self.taxonomy, self.rows = taxonomy, rows
        self._maker = PredictionMaker(taxonomy)
        self._known: dict[int, tuple[str, int, str]] = {}

    def __call__(self, node_proba: np.ndarray) -> list[Cells]:
        """Give the values of each text for node probabilities (B, N)."""
        proba = check_node_proba(self.taxonomy, node_proba)
        nodes, _ = top_nodes(self.taxonomy, proba, self.rows.top)
        for node in np.unique(nodes).tolist():
            if node not in self._known:
                found = self._maker.make(node, proba[0])
                self._known[node] = self.rows.separator.join(found.path), found.depth, found.stopped
        probable = np.take_along_axis(proba, nodes, axis=1).tolist()
        cells = [self._cells(*found) for found in zip(nodes.tolist(), probable, strict=True)]
        if not self.rows.nested:
            return cells
        return [(*one, self._nested(*found)) for one, *found in zip(cells, nodes.tolist(), proba, strict=True)]

    def _cells(self, nodes: list[int], probable: list[float]) -> Cells:
        path, depth, stopped = self._known[nodes[0]]
        first = (path, round(probable[0], DIGITS), depth, stopped)
        if len(nodes) == 1:
            return first
        further = zip(nodes[1:], probable[1:], strict=True)
        return (*first, *(value for node, p in further for value in (self._known[node][0], round(p, DIGITS))))

    def _nested(self, nodes: list[int], row: np.ndarray) -> list[dict[str, Any]]:
        return self.rows.listed([self._maker.make(node, row) for node in nodes])


class Remembered:
    """Answers by text, of the last so many characters of texts.

    Two halves: what is looked up is taken over into the younger one, and when that is full, the older one goes.

    Examples
    --------
    >>> known = Remembered(characters=1000)
    >>> known.learn(["chess"], [("Games",)])
    >>> known.look_up(["chess", "go"])
    {'chess': ('Games',), 'go': None}
    """

    def __init__(self, characters: int = REMEMBERED_CHARACTERS) -> None:
        self._limit, self._size = characters, 0
        self._young: dict[str, Cells] = {}
        self._old: dict[str, Cells] = {}

    def look_up(self, texts: Iterable[str]) -> dict[str, Cells | None]:
        """Give the answer of each text, or None; each text once, in order."""
        young = self._young.get
        found = {text: young(text) for text in texts}
        if self._old:
            again = {text: self._old[text] for text, cells in found.items() if cells is None and text in self._old}
            found.update(again)
            self.learn(list(again), list(again.values()))
        return found

    def learn(self, texts: Sequence[str], answers: Sequence[Cells]) -> None:
        """Remember the answers of texts."""
        self._size += sum(map(len, texts)) + _PER_TEXT * len(texts)
        if self._size > self._limit:
            self._old, self._young, self._size = self._young, {}, 0
        self._young.update(zip(texts, answers, strict=True))
