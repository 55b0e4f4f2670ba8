"""`textaxa predict` with promises, sets and decoders, and `textaxa calibrate`."""

import csv
import json
import shutil

import numpy as np
import pytest
from toy_apps import write_csv
from typer.testing import CliRunner

from textaxa.cli import app

NAMES = {"red": ("A", "x"), "green": ("A", "y"), "blue": ("B", ""), "grey": ("C", "z")}


def rows(n, seed):
    rng = np.random.default_rng(seed)
    words = list(NAMES)
    told = rng.integers(0, 4, n)
    true = np.where(rng.random(n) < 0.1, rng.integers(0, 4, n), told)
    return [
        {"text": f"{words[t]} {rng.integers(50)}", "category": NAMES[words[i]][0], "subcategory": NAMES[words[i]][1]}
        for t, i in zip(told, true, strict=True)
    ]


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    return {
        name: write_csv(folder / f"{name}.csv", rows(n, n)) for name, n in (("train", 300), ("more", 500), ("new", 90))
    }


@pytest.fixture(scope="module")
def fresh(tables, tmp_path_factory):
    """A model without evidence: its rows are too few to set any aside. Tests must not change it."""
    out = tmp_path_factory.mktemp("models") / "m"
    options = ["--labels", "category,subcategory", "--head", "linear", "--out", str(out), "--quiet"]
    done = CliRunner().invoke(app, ["train", str(tables["train"]), *options])
    assert done.exit_code == 0, done.stderr
    return out


@pytest.fixture(scope="module")
def model(fresh, tables, tmp_path_factory):
    """The same, calibrated. Tests must not change it."""
    out = tmp_path_factory.mktemp("models") / "calibrated"
    done = CliRunner().invoke(app, ["calibrate", str(fresh), str(tables["more"]), "--out", str(out)])
    assert done.exit_code == 0, done.stderr
    assert "500 rows: 150 chose, 350 only prove." in done.stdout
    assert "90%: " in done.stdout
    return out


def read(file):
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_without_evidence_the_cure_is_named(run, fresh, tables):
    done = run("predict", fresh, tables["new"], "--accuracy", "0.9")
    assert done.exit_code == 2
    assert "textaxa calibrate MODEL labelled.csv" in done.stderr


def test_a_promise_is_told_and_kept_in_columns(run, model, tables, tmp_path):
    out = tmp_path / "out.csv"
    done = run("predict", model, tables["new"], "--accuracy", "0.8", "-o", out)
    assert done.exit_code == 0, done.stderr
    assert "With 95% confidence, at least 80% of all answers are right" in done.stderr
    assert "Of 90 texts:" in done.stderr
    found = read(out)
    assert list(found[0])[-5:] == ["path", "probability", "depth", "stopped", "because"]
    for row in found:
        assert int(row["depth"]) == len([name for name in row["path"].split(" > ") if name])
        assert bool(row["because"]) == (row["stopped"] == "not sure enough")
    answered = [row for row in found if row["path"]]
    true = [" > ".join(filter(None, (row["category"], row["subcategory"]))) for row in answered]
    assert np.mean([t.startswith(row["path"]) for t, row in zip(true, answered, strict=True)]) > 0.8


def test_what_cannot_be_promised_is_an_error_that_says_what_it_takes(run, model, tables, tmp_path):
    done = run("predict", model, tables["new"], "--accuracy", "0.999", "-o", tmp_path / "o.csv")
    assert done.exit_code == 2
    assert "cannot be promised" in done.stderr
    assert not (tmp_path / "o.csv").exists()


@pytest.mark.parametrize("scope", ["level", "branch"])
def test_promises_by_level_and_branch(run, model, tables, tmp_path, scope):
    done = run("predict", model, tables["new"], "--accuracy", "0.7", "--scope", scope, "-o", tmp_path / "o.csv")
    assert done.exit_code == 0, done.stderr
    assert scope in done.stderr


def test_sets_and_outsiders(run, model, tmp_path):
    table = write_csv(tmp_path / "new.csv", [*rows(90, 90), {"text": "xyzzy plugh", "category": "", "subcategory": ""}])
    out = tmp_path / "out.jsonl"
    done = run("predict", model, table, "--set-coverage", "0.95", "--outside", "0.05", "-o", out)
    assert done.exit_code == 0, done.stderr
    found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert all(isinstance(row["set"], list) and row["set"] for row in found)
    assert any(len(row["set"]) > 1 for row in found)
    assert found[-1]["stopped"] == "outside the taxonomy"
    assert (found[-1]["paths"], found[-1]["path"]) == ([], "")
    assert found[-1]["because"]
    assert sum(row["stopped"] == "outside the taxonomy" for row in found[:-1]) <= 15


@pytest.mark.parametrize(
    "flags", [["--decoder", "hf-beta", "--beta", "0.5"], ["--decoder", "min-risk"], ["--decoder", "greedy"]]
)
def test_decoders_by_name(run, model, tables, tmp_path, flags):
    done = run("predict", model, tables["new"], *flags, "-o", tmp_path / "o.csv", "--quiet")
    assert done.exit_code == 0, done.stderr
    assert all(row["path"] for row in read(tmp_path / "o.csv"))


def test_costs_from_a_table_change_answers(run, model, tables, tmp_path):
    costs = tmp_path / "costs.csv"
    costs.write_text("predicted,true,cost\nA,B,1000\nA,C,1000\n", encoding="utf-8")
    found = {}
    for name, flags in (("plain", []), ("priced", ["--costs", costs])):
        done = run(
            "predict", model, tables["new"], "--decoder", "min-risk", *flags, "-o", tmp_path / name, "--format", "csv"
        )
        assert done.exit_code == 0, done.stderr
        found[name] = [row["path"].split(" > ")[0] for row in read(tmp_path / name)]
    assert found["priced"].count("A") < found["plain"].count("A")


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--accuracy", "1"], "between 0 and 1"),
        (["--accuracy", "0.8", "--top", "2"], "Leave one of them out"),
        (["--decoder", "magic"], "no decoder 'magic'"),
        (["--set-coverage", "7"], "between 0 and 1"),
        (["--accuracy", "0.8", "--scope", "moon"], "not for 'moon'"),
        (["--costs", "nowhere.csv", "--decoder", "min-risk"], "nowhere.csv"),
    ],
)
def test_mistakes_are_one_paragraph(run, model, tables, tmp_path, flags, told):
    done = run("predict", model, tables["new"], *flags, "-o", tmp_path / "o.csv")
    assert done.exit_code == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_a_model_is_calibrated_in_place_and_twice_is_once(run, fresh, tables, tmp_path):
    own = shutil.copytree(fresh, tmp_path / "own")
    for _ in range(2):
        assert run("calibrate", own, tables["more"]).exit_code == 0
    first = (own / "held_out.json").read_text(encoding="utf-8")
    assert run("calibrate", own, tables["more"], "--seed", "1").exit_code == 0
    assert (own / "held_out.json").read_text(encoding="utf-8") != first
    assert run("calibrate", own, tables["more"], "--out", own).exit_code == 2


def test_too_few_rows_to_calibrate(run, fresh, tables, tmp_path):
    few = write_csv(tmp_path / "few.csv", rows(5, 1))
    done = run("calibrate", fresh, few, "--out", tmp_path / "m")
    assert done.exit_code == 2
    assert "5 rows are too few" in done.stderr
    strange = write_csv(tmp_path / "strange.csv", [{**row, "category": "D"} for row in rows(30, 1)])
    done = run("calibrate", fresh, strange, "--out", tmp_path / "m")
    assert done.exit_code == 2
    assert "D" in done.stderr
    assert not (tmp_path / "m").exists()
