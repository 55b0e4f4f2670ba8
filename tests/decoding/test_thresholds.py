"""Thresholds: the best ones found by trying all of them, applied as the definition says, bad ones refused."""

import numpy as np
import pytest
from decoding.decoding_cases import above, taxonomies
from hypothesis import given
from hypothesis import strategies as st

from textaxa.decoding import choose_thresholds, decode_multi
from textaxa.decoding._thresholds import KINDS, check_thresholds, passing
from textaxa.errors import ConfigError, DataError
from textaxa.evaluation import hierarchical_f1
from textaxa.taxonomy import NodeRecord, Taxonomy

TREE = Taxonomy.from_paths([("A", "x"), ("A", "y"), ("B", "x"), ("B", "z", "u"), ("B", "z", "v"), ("C",)])


def case(taxonomy: Taxonomy, seed: int, n_texts: int = 40) -> tuple[list[list[int]], np.ndarray]:
    """True nodes, and coherent probabilities that know something of them; many values are equal."""
    random = np.random.default_rng(seed)
    true = [sorted(set(random.integers(0, len(taxonomy), 2).tolist())) for _ in range(n_texts)]
    proba = np.round(0.35 * closure(taxonomy, true) + 0.65 * random.random((n_texts, len(taxonomy))), 2)
    for node in range(len(taxonomy)):
        for parent in taxonomy.parents.row(node):
            proba[:, node] = np.minimum(proba[:, node], proba[:, parent])
    return true, proba.astype(np.float32)


def closure(taxonomy: Taxonomy, true: list[list[int]]) -> np.ndarray:
    rows = [set().union(*(above(taxonomy, node) for node in nodes)) if nodes else set() for nodes in true]
    return np.array([[node in row for node in range(len(taxonomy))] for row in rows])


def f1(answers: np.ndarray, true: np.ndarray) -> float:
    total = answers.sum() + true.sum()
    return 2 * (answers & true).sum() / total if total else 0.0


def slow_passing(taxonomy: Taxonomy, proba: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """The definition, one text and node at a time: over the threshold, and so is some way up to the top."""

    def passes(row: np.ndarray, node: int) -> bool:
        parents = taxonomy.parents.row(node).tolist()
        return bool(row[node] >= thresholds[node]) and (not parents or any(passes(row, parent) for parent in parents))

    return np.array([[passes(row, node) for node in range(len(taxonomy))] for row in proba])


@pytest.mark.parametrize("seed", range(20))
def test_global_is_the_best_of_all_single_thresholds(seed):
    true, proba = case(TREE, seed)
    truth = closure(TREE, true)
    best = max(f1(proba >= cut, truth) for cut in np.unique(proba) if cut > 0)
    found = choose_thresholds(TREE, true, proba, "global")
    assert len(set(found.tolist())) == 1
    assert f1(proba >= found, truth) == best


@pytest.mark.parametrize("seed", range(20))
def test_level_is_never_below_global_and_near_the_best_of_all_combinations(seed):
    taxonomy = Taxonomy.from_paths([("A", "x"), ("A", "y"), ("B", "x"), ("B", "z"), ("C",)])
    true, proba = case(taxonomy, seed)
    truth = closure(taxonomy, true)
    found = choose_thresholds(taxonomy, true, proba, "level")
    assert len(set(found[:3].tolist())) == len(set(found[3:].tolist())) == 1
    top, bottom = (np.append(np.unique(proba[:, part]), 1.0) for part in (slice(0, 3), slice(3, 7)))
    best = max(
        f1(slow_passing(taxonomy, proba, np.array([a] * 3 + [b] * 4)), truth)
        for a in top[top > 0][::4]
        for b in bottom[bottom > 0][::4]
    )
    reached = f1(slow_passing(taxonomy, proba, found), truth)
    assert reached >= f1(proba >= choose_thresholds(taxonomy, true, proba, "global"), truth)
    assert reached > best - 0.02


@pytest.mark.parametrize("seed", range(10))
def test_node_is_each_nodes_own_best_mixed_with_its_level(seed):
    true, proba = case(TREE, seed)
    truth = closure(TREE, true)
    level, found = (choose_thresholds(TREE, true, proba, kind) for kind in ("level", "node"))
    reachable = proba.astype(np.float64)
    for node in range(len(TREE)):
        if TREE.parent[node] >= 0:
            parent = TREE.parent[node]
            reachable[:, node] *= reachable[:, parent] >= found[parent]
        scores = {
            cut: f1(reachable[:, node] >= cut, truth[:, node]) for cut in np.unique(reachable[:, node]) if cut > 0
        }
        count = truth[:, node].sum()
        own = found[node] if not count else (found[node] * (count + 10) - 10 * level[node]) / count
        best = max(scores.values(), default=0.0)
        if best > 0:
            assert f1(reachable[:, node] >= own - 1e-9, truth[:, node]) == best
        elif count:
            assert own == pytest.approx(1)
        else:
            assert found[node] == level[node]


def test_a_level_whose_probabilities_are_too_low_gets_a_lower_threshold():
    true, proba = case(TREE, 3, n_texts=300)
    low = proba.copy()
    low[:, TREE.level_slice(2)] *= 0.2
    low[:, TREE.level_slice(3)] *= 0.1
    plain, shifted = (choose_thresholds(TREE, true, p, "level") for p in (proba, low))
    np.testing.assert_allclose(shifted[TREE.level_slice(1)], plain[TREE.level_slice(1)])
    assert f1(passing(TREE, low, shifted), closure(TREE, true)) == pytest.approx(
        f1(passing(TREE, proba, plain), closure(TREE, true))
    )
    one = choose_thresholds(TREE, true, low, "global")
    assert f1(low >= one, closure(TREE, true)) < f1(passing(TREE, low, shifted), closure(TREE, true))


def test_thresholds_lie_half_way_between_two_probabilities():
    taxonomy = Taxonomy.from_paths([("A",), ("B",)])
    proba = np.array([[0.8, 0.2], [0.2, 0.8]] * 5, dtype=np.float32)
    assert choose_thresholds(taxonomy, [[0], [1]] * 5, proba, "global").tolist() == pytest.approx([0.5, 0.5])


def test_neighbouring_numbers_are_still_told_apart():
    taxonomy = Taxonomy.from_paths([("A",), ("B",)])
    high = np.float64(0.5)
    low = np.nextafter(high, 0)
    found = choose_thresholds(taxonomy, [[0], [1]] * 5, np.array([[high, low], [low, high]] * 5), "global")
    assert low < found[0] <= high


def test_few_true_texts_leave_the_wider_groups_threshold():
    true, proba = case(TREE, 1, n_texts=4)
    few = [nodes[:1] for nodes in true[:2]]
    np.testing.assert_array_equal(choose_thresholds(TREE, few, proba[:2], "level"), 0.5)
    taxonomy = Taxonomy.from_paths([("A", "x"), ("B",)])
    rare = [[0]] * 9 + [[2]] + [[1]] * 20
    random = np.random.default_rng(0).random((30, 3)).astype(np.float32)
    random[:, 2] = np.minimum(random[:, 2], random[:, 0])
    found = choose_thresholds(taxonomy, rare, random, "level")
    assert found[2] == choose_thresholds(taxonomy, rare, random, "global")[2]


def test_a_node_without_true_texts_has_its_levels_threshold():
    true, proba = case(TREE, 5)
    without = [[node for node in nodes if node != 3] for nodes in true]
    assert choose_thresholds(TREE, without, proba, "node")[3] == choose_thresholds(TREE, without, proba, "level")[3]


@pytest.mark.parametrize("kind", KINDS)
def test_no_texts_no_truth_and_no_probability_leave_usable_thresholds(kind):
    assert (choose_thresholds(TREE, [], np.empty((0, len(TREE))), kind) == 0.5).all()
    for true in ([[]] * 30, [[0]] * 30):
        found = choose_thresholds(TREE, true, np.zeros((30, len(TREE))), kind)
        check_thresholds(TREE, found)


def test_permuting_texts_changes_nothing():
    true, proba = case(TREE, 8)
    order = np.random.default_rng(0).permutation(len(true))
    for kind in KINDS:
        again = choose_thresholds(TREE, [true[i] for i in order], proba[order], kind)
        np.testing.assert_array_equal(again, choose_thresholds(TREE, true, proba, kind))


@given(taxonomies(), st.integers(0, 2**32 - 1), st.sampled_from(KINDS))
def test_decoding_takes_what_passes_with_a_way_up(taxonomy, seed, kind):
    true, proba = case(taxonomy, seed, n_texts=15)
    thresholds = choose_thresholds(taxonomy, true, proba, kind)
    assert ((thresholds > 0) & (thresholds <= 1)).all()
    passed = slow_passing(taxonomy, proba, thresholds)
    np.testing.assert_array_equal(passing(taxonomy, proba, thresholds), passed)
    found = decode_multi(taxonomy, proba, thresholds, at_least_one=False)
    for row, predictions in zip(passed, found, strict=True):
        nodes = set(np.flatnonzero(row).tolist())
        covered = set().union(*(above(taxonomy, node) - {node} for node in nodes)) if nodes else set()
        assert {p.node for p in predictions} == nodes - covered


@given(taxonomies(), st.integers(0, 2**32 - 1), st.floats(0.05, 1.0))
def test_one_threshold_and_the_same_for_every_node_are_the_same(taxonomy, seed, threshold):
    _, proba = case(taxonomy, seed, n_texts=6)
    same = decode_multi(taxonomy, proba.astype(np.float64), np.full(len(taxonomy), threshold))
    assert same == decode_multi(taxonomy, proba.astype(np.float64), threshold)


def test_the_f1_that_is_maximised_is_the_hierarchical_f1():
    true, proba = case(TREE, 11)
    found = choose_thresholds(TREE, true, proba, "level")
    nodes = [[p.node for p in row] for row in decode_multi(TREE, proba, found, at_least_one=False)]
    expected = f1(passing(TREE, proba, found), closure(TREE, true))
    assert hierarchical_f1(TREE, true, nodes) == pytest.approx(expected)


def test_a_node_of_a_dag_needs_one_of_its_parents():
    taxonomy = Taxonomy.from_records(
        [NodeRecord("a", (), "A"), NodeRecord("b", (), "B"), NodeRecord("c", ("a", "b"), "C")]
    )
    thresholds = np.array([0.5, 0.9, 0.3])
    assert passing(taxonomy, np.array([[0.6, 0.6, 0.4], [0.4, 0.8, 0.4]]), thresholds).tolist() == [
        [True, False, True],
        [False, False, False],
    ]


def test_the_one_path_follows_each_nodes_own_threshold():
    taxonomy = Taxonomy.from_paths([("A", "x"), ("A", "y")])
    proba = [[0.4, 0.12, 0.02]]
    assert decode_multi(taxonomy, proba, [0.5, 0.5, 0.5])[0][0].path == ("A",)
    assert decode_multi(taxonomy, proba, [0.5, 0.3, 0.5])[0][0].path == ("A", "x")


@pytest.mark.parametrize("wrong", [[0.5] * 3, [[0.5] * 9], "0.5", [0.5] * 8 + [0.0], [0.5] * 8 + [np.nan], [True] * 9])
def test_thresholds_that_are_none_are_refused(wrong):
    assert len(TREE) == 9
    with pytest.raises(ConfigError, match="threshold"):
        check_thresholds(TREE, wrong)


def test_what_cannot_be_chosen_from_is_refused():
    true, proba = case(TREE, 0)
    with pytest.raises(ConfigError, match="global, level, node, not by 'nodes'"):
        choose_thresholds(TREE, true, proba, "nodes")
    with pytest.raises(DataError, match=r"true nodes of 39 texts.*40 rows"):
        choose_thresholds(TREE, true[1:], proba)
