"""The numbers of the first two sections: what share of the texts needs no person at which accuracy."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.evaluation import CoverageAt, CoverageCurve, coverage_at, coverage_curve
from textaxa.evaluation._along import AlongPaths, along_paths, true_sets
from textaxa.evaluation._coverage import climbing_curve
from textaxa.evaluation._wilson import wilson
from textaxa.guarantee import HANDICAPS, order_of
from textaxa.report._material import Material, number

HEADLINE = 0.95
"""The accuracy that the first sentence is about."""

TABLE = (0.8, 0.9, 0.95, 0.99)
"""Accuracies of the table, which says without a script what the slider shows."""

STEP = 0.005
LOWEST = 0.5
"""The slider goes from here, or from the accuracy of all answers where that is higher."""

NEAR_ONE = 0.99
"""From here on a threshold is told with two decimals, in percent."""

RESAMPLED_TEXTS = 2_000_000
FEWEST, MOST = 40, 400
"""Resamples for an interval: as many as have two million texts together, a second or two, within these bounds."""

_QUANTILES = (0.025, 0.975)

_NAMES_OF_ONE_LEVEL = 2

FOUND = "of the true categories are found"


def coverage(material: Material, *, seed: int = 0) -> dict[str, Any]:
    """Give the shares at every accuracy that the slider can ask for.

    Returns
    -------
    ``charts`` holds what the slider needs: ``targets`` (K,), ``names`` (S,) and ``shares`` (S, K) with what is left to
    a person last, ``shown`` the same in whole percent, ``sentences`` and ``notes`` (K,). ``headline`` is the row of the
    table for 95 % with intervals (S, 2), ``table`` the rows of a few accuracies.
    """
    told = _single(material, seed) if material.single else _several(material)
    curve, targets = told.curve, _targets(told.curve)
    rows = [told.row(target) for target in targets]
    headline = told.row(HEADLINE)
    return {
        "n": curve.n,
        "names": told.names,
        "headline": headline | {"intervals": told.intervals},
        "table": [told.row(target) for target in TABLE],
        "best_accuracy": number(float(curve.accuracy.max(initial=0.0))),
        "charts": {
            "targets": targets,
            "names": told.names,
            "shares": [list(column) for column in zip(*(row["shares"] for row in rows), strict=True)],
            "shown": [list(column) for column in zip(*(row["shown"] for row in rows), strict=True)],
            "notes": [row["note"] for row in rows],
            "sentences": [row["sentence"] for row in rows],
            "start": int(np.argmin(np.abs(np.asarray(targets) - HEADLINE))),
        },
    }


@dataclass(frozen=True)
class _Told:
    """A curve, and how its shares are named and read off.

    Attributes
    ----------
    curve
        From `coverage_curve`.
    names
        S names, what is left to a person last.
    shares_at
        Gives the S shares at a threshold; None stands for no answer at all.
    intervals
        Of the shares at the headline's accuracy; None where they are not told.
    """

    curve: CoverageCurve
    names: list[str]
    shares_at: Callable[[float | None], list[float]]
    intervals: list[list[float | None]] | None

    def row(self, wanted: float) -> dict[str, Any]:
        at = coverage_at(self.curve, wanted)
        shares = self.shares_at(at.threshold)
        return {
            "wanted": wanted,
            "threshold": None if at.threshold is None else number(at.threshold),
            "accuracy": None if at.accuracy is None else number(at.accuracy),
            "answered": round(at.coverage * self.curve.n),
            "shares": [number(share) for share in shares],
            "shown": whole_percents(shares),
            "sentence": self._sentence(wanted, shares, reached=at.threshold is not None),
            "note": self._note(at),
        }

    def _sentence(self, wanted: float, shares: Sequence[float], *, reached: bool) -> str:
        """Say what an accuracy costs, in one sentence."""
        if not reached:
            best = percent(float(self.curve.accuracy.max(initial=0.0)))
            few = "is not reached on these texts, however few are answered"
            return f"{percent(wanted)} accuracy {few}; the most is {best}."
        (first, share), *others = zip(self.names, whole_percents(shares), strict=True)
        subject = "" if first == FOUND else "of texts "
        told = [f"{part}\u00a0% {name}" for name, part in others if part]
        return "; ".join([f"At {percent(wanted)} accuracy {share}\u00a0% {subject}{first}", *told]) + "."

    def _note(self, at: CoverageAt) -> str:
        """Say what the sentence rests on."""
        if at.threshold is None or at.accuracy is None:
            return ""
        answered = round(at.coverage * self.curve.n)
        told = f"{percent(at.accuracy, 1)} of what they name is right"
        if self.curve.task == "single":
            low, high = (percent(float(end[0]), 1) for end in wilson([at.accuracy * answered], [answered]))
            told = f"{percent(at.accuracy, 1)} of these answers are right as far as they go"
            told += f" (95\u00a0% interval {low} to {high})"
        sure = percent(at.threshold, 1 if at.threshold < NEAR_ONE else 2)
        if self.curve.task == "single" and len(self.names) > _NAMES_OF_ONE_LEVEL:
            sure = f"The model has to be at least {sure} sure, and more so where it stops above the end."
        else:
            sure = f"The model has to be at least {sure} sure."
        return f"{answered:,} of {self.curve.n:,} texts get an answer, and {told}. {sure}"


def percent(share: float, digits: int | None = None) -> str:
    """Give a share in percent; with a decimal where ``digits`` says so or it is a half; the space does not break.

    >>> percent(0.71), percent(0.995), percent(0.8849, 1)
    ('71\\xa0%', '99.5\\xa0%', '88.5\\xa0%')
    """
    return f"{100 * share:.{digits}f}\u00a0%" if digits is not None else f"{round(100 * share, 1):g}\u00a0%"


def whole_percents(shares: Sequence[float]) -> list[int]:
    """Give shares that sum to 1 as whole percents that sum to 100: those with the largest rest are rounded up.

    >>> whole_percents([0.2727, 0.0626, 0.6647])
    [27, 6, 67]
    """
    exact = 100 * np.asarray(shares)
    floor = np.floor(exact + 1e-9)
    up = np.argsort(floor - exact, kind="stable")[: round(100 - floor.sum())]
    floor[up] += 1
    return [int(value) for value in floor]


def names_of_levels(n_levels: int) -> list[str]:
    """Name the shares of texts, from those that need no person to those that are left to one.

    >>> names_of_levels(1)
    ['need no person', 'are left to a person']
    >>> names_of_levels(3)
    ['need no person', 'need only the last level', 'need the last 2 levels', 'are left to a person']
    """
    between = ["need only the last level", *(f"need the last {missing} levels" for missing in range(2, n_levels))]
    return ["need no person", *between[: n_levels - 1], "are left to a person"]


def _single(material: Material, seed: int) -> _Told:
    taxonomy = material.taxonomy
    along = _deepest_first(along_paths(taxonomy, true_sets(taxonomy, material.true), material.node_proba, "single"))
    return _Told(
        curve=climbing_curve(along),
        names=names_of_levels(taxonomy.n_levels),
        shares_at=lambda threshold: _climbed(along, threshold),
        intervals=_intervals(along, seed),
    )


def _deepest_first(along: AlongPaths) -> AlongPaths:
    """Order the nodes of a path as ``predict --accuracy`` does, so that the page and the answers agree."""
    proba = along.probability
    levels_below = (~np.isnan(proba)).sum(axis=1, keepdims=True) - 1 - np.arange(proba.shape[1])
    return replace(along, probability=order_of(proba, levels_below, HANDICAPS[0]))


def _several(material: Material) -> _Told:
    curve = coverage_curve(material.taxonomy, material.true, material.node_proba, task="multi")

    def shares_at(threshold: float | None) -> list[float]:
        if threshold is None or curve.recall is None:
            return [0.0, 1.0]
        found = float(curve.recall[np.flatnonzero(curve.threshold == threshold)[-1]])
        return [found, 1 - found]

    return _Told(curve, [FOUND, "are left to a person"], shares_at, None)


def _climbed(along: AlongPaths, threshold: float | None) -> list[float]:
    """Give the shares of texts by levels missing under the climbing rule, and of those without an answer, last."""
    n, n_levels = along.probability.shape
    if threshold is None:
        return [0.0] * n_levels + [1.0]
    # A node counts as probable as any below it on its path, as in `climbing_curve`.
    passed = np.fliplr(np.maximum.accumulate(np.fliplr(np.nan_to_num(along.probability) >= threshold), axis=1))
    answered = passed.sum(axis=1)
    missing = (~np.isnan(along.probability)).sum(axis=1) - answered
    counts = np.bincount(missing[answered > 0], minlength=n_levels)
    return [*(counts / n).tolist(), float((answered == 0).mean())]


def _targets(curve: CoverageCurve) -> list[float]:
    """Give the accuracies that the slider can ask for: below that of all answers there is nothing to choose."""
    lowest = float(curve.accuracy[-1]) if len(curve.accuracy) else LOWEST
    first = min(max(LOWEST, np.floor(20 * lowest) / 20), 0.9)
    return [round(float(value), 3) for value in np.arange(first, 1 + STEP / 2, STEP)]


def _intervals(along: AlongPaths, seed: int) -> list[list[float | None]]:
    """Give the 95 % interval of each share of the headline.

    That of the bootstrap, where the threshold is chosen anew each time, made wider where Wilson's at the chosen
    threshold is: a bootstrap of ten texts that are all right knows nothing of wrong ones.
    """
    n = len(along.path_right)
    generator = np.random.default_rng(seed)
    drawn = []
    for _ in range(int(np.clip(RESAMPLED_TEXTS // n, FEWEST, MOST))):
        sample = _taken(along, generator.integers(0, n, n))
        drawn.append(_climbed(sample, coverage_at(climbing_curve(sample), HEADLINE).threshold))
    low, high = np.quantile(drawn, _QUANTILES, axis=0)
    shares = np.asarray(_climbed(along, coverage_at(climbing_curve(along), HEADLINE).threshold))
    least, most = wilson(n * shares, np.full(len(shares), n))
    return [[number(a), number(b)] for a, b in zip(np.minimum(low, least), np.maximum(high, most), strict=True)]


def _taken(along: AlongPaths, rows: NDArray[np.int64]) -> AlongPaths:
    names = ("probability", "right", "path_probability", "path_right", "brier", "log_loss")
    return AlongPaths(task=along.task, **{name: getattr(along, name)[rows] for name in names})
