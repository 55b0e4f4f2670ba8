"""Prediction sets and texts outside the taxonomy; evidence as JSON, also a hostile one."""

import json

import numpy as np
import pytest
from test_promise import TREE, texts

from textaxa.errors import ConfigError, DataError, ModelFileError
from textaxa.guarantee import (
    collect_evidence,
    evidence_from_dict,
    is_outside,
    outside_cut,
    prediction_sets,
    promise,
    set_cut,
)
from textaxa.taxonomy import Taxonomy


def test_sets_hold_the_truth_as_often_as_they_say():
    fresh, truth = texts(4000, 777)
    held = []
    for draw in range(60):
        cut = set_cut(collect_evidence(TREE, *texts(100, draw)[::-1], task="single", seed=draw), 0.8)
        sets = prediction_sets(TREE, fresh[draw * 60 : draw * 60 + 60], cut, task="single")
        for nodes, (true,) in zip(sets, truth[draw * 60 : draw * 60 + 60], strict=True):
            held.append(bool(set(nodes) & set(TREE.ancestors.row(true).tolist())))
    assert 0.8 - 0.02 < np.mean(held) < 0.86


def test_a_node_stands_for_all_terminals_below_it():
    proba = np.zeros((1, len(TREE)))
    shares = {("A", "x", "1"): 0.3, ("A", "x", "2"): 0.3, ("B", "x"): 0.25, ("C",): 0.1, ("A", "y"): 0.05}
    for path, share in shares.items():
        proba[0, TREE.ancestors.row(TREE.index(path))] += share
    (found,) = prediction_sets(TREE, proba, 0.2, task="single")
    assert [TREE.path(node) for node in found] == [("A", "x"), ("B", "x")]
    (found,) = prediction_sets(TREE, proba, 0.9, task="single")
    assert [TREE.path(node) for node in found] == [("A", "x", "1")], "never empty: the most probable one is in it"


def test_a_label_that_ends_at_an_inner_node_is_in_the_set_by_itself():
    taxonomy = Taxonomy.from_paths([("A",), ("A", "x"), ("A", "y"), ("B",)])
    proba = [[0.9, 0.1, 0.15, 0.05]]  # P(exactly A) = 0.7
    index = [taxonomy.nodes.index(path) for path in (("A",), ("B",), ("A", "x"), ("A", "y"))]
    proba = np.array(proba)[:, np.argsort(index)]
    cuts = {0.5: {("A",)}, 0.12: {("A",), ("A", "x")}, 0.07: {("A",), ("A", "x"), ("B",)}, 0.01: {("A",), ("B",)}}
    for cut, expected in cuts.items():
        (found,) = prediction_sets(taxonomy, proba, cut, task="single")
        assert {taxonomy.path(node) for node in found} == expected


@pytest.mark.parametrize("seed", range(20))
def test_a_set_is_never_empty_and_covers_what_was_chosen(seed):
    """On trees and DAGs of labels that may end anywhere, at any cut."""
    rng = np.random.default_rng(seed)
    paths = [("A",), ("A", "x"), ("A", "x", "1"), ("A", "y"), ("B", "x"), ("B",), ("C", "z"), ("C", "w", "2")]
    taxonomy = Taxonomy.from_paths([path for path in paths if rng.random() < 0.8] or paths)
    terminals = taxonomy.terminals
    exact = rng.dirichlet(np.full(len(terminals), 0.5), 30)
    proba = np.zeros((30, len(taxonomy)))
    for column, terminal in enumerate(terminals):
        proba[:, taxonomy.ancestors.row(terminal)] += exact[:, [column]]
    cut = float(rng.random()) / 2
    for nodes, row in zip(prediction_sets(taxonomy, proba, cut, task="single"), exact, strict=True):
        assert nodes
        chosen = {int(t) for t in terminals[row >= cut + 1e-9]} | {int(terminals[row.argmax()])}
        covered = {int(t) for t in terminals if set(taxonomy.ancestors.row(t).tolist()) & set(nodes)}
        assert chosen <= covered


def test_with_several_paths_a_set_holds_all_true_nodes():
    proba = np.array([[0.9, 0.2, 0.1, 0.8, 0.1, 0.05, 0.0, 0.7, 0.1, 0.0][: len(TREE)]])
    (found,) = prediction_sets(TREE, proba, 0.15, task="multi")
    closed = {a for node in found for a in TREE.ancestors.row(node).tolist()}
    assert closed >= set(np.flatnonzero(proba[0] >= 0.15).tolist())
    assert all(not (set(TREE.ancestors.row(a).tolist()) - {a}) & {b} for a in found for b in found if a != b)


def test_texts_that_belong_are_rarely_sent_away():
    fresh, _ = texts(4000, 778)
    alarms = []
    for draw in range(50):
        evidence = collect_evidence(TREE, *texts(200, draw)[::-1], task="single", seed=draw)
        alarms.append(is_outside(TREE, fresh, outside_cut(evidence, 0.1), task="single").mean())
    assert np.mean(alarms) <= 0.11
    unsure = np.zeros((1, len(TREE)))
    for terminal in TREE.terminals:
        unsure[0, TREE.ancestors.row(terminal)] += 1 / len(TREE.terminals)
    assert is_outside(TREE, unsure, outside_cut(evidence, 0.1), task="single").tolist() == [True]


def test_too_few_rows_are_told():
    evidence = collect_evidence(TREE, *texts(40, 0)[::-1], task="single")
    with pytest.raises(DataError, match="at least 99 held-out rows"):
        set_cut(evidence, 0.99)
    with pytest.raises(DataError, match="at least 99 held-out rows"):
        outside_cut(evidence, 0.01)
    assert set_cut(evidence, 5e-324) == evidence.truth[~evidence.tuning].max()  # 1 less it rounds to 1
    assert np.isfinite(outside_cut(evidence, 1 - 1e-16))
    with pytest.raises(DataError, match="more rows than exist"):
        outside_cut(evidence, 5e-324)
    for cut in (set_cut, outside_cut):
        with pytest.raises(ConfigError, match="between 0 and 1"):
            cut(evidence, 1.0)


@pytest.mark.parametrize("task", ["single", "multi"])
def test_evidence_comes_back_from_json_to_the_same_bits(task):
    proba, true = texts(80, 1)
    evidence = collect_evidence(TREE, true, proba.astype(np.float32), task=task)
    again = evidence_from_dict(TREE, json.loads(json.dumps(evidence.to_dict())))
    for name in ("tuning", "start", "node", "proba", "right", "surest", "truth"):
        np.testing.assert_array_equal(getattr(again, name), getattr(evidence, name))


@pytest.mark.parametrize(
    "change",
    [
        {"task": "other"},
        {"start": [0]},
        {"start": [1, 2]},
        {"node": [10**6]},
        {"node": [-1]},
        {"proba": ["0.5"]},
        {"proba": [7.0]},
        {"proba": [float("nan")]},
        {"right": [1]},
        {"tuning": None},
        {"surest": []},
        {"node": [10**30]},
        {"more": 1},
    ],
)
def test_hostile_evidence_is_refused(change):
    one = Taxonomy.from_paths([("A",)])
    stored = collect_evidence(one, [[0]], [[0.7]], task="single").to_dict()
    assert len(evidence_from_dict(one, stored)) == 1
    with pytest.raises(ModelFileError):
        evidence_from_dict(one, {**stored, **change})
    for other in (None, [], {}, "text"):
        with pytest.raises(ModelFileError):
            evidence_from_dict(one, other)


def test_large_held_out_sets_are_sampled(monkeypatch):
    monkeypatch.setattr("textaxa.guarantee._evidence.MOST_ROWS", 100)
    proba, true = texts(500, 2)
    evidence = collect_evidence(TREE, true, proba, task="single")
    assert len(evidence) == 100
    assert promise(TREE, evidence, 0.5).parts[0].rows == (~evidence.tuning).sum()


def test_one_class_and_no_rows():
    one = Taxonomy.from_paths([("A",)])
    evidence = collect_evidence(one, [[0]] * 100, np.ones((100, 1)), task="single")
    assert promise(one, evidence, 0.9).parts[0].answered == 75
    nothing = collect_evidence(one, [], np.ones((0, 1)), task="single")
    with pytest.raises(DataError, match="0 held-out rows"):
        promise(one, nothing, 0.9)
    with pytest.raises(DataError, match="node_proba has 1 rows"):
        collect_evidence(one, [], np.ones((1, 1)), task="single")
