"""Training whose surroundings change or fail: what was learned is not lost, and what is left is never half a model."""

import json
import os
import signal
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tiny_encoder import make_tiny_encoder

from textaxa import load_model, train
from textaxa.config import Config
from textaxa.errors import ConfigError, DataError, ModelFileError
from textaxa.feedback import Correction, open_feedback, read_feedback
from textaxa.jobs import _interrupted as interrupted
from textaxa.jobs._listener import Interrupted
from textaxa.jobs.train import resumed_config
from textaxa.persistence import save_model
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


@contextmanager
def largest_file(size):
    """Let no file of this process grow beyond so many bytes: writes fail in the middle, as on a full disk."""
    resource = pytest.importorskip("resource", reason="the size of files cannot be limited here")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [200, 3_000, 12_000, 60_000])
def test_a_disk_that_is_full_in_the_middle_costs_no_work(config, tmp_path, size):
    out, told = tmp_path / "model", config(feedback=[])
    with largest_file(size), pytest.raises((ModelFileError, OSError)):
        train(told, out, references=False)
    assert not out.exists()
    again = interrupted.has_checkpoint(interrupted.training_folder(out))
    train(resumed_config(out, {}) if again else told, out, resume=again, references=False)
    whole = train(told, tmp_path / "whole", references=False)
    assert (load_model(out).node_proba(TEXTS) == load_model(whole.out).node_proba(TEXTS)).all()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["model", "rows.csv", "whole"]


@pytest.mark.parametrize("size", [0, 500, 5_000])
def test_a_model_that_cannot_be_replaced_stays(config, tmp_path, size):
    done = train(config(), tmp_path / "model", references=False)
    old = (done.out / "config.json").read_bytes()
    with largest_file(size), pytest.raises((ModelFileError, OSError), match=r"could not be written|File too large"):
        save_model(done.model, done.out)
    assert (load_model(done.out).node_proba(TEXTS) == done.model.node_proba(TEXTS)).all()
    assert (done.out / "config.json").read_bytes() == old
    assert sorted(one.name for one in tmp_path.iterdir()) == ["model", "rows.csv"]


@pytest.mark.parametrize("ending", [".jsonl", ".db"])
def test_a_correction_that_does_not_fit_is_refused_and_harms_no_other(tmp_path, ending):
    store = open_feedback(tmp_path / f"said{ending}")
    store.append(Correction("the first", (("Games",),)))
    with largest_file(store.file.stat().st_size + 100), pytest.raises(DataError, match="could not be kept"):
        store.append(Correction("too long " * 4000, (("Games",),)))
    store.append(Correction("the next", (("Games",),)))
    assert [one.text for one in store] == ["the first", "the next"]
    assert store.damaged == 0


def test_a_folder_that_can_only_be_read_is_told_before_the_work(config, tmp_path):
    place = tmp_path / "fixed"
    place.mkdir()
    place.chmod(0o500)
    if os.access(place, os.W_OK):
        pytest.skip("this user may write anywhere")
    with pytest.raises(ConfigError, match="you may not write"):
        train(config(), place / "model")


def test_two_trainings_into_one_folder_are_refused(config, tmp_path):
    heard = []

    def listen(event):
        if event["event"] == "start":
            with pytest.raises(ConfigError, match="Another process is training"):
                train(config(), tmp_path / "model", overwrite=True, references=False)
            heard.append(event)

    done = train(config(), tmp_path / "model", references=False, listener=listen)
    assert heard
    assert load_model(done.out).node_proba(TEXTS).shape[0] == len(TEXTS)


def test_a_run_that_was_killed_when_its_model_was_there_is_swept(config, tmp_path, monkeypatch):
    with monkeypatch.context() as context:
        context.setattr(interrupted, "removed", lambda *_, **__: None)
        done = train(config(), tmp_path / "model", references=False)
    assert interrupted.has_checkpoint(tmp_path / "model.training")
    values = {"data": {"table": str(tmp_path / "rows.csv"), "path": "path"}, "head": {"name": "linear"}}
    assert done.model.summary["run"] == interrupted.run_of(tmp_path / "model.training")
    with pytest.raises(ConfigError, match="already there"):
        train(Config.from_dict(values), done.out)
    assert not (tmp_path / "model.training").exists()


def test_checkpoints_of_another_run_are_not_swept(config, tmp_path):
    train(config(), tmp_path / "model", references=False)
    longer = config()
    longer = replace(longer, training=replace(longer.training, epochs=5))
    with pytest.raises(Interrupted):
        train(longer, tmp_path / "model", overwrite=True, references=False, listener=stop_after(2))
    with pytest.raises(ConfigError, match="already there"):
        train(longer, tmp_path / "model")
    assert interrupted.has_checkpoint(tmp_path / "model.training"), "they would be a newer model"
    resumed = resumed_config(tmp_path / "model", {})
    assert train(resumed, tmp_path / "model", resume=True, overwrite=True, references=False).model is not None
