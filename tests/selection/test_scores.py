"""How unsure a model is: against a slow version, on trees with inner labels, DAGs and several paths."""

import numpy as np
import pytest

from textaxa.decoding import terminal_proba
from textaxa.errors import ConfigError, DataError
from textaxa.selection import coverage_weight, residuals, score_rows
from textaxa.taxonomy import NodeRecord, Taxonomy

TREE = Taxonomy.from_paths([("A", "a"), ("A", "b"), ("A",), ("B", "c"), ("B", "d", "x"), ("B", "d", "y"), ("C",)])
DAG = Taxonomy.from_records(
    [NodeRecord("1", (), "A"), NodeRecord("2", (), "B"), NodeRecord("3", ("1", "2"), "c"), NodeRecord("4", ("2",), "d")]
)


def coherent(taxonomy: Taxonomy, rows: int, seed: int) -> np.ndarray:
    """Give random node probabilities: every terminal's counts for all its ancestors."""
    exact = np.random.default_rng(seed).dirichlet(np.full(len(taxonomy.terminals), 0.5), rows)
    proba = np.zeros((rows, len(taxonomy)))
    for place, terminal in enumerate(taxonomy.terminals):
        proba[:, taxonomy.ancestors.row(int(terminal))] += exact[:, [place]]
    return proba


@pytest.mark.parametrize("taxonomy", [TREE, DAG], ids=["tree", "dag"])
def test_the_margin_is_that_of_the_two_best_paths(taxonomy):
    proba = coherent(taxonomy, 200, seed=1)
    found = score_rows(taxonomy, proba)
    exact = np.sort(terminal_proba(taxonomy, proba), axis=1)
    assert found.uncertainty == pytest.approx(1 - (exact[:, -1] - exact[:, -2]), abs=1e-6)


@pytest.mark.parametrize("taxonomy", [TREE, DAG], ids=["tree", "dag"])
def test_the_nodes_told_are_where_the_two_best_paths_part(taxonomy):
    proba = coherent(taxonomy, 200, seed=2)
    found, exact = score_rows(taxonomy, proba), terminal_proba(taxonomy, proba)
    for row in range(len(proba)):
        second, first = (int(taxonomy.terminals[i]) for i in np.argsort(exact[row], kind="stable")[-2:])
        shared = set(taxonomy.ancestors.row(first)) & set(taxonomy.ancestors.row(second))
        level = 1 + max((int(taxonomy.depth[node]) for node in shared), default=0)
        for told, end, p in ((found.node, first, found.node_proba), (found.rival, second, found.rival_proba)):
            node = int(told[row])
            assert node in taxonomy.ancestors.row(end)
            assert taxonomy.depth[node] == min(level, taxonomy.depth[end])
            if taxonomy.depth[node] == level:
                assert p[row] == pytest.approx(proba[row, node])
            else:
                assert p[row] == pytest.approx(exact[row, list(taxonomy.terminals).index(end)], abs=1e-6)


def test_a_path_that_ends_above_the_other_is_told_with_the_probability_that_it_ends_there():
    found = score_rows(Taxonomy.from_paths([("A",), ("A", "a")]), [[1.0, 0.625]])
    assert (found.node.tolist(), found.rival.tolist()) == ([1], [0])
    assert (found.node_proba.tolist(), found.rival_proba.tolist()) == ([0.625], [0.375])
    assert found.uncertainty.tolist() == [0.75]


def test_one_path_alone_has_no_rival():
    found = score_rows(Taxonomy.from_paths([("A", "a")]), [[1.0, 1.0]])
    assert (found.uncertainty.tolist(), found.rival.tolist()) == ([0.0], [-1])


def test_several_paths_look_at_the_node_nearest_to_its_threshold():
    taxonomy = Taxonomy.from_paths([("A",), ("B",), ("C",)])
    found = score_rows(taxonomy, [[0.9, 0.45, 0.0], [0.9, 0.45, 0.0]], task="multi", thresholds=[0.8, 0.9, 0.5])
    assert found.node.tolist() == [0, 0]
    assert found.uncertainty == pytest.approx([0.5, 0.5])
    at_half = score_rows(taxonomy, [[0.9, 0.45, 0.0]], task="multi")
    assert at_half.node.tolist() == [1]
    assert at_half.uncertainty == pytest.approx([0.9])
    sure = score_rows(taxonomy, [[1.0, 0.0, 0.0]], task="multi", thresholds=1.0)
    assert sure.uncertainty.tolist() == [1.0]  # on the threshold itself


def test_residuals_are_probabilities_less_the_answer():
    proba = coherent(TREE, 50, seed=3)
    best = score_rows(TREE, proba).best
    slow = proba.copy()
    for row, end in enumerate(best):
        slow[row, TREE.ancestors.row(int(end))] -= 1
    assert residuals(TREE, proba, best) == pytest.approx(slow, abs=1e-6)
    several = residuals(TREE, proba, best, task="multi", thresholds=0.5)
    assert several == pytest.approx(proba - (proba >= 0.5), abs=1e-6)


def test_rare_classes_weigh_more():
    counts = np.zeros(len(TREE.terminals))
    counts[0], counts[1] = 15, 80
    weights = coverage_weight(TREE, counts, TREE.terminals)
    assert weights[0] == pytest.approx(0.5)
    assert weights[1] < weights[0] < weights[2] == 1


@pytest.mark.parametrize(
    ("proba", "options", "error", "told"),
    [
        (np.zeros((2, 3)), {}, DataError, "another taxonomy"),
        (np.full((1, len(TREE)), np.nan), {}, DataError, "not finite"),
        (np.zeros((1, len(TREE))), {"task": "multi", "thresholds": 0.0}, ConfigError, "outside"),
    ],
)
def test_bad_input(proba, options, error, told):
    with pytest.raises(error, match=told):
        score_rows(TREE, proba, **options)
