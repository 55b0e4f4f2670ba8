"""Probabilities of terminals taken apart into decisions, level by level, and each level set to its own temperature.

In come terminal probabilities (B, T) of models that have not seen the rows; out go log-probabilities on the same
terminals, calibrated on the given labels. A network is often too sure on one level and not on another; compared across
levels, only calibrated numbers mean the same.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textaxa.taxonomy import Taxonomy

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FLOOR = 1e-30
"""Added to every probability, so that zero has a logarithm. Far below what networks give: that one row's label has a
probability of 1e-9 and another's of 1e-15 still says which is the more suspicious."""

_TEMPERATURES = np.geomspace(0.25, 8.0, 36)
"""Tried for every level; neighbours differ by a tenth, less than what a thousand rows can tell apart."""

_FITTED_ON = 4_000_000
"""Rows times terminals from which a temperature is read: seconds. Of more rows an even sample."""


@dataclass(frozen=True)
class Level:
    """The decisions of one level, over terminals in the order of `Decisions.order`.

    Attributes
    ----------
    start
        Where each option's terminals start, ``int64 (G,)``.
    option
        The option of each terminal, ``int64 (T,)``.
    above
        The option of the level above that each option belongs to, ``int64 (G,)``.
    siblings
        How many options there are to choose from, for each option, ``int64 (G,)``.
    """

    start: Ints
    option: Ints
    above: Ints
    siblings: Ints


class Decisions:
    """The choices on the way to a terminal: at the root and at every inner node, "ends here" is one where allowed.

    In a DAG the canonical way.

    Attributes
    ----------
    order
        Terminals (their columns) such that those of every option lie side by side, ``int64 (T,)``.
    place
        Where each terminal stands in that order, ``int64 (T,)``.
    levels
        From the top down; the options of the last one are the terminals.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        options = _options(taxonomy)
        self.order: Ints = np.lexsort(options[::-1]).astype(np.int64)
        self.place: Ints = np.argsort(self.order)
        self.levels: list[Level] = []
        above = np.zeros(len(self.order), dtype=np.int64)
        for ids in options[:, self.order]:
            new = np.r_[True, ids[1:] != ids[:-1]]
            option, start = np.cumsum(new) - 1, np.flatnonzero(new)
            self.levels.append(Level(start, option, above[start], np.bincount(above[start])[above[start]]))
            above = option

    def log_conditionals(self, proba: Floats, level: int) -> Floats:
        """Give log P(option | the option above it), (B, G), for terminal probabilities (B, T) in `order`."""
        here = self.levels[level]
        mass = np.log(np.add.reduceat(proba, here.start, axis=1) + FLOOR)
        if level == 0:
            total: Floats = np.log(proba.sum(axis=1, keepdims=True) + FLOOR)
            return mass - total
        above = np.add.reduceat(proba, self.levels[level - 1].start, axis=1)
        return mass - np.log(above[:, here.above] + FLOOR)

    def tempered(self, conditionals: Floats, level: int, temperature: float) -> Floats:
        """Set log-conditionals (B, G) to a temperature; those of one choice sum to 1 again."""
        here = self.levels[level]
        scaled = conditionals / temperature
        starts = np.flatnonzero(np.r_[True, here.above[1:] != here.above[:-1]])
        choice = np.cumsum(np.r_[False, here.above[1:] != here.above[:-1]])
        largest = np.maximum.reduceat(scaled, starts, axis=1)[:, choice]
        total = np.add.reduceat(np.exp(scaled - largest), starts, axis=1)[:, choice]
        found: Floats = scaled - largest - np.log(total)
        return found

    def calibrated(self, proba: Floats, temperatures: list[float]) -> Floats:
        """Give log P(terminal), (B, T) in `order`, with every level at its temperature."""
        logs = np.zeros_like(proba)
        for number, (level, temperature) in enumerate(zip(self.levels, temperatures, strict=True)):
            logs += self.tempered(self.log_conditionals(proba, number), number, temperature)[:, level.option]
        return logs

    def temperatures(self, proba: Floats, given: Ints) -> list[float]:
        """Give the temperature of every level at which the given terminals (B,) are most probable (log loss).

        ``proba`` (B, T) and ``given`` are in `order`; 1 where a level decides nothing.
        """
        return [self._temperature(proba, given, level) for level in range(len(self.levels))]

    @staticmethod
    def sample(proba: NDArray[np.floating]) -> slice:
        """Give the rows of (B, T) from which temperatures are read."""
        return slice(None, None, max(1, -(-proba.size // _FITTED_ON)))

    def _temperature(self, proba: Floats, given: Ints, level: int) -> float:
        here = self.levels[level]
        option = here.option[given]
        rows = np.flatnonzero(here.siblings[option] > 1)
        if not len(rows):
            return 1.0
        conditionals = self.log_conditionals(proba[rows], level)
        at = np.arange(len(rows)), option[rows]
        losses = [-self.tempered(conditionals, level, t)[at].mean() for t in _TEMPERATURES]
        return float(_TEMPERATURES[int(np.argmin(losses))])


def _options(taxonomy: Taxonomy) -> NDArray[np.int64]:
    """Give the option that each terminal takes on every level, ``int64 (L, T)``.

    A terminal that ends above a level has an option of its own there.
    """
    found = np.empty((taxonomy.n_levels, len(taxonomy.terminals)), dtype=np.int64)
    node = taxonomy.terminals.astype(np.int64)
    for level in range(taxonomy.n_levels, 0, -1):
        at = taxonomy.depth[node]
        found[level - 1] = np.where(at < level, len(taxonomy) + node, node)
        node = np.where(at == level, taxonomy.parent[node], node)
    return found
