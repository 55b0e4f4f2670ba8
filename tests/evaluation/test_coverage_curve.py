import json

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from slow_metrics import cases, node_set
from slow_probabilities import all_thresholds, best_path, random_coherent, slow_best_area, slow_coverage, slow_many

from textaxa.errors import ConfigError, DataError
from textaxa.evaluation import coverage_at, coverage_curve
from textaxa.evaluation._coverage import _best_area
from textaxa.evaluation._coverage_nodes import LEAST_ANSWER
from textaxa.taxonomy import Taxonomy

SINGLE, MULTI = st.just(False), st.just(True)


@pytest.fixture
def shop():
    return Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])


def at(curve, threshold):
    """Give the place of the last threshold that is at least this one, or None."""
    reached = np.flatnonzero(curve.threshold >= threshold)
    return int(reached[-1]) if len(reached) else None


@settings(deadline=None, max_examples=150)
@given(cases(multi=SINGLE), st.booleans())
def test_the_sweep_equals_the_climbing_rule_at_every_threshold(case, leaves):
    taxonomy, labels, _, proba = case
    taxonomy = taxonomy.with_terminals("leaves") if leaves else taxonomy
    true = [node_set(taxonomy, one) for one in labels]
    curve = coverage_curve(taxonomy, labels, proba, task="single")
    names = ("coverage", "accuracy", "depth_share", "missing_share", "full_share", "full_accuracy")
    area = before = 0.0
    changes = []
    for threshold in all_thresholds(proba):
        wanted = slow_coverage(taxonomy, proba, true, threshold)
        area += (wanted["levels"] - before) * (1 - wanted["accuracy"])
        if wanted["levels"] > before:
            changes.append(threshold)
        before = wanted["levels"]
        place = at(curve, threshold)
        assert (place is None) == (wanted["coverage"] == 0)
        for name in names if place is not None else ():
            assert getattr(curve, name)[place] == pytest.approx(wanted[name], abs=1e-12), name
    assert curve.area == pytest.approx(area)
    assert curve.threshold.tolist() == changes


@settings(deadline=None, max_examples=150)
@given(cases(multi=MULTI))
def test_the_sweep_over_nodes_equals_the_count_at_every_threshold(case):
    taxonomy, labels, _, proba = case
    true = [node_set(taxonomy, one) for one in labels]
    curve = coverage_curve(taxonomy, labels, proba, task="multi")
    area = before = 0.0
    for threshold in all_thresholds(proba):
        if threshold < LEAST_ANSWER:
            continue
        wanted = slow_many(taxonomy, proba, true, threshold)
        place = at(curve, threshold)
        for name, value in wanted.items():
            assert getattr(curve, name)[place] == pytest.approx(value, abs=1e-12), name
        area += (wanted["recall"] - before) * (1 - wanted["accuracy"])
        before = wanted["recall"]
    assert curve.area == curve.area_excess == pytest.approx(area, abs=1e-12)
    assert curve.missing_share is curve.full_area is curve.full_accuracy is None


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 3)), min_size=1, max_size=3))
def test_no_order_has_a_smaller_area_than_the_best_one(texts):
    depth = np.array([d for d, _ in texts])
    right = np.minimum(depth, [r for _, r in texts])
    assert _best_area(depth, right) == pytest.approx(slow_best_area(depth.tolist(), right.tolist()), abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(cases(multi=SINGLE))
def test_areas_above_the_best_are_never_negative(case):
    taxonomy, labels, _, proba = case
    curve = coverage_curve(taxonomy, labels, proba, task="single")
    assert curve.area_excess >= -1e-12
    assert curve.full_area_excess >= -1e-12


@settings(deadline=None, max_examples=50)
@given(cases(), st.integers(1, 4))
def test_blocks_of_rows_give_the_same(case, size):
    taxonomy, labels, _, proba = case
    blocks = (proba[start : start + size] for start in range(0, len(proba), size))
    wanted = coverage_curve(taxonomy, labels, proba)
    assert coverage_curve(taxonomy, labels, blocks).to_dict() == wanted.to_dict()


def test_on_one_level_the_area_is_the_known_one():
    flat = Taxonomy.from_paths([("A",), ("B",)])
    right = [True, False, True, True, False]
    proba = np.array([[p, 1 - p] for p in (0.95, 0.9, 0.8, 0.7, 0.6)])
    true = [("A",) if r else ("B",) for r in right]
    curve = coverage_curve(flat, true, proba)
    risks = [0, 1 / 2, 1 / 3, 1 / 4, 2 / 5]
    assert (curve.area, curve.full_area) == pytest.approx((np.mean(risks),) * 2)
    best = [0, 0, 0, 1 / 4, 2 / 5]
    assert (curve.area_excess, curve.full_area_excess) == pytest.approx((np.mean(risks) - np.mean(best),) * 2)


def test_equal_probabilities_are_answered_together():
    flat = Taxonomy.from_paths([("A",), ("B",)])
    curve = coverage_curve(flat, [("A",), ("B",)], [[0.6, 0.4]] * 2)
    assert (curve.threshold.tolist(), curve.accuracy.tolist()) == ([0.6], [0.5])
    assert (curve.area, curve.full_area) == (0.5, 0.5)


@settings(deadline=None, max_examples=50)
@given(cases(multi=SINGLE), st.sampled_from([0.0, 0.3]))
def test_another_order_of_nodes_is_climbed_by_the_same_rule(case, per_level):
    taxonomy, labels, _, proba = case
    true = [node_set(taxonomy, one) for one in labels]
    curve = coverage_curve(taxonomy, labels, proba, task="single", order=lambda p, below: p - per_level * below)
    for place, threshold in enumerate(curve.threshold):
        right = []
        for row, wanted in zip(proba, true, strict=True):
            path = best_path(taxonomy, row)
            values = [row[node] - per_level * (len(path) - i) for i, node in enumerate(path, 1)]
            reached = [node for node, value in zip(path, values, strict=True) if value >= threshold]
            right += [reached[-1] in wanted] if reached else []
        assert (curve.coverage[place], curve.accuracy[place]) == pytest.approx((len(right) / len(true), np.mean(right)))


def test_an_answer_above_the_true_end_is_right_and_one_below_is_wrong(shop):
    proba = [[0.9, 0.1, 0.5, 0.4]] * 2
    curve = coverage_curve(shop, [("Games", "Cards"), ("Games",)], proba)
    assert (curve.threshold.tolist(), curve.accuracy.tolist()) == ([0.9, 0.5], [1, 0])


def test_coverage_at_an_accuracy_takes_the_lowest_threshold_that_has_it(shop):
    proba = [[0.9, 0.1, 0.6, 0.3], [0.8, 0.2, 0.7, 0.1], [0.3, 0.7, 0.1, 0.2]]
    curve = coverage_curve(shop, [("Games", "Sports"), ("Games", "Cards"), ("Tools",)], proba)
    found = coverage_at(curve, 1.0)
    assert (found.threshold, found.accuracy, found.coverage) == (0.8, 1.0, pytest.approx(2 / 3))
    assert found.depth_share == pytest.approx((2 / 3, 0))
    assert found.missing_share == pytest.approx((0, 2 / 3))
    assert found.full_share == 0
    deeper = coverage_at(curve, 0.6)
    assert (deeper.threshold, deeper.full_share, deeper.coverage) == (0.6, 1, 1)
    assert deeper.reached_share == pytest.approx((1, 2 / 3))


def test_an_accuracy_that_is_never_reached_answers_nothing(shop):
    curve = coverage_curve(shop, [("Tools",)] * 2, [[0.9, 0.1, 0.6, 0.3]] * 2)
    found = coverage_at(curve, 0.5)
    assert (found.threshold, found.accuracy, found.coverage, found.depth_share) == (None, None, 0, (0, 0))
    json.dumps(found.to_dict(), allow_nan=False)


@settings(deadline=None, max_examples=50)
@given(cases(), st.floats(0.05, 1))
def test_coverage_at_is_the_largest_that_any_threshold_has(case, accuracy):
    taxonomy, labels, _, proba = case
    curve = coverage_curve(taxonomy, labels, proba)
    good = curve.coverage[curve.accuracy >= accuracy - 1e-12]
    assume(len(good))
    found = coverage_at(curve, accuracy)
    assert found.coverage == good.max()
    assert found.accuracy >= accuracy - 1e-12
    assert sum(found.depth_share) == pytest.approx(found.coverage)


@pytest.mark.parametrize("accuracy", [0, -0.5, 1.5, float("nan")])
def test_an_accuracy_outside_its_range_is_refused(shop, accuracy):
    curve = coverage_curve(shop, [("Tools",)], [[0.9, 0.1, 0.6, 0.3]])
    with pytest.raises(ConfigError, match="outside"):
        coverage_at(curve, accuracy)


def test_json_has_few_points_with_both_ends(shop):
    proba, true = random_coherent(shop, 500, 0)
    curve = coverage_curve(shop, true, proba)
    told = curve.to_dict(points=50)
    assert len(told["threshold"]) == len(told["depth_share"]) == 50
    assert (told["threshold"][0], told["threshold"][-1]) == (curve.threshold[0], curve.threshold[-1])
    assert told["area"] == curve.area
    json.dumps(told, allow_nan=False)


def test_several_paths_that_are_all_improbable_are_not_answered(shop):
    curve = coverage_curve(shop, [("Tools",)] * 3, np.zeros((3, len(shop))), task="multi")
    assert (len(curve.threshold), curve.area) == (0, 0)
    assert coverage_at(curve, 0.9).coverage == 0
    json.dumps(curve.to_dict())


def test_sure_models_cover_more_than_models_that_guess(shop):
    proba, true = random_coherent(shop, 2_000, 0)
    shuffled = np.random.default_rng(0).permutation(true)
    sure, guess = (coverage_at(coverage_curve(shop, labels, proba), 0.8) for labels in (true, shuffled))
    assert sure.coverage > 2 * guess.coverage
    deepest = [best_path(shop, row)[-1] for row in proba]
    curve = coverage_curve(shop, true, proba)
    assert (curve.full_share[-1], curve.accuracy[-1]) == (1, np.mean(deepest == true))


def test_unequal_numbers_of_texts_are_refused(shop):
    with pytest.raises(DataError, match="true: 1, node_proba: at least 2"):
        coverage_curve(shop, [("Tools",)], np.ones((2, len(shop))), task="multi")
