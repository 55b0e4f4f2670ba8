"""Where a taxonomy is read from – a file of any kind, a model's folder, a folder of arrays – and how nodes are told."""

import io
import json

import pytest

from textaxa.errors import TaxonomyError
from textaxa.taxonomy import NodeRecord, Taxonomy, read_taxonomy
from textaxa.taxonomy._edits import Add, Describe, Merge, Move, Part, Remove, Rename, SetTerminal, Split

SHOP = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",), ("Tools", "Clocks")])


def test_a_models_folder_and_a_folder_of_arrays_are_read(tmp_path):
    model, arrays = tmp_path / "model", tmp_path / "arrays"
    model.mkdir()
    (model / "taxonomy.json").write_text(json.dumps(SHOP.to_dict()), encoding="utf-8")
    SHOP.to_arrays(arrays)
    wide = tmp_path / "wide"
    wide.mkdir()
    SHOP.to_arrays(wide / "taxonomy.arrays")
    assert {read_taxonomy(place) for place in (model, arrays, wide)} == {SHOP}


def test_another_folder_is_refused_with_what_was_looked_for(tmp_path):
    with pytest.raises(TaxonomyError, match=r"neither a model's nor a taxonomy's: there is no taxonomy\.json"):
        read_taxonomy(tmp_path)


def test_arrays_are_never_written_over_something(tmp_path):
    SHOP.to_arrays(tmp_path / "arrays")
    with pytest.raises(TaxonomyError, match="arrays are written into a new folder"):
        SHOP.to_arrays(tmp_path / "arrays")
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(TaxonomyError, match="cannot be written"):
        SHOP.to_arrays(tmp_path / "file" / "arrays")
    assert sorted(place.name for place in tmp_path.iterdir()) == ["arrays", "file"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lines.txt", "Games > Sports\nGames > Cards\nTools\nTools > Clocks\n"),
        ("indented.txt", "Games\n\tCards\n\tSports\nTools\n\tClocks\n"),
        ("paths.csv", "path\nGames > Sports\nGames > Cards\nTools\nTools > Clocks\n"),
        ("levels.csv", "top,below\nGames,Sports\nGames,Cards\nTools,\nTools,Clocks\n"),
        ("levels.tsv", "top\tbelow\nGames\tSports\nGames\tCards\nTools\t\nTools\tClocks\n"),
        ("codes.csv", "code,parent,name\n1,,Games\n2,,Tools\n1.1,1,Sports\n1.2,1,Cards\n2.1,2,Clocks\n"),
    ],
)
def test_the_kind_of_a_file_is_told_by_its_content(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert set(read_taxonomy(tmp_path / name).nodes) == set(SHOP.nodes)


def test_a_format_that_there_is_not_is_refused_with_the_nearest():
    with pytest.raises(TaxonomyError, match=r"There is no format 'path'\. Did you mean 'paths'\?"):
        read_taxonomy(io.StringIO("path\nGames\n"), format="path")


def test_a_node_that_lies_elsewhere_is_told():
    with pytest.raises(TaxonomyError, match="A node 'Sports' lies in another branch"):
        SHOP.index(("Tools", "Sports"))
    with pytest.raises(TaxonomyError, match="Did you mean 'Sports'"):
        SHOP.index(("Games", "Sprots"))
    assert SHOP.find(("Tools", "Sports")) is None


def test_among_very_many_siblings_those_of_the_same_first_letter_are_compared():
    many = Taxonomy.from_paths([(f"{letter}{i:05d}",) for letter in "ab" for i in range(6000)])
    with pytest.raises(TaxonomyError, match="Did you mean 'b00017'"):
        many.index(("b00017x",))


def test_nodes_equal_any_sequence_of_the_same_paths_and_nothing_else():
    assert list(SHOP.nodes) == SHOP.nodes
    assert tuple(SHOP.nodes) == SHOP.nodes
    assert SHOP.nodes != list(SHOP.nodes)[:-1]
    assert SHOP.nodes != "Games"
    assert SHOP.nodes != 5


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ("Games", "'Games' is not a NodeRecord"),
        (NodeRecord(1, (), "Games"), "The code 1 is int, not text"),
        (NodeRecord("1", (), None), "The name None is NoneType, not text"),
        (NodeRecord("1", (), "Games", 3), "The description 3 is int, not text"),
        (NodeRecord("1", "0", "Games"), "The parents '0' of 'Games' are not a tuple of codes"),
        (NodeRecord(" ", (), "Games"), "The code of 'Games' is blank"),
    ],
)
def test_records_of_the_wrong_kind_are_told(record, told):
    with pytest.raises(TaxonomyError, match=told):
        Taxonomy.from_records([record])


GAMES = ("Games", "Cards")

WORDS = {
    "Added: Games > Cards": Add(GAMES),
    "Renamed: Games > Cards is now called Decks": Rename(GAMES, "Decks"),
    "Described: Games > Cards": Describe(GAMES, "with cards"),
    "Description removed: Games > Cards": Describe(GAMES, ""),
    "Moved: Games > Cards, now below Tools": Move(GAMES, ("Tools",)),
    "Merged: Games > Cards and Tools into Games": Merge((GAMES, ("Tools",)), ("Games",)),
    "Split: Games > Cards into Bridge, Poker below it": Split(GAMES, (Part("Bridge"), Part("Poker"))),
    "Split: Games > Cards into Bridge, Poker": Split(GAMES, (Part("Bridge"), Part("Poker")), "siblings"),
    "Removed: Games > Cards": Remove(GAMES),
    "Removed: Games > Cards (its children went up)": Remove(GAMES, "lift"),
    "Labels may end at Games > Cards": SetTerminal(GAMES, True),
    "Labels no longer end at Games > Cards": SetTerminal(GAMES, False),
}


@pytest.mark.parametrize("words", WORDS)
def test_an_edit_is_told_in_words(words):
    assert WORDS[words].in_words() == words


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Split(GAMES, (Part("Bridge"),)), "fewer than two nodes"),
        (lambda: Split(GAMES, (Part("Bridge"), Part("Bridge"))), "have the same name"),
        (
            lambda: Split(GAMES, (Part("Bridge"), Part("Poker")), "cousins"),
            "to 'children' or 'siblings', not 'cousins'",
        ),
        (lambda: Merge((), GAMES), "Give a list of one path or more"),
        (lambda: Merge("Games", GAMES), "The paths to merge are 'Games'"),
        (lambda: Remove(GAMES, "burn"), "not 'burn'"),
        (lambda: SetTerminal(GAMES, 1), "terminal is true or false, not 1"),
    ],
)
def test_an_edit_that_means_nothing_cannot_be_made(make, told):
    with pytest.raises(TaxonomyError, match=told):
        make()
