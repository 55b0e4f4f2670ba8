"""The lowest expected cost against all answers; costs read from tables, and what is wrong with tables."""

import numpy as np
import pytest
from decoding_cases import above, coherent_cases, first_best, taxonomies, tied_cases
from hypothesis import given, settings
from hypothesis import strategies as st

from textaxa.decoding import Costs, _closure, _costs, min_risk_paths, read_costs
from textaxa.decoding._costs import cost_matrix
from textaxa.errors import ConfigError, DataError
from textaxa.taxonomy import Taxonomy, format_path

SHOP = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools", "Clocks"), ("Tools",)])


def distance(taxonomy, a, b):
    """Nodes that lie above (or are) one of the two and not the other."""
    return len(above(taxonomy, a) ^ above(taxonomy, b))


def slow_risks(taxonomy, row, cost):
    terminals = taxonomy.terminals.tolist()
    return [sum(p * cost(node, t) for t, p in zip(terminals, row, strict=True)) for node in range(len(taxonomy))]


@given(st.one_of(coherent_cases(), tied_cases(max_nodes=12)))
@settings(deadline=None)
def test_the_tree_distance_against_all_nodes(case):
    taxonomy, exact, node_proba = case
    for row, (found,) in zip(exact, min_risk_paths(taxonomy, node_proba), strict=True):
        risks = slow_risks(taxonomy, row, lambda node, t: distance(taxonomy, node, t))
        assert found.node == first_best([-risk for risk in risks])


@given(st.one_of(coherent_cases(), tied_cases(max_nodes=12)))
@settings(deadline=None)
def test_the_tree_distance_against_all_terminals(case):
    taxonomy, exact, node_proba = case
    for row, (found,) in zip(exact, min_risk_paths(taxonomy, node_proba, answers="terminals"), strict=True):
        risks = slow_risks(taxonomy, row, lambda node, t: distance(taxonomy, node, t))
        terminals = taxonomy.terminals.tolist()
        assert found.node == terminals[first_best([-risks[t] for t in terminals])]


@given(coherent_cases(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_any_matrix_against_all_nodes(case, seed):
    taxonomy, exact, node_proba = case
    matrix = np.random.default_rng(seed).integers(0, 5, (len(taxonomy), len(taxonomy.terminals)))
    for row, (found,) in zip(exact, min_risk_paths(taxonomy, node_proba, matrix), strict=True):
        assert found.node == first_best((-(matrix @ row)).tolist())


@given(taxonomies(dag=False))
@settings(deadline=None)
def test_on_a_tree_the_default_is_the_number_of_edges(taxonomy):
    node, terminal = np.meshgrid(np.arange(len(taxonomy)), taxonomy.terminals)
    found = Costs(taxonomy).of(node.ravel(), terminal.ravel())
    np.testing.assert_array_equal(found, taxonomy.distance(node.ravel(), terminal.ravel()))


@given(coherent_cases(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_a_text_alone_and_in_blocks_gets_the_same(case, seed):
    taxonomy, _, node_proba = case
    matrix = np.random.default_rng(seed).random((len(taxonomy), len(taxonomy.terminals)))
    for costs in (None, matrix):
        together = min_risk_paths(taxonomy, node_proba, costs)
        assert together == [min_risk_paths(taxonomy, row[None], costs)[0] for row in node_proba]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_closure, "_NUMBERS", 1)
            assert min_risk_paths(taxonomy, node_proba, costs) == together


def test_why_it_ends_where_it_does():
    proba = [[0.75, 0.25, 0.375, 0.375, 0.0], [0.0, 1.0, 0.0, 0.0, 0.25]]
    [[games], [tools]] = min_risk_paths(SHOP, proba)
    assert (games.path, games.stopped, games.path_probability) == (("Games",), "expected cost is lowest here", 0.0)
    assert (tools.path, tools.stopped, tools.path_probability) == (("Tools",), "label ends here", 0.75)


@st.composite
def lines_of_costs(draw):
    """A taxonomy and lines (predicted, true, cost) about different pairs of its nodes."""
    taxonomy = draw(taxonomies(max_nodes=8))
    nodes = st.integers(0, len(taxonomy) - 1)
    pairs = draw(st.lists(st.tuples(nodes, nodes), max_size=5, unique=True))
    return taxonomy, [(*pair, float(cost)) for cost, pair in enumerate(pairs, start=10)]


def slow_cost(taxonomy, lines, default, answer, truth):
    """The rules of `read_costs`, one pair at a time."""
    speaking = []
    for number, (predicted, true, cost) in enumerate(lines):
        if true not in above(taxonomy, truth):
            continue
        if predicted in above(taxonomy, true):
            speaks = answer == predicted
        else:
            speaks = predicted in above(taxonomy, answer) and predicted not in above(taxonomy, truth)
        if speaks:
            speaking.append((taxonomy.depth[predicted], taxonomy.depth[true], number, cost))
    if speaking:
        return max(speaking)[-1]
    return default * (answer != truth) if default is not None else distance(taxonomy, answer, truth)


def rows_of(taxonomy, lines):
    return [
        {"predicted": format_path(taxonomy.path(a)), "true": format_path(taxonomy.path(b)), "cost": cost}
        for a, b, cost in lines
    ]


@given(lines_of_costs(), st.sampled_from([None, 0.0, 3.0]), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_lines_speak_of_the_pairs_that_the_rules_say(case, default, seed):
    taxonomy, lines = case
    if not lines:
        return
    costs = read_costs(rows_of(taxonomy, lines), taxonomy, default=default)
    terminals = taxonomy.terminals.tolist()
    wanted = [[slow_cost(taxonomy, lines, default, node, t) for t in terminals] for node in range(len(taxonomy))]
    node, terminal = np.indices((len(taxonomy), len(terminals)))
    found = costs.of(node.ravel(), taxonomy.terminals[terminal.ravel()])
    np.testing.assert_array_equal(found, np.ravel(wanted))
    exact = np.random.default_rng(seed).dirichlet(np.ones(len(terminals)), size=3)
    np.testing.assert_allclose(costs.expected(exact), exact @ np.transpose(wanted), atol=1e-12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_costs, "_DENSE", 0)
        patch.setattr(_costs, "_GATHERED", 1)
        np.testing.assert_allclose(costs.expected(exact), exact @ np.transpose(wanted), atol=1e-12)


def test_costs_change_the_answer(tmp_path):
    file = tmp_path / "costs.csv"
    file.write_text("predicted,true,cost\nGames,Tools,50\n", encoding="utf-8")
    proba = [[0.8, 0.2, 0.7, 0.1, 0.1]]
    assert min_risk_paths(SHOP, proba)[0][0].path == ("Games", "Sports")
    assert min_risk_paths(SHOP, proba, read_costs(file, SHOP))[0][0].path == ("Tools",)


def test_another_separator_and_spaces_around_values(tmp_path):
    file = tmp_path / "costs.csv"
    file.write_text("true,cost,predicted\nTools/Clocks, 7 ,Games/Cards\n", encoding="utf-8")
    costs = read_costs(file, SHOP, separator="/")
    pair = SHOP.index(("Games", "Cards")), SHOP.index(("Tools", "Clocks"))
    assert costs.of([pair[0]], [pair[1]]).tolist() == [7.0]


def test_all_faults_of_a_table_are_told_with_line_value_and_cure(tmp_path):
    file = tmp_path / "costs.csv"
    file.write_text(
        "predicted,true,cost\nGames,Toolz,1\nGames,Tools,much\nTools,Games,-1\n,Games,2\nTools,Games,3\n"
        "Tools,Games,4\nGames > Sports > Golf,Games,nan\n",
        encoding="utf-8",
    )
    with pytest.raises(DataError) as told:
        read_costs(file, SHOP)
    message = str(told.value)
    for part in (
        "has 7 faults",
        "line 2: true: ('Toolz',) is not in the taxonomy",
        "Did you mean 'Tools'?",
        "line 3: the cost 'much' is no number from 0 on",
        "line 4: the cost '-1'",
        "line 5: predicted: The path is blank",
        "line 7: the pair of line 6 is given again",
        "line 8: predicted: ('Games', 'Sports', 'Golf') is not in the taxonomy",
        "line 8: the cost 'nan'",
        "Write costs as numbers with a point",
        "Keep one of the lines.",
    ):
        assert part in message


@pytest.mark.parametrize("cost", [None, "", "1,5", "inf", -0.5, [], "1e400"])
def test_a_cost_that_is_none_is_refused(cost):
    with pytest.raises(DataError, match="no number from 0 on"):
        read_costs([{"predicted": "Games", "true": "Tools", "cost": cost}], SHOP)


def test_a_missing_column_and_a_missing_file_are_told(tmp_path):
    file = tmp_path / "costs.csv"
    file.write_text("predicted,truth,cost\nGames,Tools,1\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"no column 'true'\. Did you mean 'truth'"):
        read_costs(file, SHOP)
    with pytest.raises(DataError, match=r"none\.csv"):
        read_costs(tmp_path / "none.csv", SHOP)


@pytest.mark.parametrize("default", [-1.0, float("nan"), "1", True])
def test_a_default_that_is_no_cost_is_refused(default):
    with pytest.raises(ConfigError, match="default"):
        read_costs([{"predicted": "Games", "true": "Tools", "cost": 1}], SHOP, default=default)


@pytest.mark.parametrize(
    ("predicted", "true", "cost"),
    [([1, 0], [2, 2], [1.0, 1.0]), ([0, 0], [2, 2], [1.0, 2.0]), ([0], [0], [1.0]), ([0], [2], [1.0, 2.0])],
)
def test_pairs_out_of_order_repeated_or_without_a_terminal_are_refused(predicted, true, cost):
    with pytest.raises(ConfigError, match="read_costs"):
        Costs(SHOP, None, np.array(predicted), np.array(true), np.array(cost))


def test_lines_about_too_many_pairs_are_refused(monkeypatch):
    monkeypatch.setattr(_costs, "_MOST_PAIRS", 5)
    with pytest.raises(ConfigError, match="6 pairs"):
        read_costs([{"predicted": "Games", "true": "Tools", "cost": 1}], SHOP)


@pytest.mark.parametrize(
    ("matrix", "told"),
    [
        (np.zeros((5, 3)), r"\(5, 3\).*\(5, 4\)"),
        (np.full((5, 4), -1.0), "below 0"),
        (np.full((5, 4), np.nan), "finite"),
    ],
)
def test_a_matrix_that_holds_no_costs_is_refused(matrix, told):
    with pytest.raises(ConfigError, match=told):
        cost_matrix(SHOP, matrix)


def test_costs_of_another_taxonomy_and_unknown_answers_are_refused():
    other = Taxonomy.from_paths([("Games",), ("Tools",)])
    with pytest.raises(ConfigError, match="another taxonomy"):
        min_risk_paths(SHOP, np.full((1, 5), 0.5), Costs(other))
    with pytest.raises(ConfigError, match="answers = 'leaves'"):
        min_risk_paths(SHOP, np.full((1, 5), 0.5), answers="leaves")


def test_what_differs_by_rounding_alone_is_decided_by_node_order():
    values = np.array([[0.3, 0.1 + 0.2, 0.0], [-0.3, -0.1, -0.1 + 1e-17], [0.0, 0.0, 0.0], [0.3, 0.3 + 1e-9, 0.0]])
    assert values[0, 0] < values[0, 1]
    assert _closure.first_largest(values).tolist() == [0, 1, 0, 1]
