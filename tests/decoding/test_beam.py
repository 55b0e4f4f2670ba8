"""Beam search against the exact paths: the same with a wide beam, honest about what it is sure of with a narrow one."""

import numpy as np
import pytest
from decoding_cases import coherent_cases, taxonomies, tied_cases
from hypothesis import given, settings
from hypothesis import strategies as st

from textaxa.decoding import _beam, beam_paths, beam_search, dense_conditional, top_paths
from textaxa.errors import ConfigError, DataError
from textaxa.taxonomy import Taxonomy

SHOP = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools", "Clocks"), ("Tools",)])
PROBA = np.array([[0.8, 0.2, 0.5, 0.3, 0.05], [0.1, 0.9, 0.05, 0.05, 0.6]])


@given(st.one_of(coherent_cases(), tied_cases(max_nodes=12)), st.integers(1, 15))
@settings(deadline=None)
def test_a_beam_as_wide_as_the_taxonomy_finds_the_exact_paths(case, k):
    taxonomy, _, node_proba = case
    scores = dense_conditional(taxonomy, node_proba)
    found = beam_paths(taxonomy, scores, len(node_proba), k=k, width=max(k, len(taxonomy)))
    for predictions, wanted in zip(found, top_paths(taxonomy, node_proba, k), strict=True):
        # What has no probability is not found; paths that differ by rounding may change places.
        possible = {p.node: p.path_probability for p in wanted if p.path_probability > 1e-12}
        likely = {p.node: p.path_probability for p in predictions if p.path_probability > 1e-12}
        assert list(likely.values()) == pytest.approx(list(possible.values()))
        if len(possible) < k:
            assert likely == pytest.approx(possible)


@given(coherent_cases())
@settings(deadline=None)
def test_predictions_say_the_probability_of_every_node_on_the_path(case):
    taxonomy, _, node_proba = case
    found = beam_paths(taxonomy, dense_conditional(taxonomy, node_proba), len(node_proba), k=2, width=12)
    for row, predictions in zip(node_proba, found, strict=True):
        for p in predictions:
            assert p.path == taxonomy.path(p.node)
            along = [row[taxonomy.index(p.path[: i + 1])] for i in range(p.depth)]
            assert [value for _, value in p.levels] == pytest.approx(along)
            assert p.stopped == ("leaf" if taxonomy.is_leaf[p.node] else "label ends here")


@given(coherent_cases(), st.integers(1, 4), st.integers(0, 3))
@settings(deadline=None)
def test_a_narrow_beam_is_exact_where_it_says_so(case, k, more):
    taxonomy, exact, node_proba = case
    found = beam_search(taxonomy, dense_conditional(taxonomy, node_proba), len(node_proba), k=k, width=k + more)
    k = found.nodes.shape[1]
    best = -np.sort(-exact, axis=1)[:, :k]
    assert (found.probabilities <= best + 1e-12).all()
    np.testing.assert_allclose(found.probabilities[found.exact], best[found.exact], atol=1e-12)
    column = np.searchsorted(taxonomy.terminals, np.maximum(found.nodes, 0))
    there = found.nodes >= 0
    np.testing.assert_allclose(
        found.probabilities[there], np.take_along_axis(exact, np.where(there, column, 0), axis=1)[there], atol=1e-12
    )


def test_a_narrow_beam_can_be_wrong_and_then_is_not_sure():
    taxonomy = Taxonomy.from_paths([*(("A", f"x{i}") for i in range(10)), ("B",)])
    proba = np.array([[0.6, 0.4, *[0.06] * 10]])
    narrow = beam_search(taxonomy, dense_conditional(taxonomy, proba), 1, width=1)
    assert taxonomy.path(int(narrow.nodes[0, 0]))[0] == "A"
    assert not narrow.exact[0]
    wide = beam_search(taxonomy, dense_conditional(taxonomy, proba), 1, width=2)
    assert taxonomy.path(int(wide.nodes[0, 0])) == ("B",)
    assert wide.exact[0]


@given(st.one_of(coherent_cases(), tied_cases()), st.integers(1, 3))
@settings(deadline=None)
def test_texts_in_blocks_and_alone_get_the_same(case, k):
    taxonomy, _, node_proba = case
    together = beam_paths(taxonomy, dense_conditional(taxonomy, node_proba), len(node_proba), k=k, width=3)
    alone = [beam_paths(taxonomy, dense_conditional(taxonomy, row[None]), 1, k=k, width=3)[0] for row in node_proba]
    assert together == alone
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_beam, "_CANDIDATES", 1)
        scores = dense_conditional(taxonomy, node_proba)
        assert beam_paths(taxonomy, scores, len(node_proba), k=k, width=3) == together


@given(taxonomies(), st.integers(1, 4), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_the_conditional_is_asked_as_its_interface_says(taxonomy, n_texts, seed):
    random = np.random.default_rng(seed)
    exact = random.dirichlet(np.ones(len(taxonomy.terminals)), size=n_texts)
    node_proba = np.zeros((n_texts, len(taxonomy)))
    for column, terminal in enumerate(taxonomy.terminals.tolist()):
        node_proba[:, taxonomy.ancestors.row(terminal)] += exact[:, [column]]
    dense, asked = dense_conditional(taxonomy, node_proba), []

    def conditional(text, node):
        assert (np.diff(text) >= 0).all()
        assert len(set(zip(text.tolist(), node.tolist(), strict=True))) == len(text) > 0
        assert all(n == -1 or not taxonomy.is_leaf[n] for n in node.tolist())
        asked.append(len(text))
        return dense(text, node)

    beam_paths(taxonomy, conditional, n_texts, width=2)
    assert max(asked) <= 2 * n_texts


def test_only_what_the_beam_keeps_is_asked_for():
    taxonomy = Taxonomy.from_paths([(f"a{i}", f"b{j}", f"c{k}") for i in range(9) for j in range(9) for k in range(9)])
    counted = []

    def conditional(text, node):
        counts = [9] * len(node)
        counted.append(sum(counts))
        return np.full(sum(counts), 1 / 9), np.zeros(len(node))

    found = beam_search(taxonomy, conditional, 2, k=2, width=3)
    assert sum(counted) == 2 * 9 + 2 * 27 + 2 * 27
    assert found.nodes.tolist() == [taxonomy.level(3)[:2].tolist()] * 2


def test_fewer_paths_than_asked_for():
    found = beam_search(SHOP, dense_conditional(SHOP, PROBA), 2, k=4, width=4)
    assert found.nodes.tolist() == [[2, 3, 1, 4], [4, 1, 2, 3]]
    sure = np.array([[1.0, 0.0, 1.0, 0.0, 0.0]])
    found = beam_search(SHOP, dense_conditional(SHOP, sure), 1, k=3, width=3)
    assert found.nodes.tolist() == [[2, -1, -1]]
    assert found.probabilities.tolist() == [[1.0, 0.0, 0.0]]
    assert beam_paths(SHOP, dense_conditional(SHOP, np.empty((0, 5))), 0) == []


@pytest.mark.parametrize(("k", "width", "told"), [(0, 10, "k = 0"), (3, 2, "width = 2 .*k = 3")])
def test_settings_that_cannot_be_used_are_refused(k, width, told):
    with pytest.raises(ConfigError, match=told):
        beam_search(SHOP, dense_conditional(SHOP, PROBA), 2, k=k, width=width)


@pytest.mark.parametrize(
    ("children", "ends", "told"),
    [
        (np.full(3, 0.5), np.zeros(2), r"\(3,\) for 4 children.*another taxonomy"),
        (np.full(4, 0.5), np.zeros(1), r"\(1,\) for 2 nodes"),
        (np.full(4, 1.5), np.zeros(2), r"1\.5 .*logits"),
        (np.full(4, np.nan), np.zeros(2), "nan"),
        (np.full(4, 0.5), np.full(2, -0.1), r"-0\.1"),
    ],
)
def test_a_conditional_that_breaks_the_interface_is_told(children, ends, told):
    with pytest.raises(DataError, match=told):
        beam_search(SHOP, lambda text, node: (children, ends), 2)
