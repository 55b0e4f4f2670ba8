"""The search of a wide head against every path walked one by one, and against the search that knows no batches."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wide.wide_cases import WIDTH, heads, random_head, slow_exact, slow_options

from textaxa.decoding import beam_search
from textaxa.errors import ConfigError, DataError
from textaxa.taxonomy import NodeRecord, Taxonomy
from textaxa.wide import Options, WideHead, _head, _search

UNEVEN = Taxonomy.from_paths(
    [("Games", "Sports"), ("Games", "Cards"), ("Games",), ("Tools", "Clocks", "Alarm"), ("Tools", "Clocks"), ("Art",)]
)


@given(heads())
@settings(deadline=None)
def test_options_are_children_by_canonical_parent_and_ends_here(case):
    taxonomy, options = case[0].taxonomy, case[0].options
    wanted = [found for node in range(-1, len(taxonomy)) if (found := slow_options(taxonomy, node))]
    found = [options.node[a:b].tolist() for a, b in zip(options.start[:-1], options.start[1:], strict=True)]
    assert found == [group for group in wanted if group[0] >= 0 and _is_reached(taxonomy, group[0])]
    for option, (node, below) in enumerate(zip(options.node.tolist(), options.below.tolist(), strict=True)):
        ends_here = options.option[node] != option
        assert (below >= 0) == (not ends_here and bool(slow_options(taxonomy, node)))
        if below >= 0:
            assert taxonomy.parent[options.node[options.start[below]]] == node


def _is_reached(taxonomy, node):
    return taxonomy.is_terminal[node] or slow_options(taxonomy, node)


@given(heads())
@settings(deadline=None)
def test_the_paths_to_terminals_are_chains_of_options(case):
    taxonomy, options = case[0].taxonomy, case[0].options
    table = options.paths(taxonomy, taxonomy.terminals)
    for terminal, row in zip(taxonomy.terminals.tolist(), table.tolist(), strict=True):
        chain, group = [option for option in row if option >= 0], 0
        assert row[: len(chain)] == chain
        for option in chain:
            assert options.group[option] == group
            group = options.below[option]
        assert group == -1
        assert options.node[chain[-1]] == terminal


@given(heads(), st.integers(1, 15))
@settings(deadline=None)
def test_a_wide_beam_finds_the_best_paths_with_their_probabilities(case, k):
    head, features = case
    exact = slow_exact(head, features)
    np.testing.assert_allclose(exact.sum(1), 1)
    found = head.search(features, k=k, width=max(k, len(head.taxonomy)))
    assert found.exact.all()
    n = found.nodes.shape[1]
    assert n == min(k, len(head.taxonomy.terminals))
    np.testing.assert_allclose(found.probabilities, -np.sort(-exact, axis=1)[:, :n], rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(found.probabilities, np.take_along_axis(exact, found.nodes, 1), rtol=1e-4, atol=1e-7)
    assert all(len(set(row)) == n for row in found.nodes.tolist())


@given(heads(), st.integers(1, 3), st.integers(0, 2))
@settings(deadline=None)
def test_a_narrow_beam_is_exact_where_it_says_so(case, k, more):
    head, features = case
    exact = slow_exact(head, features)
    found = head.search(features, k=k, width=k + more)
    best = -np.sort(-exact, axis=1)[:, : found.nodes.shape[1]]
    np.testing.assert_allclose(found.probabilities[found.exact], best[found.exact], rtol=1e-4, atol=1e-7)
    assert (found.probabilities <= best * (1 + 1e-4) + 1e-7).all()


def test_a_narrow_beam_can_be_wrong_and_then_is_not_sure():
    taxonomy = Taxonomy.from_paths([*(("A", f"x{i}") for i in range(10)), ("B", "y")])
    head = WideHead.zeros(taxonomy, 1)
    head.rows.bias[0] = np.log(1.5)
    narrow, wide = (head.search([[0.0]], width=width) for width in (1, 2))
    assert taxonomy.path(int(narrow.nodes[0, 0]))[0] == "A"
    assert not narrow.exact[0]
    assert taxonomy.path(int(wide.nodes[0, 0])) == ("B", "y")
    assert wide.exact[0]
    assert wide.probabilities[0, 0] == pytest.approx(0.4)


@given(heads(), st.integers(1, 4))
@settings(deadline=None)
def test_the_general_beam_search_finds_the_same_with_the_head_as_conditional(case, k):
    head, features = case
    width = max(k, len(head.taxonomy))
    ours = head.search(features, k=k, width=width)
    theirs = beam_search(head.tree, head.conditional(features), len(features), k=k, width=width)
    n = ours.nodes.shape[1]
    np.testing.assert_allclose(theirs.probabilities[:, :n], ours.probabilities, rtol=1e-4, atol=1e-7)
    clear = (np.diff(ours.probabilities, axis=1) < -1e-5).all(axis=1)
    np.testing.assert_array_equal(theirs.nodes[clear, :n], ours.nodes[clear])


def test_children_and_end_given_their_node_sum_to_one():
    head = random_head(UNEVEN, 0)
    node = np.flatnonzero(~UNEVEN.is_leaf)
    children, ends = head.conditional(np.ones((1, WIDTH)))(np.zeros(len(node), dtype=np.int64), node)
    counts = [len(UNEVEN.children.row(n)) for n in node]
    sums = np.add.reduceat(children, np.cumsum([0, *counts[:-1]])) + ends
    np.testing.assert_allclose(sums, 1, rtol=1e-6)
    assert (ends > 0).tolist() == UNEVEN.is_terminal[node].tolist()


@given(heads(max_texts=9), st.integers(1, 3))
@settings(deadline=None)
def test_texts_alone_and_in_blocks_get_the_same(case, k):
    head, features = case
    together = head.search(features, k=k, width=3)
    alone = [head.search(row[None], k=k, width=3) for row in features]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_head, "BATCH", 2)
        blocks = head.search(features, k=k, width=3)
    for other in (np.concatenate([one.probabilities for one in alone]), blocks.probabilities):
        np.testing.assert_allclose(other, together.probabilities, rtol=1e-5)
    many = head.search(np.repeat(features, 40, axis=0), k=k, width=3)
    np.testing.assert_allclose(many.probabilities[::40], together.probabilities, rtol=1e-5)


@given(st.permutations(range(len(UNEVEN))), st.integers(0, 1000))
@settings(deadline=None, max_examples=30)
def test_permuting_nodes_permutes_the_answers(order, seed):
    paths = [UNEVEN.path(i) for i in order if UNEVEN.is_terminal[i]]
    other = Taxonomy.from_paths(paths)
    head = random_head(UNEVEN, seed)
    moved = WideHead.zeros(other, WIDTH)
    for node in range(len(UNEVEN)):
        there = other.index(UNEVEN.path(node))
        pairs = [(head.options.option[node], moved.options.option[there])]
        if UNEVEN.is_terminal[node] and not UNEVEN.is_leaf[node]:
            ends = ((h.options, h.options.below[h.options.option[n]]) for h, n in ((head, node), (moved, there)))
            pairs.append(tuple(o.start[g + 1] - 1 for o, g in ends))
        for one, two in pairs:
            moved.rows.values[two], moved.rows.bias[two] = head.rows.values[one], head.rows.bias[one]
    features = np.random.default_rng(seed).standard_normal((5, WIDTH))
    ours, theirs = (h.search(features, k=3, width=9) for h in (head, moved))
    np.testing.assert_allclose(theirs.probabilities, ours.probabilities, rtol=1e-5)
    names = [[[t.path(int(n)) for n in row] for row in f.nodes] for t, f in ((UNEVEN, ours), (other, theirs))]
    assert names[0] == names[1]


def test_a_node_below_which_no_label_ends_by_its_canonical_parent_is_no_option():
    # "Odd" has the child "Both" only in second place, so that on canonical ways no label ends below it.
    records = [
        NodeRecord("o", (), "Odd"),
        NodeRecord("m", (), "Main"),
        NodeRecord("d", ("m",), "Deep"),
        NodeRecord("b", ("d", "o"), "Both"),
    ]
    taxonomy = Taxonomy.from_records(records)
    odd = taxonomy.index(("Odd",))
    head = random_head(taxonomy, 0)
    assert head.options.option[odd] == -1
    found = head.search(np.ones((1, WIDTH)), k=4, width=4)
    assert found.nodes.tolist() == [[taxonomy.index(("Main", "Deep", "Both"))]]
    assert found.probabilities[0, 0] == pytest.approx(1)
    searched = beam_search(head.tree, head.conditional(np.ones((1, WIDTH))), 1, k=1, width=4)
    assert searched.nodes.tolist() == found.nodes.tolist()


@pytest.mark.parametrize(("name", "tolerance"), [("float16", 2e-3), ("int8", 3e-2)])
def test_small_rows_agree_with_float32(name, tolerance):
    paths = [(f"a{i}", f"b{j}", f"c{k}") for i in range(5) for j in range(5) for k in range(5)]
    head = random_head(Taxonomy.from_paths(paths), 1)
    features = np.random.default_rng(2).standard_normal((300, WIDTH)).astype(np.float32)
    whole, small = head.search(features, k=3), head.astype(name).search(features, k=3)
    assert np.mean(whole.nodes[:, 0] == small.nodes[:, 0]) > 0.95
    np.testing.assert_allclose(small.probabilities, whole.probabilities, atol=tolerance)
    assert head.astype(name).rows.nbytes < 0.75 * head.rows.nbytes
    back = head.astype(name).astype("float32").search(features, k=3)
    np.testing.assert_allclose(back.probabilities, small.probabilities, rtol=1e-4)


def test_where_a_narrow_beam_finds_more_than_the_wide_one_the_answer_is_the_wide_one_s():
    # The best top-level node falls apart one level down, the others two levels down: a beam of 3 follows the others.
    falls = [("A", f"a{i}", "end") for i in range(10)]
    later = [(top, side, f"c{i}") for top in "BCD" for side in "xy" for i in range(100)]
    head = WideHead.zeros(Taxonomy.from_paths([*falls, *later]), 1)
    head.rows.bias[0] = np.log(0.3 / 0.7 * 3)
    narrow, plain = (
        _search._beam(head.options, head.rows, np.zeros((2, 1), np.float32), np.full(2, -np.inf), k=1, width=width)
        for width in (1, 3)
    )
    assert np.exp(narrow.log_proba[0, 0]) == pytest.approx(0.03)
    assert np.exp(plain.log_proba[0, 0]) == pytest.approx(0.7 / 600)
    for texts in (1, 2):
        found = head.search(np.zeros((texts, 1)), width=3)
        assert found.probabilities[0, 0] == pytest.approx(0.7 / 600)
        assert not found.exact.any()
    assert head.search([[0.0]], width=7).probabilities[0, 0] == pytest.approx(0.03)


def test_a_narrow_beam_first_and_one_text_alone_change_nothing():
    names = [[f"{letter}{i}" for i in range(4)] for letter in "abcd"]
    head = random_head(Taxonomy.from_paths([(a, b, c, d) for a, b, c, d in itertools.product(*names)]), 5)
    features = np.random.default_rng(3).standard_normal((300, WIDTH)).astype(np.float32)
    plain = _search._beam(head.options, head.rows, features, np.full(len(features), -np.inf), k=1, width=3)
    found = head.search(features, width=3)
    np.testing.assert_allclose(found.probabilities, np.exp(plain.log_proba), rtol=1e-4)
    alone = [head.search(row[None], width=3) for row in features]
    assert [one.nodes[0, 0] for one in alone] == found.nodes[:, 0].tolist()
    assert [one.exact[0] for one in alone] == found.exact.tolist()
    assert 0 < found.exact.sum() < len(features)


def test_no_texts_give_no_paths():
    found = random_head(UNEVEN, 0).search(np.empty((0, WIDTH)), k=2)
    assert found.nodes.shape == found.probabilities.shape == (0, 2)


def test_features_mapped_from_a_file_will_do(tmp_path):
    features = np.random.default_rng(0).standard_normal((600, WIDTH)).astype(np.float16)
    np.save(tmp_path / "features.npy", features)
    head = random_head(UNEVEN, 0)
    mapped = head.search(np.load(tmp_path / "features.npy", mmap_mode="r"), k=2)
    np.testing.assert_array_equal(mapped.nodes, head.search(features.astype(np.float32), k=2).nodes)


@pytest.mark.parametrize(
    "bad", [np.zeros((2, WIDTH + 1)), np.zeros(WIDTH), np.zeros((0, 1)), np.zeros(()), np.full((1, WIDTH), np.nan)]
)
def test_features_that_cannot_be_are_refused(bad):
    head = random_head(UNEVEN, 0)
    for use in (head.search, head.conditional):
        with pytest.raises(DataError, match="encoder"):
            use(bad)


def test_settings_that_cannot_be_are_refused():
    head = random_head(UNEVEN, 0)
    for options in ({"k": 0}, {"k": 3, "width": 2}):
        with pytest.raises(ConfigError, match="beam"):
            head.search(np.zeros((1, WIDTH)), **options)
    with pytest.raises(ConfigError, match="int4"):
        head.astype("int4")
    with pytest.raises(ConfigError, match="width = 0"):
        WideHead.zeros(UNEVEN, 0)


def test_rows_of_another_taxonomy_are_refused():
    other = Taxonomy.from_paths([("A",), ("B",)])
    with pytest.raises(DataError, match="another one"):
        WideHead(other, Options.of(other), random_head(UNEVEN, 0).rows)


def test_a_weight_too_large_for_float16_is_refused():
    head = random_head(UNEVEN, 0)
    head.rows.values[0, 0] = 1e6
    with pytest.raises(DataError, match="too large for float16"):
        head.astype("float16")
