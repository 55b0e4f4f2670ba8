"""Edits of a taxonomy: what each does, what is refused, which node became which; JSON; properties of random edits."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from taxonomy_strategies import NAMES, dag_records, paths

from textaxa.errors import TaxonomyError
from textaxa.taxonomy import (
    Add,
    Describe,
    Merge,
    Move,
    NodeRecord,
    Part,
    Remove,
    Rename,
    SetTerminal,
    Split,
    Taxonomy,
    apply_edits,
    diff_taxonomies,
    edit_from_dict,
    edit_to_dict,
    read_edits,
    read_taxonomy,
    write_edits,
    write_taxonomy,
)

OLD = Taxonomy.from_paths(
    [("Games", "Sports", "Ball"), ("Games", "Sports", "Ski"), ("Games", "Other"), ("Tools", "Maps"), ("Tools", "Other")]
)


def after(*edits, old=OLD):
    return apply_edits(old, edits)


def nodes(edited):
    return list(edited.taxonomy.nodes)


def sources(edited, *path):
    """Paths of the old nodes whose texts a new node gets."""
    found = edited.sources[edited.taxonomy.index(path)]
    return {edited.old.path(node): share for node, share in found}


def test_no_edits_give_the_same_taxonomy():
    edited = after()
    assert edited.taxonomy == OLD
    assert not edited.diff
    assert edited.same == tuple((node, node) for node in range(len(OLD)))
    assert edited.mapping.is_identity


def test_add():
    edited = after(Add(("Tools", "Clocks"), "for time", position=0), Add(("Travel",)))
    assert edited.diff.to_text() == "added: Travel\nadded: Tools > Clocks"
    node = edited.taxonomy.index(("Tools", "Clocks"))
    assert edited.taxonomy.descriptions[node] == "for time"
    assert [path for path in nodes(edited) if path[0] == "Tools" and len(path) == 2] == [
        ("Tools", "Clocks"), ("Tools", "Maps"), ("Tools", "Other"),
    ]  # fmt: skip
    assert edited.changes[node] == ("added",)
    assert edited.sources[node] == ()
    assert edited.mapping.kinds["new"] == tuple(sorted([node, edited.taxonomy.index(("Travel",))]))


def test_labels_may_still_end_at_a_leaf_that_gets_a_child():
    edited = after(Add(("Tools", "Maps", "Roads")))
    assert edited.diff.to_text() == "added: Tools > Maps > Roads"
    assert edited.taxonomy.is_terminal[edited.taxonomy.index(("Tools", "Maps"))]


def test_rename_and_describe():
    edited = after(Rename(("Games", "Sports"), "Athletics"), Describe(("Games", "Athletics"), "of the body"))
    assert edited.diff.counts | {"renamed": 1, "described": 1} == edited.diff.counts
    assert sources(edited, "Games", "Athletics", "Ball") == {("Games", "Sports", "Ball"): 1.0}
    assert edited.changes[edited.taxonomy.index(("Games", "Athletics"))] == ("renamed", "described")
    assert not after(Rename(("Games",), "Games")).diff


def test_a_rename_that_nobody_could_guess_is_no_removal():
    edited = after(Rename(("Tools", "Maps"), "Weather"))
    assert edited.diff.to_text() == "renamed: Tools > Maps -> Tools > Weather"
    assert diff_taxonomies(OLD, edited.taxonomy).removed, "the guess alone would have lost it"
    assert edited.mapping.counts["removed"] == 0


def test_move_takes_along_what_lies_below():
    edited = after(Move(("Games", "Sports"), ("Tools",), position=1))
    assert edited.diff.to_text() == "moved: Games > Sports -> Tools > Sports"
    assert [path[1] for path in nodes(edited) if path[0] == "Tools" and len(path) == 2] == ["Maps", "Sports", "Other"]
    assert ("Tools", "Sports", "Ball") in edited.taxonomy
    top = after(Move(("Games", "Sports"), ()))
    assert ("Sports", "Ball") in top.taxonomy


def test_the_order_of_siblings_can_be_changed():
    edited = after(Move(("Games",), (), position=1))
    assert nodes(edited)[:2] == [("Tools",), ("Games",)]
    assert not edited.diff


def test_merge_joins_children_of_one_name():
    edited = after(Merge((("Tools",),), ("Games",)))
    assert [path for path in nodes(edited) if len(path) == 2] == [
        ("Games", "Sports"),
        ("Games", "Other"),
        ("Games", "Maps"),
    ]
    assert sources(edited, "Games") == {("Games",): 1.0, ("Tools",): 1.0}
    assert sources(edited, "Games", "Other") == {("Games", "Other"): 1.0, ("Tools", "Other"): 1.0}
    assert edited.diff.removed == (("Tools",), ("Tools", "Other"))
    assert edited.changes[0] == ("merged",)
    assert edited.mapping.counts["merged"] == 2
    assert edited.mapping.heirs[OLD.index(("Tools", "Other"))] == edited.taxonomy.index(("Games", "Other"))


def test_merge_of_children_into_their_parent():
    edited = after(Merge((("Games", "Sports", "Ball"), ("Games", "Sports", "Ski")), ("Games", "Sports")))
    assert sources(edited, "Games", "Sports").keys() == {
        ("Games", "Sports"), ("Games", "Sports", "Ball"), ("Games", "Sports", "Ski"),
    }  # fmt: skip
    assert edited.taxonomy.is_leaf[edited.taxonomy.index(("Games", "Sports"))]
    one = after(Merge((("Games", "Sports", "Ball"),), ("Games", "Sports")))
    assert one.taxonomy.is_terminal[one.taxonomy.index(("Games", "Sports"))], "its texts end there now"


def test_split_to_siblings_shares_the_texts():
    edited = after(Split(("Tools", "Maps"), (Part("Roads", "r"), Part("Maps")), "siblings"))
    assert [path[1] for path in nodes(edited) if path[0] == "Tools" and len(path) == 2] == ["Roads", "Maps", "Other"]
    assert sources(edited, "Tools", "Roads") == {("Tools", "Maps"): 0.5}
    assert sources(edited, "Tools", "Maps") == {("Tools", "Maps"): 0.5}
    assert edited.changes[edited.taxonomy.index(("Tools", "Roads"))] == ("split",)
    assert edited.mapping.kinds["split"] == (OLD.index(("Tools", "Maps")),)


def test_split_to_children_keeps_the_node():
    edited = after(Split(("Tools", "Maps"), (Part("Roads"), Part("Seas"))))
    assert sources(edited, "Tools", "Maps") == {("Tools", "Maps"): 1.0}
    assert sources(edited, "Tools", "Maps", "Seas") == {}
    assert not edited.taxonomy.is_terminal[edited.taxonomy.index(("Tools", "Maps"))]


def test_remove():
    edited = after(Remove(("Games", "Sports")))
    assert edited.diff.removed == (("Games", "Sports"), ("Games", "Sports", "Ball"), ("Games", "Sports", "Ski"))
    assert edited.mapping.heirs[OLD.index(("Games", "Sports", "Ski"))] == edited.taxonomy.index(("Games",))
    lifted = after(Remove(("Games", "Sports"), "lift"))
    assert [path[1] for path in nodes(lifted) if path[0] == "Games" and len(path) == 2] == ["Ball", "Ski", "Other"]
    assert [change.new for change in lifted.diff.moved] == [("Games", "Ball"), ("Games", "Ski")]


def test_terminals():
    edited = after(SetTerminal(("Games",), True))
    assert [change.new for change in edited.diff.terminals] == [("Games",)]
    assert not after(SetTerminal(("Games",), True), SetTerminal(("Games",), False)).diff


CODED = Taxonomy.from_records(
    [NodeRecord("g", (), "Games"), NodeRecord("s", ("g",), "Sports"), NodeRecord("t", (), "Tools")]
)


def test_new_nodes_get_codes_where_there_are_some():
    edited = after(Add(("Travel",)), Add(("Rest",), code="r"), old=CODED)
    assert set(edited.taxonomy.codes) >= {"g", "s", "t", "r"}
    assert len(set(edited.taxonomy.codes)) == 5
    with pytest.raises(TaxonomyError, match="'g' is taken"):
        after(Add(("Rest",), code="g"), old=CODED)
    with pytest.raises(TaxonomyError, match="has no codes"):
        after(Add(("Rest",), code="g"))


def test_codes_that_only_number_the_nodes_are_counted_again():
    numbered = Taxonomy.from_records(
        [NodeRecord("1", (), "Games"), NodeRecord("2", (), "Tools"), NodeRecord("3", ("1",), "Sports")]
    )
    assert after(Add(("Travel",)), old=numbered).taxonomy.codes == ("1", "2", "3", "4")
    assert after(Remove(("Tools",)), old=numbered).taxonomy.codes == ("1", "2")


def test_codes_alone_tell_exactly_the_edits():
    edited = after(Rename(("Games",), "Xyz"), Move(("Xyz", "Sports"), ("Tools",)), old=CODED)
    assert diff_taxonomies(CODED, edited.taxonomy) == edited.diff


DAG = Taxonomy.from_records(
    [
        NodeRecord("a", (), "A"), NodeRecord("b", (), "B"), NodeRecord("c", (), "C"),
        NodeRecord("x", ("a", "b"), "X"), NodeRecord("y", ("x",), "Y"), NodeRecord("z", ("b",), "Z"),
    ]
)  # fmt: skip


def test_in_a_dag_one_parent_is_replaced():
    edited = after(Move(("B", "X"), ("C",)), old=DAG)
    assert edited.diff.to_text().splitlines()[0] == "moved: A > X -> A > X (parents: 'A', 'B' -> 'A', 'C')"
    with pytest.raises(TaxonomyError, match="lies below B already"):
        after(Move(("A", "X"), ("B",)), old=DAG)
    with pytest.raises(TaxonomyError, match="other parents, too"):
        after(Move(("A", "X"), ()), old=DAG)


def test_in_a_dag_what_has_another_parent_stays():
    edited = after(Remove(("B",)), old=DAG)
    assert edited.diff.removed == (("B",), ("B", "Z"))
    assert ("A", "X", "Y") in edited.taxonomy
    assert after(Merge((("A",),), ("B",)), old=DAG).taxonomy.is_tree


IMPOSSIBLE = [
    (Rename(("Games", "Sport"), "x"), r"no node 'Sport' below Games.*Did you mean 'Sports'"),
    (Rename(("Gamse",), "x"), r"no node 'Gamse' at the top level.*Did you mean 'Games'"),
    (Add(("Nowhere", "x")), "no node 'Nowhere'"),
    (Add(("Games", "Sports")), "a node 'Sports' below Games already.*merge the two"),
    (Rename(("Tools",), "Games"), "a node 'Games' at the top level already"),
    (Move(("Games",), ("Games", "Sports")), "round in a circle"),
    (Move(("Games",), ("Games",)), "round in a circle"),
    (Move(("Games", "Other"), ("Tools",)), "a node 'Other' below Tools already"),
    (Merge((("Games",),), ("Games", "Sports")), "which lies below it"),
    (Merge((("Games",),), ("Games",)), "merged into itself"),
    (Merge((("Games", "No"),), ("Games",)), "no node 'No'"),
    (Split(("Games",), (Part("A"), Part("B")), "siblings"), "has children"),
    (Split(("Tools", "Maps"), (Part("Other"), Part("B")), "siblings"), "a node 'Other' below Tools already"),
    (Split(("Games",), (Part("Sports"), Part("B"))), "a node 'Sports' below Games already"),
    (SetTerminal(("Tools", "Maps"), False), "has no children"),
    (Describe(("x",), "y"), "no node 'x'"),
]


@pytest.mark.parametrize(("edit", "message"), IMPOSSIBLE)
def test_what_is_not_possible_is_refused_with_cause_and_cure(edit, message):
    with pytest.raises(TaxonomyError, match=message):
        after(edit)


def test_the_last_node_stays():
    with pytest.raises(TaxonomyError, match="no node would be left"):
        after(Remove(("A",)), old=Taxonomy.from_paths([("A", "B")]))


def test_the_message_says_which_edit():
    with pytest.raises(TaxonomyError, match=r"Edit 2: There is no node 'Tools'"):
        after(Rename(("Tools",), "Toys"), Add(("Tools", "x")))


BROKEN = [
    (5, "object with the key 'edit'"),
    ({}, "no edit None"),
    ({"edit": "ad", "path": ["x"]}, "Did you mean 'add'"),
    ({"edit": "add"}, "lacks 'path'"),
    ({"edit": "add", "path": "Games"}, "is text, not a path"),
    ({"edit": "add", "path": []}, "path is empty"),
    ({"edit": "add", "path": ["  "]}, "empty name"),
    ({"edit": "add", "path": [3]}, "where a name belongs"),
    ({"edit": "add", "path": ["x"], "position": -1}, "position -1"),
    ({"edit": "add", "path": ["x"], "position": True}, "position True"),
    ({"edit": "add", "path": ["x"], "descripton": ""}, "Did you mean 'description'"),
    ({"edit": "add", "path": ["x"], "description": 3}, "not text"),
    ({"edit": "add", "path": ["\ud800"]}, "half a character"),
    ({"edit": "rename", "path": ["x"], "name": "\t"}, "blank"),
    ({"edit": "rename", "path": ["x"], "name": None}, "not text"),
    ({"edit": "merge", "paths": [], "into": ["x"]}, "one path or more"),
    ({"edit": "merge", "paths": "abc", "into": ["x"]}, "one path or more"),
    ({"edit": "split", "path": ["x"], "into": [{"name": "a"}]}, "fewer than two"),
    ({"edit": "split", "path": ["x"], "into": [{"name": "a"}, {"name": "a"}]}, "same name"),
    ({"edit": "split", "path": ["x"], "into": [{"name": "a"}, 3]}, "not int"),
    ({"edit": "split", "path": ["x"], "into": [{"name": "a"}, {"name": "b"}], "to": "parents"}, "not 'parents'"),
    ({"edit": "remove", "path": ["x"], "children": "eat"}, "not 'eat'"),
    ({"edit": "terminal", "path": ["x"], "terminal": "yes"}, "true or false"),
]


@pytest.mark.parametrize(("value", "message"), BROKEN)
def test_broken_edits_are_refused(value, message):
    with pytest.raises(TaxonomyError, match=message):
        edit_from_dict(value)


def test_a_file_of_edits(tmp_path):
    edits = (Add(("X",), "d"), Rename(("X",), "Y"), Split(("Y",), (Part("a", "b"), Part("c")), "siblings"))
    write_edits(edits, tmp_path / "edits.json")
    assert read_edits(tmp_path / "edits.json") == edits
    with pytest.raises(TaxonomyError, match="cannot be written"):
        write_edits(edits, tmp_path / "edits.json")
    plain = tmp_path / "plain.json"
    plain.write_text('[{"edit": "split", "path": ["x"], "into": ["a", "b"]}]')
    assert read_edits(plain) == (Split(("x",), (Part("a"), Part("b"))),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ("7", "are a list, not int"),
        ('{"format": "textaxa-edits", "version": 9, "edits": []}', "newer textaxa"),
        ('{"edits": []}', "format None"),
        ('[{"edit": "add", "path": ["x"]}, {"edit": "rename"}]', "Edit 2: .* lacks 'path', 'name'"),
    ],
)
def test_broken_files_are_refused(tmp_path, content, message):
    file = tmp_path / "edits.json"
    file.write_text(content)
    with pytest.raises(TaxonomyError, match=message):
        read_edits(file)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(TaxonomyError, match="cannot be read"):
        read_edits(tmp_path / "none.json")


def test_sentences():
    assert Move(("A", "B"), ()).in_words() == "Moved: A > B, now below the top level"
    assert Merge((("A",), ("B",)), ("C",)).in_words() == "Merged: A and B into C"


# --- properties

ANY_NAME = st.sampled_from([*NAMES, "new 1", "new 2"])


@st.composite
def random_edit(draw, taxonomy):
    """Give an edit of a taxonomy, possible or not."""
    node = st.integers(0, len(taxonomy) - 1).map(taxonomy.path)
    name, path = draw(ANY_NAME), draw(node)
    kind = draw(
        st.sampled_from(["add", "rename", "describe", "move", "merge", "split", "in place", "remove", "lift", "end"])
    )
    position = draw(st.none() | st.integers(0, 3))
    return {
        "add": lambda: Add((*draw(st.just(()) | node), name), draw(st.sampled_from(["", "d"])), None, position),
        "rename": lambda: Rename(path, name),
        "describe": lambda: Describe(path, draw(st.sampled_from(["", "about"]))),
        "move": lambda: Move(path, draw(st.just(()) | node), position),
        "merge": lambda: Merge(tuple(draw(st.lists(node, min_size=1, max_size=3))), path),
        "split": lambda: Split(path, (Part(name), Part("part"))),
        "in place": lambda: Split(path, (Part(name), Part("part")), "siblings"),
        "remove": lambda: Remove(path),
        "lift": lambda: Remove(path, "lift"),
        "end": lambda: SetTerminal(path, draw(st.booleans())),
    }[kind]()


def tried(data, taxonomy, steps=6):
    """Draw edits one after the other and keep those that are possible."""
    kept, edited = [], apply_edits(taxonomy, [])
    for _ in range(data.draw(st.integers(0, steps))):
        edit = data.draw(random_edit(edited.taxonomy))
        try:
            edited = apply_edits(taxonomy, [*kept, edit])
        except TaxonomyError:
            continue
        kept.append(edit)
    return kept, edited


def check(old, edits, edited):
    new = edited.taxonomy
    assert Taxonomy.from_dict(json.loads(json.dumps(new.to_dict()))) == new, "a valid taxonomy"
    assert tuple(edit_from_dict(json.loads(json.dumps(edit_to_dict(edit)))) for edit in edits) == tuple(edits)
    assert apply_edits(old, edits).taxonomy == new, "the same edits give the same taxonomy"
    came = {node for olds in edited.sources for node, _ in olds}
    gone = {old.index(path) for path in edited.diff.removed}
    assert came | gone == set(range(len(old))), "no old node is forgotten"
    assert all(0 < share <= 1 for olds in edited.sources for _, share in olds)
    fresh = {new.index(path) for path in edited.diff.added}
    assert {node for node, how in enumerate(edited.changes) if "added" in how or "split" in how} == fresh
    assert len(edited.mapping.heirs) == len(old)
    assert len(set(edited.keys)) == len(new)
    assert [edited.keys[now] for _, now in edited.same] == [before for before, _ in edited.same]
    for before, now in edited.same:
        assert before in dict(edited.sources[now])


@given(st.data(), paths(max_size=10, max_depth=3))
@settings(max_examples=120, deadline=None)
def test_random_edits_of_trees(data, given_paths):
    old = Taxonomy.from_paths(given_paths)
    edits, edited = tried(data, old)
    check(old, edits, edited)
    assert edited.taxonomy.is_tree
    if not edits:
        assert edited.taxonomy == old


@given(st.data(), dag_records(max_nodes=9))
@settings(max_examples=120, deadline=None)
def test_random_edits_of_dags(data, records):
    old = Taxonomy.from_records(records)
    check(old, *tried(data, old))


def inverse(taxonomy, edit):
    """Give the edit that takes another one back; None where there is none."""
    if isinstance(edit, Add):
        return Remove(edit.path)
    if isinstance(edit, Rename):
        return Rename((*edit.path[:-1], edit.name), edit.path[-1])
    node = taxonomy.index(edit.path) if hasattr(edit, "path") else -1
    if isinstance(edit, Describe):
        return Describe(edit.path, taxonomy.descriptions[node])
    if isinstance(edit, Move) and taxonomy.is_tree:
        parent = int(taxonomy.parent[node])
        siblings = (taxonomy.children.row(parent) if parent >= 0 else taxonomy.level(1)).tolist()
        # Where the old parent moved along is no case: a node cannot go below itself.
        return Move((*edit.to, edit.path[-1]), edit.path[:-1], siblings.index(node))
    if isinstance(edit, SetTerminal):
        return SetTerminal(edit.path, bool(taxonomy.is_terminal[node]))
    return None


@given(st.data(), paths(max_size=10, max_depth=3))
@settings(max_examples=120, deadline=None)
def test_an_edit_and_its_inverse_change_nothing(data, given_paths):
    old = Taxonomy.from_paths(given_paths)
    edit = data.draw(random_edit(old))
    back = inverse(old, edit)
    try:
        edited = apply_edits(old, [edit])
    except TaxonomyError:
        return
    if back is not None:
        again = apply_edits(old, [edit, back])
        assert again.taxonomy == old
        assert not again.diff
        assert edited.taxonomy.to_dict() is not None


@given(st.data(), paths(max_size=10, max_depth=3))
@settings(max_examples=80, deadline=None)
def test_the_diff_tells_exactly_one_edit(data, given_paths):
    old = Taxonomy.from_paths(given_paths)
    edit = data.draw(random_edit(old))
    try:
        edited = apply_edits(old, [edit])
    except TaxonomyError:
        return
    counts = {kind: count for kind, count in edited.diff.counts.items() if count}
    allowed = {
        Add: {"added"}, Rename: {"renamed"}, Describe: {"described"}, SetTerminal: {"terminals"},
        Move: {"moved", "terminals"}, Merge: {"removed", "moved", "terminals"},
        Split: {"added", "removed", "terminals"}, Remove: {"removed", "moved", "terminals"},
    }[type(edit)]  # fmt: skip
    assert counts.keys() <= allowed
    if isinstance(edit, Add):
        assert edited.diff.added == (edit.path,)
    if isinstance(edit, Move) and edit.to != edit.path[:-1]:
        assert [(change.old, change.new) for change in edited.diff.moved] == [(edit.path, (*edit.to, edit.path[-1]))]


def test_a_wide_taxonomy_is_edited(tmp_path):
    old = Taxonomy.from_paths([(f"a{i}", f"b{j}") for i in range(50) for j in range(100)])
    edited = apply_edits(old, [Merge(tuple((f"a{i}",) for i in range(1, 50)), ("a0",)), Rename(("a0",), "all")])
    assert len(edited.taxonomy) == 101
    write_taxonomy(edited.taxonomy, tmp_path / "new.csv")
    assert read_taxonomy(tmp_path / "new.csv").names == edited.taxonomy.names
