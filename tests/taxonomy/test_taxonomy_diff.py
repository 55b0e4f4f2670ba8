"""Differences: what was added, removed, renamed, moved, described, and what is only in another order."""

import json

from hypothesis import given
from taxonomy_strategies import dag_records, paths

from textaxa.taxonomy import NodeRecord, Taxonomy, diff_taxonomies
from textaxa.taxonomy._match import _ROOT, _Matcher, match_nodes

OLD = [
    ("Games", "Sports", "Ball"),
    ("Games", "Sports", "Ski"),
    ("Games", "Other"),
    ("Tools", "Maps"),
    ("Tools", "Other"),
]


def changed(replace, old=OLD, drop=(), add=()):
    new = [tuple(replace.get(path[: i + 1], name) for i, name in enumerate(path)) for path in old if path not in drop]
    return diff_taxonomies(Taxonomy.from_paths(old), Taxonomy.from_paths([*new, *add]))


def test_no_differences():
    diff = diff_taxonomies(Taxonomy.from_paths(OLD), Taxonomy.from_paths(OLD[::-1]))
    assert not diff
    assert diff.to_text() == "no differences"
    assert list(diff.rows()) == []


def test_added_and_removed():
    diff = changed({}, drop=[("Tools", "Maps")], add=[("Travel", "Rail")])
    assert diff.removed == (("Tools", "Maps"),)
    assert diff.added == (("Travel",), ("Travel", "Rail"))
    assert diff.counts == {
        "added": 2,
        "removed": 1,
        "renamed": 0,
        "moved": 0,
        "described": 0,
        "terminals": 0,
        "recoded": 0,
        "split": 0,
        "merged": 0,
    }
    assert list(diff.rows()) == [
        ("removed", "Tools > Maps", ""),
        ("added", "", "Travel"),
        ("added", "", "Travel > Rail"),
    ]


def test_a_renamed_branch_is_one_change():
    diff = changed({("Games", "Sports"): "Athletics"})
    assert [(change.old, change.new) for change in diff.renamed] == [(("Games", "Sports"), ("Games", "Athletics"))]
    assert diff.to_text() == "renamed: Games > Sports -> Games > Athletics"


def test_a_renamed_leaf_must_be_alike():
    assert changed({("Tools", "Maps"): "Map"}).renamed
    diff = changed({("Tools", "Maps"): "Weather"})
    assert diff.added == (("Tools", "Weather"),)
    assert diff.removed == (("Tools", "Maps"),)


def test_a_moved_branch_is_one_change():
    new = [
        ("Games", "Other"),
        ("Tools", "Sports", "Ball"),
        ("Tools", "Sports", "Ski"),
        ("Tools", "Maps"),
        ("Tools", "Other"),
    ]
    diff = diff_taxonomies(Taxonomy.from_paths(OLD), Taxonomy.from_paths(new))
    assert [(change.old, change.new) for change in diff.moved] == [(("Games", "Sports"), ("Tools", "Sports"))]
    assert sum(diff.counts.values()) == 1


def test_other_in_one_branch_is_not_other_in_another():
    diff = diff_taxonomies(
        Taxonomy.from_paths([("A", "Other"), ("A", "x"), ("B", "y"), ("C", "Other")]),
        Taxonomy.from_paths([("A", "x"), ("B", "y"), ("B", "Other"), ("C", "Other")]),
    )
    assert diff.removed == (("A", "Other"),)
    assert diff.added == (("B", "Other"),)


def test_descriptions_and_terminals():
    old = Taxonomy.from_paths([("A", "B"), ("A", "C")], descriptions={("A", "B"): "x"})
    new = Taxonomy.from_paths([("A", "B"), ("A", "C"), ("A",)], descriptions={("A", "B"): "y"})
    diff = diff_taxonomies(old, new)
    assert [(change.before, change.after) for change in diff.described] == [("x", "y")]
    assert [(change.before, change.after) for change in diff.terminals] == [("labels end below", "labels may end here")]
    json.dumps(diff.to_dict())
    assert diff.to_dict()["terminals"][0]["old"] == ["A"]


def records(*rows):
    return Taxonomy.from_records([NodeRecord(code, (parent,) if parent else (), name) for code, parent, name in rows])


def test_codes_decide_where_both_have_them():
    old = records(("g", "", "Games"), ("s", "g", "Sports"), ("t", "", "Tools"))
    new = records(("g", "", "Play"), ("s", "t", "Weather"), ("t", "", "Tools"))
    diff = diff_taxonomies(old, new)
    assert [(change.old, change.new) for change in diff.renamed] == [(("Games",), ("Play",))]
    assert [(change.old, change.new) for change in diff.moved] == [(("Games", "Sports"), ("Tools", "Weather"))]
    recoded = diff_taxonomies(old, records(("g", "", "Games"), ("s2", "g", "Sports"), ("t", "", "Tools")))
    assert [(change.before, change.after) for change in recoded.recoded] == [("s", "s2")]


def test_numbers_given_by_a_writer_are_not_codes():
    old = records(("1", "", "A"), ("2", "", "B"), ("3", "", "C"))
    new = records(("1", "", "B"), ("2", "", "C"))
    diff = diff_taxonomies(old, new)
    assert diff.removed == (("A",),)
    assert sum(diff.counts.values()) == 1


def test_another_parent_in_a_dag_is_a_move_with_its_parents():
    base = [NodeRecord("a", (), "A"), NodeRecord("b", (), "B")]
    old = Taxonomy.from_records([*base, NodeRecord("c", ("a",), "C")])
    new = Taxonomy.from_records([*base, NodeRecord("c", ("a", "b"), "C")])
    diff = diff_taxonomies(old, new)
    assert diff.to_text().splitlines() == [
        "moved: A > C -> A > C (parents: 'A' -> 'A', 'B')",
        "terminal: B: labels may end here -> B: labels end below",
    ]


@given(paths(), paths())
def test_changes_account_for_every_node(old_paths, new_paths):
    old, new = Taxonomy.from_paths(old_paths), Taxonomy.from_paths(new_paths)
    diff = diff_taxonomies(old, new)
    assert len(set(diff.removed)) == len(diff.removed)
    assert set(diff.removed) <= set(old.nodes)
    assert set(diff.added) <= set(new.nodes)
    assert len(old) - len(diff.removed) == len(new) - len(diff.added)
    assert not set(diff.removed) & set(new.nodes), "a path in both is not removed"
    assert not diff_taxonomies(old, old)
    assert bool(diff) == (
        {p: bool(old.is_terminal[i]) for i, p in enumerate(old.nodes)}
        != {p: bool(new.is_terminal[i]) for i, p in enumerate(new.nodes)}
    )


@given(dag_records(), dag_records())
def test_any_two_dags_can_be_compared(old, new):
    diff = diff_taxonomies(Taxonomy.from_records(old), Taxonomy.from_records(new))
    assert {path[-1] for path in diff.removed} == {r.name for r in old} - {r.name for r in new}
    assert not diff_taxonomies(Taxonomy.from_records(old), Taxonomy.from_records(old))


def slowly_matched(old, new):
    """As `match_nodes`, with a look below every pair."""
    matcher = _Matcher(old, new)
    matcher.by_code()
    for before, path in enumerate(old.nodes):
        after = new.find(path)
        if after is not None:
            matcher._pair(before, after)
    matcher.below([(_ROOT, _ROOT), *matcher.match.items()])
    matcher.by_unique_name()
    return dict(sorted(matcher.match.items()))


def slowly_placed(old, new, match):
    """Nodes that moved, and nodes that were renamed, one after the other from the definition."""
    renamed, moved = [], []
    for before, after in match.items():
        above = {match.get(parent, "gone") for parent in old.parents.row(before).tolist()}
        if above != set(new.parents.row(after).tolist()):
            moved.append((old.path(before), new.path(after)))
        elif old.names[before] != new.names[after]:
            renamed.append((old.path(before), new.path(after)))
    return renamed, moved


def agrees(old, new):
    match = match_nodes(old, new)
    assert match == slowly_matched(old, new)
    diff = diff_taxonomies(old, new)
    renamed, moved = slowly_placed(old, new, match)
    assert [(change.old, change.new) for change in diff.renamed] == renamed
    assert [(change.old, change.new) for change in diff.moved] == moved
    ends = [old.path(a) for a, b in match.items() if old.is_terminal[a] != new.is_terminal[b]]
    assert [change.old for change in diff.terminals] == ends


@given(paths(), paths())
def test_trees_agree_with_the_slow_way(old, new):
    agrees(Taxonomy.from_paths(old), Taxonomy.from_paths(new))


@given(dag_records(), dag_records())
def test_dags_agree_with_the_slow_way(old, new):
    agrees(Taxonomy.from_records(old), Taxonomy.from_records(new))
