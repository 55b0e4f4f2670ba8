import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_metrics import cases, mean, node_set
from slow_probabilities import (
    best_path,
    random_coherent,
    slow_bins,
    slow_ece,
    slow_level_answers,
    slow_losses,
    terminal_probabilities,
)

from textaxa.errors import ConfigError, DataError
from textaxa.evaluation import calibration_scores, evaluate_paths
from textaxa.evaluation._along import chains
from textaxa.evaluation._chance import Chance
from textaxa.taxonomy import Taxonomy

FLAT = Taxonomy.from_paths([("A",), ("B",), ("C",)])


@settings(deadline=None, max_examples=150)
@given(cases(), st.integers(1, 5), st.sampled_from(["mass", "width"]), st.booleans())
def test_every_number_equals_its_slow_version(case, bins, binning, leaves):
    taxonomy, labels, _, proba = case
    taxonomy = taxonomy.with_terminals("leaves") if leaves else taxonomy
    found = calibration_scores(taxonomy, labels, proba, bins=bins, binning=binning, n_resamples=5)
    true = [node_set(taxonomy, one) for one in labels]
    levels = {}
    for level in range(1, taxonomy.n_levels + 1):
        nodes = [slow_level_answers(taxonomy, row, level, found.task) for row in proba]
        pairs = [(row[n], n in t) for row, n, t in zip(proba, nodes, true, strict=True) if n is not None]
        if pairs:
            levels[level] = pairs
    assert [one.level for one in found.levels] == list(levels)
    for one in found.levels:
        pairs = levels[one.level]
        assert one.n == len(pairs)
        assert (one.ece, one.mce) == pytest.approx(slow_ece(pairs, bins, binning), abs=1e-9)
        for mine, group in zip(one.bins, slow_bins(pairs, bins, binning), strict=True):
            assert (mine.n, mine.accuracy) == pytest.approx((len(group), mean(r for _, r in group)))
            assert mine.confidence == pytest.approx(mean(p for p, _ in group))
            assert (mine.low, mine.high) == (min(group)[0], max(p for p, _ in group))
    losses = [slow_losses(taxonomy, row, t, found.task) for row, t in zip(proba, true, strict=True)]
    scored = [one for one in losses if one is not None]
    assert found.n_scored == len(scored)
    if scored:
        assert found.brier == pytest.approx(mean(b for b, _ in scored), abs=1e-9)
        assert found.log_loss == pytest.approx(mean(loss for _, loss in scored), abs=1e-6)
    else:
        assert np.isnan([found.brier, found.log_loss]).all()


@settings(deadline=None, max_examples=50)
@given(cases(multi=st.just(False)))
def test_the_calibration_of_whole_paths_is_that_of_the_best_terminal(case):
    taxonomy, labels, _, proba = case
    pairs = []
    for row, label in zip(proba, labels, strict=True):
        end = best_path(taxonomy, row)[-1]
        pairs.append((terminal_probabilities(taxonomy, row)[end], taxonomy.index(label[0]) == end))
    found = calibration_scores(taxonomy, labels, proba, bins=3, intervals=False, task="single")
    assert (found.path.ece, found.path.mce) == pytest.approx(slow_ece(pairs, 3), abs=1e-9)
    assert found.intervals is None
    assert found.path.interval is None
    assert calibration_scores(taxonomy, labels, proba, intervals=False, task="multi").path is None


@settings(deadline=None, max_examples=50)
@given(cases(), st.integers(1, 4))
def test_blocks_of_rows_give_the_same(case, size):
    taxonomy, labels, _, proba = case
    blocks = (proba[start : start + size] for start in range(0, len(proba), size))
    wanted = calibration_scores(taxonomy, labels, proba, n_resamples=5)
    found = calibration_scores(taxonomy, labels, blocks, n_resamples=5)
    assert json.dumps(found.to_dict()) == json.dumps(wanted.to_dict())


@settings(deadline=None, max_examples=30)
@given(cases())
def test_an_evaluation_tells_the_same_errors(case):
    taxonomy, labels, predicted, proba = case
    found = evaluate_paths(taxonomy, labels, predicted, node_proba=proba, n_resamples=5)
    assert found.calibration == calibration_scores(taxonomy, labels, proba).levels
    told = found.to_dict()
    assert [one["ece"] for one in told["calibration"]] == [one.ece for one in found.calibration]
    assert [tuple(one["ece"]) for one in told["intervals"]["calibration"]] == [o.interval for o in found.calibration]


@settings(deadline=None)
@given(cases())
def test_chains_are_canonical_paths(case):
    taxonomy = case[0]
    for node, row in enumerate(chains(taxonomy)):
        nodes = [int(n) for n in row if n >= 0]
        assert [taxonomy.names[n] for n in nodes] == list(taxonomy.path(node))
        assert (row[len(nodes) :] == -1).all()


def test_probabilities_that_are_true_have_an_interval_down_to_nothing():
    covered, plain = 0, []
    for seed in range(100):
        proba, true = random_coherent(FLAT, 300, seed)
        one = calibration_scores(FLAT, true, proba, n_resamples=1).levels[0]
        covered += one.interval[0] == 0
        plain.append(one.ece)
        assert one.ece_debiased < one.ece
        assert one.interval[0] <= one.ece_debiased <= one.interval[1]
    assert covered >= 92
    assert min(plain) > 0.02, "chance alone makes an error"


def test_the_interval_covers_the_true_error_of_overconfident_probabilities():
    def overconfident(proba):
        return proba**2 / (proba**2).sum(axis=1, keepdims=True)

    proba, _ = random_coherent(FLAT, 200_000, 1_000)
    told, best = overconfident(proba), proba.argmax(axis=1)
    gap = told.max(axis=1) - proba[np.arange(len(proba)), best]
    error = mean(abs(float(part.mean())) for part in np.array_split(gap[np.argsort(told.max(axis=1))], 15))
    covered = 0
    for seed in range(100):
        proba, true = random_coherent(FLAT, 600, seed)
        low, high = calibration_scores(FLAT, true, overconfident(proba), n_resamples=1).levels[0].interval
        covered += low <= error <= high
    assert error > 0.1
    assert 88 <= covered <= 100


def test_the_error_that_chance_makes_is_that_of_many_draws():
    weight, gap, deviation = np.array([0.5, 0.3, 0.2]), np.array([0.0, 0.1, 0.02]), np.array([0.05, 0.0, 0.03])
    drawn = np.random.default_rng(0).normal(2 * gap, deviation, size=(200_000, 3))
    errors = np.abs(drawn) @ weight
    chance = Chance(weight, gap, deviation)
    assert chance.ece(2, 0) == pytest.approx(errors.mean(), abs=2e-4)
    assert chance.ece(2, 1) - chance.ece(2, 0) == pytest.approx(errors.std(), rel=0.01)
    plain = float(weight @ gap)
    for error in (0.01, 0.05, 0.2):
        for deviations in (0.0, 1.96):
            assert chance.error_at(chance.ece(error / plain, deviations), deviations) == pytest.approx(error, abs=1e-6)
        observed = chance.ece(error / plain, -1.96)
        most = chance.error_at(observed, -1.96)
        assert most >= error - 1e-6
        assert chance.ece(most / plain * (1 + 1e-6), -1.96) >= observed
        assert all(chance.ece(more, -1.96) > observed for more in np.linspace(most / plain * 1.01, 20, 50))
    assert chance.error_at(chance.ece(0.0, 0.0) * 0.9, 0.0) == 0


def test_the_intervals_of_the_losses_are_those_of_means():
    proba, true = random_coherent(FLAT, 2_000, 0)
    found = calibration_scores(FLAT, true, proba)
    losses = -np.log(proba[np.arange(len(true)), true])
    half = 1.96 * losses.std() / np.sqrt(len(true))
    assert found.log_loss == pytest.approx(losses.mean())
    assert found.intervals["log_loss"] == pytest.approx((losses.mean() - half, losses.mean() + half), abs=half / 5)
    low, high = found.intervals["brier"]
    assert low < found.brier < high


def test_a_text_that_is_impossible_costs_much_but_not_everything():
    found = calibration_scores(FLAT, [("A",)], [[0.0, 1.0, 0.0]])
    assert found.log_loss == pytest.approx(-np.log(1.2e-7))
    assert found.brier == 2
    assert found.levels[0].ece == 1


def test_texts_whose_label_ends_at_no_terminal_are_not_scored():
    taxonomy = Taxonomy.from_paths([("A", "X"), ("A", "Y")])
    found = calibration_scores(taxonomy, [("A",)] * 3, [[1.0, 0.6, 0.4]] * 3)
    assert (found.n, found.n_scored) == (3, 0)
    assert found.to_dict()["log_loss"] is None
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("error", "told", "given"),
    [
        (ConfigError, "bins = 0", {"bins": 0}),
        (ConfigError, "binning is", {"binning": "even"}),
        (ConfigError, "n_resamples = 0", {"n_resamples": 0}),
        (ConfigError, "task is 'single'", {"task": "both"}),
        (DataError, "true: 2, node_proba: 1", {"node_proba": np.ones((1, 3))}),
        (DataError, "true: 2, node_proba: at least 3", {"node_proba": np.ones((3, 3))}),
        (DataError, "true: 2, node_proba: 1", {"node_proba": iter([np.ones((1, 3))])}),
        (DataError, "has the shape", {"node_proba": np.ones((2, 4))}),
        (DataError, "has the shape", {"node_proba": iter([np.ones(3)])}),
        (DataError, "not finite", {"node_proba": [[1.0, np.nan, 0.0]] * 2}),
        (DataError, "no texts", {"true": []}),
        (DataError, "Node numbers from 7", {"true": [7, 7]}),
        (DataError, "no whole number", {"true": [[0], ["A"]]}),
    ],
)
def test_what_cannot_be_scored_is_refused(error, told, given):
    wanted = {"true": [("A",), ("B",)], "node_proba": np.full((2, 3), 1 / 3)} | given
    with pytest.raises(error, match=told):
        calibration_scores(FLAT, wanted.pop("true"), wanted.pop("node_proba"), **wanted)


def test_a_single_path_task_has_single_paths():
    with pytest.raises(ConfigError, match="2 true paths"):
        calibration_scores(FLAT, [(("A",), ("B",))], [[0.5, 0.5, 0.0]], task="single")
