import numpy as np
import pytest
from decoding_cases import coherent_cases, slow_terminal_proba, taxonomies
from hypothesis import given
from hypothesis import strategies as st

from textaxa.decoding import _proba, terminal_proba
from textaxa.errors import DataError
from textaxa.taxonomy import NodeRecord, Taxonomy


@given(coherent_cases())
def test_what_the_node_probabilities_were_made_of_comes_back(case):
    taxonomy, exact, node_proba = case
    np.testing.assert_allclose(terminal_proba(taxonomy, node_proba), exact, atol=1e-12)


@given(coherent_cases())
def test_float32_stays_float32_and_rows_sum_to_one(case):
    taxonomy, exact, node_proba = case
    found = terminal_proba(taxonomy, node_proba.astype(np.float32))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, exact, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


@given(taxonomies(), st.integers(0, 2**32 - 1))
def test_incoherent_probabilities_follow_the_definition_and_are_never_negative(taxonomy, seed):
    proba = np.random.default_rng(seed).random((3, len(taxonomy)))
    found = terminal_proba(taxonomy, proba)
    np.testing.assert_allclose(found, [slow_terminal_proba(taxonomy, row) for row in proba], atol=1e-12)
    assert (found >= 0).all()


@given(coherent_cases())
def test_small_chunks_give_the_same(case):
    taxonomy, exact, node_proba = case
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_proba, "_CHUNK", 1)
        np.testing.assert_allclose(terminal_proba(taxonomy, node_proba), exact, atol=1e-12)


def test_a_terminal_below_two_terminals_of_a_dag_is_taken_from_both_once():
    taxonomy = Taxonomy.from_records(
        [
            NodeRecord("a", (), "A", terminal=True),
            NodeRecord("b", ("a",), "B", terminal=True),
            NodeRecord("c", ("a",), "C", terminal=True),
            NodeRecord("d", ("b", "c"), "D"),
        ]
    )
    proba = np.zeros((1, 4))
    for path, p in {("A",): 1.0, ("A", "B"): 0.5, ("A", "C"): 0.7, ("A", "B", "D"): 0.4}.items():
        proba[0, taxonomy.index(path)] = p
    exact = dict(zip(taxonomy.terminals.tolist(), terminal_proba(taxonomy, proba)[0].tolist(), strict=True))
    assert exact[taxonomy.index(("A",))] == pytest.approx(1 - 0.4 - 0.1 - 0.3)
    assert exact[taxonomy.index(("A", "B"))] == pytest.approx(0.1)
    assert exact[taxonomy.index(("A", "C"))] == pytest.approx(0.3)
    assert exact[taxonomy.index(("A", "B", "D"))] == pytest.approx(0.4)


def test_the_input_is_left_as_it_was():
    taxonomy = Taxonomy.from_paths([("A",), ("A", "B")])
    proba = np.array([[0.9, 0.4]])
    terminal_proba(taxonomy, proba)
    assert proba.tolist() == [[0.9, 0.4]]


def test_no_texts_give_no_rows():
    taxonomy = Taxonomy.from_paths([("A",), ("A", "B")])
    assert terminal_proba(taxonomy, np.empty((0, 2))).shape == (0, 2)


def test_another_number_of_columns_is_refused_with_both_numbers():
    taxonomy = Taxonomy.from_paths([("A",), ("B",)])
    with pytest.raises(DataError, match=r"\(1, 3\).*2 nodes"):
        terminal_proba(taxonomy, [[0.1, 0.2, 0.7]])


def test_not_a_number_is_refused_with_its_row():
    taxonomy = Taxonomy.from_paths([("A",), ("B",)])
    with pytest.raises(DataError, match=r"1 of 2 rows, first in row 1"):
        terminal_proba(taxonomy, [[0.1, 0.2], [np.nan, 1.0]])
