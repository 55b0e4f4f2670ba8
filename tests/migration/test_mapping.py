"""Which node became which: by itself, by links, and by a table."""

import pytest

from textaxa.errors import TaxonomyError
from textaxa.taxonomy import Link, NodeMapping, NodeRecord, Taxonomy, diff_taxonomies, map_nodes, read_mapping

OLD = Taxonomy.from_paths([("A", "x"), ("A", "y"), ("B", "z"), ("B", "w"), ("C",)])
NEW = Taxonomy.from_paths([("A", "xy"), ("B", "z1"), ("B", "z2"), ("C",), ("C", "w"), ("D",)])
LINKS = "old,new,share\nA > x,A > xy,\nA > y,A > xy,\nB > z,B > z1,75%\nB > z,B > z2,0.25\nB > w,C > w,\n"


@pytest.fixture
def table(tmp_path):
    def write(text):
        file = tmp_path / "map.csv"
        file.write_text(text)
        return file

    return write


def test_a_table_tells_merges_splits_and_moves(table):
    mapping = read_mapping(table(LINKS), OLD, NEW)
    kinds = {kind: [NEW.path(node) for node in nodes] for kind, nodes in mapping.kinds.items() if kind != "split"}
    assert kinds == {
        "kept": [("A",), ("B",), ("C",)], "renamed": [], "moved": [("C", "w")], "merged": [("A", "xy")],
        "new": [("D",)], "removed": [],
    }  # fmt: skip
    assert [OLD.path(node) for node in mapping.kinds["split"]] == [("B", "z")]
    z = OLD.index(("B", "z"))
    assert [link.share for link in mapping.links_of(z)] == [0.75, 0.25]
    assert NEW.path(mapping.heirs[z]) == ("B", "z1")
    assert not mapping.is_identity


def test_what_is_not_listed_is_matched(table):
    mapping = read_mapping(table("old,new\nB > z,\n,A > xy\n"), OLD, NEW)
    assert mapping.links_of(OLD.index(("B", "z"))) == []
    assert mapping.sources(NEW.index(("A", "xy"))) == []
    assert mapping.heirs[OLD.index(("B", "z"))] == NEW.index(("B",))
    assert map_nodes(OLD, OLD).is_identity


def test_shares_left_out_are_even(table):
    mapping = read_mapping(table("old,new\nB > z,B > z1\nB > z,B > z2\nC,C\n"), OLD, NEW)
    assert {link.share for link in mapping.links_of(OLD.index(("B", "z")))} == {0.5}


def test_codes_with_the_marks_of_correspondence_tables(table):
    old = Taxonomy.from_records([NodeRecord("47", (), "Retail"), NodeRecord("47.9", ("47",), "Not in stores")])
    new = Taxonomy.from_records(
        [NodeRecord("47", (), "Retail"), NodeRecord("47.1", ("47",), "Food"), NodeRecord("47.2", ("47",), "Other")]
    )
    mapping = read_mapping(table("old;new\nex 47.9;47.1*\n47.9;47.2\n"), old, new)
    assert [new.path(link.new)[-1] for link in mapping.links_of(1)] == ["Food", "Other"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("old,new\nA > q,A > xy\n", r"row 2: .*'q'"),
        ("old,new\nA > x,A > q\n", r"row 2: .*'q'"),
        ("old,new,share\nB > z,B > z1,0.5\nB > z,B > z2,0.4\n", r"row 3: The shares of 'B > z' sum to 0.9, not to 1"),
        ("old,new,share\nB > z,B > z1,0.5\nB > z,B > z2,\n", r"row 3: This row has no share"),
        ("old,new,share\nB > z,B > z1,many\n", r"row 2: The share 'many' is no number"),
        ("old,new,share\nB > z,B > z1,2\n", r"row 2: The share 2"),
        ("old,new,share\nB > z,B > z1,nan\n", r"row 2: The share nan"),
        ("old,new\nA > x,A > xy\nA > x,A > xy\n", r"row 3: .*listed twice"),
        ("old,new,share\n,,1\n", r"row 2: Neither"),
        ("old,new\nB > z,B > z1,extra,more\n", r"row 2"),
        ("from,to\nA,B\n", r"no column 'old'"),
        ("", r"no header"),
        ("old,new\nC,C > w\nB,C\nB > z,D\n" + "nope,A\n" * 12, r"12 faults.*first 10"),
    ],
)
def test_a_bad_table_is_refused_with_its_rows(table, rows, said):
    with pytest.raises(TaxonomyError, match=f"(?s){said}"):
        read_mapping(table(rows), OLD, NEW)


def test_a_branch_turned_upside_down_is_refused():
    old = Taxonomy.from_paths([("A", "b", "c")])
    new = Taxonomy.from_paths([("c", "b", "A")])
    links = [(("A",), ("c", "b", "A")), (("A", "b"), ("c", "b")), (("A", "b", "c"), ("c",))]
    with pytest.raises(TaxonomyError, match="upside down"):
        map_nodes(old, new, links)


def test_links_must_fit():
    with pytest.raises(TaxonomyError, match="does not fit"):
        NodeMapping(OLD, NEW, (Link(99, 0),))
    with pytest.raises(TaxonomyError, match="does not fit"):
        NodeMapping(OLD, NEW, (Link(0, 0, 0.0),))
    with pytest.raises(TaxonomyError, match="not in the taxonomy"):
        map_nodes(OLD, NEW, [(("Z",), ("A",))])


def test_diff_tells_splits_and_merges(table):
    found = diff_taxonomies(OLD, NEW, read_mapping(table(LINKS), OLD, NEW))
    lines = found.to_text().splitlines()
    assert "split: B > z -> B > z1 (75%)" in lines
    assert "merged: A > x -> A > xy" in lines
    assert "moved: B > w -> C > w" in lines
    assert "added: D" in lines
    assert found.counts["removed"] == 0
    assert found.to_dict()["split"][0]["old"] == ["B", "z"]
