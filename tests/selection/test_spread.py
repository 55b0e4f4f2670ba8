"""Drawing rows unlike each other: distances against outer products, sparse against dense, and what is certain."""

import numpy as np
import pytest
from scipy import sparse

from textaxa.selection import spread


def slow_distances(features, residuals, drawn):
    """Squared distance of every row to the nearest drawn one or to zero, with the outer products themselves."""
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    gradients = np.einsum("in,id->ind", residuals, unit).reshape(len(features), -1)
    known = np.vstack([gradients[drawn], np.zeros_like(gradients[:1])])
    distance = ((gradients[:, None] - known[None]) ** 2).sum(-1).min(1)
    distance[drawn] = 0
    return distance


def test_the_second_row_is_drawn_by_its_distance_to_the_first():
    rng = np.random.default_rng(0)
    features, residual = rng.normal(size=(6, 3)), rng.normal(size=(6, 4))
    first = int(np.argmax((residual**2).sum(1)))
    expected = slow_distances(features, residual, [first])
    second = [spread(features, 2, residuals=residual, seed=seed)[1] for seed in range(3000)]
    share = np.bincount(second, minlength=6) / 3000
    assert share == pytest.approx(expected / expected.sum(), abs=0.03)


def test_distances_are_to_the_nearest_of_all_drawn():
    rng = np.random.default_rng(1)
    features, residual = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
    thirds: dict = {}
    for seed in range(6000):
        one, two, three = spread(features, 3, residuals=residual, seed=seed)
        thirds.setdefault((one, two), []).append(three)
    pair, found = max(thirds.items(), key=lambda item: len(item[1]))
    expected = slow_distances(features, residual, list(pair))
    assert np.bincount(found, minlength=7) / len(found) == pytest.approx(expected / expected.sum(), abs=0.06)


def test_without_residuals_it_is_the_seeding_of_k_means():
    features = np.random.default_rng(5).normal(size=(6, 3))
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    expected = 2 - 2 * unit @ unit[0]
    second = [spread(features, 2, seed=seed)[1] for seed in range(3000)]
    expected[0] = 0
    assert np.bincount(second, minlength=6) / 3000 == pytest.approx(expected / expected.sum(), abs=0.03)


def test_sparse_and_dense_features_draw_the_same():
    rng = np.random.default_rng(2)
    features = rng.random((40, 12)).astype(np.float32) * (rng.random((40, 12)) < 0.4)
    residual = rng.normal(size=(40, 5))
    dense = spread(features, 15, residuals=residual, seed=3)
    assert dense.tolist() == spread(sparse.csr_matrix(features), 15, residuals=residual, seed=3).tolist()


def test_every_row_once_and_the_same_for_a_seed():
    features = np.random.default_rng(3).normal(size=(30, 4))
    drawn = spread(features, 99, seed=1)
    assert sorted(drawn.tolist()) == list(range(30))
    assert drawn.tolist() == spread(features, 99, seed=1).tolist()
    assert drawn.tolist() != spread(features, 99, seed=2).tolist()


def test_clusters_are_all_visited_before_one_is_visited_again():
    centres = np.eye(5) * 10
    features = np.repeat(centres, 20, axis=0) + np.random.default_rng(4).normal(scale=1e-4, size=(100, 5))
    assert sorted(spread(features, 5, seed=0) // 20) == [0, 1, 2, 3, 4]


def test_weights_choose_where_the_rest_is_alike():
    features = np.eye(4)
    first = [spread(features, 1, weights=[1, 1, 5, 1], seed=seed)[0] for seed in range(5)]
    assert first == [2] * 5
    second = [spread(features, 2, weights=[0, 1, 5, 3], seed=seed)[1] for seed in range(2000)]
    assert np.bincount(second, minlength=4) / 2000 == pytest.approx([0, 0.25, 0, 0.75], abs=0.04)


@pytest.mark.parametrize("features", [np.zeros((4, 3)), np.ones((4, 3)), sparse.csr_matrix((4, 3))])
def test_rows_that_cannot_be_told_apart_are_still_given(features):
    assert sorted(spread(features, 3, seed=0).tolist()) in ([0, 1, 2], [0, 1, 3], [0, 2, 3], [1, 2, 3])
    assert spread(features, 3, residuals=np.zeros((4, 2))).tolist() == [0, 1, 2]


def test_nothing_to_draw():
    assert spread(np.zeros((0, 3)), 5).tolist() == []
    assert spread(np.ones((3, 3)), 0).tolist() == []
