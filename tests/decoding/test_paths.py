import numpy as np
import pytest
from decoding_cases import above, coherent_cases, taxonomies
from hypothesis import given
from hypothesis import strategies as st

from textaxa.decoding import Prediction, decode_multi, terminal_proba, top_paths
from textaxa.errors import ConfigError
from textaxa.taxonomy import NodeRecord, Taxonomy


@pytest.fixture
def shop():
    return Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",), ("Tools", "Clocks")])


def proba_of(taxonomy, **by_name):
    return np.array([[by_name[name] for name in taxonomy.names]])


@given(coherent_cases(), st.integers(1, 15))
def test_top_paths_are_the_terminals_in_order_of_probability(case, k):
    taxonomy, _, node_proba = case
    exact = terminal_proba(taxonomy, node_proba)
    for row, predictions in zip(exact, top_paths(taxonomy, node_proba, k), strict=True):
        wanted = sorted(range(len(row)), key=lambda column: (-row[column], column))[:k]
        assert [p.node for p in predictions] == taxonomy.terminals[wanted].tolist()
        assert [p.path_probability for p in predictions] == row[wanted].tolist()


@given(taxonomies(), st.integers(1, 8), st.integers(0, 1000))
def test_ties_do_not_change_with_k_or_with_the_batch(taxonomy, k, seed):
    proba = np.random.default_rng(seed).integers(0, 3, size=(4, len(taxonomy))) / 2
    together = top_paths(taxonomy, proba, k)
    best = top_paths(taxonomy, proba, 1)
    assert [row[0] for row in together] == [row[0] for row in best]
    assert together == [top_paths(taxonomy, row[None], k)[0] for row in proba]


def test_many_equal_values_come_in_node_order():
    """Sorts of more than 16 values keep the order of equal ones only where they are told to."""
    taxonomy = Taxonomy.from_paths([(f"n{number:03}",) for number in range(200)])
    generator = np.random.default_rng(0)
    proba = np.zeros((3, 200))
    for row in proba:  # nothing left out equals what is taken, so the taken ones alone are sorted
        row[generator.choice(200, 120, replace=False)] = generator.integers(1, 4, size=120) / 4
    for row, predictions in zip(proba, top_paths(taxonomy, proba, 120), strict=True):
        assert [p.node for p in predictions] == sorted(range(200), key=lambda node: (-row[node], node))[:120]


@given(coherent_cases())
def test_a_prediction_says_the_probability_of_every_node_on_its_path(case):
    taxonomy, _, node_proba = case
    for row, (prediction,) in zip(node_proba, top_paths(taxonomy, node_proba), strict=True):
        assert taxonomy.index(prediction.path) == prediction.node
        assert prediction.path == taxonomy.path(prediction.node)
        assert prediction.levels == tuple(
            (name, row[taxonomy.index(prediction.path[: i + 1])]) for i, name in enumerate(prediction.path)
        )
        assert prediction.probability == row[prediction.node]
        assert prediction.depth == len(prediction.path)


def test_an_inner_terminal_says_that_the_label_ends_there(shop):
    [[first, second, *_]] = top_paths(
        shop, proba_of(shop, Games=0.2, Sports=0.1, Cards=0.1, Tools=0.8, Clocks=0.3), k=2
    )
    assert first == Prediction(
        node=shop.index(("Tools",)),
        path=("Tools",),
        probability=0.8,
        path_probability=0.5,
        levels=(("Tools", 0.8),),
        stopped="label ends here",
    )
    assert (second.path, second.probability, second.path_probability, second.stopped) == (
        ("Tools", "Clocks"),
        0.3,
        0.3,
        "leaf",
    )


def test_values_are_plain_numbers(shop):
    [[best]] = top_paths(shop, np.full((1, 5), 0.25, dtype=np.float32))
    assert type(best.node) is int
    assert {type(best.probability), type(best.path_probability), type(best.levels[0][1])} == {float}


def test_more_paths_than_terminals_gives_them_all(shop):
    assert [len(row) for row in top_paths(shop, np.full((2, 5), 0.5), k=100)] == [4, 4]


@pytest.mark.parametrize("k", [0, -1])
def test_fewer_than_one_path_is_refused(shop, k):
    with pytest.raises(ConfigError, match=f"k = {k}"):
        top_paths(shop, np.full((1, 5), 0.5), k=k)


@given(taxonomies(), st.integers(0, 2**32 - 1), st.floats(0.05, 1.0))
def test_decode_multi_gives_the_deepest_nodes_over_the_threshold(taxonomy, seed, threshold):
    proba = np.random.default_rng(seed).random((4, len(taxonomy)))
    found = decode_multi(taxonomy, proba, threshold, at_least_one=False)
    for row, predictions in zip(proba, found, strict=True):
        passed = {n for n in range(len(taxonomy)) if row[n] >= threshold}
        covered = set().union(*(above(taxonomy, n) - {n} for n in passed)) if passed else set()
        wanted = sorted(passed - covered, key=lambda n: (-row[n], n))
        assert [p.node for p in predictions] == wanted


@given(taxonomies(), st.integers(0, 2**32 - 1), st.floats(0.05, 1.0))
def test_at_least_one_changes_only_texts_without_a_path(taxonomy, seed, threshold):
    proba = np.random.default_rng(seed).random((4, len(taxonomy)))
    without = decode_multi(taxonomy, proba, threshold, at_least_one=False)
    for row, few, some in zip(proba, without, decode_multi(taxonomy, proba, threshold), strict=True):
        if few:
            assert some == few
        else:
            top = taxonomy.level(1)
            assert len(some) == 1
            assert int(top[np.argmax(row[top])]) in above(taxonomy, some[0].node)


def test_the_one_path_goes_down_while_a_child_has_the_share_of_its_parent(shop):
    proba = proba_of(shop, Games=0.4, Sports=0.1, Cards=0.3, Tools=0.3, Clocks=0.29)
    assert [p.path for p in decode_multi(shop, proba)[0]] == [("Games", "Cards")]
    proba = proba_of(shop, Games=0.4, Sports=0.1, Cards=0.1, Tools=0.3, Clocks=0.29)
    [[stopped]] = decode_multi(shop, proba)
    assert (stopped.path, stopped.stopped) == (("Games",), "not sure enough")


def test_several_paths_and_why_each_ends(shop):
    proba = proba_of(shop, Games=0.9, Sports=0.7, Cards=0.6, Tools=0.8, Clocks=0.2)
    assert [(p.path, p.stopped) for p in decode_multi(shop, proba)[0]] == [
        (("Tools",), "label ends here"),
        (("Games", "Sports"), "leaf"),
        (("Games", "Cards"), "leaf"),
    ]


def test_a_dag_node_is_given_once_by_its_canonical_path():
    taxonomy = Taxonomy.from_records(
        [NodeRecord("a", (), "A"), NodeRecord("b", (), "B"), NodeRecord("c", ("a", "b"), "C")]
    )
    [[only]] = decode_multi(taxonomy, [[0.9, 0.8, 0.7]])
    assert only.path == ("A", "C")
    assert only.levels == (("A", 0.9), ("C", 0.7))


@pytest.mark.parametrize("threshold", [0.0, -0.5, 1.5, float("nan")])
def test_a_threshold_that_is_no_probability_is_refused(shop, threshold):
    with pytest.raises(ConfigError, match="threshold"):
        decode_multi(shop, np.full((1, 5), 0.5), threshold)


def test_no_texts_give_no_predictions(shop):
    assert top_paths(shop, np.empty((0, 5)), k=3) == []
    assert decode_multi(shop, np.empty((0, 5))) == []
