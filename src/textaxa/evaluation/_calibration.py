"""Do probabilities mean what they say? Calibration errors by level, reliability bins, Brier score and log loss."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from textaxa.errors import ConfigError
from textaxa.evaluation._along import AlongPaths, NodeProba, Task, along_paths, task_of, true_sets
from textaxa.evaluation._chance import Chance
from textaxa.evaluation._checks import check_resamples
from textaxa.evaluation._resample import drawn_texts, per_text_sums, quantiles
from textaxa.evaluation._result import Interval
from textaxa.evaluation._sets import Labelled
from textaxa.evaluation._wilson import NORMAL, wilson
from textaxa.taxonomy import Taxonomy

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Binning = Literal["mass", "width"]

BINS = 15
"""As most papers have it since Guo et al. 2017."""


@dataclass(frozen=True)
class ReliabilityBin:
    """One bar of a reliability diagram.

    Attributes
    ----------
    low, high
        Smallest and largest probability in the bin.
    n
        Number of texts in it.
    confidence
        Their mean probability.
    accuracy
        The share of them that belong under their node; ``interval`` is its 95 % Wilson interval.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float
    interval: Interval


@dataclass(frozen=True)
class LevelCalibration:
    """How well the probabilities of one level are calibrated.

    Attributes
    ----------
    level
        1 is the top; None for whole paths.
    n
        Texts whose most probable path reaches the level.
    ece
        Expected calibration error: the mean over the bins, by their texts, of |accuracy - mean probability|.
    ece_debiased
        What is left of it without the part that chance makes.
    mce
        Maximum calibration error: the largest such difference of any bin.
    bins
        The bins, by rising probability.
    interval
        95 % interval of the calibration error, around ``ece_debiased``; None where not asked for.
    """

    level: int | None
    n: int
    ece: float
    ece_debiased: float
    mce: float
    bins: tuple[ReliabilityBin, ...]
    interval: Interval | None = None


@dataclass(frozen=True)
class CalibrationScores:
    """The result of `calibration_scores`, which says how each number is defined.

    Attributes
    ----------
    task
        ``single`` or ``multi``.
    n
        Number of texts.
    levels
        By level; levels that no most probable path reaches are left out.
    path
        The same for the most probable path as a whole; None for several paths.
    brier, log_loss
        Means over the ``n_scored`` texts; NaN where there are none.
    n_scored
        Texts whose true path ends at a terminal; with several paths, all.
    intervals
        95 % bootstrap intervals of ``brier`` and ``log_loss``, or None.
    """

    task: Task
    n: int
    levels: tuple[LevelCalibration, ...]
    path: LevelCalibration | None
    brier: float
    log_loss: float
    n_scored: int
    intervals: dict[str, Interval] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values, for JSON; NaN becomes None."""
        found: dict[str, Any] = _plain(asdict(self))
        return found


def calibration_scores(
    taxonomy: Taxonomy,
    true: Labelled,
    node_proba: NodeProba,
    *,
    bins: int = BINS,
    intervals: bool = True,
    seed: int = 0,
    n_resamples: int = 1000,
    binning: Binning = "mass",
    task: Task | None = None,
) -> CalibrationScores:
    """Give the calibration errors of every level, the Brier score and the log loss.

    levels
        Single path: of every text, the node of the most probable path (`decoding.top_paths`) at that level, its
        probability and whether the text belongs under it; texts whose most probable path ends above are left out.
        Several paths: of every text, the level's most probable node.
    ece
        The texts are sorted into bins by probability, by default with as many texts in each (equal probabilities stay
        together, so there may be fewer bins); with ``binning="width"`` into bins of equal width. The ECE is the mean
        over bins, by their texts, of |accuracy - mean probability|. Source: Naeini et al. 2015; bins of equal mass:
        Nguyen & O'Connor 2015.
    ece_debiased
        Even perfect probabilities have an ECE above 0, since each bin's accuracy is off by chance, the more the fewer
        texts it has (Bröcker 2012; Kumar et al. 2019). With bins whose true differences are c times the observed ones,
        and normal chance, the ECE has a known mean and deviation; the debiased one is that of the c whose mean is what
        was observed, 0 where chance alone has a larger one.
    interval
        Of the calibration error without chance's part: from the c for which the observed ECE would be at the 97.5 %
        point to that for which it would be at the 2.5 % point. So it lies around ``ece_debiased`` and may lie below
        ``ece``. Bootstrap percentiles would not do: a resample adds chance's part once more.
    path
        The same for whole paths: the most probable path's probability, and whether it is exactly the true one.
    brier
        Single path: the sum over terminals of (probability - truth)², in [0, 2]. Several paths: over nodes. Source:
        Brier 1950.
    log_loss
        In nats. Single path: -log of the true terminal's probability. Several paths: the sum over nodes of the binary
        log losses. Probabilities are kept 1.2e-7 away from 0 and 1.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    true
        The labels of every text: a path or a tuple of paths; or node numbers in any form of `hierarchical_f1`.
    node_proba
        P(the text belongs under node n), shape (n, N), or an iterator of blocks of rows of it, so that it need never
        lie in memory as a whole.
    bins
        Number of bins.
    intervals
        Whether to give intervals.
    seed, n_resamples
        Seed and number of the resamples.
    binning
        ``mass`` or ``width``.
    task
        ``single`` or ``multi``; None: ``multi`` where a text has several paths.

    Raises
    ------
    ConfigError
        No bins, no resamples, another ``binning`` or ``task``, or several paths of a text in a single-path task.
    DataError
        As for `evaluate_paths`; ``node_proba`` with another shape or with values that are not finite.

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games",), ("Tools",)])
    >>> found = calibration_scores(taxonomy, [("Games",), ("Tools",)] * 50, [[0.75, 0.25]] * 100)
    >>> found.levels[0].ece, found.brier
    (0.25, 0.625)
    """
    if bins < 1:
        raise ConfigError(f"bins = {bins} is too small: it must be at least 1.")
    if binning not in ("mass", "width"):
        raise ConfigError(f"binning is 'mass' or 'width', not {binning!r}.")
    check_resamples(n_resamples)
    sets = true_sets(taxonomy, true)
    along = along_paths(taxonomy, sets, node_proba, task_of(sets, task))
    resamples = (seed, n_resamples) if intervals else None
    return calibration_of(along, bins=bins, binning=binning, resamples=resamples)


def calibration_of(
    along: AlongPaths, *, bins: int, binning: Binning = "mass", resamples: tuple[int, int] | None
) -> CalibrationScores:
    """Give the scores from what was read of ``node_proba``; ``resamples`` are their seed and number, or None."""
    columns = zip(along.probability.T, along.right.T, strict=True)
    levels = [
        _binned(probability, right, bins, binning).scores(level, intervals=resamples is not None)
        for level, (probability, right) in enumerate(columns, 1)
    ]
    path = None
    if along.task == "single":
        whole = _binned(along.path_probability, along.path_right, bins, binning)
        path = whole.scores(None, intervals=resamples is not None)
    scored = ~np.isnan(along.log_loss)
    losses = np.stack([along.brier[scored], along.log_loss[scored]], axis=1)
    means = losses.mean(axis=0) if len(losses) else np.full(2, np.nan)
    return CalibrationScores(
        task=along.task,
        n=len(along.path_right),
        levels=tuple(one for one in levels if one.n),
        path=path,
        brier=float(means[0]),
        log_loss=float(means[1]),
        n_scored=len(losses),
        intervals=_intervals(losses, resamples) if resamples and len(losses) else None,
    )


def _intervals(losses: Floats, resamples: tuple[int, int]) -> dict[str, Interval]:
    seed, n_resamples = resamples
    drawn = drawn_texts(len(losses), seed=seed, n_resamples=n_resamples)
    means = np.vstack([per_text_sums(losses, some) for some in drawn]) / len(losses)
    return {"brier": quantiles(means[:, 0]), "log_loss": quantiles(means[:, 1])}


@dataclass(frozen=True)
class _Binned:
    """Probabilities sorted into K bins.

    Attributes
    ----------
    bin
        Bin of every text, shape (n,); K for a text that is in none.
    probability, right
        Shape (n,); 0 for a text that is in no bin.
    n_bins
        K.
    """

    bin: Integers
    probability: Floats
    right: Floats
    n_bins: int

    def sums(self, values: Floats) -> Floats:
        return np.bincount(self.bin, values, minlength=self.n_bins + 1)[: self.n_bins].astype(np.float64)

    def scores(self, level: int | None, *, intervals: bool) -> LevelCalibration:
        n = np.bincount(self.bin, minlength=self.n_bins + 1)[: self.n_bins]
        confidence, accuracy = self.sums(self.probability) / n, self.sums(self.right) / n
        chance = self._chance(n, confidence - accuracy)
        ece = float(chance.weight @ chance.gap)
        low, high = wilson(self.sums(self.right), n)
        ends = self._ends()
        return LevelCalibration(
            level=level,
            n=int(n.sum()),
            ece=ece,
            ece_debiased=chance.error_at(ece, 0.0),
            mce=float(chance.gap.max(initial=0.0)),
            bins=tuple(
                ReliabilityBin(*ends[k], int(n[k]), float(confidence[k]), float(accuracy[k]), (low[k], high[k]))
                for k in range(self.n_bins)
            ),
            interval=(chance.error_at(ece, NORMAL), chance.error_at(ece, -NORMAL)) if intervals else None,
        )

    def _chance(self, n: Integers, gap: Floats) -> Chance:
        squares = self.sums((self.right - self.probability) ** 2)
        # In few texts the variance is off, and nil where all are right: then that of true probabilities stands in.
        variance = np.maximum(squares / n - gap**2, self.sums(self.probability * (1 - self.probability)) / n)
        return Chance(n / max(1, n.sum()), np.abs(gap), np.sqrt(np.maximum(variance, 0.0) / np.maximum(n - 1, 1)))

    def _ends(self) -> list[tuple[float, float]]:
        low, high = np.full(self.n_bins + 1, np.inf), np.full(self.n_bins + 1, -np.inf)
        np.minimum.at(low, self.bin, self.probability)
        np.maximum.at(high, self.bin, self.probability)
        return list(zip(low.tolist(), high.tolist(), strict=True))


def _binned(probability: Floats, right: NDArray[np.bool_], bins: int, binning: Binning) -> _Binned:
    known = ~np.isnan(probability)
    values = probability[known]
    if binning == "mass":
        ordered = np.sort(values)
        edges = np.unique(ordered[np.arange(1, bins) * len(ordered) // bins]) if len(ordered) else ordered
    else:
        edges = np.arange(1, bins) / bins
    used, place = np.unique(np.searchsorted(edges, values, side="right"), return_inverse=True)
    at = np.full(len(known), len(used))
    at[known] = place
    return _Binned(at, np.where(known, probability, 0.0), np.where(known, right, 0.0), len(used))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and np.isnan(value) else value
