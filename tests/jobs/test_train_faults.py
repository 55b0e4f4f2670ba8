"""Training whose surroundings change or fail: what was learned is not lost, and what is left is never half a model."""

import json
import os
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tiny_encoder import make_tiny_encoder

from textaxa import load_model, train
from textaxa.config import Config
from textaxa.errors import ConfigError, ModelFileError
from textaxa.feedback import Correction, open_feedback, read_feedback
from textaxa.jobs import _interrupted as interrupted
from textaxa.jobs._listener import Interrupted
from textaxa.jobs.train import resumed_config
from textaxa.training._run import last_checkpoint

TEXTS = ["play football", "money", "photo"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny")


@pytest.fixture
def config(tiny, tmp_path):
    words, labels = ["play football game", "edit photo video", "bank money note"], ["Games > Sports", "Media", "Money"]
    lines = [f"{words[i % 3]} {i},{labels[i % 3]}" for i in range(36)]
    (tmp_path / "rows.csv").write_text("\n".join(["text,path", *lines]) + "\n")
    values = {
        "data": {"table": str(tmp_path / "rows.csv"), "path": "path"},
        "encoder": {"encoder": str(tiny), "max_length": 32, "frozen": True},
        "training": {"epochs": 4, "batch_size": 4, "patience": 0, "device": "cpu"},
    }
    return lambda **data: Config.from_dict({**values, "data": values["data"] | data})


def stop_after(epochs):
    """Give a listener that presses Ctrl-C in the first step after so many validations."""
    seen = []

    def listen(event):
        seen.append(event["event"])
        if event["event"] == "step" and seen.count("validation") == epochs:
            signal.raise_signal(signal.SIGINT)

    return listen


def test_a_run_is_resumed_although_corrections_came_meanwhile(config, tmp_path):
    store = open_feedback(tmp_path / "said.jsonl")
    for i in range(4):
        store.append(Correction(f"a bank of money {i}", (("Money",),)))
    told = config(feedback=[str(store.file)])
    whole = train(told, tmp_path / "whole", references=False)
    with pytest.raises(Interrupted):
        train(told, tmp_path / "cut", references=False, listener=stop_after(2))
    store.append(Correction("a bank of money 1", (("Media",),)))
    store.append(Correction("another photo", (("Media",),)))
    cut = train(resumed_config(tmp_path / "cut", {}), tmp_path / "cut", resume=True, references=False)
    assert cut.feedback.given == 4, "what came later is for the next training"
    assert (load_model(cut.out).node_proba(TEXTS) == load_model(whole.out).node_proba(TEXTS)).all()
    assert train(told, tmp_path / "next", references=False).feedback.given == 6


def test_what_is_kept_of_corrections_names_no_file(config, tmp_path):
    store = open_feedback(tmp_path / "said.db")
    store.append(Correction("a bank of money", (("Money",),)))
    done = train(config(feedback=[str(store.file)]), tmp_path / "model", references=False)
    assert done.feedback.files == {str(store.file.resolve()): 1}
    assert str(tmp_path) not in json.dumps(load_model(done.out).summary["feedback"])


def test_a_clock_set_back_does_not_bring_back_an_older_correction(tmp_path):
    now = datetime.now(UTC)
    times = [now + timedelta(days=1), now, now + timedelta(seconds=1)]
    store = open_feedback(tmp_path / "said.jsonl")
    for time_, name in zip(times, ("Games", "Media", "Money"), strict=True):
        store.append(Correction("chess", ((name,),), time=time_.isoformat(timespec="milliseconds")))
    found, _ = read_feedback([store.file])
    assert [one.paths[0][0] for one in found] == ["Games", "Media", "Money"], "the file's order is sure"


def test_corrections_of_two_files_are_put_together_by_time(tmp_path):
    for name, hours in (("a", (1, 3)), ("b", (2, 4))):
        for hour in hours:
            at = f"2026-01-01T0{hour}:00:00.000+00:00"
            open_feedback(tmp_path / f"{name}.jsonl").append(Correction(f"text {hour}", (("Games",),), time=at))
    found, _ = read_feedback([tmp_path / "b.jsonl", tmp_path / "a.jsonl"])
    assert [one.text for one in found] == ["text 1", "text 2", "text 3", "text 4"]


def test_a_clock_set_back_does_not_cost_the_newest_checkpoint(config, tmp_path):
    """The Trainer goes by times of change: those of checkpoints before the clock was set back lie in the future."""
    stop, ahead, out = stop_after(3), time.time() + 86_400, tmp_path / "model"

    def listen(event):
        for place in (tmp_path / "model.training").glob("checkpoint-*"):
            os.utime(place, (ahead - int(place.name[11:]), ahead - int(place.name[11:])))  # the oldest looks newest
        stop(event)

    with pytest.raises(Interrupted):
        train(config(), out, references=False, listener=listen)
    steps = sorted(int(place.name[11:]) for place in interrupted.training_folder(out).glob("checkpoint-*"))
    state = json.loads((last_checkpoint(interrupted.training_folder(out)) / "trainer_state.json").read_text())
    assert state["global_step"] == steps[-1]
    assert round(state["epoch"]) == 3, "where it was stopped"
    whole = train(config(), tmp_path / "whole", references=False)
    train(config(), out, resume=True, references=False)
    assert (load_model(out).node_proba(TEXTS) == load_model(whole.out).node_proba(TEXTS)).all()
