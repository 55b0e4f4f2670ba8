"""The validation rows as the choice of a method needs them: fit a method on some rows, score it on others.

True nodes and ``node_proba`` come in; `SingleRows` and `SeveralRows` give maps, and log losses of rows.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from textaxa.calibration._choices import Choices, sibling_choices, terminal_choice
from textaxa.calibration._curves import fit_isotonic, fit_venn_abers
from textaxa.calibration._lines import fit_scales, fit_temperature
from textaxa.calibration._maps import Map, changed
from textaxa.calibration._spaces import FLOOR, Float, Int, Ratios, Space, row_blocks
from textaxa.calibration._told import Told, told_by_choices, told_by_ratios
from textaxa.calibration._vector import fit_vector
from textaxa.taxonomy import Taxonomy

Marks = NDArray[np.bool_]


_MOST_OPTIONS = 4_000_000
"""Options of decisions that are held at once, some 50 bytes each while fitting. Of more rows a part is drawn."""

_FEWEST = 500
"""But so many rows are taken in any case."""


class Rows(Protocol):
    """Validation rows, B of them.

    Attributes
    ----------
    fitted
        The rows that methods are fitted on, bool (B,).
    compared
        The rows that methods are compared on, bool (B,).
    """

    fitted: Marks
    compared: Marks

    def fit(self, method: str, rows: Marks, ridge: float) -> Map:
        """Fit a method on the marked rows that are `fitted`, bool (B,)."""

    def losses(self, method: str, change: Map | None, rows: Marks) -> Float:
        """Give the log loss of each row that is marked and `compared` under a map, (B,), and 0 for the others.

        None changes nothing.
        """


class SingleRows:
    """Rows with one path each.

    Parameters
    ----------
    taxonomy
        The taxonomy.
    terminal
        Each row's true terminal as its position in ``taxonomy.terminals``, (B,).
    node_proba
        float (B, N).
    seed
        Which rows are drawn where there are too many.
    """

    def __init__(self, taxonomy: Taxonomy, terminal: Int, node_proba: NDArray[np.floating], seed: int) -> None:
        flat, self._siblings = terminal_choice(taxonomy), sibling_choices(taxonomy)
        order = np.random.default_rng(seed).permutation(len(terminal))
        widest = sum(int(np.bincount(step.decision).max()) for step in self._siblings.steps)
        self.fitted = _drawn(order, widest)
        self.compared = _drawn(order, max(widest, flat.n))
        self._told_flat = _of_rows(flat, terminal, node_proba, self.compared)
        self._told_levels = _of_rows(self._siblings, terminal, node_proba, self.fitted)

    def fit(self, method: str, rows: Marks, ridge: float) -> Map:
        """Fit a method on the marked rows, bool (B,)."""
        return _fitted(method, self._told(method, rows), self._siblings, ridge)

    def losses(self, method: str, change: Map | None, rows: Marks) -> Float:
        """Give -ln P(true terminal) of each row that is marked and compared."""
        total = np.zeros(len(rows))
        for level, told in enumerate(self._told(method, rows & self.compared)):
            scores = told.score if change is None else change.of_level(level, told.score, told.option)
            total += told.losses_by_row(scores, len(rows))
        return total

    def _told(self, method: str, rows: Marks) -> tuple[Told, ...]:
        told = self._told_flat if method == "temperature" else self._told_levels
        return tuple(one.of(rows) for one in told)


class SeveralRows:
    """Rows with any number of paths.

    Parameters
    ----------
    taxonomy
        The taxonomy.
    truth
        The true nodes with their ancestors, bool (B, N).
    node_proba
        float (B, N).
    seed
        Which rows are drawn where there are too many.
    """

    def __init__(self, taxonomy: Taxonomy, truth: Marks, node_proba: NDArray[np.floating], seed: int) -> None:
        self._space, self._truth, self._proba = Ratios(taxonomy), truth, node_proba
        self.fitted = self.compared = _drawn(np.random.default_rng(seed).permutation(len(truth)), len(taxonomy))
        told = told_by_ratios(self._space, truth[self.fitted], node_proba[self.fitted])
        self._told = tuple(_at(one, self.fitted) for one in told)

    def fit(self, method: str, rows: Marks, ridge: float) -> Map:
        """Fit a method on the marked rows, bool (B,)."""
        return _fitted(method, tuple(one.of(rows) for one in self._told), self._space, ridge)

    def losses(self, method: str, change: Map | None, rows: Marks) -> Float:  # noqa: ARG002 - as SingleRows
        """Give the mean binary log loss over the nodes of each row that is marked and compared."""
        marked = np.flatnonzero(rows & self.compared)
        proba, truth, found = self._proba[marked], self._truth[marked], np.zeros(len(rows))
        for block in row_blocks(len(proba), self._space.n):
            part = proba[block]
            if change is not None:
                part = self._space.write(changed(change, self._space.levels, self._space.read(part)))
            right = np.where(truth[block], part, 1 - part.astype(np.float64))
            found[marked[block]] = -np.log(np.clip(right, FLOOR, 1.0)).mean(axis=1)
        return found


def _drawn(order: Int, width: int) -> Marks:
    """Mark the first rows of a random order: as many as can be held with ``width`` options each."""
    marks = np.zeros(len(order), dtype=np.bool_)
    marks[order[: max(_FEWEST, _MOST_OPTIONS // width)]] = True
    return marks


def _of_rows(space: Choices, terminal: Int, node_proba: NDArray[np.floating], marks: Marks) -> tuple[Told, ...]:
    return tuple(_at(one, marks) for one in told_by_choices(space, terminal[marks], node_proba[marks]))


def _at(told: Told, marks: Marks) -> Told:
    """Number the rows of what marked rows tell as they are numbered among all."""
    return replace(told, row=np.flatnonzero(marks).astype(np.int32)[told.row])


def _fitted(method: str, told: Sequence[Told], space: Space, ridge: float) -> Map:
    if method == "vector":
        return fit_vector(told, space, ridge)
    simple: dict[str, Callable[[Sequence[Told]], Map]] = {
        "temperature": fit_temperature,
        "temperature-per-level": fit_scales,
        "isotonic": fit_isotonic,
        "venn-abers": fit_venn_abers,
    }
    return simple[method](told)
