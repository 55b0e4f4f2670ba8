import math
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_metrics import cases, node_set, slow_metrics

from textaxa.errors import DataError
from textaxa.evaluation import _auc, evaluate_paths, hierarchical_f1
from textaxa.taxonomy import CSR, NodeRecord, Taxonomy


@pytest.fixture
def shop():
    return Taxonomy.from_paths(
        [
            ("Games", "Sports"),
            ("Games", "Cards"),
            ("Tools",),
            ("Tools", "Clocks"),
            ("Tools", "Other"),
            ("Games", "Other"),
        ]
    )


@settings(max_examples=300, deadline=None)
@given(cases())
def test_every_metric_equals_its_slow_version(case):
    taxonomy, true, predicted, node_proba = case
    found = evaluate_paths(taxonomy, true, predicted, node_proba=node_proba, intervals=False).values()
    wanted = slow_metrics(taxonomy, true, predicted, node_proba)
    assert found.keys() == wanted.keys()
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, abs=1e-12), name


@settings(deadline=None)
@given(cases())
def test_without_probabilities_all_but_the_area_is_the_same(case):
    taxonomy, true, predicted, _ = case
    evaluation = evaluate_paths(taxonomy, true, predicted, intervals=False)
    assert evaluation.hierarchical.f1_auc is None
    assert evaluation.values() == pytest.approx(slow_metrics(taxonomy, true, predicted), abs=1e-12)


@settings(deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_texts_does_not_matter(case, random):
    taxonomy, true, predicted, node_proba = case
    order = list(range(len(true)))
    random.shuffle(order)
    one = evaluate_paths(taxonomy, true, predicted, node_proba=node_proba, intervals=False)
    other = evaluate_paths(
        taxonomy, [true[i] for i in order], [predicted[i] for i in order], node_proba=node_proba[order], intervals=False
    )
    assert one.values() == pytest.approx(other.values(), abs=1e-12)


@settings(deadline=None)
@given(cases(unknown=False))
def test_hierarchical_f1_of_node_numbers_is_that_of_paths(case):
    taxonomy, true, predicted, _ = case
    wanted = evaluate_paths(taxonomy, true, predicted, intervals=False).hierarchical.f1
    numbers = [[[taxonomy.index(path) for path in labels] for labels in side] for side in (true, predicted)]
    assert hierarchical_f1(taxonomy, *numbers) == pytest.approx(wanted, abs=1e-12)
    tables = [np.zeros((len(true), len(taxonomy)), dtype=bool) for _ in numbers]
    ragged = []
    for table, side in zip(tables, numbers, strict=True):
        for row, nodes in zip(table, side, strict=True):
            row[nodes] = True
        unique = [sorted(set(nodes)) for nodes in side]
        ragged.append(CSR(np.cumsum([0, *map(len, unique)]), np.array([*chain(*unique)], dtype=np.int32)))
    assert hierarchical_f1(taxonomy, *tables) == pytest.approx(wanted, abs=1e-12)
    assert hierarchical_f1(taxonomy, *ragged) == pytest.approx(wanted, abs=1e-12)


@settings(deadline=None, max_examples=50)
@given(cases(unknown=False, multi=st.just(False)))
def test_one_node_number_a_text_is_enough(case):
    taxonomy, true, predicted, _ = case
    numbers = [np.array([taxonomy.index(p[0]) if p else -1 for p in side]) for side in (true, predicted)]
    wanted = evaluate_paths(taxonomy, true, predicted, intervals=False).hierarchical.f1
    assert hierarchical_f1(taxonomy, *numbers) == pytest.approx(wanted, abs=1e-12)


@settings(deadline=None)
@given(cases(unknown=False))
def test_f1_is_that_of_scikit_learn(case):
    metrics = pytest.importorskip("sklearn.metrics")
    taxonomy, true, predicted, _ = case
    # A column more that is never true: scikit-learn takes a table of one column for one label, not for truth values.
    tables = [np.zeros((len(true), len(taxonomy) + 1), dtype=int) for _ in range(2)]
    for table, side in zip(tables, (true, predicted), strict=True):
        for row, labels in zip(table, side, strict=True):
            row[list(node_set(taxonomy, labels))] = 1
    found = evaluate_paths(taxonomy, true, predicted, intervals=False)

    def theirs(average, labels):
        return metrics.f1_score(*tables, average=average, labels=labels, zero_division=0)

    def approx(average, labels):
        return pytest.approx(theirs(average, labels), abs=1e-12)

    everything = list(range(len(taxonomy)))
    assert found.nodes.micro_f1 == approx("micro", everything)
    assert found.nodes.macro_f1 == approx("macro", everything)
    supported = np.flatnonzero(tables[0].any(axis=0))
    if len(supported):
        assert found.nodes.macro_f1_supported == approx("macro", supported.tolist())
    for one in found.levels:
        nodes = taxonomy.level(one.level)
        assert one.micro_f1 == approx("micro", nodes.tolist())
        assert one.macro_f1_all == approx("macro", nodes.tolist())
        assert one.macro_f1 == approx("macro", np.intersect1d(nodes, supported).tolist())


def test_small_chunks_give_the_same_area(shop):
    generator = np.random.default_rng(0)
    proba = generator.random((20, len(shop)))
    true = [shop.path(int(i)) for i in generator.integers(0, len(shop), 20)]
    wanted = evaluate_paths(shop, true, true, node_proba=proba, intervals=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_auc, "_CHUNK", 1)
        assert evaluate_paths(shop, true, true, node_proba=proba, intervals=False) == wanted


def test_the_area_of_a_worked_example(shop):
    # Tools 0.9 (wrong), Games 0.6, Sports 0.5 give the points (recall, precision) (0, 1), (0, 0), (1/2, 1/2), (1, 2/3).
    proba = dict.fromkeys(shop.nodes, 0.0) | {("Tools",): 0.9, ("Games",): 0.6, ("Games", "Sports"): 0.5}
    row = [[proba[path] for path in shop.nodes]]
    found = evaluate_paths(shop, [("Games", "Sports")], [("Tools",)], node_proba=row, intervals=False)
    assert found.hierarchical.f1_auc == pytest.approx(0.5 * (0 + 1 / 2) / 2 + 0.5 * (1 / 2 + 2 / 3) / 2)


def test_the_same_name_in_two_branches_is_two_nodes(shop):
    found = evaluate_paths(shop, [("Games", "Other")], [("Tools", "Other")], intervals=False)
    assert (found.path_accuracy, found.hierarchical.f1, found.mistake_severity) == (0, 0, 2)
    assert [one.accuracy for one in found.levels] == [0, 0]


def test_a_text_counts_only_at_the_levels_that_its_true_path_reaches(shop):
    true = [("Tools",), ("Games", "Sports"), ("Games", "Cards")]
    found = evaluate_paths(shop, true, [("Tools", "Clocks"), ("Games",), ("Games", "Cards")], intervals=False)
    assert [(one.n, one.accuracy) for one in found.levels] == [(3, 1.0), (2, 0.5)]
    assert found.levels[1].micro_f1 == pytest.approx(2 * 1 / (2 + 2))
    assert found.path_accuracy == pytest.approx(1 / 3)
    assert found.mistake_severity == pytest.approx(2 / 3)


def test_severity_is_the_height_of_the_lowest_common_ancestor_on_an_even_tree():
    paths = [(a, a + b, a + b + c) for a in "AB" for b in "AB" for c in "AB"]
    taxonomy = Taxonomy.from_paths(paths)
    wanted = {0: 0, 1: 1, 2: 2, 4: 3}  # the height is where the numbers of two leaves first differ in binary
    for i, height in wanted.items():
        assert evaluate_paths(taxonomy, [paths[0]], [paths[i]], intervals=False).mistake_severity == height


def test_a_path_above_another_of_the_same_text_adds_nothing(shop):
    found = evaluate_paths(shop, [(("Tools",), ("Tools", "Clocks"))], [(("Tools", "Clocks"),)], intervals=False)
    assert (found.path_accuracy, found.mistake_severity, found.hierarchical.f1) == (1, 0, 1)


def test_an_unknown_path_keeps_its_known_beginning_and_is_wrong_after(shop):
    found = evaluate_paths(shop, [("Games", "Sports")], [("Games", "Spots")], intervals=False)
    assert [one.accuracy for one in found.levels] == [1, 0]
    assert (found.path_accuracy, found.coherent_share, found.mistake_severity) == (0, 0, 1)
    assert (found.hierarchical.precision, found.hierarchical.recall) == (0.5, 0.5)


def test_any_path_of_a_dag_node_is_right():
    taxonomy = Taxonomy.from_records(
        [NodeRecord("a", (), "A"), NodeRecord("b", (), "B"), NodeRecord("c", ("a", "b"), "C")]
    )
    assert evaluate_paths(taxonomy, [("A", "C")], [("B", "C")], intervals=False).path_accuracy == 1


def test_lists_are_taken_for_tuples(shop):
    found = evaluate_paths(
        shop, [["Games", "Sports"], [["Tools"]]], [[["Games", "Sports"]], ["Tools"]], intervals=False
    )
    assert found.path_accuracy == 1


def test_levels_that_no_true_path_reaches_are_left_out(shop):
    found = evaluate_paths(shop, [("Tools",)], [("Tools", "Clocks")])
    assert [one.level for one in found.levels] == [1]
    assert len(found.to_dict()["intervals"]["levels"]) == 1


def test_texts_without_any_path_are_at_the_root(shop):
    found = evaluate_paths(shop, [(), ()], [(), ("Games", "Sports")], node_proba=np.zeros((2, len(shop))))
    assert (found.path_accuracy, found.mistake_severity) == (0.5, 1)
    assert found.hierarchical.f1_auc is None
    assert found.levels == ()
    assert not any(math.isnan(value) for value in found.values().values())


def test_json_has_the_keys_of_the_design(shop):
    found = evaluate_paths(
        shop, [("Games", "Sports")] * 3, [("Games", "Sports")] * 3, node_proba=np.ones((3, len(shop))), n_resamples=10
    ).to_dict()
    assert list(found) == [
        "n",
        "path_accuracy",
        "levels",
        "nodes",
        "hierarchical",
        "mistake_severity",
        "coherent_share",
        "calibration",
        "intervals",
    ]
    assert [sorted(level) for level in found["levels"]] == [["accuracy", "level", "macro_f1", "micro_f1", "n"]] * 2
    assert list(found["nodes"]) == ["micro_f1", "macro_f1", "macro_f1_supported"]
    assert list(found["hierarchical"]) == ["precision", "recall", "f1", "f1_auc"]
    assert found["intervals"]["path_accuracy"] == [1, 1]
    assert found["intervals"].keys() == found.keys() - {"n", "intervals"}
    assert found["intervals"]["hierarchical"].keys() == found["hierarchical"].keys()
    assert found["intervals"]["levels"][0].keys() == found["levels"][0].keys() - {"n"}
    assert [list(level) for level in found["calibration"]] == [["level", "n", "ece", "ece_debiased"]] * 2
    assert [list(level) for level in found["intervals"]["calibration"]] == [["level", "ece"]] * 2


def test_without_probabilities_there_is_no_calibration(shop):
    found = evaluate_paths(shop, [("Tools",)], [("Tools",)], n_resamples=5)
    assert found.calibration is None
    assert "calibration" not in found.to_dict().keys() | found.to_dict()["intervals"].keys()


def test_true_paths_outside_the_taxonomy_are_told_together(shop):
    true = [("Games", "Sports"), *[("Games", f"new {i}") for i in range(12)]]
    with pytest.raises(DataError, match=r"12 true paths .*text 1: 'Games > new 0'.*text 10: .*…") as error:
        evaluate_paths(shop, true, true)
    assert "new 11" not in str(error.value)


@pytest.mark.parametrize(
    "strange", ["Games", 3, None, (("Games",), "Tools"), ((),), (("Games", 1),), [["Games", None]]]
)
@pytest.mark.parametrize("side", [0, 1])
def test_what_is_no_path_is_refused_with_its_text(shop, strange, side):
    labels = [[("Tools",), ("Tools",)], [("Tools",), ("Tools",)]]
    labels[side][1] = strange
    with pytest.raises(DataError, match=f"The {('true', 'predicted')[side]} labels of text 1"):
        evaluate_paths(shop, *labels)


def test_unequal_and_empty_inputs_are_refused(shop):
    with pytest.raises(DataError, match="true: 1, predicted: 2"):
        evaluate_paths(shop, [("Tools",)], [("Tools",)] * 2)
    with pytest.raises(DataError, match="no texts"):
        evaluate_paths(shop, [], [])
    with pytest.raises(DataError, match="true: 1, node_proba: 2"):
        evaluate_paths(shop, [("Tools",)], [("Tools",)], node_proba=np.ones((2, len(shop))))


def test_node_numbers_of_another_taxonomy_are_refused(shop):
    with pytest.raises(DataError, match=r"from 99 to 99.*0 to 6"):
        hierarchical_f1(shop, np.array([1]), np.array([99]))
    with pytest.raises(DataError, match="Nodes were given as"):
        hierarchical_f1(shop, 0.5, np.array([1]))
