"""What a node is measured against, level by level."""

import numpy as np
import pytest
from heads.taxonomies import KINDS

from textaxa.decoding import terminal_proba
from textaxa.errors import ConfigError, TaxonomyError
from textaxa.explanation._targets import end_columns, targets_of
from textaxa.taxonomy import Taxonomy

INNER = KINDS["labels at inner nodes"]
PROBA = np.array([0.7, 0.3, 0.1, 0.2, 0.05, 0.02])  # A, B, A>x, A>y, B>x, B>x>u


def told(path, against=None, task="single", proba=PROBA, taxonomy=INNER):
    found = targets_of(taxonomy, proba, path, against, task=task)
    return [(t.kind, None if t.against is None else taxonomy.path(t.against)) for t in found]


def test_the_runner_up_is_the_most_probable_sibling_or_ending_above():
    assert told(("A", "x")) == [("runner-up", ("B",)), ("ends here", ("A",))]
    likely = np.array([0.7, 0.3, 0.3, 0.4, 0.05, 0.02])
    assert told(("A", "x"), proba=likely) == [("runner-up", ("B",)), ("runner-up", ("A", "y"))]


def test_siblings_that_are_impossible_are_no_runners_up():
    assert told(("A",), proba=np.array([1.0, 0, 0.5, 0.5, 0, 0])) == [("no choice", None)]
    assert told(("A", "only"), taxonomy=KINDS["one child"], proba=np.ones(5))[1] == ("no choice", None)


def test_a_named_path_counts_from_where_it_branches_off():
    assert told(("A", "x"), ("A", "y")) == [("runner-up", ("B",)), ("named", ("A", "y"))]
    assert told(("A", "x"), ("B", "x", "u")) == [("named", ("B",)), ("named", ("B", "x"))]
    assert told(("B", "x", "u"), ("A",)) == [("named", ("A",))] * 3
    assert told(("B", "x", "u"), ("B",)) == [("runner-up", ("A",)), ("ends here", ("B",)), ("ends here", ("B", "x"))]


def test_with_several_paths_it_is_the_odds_of_the_node():
    assert told(("A", "x"), task="multi") == [("log-odds", None)] * 2
    assert told(("A", "x"), ("A", "y"), task="multi") == [("log-odds", None), ("named", ("A", "y"))]


@pytest.mark.parametrize(("path", "against"), [(("A", "x"), ("A", "x")), (("A",), ("A", "x"))])
def test_paths_that_cannot_be_told_apart_are_refused(path, against):
    with pytest.raises(ConfigError, match="cannot be measured"):
        told(path, against)


def test_an_inner_node_where_no_label_ends_is_no_alternative():
    taxonomy = KINDS["two levels"]
    with pytest.raises(ConfigError, match="cannot be measured"):
        told(("A", "x"), ("A",), taxonomy=taxonomy, proba=np.full(6, 0.5))
    with pytest.raises(TaxonomyError):
        told(("A", "q"), taxonomy=taxonomy, proba=np.full(6, 0.5))


@pytest.mark.parametrize("kind", ["labels at inner nodes", "dag", "uneven depth"])
def test_ending_above_has_the_probability_that_decoding_gives_it(kind):
    taxonomy: Taxonomy = KINDS[kind]
    exact = np.random.default_rng(0).dirichlet(np.ones(len(taxonomy.terminals)))
    proba = np.zeros(len(taxonomy))
    for terminal, p in zip(taxonomy.terminals, exact, strict=True):
        proba[taxonomy.ancestors.row(int(terminal))] += p
    np.testing.assert_allclose(terminal_proba(taxonomy, proba[None])[0], exact, atol=1e-12)
    for terminal, p in zip(taxonomy.terminals, exact, strict=True):
        columns = end_columns(taxonomy, int(terminal))
        assert sum(f * proba[n] for n, f in columns.items()) == pytest.approx(p)
