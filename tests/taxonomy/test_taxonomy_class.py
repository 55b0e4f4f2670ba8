"""The Taxonomy class: order, levels, ancestors, lowest common ancestors, identity; and what it refuses."""

import copy
import itertools
import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from taxonomy_strategies import dag_records, paths

from textaxa.errors import TaxonomyError
from textaxa.taxonomy import CSR, NodeRecord, Taxonomy, format_path, parse_path

APPS = [("Games", "Sports"), ("Games", "Other"), ("Tools", "Other"), ("Tools",), ("Games", "Sports", "Football")]


@pytest.fixture
def apps():
    return Taxonomy.from_paths(APPS)


def brute_ancestors(taxonomy):
    """Sets of ancestors, each node's own included, from the definition."""
    known = []
    for node in range(len(taxonomy)):
        mine = {node}
        for parent in taxonomy.parents.row(node).tolist():
            mine |= known[parent]
        known.append(mine)
    return known


def check_everything(taxonomy):
    """What holds for every taxonomy."""
    n = len(taxonomy)
    nodes = list(taxonomy.nodes)
    assert len(nodes) == n == len(set(nodes))
    assert [taxonomy.path(i) for i in range(n)] == nodes
    assert [taxonomy.index(path) for path in nodes] == list(range(n))
    assert [len(path) for path in nodes] == taxonomy.depth.tolist()
    assert [path[-1] for path in nodes] == list(taxonomy.names)
    for node in range(n):
        parents = taxonomy.parents.row(node)
        if taxonomy.depth[node] == 1:
            assert taxonomy.parent[node] == -1
            assert not len(parents)
        else:
            assert taxonomy.parent[node] == parents[0]
            assert taxonomy.depth[node] == taxonomy.depth[parents].max() + 1
        assert all(node in taxonomy.children.row(parent) for parent in parents)
    assert taxonomy.children.counts.sum() == taxonomy.parents.counts.sum()
    levels = [taxonomy.level(level).tolist() for level in range(1, taxonomy.n_levels + 1)]
    assert list(itertools.chain(*levels)) == list(range(n))
    assert (np.diff(taxonomy.depth) >= 0).all()
    for start, end in itertools.pairwise(levels):
        assert (np.diff(taxonomy.parent[end]) >= 0).all(), "siblings lie side by side"
        assert start[-1] < end[0]
    brute = brute_ancestors(taxonomy)
    assert [row.tolist() for row in taxonomy.ancestors] == [sorted(mine) for mine in brute]
    assert [set(row.tolist()) for row in taxonomy.descendants] == [
        {i for i in range(n) if j in brute[i]} for j in range(n)
    ]
    a, b = np.divmod(np.arange(n * n), n)
    lca = taxonomy.lca(a, b)
    expected = [max((brute[i] & brute[j]) or {-1}) for i, j in zip(a, b, strict=True)]
    assert lca.tolist() == expected
    assert lca.dtype == np.int32
    depth = [*taxonomy.depth.tolist(), 0]
    assert taxonomy.distance(a, b).tolist() == [
        depth[i] + depth[j] - 2 * depth[c] for i, j, c in zip(a, b, expected, strict=True)
    ]
    assert (taxonomy.is_leaf == (taxonomy.children.counts == 0)).all()
    assert taxonomy.is_terminal[taxonomy.is_leaf].all()
    assert taxonomy.terminals.tolist() == np.flatnonzero(taxonomy.is_terminal).tolist()
    again = Taxonomy.from_dict(json.loads(json.dumps(taxonomy.to_dict())))
    assert again == taxonomy
    assert hash(again) == hash(taxonomy)
    assert again.parents == taxonomy.parents


@given(paths())
def test_properties_of_trees(given_paths):
    taxonomy = Taxonomy.from_paths(given_paths)
    check_everything(taxonomy)
    assert taxonomy.is_tree
    prefixes = {path[:k] for path in given_paths for k in range(1, len(path) + 1)}
    assert set(taxonomy.nodes) == prefixes
    ends = {taxonomy.path(i) for i in taxonomy.terminals}
    leaves = {p for p in prefixes if not any(q[: len(p)] == p and len(q) > len(p) for q in prefixes)}
    assert ends == set(given_paths) | leaves


@given(dag_records())
def test_properties_of_dags(records):
    taxonomy = Taxonomy.from_records(records)
    check_everything(taxonomy)
    by_code = {record.code: record for record in records}
    for node, code in enumerate(taxonomy.codes):
        record = by_code[code]
        assert taxonomy.names[node] == record.name
        assert {taxonomy.codes[p] for p in taxonomy.parents.row(node)} == set(record.parents)
        assert taxonomy.descriptions[node] == record.description
        if record.terminal:
            assert taxonomy.is_terminal[node]
        else:
            assert taxonomy.is_terminal[node] == taxonomy.is_leaf[node]


@given(paths())
def test_sorting_makes_the_given_order_irrelevant(given_paths):
    assert Taxonomy.from_paths(given_paths, sort=True) == Taxonomy.from_paths(given_paths[::-1], sort=True)


def test_order_is_level_by_level_then_as_given(apps):
    assert apps.nodes == [
        ("Games",),
        ("Tools",),
        ("Games", "Sports"),
        ("Games", "Other"),
        ("Tools", "Other"),
        ("Games", "Sports", "Football"),
    ]
    assert Taxonomy.from_paths(APPS, sort=True).nodes[2:4] == [("Games", "Other"), ("Games", "Sports")]


def test_same_name_in_two_branches_is_two_nodes(apps):
    games, tools = apps.index(("Games", "Other")), apps.index(("Tools", "Other"))
    assert games != tools
    assert apps.path(games) != apps.path(tools)
    assert int(apps.lca(games, tools)) == -1
    assert int(apps.distance(games, tools)) == 4


def test_terminals(apps):
    assert [apps.path(i) for i in apps.terminals] == [
        ("Tools",),
        ("Games", "Sports"),
        ("Games", "Other"),
        ("Tools", "Other"),
        ("Games", "Sports", "Football"),
    ]
    assert apps.with_terminals("leaves").terminals.tolist() == [3, 4, 5]
    assert apps.with_terminals("all").terminals.tolist() == list(range(6))
    assert apps.with_terminals([("Games",)]).terminals.tolist() == [0, 3, 4, 5]
    assert apps.with_terminals("leaves") == Taxonomy.from_paths(APPS, terminals="leaves")
    assert apps.with_terminals("all") == Taxonomy.from_paths(APPS, terminals="all")
    assert apps.with_terminals("all") != apps
    with pytest.raises(TaxonomyError, match="Did you mean 'Games'"):
        apps.with_terminals([("Gamse",)])
    with pytest.raises(TaxonomyError, match="'some'"):
        apps.with_terminals("some")
    with pytest.raises(TaxonomyError, match="'some'"):
        Taxonomy.from_paths(APPS, terminals="some")


def test_dag_any_path_finds_the_node_and_the_canonical_one_is_longest():
    taxonomy = Taxonomy.from_records(
        [
            NodeRecord("s", ("top", "mid"), "Shared"),
            NodeRecord("mid", ("top",), "Mid"),
            NodeRecord("top", (), "Top"),
            NodeRecord("other", (), "Other"),
            NodeRecord("t", ("other", "top"), "Twice"),
        ]
    )
    shared = taxonomy.index(("Top", "Shared"))
    assert shared == taxonomy.index(("Top", "Mid", "Shared"))
    assert taxonomy.path(shared) == ("Top", "Mid", "Shared")
    assert taxonomy.depth[shared] == 3
    assert taxonomy.path(taxonomy.index(("Top", "Twice"))) == ("Other", "Twice"), "the first listed of equals"
    assert taxonomy.parents.row(shared).tolist() == [taxonomy.index(("Top", "Mid")), taxonomy.index(("Top",))]


def test_scalars_broadcast_and_the_root_is_minus_one(apps):
    assert apps.lca(2, [0, 3, -1, 5]).tolist() == [0, 0, -1, 2]
    assert apps.lca([[0], [2]], [3, 4]).shape == (2, 2)
    assert apps.distance(-1, 5).tolist() == 3
    with pytest.raises(TaxonomyError, match="0 to 5"):
        apps.lca(0, 6)
    with pytest.raises(TaxonomyError, match="whole numbers"):
        apps.lca(0.5, 1)


def test_unknown_paths_name_the_nearest_sibling(apps):
    with pytest.raises(TaxonomyError, match=r"no 'Sprots' below \('Games',\)\. Did you mean 'Sports'\?"):
        apps.index(("Games", "Sprots"))
    with pytest.raises(TaxonomyError, match="leaf"):
        apps.index(("Games", "Other", "More"))
    with pytest.raises(TaxonomyError, match="another branch"):
        apps.index(("Football",))
    with pytest.raises(TaxonomyError, match="parse_path"):
        apps.index("Games > Sports")
    with pytest.raises(TaxonomyError, match="root itself"):
        apps.index(())
    assert apps.find(("Games", "Sprots")) is None
    assert apps.find("Games") is None
    assert ("Games",) in apps
    assert ("Sports",) not in apps
    assert 3 not in apps
    assert apps.nodes.index(("Games", "Other")) == 3
    with pytest.raises(ValueError, match="Did you mean"):
        apps.nodes.index(("Gamse",))


def test_it_cannot_be_changed(apps):
    with pytest.raises(AttributeError, match="cannot be changed"):
        apps.names = ()
    with pytest.raises(AttributeError, match="cannot be"):
        del apps.names
    arrays = [apps.parent, apps.depth, apps.is_leaf, apps.is_terminal, apps.terminals, apps.level(1)]
    arrays += [
        a for csr in (apps.parents, apps.children, apps.ancestors, apps.descendants) for a in (csr.indptr, csr.indices)
    ]
    arrays.append(apps.with_terminals("all").is_terminal)
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_copies_and_pickles_are_equal(apps):
    assert copy.deepcopy(apps) is apps
    assert copy.copy(apps) is apps
    again = pickle.loads(pickle.dumps(apps))  # noqa: S301 - our own bytes
    assert again == apps
    assert not again.parent.flags.writeable
    assert repr(apps) == "<Taxonomy: tree of 6 nodes, 3 levels, 5 terminals>"
    assert "('Games',)" in repr(apps.nodes)
    assert apps != "apps"
    assert apps.nodes[::-2] == [apps.path(5), apps.path(3), apps.path(1)]
    assert apps.nodes[-1] == apps.path(5)
    with pytest.raises(IndexError):
        apps.nodes[6]
    with pytest.raises(TaxonomyError, match="levels of this taxonomy are 1 to 3"):
        apps.level(4)
    assert apps.level_slice(2) == slice(2, 5)


def test_content_decides_equality(apps):
    assert Taxonomy.from_paths(APPS) == apps
    described = Taxonomy.from_paths(APPS, descriptions={("Games",): "play"})
    assert described != apps
    assert described.descriptions == ("play", "", "", "", "", "")
    assert described.fingerprint != apps.fingerprint
    assert len(apps.fingerprint) == 64


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([], "no nodes"),
        ([()], "root itself"),
        (["Games"], "parse_path"),
        ("Games", "parse_path"),
        ([("Games", "")], "empty name at level 2"),
        ([("Games", "  ")], "empty name at level 2"),
        ([("Games", None)], "None"),
        ([("Games", 3)], r"3 \(int\) at level 2"),
        ([("Games", float("nan"))], "nan"),
        ([7], "7 is not a path"),
        ([("Games", "\ud800")], "surrogate"),
    ],
)
def test_bad_paths_are_refused(bad, message):
    with pytest.raises(TaxonomyError, match=message):
        Taxonomy.from_paths(bad)


def test_description_of_an_unknown_path_is_refused():
    with pytest.raises(TaxonomyError, match="'Gamse'"):
        Taxonomy.from_paths(APPS, descriptions={("Gamse",): "x"})


def test_all_faults_of_records_in_one_error():
    with pytest.raises(TaxonomyError) as caught:
        Taxonomy.from_records(
            [
                NodeRecord("a", ("c",), "A", row=2),
                NodeRecord("b", ("a",), "B", row=3),
                NodeRecord("c", ("b",), "C", row=4),
                NodeRecord("d", ("nowhere",), "D", row=5),
                NodeRecord("d", (), "D again", row=6),
                NodeRecord("e", (), "E", row=7),
                NodeRecord("f", (), "E", row=8),
                NodeRecord("g", (), " ", row=9),
                NodeRecord("h", ("e", "e"), "H", row=10),
                NodeRecord("i", (), 3, row=11),
            ]
        )
    message = str(caught.value)
    assert "7 faults" in message
    for part in ("circle: 'A' (code 'a') in row 2", "'nowhere'", "row 6", "row 8", "blank name", "listed twice", "int"):
        assert part in message


def test_a_self_parent_is_a_cycle():
    with pytest.raises(TaxonomyError, match="circle"):
        Taxonomy.from_records([NodeRecord("a", ("a",), "A")])


def test_two_cycles_are_both_told_and_what_hangs_below_is_not():
    pairs = [("a", "b"), ("b", "a"), ("x", "y"), ("y", "x"), ("below", "a")]
    with pytest.raises(TaxonomyError) as caught:
        Taxonomy.from_records([NodeRecord(code, (parent,), code) for code, parent in pairs])
    assert str(caught.value).count("circle") == 2
    assert "below'" not in str(caught.value)


def test_many_faults_are_cut_after_ten():
    with pytest.raises(TaxonomyError, match=r"has 30 faults. The first 10") as caught:
        Taxonomy.from_records([NodeRecord(str(i), ("x",), str(i)) for i in range(30)])
    assert str(caught.value).count("\n- ") == 10


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "other"}, "format"),
        ({"version": 2}, "newer"),
        ({"nmaes": []}, "Did you mean 'names'"),
        ({"names": None}, "names"),
        ({"names": ["A", "B", 3]}, "number 2"),
        ({"names": ["A", "B"]}, "damaged"),
        ({"parents": [-1, 0]}, "damaged"),
        ({"parents": [-1, 0, 9]}, "node 9"),
        ({"parents": [-1, 0, True]}, "True"),
        ({"parents": [-1, 0, "0"]}, "'0'"),
        ({"parents": [-1, 0, [-1, 0]]}, "node -1"),
        ({"parents": [-1, 2, 1]}, "circle"),
        ({"parents": [1, -1, 0]}, "not in their order"),
        ({"parents": [-1, -1, -1], "names": ["A", "B", "A"]}, "same name"),
        ({"terminals": [5]}, "node 5"),
        ({"terminals": None}, "terminals"),
        ({"descriptions": ["x"]}, "damaged"),
        ({"codes": ["1", "1", "2"]}, "same code"),
    ],
)
def test_damaged_dictionaries_are_refused(change, message):
    stored = Taxonomy.from_paths([("A", "B"), ("A", "C")]).to_dict()
    with pytest.raises(TaxonomyError, match=message):
        Taxonomy.from_dict(stored | change)


def test_a_stored_taxonomy_is_an_object():
    with pytest.raises(TaxonomyError, match="list"):
        Taxonomy.from_dict([])
    with pytest.raises(TypeError, match="from_paths"):
        Taxonomy({})


def test_chains_of_ten_thousand_need_no_recursion():
    depth = 10_000
    taxonomy = Taxonomy.from_paths([tuple(f"n{i}" for i in range(depth))])
    assert taxonomy.n_levels == depth
    assert int(taxonomy.lca(depth - 1, 17)) == 17
    assert len(taxonomy.path(depth - 1)) == depth
    assert taxonomy.ancestors.row(depth - 1).tolist() == list(range(depth))
    assert taxonomy.find(taxonomy.path(depth - 1)) == depth - 1
    assert Taxonomy.from_dict(json.loads(json.dumps(taxonomy.to_dict()))) == taxonomy


def test_closures_beyond_the_bound_are_refused(monkeypatch):
    monkeypatch.setattr("textaxa.taxonomy._ancestry.MAX_CLOSURE", 5)
    with pytest.raises(TaxonomyError, match="too deep"):
        _ = Taxonomy.from_paths([("a", "b", "c")]).ancestors
    records = [
        NodeRecord("a", (), "a"),
        NodeRecord("b", (), "b"),
        NodeRecord("c", ("a", "b"), "c"),
        NodeRecord("d", ("c",), "d"),
    ]
    with pytest.raises(TaxonomyError, match="too deep"):
        _ = Taxonomy.from_records(records).ancestors


@given(paths())
@settings(max_examples=50)
def test_formatted_paths_parse_back(given_paths):
    for path in given_paths:
        clean = tuple(name.strip() for name in path)
        try:
            text = format_path(clean)
        except TaxonomyError:
            assert any(" > " in f" {name} " for name in clean)
        else:
            assert parse_path(text) == clean


@pytest.mark.parametrize("text", ["", "  ", "A > ", " > A", "A >", "> A", "A > > B", "A >  > B"])
def test_paths_with_empty_names_are_refused(text):
    with pytest.raises(TaxonomyError):
        parse_path(text)


def test_separators():
    assert parse_path("A/B", "/") == ("A", "B")
    assert parse_path("A->B > C") == ("A->B", "C")
    with pytest.raises(TaxonomyError, match="separator"):
        parse_path("A", "")
    with pytest.raises(TaxonomyError, match="'A/C'"):
        format_path(("A/C", "B"), "/")


def test_csr():
    csr = CSR(np.array([0, 2, 2, 3]), np.array([1, 3, 0]))
    assert len(csr) == 3
    assert [row.tolist() for row in csr] == [[1, 3], [], [0]]
    assert csr.rows([2, 0, 2]).tolist() == [0, 1, 3, 0]
    assert [row.tolist() for row in csr.transpose(4)] == [[2], [0], [], [0]]
    assert csr.transpose(4).transpose(3) == csr
    assert csr.counts.tolist() == [2, 0, 1]
    assert csr != CSR(np.array([0, 2, 2, 3]), np.array([1, 3, 1]))
    assert csr != 3
