"""Temperatures of the softmax among siblings: fitted on validation texts along their true paths, built into the rows.

Sharper or flatter choices at a level change every probability below it and need no node that a search did not meet,
which other calibrations would. Once built into the rows a temperature costs nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.errors import ConfigError, DataError, ModelFileError
from textaxa.wide._head import WideHead
from textaxa.wide._paths import Steps, steps
from textaxa.wide._rows import BLOCK, Float32, Int64, Rows

Floats = NDArray[np.float64]
METHODS = ("none", "temperature", "temperature-per-level")
"""Ways to calibrate, the more flexible ones later."""

_OPTIONS = 4_000_000
"""Options of validation texts that are looked at, some hundred times; of more texts an even sample is taken."""
_FOLDS = 5
_FEWEST = 20
"""With fewer rows nothing is compared, and nothing is changed unless a method is asked for."""
_RANGE = 3.0
"""A logit is multiplied by e^-3 (0.05) to e^3 (20)."""
_PULL = 1.0
"""How much a temperature other than 1 costs, in nats times squared log: where every text of a few is right, its loss
alone would make all probabilities 1."""
_ROUNDS = 30
_GOLDEN = (5**0.5 - 1) / 2


@dataclass(frozen=True)
class WideCalibration:
    """How the choices at every level were sharpened.

    Attributes
    ----------
    method
        One of `METHODS`.
    sharpness
        What logits were multiplied by, 1 / temperature, from the top level down; where labels end counts as one more
        level. Empty for ``none``.
    scores
        Cross-validated log loss in nats, the mean of -ln P(true path), by method. Empty where there were too few rows.
    rows
        On how many rows it was fitted.
    """

    method: str = "none"
    sharpness: tuple[float, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    rows: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Give plain values that JSON can hold."""
        kept = {"method": self.method, "rows": self.rows, "scores": dict(self.scores)}
        return kept | {"sharpness": list(self.sharpness)}


def calibration_of(stored: Any) -> WideCalibration:
    """Read what `WideCalibration.to_dict` gave.

    Raises
    ------
    ModelFileError
        It is something else.
    """
    try:
        found = WideCalibration(
            str(stored["method"]),
            tuple(float(one) for one in stored["sharpness"]),
            {str(name): float(value) for name, value in stored["scores"].items()},
            int(stored["rows"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise ModelFileError("The calibration of the wide head is damaged. Copy or train the model anew.") from None
    if found.method not in METHODS:
        raise ModelFileError(f"The calibration of the wide head names the method {found.method!r}, which it has not.")
    return found


def fit_temperatures(
    head: WideHead, vectors: Float32, ends: Int64, *, method: str = "auto", seed: int = 0
) -> WideCalibration:
    """Fit what logits are multiplied by, so that the true paths of some texts are as probable as can be.

    Parameters
    ----------
    head
        A trained head.
    vectors
        Scaled vectors (B, D) of texts that it was not trained on.
    ends
        The terminals at which their labels end, (B,).
    method
        One of `METHODS`; or ``auto``: the one of the lowest log loss in a cross-validation, and the simpler one where
        the difference is below its standard error.
    seed
        Of the folds.

    Raises
    ------
    ConfigError
        Another method: it would need the probability of every node.
    DataError
        No texts.

    Source: temperature scaling, Guo et al. (ICML 2017), here of every softmax among siblings.
    """
    if method not in ("auto", *METHODS):
        raise ConfigError(
            f"calibration = {method} needs the probability of every node, which the head wide never computes. Use "
            f"auto, {', '.join(METHODS)}."
        )
    if not len(ends):
        raise DataError("There are no texts to fit temperatures on.")
    data = _Choices.of(head, vectors, ends)
    scores = data.compared(seed) if data.n >= _FEWEST else {}
    chosen = (_simplest(scores) if scores else "none") if method == "auto" else method
    means = {name: float(losses.mean()) for name, losses in scores.items()}
    return WideCalibration(chosen, data.fitted(chosen, np.arange(data.n)), means, data.n)


def sharpened(head: WideHead, sharpness: tuple[float, ...]) -> WideHead:
    """Give the head with its logits multiplied, from the top level down; the same where there is nothing to do."""
    if not sharpness or all(one == 1 for one in sharpness):
        return head
    of_option = np.asarray(sharpness, dtype=np.float32)[levels_of(head)]
    rows, bias = head.rows, head.rows.bias * of_option
    if rows.scale is not None:
        return WideHead(head.taxonomy, head.options, Rows(rows.values, bias, rows.scale * of_option))
    values = np.empty_like(rows.values)
    for at in range(0, len(rows), BLOCK):
        values[at : at + BLOCK] = rows.values[at : at + BLOCK] * of_option[at : at + BLOCK, None]
    return WideHead(head.taxonomy, head.options, Rows(values, bias))


def levels_of(head: WideHead) -> Int64:
    """Give the level of the group of every option, from 0; ``int64 (C,)``."""
    # A group's first option is a child, one level below the node whose children they are.
    first = head.options.node[head.options.start[:-1]]
    of_group = np.asarray(head.taxonomy.depth)[first].astype(np.int64) - 1
    return np.asarray(of_group[head.options.group], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class _Choices:
    """The choices on the true paths of n texts, level by level."""

    n: int
    n_levels: int
    levels: tuple["_Level", ...]

    @classmethod
    def of(cls, head: WideHead, vectors: Float32, ends: Int64) -> "_Choices":
        most = max(_FEWEST, _OPTIONS // max(1, head.options.largest_group * head.taxonomy.n_levels))
        every = -(-len(ends) // most)
        vectors, ends = vectors[::every], np.asarray(ends, dtype=np.int64)[::every]
        found = steps(head, vectors, np.arange(len(ends)), ends)
        n_levels = head.taxonomy.n_levels + 1
        return cls(len(ends), n_levels, tuple(_Level.of(found, level) for level in range(n_levels)))

    def compared(self, seed: int) -> dict[str, Floats]:
        """Give the cross-validated log loss of every text (n,) by method."""
        fold = np.random.default_rng(seed).permutation(self.n) % _FOLDS
        scores = {name: np.zeros(self.n) for name in METHODS}
        for number in range(_FOLDS):
            tested, others = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
            for name in METHODS:
                scores[name][tested] = self.losses(self.fitted(name, others))[tested]
        return scores

    def fitted(self, method: str, texts: Int64) -> tuple[float, ...]:
        """Fit on some of the texts."""
        if method == "none":
            return ()
        if method == "temperature":
            one = _lowest(lambda sharpness: float(self.losses((sharpness,) * self.n_levels)[texts].sum()))
            return (one,) * self.n_levels
        return tuple(_lowest(partial(level.loss_of, texts, self.n)) for level in self.levels)

    def losses(self, sharpness: tuple[float, ...]) -> Floats:
        """Give -ln P(true path) of every text, (n,)."""
        by_level = sharpness or (1.0,) * self.n_levels
        total = np.zeros(self.n)
        for level, one in zip(self.levels, by_level, strict=True):
            total += level.losses(one, self.n)
        return total


@dataclass(frozen=True, eq=False)
class _Level:
    """Logits of the options at one level, end to end, the largest of each text 0; and which one each text takes."""

    logits: Float32
    begins: Int64
    taken: Int64
    text: Int64

    @classmethod
    def of(cls, found: Steps, level: int) -> "_Level":
        here = np.flatnonzero(found.level == level)
        taken, bounds = found.taken[here], found.scored.begins
        pair = np.searchsorted(bounds, taken, side="right") - 1
        sizes = bounds[pair + 1] - bounds[pair]
        begins = np.cumsum(sizes) - sizes
        place = np.arange(int(sizes.sum())) + np.repeat(bounds[pair] - begins, sizes)
        logits = found.scored.log_proba[place]
        if len(here):
            logits -= np.repeat(np.maximum.reduceat(logits, begins), sizes)
        return cls(logits, begins, taken - bounds[pair] + begins, found.path[here])

    def loss_of(self, texts: Int64, n: int, sharpness: float) -> float:
        """Give what the choices at this level cost some of the ``n`` texts together."""
        return float(self.losses(sharpness, n)[texts].sum())

    def losses(self, sharpness: float, n: int) -> Floats:
        """Give what the choices at this level cost every text, (n,); nothing where it has none."""
        loss = np.zeros(n)
        if len(self.text):
            sharp = np.float32(sharpness) * self.logits
            loss[self.text] = np.log(np.add.reduceat(np.exp(sharp), self.begins)) - sharp[self.taken]
        return loss


def _lowest(loss: Any) -> float:
    """Give the sharpness of the lowest loss, by a golden-section search over its log."""

    def pulled(log: float) -> float:
        return float(loss(float(np.exp(log)))) + _PULL * log * log

    low, high = -_RANGE, _RANGE
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = pulled(left), pulled(right)
    for _ in range(_ROUNDS):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = pulled(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = pulled(right)
    return float(np.exp((low + high) / 2))


def _simplest(scores: Mapping[str, Floats]) -> str:
    best = min(scores, key=lambda name: float(scores[name].mean()))
    for name in METHODS:
        worse = scores[name] - scores[best]
        if name == best or worse.mean() <= worse.std() / np.sqrt(len(worse)):
            return name
    return best
