"""`textaxa evaluate --html` and `textaxa.evaluate(html=...)`, with a small linear model."""

import csv
import json
import re

import pytest
from typer.testing import CliRunner

pytest.importorskip("sklearn", reason="the model is linear; install the extra train")
pytest.importorskip("safetensors", reason="the model is saved; install the extra train")

from textaxa import evaluate, load_model
from textaxa.cli._app import app
from textaxa.errors import ConfigError

WORDS = {
    ("Games", "Sports"): "football club match",
    ("Games", "Cards"): "poker deck hand",
    ("Media", "Photo"): "picture lens edit",
    ("Finance", ""): "bank money account",
}


def write(file, n, wrong=0):
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["text", "category", "subcategory"])
        labels = list(WORDS)
        for i in range(n):
            label = labels[i % len(labels)]
            writer.writerow([f"{WORDS[label]} {i}", *(labels[(i + 1) % len(labels)] if i < wrong else label)])
    return file


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    table = write(folder / "train.csv", 96)
    given = ["--text", "text", "--labels", "category,subcategory", "--head", "linear", "--out", str(folder / "model")]
    assert CliRunner().invoke(app, ["train", str(table), *given]).exit_code == 0
    write(folder / "test.csv", 48, wrong=4)
    return folder


def data_of(file):
    page = file.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="report-data">(.*?)</script>', page, re.DOTALL)[1])


def test_the_page_holds_what_evaluate_says(folder):
    file = folder / "python.html"
    result = evaluate(folder / "model", folder / "test.csv", html=file)
    told = data_of(file)
    assert told["overall"][0]["value"] == pytest.approx(result.model.path_accuracy, abs=1e-4)
    assert told["overall"][0]["references"] == {
        name: pytest.approx(one.path_accuracy, abs=1e-4) for name, one in result.references.items()
    }
    assert told["promise"]["accuracy"] == 0.95
    assert told["promise"]["why"] or told["promise"]["answered"]
    assert told["about"]["source"] == "test.csv"
    assert told["about"]["texts"] == 48
    assert told["facts"]["The model"]["Training rows"] == str(load_model(folder / "model").summary["rows"])


def test_wrong_labels_are_found_with_their_lines_and_words(folder):
    file = folder / "found.html"
    evaluate(folder / "model", folder / "test.csv", html=file)
    told = data_of(file)
    suspects = [one["row"] for kind in told["label_errors"]["kinds"].values() for one in kind["rows"]]
    assert set(suspects) == {2, 3, 4, 5}, "the first four rows, which follow the line of names"
    assert told["confusions"]["explained"] > 0
    example = told["confusions"]["pairs"][0]["examples"][0]
    pushed = [example["text"][a:b] for a, b, strength in example["words"] if strength > 0]
    assert set(pushed) & {word for words in WORDS.values() for word in words.split()}


def test_the_command_writes_the_page_beside_its_table(folder):
    file = folder / "cli.html"
    done = CliRunner().invoke(app, ["evaluate", str(folder / "model"), str(folder / "test.csv"), "--html", str(file)])
    assert done.exit_code == 0, done.stderr
    assert "Path accuracy" in done.stdout
    assert data_of(file)["about"]["texts"] == 48
    done = CliRunner().invoke(
        app, ["evaluate", str(folder / "model"), str(folder / "test.csv"), "--json", "--html", str(file)]
    )
    assert json.loads(done.stdout)["n"] == 48


def test_another_file_is_left_alone_before_any_work(folder):
    file = folder / "mine.html"
    file.write_text("mine")
    with pytest.raises(ConfigError, match="is not a page of textaxa evaluate"):
        evaluate(folder / "no model", folder / "no table", html=file)
    done = CliRunner().invoke(app, ["evaluate", str(folder / "model"), str(folder / "test.csv"), "--html", str(file)])
    assert done.exit_code == 2
    assert "left alone" in done.stderr
    assert file.read_text() == "mine"


def test_of_very_many_rows_a_sample_is_shown(folder, monkeypatch):
    monkeypatch.setattr("textaxa.jobs._report_page.CELLS", 20 * 8)
    monkeypatch.setattr("textaxa.jobs._score.DENSE_LIMIT", 0)
    file = folder / "sample.html"
    evaluate(folder / "model", folder / "test.csv", html=file)
    told = data_of(file)
    nodes = told["about"]["nodes"]
    assert told["about"]["total_rows"] == 48
    assert told["about"]["texts"] == told["coverage"]["n"] == 160 // nodes
