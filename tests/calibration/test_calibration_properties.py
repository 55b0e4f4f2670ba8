"""What holds for every calibration, however it was fitted: coherent, batch-independent, the same after JSON."""

import json

import numpy as np
import pytest
from calibration_cases import (
    generators,
    multi_proba,
    node_proba_of,
    probabilities,
    random_calibration,
    single_proba,
    slow_single,
    taxonomies,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from textaxa.calibration import METHODS, Calibration, calibration_from_dict
from textaxa.calibration._maps import Bent, Curve, Lines, changed
from textaxa.decoding import terminal_proba, top_paths
from textaxa.taxonomy import Taxonomy

TASKS = ("single", "multi")
FITTED = METHODS[1:]


def _below_their_parents(taxonomy, proba):
    for node in range(len(taxonomy)):
        for parent in taxonomy.parents.row(node).tolist():
            assert (proba[:, node] <= proba[:, parent]).all()


@settings(deadline=None, max_examples=60)
@given(taxonomies(), st.sampled_from(FITTED), st.sampled_from(TASKS), generators())
def test_results_are_coherent(taxonomy, method, task, generator):
    proba = probabilities(taxonomy, task, generator, 4)
    found = random_calibration(taxonomy, task, method, generator)(proba)
    assert found.dtype == np.float32
    assert found.shape == proba.shape
    assert ((found >= 0) & (found <= 1)).all()
    _below_their_parents(taxonomy, found)
    if task == "single":
        assert terminal_proba(taxonomy, found.astype(np.float64)).sum(axis=1) == pytest.approx(1, abs=1e-5)


@settings(deadline=None, max_examples=30)
@given(taxonomies(), st.sampled_from(FITTED), generators())
def test_children_and_ends_here_sum_to_their_parent(taxonomy, method, generator):
    assume(taxonomy.is_tree)
    calibration = random_calibration(taxonomy, "single", method, generator)
    proba = single_proba(taxonomy, generator, 3)
    found = calibration(proba).astype(np.float64)
    space = calibration.space
    ends = space.terminals(changed(calibration.map, space.levels, space.read(proba)))
    for node in np.flatnonzero(~taxonomy.is_leaf).tolist():
        end = ends[:, np.searchsorted(taxonomy.terminals, node)] if taxonomy.is_terminal[node] else 0.0
        assert found[:, taxonomy.children.row(node)].sum(axis=1) + end == pytest.approx(found[:, node], abs=2e-6)
    assert found[:, taxonomy.level(1)].sum(axis=1) == pytest.approx(1, abs=2e-6)


@settings(deadline=None, max_examples=60)
@given(taxonomies(), st.sampled_from(FITTED), st.sampled_from(TASKS), generators())
def test_a_row_alone_and_in_any_batch_gets_the_same_numbers(taxonomy, method, task, generator):
    calibration = random_calibration(taxonomy, task, method, generator)
    proba = probabilities(taxonomy, task, generator, 9)
    whole = calibration(proba)
    assert np.array_equal(np.vstack([calibration(proba[i : i + 1]) for i in range(9)]), whole)
    order = generator.permutation(9)
    assert np.array_equal(calibration(proba[order]), whole[order])
    assert np.array_equal(calibration(np.asfortranarray(proba)), whole)


def test_a_wide_taxonomy_gets_the_same_numbers_in_every_batch(monkeypatch):
    taxonomy = Taxonomy.from_paths([(f"a{i % 7}", f"b{i}") for i in range(150)])
    generator = np.random.default_rng(0)
    proba = single_proba(taxonomy, generator, 40)
    for method in FITTED:
        calibration = random_calibration(taxonomy, "single", method, generator)
        whole = calibration(proba)
        monkeypatch.setattr("textaxa.calibration._spaces._CHUNK", 1000)
        assert np.array_equal(calibration(proba), whole)
        monkeypatch.undo()
        assert np.array_equal(calibration(proba[17:18])[0], whole[17])


@settings(deadline=None, max_examples=100)
@given(taxonomies(), st.floats(0.05, 20), generators(), st.sampled_from([np.float32, np.float64]))
def test_a_temperature_never_changes_the_most_probable_path_with_ties_or_without(taxonomy, scale, generator, kind):
    proba = single_proba(taxonomy, generator, 4).astype(kind)
    n = len(taxonomy.terminals)
    even = np.repeat(1 / n, n)
    nearly = even + generator.integers(-2, 3, n) * 1e-8
    tied = np.vstack([even, nearly / nearly.sum(), np.round(generator.dirichlet(even * n), 1)])
    proba = np.vstack([proba, node_proba_of(taxonomy, tied).astype(kind), np.zeros((1, len(taxonomy)), kind)])
    found = Calibration(taxonomy, "single", "temperature", Lines(np.array([scale])))(proba)
    assert [row[0].node for row in top_paths(taxonomy, found)] == [row[0].node for row in top_paths(taxonomy, proba)]


@settings(deadline=None, max_examples=40)
@given(taxonomies(), st.floats(0.1, 5), generators())
def test_single_path_calibration_is_that_of_the_definition(taxonomy, scale, generator):
    assume(taxonomy.is_tree)
    exact = generator.dirichlet(np.full(len(taxonomy.terminals), 1.0), size=3) + 1e-3
    exact /= exact.sum(axis=1, keepdims=True)
    calibration = random_calibration(taxonomy, "single", "temperature-per-level", generator)
    calibration.map.scale[:] *= scale
    found = calibration(node_proba_of(taxonomy, exact))
    for row, of_terminals in zip(found, exact, strict=True):
        assert row == pytest.approx(slow_single(taxonomy, calibration.map, of_terminals), abs=1e-6)


def test_several_paths_calibration_is_that_of_the_definition():
    taxonomy = Taxonomy.from_paths([("A", "B"), ("A", "C"), ("D",)])
    ends = np.array([-20.0, 20.0])
    calibration = Calibration(
        taxonomy,
        "multi",
        "vector",
        Bent(tuple(Curve(ends, ends * scale) for scale in (0.5, 2.0)), np.array([0.1, 0, -0.3, 0])),
    )
    found = calibration([[0.8, 0.3, 0.4, 0.8]])[0]

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    a = sigmoid(0.5 * np.log(4) + 0.1)
    assert found[0] == pytest.approx(a, abs=1e-6)
    assert found[1] == pytest.approx(sigmoid(0.5 * np.log(3 / 7)), abs=1e-6)
    assert found[2] == pytest.approx(a * sigmoid(2 * 0 - 0.3), abs=1e-6)
    assert found[3] == pytest.approx(a, abs=1e-3)  # as sure as its parent


@settings(deadline=None, max_examples=60)
@given(taxonomies(), st.sampled_from(METHODS), st.sampled_from(TASKS), generators())
def test_json_gives_back_the_same_numbers(taxonomy, method, task, generator):
    calibration = (
        Calibration(taxonomy, task) if method == "none" else random_calibration(taxonomy, task, method, generator)
    )
    text = json.dumps(calibration.to_dict(), allow_nan=False)
    again = calibration_from_dict(taxonomy, json.loads(text))
    proba = probabilities(taxonomy, task, generator, 5)
    assert np.array_equal(again(proba), calibration(proba))
    assert json.dumps(again.to_dict()) == text


@settings(deadline=None, max_examples=40)
@given(taxonomies(), st.sampled_from(TASKS), generators())
def test_lines_that_change_nothing_change_nothing(taxonomy, task, generator):
    proba = probabilities(taxonomy, task, generator, 4)
    method = "temperature-per-level" if task == "single" else "temperature"
    calibration = Calibration(taxonomy, task, method)
    same = Calibration(taxonomy, task, method, Lines(np.ones(len(calibration.space.levels))))
    assert same(proba) == pytest.approx(proba, abs=1e-5)
    assert np.array_equal(calibration(proba), proba)


def test_multi_probabilities_of_the_cases_are_coherent():
    taxonomy = Taxonomy.from_paths([("A", "B"), ("C",)])
    _below_their_parents(taxonomy, multi_proba(taxonomy, np.random.default_rng(0), 50))
