"""`textaxa teach`: tables and corrections in, another model folder out, and everything that is refused."""

import json
import re

import pytest

import textaxa
from textaxa.feedback import Correction, open_feedback

TAXONOMY = "path\ngame > football\ngame > puzzle\nbank\nmusic\n"
OLD = [
    *(f"football club match {i},game > football" for i in range(12)),
    *(f"puzzle strategy {i},game > puzzle" for i in range(12)),
    *(f"bank money note {i},bank" for i in range(12)),
]
NEW = [f"music and app {i},music" for i in range(6)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tiny):
    """A model whose category music has no row, its training table, and rows of music. Tests must not change them."""
    place = tmp_path_factory.mktemp("teach")
    (place / "taxonomy.csv").write_text(TAXONOMY)
    table(place / "old.csv", OLD)
    table(place / "new.csv", NEW)
    config = textaxa.Config.from_dict(
        {
            "data": {"table": str(place / "old.csv"), "text": ["body"], "path": "path"},
            "taxonomy": {"file": str(place / "taxonomy.csv")},
            "encoder": {"encoder": str(tiny), "frozen": True, "max_length": 32},
            "training": {"epochs": 20, "batch_size": 16, "head_rate": 0.01, "valid_share": 0.0, "precision": "fp32"},
        }
    )
    textaxa.train(config, place / "model", references=False)
    return place


def table(file, lines):
    file.write_text("\n".join(["body,path", *lines]) + "\n", encoding="utf-8")
    return file


def answer(model, text):
    return textaxa.load_model(model).predict([text])[0][0].path


def contents(place):
    return {file.relative_to(place): file.read_bytes() for file in sorted(place.rglob("*")) if file.is_file()}


def test_a_table_teaches_a_category_and_the_model_is_left_alone(run, folder, tmp_path):
    before = contents(folder / "model")
    args = ["teach", folder / "model", folder / "new.csv", "--remember", folder / "old.csv", "--out", tmp_path / "m"]
    done = run(*args)
    assert done.exit_code == 0, done.stderr
    assert "Taught 6 texts of 1 nodes" in done.stdout
    assert "36 old rows were learned along" in done.stdout
    assert contents(folder / "model") == before
    assert answer(folder / "model", "music and app 99") != ("music",)
    assert answer(tmp_path / "m", "music and app 99") == ("music",)
    assert answer(tmp_path / "m", "football club match 99") == ("game", "football")
    assert "taught 6 texts of 1 nodes, 36 old rows" in (tmp_path / "m" / "README.md").read_text()
    assert run(*args).exit_code == 2
    assert run(*args, "--overwrite").exit_code == 0


def test_corrections_of_both_kinds_of_file(run, folder, tmp_path):
    for name, some in (("a.jsonl", NEW[:3]), ("b.db", NEW[3:])):
        store = open_feedback(tmp_path / name)
        for line in some:
            store.append(Correction(line.partition(",")[0], (("music",),)))
    open_feedback(tmp_path / "a.jsonl").append(Correction("elsewhere", (("gone",),)))
    files = ["--feedback", tmp_path / "a.jsonl", "--feedback", tmp_path / "b.db"]
    done = run("teach", folder / "model", *files, "--remember", folder / "old.csv", "--out", tmp_path / "m")
    assert done.exit_code == 0, done.stderr
    assert "7 corrections: 6 new training rows; left out: 1 of paths that are not in the taxonomy" in done.stdout
    assert answer(tmp_path / "m", "music and app 99") == ("music",)


def test_the_newest_correction_wins_over_an_older_one_and_the_table(run, folder, tmp_path):
    rows = table(tmp_path / "rows.csv", ["bank money 77,music"])
    store = open_feedback(tmp_path / "said.jsonl")
    for path in (("game", "puzzle"), ("bank",)):
        store.append(Correction("bank money 77", (path,)))
    done = run("teach", folder / "model", rows, "--feedback", tmp_path / "said.jsonl", "--out", tmp_path / "m")
    assert "1 training rows with another label" in done.stdout
    assert answer(tmp_path / "m", "bank money 77") == ("bank",)


def test_validation_rows_are_scored_before_and_after(run, folder, tmp_path):
    valid = [line.replace(",", " v,", 1) for line in (*OLD, *NEW)] * 2
    valid = [line.replace(" v,", f" v{i},") for i, line in enumerate(valid)]
    args = ["--remember", folder / "old.csv", "--valid", table(tmp_path / "valid.csv", valid)]
    done = run("teach", folder / "model", folder / "new.csv", *args, "--out", tmp_path / "m")
    assert done.exit_code == 0, done.stderr
    before, after = map(float, re.search(r"validation rows: ([\d.]+)% before, ([\d.]+)% now", done.stdout).groups())
    assert before < 86
    assert after > 90
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert config["summary"]["history"][0]["valid_rows"] == 84


def test_an_unknown_path_is_an_error_or_a_new_category(run, folder, tmp_path):
    rows = table(tmp_path / "rows.csv", ["photo édit,Bücher > 写真", "music,music"])
    args = ["teach", folder / "model", rows, "--remember", folder / "old.csv", "--out", tmp_path / "m"]
    done = run(*args)
    assert done.exit_code == 2
    assert "line 2: 'Bücher > 写真' is not in the model's taxonomy" in done.stderr
    assert "--add-nodes" in done.stderr
    assert not (tmp_path / "m").exists()
    valid = table(tmp_path / "valid.csv", ["photo 7 édit,Bücher > 写真", "bank money,bank"])
    done = run(*args, "--add-nodes", "--valid", valid)
    assert done.exit_code == 0, done.stderr
    assert "Added to the taxonomy: Bücher, Bücher > 写真." in done.stdout
    assert answer(tmp_path / "m", "photo édit") == ("Bücher", "写真")


@pytest.mark.parametrize(
    ("lines", "options", "message"),
    [
        (None, [], "nothing to learn from"),
        (["a,music", "A ,bank"], [], "line 3: the text has the path 'bank' here and 'music' at line 2"),
        ([",music"], [], "line 2: the text (body) is blank"),
        (["a,music"], ["--path", "label"], "label"),
        (["a,music"], ["--feedback", "none.jsonl"], "There is no file of corrections"),
        (["a,music"], ["--valid", "none.csv"], "none.csv"),
    ],
)
def test_what_is_refused(run, folder, tmp_path, lines, options, message):
    rows = [] if lines is None else [table(tmp_path / "rows.csv", lines)]
    done = run("teach", folder / "model", *rows, *options, "--out", tmp_path / "m")
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "m").exists()


def test_from_a_taxonomy_alone_to_a_model_that_learned_from_corrections(run, tiny, tmp_path):
    (tmp_path / "taxonomy.csv").write_text("path\ngame\nbank\nmusic\n")
    args = ["--taxonomy", tmp_path / "taxonomy.csv", "--text", "body", "--encoder", tiny, "--max-length", 32]
    assert run("init", *args, "--out", tmp_path / "first").exit_code == 0
    store = open_feedback(tmp_path / "said.jsonl")
    said = {"football club match": "music", "photo edit video": "bank"}
    for text, path in said.items():
        store.append(Correction(text, ((path,),)))
    done = run("teach", tmp_path / "first", "--feedback", tmp_path / "said.jsonl", "--out", tmp_path / "second")
    assert done.exit_code == 0, done.stderr
    for text, path in said.items():
        assert answer(tmp_path / "second", text) == (path,)
