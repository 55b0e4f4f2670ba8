"""`train` as a function: what it tells, what it keeps when it is stopped, and that a resumed run is the same run."""

import signal

import pytest
from tiny_encoder import make_tiny_encoder

from textaxa import TextaxaError, load_model, train
from textaxa.config import Config
from textaxa.errors import ConfigError
from textaxa.jobs._listener import Interrupted
from textaxa.jobs.train import resumed_config

WORDS = ["play football game", "edit photo video", "bank money note"]
LABELS = ["Games > Sports", "Media", "Money"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny")


@pytest.fixture
def config(tiny, tmp_path):
    table = tmp_path / "rows.csv"
    lines = [f"{WORDS[i % 3]} {i},{LABELS[i % 3]}" for i in range(48)]
    table.write_text("\n".join(["text,path", *lines]) + "\n")
    return Config.from_dict(
        {
            "data": {"table": str(table), "path": "path"},
            "encoder": {"encoder": str(tiny), "max_length": 32},
            "training": {"epochs": 4, "batch_size": 4, "patience": 0, "device": "cpu", "encoder_rate": 1e-3},
        }
    )


def stopping_at(step):
    """Give a listener that presses Ctrl-C at one step."""

    def listen(event):
        if event["event"] == "step" and event["step"] == step:
            signal.raise_signal(signal.SIGINT)

    return listen


@pytest.mark.parametrize("frozen", [False, True])
def test_a_resumed_run_ends_at_the_same_model(config, tmp_path, frozen):
    if frozen:
        config = with_settings(config, encoder={"frozen": True})
    whole = train(config, tmp_path / "whole")
    with pytest.raises(Interrupted, match=r"textaxa train --resume --out .*cut"):
        train(config, tmp_path / "cut", listener=stopping_at(17))
    assert not (tmp_path / "cut").exists()
    events = []
    cut = train(config, tmp_path / "cut", resume=True, listener=events.append)
    assert 17 <= next(event for event in events if event["event"] == "start")["step"] <= 18, "it went on from there"
    assert {name: one.values() for name, one in cut.evaluations.items()} == {
        name: one.values() for name, one in whole.evaluations.items()
    }
    texts = ["play football", "money", "photo"]
    assert (load_model(tmp_path / "cut").node_proba(texts) == load_model(tmp_path / "whole").node_proba(texts)).all()
    assert not (tmp_path / "cut.training").exists()


def test_stopping_before_the_first_step_leaves_nothing(config, tmp_path):
    def stop(event):
        if event["event"] == "start":
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="nothing was kept"):
        train(config, tmp_path / "m", listener=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_a_failure_while_saving_leaves_the_checkpoints(config, tmp_path, monkeypatch):
    def fail(model, folder):
        raise OSError(28, "No space left on device", str(folder))

    monkeypatch.setattr("textaxa.persistence.save_model", fail)
    with pytest.raises(OSError, match="No space"):
        train(config, tmp_path / "m")
    monkeypatch.undo()
    assert (tmp_path / "m.training").is_dir()
    result = train(config, tmp_path / "m", resume=True)
    assert result.out.is_dir()
    assert not (tmp_path / "m.training").exists()


def test_an_interrupted_run_is_given_up_only_by_overwriting(config, tmp_path):
    with pytest.raises(Interrupted):
        train(config, tmp_path / "m", listener=stopping_at(9))
    with pytest.raises(ConfigError, match=r"--resume.*--overwrite"):
        train(config, tmp_path / "m")
    events = []
    train(config, tmp_path / "m", overwrite=True, listener=events.append)
    assert next(event for event in events if event["event"] == "start")["step"] == 0


def test_changed_rows_are_not_resumed(config, tmp_path):
    with pytest.raises(Interrupted):
        train(config, tmp_path / "m", listener=stopping_at(9))
    table = tmp_path / "rows.csv"
    table.write_text(table.read_text().replace("bank", "band", 1))
    with pytest.raises(TextaxaError, match="cannot be resumed"):
        train(config, tmp_path / "m", resume=True)
    assert (tmp_path / "m.training").is_dir()


def test_the_same_configuration_gives_the_same_model(config, tmp_path):
    first, second = (train(config, tmp_path / name, references=False) for name in ("a", "b"))
    assert (first.model.node_proba(["money"]) == second.model.node_proba(["money"])).all()
    assert list(first.evaluations) == ["textaxa chained"]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("name", ["mine.txt", "config.json"])
def test_a_folder_of_the_users_own_is_left_alone(config, tmp_path, name, overwrite):
    own = tmp_path / "m.training"
    own.mkdir()
    (own / name).write_text("{}")
    for resume in (False, True):
        with pytest.raises(ConfigError, match="was not made by textaxa"):
            train(config, tmp_path / "m", overwrite=overwrite, resume=resume)
    assert (own / name).read_text() == "{}"
    assert not (tmp_path / "m").exists()


def test_two_runs_never_share_one_place(config, tmp_path):
    refused = []

    def second(event):
        if event["event"] == "validation" and not refused:
            with pytest.raises(ConfigError, match="Another process is training") as error:
                train(config, tmp_path / "m", overwrite=True)
            refused.append(error)

    result = train(config, tmp_path / "m", listener=second)
    assert refused
    assert (load_model(tmp_path / "m").node_proba(["money"]) == result.model.node_proba(["money"])).all()
    assert not (tmp_path / "m.training").exists()


def test_a_model_that_appears_meanwhile_is_not_replaced(config, tmp_path):
    def other(event):
        if event["event"] == "data":
            (tmp_path / "m").mkdir()
            (tmp_path / "m" / "config.json").write_text('{"format": "textaxa-model"}')

    with pytest.raises(ConfigError, match="already there"):
        train(config, tmp_path / "m", listener=other)
    assert [path.name for path in (tmp_path / "m").iterdir()] == ["config.json"]


def test_a_table_whose_name_is_no_text_is_trained_on_and_resumed(config, tmp_path):
    try:
        table = (tmp_path / "rows.csv").rename(tmp_path / "rows\udcff.csv")
    except OSError:
        pytest.skip("this file system wants names that are text")
    config = with_settings(config, data={"table": str(table)})
    with pytest.raises(Interrupted):
        train(config, tmp_path / "m", listener=stopping_at(9))
    train(resumed_config(tmp_path / "m", {}), tmp_path / "m", resume=True)
    assert load_model(tmp_path / "m").summary["source"] == "rows\\udcff.csv"


def with_settings(config, **sections):
    from dataclasses import replace

    return replace(config, **{name: replace(getattr(config, name), **values) for name, values in sections.items()})
