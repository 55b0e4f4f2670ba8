"""The evaluation of predicted paths against true ones: every metric with its interval, in one plain value."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa._sparse import take
from textaxa.decoding._proba import check_node_proba
from textaxa.evaluation._along import Task, along_paths, task_of, true_sets
from textaxa.evaluation._auc import f1_auc, is_coherent
from textaxa.evaluation._calibration import BINS, LevelCalibration, calibration_of
from textaxa.evaluation._checks import check_lengths, check_resamples
from textaxa.evaluation._resample import bootstrap, interval
from textaxa.evaluation._result import Evaluation, HierarchicalScores, Interval, LevelScores, NodeScores
from textaxa.evaluation._scores import scores
from textaxa.evaluation._sets import Labelled, NodeSets, SetBook
from textaxa.evaluation._statistics import Statistics, collect
from textaxa.taxonomy import CSR, Taxonomy


def evaluate_paths(
    taxonomy: Taxonomy,
    true: Labelled,
    predicted: Labelled,
    *,
    node_proba: ArrayLike | None = None,
    intervals: bool = True,
    seed: int = 0,
    n_resamples: int = 1000,
    task: Task | None = None,
) -> Evaluation:
    """Give every metric of predicted paths against true ones, with bootstrap intervals.

    A path stands for its **node set**: its nodes from the top level down, on a DAG all ancestors of its end; the root
    is left out. The labels of a text stand for the union of these sets, so a path that is the beginning of another of
    the same text adds nothing. A predicted path that is not in the taxonomy keeps the nodes of its known beginning, and
    every further node of it is wrong. Nodes are whole paths: ``A > Other`` is not ``B > Other``. Where a share has
    nothing to count (0 / 0), it is 0.

    path_accuracy
        Share of texts whose predicted set is exactly the true one; with one path a text: whose path is wholly right.
    levels: accuracy
        Of the ``n`` texts whose true path reaches the level, the share whose predicted nodes there are exactly the true
        ones. A text whose true path ends above does not count; a prediction that stops above is wrong.
    levels: micro_f1
        F1 of the pooled counts of the level's nodes over **all** texts, so a prediction that goes on below the end of
        its true path counts as a false positive here.
    levels: macro_f1, macro_f1_all
        Mean F1 over the level's nodes that are true in some text; over all the level's nodes of the taxonomy (0 for
        those that are true in no text).
    nodes: micro_f1, macro_f1, macro_f1_supported
        The same over all nodes but the root, as the papers on hierarchical text classification report them: macro over
        **all** nodes. They take every node over 0.5 by itself; here the decoded paths count, so micro_f1 equals
        hierarchical f1 by construction. ``macro_f1_supported`` is over the nodes that are true in some text.
    hierarchical: precision, recall, f1
        Nodes shared over nodes predicted, over nodes true, summed over all texts, and their harmonic mean. Source:
        Kiritchenko et al. 2005, "Functional Annotation of Genes Using Hierarchical Text Categorization".
    hierarchical: f1_auc
        Mean area under each text's precision-recall curve over all thresholds on ``node_proba``, without any decoding.
        Source: Plaud et al. 2024, "Revisiting Hierarchical Text Classification: Inference and Metrics", hF1-AUC. Texts
        without a true path are left out. None without ``node_proba``.
    mistake_severity
        Mean over **all** texts (right ones count 0) of the levels by which the deeper of the true and the predicted
        node lies below their deepest common ancestor. On a tree whose leaves are equally deep this is the height of the
        lowest common ancestor. Both ends count, so that going on below the true end is not free. Several paths: mean
        over the true paths of the distance to the nearest predicted one. No path stands for the root. Source:
        Bertinetto et al. 2020, "Making Better Mistakes"; over all texts, since a mean over mistakes alone gets better
        with added easy mistakes (Karthik et al. 2021).
    coherent_share
        Share of texts whose predicted paths are all in the taxonomy and, where ``node_proba`` is given, whose
        probabilities are nowhere above a parent's (up to 1e-5, for rounding).
    calibration
        Where ``node_proba`` is given: the expected calibration error of every level, as `calibration_scores` has it.
        Its interval is of the error without the part that chance makes, and may lie below it.
    intervals
        95 % percentile intervals over resamples of the texts; the macro-F1s' are moved to lie around the value, as
        nodes with few texts bias resamples. With some 100,000 distinct pairs of label sets of several paths each, the
        macro-F1s' intervals are of fewer resamples, at least 200.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    true, predicted
        The labels of every text: a path, or a tuple of paths; or node numbers in any form of `hierarchical_f1`; n of
        them.
    node_proba
        P(the text belongs under node n), shape (n, N).
    intervals
        Whether to give intervals.
    seed
        Seed of the resamples.
    n_resamples
        Number of resamples.
    task
        ``single`` or ``multi``, for the calibration; None: ``multi`` where a text has several paths.

    Returns
    -------
    The evaluation.

    Raises
    ------
    DataError
        No texts, unequal numbers of them, something that is not a path, or a true path that is not in the taxonomy.

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    >>> true = [("Games", "Sports"), ("Games", "Cards"), ("Tools",)]
    >>> predicted = [("Games", "Sports"), ("Games", "Sports"), ("Tools",)]
    >>> found = evaluate_paths(taxonomy, true, predicted, intervals=False)
    >>> [(one.level, one.n, one.accuracy) for one in found.levels], round(found.path_accuracy, 3)
    ([(1, 3, 1.0), (2, 2, 0.5)], 0.667)
    >>> round(found.hierarchical.f1, 3), round(found.mistake_severity, 3)
    (0.8, 0.333)
    """
    statistics = statistics_of(taxonomy, true, {"predicted": (predicted, node_proba)})[0]
    with_area = node_proba is not None
    sums, nodes = statistics.totals()
    found = {name: float(v[0]) for name, v in scores(statistics, sums, nodes, with_area=with_area).items()}
    ends: dict[str, Interval] | None = None
    if intervals:
        check_resamples(n_resamples)
        (resampled,) = bootstrap([statistics], seed=seed, n_resamples=n_resamples, with_macro=True, with_area=with_area)
        ends = {name: interval(name, value, resampled[name]) for name, value in found.items() if not np.isnan(value)}
    calibration = None
    if node_proba is not None:
        calibration = _calibration(taxonomy, true, node_proba, task, (seed, n_resamples) if intervals else None)
    return evaluation_of(found, statistics.level_counts(), n=len(true), intervals=ends, calibration=calibration)


def _calibration(
    taxonomy: Taxonomy, true: Labelled, node_proba: ArrayLike, task: Task | None, resamples: tuple[int, int] | None
) -> tuple[LevelCalibration, ...]:
    sets = true_sets(taxonomy, true)
    along = along_paths(taxonomy, sets, node_proba, task_of(sets, task))
    return calibration_of(along, bins=BINS, resamples=resamples).levels


def evaluation_of(
    found: Mapping[str, float],
    reached: Sequence[int],
    *,
    n: int,
    intervals: Mapping[str, Interval] | None,
    calibration: tuple[LevelCalibration, ...] | None = None,
) -> Evaluation:
    """Give the evaluation of n texts from every metric by its dotted name.

    Parameters
    ----------
    found
        The metrics, NaN where one is not defined.
    reached
        The texts whose true path reaches each level.
    n
        Number of texts.
    intervals
        The intervals by the metrics' names, or None.
    calibration
        By level, or None.
    """
    return Evaluation(
        n=n,
        path_accuracy=found["path_accuracy"],
        levels=tuple(_level(found, level, n) for level, n in enumerate(reached, 1) if n),
        nodes=NodeScores(found["nodes.micro_f1"], found["nodes.macro_f1"], found["nodes.macro_f1_supported"]),
        hierarchical=HierarchicalScores(
            found["hierarchical.precision"],
            found["hierarchical.recall"],
            found["hierarchical.f1"],
            _defined(found.get("hierarchical.f1_auc")),
        ),
        mistake_severity=found["mistake_severity"],
        coherent_share=found["coherent_share"],
        intervals=intervals,
        calibration=calibration,
    )


def _level(found: Mapping[str, float], level: int, n: int) -> LevelScores:
    names = ("accuracy", "micro_f1", "macro_f1", "macro_f1_all")
    return LevelScores(level, n, *(found[f"levels.{level}.{name}"] for name in names))


def _defined(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else value


def statistics_of(
    taxonomy: Taxonomy, true: Labelled, answers: Mapping[str, tuple[Labelled, ArrayLike | None]]
) -> list[Statistics]:
    """Give the statistics of every system on the same texts."""
    check_lengths({"true": len(true)} | {name: len(predicted) for name, (predicted, _) in answers.items()})
    book = SetBook(taxonomy)
    true_numbers = book.number_true(true)
    numbers = [book.number_predicted(predicted) for predicted, _ in answers.values()]
    sets = book.sets()
    found = []
    for number, (_, given) in zip(numbers, answers.values(), strict=True):
        area: NDArray[np.float64] | None = None
        coherent = np.ones(len(true), dtype=bool)
        if given is not None:
            proba = check_node_proba(taxonomy, given)
            check_lengths({"true": len(true), "node_proba": len(proba)})
            area = f1_auc(proba, _rows(sets, true_numbers))
            coherent = is_coherent(taxonomy, proba)
        found.append(collect(taxonomy, sets, true_numbers, number, area=area, coherent=coherent))
    return found


def _rows(sets: NodeSets, numbers: NDArray[np.int64]) -> CSR:
    """Give the nodes of every text, from the number of its set."""
    text, node = take(sets.closure, numbers)
    return CSR(np.concatenate([[0], np.cumsum(np.bincount(text, minlength=len(numbers)))]), node)
