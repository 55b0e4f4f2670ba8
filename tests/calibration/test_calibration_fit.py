"""What a fit finds: known faults are repaired, gradients are right, the choice is as stated, few rows do no harm."""

import json
import subprocess
import sys

import numpy as np
import pytest
from calibration_cases import above, generators, node_proba_of, probabilities, single_proba, taxonomies
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from textaxa.calibration import AUTO, METHODS, Calibration, calibration_from_dict, fit_calibration
from textaxa.calibration._calibration import space_of
from textaxa.calibration._curves import Pool, _isotonic, _venn_abers
from textaxa.calibration._fit import _cross_validated, _folds, _simplest_of_the_best
from textaxa.calibration._lines import Problem
from textaxa.calibration._maps import log_odds
from textaxa.calibration._rows import SingleRows
from textaxa.calibration._told import closed, told_by_choices, told_by_ratios
from textaxa.calibration._vector import LOG_BENDS, ODDS_BENDS, BentProblem, parts_of
from textaxa.decoding import terminal_proba
from textaxa.errors import ConfigError, DataError
from textaxa.taxonomy import NodeRecord, Taxonomy

TREE = Taxonomy.from_paths(
    [("A",), ("A", "B"), ("A", "C"), ("A", "C", "D"), ("A", "C", "E"), ("F", "G"), ("F", "H"), ("F", "I"), ("J",)]
)
DAG = Taxonomy.from_records(
    [
        NodeRecord("a", (), "A"),
        NodeRecord("b", (), "B"),
        NodeRecord("c", ("a", "b"), "C"),
        NodeRecord("d", ("b",), "D", "", True),
        NodeRecord("e", ("d", "a"), "E"),
        NodeRecord("f", ("a",), "F"),
    ]
)


def _texts(taxonomy, n, generator, temperature):
    """True terminals' nodes, true P(exactly t), and P made too sure by a temperature below 1."""
    logits = generator.normal(0, 1.5, (n, len(taxonomy.terminals)))
    truth = _softmax(logits)
    drawn = (generator.random((n, 1)) < truth.cumsum(axis=1)).argmax(axis=1)
    return [[int(node)] for node in taxonomy.terminals[drawn]], truth, _softmax(logits / temperature)


def _softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def _loss(taxonomy, nodes, proba):
    exact = terminal_proba(taxonomy, proba.astype(np.float64))
    true = np.searchsorted(taxonomy.terminals, [node for [node] in nodes])
    return -np.log(np.maximum(exact[np.arange(len(true)), true], 1e-12)).mean()


@pytest.mark.parametrize("taxonomy", [TREE, DAG], ids=["tree", "dag"])
@pytest.mark.parametrize("method", METHODS[1:])
def test_scores_made_too_sure_by_a_temperature_are_repaired(taxonomy, method):
    generator = np.random.default_rng(1)
    nodes, _, sure = _texts(taxonomy, 2000, generator, 0.3)
    calibration = fit_calibration(taxonomy, nodes, node_proba_of(taxonomy, sure), task="single", method=method)
    nodes, truth, sure = _texts(taxonomy, 2000, generator, 0.3)
    before = _loss(taxonomy, nodes, node_proba_of(taxonomy, sure))
    best = _loss(taxonomy, nodes, node_proba_of(taxonomy, truth))
    after = _loss(taxonomy, nodes, calibration(node_proba_of(taxonomy, sure)))
    # One temperature is the truth here; the others act on decisions, and on these the fault is no temperature.
    assert after - best < (0.005 if method == "temperature" else 0.12) * (before - best)
    if method == "temperature":
        assert calibration.map.scale[0] == pytest.approx(0.3, abs=0.02)
    assert calibration.scores["none"] == pytest.approx(before, rel=0.15)
    assert calibration.scores[method] == pytest.approx(after, rel=0.1)


def test_a_temperature_of_each_level_is_found():
    generator = np.random.default_rng(2)
    space = space_of(TREE, "single", "vector")
    true_scores = np.log(_softmax(generator.normal(0, 1.5, (4000, space.n))))
    exact = space.terminals(true_scores)
    drawn = (generator.random((4000, 1)) < exact.cumsum(axis=1)).argmax(axis=1)
    scores = true_scores.copy()
    for options, scale in zip(space.levels, (3.0, 0.5, 2.0), strict=True):
        scores[:, options] *= scale
    nodes = [[int(node)] for node in TREE.terminals[drawn]]
    calibration = fit_calibration(TREE, nodes, space.write(scores), task="single", method="temperature-per-level")
    assert calibration.map.scale == pytest.approx([1 / 3, 2, 0.5], rel=0.2)
    chosen = fit_calibration(TREE, nodes, space.write(scores), task="single")
    assert chosen.method == "temperature-per-level"


def test_a_node_that_is_asked_for_too_often_is_shifted_down():
    generator = np.random.default_rng(3)
    taxonomy = Taxonomy.from_paths([("A",), ("B",), ("C",)])
    logits = generator.normal(0, 1, (3000, 3))
    truth, biased = _softmax(logits), _softmax(logits + np.array([2.0, 0, 0]))
    drawn = (generator.random((3000, 1)) < truth.cumsum(axis=1)).argmax(axis=1)
    nodes = [[int(i)] for i in drawn]
    calibration = fit_calibration(taxonomy, nodes, biased, task="single")
    assert calibration.method == "vector"
    assert calibration.map.shift[0] - calibration.map.shift[1:].mean() == pytest.approx(-2, abs=0.2)
    assert _loss(taxonomy, nodes, calibration(biased)) < _loss(taxonomy, nodes, truth) + 0.003


@pytest.mark.parametrize("taxonomy", [TREE, DAG], ids=["tree", "dag"])
@pytest.mark.parametrize("method", [*METHODS[1:], AUTO])
def test_several_paths_made_too_sure_are_repaired(taxonomy, method):
    generator = np.random.default_rng(4)

    def texts():
        odds = generator.normal(-0.5, 1.5, (2500, len(taxonomy)))
        space = space_of(taxonomy, "multi", "vector")
        drawn = generator.random(odds.shape) < 1 / (1 + np.exp(-odds))
        for node in range(len(taxonomy)):
            for parent in taxonomy.parents.row(node).tolist():
                drawn[:, node] &= drawn[:, parent]
        return [np.flatnonzero(row).tolist() for row in drawn], space.write(3 * odds)

    nodes, sure = texts()
    calibration = fit_calibration(taxonomy, nodes, sure, task="multi", method=method)
    nodes, sure = texts()
    truth = closed(taxonomy, nodes)

    def loss(proba):
        return -np.log(np.clip(np.where(truth, proba, 1 - proba.astype(float)), 1e-12, 1)).mean()

    assert loss(calibration(sure)) < 0.75 * loss(sure)
    assert calibration.scores["none"] == pytest.approx(loss(sure), rel=0.1)


@settings(deadline=None, max_examples=40)
@given(taxonomies(), st.sampled_from(["single", "multi"]), generators(), st.integers(1, 3))
def test_gradients_are_those_of_the_loss(taxonomy, task, generator, parts):
    proba = probabilities(taxonomy, task, generator, 6)
    space = space_of(taxonomy, task, "vector")
    if task == "single":
        told = told_by_choices(space, generator.integers(0, len(taxonomy.terminals), 6), proba)
    else:
        told = told_by_ratios(
            space, closed(taxonomy, [generator.integers(0, len(taxonomy), 2) for _ in range(6)]), proba
        )
    for one, options in zip(told, space.levels, strict=True):
        own = type(one)(one.score, one.option - options.start, one.row, one.true, one.starts)
        if parts < 3:
            problem, theta = Problem(own, 0.2, 0.5), np.array([generator.normal(), -8.1234567])[:parts]
        else:
            bends = np.array(LOG_BENDS if task == "single" else ODDS_BENDS)
            problem = BentProblem(own, parts_of(own.score, bends), 0.2, space.shifted[options], 0.3)
            theta = generator.normal(size=len(bends) + options.stop - options.start)
        value, gradient = problem(theta)
        assert np.isfinite(value)
        assert gradient == pytest.approx(approx_fprime(theta, lambda x: problem(x)[0], 1e-6), abs=2e-3, rel=1e-3)  # noqa: B023


@settings(deadline=None, max_examples=40)
@given(taxonomies(), generators())
def test_the_decisions_of_rows_are_those_of_a_walk_down(taxonomy, generator):
    """The losses of the decisions add up to the loss of the terminal, on trees and DAGs."""
    proba = single_proba(taxonomy, generator, 7)
    terminal = generator.integers(0, len(taxonomy.terminals), 7)
    space = space_of(taxonomy, "single", "vector")
    told = told_by_choices(space, terminal, proba)
    losses = sum(one.losses_by_row(one.score, 7) for one in told)
    exact = np.maximum(terminal_proba(taxonomy, proba.astype(np.float64))[np.arange(7), terminal], 1e-12)
    assert losses == pytest.approx(-np.log(exact), abs=1e-6)
    kept = np.arange(7) % 2 == 0
    assert sum(one.of(kept).losses_by_row(one.of(kept).score, 7) for one in told) == pytest.approx(losses * kept)


@settings(deadline=None, max_examples=40)
@given(taxonomies(), generators())
def test_nodes_are_asked_for_below_true_parents(taxonomy, generator):
    proba = probabilities(taxonomy, "multi", generator, 5)
    nodes = [generator.integers(0, len(taxonomy), 2).tolist() for _ in range(5)]
    told = told_by_ratios(space_of(taxonomy, "multi", "vector"), closed(taxonomy, nodes), proba)
    found = {
        (row, node): true
        for one in told
        for row, node, true in zip(one.row.tolist(), one.option.tolist(), one.true.tolist(), strict=True)
    }
    for row in range(5):
        true = set().union(*(above(taxonomy, node) for node in nodes[row]))
        for node in range(len(taxonomy)):
            parents = taxonomy.parents.row(node).tolist()
            least = min((proba[row, parent] for parent in parents), default=None)
            asked = not parents or any(proba[row, p] == least and p in true for p in parents)
            assert ((row, node) in found) == asked
            assert not asked or found[row, node] == (node in true)


def test_venn_abers_and_isotonic_curves_against_their_definitions():
    generator = np.random.default_rng(5)
    x = np.sort(generator.normal(size=8))
    count = generator.integers(1, 6, 8).astype(float)
    true = np.array([generator.integers(0, c + 1) for c in count], dtype=float)
    _, found = _venn_abers(Pool(x, count, true))
    for i in range(8):
        p = {}
        for added in (0, 1):
            entries = [(x[j], y) for j in range(8) for y in [1] * int(true[j]) + [0] * int(count[j] - true[j])]
            p[added] = _slow_isotonic([*entries, (x[i], added)])[x[i]]
        assert found[i] == pytest.approx(p[1] / (1 - p[0] + p[1]))
    knots, proba = _isotonic(Pool(x, count, true))
    entries = [(x[j], y) for j in range(8) for y in [1] * int(true[j]) + [0] * int(count[j] - true[j])]
    slow = _slow_isotonic([*entries, (x[0], 1), (x[-1], 0)])
    assert np.interp(x, knots, proba) == pytest.approx([slow[value] for value in x])


def _slow_isotonic(entries):
    """Max-min formula of isotonic regression over pooled equal scores."""
    scores = sorted({score for score, _ in entries})
    values = {}
    for i, score in enumerate(scores):
        values[score] = max(
            min(np.mean([y for s, y in entries if scores[low] <= s <= scores[high]]) for high in range(i, len(scores)))
            for low in range(i + 1)
        )
    return values


def test_log_odds_of_logarithms():
    assert log_odds(np.log([0.5, 0.9, 1e-5])) == pytest.approx([0, np.log(9), np.log(1e-5 / (1 - 1e-5))])
    assert abs(log_odds(np.array([0.0, -1e-30, -100.0]))) == pytest.approx(np.log(1e12), rel=1e-6)


def test_a_more_flexible_method_must_win_by_a_standard_error():
    generator = np.random.default_rng(6)
    base = generator.exponential(1, 400)
    noise = generator.normal(0, 1, 400)
    noise -= noise.mean()
    error = noise.std(ddof=1) / 20

    def losses(gain):
        return {"none": base, "temperature": base - noise - gain * error}

    assert _simplest_of_the_best(losses(1.1)) == "temperature"
    assert _simplest_of_the_best(losses(0.9)) == "none"
    better = {"none": base, "temperature": base - 0.2, "vector": base - 0.2 - noise - 0.5 * error}
    assert _simplest_of_the_best(better) == "temperature"


def test_auto_takes_the_simplest_of_the_cross_validated_best_and_again_the_same():
    generator = np.random.default_rng(7)
    nodes, _, sure = _texts(TREE, 400, generator, 0.4)
    proba = node_proba_of(TREE, sure)
    found = fit_calibration(TREE, nodes, proba, task="single", seed=3)
    terminal = np.searchsorted(TREE.terminals, [node for [node] in nodes])
    losses, _ = _cross_validated(SingleRows(TREE, terminal, proba, 3), METHODS, _folds(400, 3))
    assert found.method == _simplest_of_the_best(losses) != "none"
    assert found.scores == {name: pytest.approx(loss.mean()) for name, loss in losses.items()}
    assert found.scores[found.method] < found.scores["none"]
    again = fit_calibration(TREE, nodes, proba, task="single", seed=3)
    assert again.to_dict() == found.to_dict()
    assert found.rows == 400


def test_probabilities_that_are_right_stay_as_they_are():
    generator = np.random.default_rng(8)
    nodes, truth, _ = _texts(TREE, 1500, generator, 1.0)
    proba = node_proba_of(TREE, truth)
    assert fit_calibration(TREE, nodes, proba, task="single").method == "none"
    one = fit_calibration(TREE, nodes, proba, task="single", method="temperature")
    assert one.map.scale[0] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("method", METHODS)
def test_a_truth_of_probability_zero_costs_something_finite(method):
    taxonomy = Taxonomy.from_paths([("A",), ("B",), ("C",)])
    proba = np.array([[0.9, 0.1, 0.0]] * 58 + [[0.5, 0.5, 0.0]] * 2)
    nodes = [[0]] * 52 + [[1]] * 6 + [[2]] * 2
    calibration = fit_calibration(taxonomy, nodes, proba, task="single", method=method)
    assert np.isfinite(list(calibration.scores.values())).all()
    if method in ("temperature-per-level", "vector", "isotonic", "venn-abers"):
        assert 0.01 < calibration(proba)[0, 2] < 0.1  # it was true twice in 60
    nodes = [[0, 1]] * 30 + [[2]] * 30
    sure = np.array([[1.0, 1.0, 0.0]] * 30 + [[1.0, 0.0, 0.0]] * 30)
    calibration = fit_calibration(taxonomy, nodes, sure, task="multi", method=method)
    assert np.isfinite(list(calibration.scores.values())).all()


@pytest.mark.parametrize("n", [0, 1, 2, 7, 25])
@pytest.mark.parametrize("method", [*METHODS, AUTO])
@settings(deadline=None, max_examples=4)
@given(taxonomy=taxonomies(), generator=generators())
def test_few_rows_do_no_harm(n, method, taxonomy, generator):
    for task in ("single", "multi"):
        proba = probabilities(taxonomy, task, generator, n)
        some = generator.choice(taxonomy.terminals, n) if n % 2 else np.repeat(taxonomy.terminals[:1], n)
        calibration = fit_calibration(taxonomy, [[int(node)] for node in some], proba, task=task, method=method)
        found = calibration(probabilities(taxonomy, task, generator, 4))
        assert np.isfinite(found).all()
        if n < 20 and method == AUTO:
            assert calibration.method == "none"
        if n == 0:
            assert calibration.to_dict() == Calibration(taxonomy, task).to_dict()


@pytest.mark.parametrize("task", ["single", "multi"])
@pytest.mark.parametrize("method", METHODS)
@settings(deadline=None, max_examples=8)
@given(taxonomy=taxonomies(), generator=generators())
def test_what_was_fitted_can_be_stored(method, task, taxonomy, generator):
    proba = probabilities(taxonomy, task, generator, 40)
    nodes = [[int(node)] for node in generator.choice(taxonomy.terminals, 40)]
    calibration = fit_calibration(taxonomy, nodes, proba, task=task, method=method)
    again = calibration_from_dict(taxonomy, json.loads(json.dumps(calibration.to_dict(), allow_nan=False)))
    assert np.array_equal(again(proba), calibration(proba))


def test_a_handful_of_right_answers_does_not_make_everything_certain():
    taxonomy = Taxonomy.from_paths([("A",), ("B",)])
    for method in METHODS[1:]:
        calibration = fit_calibration(taxonomy, [[0]] * 5, [[0.7, 0.3]] * 5, task="single", method=method)
        assert calibration([[0.7, 0.3]])[0, 0] < 0.95, method


def test_a_level_that_nobody_reached_keeps_its_order():
    taxonomy = Taxonomy.from_paths([("A", "B"), ("A", "C"), ("D",)])
    proba = np.array([[0.2, 0.8, 0.15, 0.05]] * 60)
    for method in METHODS[1:]:
        calibration = fit_calibration(taxonomy, [[1]] * 60, proba, task="single", method=method)
        found = calibration(proba[:1])[0]
        assert found[1] > 0.8
        assert found[2] > found[3] > 0


def test_one_child_chains_and_one_class():
    for paths in ([("A", "B", "C")], [("A",)]):
        taxonomy = Taxonomy.from_paths(paths)
        for task in ("single", "multi"):
            for method in (*METHODS, AUTO):
                proba = np.ones((30, len(taxonomy)))
                calibration = fit_calibration(taxonomy, [[len(taxonomy) - 1]] * 30, proba, task=task, method=method)
                # A curve says of 30 answers that were all right that the next is right 31 times of 32, level by level.
                assert (calibration(proba) > (0.9 if task == "multi" else 0.999)).all()


def test_ancestors_may_be_given_too():
    generator = np.random.default_rng(9)
    nodes, _, sure = _texts(TREE, 100, generator, 0.4)
    proba = node_proba_of(TREE, sure)
    with_ancestors = [TREE.ancestors.row(node).tolist() for [node] in nodes]
    plain = fit_calibration(TREE, nodes, proba, task="single", method="vector")
    assert fit_calibration(TREE, with_ancestors, proba, task="single", method="vector").to_dict() == plain.to_dict()


def test_of_very_many_options_a_part_of_the_rows_is_drawn(monkeypatch):
    monkeypatch.setattr("textaxa.calibration._rows._MOST_OPTIONS", 2000)
    monkeypatch.setattr("textaxa.calibration._rows._FEWEST", 50)
    generator = np.random.default_rng(10)
    nodes, _, sure = _texts(TREE, 300, generator, 0.4)
    calibration = fit_calibration(TREE, nodes, node_proba_of(TREE, sure), task="single")
    assert calibration.rows == 2000 // (3 + 3 + 2 + 1)  # the widest decision of each level
    assert calibration.scores[calibration.method] < calibration.scores["none"]
    calibration = fit_calibration(TREE, nodes, node_proba_of(TREE, sure), task="single", method="temperature")
    assert calibration.map.scale[0] == pytest.approx(0.4, abs=0.1)
    truth = [TREE.ancestors.row(node).tolist() for [node] in nodes]
    several = fit_calibration(TREE, truth, node_proba_of(TREE, sure), task="multi", method="vector")
    assert several.rows == 2000 // len(TREE)


@pytest.mark.parametrize(
    ("nodes", "proba", "told"),
    [
        ([[0]], [[1.0, 0.0, 0.0]] * 2, "1 texts"),
        ([[7]], [[1.0, 0.0, 0.0]], "true node 7"),
        ([[-1]], [[1.0, 0.0, 0.0]], "true node -1"),
        ([[]], [[1.0, 0.0, 0.0]], "no path"),
        ([[1, 2]], [[1.0, 0.0, 0.0]], "several paths"),
        ([[0]], [[1.0, 0.0, 0.0]], "lets no label end"),
        ([[1]], [[1.0, 0.0]], "3 nodes"),
        ([[1]], [[1.0, np.nan, 0.0]], "not finite"),
    ],
)
def test_rows_that_cannot_be_used_are_data_errors(nodes, proba, told):
    taxonomy = Taxonomy.from_paths([("A", "B"), ("C",)])
    with pytest.raises(DataError, match=told):
        fit_calibration(taxonomy, nodes, proba, task="single")


def test_unknown_methods_and_tasks_are_setting_errors():
    with pytest.raises(ConfigError, match="Did you mean 'isotonic'"):
        fit_calibration(TREE, [], np.empty((0, len(TREE))), task="single", method="isotone")
    with pytest.raises(ConfigError, match="multi"):
        fit_calibration(TREE, [], np.empty((0, len(TREE))), task="several")


def test_applying_needs_numpy_alone():
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['scipy', 'sklearn', 'torch', 'pandas']));"
        "from textaxa.calibration import calibration_from_dict; from textaxa.taxonomy import Taxonomy;"
        "t = Taxonomy.from_paths([('A',), ('B',)]);"
        "d = {'format': 'textaxa-calibration', 'version': 1, 'task': 'single', 'rows': 1, 'scores': {}};"
        "curve = {'x': [-27, 27], 'y': [-20, 20]};"
        "print([calibration_from_dict(t, {**d, **m})([[0.9, 0.1]]).tolist() for m in ("
        "{'method': 'vector', 'curves': [curve], 'shift': [0, 1]},"
        "{'method': 'isotonic', 'curves': [curve]})])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "[[[0.6519" in done.stdout  # (0.9 / 0.1) ** (20 / 27) against e
