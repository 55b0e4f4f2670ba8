"""Corrections as training rows: the newest wins, no text is on both sides, and `train --feedback` learns from them."""

import json

import pytest
from typer.testing import CliRunner

from textaxa import load_model, train
from textaxa.cli import app
from textaxa.config import Config, read_config
from textaxa.data import Examples
from textaxa.data._keys import text_key
from textaxa.errors import ConfigError, DataError
from textaxa.feedback import Correction, feedback_examples, open_feedback, with_feedback
from textaxa.taxonomy import Taxonomy

GAMES, MEDIA, MONEY = ("Games",), ("Media", "Photo"), ("Money",)
WORDS = {GAMES: "play football game", MEDIA: "edit photo filter", MONEY: "bank money note"}
TAXONOMY = Taxonomy.from_paths(WORDS)


def rows(*labelled) -> Examples:
    texts, labels = zip(*labelled, strict=True)
    return Examples(list(texts), [(label,) for label in labels], list(range(2, 2 + len(texts))), source="rows.csv")


@pytest.fixture
def parted():
    return rows(("Chess", GAMES), ("Go", GAMES), ("Cash", MONEY)), rows(("Poker", MONEY), ("Photos", MEDIA))


def test_the_newest_correction_wins_over_older_ones_and_the_table(parted):
    said = [Correction("chess", (MONEY,)), Correction("New", (GAMES,)), Correction(" CHESS ", (MEDIA,))]
    training, valid, used = with_feedback(*parted, said, several=False)
    assert training.texts == ["Chess", "Go", "Cash", "New"]
    assert training.labels == [(MEDIA,), (GAMES,), (MONEY,), (GAMES,)]
    assert valid == parted[1]
    assert (used.given, used.older, used.relabelled, used.added) == (3, 1, 1, 1)


def test_a_text_that_is_held_out_is_corrected_there_and_never_trained_on(parted):
    training, valid, used = with_feedback(*parted, [Correction("poker", (GAMES,))], several=False)
    assert training == parted[0]
    assert valid.texts == ["Poker", "Photos"]
    assert valid.labels == [(GAMES,), (MEDIA,)]
    assert (used.valid_relabelled, used.added, used.relabelled) == (1, 0, 0)


def test_no_text_is_on_both_sides(parted):
    said = [Correction(text, (GAMES,)) for text in ("Poker", "photos", "PHOTOS", "Chess", "a", "A", "b")]
    training, valid, _ = with_feedback(*parted, said, several=False)
    sides = [{text_key(text) for text in side.texts} for side in (training, valid)]
    assert not sides[0] & sides[1]
    assert len(training) == 5


def test_confirmed_answers_change_nothing(parted):
    training, valid, used = with_feedback(*parted, [Correction("Go", (GAMES,))], several=False)
    assert (training, valid) == parted
    assert used.confirmed == 1


def test_what_does_not_fit_is_left_out_and_told(parted):
    said = [Correction("a", (("Old", "Path"),)), Correction("b", (GAMES, MONEY)), Correction("c", (MEDIA,), model="m")]
    training, _, used = with_feedback(*parted, said, several=False, taxonomy=TAXONOMY, damaged=2)
    assert training.texts[3:] == ["c"]
    assert (used.unknown, used.several, used.damaged, used.unknown_paths) == (1, 1, 2, (("Old", "Path"),))
    assert dict(used.models) == {"m": 1}
    assert "Old > Path" in used.sentence()
    assert "several paths" in used.sentence()
    assert "2 that cannot be read" in used.sentence()
    json.dumps(used.to_dict())


def test_several_paths_are_taken_where_the_model_gives_several(parted):
    training, _, used = with_feedback(*parted, [Correction("b", (GAMES, MONEY))], several=True)
    assert training.labels[-1] == (GAMES, MONEY)
    assert used.added == 1


def test_groups_and_ids_stay_as_long_as_the_rows(parted):
    from dataclasses import replace

    grouped = replace(parted[0], groups=["a", "a", "b"], ids=["1", "2", "3"])
    training, _, _ = with_feedback(grouped, parted[1], [Correction("x", (GAMES,), id="new")], several=False)
    assert training.groups == ["a", "a", "b", ""]
    assert training.ids == ["1", "2", "3", "new"]
    assert training.rows[-1] == 5


def test_corrections_alone_that_are_of_no_use_are_refused():
    with pytest.raises(DataError, match="nothing to train on"):
        feedback_examples([Correction("a", (("Old",),))], several=False, taxonomy=TAXONOMY)


# --- the command


@pytest.fixture
def table(tmp_path):
    paths = list(WORDS)
    lines = [f"{WORDS[paths[i % 3]]} {i},{' > '.join(paths[i % 3])}" for i in range(60)]
    file = tmp_path / "rows.csv"
    file.write_text("\n".join(["text,path", *lines]) + "\n")
    return file


@pytest.fixture
def corrections(tmp_path):
    store = open_feedback(tmp_path / "corrections.jsonl")
    for i in range(12):
        store.append(Correction(f"zebra stripes {i}", (MONEY,), predicted=GAMES, model="apps"))
    store.append(Correction("play football game 0", (("Unheard", "Of"),)))
    return store.file


@pytest.fixture
def taxonomy(tmp_path):
    file = tmp_path / "taxonomy.txt"
    file.write_text("Games\nMedia > Photo\nMoney\n")
    return file


def run(*arguments):
    return CliRunner().invoke(app, ["train", *map(str, arguments), "--head", "linear", "--no-references"])


def test_train_learns_from_corrections(tmp_path, table, corrections, taxonomy):
    options = ("--path", "path", "--taxonomy", taxonomy)
    assert run(table, *options, "--out", tmp_path / "before").exit_code == 0
    done = run(table, *options, "--feedback", corrections, "--out", tmp_path / "after")
    assert done.exit_code == 0, done.output
    assert "13 corrections: 12 new training rows; left out: 1" in " ".join(done.output.split())
    asked = ["zebra stripes and more zebra stripes"]
    after = load_model(tmp_path / "after")
    money = after.taxonomy.index(MONEY)
    assert after.predict(asked)[0][0].path == MONEY
    assert after.node_proba(asked)[0, money] > load_model(tmp_path / "before").node_proba(asked)[0, money] + 0.1
    assert after.summary["feedback"]["added"] == 12
    assert after.summary["feedback"]["unknown_paths"] == [["Unheard", "Of"]]
    assert after.summary["valid_rows"] == load_model(tmp_path / "before").summary["valid_rows"]
    card = (tmp_path / "after" / "README.md").read_text()
    assert "corrections by people: given 13, added 12, unknown 1" in card


def test_train_takes_several_files_and_no_table(tmp_path, taxonomy):
    files = []
    for number, ending in enumerate(("jsonl", "db")):
        store = open_feedback(tmp_path / f"part.{ending}")
        for path, words in WORDS.items():
            for i in range(6):
                store.append(Correction(f"{words} {number} {i}", (path,)))
        files += ["--feedback", store.file]
    done = run(*files, "--taxonomy", taxonomy, "--out", tmp_path / "model")
    assert done.exit_code == 0, done.output
    model = load_model(tmp_path / "model")
    assert model.predict(["a football game"])[0][0].path == GAMES
    assert model.summary["rows"] + model.summary["valid_rows"] == 36


def test_corrections_without_table_and_taxonomy_say_what_is_missing(tmp_path, corrections):
    done = run("--feedback", corrections, "--out", tmp_path / "model")
    assert done.exit_code == 2 or isinstance(done.exception, ConfigError)


def test_a_new_path_is_learned_where_no_taxonomy_is_given(tmp_path, table, corrections):
    config = Config.from_dict(
        {"data": {"table": str(table), "path": "path", "feedback": str(corrections)}, "head": {"name": "linear"}}
    )
    result = train(config, tmp_path / "model", references=False)
    assert ("Unheard", "Of") in result.model.taxonomy
    assert result.feedback.relabelled + result.feedback.valid_relabelled == 1


def test_the_file_names_corrections_from_its_own_folder(tmp_path):
    (tmp_path / "textaxa.toml").write_text('[data]\nfeedback = "said.jsonl"\n')
    assert read_config(tmp_path / "textaxa.toml").data.feedback == (str(tmp_path / "said.jsonl"),)
    (tmp_path / "textaxa.toml").write_text('[data]\nfeedback = ["a.jsonl", "b.db"]\n')
    assert len(read_config(tmp_path / "textaxa.toml").data.feedback) == 2
