"""Two systems on the same texts: does the one beat the other by more than chance?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa._suggest import did_you_mean
from textaxa.errors import ConfigError
from textaxa.evaluation._checks import check_resamples
from textaxa.evaluation._evaluate import statistics_of
from textaxa.evaluation._resample import CHUNK, bootstrap, interval
from textaxa.evaluation._scores import scores
from textaxa.evaluation._sets import TextLabels
from textaxa.evaluation._statistics import Statistics
from textaxa.taxonomy import Taxonomy

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class PairedTest:
    """Two systems compared on the same texts.

    Attributes
    ----------
    metric
        Dotted name of the metric.
    a, b
        Its value for each system.
    difference
        ``a - b``.
    interval
        95 % bootstrap interval of the difference: both systems on the same resampled texts.
    p
        Two-sided p-value of the permutation test: the share of random exchanges of the two systems' answers, text by
        text, that give a difference at least as large.
    n
        Number of texts.
    """

    metric: str
    a: float
    b: float
    difference: float
    interval: tuple[float, float]
    p: float
    n: int

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values, for JSON."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in self.__dict__.items()}


def paired_test(
    taxonomy: Taxonomy,
    true: Sequence[TextLabels],
    predicted_a: Sequence[TextLabels],
    predicted_b: Sequence[TextLabels],
    metric: str = "path_accuracy",
    *,
    node_proba_a: ArrayLike | None = None,
    node_proba_b: ArrayLike | None = None,
    seed: int = 0,
    n_resamples: int = 1000,
) -> PairedTest:
    """Tell whether system A and system B differ in a metric, on the same texts.

    The interval of the difference is a paired bootstrap (both systems on the same resampled texts). The p-value is of a
    permutation test, which exchanges the systems' answers text by text (Noreen 1989); it needs no assumption about how
    the metric is distributed, and works for ratios such as F1 (Yeh 2000, "More accurate tests for the statistical
    significance of result differences"). It is never below ``1 / (n_resamples + 1)``.

    Parameters
    ----------
    taxonomy, true, predicted_a, predicted_b
        As for `evaluate_paths`.
    metric
        A dotted name of `Evaluation.values`: ``path_accuracy``, ``hierarchical.f1``, ``levels.2.macro_f1``, …
    node_proba_a, node_proba_b
        Needed for ``hierarchical.f1_auc``, shape (n, N) each.
    seed
        Seed of the resamples.
    n_resamples
        Number of resamples, and of permutations.

    Returns
    -------
    The difference A - B with its interval and p-value.

    Raises
    ------
    ConfigError
        The metric is not known, or not defined for these texts.
    DataError
        As for `evaluate_paths`.

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games",), ("Tools",)])
    >>> true = [("Games",), ("Tools",)] * 20
    >>> found = paired_test(taxonomy, true, true, [("Games",)] * 40)
    >>> found.difference, found.p < 0.01
    (0.5, True)
    """
    check_resamples(n_resamples)
    answers = {"predicted_a": (predicted_a, node_proba_a), "predicted_b": (predicted_b, node_proba_b)}
    a, b = statistics_of(taxonomy, true, answers)
    with_area = node_proba_a is not None and node_proba_b is not None
    with_macro = "macro" in metric
    values = []
    for one in (a, b):
        sums, nodes = one.totals()
        known = {name: float(value[0]) for name, value in scores(one, sums, nodes, with_area=with_area).items()}
        check_metric(metric, known, needs="node_proba_a and node_proba_b")
        values.append(known[metric])
    difference = values[0] - values[1]
    resampled = bootstrap([a, b], seed=seed, n_resamples=n_resamples, with_macro=with_macro, with_area=with_area)
    change = resampled[0][metric] - resampled[1][metric]
    return PairedTest(
        metric=metric,
        a=values[0],
        b=values[1],
        difference=difference,
        interval=interval("difference", difference, change),
        p=permutation_p([a], [b], metric, seed=seed, n_resamples=n_resamples, with_area=with_area),
        n=len(true),
    )


def check_metric(metric: str, known: Mapping[str, float], *, needs: str = "node_proba") -> None:
    """Refuse a metric that is not among those that were computed, or that is not defined for these texts.

    Raises
    ------
    ConfigError
        With the nearest name, or with what the metric ``needs``.
    """
    if metric not in known:
        hint = f" It needs {needs}." if metric == "hierarchical.f1_auc" else did_you_mean(metric, known)
        raise ConfigError(f"The metric {metric!r} is not known.{hint} Known: {', '.join(known)}.")
    if np.isnan(known[metric]):
        raise ConfigError(f"The metric {metric!r} is not defined here: no true path reaches what it measures.")


def permutation_p(
    a: Sequence[Statistics], b: Sequence[Statistics], metric: str, *, seed: int, n_resamples: int, with_area: bool
) -> float:
    """Give the two-sided p-value of approximate randomisation, for the means of the metric over paired runs.

    A text's answers are exchanged in all pairs of runs at once, since the answers of several runs of one system to the
    same text are alike.

    Source: Noreen 1989, "Computer-Intensive Methods for Testing Hypotheses"; the observed exchange counts too, so p is
    never 0.

    Parameters
    ----------
    a, b
        The runs of system A and of system B on the same texts, as many of both; usually one each.
    metric, seed, n_resamples, with_area
        As for `paired_test`.
    """
    with_macro = "macro" in metric
    texts = _differing(a, b)
    if not len(texts):
        return 1.0
    changes = [_exchange(one, other, texts) for one, other in zip(a, b, strict=True)]
    totals = [(one.totals(), other.totals()) for one, other in zip(a, b, strict=True)]

    def difference(exchanged: Floats) -> Floats:
        sum_of_runs = np.zeros(len(exchanged))
        for run, change in enumerate(changes):
            (a_sums, a_nodes), (b_sums, b_nodes) = totals[run]
            sums = exchanged @ change.columns
            nodes = change.node_sums(exchanged) if with_macro else 0.0
            one = scores(a[run], a_sums + sums, a_nodes + nodes if with_macro else None, with_area=with_area)
            other = scores(b[run], b_sums - sums, b_nodes - nodes if with_macro else None, with_area=with_area)
            sum_of_runs += one[metric] - other[metric]
        return np.abs(sum_of_runs) / len(changes)

    generator = np.random.default_rng(seed)
    observed = difference(np.zeros((1, len(texts))))[0]
    step = max(1, CHUNK // max(len(texts), 3 * a[0].n_supported if with_macro else 1))
    as_large = 0
    for start in range(0, n_resamples, step):
        size = (min(step, n_resamples - start), len(texts))
        exchanged = generator.integers(0, 2, size=size, dtype=np.int8).astype(np.float64)
        # Sums of many floats in another order differ in their last digits.
        as_large += int((difference(exchanged) >= observed - 1e-12).sum())
    return (1 + as_large) / (1 + n_resamples)


def _differing(a: Sequence[Statistics], b: Sequence[Statistics]) -> Integers:
    """Give the texts on which the two systems differ in any pair of runs."""
    differ = np.zeros(len(a[0].group), dtype=bool)
    for one, other in zip(a, b, strict=True):
        differ |= (one.answer != other.answer) | (_per_text(one) != _per_text(other)).any(axis=1)
    return np.flatnonzero(differ)


def _per_text(one: Statistics) -> Floats:
    return np.hstack([one.columns[one.group], one.per_text])


def _exchange(a: Statistics, b: Statistics, texts: Integers) -> Statistics:
    """Give what ``a``'s sums gain when it takes ``b``'s answers, one row for each of ``texts``."""
    return replace(
        a,
        columns=(_per_text(b) - _per_text(a))[texts],
        group=np.arange(len(texts)),
        counts=a.counts.exchanged(a.group[texts], b.counts, b.group[texts]),
    )
