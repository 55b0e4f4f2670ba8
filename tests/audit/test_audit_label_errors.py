"""Likely label errors: planted ones are found, the score is what it says, and odd tables do no harm."""

import math

import numpy as np
import pytest
from audit_cases import DAG, TREE, node_lists, node_proba, scored

from textaxa.audit import label_errors
from textaxa.audit._label_errors import suspects_of
from textaxa.audit._levels import Decisions
from textaxa.audit._neighbours import NEIGHBOURS, Neighbours
from textaxa.errors import DataError
from textaxa.taxonomy import Taxonomy


def _slow_calibrated(taxonomy: Taxonomy, row: np.ndarray, temperatures: list[float]) -> np.ndarray:
    """Give P(terminal) of one text with every level at its temperature, choice by choice down the canonical paths."""
    paths = [taxonomy.path(int(node)) for node in taxonomy.terminals]
    found = np.ones(len(paths))
    for column, path in enumerate(paths):
        for level, temperature in enumerate(temperatures):
            if level > len(path):
                break
            options: dict[tuple, float] = {}
            for other, p in zip(paths, row, strict=True):
                if other[:level] == path[:level]:
                    key = other[: level + 1] if len(other) > level else "ends"
                    options[key] = options.get(key, 0.0) + p
            total = sum(options.values())
            weights = {key: (mass / total) ** (1 / temperature) for key, mass in options.items()}
            mine = path[: level + 1] if len(path) > level else "ends"
            found[column] *= weights[mine] / sum(weights.values())
    return found


@pytest.mark.parametrize("taxonomy", [TREE, DAG], ids=["tree", "dag"])
def test_levels_at_temperatures_equal_a_slow_transcription(taxonomy):
    _, proba = scored(taxonomy, 12)
    temperatures = [2.0, 0.5, 3.0][: taxonomy.n_levels]
    decisions = Decisions(taxonomy)
    fast = np.exp(decisions.calibrated(proba[:, decisions.order], temperatures))[:, decisions.place]
    slow = np.array([_slow_calibrated(taxonomy, row, temperatures) for row in proba])
    np.testing.assert_allclose(fast, slow, rtol=1e-9)
    np.testing.assert_allclose(fast.sum(axis=1), 1.0)


@pytest.mark.parametrize("taxonomy", [TREE, DAG], ids=["tree", "dag"])
def test_at_temperature_one_nothing_changes(taxonomy):
    _, proba = scored(taxonomy, 5)
    decisions = Decisions(taxonomy)
    same = np.exp(decisions.calibrated(proba[:, decisions.order], [1.0] * taxonomy.n_levels))[:, decisions.place]
    np.testing.assert_allclose(same, proba, rtol=1e-9)


def test_a_level_that_is_too_sure_is_cooled_and_the_other_one_is_left():
    rng = np.random.default_rng(0)
    taxonomy = Taxonomy.from_paths([(a, b) for a in "ABC" for b in "xyz"])
    top, leaf = (rng.dirichlet(np.ones(3), 4000) for _ in range(2))
    given = np.array([rng.choice(3, p=p) * 3 + rng.choice(3, p=q) for p, q in zip(top, leaf, strict=True)])
    too_sure = top**3 / (top**3).sum(axis=1, keepdims=True)
    proba = (too_sure[:, :, None] * leaf[:, None, :]).reshape(-1, 9)
    decisions = Decisions(taxonomy)
    found = decisions.temperatures(proba[:, decisions.order], decisions.place[given])
    assert found[0] == pytest.approx(3.0, rel=0.15)
    assert found[1] == pytest.approx(1.0, rel=0.15)


def test_the_score_is_what_it_says():
    true, proba = scored(TREE, 60, sharp=2.0)
    suspects = suspects_of(TREE, node_lists(TREE, true), node_proba(TREE, proba))
    decisions = Decisions(TREE)
    temperatures = decisions.temperatures(proba[:, decisions.order], decisions.place[true])
    calibrated = np.array([_slow_calibrated(TREE, row, temperatures) for row in proba])
    own = calibrated[np.arange(60), true]
    for row in range(60):
        of_class = own[true == true[row]]
        expected = (of_class.sum() + 5 * own.mean()) / (len(of_class) + 5)
        other = max(p for column, p in enumerate(calibrated[row]) if column != true[row])
        odds = expected / own[row] * math.sqrt(other)
        assert suspects.score[row] == pytest.approx(odds / (1 + odds), rel=1e-6)
        assert calibrated[row, suspects.suggested[row]] == pytest.approx(other)


def test_planted_errors_come_first_with_their_kind_and_what_to_change():
    columns = {path: i for i, path in enumerate(TREE.path(int(node)) for node in TREE.terminals)}
    true, proba = scored(TREE, 400, sharp=6.0)
    given = true.copy()
    planted = {}
    for old, new, kind, change in (
        (("Games", "Cards"), ("Money",), "wrong branch", "replace"),
        (("Media", "Photo"), ("Media", "Video"), "wrong leaf", "replace"),
        (("Games", "Sports", "Football"), ("Games", "Sports"), "wrong leaf", "deeper"),
        (("Games",), ("Games", "Cards"), "wrong leaf", "shallower"),
    ):
        row = int(np.flatnonzero(true == columns[old])[0])
        given[row] = columns[new]
        planted[row] = (new, old, kind, change)
    found = label_errors(TREE, node_lists(TREE, given), node_proba(TREE, proba))
    first = {error.row: (error.given, error.suggested, error.kind, error.change) for error in found[:4]}
    assert first == planted
    confident = {error.row for error in found if error.confident}
    assert len(confident & set(planted)) >= 3
    assert len(confident) <= 8
    assert [error.score for error in found] == sorted((error.score for error in found), reverse=True)
    assert all(0 <= error.score <= 1 and error.suggested_proba > error.given_proba for error in found)


@pytest.mark.parametrize("taxonomy", [TREE, DAG], ids=["tree", "dag"])
def test_other_rows_order_gives_the_same_answer(taxonomy):
    true, proba = scored(taxonomy, 80, sharp=1.0)
    order = np.random.default_rng(1).permutation(80)
    found = label_errors(taxonomy, node_lists(taxonomy, true), node_proba(taxonomy, proba))
    other = label_errors(taxonomy, node_lists(taxonomy, true[order]), node_proba(taxonomy, proba[order]))
    assert {error.row: error.suggested for error in found} == {int(order[e.row]): e.suggested for e in other}


def test_a_label_of_one_row_is_judged_by_its_branch_only():
    # No model has seen "Football" when its one row is held out: that it is improbable says nothing.
    columns = {path: i for i, path in enumerate(TREE.path(int(node)) for node in TREE.terminals)}
    true, proba = scored(TREE, 200, sharp=6.0)
    football, cards = columns["Games", "Sports", "Football"], columns["Games", "Cards"]
    rows = true != football
    true, proba = np.r_[true[rows], football, football], np.r_[proba[rows], proba[:1], proba[:1]]
    true[-1] = cards
    inside, outside = np.full(proba.shape[1], 1e-6), np.full(proba.shape[1], 1e-6)
    inside[columns["Games", "Sports"]], outside[columns["Money",]] = 1, 1
    for row, expected in ((inside, False), (outside, True)):
        proba[-2] = row / row.sum()
        found = label_errors(TREE, node_lists(TREE, true), node_proba(TREE, proba))
        assert any(error.row == len(true) - 2 for error in found) is expected


def test_neighbours_are_the_nearest_other_rows():
    vectors = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float32)
    labels = np.arange(40) % 3
    shares = Neighbours(vectors).shares(labels, slice(0, 40), 3)
    centred = vectors - vectors.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    for row in range(40):
        cosine = unit @ unit[row]
        others = sorted((r for r in range(40) if r != row), key=lambda r: -cosine[r])[:NEIGHBOURS]
        weights = np.exp(8 * cosine[others])
        slow = [weights[labels[others] == label].sum() / weights.sum() for label in range(3)]
        np.testing.assert_allclose(shares[row], slow, rtol=1e-4)


def test_neighbours_tell_what_the_model_does_not():
    taxonomy = Taxonomy.from_paths([("A",), ("B",)])
    rng = np.random.default_rng(0)
    true = np.arange(60) % 2
    vectors = rng.normal(size=(60, 3)) * 0.1 + np.eye(2, 3)[true]
    given = true.copy()
    given[7] = 1 - given[7]
    flat = np.full((60, 2), 0.5)
    assert label_errors(taxonomy, node_lists(taxonomy, given), flat) == ()
    assert [e.row for e in label_errors(taxonomy, node_lists(taxonomy, given), flat, vectors=vectors)] == [7]


def test_several_paths_that_are_wrong_and_that_are_missing():
    taxonomy = Taxonomy.from_paths([("A", "x"), ("A", "y"), ("B", "z"), ("C",)])
    x, y, z, c = (taxonomy.index(path) for path in (("A", "x"), ("A", "y"), ("B", "z"), ("C",)))
    true = [[x], [y, z], [c], [z]] * 5
    proba = np.zeros((20, len(taxonomy)))
    for row, nodes in enumerate(true):
        proba[row, taxonomy.ancestors.rows(nodes)] = 0.9
    proba = np.maximum(proba, 0.05)
    given = [list(nodes) for nodes in true]
    given[1] = [y, z, c]
    given[5] = [z]
    found = label_errors(taxonomy, given, proba)
    told = {(e.row, e.given, e.suggested, e.change, e.kind) for e in found}
    assert told == {
        (1, ("C",), (), "remove", "wrong branch"),
        (5, (), ("A", "y"), "add", "wrong branch"),
    }


def test_a_missing_path_beside_a_right_one_is_a_wrong_leaf():
    taxonomy = Taxonomy.from_paths([("A", "x"), ("A", "y"), ("B",)])
    a, x, y = (taxonomy.index(path) for path in (("A",), ("A", "x"), ("A", "y")))
    proba = np.full((4, len(taxonomy)), 0.1)
    proba[:, [a, x]] = 0.9
    proba[0, y] = 0.8
    (found,) = label_errors(taxonomy, [[x]] * 4, proba, task="multi")
    assert (found.row, found.suggested, found.kind, found.change) == (0, ("A", "y"), "wrong leaf", "add")


@pytest.mark.parametrize("task", ["single", "multi"])
def test_no_rows_have_no_errors(task):
    assert label_errors(TREE, [], np.zeros((0, len(TREE))), task=task) == ()


def test_one_class_has_no_errors():
    taxonomy = Taxonomy.from_paths([("A",)])
    assert label_errors(taxonomy, [[0]] * 5, np.ones((5, 1))) == ()


def test_certainties_do_no_harm():
    taxonomy = Taxonomy.from_paths([("A", "x"), ("A", "y"), ("B",)])
    true = np.arange(12) % 3
    proba = np.eye(3)[np.roll(true, 1)]
    found = label_errors(taxonomy, node_lists(taxonomy, true), node_proba(taxonomy, proba))
    assert len(found) == 12
    assert all(np.isfinite(error.score) for error in found)


@pytest.mark.parametrize(
    ("nodes", "proba", "told"),
    [
        ([[0], []], np.ones((2, 7)), "Row 1 has no label"),
        ([[0], [99]], np.ones((2, 7)), "Row 1: the nodes are"),
        ([[0]], np.ones((2, 7)), "labels of 1 rows, but probabilities of 2"),
        ([[0]], np.ones((1, 3)), "made with another taxonomy"),
        ([[0]], np.full((1, 7), np.nan), "not finite"),
    ],
)
def test_bad_input_is_told(nodes, proba, told):
    taxonomy = Taxonomy.from_paths([(name,) for name in "ABCDEFG"])
    with pytest.raises(DataError, match=told):
        label_errors(taxonomy, nodes, proba)


def test_bad_vectors_are_told():
    with pytest.raises(DataError, match="text vectors have the shape"):
        label_errors(TREE, [[int(TREE.terminals[0])]] * 2, np.ones((2, len(TREE))), vectors=np.ones((3, 2)))
