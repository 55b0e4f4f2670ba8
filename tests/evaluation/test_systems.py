"""Several systems with several runs: means, intervals over texts and seeds, tests against the best, Holm."""

import numpy as np
import pytest

from textaxa.errors import ConfigError, DataError
from textaxa.evaluation import Answers, answers_of, compare_systems, evaluate_paths, holm, paired_test
from textaxa.evaluation._compare import permutation_p
from textaxa.evaluation._systems import _statistics
from textaxa.taxonomy import Taxonomy

TAXONOMY = Taxonomy.from_paths([("A", "X"), ("A", "Y"), ("B", "X"), ("B", "Z"), ("C",)])
LEAVES = [TAXONOMY.path(int(node)) for node in TAXONOMY.terminals]


def truth(n: int = 120) -> list[tuple]:
    return [LEAVES[i % len(LEAVES)] for i in range(n)]


def noisy(true: list[tuple], share: float, seed: int) -> list[tuple]:
    """Give the truth with a share of it replaced by any leaf."""
    generator = np.random.default_rng(seed)
    return [LEAVES[generator.integers(len(LEAVES))] if generator.random() < share else one for one in true]


def runs(share: float, n_runs: int = 3, first: int = 0) -> list[Answers]:
    return [Answers(noisy(truth(), share, first + run)) for run in range(n_runs)]


def plain(found: dict) -> dict[str, float]:
    """Give intervals as single numbers, which `pytest.approx` compares."""
    return {f"{name} {i}": end for name, ends in found.items() for i, end in enumerate(ends)}


def slow_holm(p: list[float]) -> list[float]:
    """The step-down rule, transcribed: reject while p_(k) <= level / (m - k + 1); the smallest such level is given."""
    order, found, largest = sorted(range(len(p)), key=lambda i: p[i]), [0.0] * len(p), 0.0
    for rank, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p) - rank) * p[i]))
        found[i] = largest
    return found


@pytest.mark.parametrize("p", [[], [0.2], [0.01, 0.04, 0.03], [0.5, 0.5, 0.5], [0.001, 0.9, 0.02, 0.02, 0.0004]])
def test_holm_equals_the_step_down_rule(p):
    assert holm(p) == pytest.approx(slow_holm(p))


def test_holm_of_the_published_example():
    # Aickin & Gensler 1996: 0.01, 0.02, 0.03, 0.04 in any order
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


def test_one_run_gives_the_numbers_of_evaluate_paths_and_paired_test():
    true = truth()
    a, b = noisy(true, 0.5, 1), noisy(true, 0.2, 2)
    found = compare_systems(TAXONOMY, true, {"a": [Answers(a)], "b": [Answers(b)]})
    assert found.best == "b"
    for name, predicted in (("a", a), ("b", b)):
        alone = evaluate_paths(TAXONOMY, true, predicted)
        assert found.evaluations[name].values() == pytest.approx(alone.values())
        assert plain(found.evaluations[name].intervals) == pytest.approx(plain(alone.intervals))
    mine, alone = found.tests["a"].test, paired_test(TAXONOMY, true, a, b)
    assert (mine.difference, *mine.interval) == pytest.approx((alone.difference, *alone.interval))
    assert (mine.metric, mine.a, mine.b, mine.p, mine.n) == (alone.metric, alone.a, alone.b, alone.p, alone.n)
    assert found.tests["a"].p_corrected == found.tests["a"].test.p


def test_values_are_means_over_runs():
    true, systems = truth(), {"a": runs(0.5), "b": runs(0.1, first=10)}
    found = compare_systems(TAXONOMY, true, systems, "hierarchical.f1", n_resamples=50)
    for name, answers in systems.items():
        alone = [evaluate_paths(TAXONOMY, true, one.predicted, intervals=False) for one in answers]
        for metric, value in found.evaluations[name].values().items():
            assert value == pytest.approx(np.mean([one.values()[metric] for one in alone]))
        assert found.per_run[name] == pytest.approx([one.hierarchical.f1 for one in alone])
    difference = np.mean(found.per_run["a"]) - np.mean(found.per_run["b"])
    assert found.tests["a"].test.difference == pytest.approx(difference)
    low, high = found.tests["a"].test.interval
    assert low < difference < high < 0


def test_runs_that_differ_widen_the_interval():
    true = truth()
    steady = [Answers(noisy(true, 0.4, 0))] * 4
    unsteady = [Answers(noisy(true, share, 0)) for share in (0.0, 0.2, 0.6, 0.8)]
    found = compare_systems(TAXONOMY, true, {"steady": steady, "unsteady": unsteady})
    wide, narrow = (np.ptp(found.evaluations[name].intervals["path_accuracy"]) for name in ("unsteady", "steady"))
    assert wide > 1.5 * narrow
    alone = evaluate_paths(TAXONOMY, true, steady[0].predicted).intervals["path_accuracy"]
    assert found.evaluations["steady"].intervals["path_accuracy"] == pytest.approx(alone)


def slow_permutation_p(true, a, b, n_resamples, seed):
    """Exchange the answers to a text in all pairs of runs at once, count differences as large; path accuracy."""
    differing = [i for i in range(len(true)) if any(one[i] != other[i] for one, other in zip(a, b, strict=True))]
    right_a = np.array([[p == t for p, t in zip(run, true, strict=True)] for run in a], dtype=float)
    right_b = np.array([[p == t for p, t in zip(run, true, strict=True)] for run in b], dtype=float)
    observed = abs((right_a - right_b).mean())
    draws = np.random.default_rng(seed).integers(0, 2, size=(n_resamples, len(differing)), dtype=np.int8)
    count = 0
    for draw in draws:
        sign = np.ones(len(true))
        sign[differing] -= 2.0 * draw
        count += abs(((right_a - right_b) * sign).mean()) >= observed - 1e-12
    return (1 + count) / (1 + n_resamples)


@pytest.mark.parametrize("shares", [(0.3, 0.35), (0.3, 0.45)])
def test_the_permutation_test_exchanges_texts_in_all_runs_at_once(shares):
    true = truth()
    a, b = ([noisy(true, share, 7 * i + run) for run in range(3)] for i, share in enumerate(shares))
    every = _statistics(TAXONOMY, true, [Answers(one) for one in (*a, *b)])
    p = permutation_p(every[:3], every[3:], "path_accuracy", seed=5, n_resamples=300, with_area=False)
    assert p == pytest.approx(slow_permutation_p(true, a, b, 300, 5))


def test_macro_f1_can_be_tested_over_runs():
    true = truth()
    found = compare_systems(TAXONOMY, true, {"a": runs(0.8), "b": runs(0.1)}, "nodes.macro_f1", n_resamples=200)
    assert found.best == "b"
    assert found.tests["a"].test.p < 0.02
    same = compare_systems(TAXONOMY, true, {"a": runs(0.3), "b": runs(0.3)}, "nodes.macro_f1", n_resamples=50)
    assert (same.best, same.tests["b"].test.p) == ("a", 1.0)


def test_p_values_are_corrected_for_the_number_of_systems():
    systems = {f"s{i}": runs(0.2 + 0.04 * i, first=10 * i) for i in range(5)}
    found = compare_systems(TAXONOMY, truth(), systems)
    own = [found.tests[name].test.p for name in found.tests]
    assert [found.tests[name].p_corrected for name in found.tests] == pytest.approx(holm(own))
    assert max(one.p_corrected for one in found.tests.values()) > max(own) / 2
    assert found.best not in found.tests
    assert len(found.tests) == 4


def test_answers_keep_what_the_metrics_need_of_the_probabilities():
    true, generator = truth(), np.random.default_rng(0)
    proba = generator.random((len(true), len(TAXONOMY)))
    proba[:, TAXONOMY.parents.row_ids] = np.minimum(
        proba[:, TAXONOMY.parents.row_ids], proba[:, TAXONOMY.parents.indices]
    )
    predicted = noisy(true, 0.3, 0)
    answers = answers_of(TAXONOMY, true, predicted, proba)
    found = compare_systems(TAXONOMY, true, {"a": [answers]}, "hierarchical.f1_auc")
    alone = evaluate_paths(TAXONOMY, true, predicted, node_proba=proba)
    assert found.evaluations["a"].values() == pytest.approx(alone.values())
    assert plain(found.evaluations["a"].intervals) == pytest.approx(plain(alone.intervals))
    assert found.tests == {}


def test_several_paths_a_text():
    taxonomy = TAXONOMY
    true = [(("A", "X"), ("C",)), (("B",),), (("B", "Z"),)] * 10
    found = compare_systems(taxonomy, true, {"all": [Answers(true)], "c": [Answers([(("C",),)] * 30)]})
    assert found.evaluations["all"].path_accuracy == 1
    assert found.tests["c"].test.p < 0.01


@pytest.mark.parametrize(
    ("systems", "metric", "told"),
    [
        ({}, "path_accuracy", "nothing to compare"),
        ({"a": []}, "path_accuracy", "nothing to compare"),
        ({"a": runs(0.1), "b": runs(0.1, 2)}, "path_accuracy", "numbers of runs differ \\(a: 3, b: 2\\)"),
        ({"a": runs(0.1)}, "path_acuracy", "Did you mean 'path_accuracy'"),
        ({"a": runs(0.1)}, "hierarchical.f1_auc", "not known"),
    ],
)
def test_what_cannot_be_compared_is_refused(systems, metric, told):
    with pytest.raises(ConfigError, match=told):
        compare_systems(TAXONOMY, truth(), systems, metric)


def test_unequal_numbers_of_texts_are_refused():
    with pytest.raises(DataError, match="numbers of texts differ"):
        compare_systems(TAXONOMY, truth(), {"a": [Answers(truth(119))]})


def false_alarms(n_runs: int, spread: float, n_trials: int = 80) -> tuple[float, float]:
    """Compare two systems that are equal but for their seeds; give how often p, and p with the interval, say worse.

    A text's chance of a right answer has a difficulty of its own, and each run is better or worse by ``spread``.
    """
    taxonomy, generator = Taxonomy.from_paths([("A",), ("B",)]), np.random.default_rng(0)
    true, by_p, by_both = [("A",)] * 200, 0, 0
    for trial in range(n_trials):
        difficulty = generator.normal(0.5, 1.5, len(true))

        def answers(difficulty=difficulty):
            logits = difficulty + generator.normal(0, spread) + generator.normal(0, 1, len(true))
            right = generator.random(len(true)) < 1 / (1 + np.exp(-logits))
            return Answers([("A",) if one else ("B",) for one in right])

        systems = {name: [answers() for _ in range(n_runs)] for name in "ab"}
        found = compare_systems(taxonomy, true, systems, n_resamples=100, seed=trial)
        (against,) = found.tests.values()
        by_p += against.p_corrected < 0.05
        by_both += against.p_corrected < 0.05 and against.test.interval[1] < 0
    return by_p / n_trials, by_both / n_trials


def test_equal_systems_are_rarely_told_apart():
    by_p, by_both = false_alarms(1, 0.0)
    assert by_p <= 0.12
    by_p, by_both = false_alarms(3, 0.3)
    assert by_p > 0.15, "the permutation test is of these runs: it does not know that other seeds might say otherwise"
    assert by_both <= 0.12, "the interval does"
