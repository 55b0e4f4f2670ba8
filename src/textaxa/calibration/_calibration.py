"""The fitted `Calibration`: called on ``node_proba``, written as JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa.calibration._choices import Choices, sibling_choices, terminal_choice
from textaxa.calibration._maps import Bent, Lines, Map, changed
from textaxa.calibration._spaces import Ratios, row_blocks
from textaxa.decoding._proba import check_node_proba
from textaxa.taxonomy import Taxonomy

METHODS = ("none", "temperature", "temperature-per-level", "vector", "isotonic", "venn-abers")
"""All ways to calibrate, the more flexible ones later."""

SINGLE, MULTI = "single", "multi"
FORMAT, VERSION = "textaxa-calibration", 1


@dataclass(frozen=True, eq=False)
class Calibration:
    """Turns ``node_proba`` into calibrated ``node_proba``; made by `fit_calibration` or `calibration_from_dict`.

    Attributes
    ----------
    taxonomy, task
        What the probabilities are of; the task is ``single`` or ``multi``.
    method
        One of `METHODS`.
    map
        What is done to every score; None for ``none``.
    scores
        Cross-validated log loss in nats by method: ``none`` is the loss before, ``method`` the loss after. Single-path:
        the mean of -ln P(true terminal). Several paths: the mean binary log loss over texts and nodes. Empty where
        there were too few rows to cross-validate.
    rows
        On how many rows it was fitted.
    """

    taxonomy: Taxonomy
    task: str
    method: str = "none"
    map: Map | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    rows: int = 0

    def __call__(self, node_proba: ArrayLike) -> NDArray[np.float32]:
        """Give calibrated, coherent ``node_proba`` (B, N); a row's numbers do not depend on the other rows.

        Raises
        ------
        DataError
            ``node_proba`` has another shape than (B, N), or values that are not finite.
        """
        proba = check_node_proba(self.taxonomy, node_proba)
        if self.map is None:
            return proba.astype(np.float32)
        calibrated = np.empty(proba.shape, dtype=np.float32)
        for rows in row_blocks(len(proba), self.space.n):
            calibrated[rows] = self._rows(self.map, proba[rows])
        return calibrated

    def _rows(self, change: Map, proba: NDArray[np.floating]) -> NDArray[np.float32]:
        scores = changed(change, self.space.levels, self.space.read(proba))
        if isinstance(self.space, Choices) and self.method == "temperature":
            return self.space.write_keeping_the_best(scores, proba)
        return self.space.write(scores)

    @cached_property
    def space(self) -> Choices | Ratios:
        """Where the map acts."""
        return space_of(self.taxonomy, self.task, self.method)

    def to_dict(self) -> dict[str, Any]:
        """Give values that JSON can hold and `calibration_from_dict` reads back to the same numbers."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "task": self.task,
            "method": self.method,
            "rows": self.rows,
            "scores": dict(self.scores),
            **_stored(self.map),
        }


def space_of(taxonomy: Taxonomy, task: str, method: str) -> Choices | Ratios:
    """Give the space that a method acts in."""
    if task == MULTI:
        return Ratios(taxonomy)
    return terminal_choice(taxonomy) if method == "temperature" else sibling_choices(taxonomy)


def _stored(change: Map | None) -> dict[str, Any]:
    if change is None:
        return {}
    if isinstance(change, Lines):
        floor = {} if change.floor is None else {"floor": change.floor.tolist()}
        return {"scale": change.scale.tolist(), **floor}
    shift = {"shift": change.shift.tolist()} if isinstance(change, Bent) else {}
    return {"curves": [{"x": curve.x.tolist(), "y": curve.y.tolist()} for curve in change.curves], **shift}
