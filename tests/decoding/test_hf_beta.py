"""The best expected hierarchical F, against all nodes and against all sets of nodes."""

from itertools import combinations

import numpy as np
import pytest
from decoding_cases import above, coherent_cases, first_best, tied_cases
from hypothesis import given, settings
from hypothesis import strategies as st

from textaxa.decoding import _closure, hf_beta_paths, top_paths
from textaxa.errors import ConfigError, DataError
from textaxa.taxonomy import Taxonomy

BETAS = st.sampled_from([0.0, 0.5, 1.0, 2.0, 10.0])


def expected(taxonomy, exact, answer, beta):
    """The definition: the F of a set of nodes against every terminal's, in the mean."""
    total = 0.0
    for terminal, p in zip(taxonomy.terminals.tolist(), exact, strict=True):
        truth = above(taxonomy, terminal)
        total += p * (1 + beta**2) * len(answer & truth) / (len(answer) + beta**2 * len(truth))
    return total


def subsets(n):
    return (set(chosen) for size in range(1, n + 1) for chosen in combinations(range(n), size))


@given(st.one_of(coherent_cases(), tied_cases(max_nodes=12)), BETAS)
@settings(deadline=None)
def test_one_path_is_the_best_of_all_nodes(case, beta):
    taxonomy, exact, node_proba = case
    for row, (found,) in zip(exact, hf_beta_paths(taxonomy, node_proba, beta), strict=True):
        values = [expected(taxonomy, row, above(taxonomy, node), beta) for node in range(len(taxonomy))]
        assert found.node == first_best(values)


@given(tied_cases(max_nodes=7, max_texts=2), BETAS)
@settings(deadline=None, max_examples=60)
def test_several_paths_are_the_best_of_all_sets_of_nodes_and_the_smallest_of_these(case, beta):
    taxonomy, exact, node_proba = case
    for row, found in zip(exact, hf_beta_paths(taxonomy, node_proba, beta, paths="several"), strict=True):
        answer = set().union(*(above(taxonomy, p.node) for p in found))
        scored = [(expected(taxonomy, row, some, beta), len(some)) for some in subsets(len(taxonomy))]
        best = max(value for value, _ in scored)
        assert expected(taxonomy, row, answer, beta) == pytest.approx(best, abs=1e-10)
        assert len(answer) == min(size for value, size in scored if value >= best - 1e-10)


@given(coherent_cases(), BETAS)
@settings(deadline=None)
def test_several_paths_are_never_worse_than_one_and_none_is_above_another(case, beta):
    taxonomy, exact, node_proba = case
    several = hf_beta_paths(taxonomy, node_proba, beta, paths="several")
    for row, found, (one,) in zip(exact, several, hf_beta_paths(taxonomy, node_proba, beta), strict=True):
        answer = set().union(*(above(taxonomy, p.node) for p in found))
        alone = expected(taxonomy, row, above(taxonomy, one.node), beta)
        assert expected(taxonomy, row, answer, beta) >= alone - 1e-10
        assert not any(p.node in above(taxonomy, q.node) - {q.node} for p in found for q in found)


@pytest.mark.parametrize("beta", [0.5, 1.0, 3.0])
def test_the_size_is_bounded_without_losing_larger_sets(beta):
    """Every size is tried here, on a taxonomy in which nothing is sure and the best sets are large."""
    random = np.random.default_rng(0)
    taxonomy = Taxonomy.from_paths([(f"a{i}", f"b{j}", f"c{k}") for i in range(4) for j in range(4) for k in range(3)])
    exact = random.dirichlet(np.full(len(taxonomy.terminals), 0.3), size=20)
    closure = np.array([[n in above(taxonomy, t) for n in range(len(taxonomy))] for t in taxonomy.terminals.tolist()])
    found = hf_beta_paths(taxonomy, exact @ closure, beta, paths="several")
    for row, predictions in zip(exact, found, strict=True):
        best = max(
            (1 + beta**2) * np.sort((row / (k + beta**2 * 3)) @ closure)[-k:].sum() for k in range(1, len(taxonomy) + 1)
        )
        answer = set().union(*(above(taxonomy, p.node) for p in predictions))
        assert expected(taxonomy, row, answer, beta) == pytest.approx(best)


@given(st.one_of(coherent_cases(), tied_cases()), BETAS, st.sampled_from(["one", "several"]))
@settings(deadline=None)
def test_a_text_alone_and_in_blocks_gets_the_same(case, beta, paths):
    taxonomy, _, node_proba = case
    together = hf_beta_paths(taxonomy, node_proba, beta, paths=paths)
    assert together == [hf_beta_paths(taxonomy, row[None], beta, paths=paths)[0] for row in node_proba]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_closure, "_NUMBERS", 1)
        assert hf_beta_paths(taxonomy, node_proba, beta, paths=paths) == together


@given(coherent_cases())
@settings(deadline=None)
def test_a_sure_model_gets_its_most_probable_path(case):
    taxonomy, exact, _ = case
    sure = np.eye(len(taxonomy.terminals))[exact.argmax(axis=1)]
    closure = np.array([[n in above(taxonomy, t) for n in range(len(taxonomy))] for t in taxonomy.terminals.tolist()])
    wanted = [row[0].node for row in top_paths(taxonomy, sure @ closure)]
    for paths in ("one", "several"):
        assert [[p.node for p in row] for row in hf_beta_paths(taxonomy, sure @ closure, paths=paths)] == [
            [node] for node in wanted
        ]


@given(coherent_cases())
@settings(deadline=None)
def test_the_reason_and_the_probabilities_fit_the_node(case):
    taxonomy, exact, node_proba = case
    column = {node: i for i, node in enumerate(taxonomy.terminals.tolist())}
    for row, truth, predictions in zip(
        node_proba, exact, hf_beta_paths(taxonomy, node_proba, 0.5, paths="several"), strict=True
    ):
        assert [-p.probability for p in predictions] == sorted(-p.probability for p in predictions)
        for p in predictions:
            assert p.probability == row[p.node]
            assert p.path_probability == pytest.approx(truth[column[p.node]] if p.node in column else 0.0, abs=1e-12)
            leaf, terminal = taxonomy.is_leaf[p.node], taxonomy.is_terminal[p.node]
            assert p.stopped == ("leaf" if leaf else "label ends here" if terminal else "expected cost is lowest here")


def test_more_weight_on_recall_goes_deeper():
    taxonomy = Taxonomy.from_paths([("A", "B", f"c{i}") for i in range(4)] + [("D",)])
    exact = np.array([[0.1, *[0.225] * 4]])
    closure = np.array([[n in above(taxonomy, t) for n in range(len(taxonomy))] for t in taxonomy.terminals.tolist()])
    depths = [hf_beta_paths(taxonomy, exact @ closure, beta)[0][0].depth for beta in (0, 0.5, 1, 4)]
    assert depths == sorted(depths)
    assert (depths[0], depths[-1]) == (1, 3)


@pytest.mark.parametrize("paths", ["one", "several"])
def test_no_probability_and_no_texts(paths):
    taxonomy = Taxonomy.from_paths([("A", "B"), ("C",)])
    [[only]] = hf_beta_paths(taxonomy, np.zeros((1, 3)), paths=paths)
    assert only.node == 0
    assert hf_beta_paths(taxonomy, np.empty((0, 3)), paths=paths) == []


@pytest.mark.parametrize("beta", [-1, float("nan"), float("inf"), "2", None])
def test_a_beta_that_is_none_is_refused(beta):
    with pytest.raises(ConfigError, match=r"beta = .*0\.5, 1 or 2"):
        hf_beta_paths(Taxonomy.from_paths([("A",), ("B",)]), [[0.5, 0.5]], beta)


def test_bad_input_is_refused():
    taxonomy = Taxonomy.from_paths([("A",), ("B",)])
    with pytest.raises(ConfigError, match="'two' is not known"):
        hf_beta_paths(taxonomy, [[0.5, 0.5]], paths="two")
    with pytest.raises(DataError, match="2 nodes"):
        hf_beta_paths(taxonomy, [[0.5, 0.5, 0.5]])
