"""`textaxa tune`: what is searched, what is kept, what is gone on with, and that only the right rows are read."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from jobs.predicted_apps import WORDS

from textaxa.config import read_config
from textaxa.errors import ConfigError, DataError
from textaxa.jobs._listener import Interrupted
from textaxa.jobs.tune import tune

optuna = pytest.importorskip("optuna", reason="the extra tune is not installed")

SEARCH = ("head.C=0.001..10:log", "head.word_ngrams=1..2")


@pytest.fixture
def table(tmp_path) -> Path:
    lines = ["text,path"]
    for i in range(80):
        path = list(WORDS)[i % len(WORDS)]
        lines.append(f"{WORDS[path].split()[i % 3]} {i % 11},{' > '.join(path)}")
    file = tmp_path / "apps.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def config(table):
    values = {"data": {"table": str(table), "path": "path"}, "head": {"name": "linear"}}
    return read_config(None, {**values, "training": {"valid_share": 0.3}})


def studied(out: Path):
    return optuna.load_study(study_name="textaxa", storage=f"sqlite:///{out / 'study.db'}")


def test_the_best_trial_is_kept_as_a_configuration(config, tmp_path):
    told = []
    found = tune(config, tmp_path / "out", search=SEARCH, trials=5, listener=told.append)
    values = [trial.value for trial in studied(tmp_path / "out").trials]
    assert found.score == max(values)
    assert found.first == values[0], "the first trial has the settings as they are given"
    assert told[0]["settings"] == {}
    assert [event["number"] for event in told] == [0, 1, 2, 3, 4]
    best = read_config(tmp_path / "out/best.toml")
    assert best.head == "linear"
    assert best.data.table == config.data.table
    for key, value in found.best.get("head", {}).items():
        assert getattr(best.head_settings, key) == value


def test_values_lie_where_they_were_asked_for(config, tmp_path):
    tune(config, tmp_path / "out", search=("head.C=0.5..2", "head.characters=off|within-words"), trials=6)
    drawn = [trial.params for trial in studied(tmp_path / "out").trials[1:]]
    assert all(0.5 <= params["head.C"] <= 2 for params in drawn)
    assert {params["head.characters"] for params in drawn} <= {"off", "within-words"}
    assert len({params["head.C"] for params in drawn}) == 5


def test_the_same_seed_draws_the_same(config, tmp_path):
    for name in ("a", "b"):
        tune(config, tmp_path / name, search=SEARCH, trials=4)
    a, b = ([(trial.params, trial.value) for trial in studied(tmp_path / name).trials] for name in ("a", "b"))
    assert a == b


def test_given_again_it_goes_on(config, tmp_path):
    tune(config, tmp_path / "out", search=SEARCH, trials=3)
    told = []
    tune(config, tmp_path / "out", search=SEARCH, trials=5, listener=told.append)
    assert [event["number"] for event in told] == [3, 4]
    params = [trial.params.get("head.C") for trial in studied(tmp_path / "out").trials[1:]]
    assert len(set(params)) == 4, "a resumed search must not draw the same again"


def test_ctrl_c_keeps_what_is_done(config, tmp_path):
    def stop(event):
        if event["number"] == 1:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="2 of 4 trials are done, and kept"):
        tune(config, tmp_path / "out", search=SEARCH, trials=4, listener=stop)
    assert tune(config, tmp_path / "out", search=SEARCH, trials=4).trials["complete"] == 4


def test_the_first_trial_is_told_though_it_was_stopped(config, tmp_path, monkeypatch):
    import textaxa.training

    def stopped(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(textaxa.training, "train_model", stopped)
        with pytest.raises(Interrupted, match="0 of 2 trials"):
            tune(config, tmp_path / "out", search=SEARCH, trials=2)
    found = tune(config, tmp_path / "out", search=SEARCH, trials=2)
    assert found.first is not None
    assert found.trials["complete"] == 2


def test_another_taxonomy_is_another_search(config, tmp_path):
    tune(config, tmp_path / "out", search=SEARCH, trials=1)
    file = tmp_path / "wider.txt"
    file.write_text("\n".join([" > ".join(path) for path in WORDS] + ["Travel"]) + "\n", encoding="utf-8")
    values = {"data": {"table": config.data.table, "path": "path"}, "head": {"name": "linear"}}
    wider = read_config(None, {**values, "training": {"valid_share": 0.3}, "taxonomy": {"file": str(file)}})
    with pytest.raises(ConfigError, match="other taxonomy"):
        tune(wider, tmp_path / "out", search=SEARCH, trials=1)


KILLED = """
import sys
from textaxa.config import read_config
from textaxa.jobs import tune as module
table, out = sys.argv[1:]
def hang(*args):
    open(out + ".begun", "w").close()
    import time; time.sleep(60)
config = read_config(None, {"data": {"table": table, "path": "path"}, "head": {"name": "linear"},
                            "training": {"valid_share": 0.3}})
def hear(event):
    if event["number"] == 1:
        module.score_model = hang
module.tune(config, out, search=("head.C=0.001..10:log", "head.word_ngrams=1..2"), trials=4, listener=hear)
"""


def test_a_killed_trial_is_tried_again(config, table, tmp_path):
    out = tmp_path / "out"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(table), str(out)])
    try:
        while not Path(f"{out}.begun").exists():
            assert process.poll() is None
            time.sleep(0.05)
    finally:
        process.kill()
        process.wait()
    assert [trial.state.name for trial in studied(out).trials] == ["COMPLETE", "COMPLETE", "RUNNING"]
    found = tune(config, out, search=SEARCH, trials=4)
    trials = studied(out).trials
    assert found.trials == {"complete": 4, "pruned": 0, "fail": 1}
    assert trials[3].params == trials[2].params, "what was lost is tried again as it was drawn"


def test_a_slow_starter_is_cut_short(config, tmp_path, monkeypatch):
    """Trials report every epoch; one behind the median of the others at its epoch does not go on."""
    epochs_seen = []

    def fake(*args, training, listener, **kwargs):
        bad = len(epochs_seen) >= 6
        epochs_seen.append(0)
        for epoch in (1, 2, 3):
            epochs_seen[-1] = epoch
            listener({"event": "validation", "epoch": float(epoch), "hierarchical_f1": 0.1 if bad else 0.8})
        return real(*args, training=training, listener=None, **kwargs)

    import textaxa.training

    real = textaxa.training.train_model
    monkeypatch.setattr(textaxa.training, "train_model", fake)
    found = tune(config, tmp_path / "out", search=SEARCH, trials=7)
    assert found.trials["pruned"] == 1
    assert epochs_seen == [3, 3, 3, 3, 3, 3, 1]


def test_a_trial_that_fails_does_not_end_the_search(config, tmp_path, monkeypatch):
    import textaxa.training

    real, calls = textaxa.training.train_model, []

    def fake(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise ConfigError("Training diverged.")
        return real(*args, **kwargs)

    monkeypatch.setattr(textaxa.training, "train_model", fake)
    found = tune(config, tmp_path / "out", search=SEARCH, trials=3)
    assert found.trials == {"complete": 2, "pruned": 0, "fail": 1}


def test_only_training_rows_train(config, table, tmp_path, monkeypatch):
    import textaxa.training

    seen = []
    real = textaxa.training.train_model

    def spy(texts, *args, valid, **kwargs):
        seen.append((tuple(texts), tuple(valid[0])))
        return real(texts, *args, valid=valid, **kwargs)

    monkeypatch.setattr(textaxa.training, "train_model", spy)
    tune(config, tmp_path / "out", search=SEARCH, trials=3)
    assert len(set(seen)) == 1, "all trials have the same split"
    training, valid = seen[0]
    assert len(training) + len(valid) == 80


def test_no_time_left_begins_no_trial(config, tmp_path):
    with pytest.raises(DataError, match="No trial came to an end"):
        tune(config, tmp_path / "out", search=SEARCH, trials=3, time_budget=0)


def test_another_search_is_refused(config, tmp_path):
    tune(config, tmp_path / "out", search=SEARCH, trials=1)
    with pytest.raises(ConfigError, match="holds another search: other search"):
        tune(config, tmp_path / "out", search=SEARCH[:1], trials=1)
    assert tune(config, tmp_path / "out", search=SEARCH[:1], trials=2, overwrite=True).trials["complete"] == 2


@pytest.mark.parametrize("written", ["{", "[]", "null"])
def test_a_damaged_plan_is_told(config, tmp_path, written):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/tune.json").write_text(written)
    with pytest.raises(ConfigError, match="is damaged"):
        tune(config, tmp_path / "out", search=SEARCH, trials=1)


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ("head.C", "is not SECTION.KEY=LOW"),
        ("C=1..2", "is not SECTION.KEY=LOW"),
        ("head.C=3..1", "from a smaller number to a larger one"),
        ("head.C=0..1:log", "begins above 0"),
        ("head.C=1e9|1", "too large"),
        ("head.D=1..2", "there is no such setting"),
        ("head.characters=off|sometimes", "'sometimes' is not known"),
        ("head.word_ngrams=0.5..2", "word_ngrams"),
        ("data.text=a|b", "encoder, head and training"),
        ("head.name=flat|linear", "encoder, head and training"),
        ("head.characters=off|", "an empty choice"),
    ],
)
def test_what_cannot_be_searched(config, tmp_path, search, message):
    with pytest.raises(ConfigError, match=message):
        tune(config, tmp_path / "out", search=[search], trials=1)
    assert not (tmp_path / "out/study.db").exists()


def test_options_out_of_bounds(config, tmp_path):
    for options, message in (({"trials": 0}, "at least 1"), ({"metric": "f1"}, "is not known")):
        with pytest.raises(ConfigError, match=message):
            tune(config, tmp_path / "out", **options)


def test_a_neural_head_and_what_is_searched_by_default(table, tmp_path):
    from tiny_encoder import make_tiny_encoder

    from textaxa.jobs.tuning._space import default_space

    encoder = make_tiny_encoder(tmp_path / "tiny")
    values = {
        "data": {"table": str(table), "path": "path"},
        "encoder": {"encoder": str(encoder), "frozen": True, "max_length": 16},
        "training": {"valid_share": 0.3, "epochs": 2},
    }
    config = read_config(None, values)
    space = default_space(config, frozen=True)
    assert {"training.head_rate", "head.feed"} <= set(space)
    assert "training.encoder_rate" not in space
    assert "training.encoder_rate" in default_space(config, frozen=False)
    found = tune(config, tmp_path / "out", trials=2)
    assert found.trials["complete"] == 2
    assert len(list((tmp_path / "out/vectors").glob("*.npy"))) == 2, "texts are encoded once for all trials"
    assert json.loads((tmp_path / "out/tune.json").read_text())["settings"]["head"]["name"] == "chained"
