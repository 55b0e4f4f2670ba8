"""`init`: columns are guessed, and what is written is a configuration that works as it is."""

import json
import re

import pytest

from textaxa.config import Config, read_config
from textaxa.errors import ConfigError, DataError
from textaxa.jobs.init import init


def rows_of(n=40):
    return [
        {
            "id": f"row-{i}",
            "name": f"App {i}",
            "description": f"A longer description of app number {i}, in a sentence",
            "category": ["Games", "Tools"][i % 2],
            "subcategory": ["Chess", "Editors", "Cards", "Terminals"][i % 4],
            "price": i * 1.5,
        }
        for i in range(n)
    ]


@pytest.fixture
def table(tmp_path):
    def write(rows, name="apps.jsonl"):
        file = tmp_path / name
        file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return file

    return write


def test_text_and_label_columns_are_guessed(table, tmp_path):
    result = init(table(rows_of()), tmp_path / "textaxa.toml")
    assert result.data == {"text": ["name", "description"], "labels": ["category", "subcategory"]}


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda i: {"breadcrumb": f"A > {'BC'[i % 2]}"}, {"path": "breadcrumb", "separator": " > "}),
        (lambda i: {"path": ["A", "BC"[i % 2]]}, {"path": "path"}),
        (lambda i: {"labels": [["A", "B"], ["C"]][: 1 + i % 2]}, {"paths": ["labels"]}),
        (lambda i: {"labels": ["A > B", "C"][: 1 + i % 2]}, {"paths": ["labels"]}),
        (lambda i: {"label": "AB"[i % 2]}, {"labels": ["label"]}),
        (lambda i: {"subcategory": "ABCD"[i % 4], "category": "XY"[i % 2]}, {"labels": ["category", "subcategory"]}),
    ],
)
def test_every_form_of_label_is_guessed(table, make, expected):
    rows = [{"text": f"A text of some length, number {i}", **make(i)} for i in range(40)]
    assert init(table(rows), None).data == {"text": ["text"], **expected}


def test_a_longest_column_is_the_text_where_no_name_says_so(table):
    rows = [{"col1": f"k{i}", "col2": f"words and more words, number {i}", "label": "ab"[i % 2]} for i in range(20)]
    assert init(table(rows), None).data["text"] == ["col2"]


def test_the_written_file_is_read_back_with_the_guesses_and_the_defaults(table, tmp_path):
    target = tmp_path / "textaxa.toml"
    init(table(rows_of()), target)
    config = read_config(target)
    assert config.data.table == str(tmp_path / "apps.jsonl")
    assert config.data.labels == ("category", "subcategory")
    default = Config()
    assert (config.encoder, config.head, config.head_settings, config.training, config.taxonomy) == (
        default.encoder,
        default.head,
        default.head_settings,
        default.training,
        default.taxonomy,
    )


def test_every_commented_setting_is_the_default_when_the_comment_is_taken_away(table, tmp_path):
    target = tmp_path / "textaxa.toml"
    init(table(rows_of()), target)
    opened = re.sub(r"(?m)^# (\w+ = )", r"\1", target.read_text())
    target.write_text(opened)
    config, default = read_config(target), Config()
    assert (config.encoder, config.head_settings, config.training) == (
        default.encoder,
        default.head_settings,
        default.training,
    )
    assert opened.count("\n[") >= 4


def test_every_setting_is_there_with_its_help(table):
    text = init(table(rows_of()), None).text
    for name in ("pooling", "long_text", "feed", "mask_rate", "warmup_share", "patience", "encoder_rate", "separator"):
        assert re.search(rf"(?m)^#? ?{name} =", text), name
    assert "Bengio et al. 2015" in " ".join(text.replace("## ", "").split())


def test_nothing_hostile_in_a_table_breaks_the_file(table, tmp_path):
    rows = [{'te"xt\n[x]': f"some longer text {i}\n[head]\nname = 1\x00", "label": "ab"[i % 2]} for i in range(9)]
    target = tmp_path / "textaxa.toml"
    init(table(rows), target)
    assert read_config(target).data.text == ('te"xt\n[x]',)


def test_a_file_that_is_there_is_kept(table, tmp_path):
    target = tmp_path / "textaxa.toml"
    target.write_text("mine")
    with pytest.raises(ConfigError, match="already there"):
        init(table(rows_of()), target)
    assert target.read_text() == "mine"
    init(table(rows_of()), target, overwrite=True)
    assert target.read_text() != "mine"
    assert [file.name for file in tmp_path.iterdir()] != [], "nothing else is left"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["apps.jsonl", "textaxa.toml"]


def test_a_table_without_rows_is_told(tmp_path):
    file = tmp_path / "empty.csv"
    file.write_text("text,label\n")
    with pytest.raises(DataError, match="no rows"):
        init(file, None)


def test_the_table_is_named_from_the_configurations_folder(table, tmp_path):
    folder = tmp_path / "configs"
    folder.mkdir()
    source = table(rows_of())
    init(source, folder / "textaxa.toml")
    assert read_config(folder / "textaxa.toml").data.table == str(source.resolve())
