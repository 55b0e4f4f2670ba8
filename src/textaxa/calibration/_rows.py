"""The validation rows as the choice of a method needs them: fit a method on some rows, score it on others.

True nodes and ``node_proba`` come in; `SingleRows` and `SeveralRows` give maps, and log losses of rows.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from textaxa.calibration._choices import sibling_choices, terminal_choice
from textaxa.calibration._curves import fit_isotonic, fit_venn_abers
from textaxa.calibration._lines import fit_scales, fit_temperature, fit_vector
from textaxa.calibration._maps import Map, changed
from textaxa.calibration._spaces import FLOOR, Float, Int, Ratios, Space, row_blocks
from textaxa.calibration._told import Told, told_by_choices, told_by_ratios
from textaxa.taxonomy import Taxonomy

Marks = NDArray[np.bool_]


class Rows(Protocol):
    """Validation rows, B of them."""

    def fit(self, method: str, rows: Marks, ridge: float) -> Map:
        """Fit a method on the marked rows, bool (B,)."""

    def losses(self, method: str, change: Map | None, rows: Marks) -> Float:
        """Give the log loss of each marked row under a map, in order; None changes nothing."""


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
    """

    def __init__(self, taxonomy: Taxonomy, terminal: Int, node_proba: NDArray[np.floating]) -> None:
        self._flat, self._siblings = terminal_choice(taxonomy), sibling_choices(taxonomy)
        self._told_flat = told_by_choices(self._flat, terminal, node_proba)
        self._told_levels = told_by_choices(self._siblings, terminal, node_proba)

    def fit(self, method: str, rows: Marks, ridge: float) -> Map:
        """Fit a method on the marked rows, bool (B,)."""
        return _fitted(method, self._told(method, rows), self._siblings, ridge)

    def losses(self, method: str, change: Map | None, rows: Marks) -> Float:
        """Give -ln P(true terminal) of each marked row."""
        total = np.zeros(len(rows))
        for level, told in enumerate(self._told(method, rows)):
            scores = told.score if change is None else change.of_level(level, told.score, told.option)
            total += told.losses_by_row(scores, len(rows))
        return total[rows]

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
    """

    def __init__(self, taxonomy: Taxonomy, truth: Marks, node_proba: NDArray[np.floating]) -> None:
        self._space, self._truth, self._proba = Ratios(taxonomy), truth, node_proba
        self._told = told_by_ratios(self._space, truth, node_proba)

    def fit(self, method: str, rows: Marks, ridge: float) -> Map:
        """Fit a method on the marked rows, bool (B,)."""
        return _fitted(method, tuple(one.of(rows) for one in self._told), self._space, ridge)

    def losses(self, method: str, change: Map | None, rows: Marks) -> Float:  # noqa: ARG002 - as SingleRows
        """Give the mean binary log loss over the nodes of each marked row."""
        proba, truth = self._proba[rows], self._truth[rows]
        found = np.empty(len(proba))
        for block in row_blocks(len(proba), self._space.n):
            part = proba[block]
            if change is not None:
                part = self._space.write(changed(change, self._space.levels, self._space.read(part)))
            right = np.where(truth[block], part, 1 - part.astype(np.float64))
            found[block] = -np.log(np.clip(right, FLOOR, 1.0)).mean(axis=1)
        return found


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
