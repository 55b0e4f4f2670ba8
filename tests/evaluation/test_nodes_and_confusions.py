import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_metrics import cases, node_f1, node_set
from slow_probabilities import slow_confusions, slow_node_counts

from textaxa.errors import DataError
from textaxa.evaluation import Confusion, _resample, confusions, evaluate_paths, per_node
from textaxa.evaluation._wilson import wilson
from textaxa.taxonomy import CSR, NodeRecord, Taxonomy


@pytest.fixture
def shop():
    return Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools", "Clocks"), ("Tools", "Other")])


@settings(deadline=None, max_examples=150)
@given(cases())
def test_every_node_has_the_scores_of_a_plain_count(case):
    taxonomy, true_labels, predicted_labels, _ = case
    true = [node_set(taxonomy, one) for one in true_labels]
    predicted = [node_set(taxonomy, one) for one in predicted_labels]
    found = per_node(taxonomy, true_labels, predicted_labels)
    assert found.path == tuple(taxonomy.nodes)
    for node in range(len(taxonomy)):
        support, n_predicted, right = slow_node_counts(taxonomy, true, predicted, node)
        assert (found.support[node], found.predicted[node], found.right[node]) == (support, n_predicted, right)
        assert found.precision[node] == (right / n_predicted if n_predicted else 0)
        assert found.recall[node] == (right / support if support else 0)
        assert found.f1[node] == pytest.approx(node_f1(true, predicted, node), abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(cases())
def test_their_means_are_the_macro_scores_of_the_evaluation(case):
    taxonomy, true, predicted, _ = case
    found, whole = per_node(taxonomy, true, predicted), evaluate_paths(taxonomy, true, predicted, intervals=False)
    assert found.f1.mean() == pytest.approx(whole.nodes.macro_f1, abs=1e-12)
    supported = found.support > 0
    if supported.any():
        assert found.f1[supported].mean() == pytest.approx(whole.nodes.macro_f1_supported, abs=1e-12)


@settings(deadline=None, max_examples=100)
@given(cases())
def test_every_pair_and_its_texts_equal_the_slow_version(case):
    taxonomy, true_labels, predicted_labels, _ = case
    wanted = slow_confusions(taxonomy, true_labels, predicted_labels)
    found = {(one.kind, one.true, one.predicted): one for one in confusions(taxonomy, true_labels, predicted_labels)}
    assert found.keys() == wanted.keys()
    true = [node_set(taxonomy, one) for one in true_labels]
    for key, (texts, depth) in wanted.items():
        one = found[key]
        assert (one.count, one.texts, one.common_depth) == (len(texts), tuple(texts[:5]), depth)
        assert one.share == len(texts) / sum(one.true in t for t in true)
        assert (one.true_path, one.predicted_path) == (taxonomy.path(one.true), taxonomy.path(one.predicted))


@settings(deadline=None, max_examples=50)
@given(cases(), st.integers(0, 3))
def test_the_most_frequent_come_first_and_a_limit_keeps_them(case, limit):
    taxonomy, true, predicted, _ = case
    found = confusions(taxonomy, true, predicted)
    assert list(found) == sorted(found, key=lambda one: (-one.count, -one.share, one.kind != "siblings"))
    for kind in ("siblings", "across branches"):
        own = [one for one in found if one.kind == kind]
        assert [one for one in confusions(taxonomy, true, predicted, limit=limit) if one.kind == kind] == own[:limit]


def test_siblings_and_whole_paths_of_one_branch_and_of_two(shop):
    sports, cards, clocks = ("Games", "Sports"), ("Games", "Cards"), ("Tools", "Clocks")
    found = confusions(shop, [sports, sports, sports, clocks], [cards, cards, clocks, clocks])
    told = [(one.kind, one.true_path, one.predicted_path, one.common_depth, one.count, one.texts) for one in found]
    assert told == [
        ("siblings", sports, cards, 1, 2, (0, 1)),
        ("siblings", ("Games",), ("Tools",), 0, 1, (2,)),
        ("across branches", sports, clocks, 0, 1, (2,)),
    ]
    assert [one.share for one in found] == [2 / 3, 1 / 3, 1 / 3]
    json.dumps([one.to_dict() for one in found])


def test_answers_that_stop_above_go_on_below_or_leave_the_taxonomy_confuse_nothing(shop):
    true = [("Games", "Sports"), ("Games",), ("Games", "Sports"), ("Games", "Sports")]
    assert confusions(shop, true, [("Games",), ("Games", "Sports"), (), ("Games", "Spots")]) == ()


def test_a_text_is_counted_once_for_a_pair(shop):
    true, predicted = (("Games", "Sports"), ("Games", "Cards")), (("Tools", "Clocks"), ("Tools", "Other"))
    found = confusions(shop, [true], [predicted])
    [top] = [one for one in found if one.kind == "siblings"]
    assert (top.count, top.share, top.texts) == (1, 1, (0,))
    # Both true ends meet the wrong end with the smaller number: they are equally far from all.
    assert [one.predicted_path for one in found if one.kind != "siblings"] == [("Tools", "Clocks")] * 2


def test_on_a_dag_paths_part_below_the_deepest_common_ancestor():
    taxonomy = Taxonomy.from_records(
        [
            NodeRecord("a", (), "A"),
            NodeRecord("b", (), "B"),
            NodeRecord("c", ("a", "b"), "C"),
            NodeRecord("d", ("a",), "D"),
            NodeRecord("e", ("b",), "E"),
        ]
    )
    [one] = confusions(taxonomy, [("A", "C")], [("B", "E")])
    assert (one.true_path, one.predicted_path, one.common_depth) == (("A", "C"), ("B", "E"), 1)
    assert one.kind == "siblings"


NUMBERS = st.sampled_from(["lists", "sets", "csr", "table"])


@settings(deadline=None, max_examples=60)
@given(cases(unknown=False), NUMBERS)
def test_node_numbers_in_any_form_are_labels(case, form):
    taxonomy, true, predicted, _ = case
    numbers = [[{taxonomy.index(path) for path in labels} for labels in side] for side in (true, predicted)]
    if not any(numbers[0]) or not any(numbers[1]):
        return
    given_ = [_as(form, side, len(taxonomy)) for side in numbers]
    wanted = evaluate_paths(taxonomy, true, predicted, intervals=False).values()
    assert evaluate_paths(taxonomy, *given_, intervals=False).values() == pytest.approx(wanted, abs=1e-12)
    assert confusions(taxonomy, *given_) == confusions(taxonomy, true, predicted)
    assert per_node(taxonomy, *given_).f1.tolist() == per_node(taxonomy, true, predicted).f1.tolist()


def _as(form, rows, n_nodes):
    if form == "sets":
        return rows
    if form == "table":
        return np.array([[node in row for node in range(n_nodes)] for row in rows])
    if form == "csr":
        return CSR(np.cumsum([0, *map(len, rows)]), np.array([n for row in rows for n in sorted(row)], dtype=np.int32))
    return [[*sorted(row), *row] for row in rows]


def test_one_number_a_text_is_enough(shop):
    true, predicted = [("Games", "Sports"), ("Games",), ()], [("Games", "Cards"), (), ("Tools",)]
    numbers = [[shop.index(path) if path else -1 for path in side] for side in (true, predicted)]
    wanted = evaluate_paths(shop, true, predicted, intervals=False)
    assert evaluate_paths(shop, *map(np.array, numbers), intervals=False) == wanted
    assert evaluate_paths(shop, *numbers, intervals=False) == wanted


@pytest.mark.parametrize(
    "strange", [[0, ("Games",)], [[0], "Games"], [[0], [1.5]], np.array([0.5]), np.ones((1, 2)), [[True]]]
)
def test_node_numbers_beside_something_else_are_refused(shop, strange):
    with pytest.raises(DataError):
        per_node(shop, strange, [("Games",)] * len(strange))


def test_columns_and_rows_tell_the_same(shop):
    found = per_node(shop, [("Games", "Sports")] * 3, [("Games", "Sports"), ("Games",), ("Games", "Cards")])
    rows, columns = list(found.to_rows()), found.to_dict()
    assert len(rows) == len(found) == len(shop)
    assert rows[2]["path"] == "Games > Sports"
    assert columns["path"][2] == ["Games", "Sports"]
    assert [row["f1_low"] for row in rows] == columns["f1_low"]
    assert not {"f1_low", "recall_high"} & per_node(shop, [("Games",)], [("Games",)], intervals=False).to_dict().keys()
    json.dumps(columns, allow_nan=False)


def test_wilson_is_the_published_formula():
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29; method 3.
    low, high = wilson([81, 15, 0, 1], [263, 148, 20, 29])
    assert low.round(4).tolist() == [0.2553, 0.0624, 0.0, 0.0061]
    assert high.round(4).tolist() == [0.3662, 0.1605, 0.1611, 0.1718]


def test_the_intervals_of_a_node_cover_its_scores_in_the_population(shop):
    generator = np.random.default_rng(0)
    leaves = shop.terminals
    true = generator.choice(leaves, 20_000, p=[0.1, 0.4, 0.3, 0.2])
    predicted = np.where(generator.random(20_000) < 0.7, true, generator.choice(leaves, 20_000))
    whole = per_node(shop, true, predicted)
    covered = dict.fromkeys(("precision", "recall", "f1"), 0)
    for _ in range(200):
        some = generator.integers(0, len(true), 120)
        found = per_node(shop, true[some], predicted[some])
        for name in covered:
            low, high = found.intervals[name]
            covered[name] += low[2] <= getattr(whole, name)[2] <= high[2]
    assert all(180 <= count <= 199 for count in covered.values()), covered


def test_with_many_different_pairs_the_macro_scores_get_fewer_resamples(shop):
    generator = np.random.default_rng(0)
    true, predicted = generator.choice(shop.terminals, (2, 300))
    wanted = evaluate_paths(shop, true, predicted, n_resamples=400)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_resample, "_VISITS", 0)
        patch.setattr(_resample, "_FEWEST", 100)
        patch.setattr(_resample, "CHUNK", 300 * 50)
        found = evaluate_paths(shop, true, predicted, n_resamples=400)
    assert found.intervals["path_accuracy"] == wanted.intervals["path_accuracy"]
    for name in ("nodes.macro_f1", "levels.2.macro_f1"):
        assert found.intervals[name] != wanted.intervals[name]
        assert found.intervals[name] == pytest.approx(wanted.intervals[name], abs=0.03)


def test_a_confusion_is_plain_values(shop):
    [one] = confusions(shop, [("Games", "Sports")], [("Games", "Cards")])
    assert isinstance(one, Confusion)
    assert one.to_dict()["true_path"] == ["Games", "Sports"]
    assert one.to_dict()["texts"] == [0]
