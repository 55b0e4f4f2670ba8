"""What was made fast gives what the plain way gives: sparse weights, single precision, blocks, trees by level."""

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit
from training.apps import rows

from textaxa.linear import LinearModel, LinearSettings, _classifiers
from textaxa.linear import model as room
from textaxa.linear._classifiers import Weights
from textaxa.linear._options import SeveralPaths
from textaxa.taxonomy import Taxonomy

TEXTS, LABELS = rows()
TAXONOMY = Taxonomy.from_paths(path for paths in LABELS for path in paths)


@pytest.fixture(scope="module", params=["per-parent", "flat", "both"])
def model(request) -> LinearModel:
    return LinearModel.fit(TEXTS, LABELS, TAXONOMY, head_settings=LinearSettings(arrangement=request.param))


def test_sparse_and_dense_weights_say_the_same(model, monkeypatch):
    features = model.features(TEXTS)
    found = []
    for share, held in ((0.0, np.ndarray), (1.0, sparse.csr_matrix)):
        monkeypatch.setattr(_classifiers, "_SPARSE", share)
        weights = Weights(model.weights.matrix, model.weights.bias, model.weights.state)
        assert isinstance(weights._by_feature, held)
        found.append(weights.scores(features))
        some = np.arange(0, features.shape[1], 7)
        np.testing.assert_allclose(
            weights.of_features(some, np.ones(len(model.weights.bias))),
            np.asarray(model.weights.matrix.sum(axis=0)).ravel()[some],
            rtol=1e-4,
            atol=1e-5,
        )
    np.testing.assert_allclose(*found, atol=1e-5)
    expected = features.astype(np.float64) @ model.weights.matrix.T.astype(np.float64).toarray() + model.weights.bias
    np.testing.assert_allclose(found[0], expected, atol=1e-5)


def test_single_precision_is_precise_enough(model):
    features = model.features([*TEXTS, "", "never seen 😀"])
    scores = model.scales(model.options, model.weights, model.weights.scores(features))
    assert scores.dtype == np.float64
    np.testing.assert_allclose(model.node_proba_of(features), model.options.node_proba(scores), atol=2e-6)


def test_probabilities_are_the_same_in_any_block(model, monkeypatch):
    whole = model.node_proba(TEXTS)
    monkeypatch.setattr(room, "_AT_ONCE", 1)
    np.testing.assert_allclose(model.node_proba(TEXTS), whole, atol=1e-6)
    assert model.node_proba([]).shape == (0, len(TAXONOMY))


def test_the_scores_that_are_given_stay_as_they_are(model):
    scores = model.weights.scores(model.features(TEXTS[:3]))
    before = scores.copy()
    model.options.node_proba(scores)
    np.testing.assert_array_equal(scores, before)


@pytest.mark.parametrize("arrangement", ["per-parent", "flat"])
def test_several_paths_go_down_a_tree_level_by_level(arrangement):
    tree = Taxonomy.from_paths([("A", "x", "1"), ("A", "x", "2"), ("A", "y"), ("B", "z"), ("C",)])
    options = SeveralPaths(tree, arrangement)
    scores = np.random.default_rng(0).normal(size=(5, len(tree)))
    expected = expit(scores)
    for node in range(len(tree)):
        for parent in tree.parents.row(node):
            above, own = expected[:, parent], expected[:, node]
            expected[:, node] = own * above if arrangement == "per-parent" else np.minimum(own, above)
    np.testing.assert_allclose(options.node_proba(scores), expected, rtol=1e-5)
