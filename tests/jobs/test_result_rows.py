"""Predictions as columns: what is added, what an input column of the same name becomes."""

import pytest

from textaxa.answers import NO_TEXT, ResultRows
from textaxa.decoding import Prediction

FOOTBALL = Prediction(1, ("Games", "Sports"), 0.61234567, 0.61234567, (("Games", 0.9), ("Sports", 0.61234567)), "leaf")
GAMES = Prediction(0, ("Games",), 0.9, 0.2, (("Games", 0.9),), "label ends here")


def maker(columns=("id", "text"), *, several=False, top=1, nested=False, separator=" > "):
    return ResultRows(columns, several=several, top=top, nested=nested, separator=separator, paths_separator=";")


def test_one_path_adds_four_columns_after_the_input():
    rows = maker()
    made = rows.make({"id": "1", "text": "a"}, [FOOTBALL])
    assert list(made.items()) == [
        ("id", "1"),
        ("text", "a"),
        ("path", "Games > Sports"),
        ("probability", 0.612346),
        ("depth", 2),
        ("stopped", "leaf"),
    ]
    assert tuple(made) == rows.columns


def test_top_adds_further_paths_in_order():
    made = maker(top=2).make({}, [FOOTBALL, GAMES])
    assert (made["path_2"], made["probability_2"], made["stopped"]) == ("Games", 0.9, "leaf")


def test_a_row_without_a_text_has_no_path_and_says_why():
    made = maker(top=2).make({"id": "1", "text": ""}, None)
    assert (made["path"], made["probability"], made["depth"], made["stopped"]) == (None, None, None, NO_TEXT)
    assert made["path_2"] is None


def test_json_lines_carry_every_level():
    made = maker(nested=True).make({}, [FOOTBALL])
    assert made["paths"] == [
        {
            "path": "Games > Sports",
            "probability": 0.612346,
            "levels": [{"name": "Games", "probability": 0.9}, {"name": "Sports", "probability": 0.612346}],
        }
    ]


def test_several_paths_stand_in_one_cell():
    made = maker(several=True).make({}, [FOOTBALL, GAMES])
    assert made == {"paths": "Games > Sports; Games", "probabilities": "0.612346; 0.9"}
    assert maker(several=True).make({}, None) == {"paths": "", "probabilities": ""}


def test_several_paths_in_json_lines_are_a_list():
    made = maker(several=True, nested=True).make({}, [FOOTBALL, GAMES])
    assert [one["path"] for one in made["paths"]] == ["Games > Sports", "Games"]
    assert set(made) == {"paths"}


@pytest.mark.parametrize(
    ("columns", "renamed"),
    [
        (("text", "path"), {"path": "input_path"}),
        (("path", "input_path"), {"path": "input_input_path"}),
        (("stopped", "depth"), {"stopped": "input_stopped", "depth": "input_depth"}),
        (("paths", "path_2"), {}),
    ],
)
def test_an_input_column_of_a_results_name_is_kept_under_another(columns, renamed):
    rows = maker(columns)
    assert rows.renamed == renamed
    made = rows.make({name: f"value of {name}" for name in columns}, [FOOTBALL])
    assert made["path"] == "Games > Sports" or "path" not in renamed
    for old in columns:
        assert made[renamed.get(old, old)] == f"value of {old}"


def test_a_key_that_only_later_rows_have_is_renamed_too():
    made = maker(("text",)).make({"text": "a", "path": "mine"}, [FOOTBALL])
    assert (made["path"], made["input_path"]) == ("Games > Sports", "mine")
