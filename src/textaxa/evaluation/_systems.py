"""Several systems, each run with several seeds, on the same texts: means, intervals, and tests against the best.

What comes in are the answers of every run; what goes out are one `Evaluation` a system, and for every system but the
best a paired test with its p-value corrected for the number of these tests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa._sparse import take
from textaxa.decoding._proba import check_node_proba
from textaxa.errors import ConfigError
from textaxa.evaluation._auc import f1_auc, is_coherent
from textaxa.evaluation._checks import check_lengths, check_resamples
from textaxa.evaluation._compare import PairedTest, check_metric, permutation_p
from textaxa.evaluation._evaluate import evaluation_of
from textaxa.evaluation._resample import bootstrap, interval
from textaxa.evaluation._result import Evaluation
from textaxa.evaluation._scores import scores
from textaxa.evaluation._sets import SetBook, TextLabels
from textaxa.evaluation._statistics import Statistics, collect
from textaxa.taxonomy import CSR, Taxonomy

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """What one run of a system says of n texts.

    Attributes
    ----------
    predicted
        The predicted labels of every text: a path, or a tuple of paths.
    area
        hF1-AUC of every text, shape (n,), NaN for a text without a true path; None where there was no ``node_proba``.
    coherent
        Whether every text's ``node_proba`` is coherent, shape (n,); None where there was none.
    """

    predicted: Sequence[TextLabels]
    area: Floats | None = None
    coherent: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class AgainstBest:
    """A system compared with the best one.

    Attributes
    ----------
    test
        The difference system - best, its interval, and the p-value of this test alone.
    p_corrected
        The p-value corrected for the number of systems that were compared with the best (Holm 1979).
    """

    test: PairedTest
    p_corrected: float


@dataclass(frozen=True)
class SystemComparison:
    """Several systems on the same texts.

    Attributes
    ----------
    metric
        Dotted name of the metric by which they are ranked.
    best
        Name of the system with the largest mean; of equal ones, the first.
    evaluations
        By name: means over the runs, with 95 % intervals over texts and runs.
    per_run
        By name: ``metric`` of every run.
    tests
        By name: every system but the best against the best.
    """

    metric: str
    best: str
    evaluations: dict[str, Evaluation]
    per_run: dict[str, tuple[float, ...]]
    tests: dict[str, AgainstBest]


def answers_of(
    taxonomy: Taxonomy, true: Sequence[TextLabels], predicted: Sequence[TextLabels], node_proba: ArrayLike | None = None
) -> Answers:
    """Give the answers of a run, with what the metrics need of ``node_proba`` (n, N) in place of it.

    Raises
    ------
    DataError
        As for `evaluate_paths`.
    """
    check_lengths({"true": len(true), "predicted": len(predicted)})
    if node_proba is None:
        return Answers(predicted)
    proba = check_node_proba(taxonomy, node_proba)
    check_lengths({"true": len(true), "node_proba": len(proba)})
    book = SetBook(taxonomy)
    numbers = book.number_true(true)
    text, node = take(book.sets().closure, numbers)
    closed = CSR(np.concatenate([[0], np.cumsum(np.bincount(text, minlength=len(numbers)))]), node)
    return Answers(predicted, f1_auc(proba, closed), is_coherent(taxonomy, proba))


def compare_systems(
    taxonomy: Taxonomy,
    true: Sequence[TextLabels],
    systems: Mapping[str, Sequence[Answers]],
    metric: str = "path_accuracy",
    *,
    seed: int = 0,
    n_resamples: int = 1000,
) -> SystemComparison:
    """Compare systems, each with one or several runs, on the same texts.

    A system's value is the mean over its runs. Intervals are a bootstrap over texts (the same resamples for every
    system) and over each system's runs; with one run they do not know how much seeds matter. P-values are of the
    permutation test of `paired_test` on the means, run i of the one system beside run i of the other, and corrected by
    `holm`. They are of the runs at hand: where seeds matter, equal systems get small ones too often, and only the
    interval of the difference knows; so a system is worse where p is small and the interval lies below 0. The best is
    chosen on the same texts, so its lead is a little flattered.

    Parameters
    ----------
    taxonomy, true
        As for `evaluate_paths`.
    systems
        By name: the answers of each of its runs; every system has as many.
    metric
        By what to rank: a dotted name of `Evaluation.values` of which more is better.
    seed, n_resamples
        Seed and number of the resamples, and of the permutations.

    Raises
    ------
    ConfigError
        No systems, unequal numbers of runs, an unknown metric, or one that is not defined for these texts.
    DataError
        As for `evaluate_paths`.

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games",), ("Tools",)])
    >>> true = [("Games",), ("Tools",)] * 20
    >>> right, lazy = Answers(true), Answers([("Games",)] * 40)
    >>> found = compare_systems(taxonomy, true, {"lazy": [lazy, lazy], "right": [right, right]})
    >>> found.best, found.tests["lazy"].test.difference, found.tests["lazy"].p_corrected < 0.01
    ('right', -0.5, True)
    """
    check_resamples(n_resamples)
    n_runs = _runs_each(systems)
    every = _statistics(taxonomy, true, [run for runs in systems.values() for run in runs])
    with_area = all(run.area is not None for runs in systems.values() for run in runs)
    values = [_values(one, with_area=with_area) for one in every]
    check_metric(metric, values[0], needs="the area of every run")
    resampled = bootstrap(every, seed=seed, n_resamples=n_resamples, with_macro=True, with_area=with_area)
    generator = np.random.default_rng(seed)
    of_system: dict[str, slice] = {name: slice(i * n_runs, (i + 1) * n_runs) for i, name in enumerate(systems)}
    means = {name: _mean(values[part]) for name, part in of_system.items()}
    drawn = {name: _draw_runs(resampled[part], generator, n_resamples) for name, part in of_system.items()}
    best = max(means, key=lambda name: means[name][metric])
    reached = every[0].level_counts()
    tests = {
        name: _paired(
            (every[part], every[of_system[best]]),
            (means[name][metric], means[best][metric]),
            drawn[name][metric] - drawn[best][metric],
            metric=metric,
            seed=seed,
            with_area=with_area,
        )
        for name, part in of_system.items()
        if name != best
    }
    corrected = holm([test.p for test in tests.values()])
    return SystemComparison(
        metric=metric,
        best=best,
        evaluations={
            name: evaluation_of(mean, reached, n=len(true), intervals=_intervals(mean, drawn[name]))
            for name, mean in means.items()
        },
        per_run={name: tuple(one[metric] for one in values[part]) for name, part in of_system.items()},
        tests={name: AgainstBest(test, p) for (name, test), p in zip(tests.items(), corrected, strict=True)},
    )


def holm(p: Sequence[float]) -> list[float]:
    """Correct the p-values of several tests so that the chance of any false alarm stays below the level of each.

    The smallest is multiplied by their number m, the next by m - 1, and so on; none becomes smaller than one before it,
    none larger than 1. Source: Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure".

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    given = np.asarray(p, dtype=np.float64)
    order = np.argsort(given, kind="stable")
    corrected = np.empty_like(given)
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(given[order] * np.arange(len(given), 0, -1)))
    return [float(value) for value in corrected]


def _runs_each(systems: Mapping[str, Sequence[Answers]]) -> int:
    counts = {name: len(runs) for name, runs in systems.items()}
    if not counts or not all(counts.values()):
        raise ConfigError("There is nothing to compare: every system needs the answers of at least one run.")
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name}: {count}" for name, count in counts.items())
        raise ConfigError(f"The numbers of runs differ ({told}). Run every system with the same seeds.")
    return next(iter(counts.values()))


def _statistics(taxonomy: Taxonomy, true: Sequence[TextLabels], runs: Sequence[Answers]) -> list[Statistics]:
    for run in runs:
        check_lengths({"true": len(true), "predicted": len(run.predicted)})
    book = SetBook(taxonomy)
    true_numbers = book.number_true(true)
    numbers = [book.number_predicted(run.predicted) for run in runs]
    sets, all_coherent = book.sets(), np.ones(len(true), dtype=bool)
    return [
        collect(
            taxonomy,
            sets,
            true_numbers,
            number,
            area=run.area,
            coherent=all_coherent if run.coherent is None else run.coherent,
        )
        for number, run in zip(numbers, runs, strict=True)
    ]


def _values(one: Statistics, *, with_area: bool) -> dict[str, float]:
    sums, nodes = one.totals()
    return {name: float(value[0]) for name, value in scores(one, sums, nodes, with_area=with_area).items()}


def _mean(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([run[name] for run in runs])) for name in runs[0]}


def _draw_runs(
    runs: Sequence[Mapping[str, Floats]], generator: np.random.Generator, n_resamples: int
) -> dict[str, Floats]:
    """Give every metric's mean over runs that are drawn anew, with replacement, for every resample of the texts."""
    n = len(runs)
    weights = generator.multinomial(n, np.full(n, 1 / n), size=n_resamples) / n
    return {name: np.einsum("rs,sr->r", weights, np.stack([run[name] for run in runs])) for name in runs[0]}


def _intervals(mean: Mapping[str, float], drawn: Mapping[str, Floats]) -> dict[str, tuple[float, float]]:
    return {name: interval(name, value, drawn[name]) for name, value in mean.items() if not np.isnan(value)}


def _paired(
    runs: tuple[Sequence[Statistics], Sequence[Statistics]],
    means: tuple[float, float],
    change: Floats,
    *,
    metric: str,
    seed: int,
    with_area: bool,
) -> PairedTest:
    difference = means[0] - means[1]
    return PairedTest(
        metric=metric,
        a=means[0],
        b=means[1],
        difference=difference,
        interval=interval("difference", difference, change),
        p=permutation_p(*runs, metric, seed=seed, n_resamples=len(change), with_area=with_area),
        n=len(runs[0][0].group),
    )
