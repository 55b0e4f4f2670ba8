"""What a report is made from: the tested rows, what the model said of them, and what is known of the model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa._sparse import take
from textaxa.evaluation import Evaluation
from textaxa.taxonomy import Path, Taxonomy

SEPARATOR = " › "
"""Between the names of a path on the page. People read it; nothing reads it back."""

NAME_LENGTH = 80
"""Characters of a node's name on the page."""

Words = Sequence[tuple[int, int, float]]
Explain = Callable[[str, Path, Path, int], Words]
"""Gives ``(start, end, weight)`` of a text's words: how they argued for one path against another, at a level."""


@dataclass(frozen=True)
class Material:
    """Rows, answers and facts.

    Attributes
    ----------
    taxonomy
        The model's, with N nodes.
    task
        ``single`` or ``multi``.
    texts, rows
        The tested texts, and where they stand in the table; n of each.
    true, predicted
        The nodes at which the true paths and the answers of every text end; n of each, one or several nodes a text.
    node_proba
        P(the text belongs under node n), shape (n, N).
    evaluation
        The scores of these answers, with intervals.
    references
        By name: the scores of the reference rows.
    name, source, unit
        What the model and the table are called, and what ``rows`` count.
    counts
        Training rows of every terminal (one path a text) or node (several); empty where that is not known.
    facts
        What else is told about the model: by title, values by name.
    uncalibrated
        ``node_proba`` before calibration, shape (n, N); None where the model has none.
    explain
        Tells which words pushed an answer; None where that cannot be told.
    promised
        The node that the model answers every text with when it promises to be right, -1 for none; None where there is
        no promise, and ``promise_refused`` tells why it could not be made.
    total_rows
        Rows of the table; more than n where the report is of a sample.
    """

    taxonomy: Taxonomy
    task: str
    texts: Sequence[str]
    rows: Sequence[int]
    true: Sequence[Sequence[int]]
    predicted: Sequence[Sequence[int]]
    node_proba: NDArray[np.floating]
    evaluation: Evaluation
    references: Mapping[str, Evaluation] = field(default_factory=dict)
    name: str = "the model"
    source: str = "the table"
    unit: str = "row"
    counts: Sequence[int] = ()
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    uncalibrated: NDArray[np.floating] | None = None
    explain: Explain | None = None
    promised: Sequence[int] | None = None
    promise_refused: str = ""
    total_rows: int | None = None

    @property
    def single(self) -> bool:
        """Whether a text has one path."""
        return self.task == "single"

    @cached_property
    def is_right(self) -> NDArray[np.bool_]:
        """Whether the answer of every text is exactly the true one, shape (n,), as in ``path_accuracy``."""
        known: dict[tuple[int, ...], frozenset[int]] = {}

        def closed(ends: Sequence[int]) -> frozenset[int]:
            key = tuple(ends)
            if key not in known:
                known[key] = frozenset(self.taxonomy.ancestors.rows(key).tolist())
            return known[key]

        pairs = zip(self.true, self.predicted, strict=True)
        return np.fromiter((closed(true) == closed(predicted) for true, predicted in pairs), bool, len(self.texts))

    def counted_nodes(self) -> NDArray[np.int64]:
        """Give the nodes that ``counts`` are of."""
        return self.taxonomy.terminals.astype(np.int64) if self.single else np.arange(len(self.taxonomy))

    @cached_property
    def training_rows(self) -> NDArray[np.int64] | None:
        """Training rows under every node, shape (N,); None where they are not known, or are of another taxonomy."""
        nodes = self.counted_nodes()
        if len(nodes) != len(self.counts):
            return None
        counts = np.asarray(self.counts, dtype=np.int64)
        if not self.single:
            return counts
        place, above = take(self.taxonomy.ancestors, nodes)
        return np.bincount(above, counts[place], minlength=len(self.taxonomy)).astype(np.int64)


def sample(n: int, most: int) -> NDArray[np.int64]:
    """Give ``most`` of ``n`` positions, ascending: the same ones every time, all where there are no more.

    >>> sample(3, 5).tolist(), len(sample(5, 3))
    ([0, 1, 2], 3)
    """
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, size=most, replace=False))


def shown(path: Sequence[str]) -> str:
    """Give a path as the page shows it, long names cut.

    >>> shown(("Games", "Sports"))
    'Games › Sports'
    """
    return SEPARATOR.join(cut(name, NAME_LENGTH) for name in path)


def cut(text: str, length: int) -> str:
    """Give at most ``length`` characters, the last one an ellipsis where something is missing.

    >>> cut("a long name", 6), cut("short", 6)
    ('a lon…', 'short')
    """
    return text if len(text) <= length else text[: length - 1] + "…"


def number(value: float | np.floating, digits: int = 4) -> float | None:
    """Give a number for JSON: rounded, and None where there is none.

    >>> number(1 / 3), number(float("nan"))
    (0.3333, None)
    """
    return None if not np.isfinite(value) else round(float(value), digits)


def numbers(values: NDArray[Any] | Sequence[float], digits: int = 4) -> list[float | None]:
    """Give numbers for JSON."""
    return [number(value, digits) for value in np.asarray(values, dtype=np.float64)]
