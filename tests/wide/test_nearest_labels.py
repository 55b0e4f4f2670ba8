"""The nearest of very many labels: as if all had been compared, where the beam is wide; nearly so where it is not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textaxa.errors import ConfigError, DataError
from textaxa.taxonomy import NodeRecord, Taxonomy
from textaxa.wide import NearestLabels, load_wide, save_wide

WEIGHT = 0.25


def slowly(taxonomy, vectors, texts, weight=WEIGHT):
    """The cosine of every text and terminal, node after node: (B, T)."""
    smooth = np.zeros(vectors.shape)
    for node, own in enumerate(vectors):
        unit, parent = own / np.linalg.norm(own), taxonomy.parent[node]
        smooth[node] = unit if parent < 0 else (1 - weight) * unit + weight * smooth[parent]
    unit_texts = texts / np.linalg.norm(texts, axis=1, keepdims=True)
    return unit_texts @ smooth[taxonomy.terminals].T


@st.composite
def taxonomies(draw):
    """Trees of uneven depth with labels at inner nodes."""
    name = st.sampled_from("abcd")
    paths = draw(st.lists(st.lists(name, min_size=1, max_size=4).map(tuple), min_size=1, max_size=30))
    return Taxonomy.from_paths(paths)


@settings(max_examples=60)
@given(taxonomy=taxonomies(), seed=st.integers(0, 2**16), k=st.integers(1, 4))
def test_a_wide_beam_finds_the_nearest_ones(taxonomy, seed, k):
    rng = np.random.default_rng(seed)
    vectors, texts = rng.normal(size=(len(taxonomy), 6)), rng.normal(size=(5, 6))
    found = NearestLabels.of(taxonomy, vectors, rows="float32").search(texts, k=k, width=len(taxonomy))
    cosines = slowly(taxonomy, vectors, texts)
    k = min(k, cosines.shape[1])
    np.testing.assert_allclose(found.cosines, -np.sort(-cosines, axis=1)[:, :k], atol=1e-5)
    position = np.searchsorted(taxonomy.terminals, found.nodes)
    np.testing.assert_array_equal(taxonomy.terminals[position], found.nodes)
    np.testing.assert_allclose(np.take_along_axis(cosines, position, 1), found.cosines, atol=1e-5)


def bushy(seed=0, fan_out=8, levels=4, width=32):
    """A tree whose nodes lie about their parents, and texts that lie about leaves."""
    rng = np.random.default_rng(seed)
    leaves = fan_out**levels
    paths = [tuple(f"n{leaf // fan_out**level}" for level in reversed(range(levels))) for leaf in range(leaves)]
    taxonomy = Taxonomy.from_paths(paths)
    vectors = rng.normal(size=(len(taxonomy), width))
    for node in range(len(taxonomy)):
        if taxonomy.parent[node] >= 0:
            vectors[node] = vectors[taxonomy.parent[node]] + 0.8 * vectors[node]
    texts = vectors[rng.choice(taxonomy.terminals, 300)] + 1.5 * rng.normal(size=(300, width))
    return taxonomy, vectors, texts


@pytest.fixture(scope="module")
def tree():
    return bushy()


@pytest.mark.parametrize("rows", ["float32", "float16", "int8"])
def test_a_narrow_beam_finds_nearly_all_of_them(tree, rows):
    taxonomy, vectors, texts = tree
    labels = NearestLabels.of(taxonomy, vectors, rows=rows)
    exact = taxonomy.terminals[slowly(taxonomy, vectors, texts).argmax(1)]
    assert labels.head.rows.values.dtype == rows
    assert np.mean(labels.search(texts, width=10).nodes[:, 0] == exact) > 0.95
    assert np.mean(labels.search(texts, width=1).nodes[:, 0] == exact) < 0.95, "the beam is no use here"


def test_ways_are_better_than_the_names_of_branches(tree):
    """Where inner nodes say nothing, what lies below them leads there all the same."""
    taxonomy, vectors, texts = tree
    mute = vectors.copy()
    inner = ~np.asarray(taxonomy.is_leaf)
    mute[inner] = np.random.default_rng(1).normal(size=(inner.sum(), vectors.shape[1]))
    labels = NearestLabels.of(taxonomy, mute, parent_weight=0.0)
    exact = taxonomy.terminals[slowly(taxonomy, mute, texts, weight=0.0).argmax(1)]
    assert np.mean(labels.search(texts, width=10).nodes[:, 0] == exact) > 0.95


def test_a_text_alone_and_among_others(tree):
    taxonomy, vectors, texts = tree
    labels = NearestLabels.of(taxonomy, vectors)
    many = labels.search(texts, k=3)
    for row in (0, 7, 299):
        alone = labels.search(texts[row : row + 1], k=3)
        np.testing.assert_array_equal(alone.nodes[0], many.nodes[row])
        np.testing.assert_allclose(alone.cosines[0], many.cosines[row], atol=1e-5)


def test_blocks_of_vectors_change_nothing(tree, monkeypatch):
    taxonomy, vectors, _ = tree
    whole = NearestLabels.of(taxonomy, vectors, rows="float32").head.rows
    monkeypatch.setattr("textaxa.wide._label_rows._BLOCK", 7)
    parts = NearestLabels.of(taxonomy, vectors, rows="float32").head.rows
    np.testing.assert_allclose(parts.values, whole.values, atol=1e-5)
    np.testing.assert_allclose(parts.bias, whole.bias, atol=1e-4)


def test_rows_may_stay_in_their_file(tree, tmp_path):
    taxonomy, vectors, texts = tree
    labels = NearestLabels.of(taxonomy, vectors)
    save_wide(labels.head, tmp_path / "labels")
    mapped = NearestLabels(load_wide(tmp_path / "labels", taxonomy))
    np.testing.assert_array_equal(mapped.search(texts, k=2).nodes, labels.search(texts, k=2).nodes)


def test_a_dag_is_searched_along_canonical_parents():
    records = [("1", (), "A"), ("2", (), "B"), ("3", ("1", "2"), "C"), ("4", ("2",), "D")]
    taxonomy = Taxonomy.from_records(NodeRecord(*record) for record in records)
    labels = NearestLabels.of(taxonomy, np.eye(4))
    assert labels.search(np.eye(4)[2:]).nodes[:, 0].tolist() == [2, 3]


def test_no_texts(tree):
    taxonomy, vectors, _ = tree
    found = NearestLabels.of(taxonomy, vectors).search(np.empty((0, vectors.shape[1])), k=2)
    assert found.nodes.shape == found.cosines.shape == (0, 2)


class TestRefusals:
    def test_vectors(self, tree):
        taxonomy, vectors, texts = tree
        with pytest.raises(DataError, match="one a node is needed"):
            NearestLabels.of(taxonomy, vectors[1:])
        labels = NearestLabels.of(taxonomy, vectors)
        with pytest.raises(DataError, match="another encoder"):
            labels.search(texts[:, 1:])
        for bad in (0.0, np.nan, np.inf):
            damaged = vectors.copy()
            damaged[3] = bad
            with pytest.raises(DataError, match="zero or not finite"):
                NearestLabels.of(taxonomy, damaged)
            with pytest.raises(DataError, match="zero or not finite"):
                labels.search(np.full((1, vectors.shape[1]), bad))

    @pytest.mark.parametrize("how", [{"parent_weight": 1.0}, {"parent_weight": -0.1}, {"rows": "int4"}])
    def test_how_they_are_laid(self, tree, how):
        with pytest.raises(ConfigError, match="parent_weight"):
            NearestLabels.of(*tree[:2], **how)

    @pytest.mark.parametrize("how", [{"k": 0}, {"width": 0}])
    def test_how_they_are_searched(self, tree, how):
        with pytest.raises(ConfigError, match="at least 1"):
            NearestLabels.of(*tree[:2]).search(tree[2], **how)
