"""``textaxa optimise`` from tables to a model folder."""

import csv
import json
from shutil import copytree

import pytest
from optimising.optimising_cases import LABELS, TEXTS, linear_model
from typer.testing import CliRunner

from textaxa import load_model, optimise, save_model
from textaxa.cli import app
from textaxa.errors import ConfigError, DataError
from textaxa.fast_path import FastPathModel
from textaxa.jobs._listener import Interrupted
from textaxa.optimising import Bar, Material, Rows, Search, save_candidate


@pytest.fixture(scope="module")
def place(trained_folder):
    folder = trained_folder.parent
    for name, texts in (("train", TEXTS), ("valid", [f"{text} app" for text in TEXTS])):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "path"])
            writer.writerows([text, " > ".join(paths[0])] for text, paths in zip(texts, LABELS, strict=True))
    return folder


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_command_finds_saves_and_draws(place, tmp_path):
    given = ("--train", place / "train.csv", "--text", "text", "--path", "path", "--max-loss", 5, "--quick")
    done = run(
        "optimise",
        place / "model",
        place / "valid.csv",
        *given,
        "--out",
        tmp_path / "faster",
        "--plot",
        tmp_path / "p.svg",
    )
    assert done.exit_code == 0, done.stderr
    assert "Chosen: " in done.stdout
    assert "as it is" in done.stdout
    assert "120 chose nothing" in done.stdout
    assert "timing" in done.stderr
    found = load_model(tmp_path / "faster", runtime="auto")
    kept = found.summary["optimised"]
    assert kept["loss_points"] <= 5
    assert kept["proving_rows"] == 120
    assert "Made by `textaxa optimise`" in (tmp_path / "faster" / "README.md").read_text(encoding="utf-8")
    picture = (tmp_path / "p.svg").read_text(encoding="utf-8")
    assert picture.startswith("<svg")
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")
    assert run("evaluate", tmp_path / "faster", place / "valid.csv", "--path", "path").exit_code == 0


def test_json_tells_every_candidate(place, tmp_path):
    given = ("--text", "text", "--path", "path", "--candidates", "engine", "--json", "--quiet", "--max-loss", 50)
    done = run("optimise", place / "model", place / "valid.csv", *given, "--plot", tmp_path / "p.html")
    found = json.loads(done.stdout)
    assert {point["name"] for point in found["points"]} >= {"as it is", "fp32", "int8"}
    assert sum(point["chosen"] for point in found["points"]) == 1
    assert found["rows"] == {"fitting": 120, "choosing": 60, "proving": 60}
    assert done.stderr == ""
    assert "<svg" in (tmp_path / "p.html").read_text(encoding="utf-8")


def test_what_cannot_be_proven_is_not_chosen(place, tmp_path):
    found = optimise(
        place / "model",
        place / "valid.csv",
        tmp_path / "faster",
        columns={"text": ("text",), "path": "path"},
        candidates=["engine"],
        confidence=0.95,
        rounds=1,
    )
    assert (found.chosen.kind, found.out) == ("given", None)
    assert not (tmp_path / "faster").exists()
    assert not any(point.passes for point in found.points if point.kind != "given")


def test_a_fast_path_is_made_proven_and_saved(place, tmp_path):
    rows = Rows(TEXTS, LABELS)
    model = load_model(place / "model")
    material = Material(model, rows, rows, [], tmp_path, 1.0, 0, lambda what: None)
    search = Search(material, rows, kinds=("engine", "fast-path"), max_loss=5.0)
    by_name = {one.candidate.name: one for one in search.singles}
    confidence = by_name["linear"].choosing.confidence
    # Doubt is put into the words of every second text, so that one model alone does not win.
    confidence[::2] *= 0.5
    by_name["linear"].choosing.score[::2] = 0
    by_name["linear"].proving.score[::2] = 0
    by_name["linear"].proving.confidence[::2] *= 0.5
    for bar in (Bar(5.0), Bar(5.0, 0.9)):
        points, _ = search.points(bar, rounds=1)
        fast = [point for point in points if point.kind == "fast-path"]
        assert fast, bar
        assert all(point.passes and point.cheap_share == pytest.approx(0.5, abs=0.02) for point in fast), bar
    from textaxa.optimising._search import _fast_paths

    (one, *_) = _fast_paths(search.singles, Bar(5.0), search.kinds)
    folder = save_candidate(one.candidate, tmp_path / "fast", {}, scratch=tmp_path)
    found = load_model(folder, runtime="auto")
    assert isinstance(found, FastPathModel)
    assert found.threshold == pytest.approx(one.candidate.threshold)
    assert (folder / "strong" / "onnx" / "encoder.onnx").is_file()
    assert found.predict(["puzzle game"])[0][0].path == ("Games", "Puzzle")


def test_ctrl_c_leaves_nothing(place, tmp_path):
    def stop(event):
        if event["what"].startswith("timing"):
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="nothing was written"):
        optimise(
            place / "model",
            place / "valid.csv",
            tmp_path / "faster",
            columns={"text": ("text",), "path": "path"},
            candidates=["engine"],
            listener=stop,
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"candidates": ["bigger"]}, "bigger"),
        ({"max_loss": -1}, "max_loss"),
        ({"confidence": 0.2}, "confidence"),
        ({"plot": "picture.png"}, "picture.png"),
        ({"plot": "no/such/folder.svg"}, "no folder"),
    ],
)
def test_what_cannot_be_is_told_before_the_work(place, given, told):
    with pytest.raises(ConfigError, match=told):
        optimise(place / "model", place / "valid.csv", **given)


def test_an_output_that_is_there_is_left_alone(place, tmp_path):
    copytree(place / "model", tmp_path / "faster")
    with pytest.raises(ConfigError, match="already there"):
        optimise(place / "model", place / "valid.csv", tmp_path / "faster")


def test_few_rows_and_models_without_an_encoder_are_refused(place, tmp_path):
    few = [{"text": text, "path": " > ".join(paths[0])} for text, paths in zip(TEXTS[:30], LABELS, strict=False)]
    with pytest.raises(DataError, match="too few"):
        optimise(place / "model", few, columns={"text": ("text",), "path": "path"})
    linear = save_model(linear_model(), tmp_path / "linear")
    with pytest.raises(ConfigError, match="whole model"):
        optimise(linear, place / "valid.csv", columns={"text": ("text",), "path": "path"})
