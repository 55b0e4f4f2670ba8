import math

import numpy as np
import pandas
import pytest

from textaxa.data import Columns, labels_of, text_of
from textaxa.errors import ConfigError, DataError


def test_one_name_stands_for_a_tuple_of_one() -> None:
    assert Columns(text="body", labels="topic") == Columns(text=("body",), labels=("topic",))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"labels": ("a",), "path": "b"}, "labels and path are both given"),
        ({"labels": ("a", "a")}, "'a' is named twice"),
        ({"text": ()}, "No text column"),
        ({"separator": ""}, "separator is empty"),
        ({"paths": ("a",), "separator": ";"}, "cannot be told apart"),
        ({"template": "{title"}, "cannot be read"),
        ({"template": "no column"}, "names no column"),
        ({"template": "{title!r}"}, "not just a column name"),
        ({"template": "{title:>10}"}, "not just a column name"),
        ({"template": "{}"}, "not just a column name"),
    ],
)
def test_columns_that_contradict_themselves_are_refused(arguments: dict, said: str) -> None:
    with pytest.raises(ConfigError, match=said.replace("(", r"\(")):
        Columns(**arguments)


def test_needed_columns_are_named_once_and_in_order() -> None:
    columns = Columns(template="{title}: {about} ({title})", labels=("a", "b"), id="title", group="owner")
    assert columns.text_columns == ("title", "about")
    assert columns.needed == ("title", "about", "a", "b", "owner")
    assert columns.has_labels
    assert not Columns().has_labels


def test_a_template_takes_column_names_as_they_are() -> None:
    columns = Columns(template="{App name}: {a.b[0]} {{x}}")
    assert columns.text_columns == ("App name", "a.b[0]")
    assert text_of({"App name": "Chess", "a.b[0]": "Go"}, columns) == "Chess: Go {x}"


def test_a_template_reaches_no_attribute() -> None:
    columns = Columns(template="{text.__class__}")
    assert text_of({"text": "x"}, columns) == ""


def test_blank_columns_are_left_out_of_the_joined_text() -> None:
    columns = Columns(text=("title", "about"))
    assert text_of({"title": "Chess", "about": "Play it"}, columns) == "Chess. Play it"
    assert text_of({"title": " ", "about": "Play it "}, columns) == "Play it"
    assert text_of({"title": None, "about": math.nan}, columns) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1984, "1984"),
        (1984.0, "1984"),
        (1.5, "1.5"),
        (np.int64(3), "3"),
        (np.float32(0.5), "0.5"),
        (np.str_(" x "), "x"),
        (pandas.NA, ""),
        (pandas.NaT, ""),
        (math.nan, ""),
    ],
)
def test_cells_become_text(value: object, text: str) -> None:
    assert text_of({"text": value}, Columns()) == text


@pytest.mark.parametrize("value", [["a"], {"a": 1}, b"a", np.array(["a"])])
def test_cells_that_are_no_text_are_refused_with_their_column(value: object) -> None:
    with pytest.raises(DataError, match="column 'text' holds"):
        text_of({"text": value}, Columns())


def test_an_empty_level_stops_above(two_levels: Columns) -> None:
    assert labels_of({"category": " Games ", "subcategory": "Chess"}, two_levels) == (("Games", "Chess"),)
    assert labels_of({"category": "Games", "subcategory": None}, two_levels) == (("Games",),)
    assert labels_of({"category": "", "subcategory": " "}, two_levels) == ()


def test_a_child_without_its_parent_names_both_columns(two_levels: Columns) -> None:
    with pytest.raises(DataError, match=r"column 'subcategory' has 'Chess', but its parent column 'category' is empty"):
        labels_of({"category": "", "subcategory": "Chess"}, two_levels)


@pytest.mark.parametrize("name", ["Games > Chess", "Games >", "> Chess"])
def test_a_name_with_the_separator_is_refused(two_levels: Columns, name: str) -> None:
    with pytest.raises(DataError, match="column 'category' contains the separator ' > '"):
        labels_of({"category": name}, two_levels)


@pytest.mark.parametrize(
    ("value", "labels"),
    [
        ("Games > Chess", (("Games", "Chess"),)),
        ("Games>Chess", (("Games>Chess",),)),
        (["Games", "Chess"], (("Games", "Chess"),)),
        (["Games", None], (("Games",),)),
        (np.array(["Games", "Chess"], dtype=object), (("Games", "Chess"),)),
        (7, (("7",),)),
        ("", ()),
        ([], ()),
        (None, ()),
    ],
)
def test_one_path_a_row(value: object, labels: object) -> None:
    assert labels_of({"path": value}, Columns(path="path")) == labels


@pytest.mark.parametrize("value", ["Games >", "> Chess", "Games >  > Chess", ["", "Chess"], ["A", None, "B"]])
def test_an_empty_name_inside_a_path_is_refused(value: object) -> None:
    with pytest.raises(DataError, match="empty name at level"):
        labels_of({"path": value}, Columns(path="path"))


@pytest.mark.parametrize(
    "value",
    [
        "Games > Chess; News",
        " Games > Chess ;; News;News",
        ["Games > Chess", "News"],
        [["Games", "Chess"], ["News"]],
        np.array(["Games > Chess", "News"], dtype=object),
        [("Games", "Chess"), "News", ("News",)],
    ],
)
def test_several_paths_in_one_column(value: object) -> None:
    assert labels_of({"tags": value}, Columns(paths="tags")) == (("Games", "Chess"), ("News",))


def test_several_paths_in_repeated_columns() -> None:
    columns = Columns(paths=("first", "second", "third"))
    row = {"first": "Games > Chess", "second": None, "third": ["News"]}
    assert labels_of(row, columns) == (("Games", "Chess"), ("News",))
    # A single column holds a list; of several columns each holds one path, semicolons and all.
    assert labels_of({"first": "A; B"}, columns) == (("A; B",),)


def test_several_paths_that_are_no_list_are_refused() -> None:
    with pytest.raises(DataError, match="where a list of paths belongs"):
        labels_of({"tags": {"a": 1}}, Columns(paths="tags"))
