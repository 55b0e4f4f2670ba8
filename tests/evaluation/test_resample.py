import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_metrics import cases, slow_metrics

from textaxa.errors import ConfigError, DataError
from textaxa.evaluation import _compare, _resample, evaluate_paths, paired_test
from textaxa.evaluation._evaluate import statistics_of
from textaxa.taxonomy import Taxonomy


@pytest.fixture
def shop():
    return Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",), ("Tools", "Clocks")])


def answers(taxonomy, n, share_right, seed):
    """Random true leaves, and predictions of which about a share is right."""
    generator = np.random.default_rng(seed)
    leaves = [taxonomy.path(int(i)) for i in np.flatnonzero(taxonomy.is_leaf)]
    true = [leaves[i] for i in generator.integers(0, len(leaves), n)]
    other = [leaves[i] for i in generator.integers(0, len(leaves), n)]
    right = generator.random(n) < share_right
    return true, [t if r else o for t, o, r in zip(true, other, right, strict=True)]


@settings(deadline=None, max_examples=100)
@given(cases(), st.integers(0, 100))
def test_a_resample_has_the_metrics_of_its_texts(case, seed):
    taxonomy, true, predicted, node_proba = case
    systems = statistics_of(taxonomy, true, {"predicted": (predicted, node_proba)})
    (found,) = _resample.bootstrap(systems, seed=seed, n_resamples=3, with_macro=True, with_area=True)
    (draws,) = _resample.drawn_texts(len(true), seed=seed, n_resamples=3)
    for i, drawn in enumerate(draws):
        wanted = slow_metrics(taxonomy, [true[j] for j in drawn], [predicted[j] for j in drawn], node_proba[drawn])
        for name, value in wanted.items():
            # The nodes with support are those of the whole sample where all nodes are averaged.
            if not name.endswith("macro_f1_all") and name != "nodes.macro_f1":
                assert found[name][i] == pytest.approx(value, abs=1e-12), name


def test_the_mean_over_all_nodes_keeps_its_share_of_supported_nodes(shop):
    true, predicted = answers(shop, 30, 0.7, 0)
    systems = statistics_of(shop, true, {"predicted": (predicted, None)})
    (found,) = _resample.bootstrap(systems, seed=0, n_resamples=20, with_macro=True, with_area=False)
    np.testing.assert_allclose(
        found["nodes.macro_f1"], found["nodes.macro_f1_supported"] * len({*true, *_tops(true)}) / 5
    )


def _tops(paths):
    return {path[:1] for path in paths}


@settings(deadline=None, max_examples=50)
@given(cases())
def test_small_chunks_give_the_same_intervals(case):
    taxonomy, true, predicted, node_proba = case
    wanted = evaluate_paths(taxonomy, true, predicted, node_proba=node_proba, n_resamples=7)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_resample, "CHUNK", 1)
        found = evaluate_paths(taxonomy, true, predicted, node_proba=node_proba, n_resamples=7)
    assert found.intervals.keys() == wanted.intervals.keys()
    for name, ends in wanted.intervals.items():
        assert found.intervals[name] == pytest.approx(ends, abs=1e-12), name


@settings(deadline=None, max_examples=50)
@given(cases())
def test_every_metric_has_an_interval_of_numbers_in_order(case):
    taxonomy, true, predicted, node_proba = case
    found = evaluate_paths(taxonomy, true, predicted, node_proba=node_proba, n_resamples=40)
    assert found.intervals.keys() >= found.values().keys()
    for name, (low, high) in found.intervals.items():
        assert low <= high, name
        if "macro" in name:
            assert low - 1e-12 <= found.values()[name] <= high + 1e-12, name


def test_the_interval_of_a_share_is_that_of_the_normal_approximation(shop):
    true, predicted = answers(shop, 4000, 0.7, 1)
    found = evaluate_paths(shop, true, predicted, n_resamples=2000)
    low, high = found.intervals["path_accuracy"]
    p = found.path_accuracy
    half = 1.96 * np.sqrt(p * (1 - p) / 4000)
    assert (low, high) == pytest.approx((p - half, p + half), abs=half / 8)


def test_intervals_cover_the_value_of_the_population_about_95_times_in_100(shop):
    true, predicted = answers(shop, 40_000, 0.6, 2)
    whole = evaluate_paths(shop, true, predicted, intervals=False).values()
    names = ("path_accuracy", "hierarchical.f1", "nodes.macro_f1_supported", "mistake_severity")
    covered = dict.fromkeys(names, 0)
    generator = np.random.default_rng(3)
    for _ in range(200):
        some = generator.integers(0, len(true), 150)
        found = evaluate_paths(shop, [true[i] for i in some], [predicted[i] for i in some], n_resamples=200)
        for name in names:
            low, high = found.intervals[name]
            covered[name] += low <= whole[name] <= high
    assert all(178 <= count <= 199 for count in covered.values()), covered


def test_rare_nodes_do_not_push_the_macro_interval_off_its_value():
    taxonomy = Taxonomy.from_paths([(f"n{i}",) for i in range(60)])
    true = [(f"n{i}",) for i in range(50)] + [("n0",)] * 50
    found = evaluate_paths(taxonomy, true, true, n_resamples=200)
    assert found.nodes.macro_f1 == pytest.approx(50 / 60)
    low, high = found.intervals["nodes.macro_f1"]
    assert low - 1e-9 <= 50 / 60 <= high + 1e-9


def test_the_seed_settles_the_intervals(shop):
    true, predicted = answers(shop, 200, 0.7, 4)
    runs = [evaluate_paths(shop, true, predicted, seed=seed, n_resamples=50).intervals for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]


def test_global_random_state_is_left_alone(shop):
    true, predicted = answers(shop, 20, 0.7, 4)
    before = np.random.get_state()[1].tolist()
    evaluate_paths(shop, true, predicted, n_resamples=5)
    assert np.random.get_state()[1].tolist() == before


@settings(deadline=None, max_examples=100)
@given(cases(), st.data())
def test_exchanging_answers_gives_the_metrics_of_the_exchanged_systems(case, data):
    taxonomy, true, predicted, node_proba = case
    order = data.draw(st.permutations(range(len(true))))
    other, other_proba = [predicted[i] for i in order], node_proba[list(order)]
    a, b = statistics_of(taxonomy, true, {"a": (predicted, node_proba), "b": (other, other_proba)})
    change = _compare._exchange(a, b, _compare._differing([a], [b]))
    if not len(change.columns):
        return
    weights = np.ones((1, len(change.columns)))
    a_sums, a_nodes = a.totals()
    b_sums, b_nodes = b.totals()
    np.testing.assert_allclose(a_sums + weights @ change.columns, b_sums, atol=1e-12)
    np.testing.assert_allclose(a_nodes + change.node_sums(weights), b_nodes, atol=1e-12)


@pytest.mark.parametrize("metric", ["path_accuracy", "hierarchical.f1", "levels.2.macro_f1", "mistake_severity"])
def test_a_clear_difference_is_found_and_a_small_one_is_not(shop, metric):
    true, good = answers(shop, 400, 0.9, 5)
    _, bad = answers(shop, 400, 0.5, 5)
    found = paired_test(shop, true, good, bad, metric, n_resamples=300)
    sign = -1 if metric == "mistake_severity" else 1
    assert sign * found.difference > 0
    assert found.p == pytest.approx(1 / 301)
    low, high = found.interval
    assert low <= found.difference <= high
    assert low > 0 or high < 0
    almost = [*good[:-1], ("Tools",)]
    small = paired_test(shop, true, good, almost, metric, n_resamples=300)
    assert small.p > 0.4
    assert small.interval[0] <= 0 <= small.interval[1]


def test_p_is_exact_where_it_can_be_counted(shop):
    # Six texts that only A has right: of the 64 exchanges two (all, none) give as large a difference.
    true = [("Tools", "Clocks")] * 6
    found = paired_test(shop, true, true, [("Games", "Sports")] * 6, n_resamples=20_000)
    assert found.p == pytest.approx(2 / 64, abs=0.005)


def test_p_values_of_equal_systems_are_even(shop):
    p_values = []
    for seed in range(100):
        true, a = answers(shop, 60, 0.6, seed)
        _, b = answers(shop, 60, 0.3, seed + 1000)
        # Whose answer is whose is tossed up for every text, so neither system is the better one.
        swapped = np.random.default_rng(seed + 2000).random(60) < 0.5
        a, b = ([y if s else x for x, y, s in zip(*sides, swapped, strict=True)] for sides in ((a, b), (b, a)))
        p_values.append(paired_test(shop, true, a, b, "hierarchical.f1", seed=seed, n_resamples=100).p)
    assert sum(p < 0.05 for p in p_values) <= 12
    assert 0.3 < np.mean(p_values) < 0.75


def test_the_same_answers_differ_in_nothing(shop):
    true, predicted = answers(shop, 50, 0.6, 6)
    found = paired_test(shop, true, predicted, predicted)
    assert (found.difference, found.interval, found.p, found.n) == (0, (0, 0), 1, 50)


def test_the_area_can_be_compared(shop):
    true, _ = answers(shop, 100, 1, 7)
    generator = np.random.default_rng(0)
    noise = generator.random((100, len(shop)))
    good = noise / 2
    for row, path in zip(good, true, strict=True):
        row[[shop.index(path[: i + 1]) for i in range(len(path))]] = 0.9
    found = paired_test(shop, true, true, true, "hierarchical.f1_auc", node_proba_a=good, node_proba_b=noise)
    assert found.a == 1
    assert found.p < 0.01
    assert found.to_dict()["interval"] == list(found.interval)


def test_an_unknown_metric_is_refused_with_the_nearest(shop):
    with pytest.raises(ConfigError, match=r"Did you mean 'path_accuracy'"):
        paired_test(shop, [("Tools",)], [("Tools",)], [("Tools",)], "path_acuracy")
    with pytest.raises(ConfigError, match="needs node_proba_a and node_proba_b"):
        paired_test(shop, [("Tools",)], [("Tools",)], [("Tools",)], "hierarchical.f1_auc")
    with pytest.raises(ConfigError, match="not defined here"):
        paired_test(shop, [("Tools",)], [("Tools",)], [("Tools",)], "levels.2.accuracy")
    with pytest.raises(ConfigError, match="n_resamples = 0"):
        evaluate_paths(shop, [("Tools",)], [("Tools",)], n_resamples=0)
    with pytest.raises(DataError, match="predicted_b: 2"):
        paired_test(shop, [("Tools",)], [("Tools",)], [("Tools",)] * 2)
