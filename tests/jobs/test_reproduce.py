"""`reproduce`: the same bits from what a model's folder tells, and a clear word where they cannot be had."""

import json
import shutil
import signal
from dataclasses import replace

import pytest
from tiny_encoder import make_tiny_encoder
from typer.testing import CliRunner

from textaxa import train
from textaxa.cli import app
from textaxa.config import Config
from textaxa.errors import ConfigError, DataError, ModelFileError
from textaxa.feedback import Correction, open_feedback
from textaxa.jobs._listener import Interrupted
from textaxa.jobs.reproduce import reproduce

WORDS = {"Games > Sports": "football club", "Games > Cards": "poker deck", "Money": "bank note"}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(make_tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny"))


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write_rows(file, n=48):
    paths = list(WORDS)
    lines = [f"{WORDS[paths[i % 3]]} {i},{paths[i % 3]}" for i in range(n)]
    file.write_text("\n".join(["text,path", *lines]) + "\n", encoding="utf-8")
    return file


def settings(table, *, tiny=None, head="chained", **training):
    head = head if tiny else "linear"
    encoder = {} if tiny is None else {"encoder": {"encoder": tiny, "max_length": 16}}
    recipe = {"epochs": 2, "batch_size": 8, "device": "cpu", "patience": 0} if tiny else {}
    return Config.from_dict(
        {"data": {"table": str(table), "path": "path"}, "head": {"name": head}, "training": recipe | training} | encoder
    )


@pytest.fixture
def linear(tmp_path):
    train(settings(write_rows(tmp_path / "apps.csv")), "model")
    return tmp_path / "model"


def edited(folder, change):
    """Change what a model tells of its training."""
    file = folder / "config.json"
    config = json.loads(file.read_text())
    change(config["summary"])
    file.write_text(json.dumps(config))


def of_all_files(folder):
    return {str(file): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def test_a_linear_model_is_the_same_and_left_as_it_is(linear, tmp_path):
    before = of_all_files(linear)
    found = reproduce(linear)
    assert found.same
    assert found.files == 4
    assert found.differences == found.surroundings == found.remarks == ()
    assert found.out is None
    assert all(then == now for then, now in found.scores.values())
    assert of_all_files(linear) == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["apps.csv", "model"]


@pytest.mark.parametrize(("head", "frozen"), [("chained", True), ("chained", False), ("wide", None)])
def test_a_network_is_the_same(tiny, tmp_path, head, frozen):
    config = settings(write_rows(tmp_path / "apps.csv"), tiny=tiny, head=head)
    train(replace(config, encoder=replace(config.encoder, frozen=frozen)), "model")
    found = reproduce("model", encoder=tiny)
    assert found.same, [one.sentence() for one in found.differences]
    assert found.surroundings == ()


def test_another_recipe_is_found_out(tiny, tmp_path):
    """Else the tests above would compare nothing."""
    train(settings(write_rows(tmp_path / "apps.csv"), tiny=tiny), "model")
    edited(tmp_path / "model", lambda summary: summary["provenance"]["settings"]["training"].update(encoder_rate=1e-3))
    found = reproduce("model", encoder=tiny)
    assert not found.same
    told = {one.file: one for one in found.differences}
    head, encoder = told["head.safetensors"], told["encoder/model.safetensors"]
    assert 0 < head.tensors <= head.of
    assert 0 < encoder.tensors <= encoder.of
    assert encoder.largest > 0


def test_what_was_other_then_is_told_before_training(linear):
    edited(linear, lambda summary: summary["versions"].update(numpy="1.26.0"))
    heard = []
    found = reproduce(linear, listener=heard.append)
    assert found.same
    (told,) = found.surroundings
    assert told.startswith("numpy: 1.26.0 then, ")
    assert heard[0] == {"event": "note", "text": told}


def test_networks_compute_with_as_many_threads_as_then(tiny, tmp_path):
    import torch

    config = settings(write_rows(tmp_path / "apps.csv"), tiny=tiny)
    train(replace(config, encoder=replace(config.encoder, frozen=True)), "model")
    here = torch.get_num_threads()
    edited(tmp_path / "model", lambda summary: summary["provenance"]["machine"].update(threads=here + 1))
    assert reproduce("model", encoder=tiny).surroundings == ()
    assert torch.get_num_threads() == here


def test_nothing_of_the_machine_is_told_and_files_may_have_moved(tmp_path):
    home = tmp_path / "home of somebody"
    home.mkdir()
    train(settings(write_rows(home / "apps.csv")), "model")
    assert str(tmp_path) not in (tmp_path / "model" / "config.json").read_text()
    with pytest.raises(DataError, match=r"apps\.csv"):
        reproduce("model")
    assert reproduce("model", table=str(home / "apps.csv")).same


def test_the_same_rows_in_another_format_are_the_same(linear, tmp_path):
    rows = [line.split(",") for line in (tmp_path / "apps.csv").read_text().splitlines()[1:]]
    lines = [json.dumps({"text": text, "path": path}) for text, path in rows]
    (tmp_path / "apps.jsonl").write_text("\n".join(lines))
    assert reproduce(linear, table="apps.jsonl").same


def test_other_rows_are_told(linear, tmp_path):
    write_rows(tmp_path / "apps.csv", 47)
    with pytest.raises(DataError, match=r"not the training rows of then: \d+ then, \d+ now\. The table has changed"):
        reproduce(linear)
    file = write_rows(tmp_path / "apps.csv")
    file.write_text(file.read_text().replace("deck 1", "decks 1", 1))
    with pytest.raises(DataError, match=r"rows of then: .*, with other texts or labels"):
        reproduce(linear)


def test_validation_rows_and_the_taxonomy_count(tmp_path):
    table, valid = write_rows(tmp_path / "apps.csv"), write_rows(tmp_path / "valid.csv", 12)
    (tmp_path / "nodes.txt").write_text("Games\n\tSports\n\tCards\nMoney\nUnused\n")
    config = settings(table)
    config = replace(config, data=replace(config.data, valid=str(valid)))
    train(replace(config, taxonomy=replace(config.taxonomy, file="nodes.txt")), "model")
    assert reproduce("model").same
    (tmp_path / "nodes.txt").write_text("Games\n\tSports\n\tCards\nMoney\n")
    with pytest.raises(DataError, match="taxonomy is not the one of then"):
        reproduce("model")
    write_rows(valid, 11)
    with pytest.raises(DataError, match="not the validation rows of then: 12 then, 11 now"):
        reproduce("model")


def test_corrections_that_came_later_are_left_out(tmp_path):
    store = open_feedback(tmp_path / "feedback.jsonl")
    for i in range(3):
        store.append(Correction(f"a card for a poker round {i}", (("Games", "Cards"),)))
    config = settings(write_rows(tmp_path / "apps.csv"))
    train(replace(config, data=replace(config.data, feedback=("feedback.jsonl",))), "model")
    store.append(Correction("another bank", (("Money",),)))
    assert reproduce("model").same
    shutil.move("feedback.jsonl", "kept.jsonl")
    with pytest.raises(ConfigError, match=r"no file of corrections 'feedback\.jsonl'"):
        reproduce("model")
    assert reproduce("model", feedback=["kept.jsonl"]).same
    with pytest.raises(ConfigError, match="1 files of corrections, and 2 are given"):
        reproduce("model", feedback=["kept.jsonl", "kept.jsonl"])


def test_what_a_time_budget_chose_is_trained_without_it(tiny, tmp_path):
    config = settings(write_rows(tmp_path / "apps.csv"), tiny=tiny, epochs=None, time_budget=30)
    train(config, "model")
    kept = json.loads((tmp_path / "model" / "config.json").read_text())
    assert kept["summary"]["recipe"]["chosen_by"] == "time budget"
    heard = []
    assert reproduce("model", encoder=tiny, listener=heard.append).same
    assert "recipe" not in [event["event"] for event in heard], "nothing was timed"


def test_a_calibration_of_later_is_not_compared(linear, tmp_path):
    from textaxa.jobs.calibrate import calibrate

    calibrate(linear, str(tmp_path / "apps.csv"), out=tmp_path / "model", overwrite=True)
    found = reproduce(linear)
    assert found.same
    assert "calibrated again" in found.remarks[0]


def test_a_model_that_was_changed_is_refused(linear):
    edited(linear, lambda summary: summary.update(history=[{"what": "taught"}]))
    with pytest.raises(ConfigError, match="changed after it was trained"):
        reproduce(linear)


def test_a_model_that_tells_nothing_is_refused(linear):
    edited(linear, lambda summary: summary.pop("provenance"))
    with pytest.raises(ConfigError, match="does not tell how it was trained"):
        reproduce(linear)


@pytest.mark.parametrize(
    "change",
    [
        {"rows": None},
        {"rows": {}},
        {"settings": []},
        {"corrections": ["many"]},
        {"corrections": [3]},
        {"taxonomy": None, "settings": {"data": 4}},
    ],
)
def test_a_damaged_record_is_told(linear, change):
    edited(linear, lambda summary: summary["provenance"].update(change))
    with pytest.raises((ModelFileError, ConfigError), match=r"config\.json"):
        reproduce(linear)


def stop_at_the_first_validation(event):
    if event["event"] == "validation":
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_keeps_what_out_names_and_only_that(tiny, tmp_path):
    train(settings(write_rows(tmp_path / "apps.csv"), tiny=tiny, epochs=3), "model")
    how = {"encoder": tiny, "listener": stop_at_the_first_validation}
    with pytest.raises(Interrupted, match=r"nothing was kept\. With --out"):
        reproduce("model", **how)
    with pytest.raises(Interrupted, match="textaxa reproduce model --resume --out again"):
        reproduce("model", out="again", **how)
    found = reproduce("model", encoder=tiny, out="again", resume=True)
    assert found.same
    assert sorted(one.name for one in tmp_path.iterdir()) == ["again", "apps.csv", "model"]
    with pytest.raises(ConfigError, match="already there"):
        reproduce("model", encoder=tiny, out="again")
    with pytest.raises(ConfigError, match="Nothing of it is kept without --out"):
        reproduce("model", encoder=tiny, resume=True)


def test_the_command_line_tells_and_its_status_does_too(linear):
    done = CliRunner().invoke(app, ["reproduce", "model", "--quiet"])
    assert done.exit_code == 0
    assert "The same model, to the last bit: 4 files compared." in done.stdout
    assert json.loads(CliRunner().invoke(app, ["reproduce", "model", "apps.csv", "--json"]).stdout)["same"]
    edited(linear, lambda summary: summary["provenance"]["settings"]["head"].update(C=7.5))
    done = CliRunner().invoke(app, ["reproduce", "model"])
    assert done.exit_code == 1
    assert "Not the same bits: " in done.stdout
    assert "linear.safetensors: " in done.stdout
