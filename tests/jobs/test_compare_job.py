"""`compare` as a function: the same rows for all, finished runs kept, numbers that can be had again from the models."""

import json
import random
import signal
import sys

import numpy as np
import pytest
from tiny_encoder import make_tiny_encoder

import textaxa
from textaxa import load_model
from textaxa.config import Config
from textaxa.encoders import TransformerEncoder
from textaxa.errors import ConfigError, DataError, MissingExtraError
from textaxa.evaluation import evaluate_paths
from textaxa.jobs import compare as job
from textaxa.jobs._listener import Interrupted
from textaxa.jobs.comparison._plan import Plan

WORDS = ["play football game", "edit photo video", "bank money note", "music app for"]
LABELS = ["Games > Sports", "Media > Photo", "Money", "Media"]
COLUMNS = {"path": "path"}
FAST = {"epochs": 3, "batch_size": 8, "patience": 0, "device": "cpu", "encoder_rate": 1e-3, "head_rate": 1e-2}


def rows(n: int = 96) -> list[dict[str, str]]:
    """Give texts whose words tell the path, nearly always."""
    generator = random.Random(1)  # noqa: S311
    return [{"text": f"{WORDS[i % 4 if generator.random() < 0.9 else 0]} {i}", "path": LABELS[i % 4]} for i in range(n)]


class Heard(list):
    def __call__(self, event):
        self.append(event)

    def of(self, name):
        return [event for event in self if event["event"] == name]

    def runs(self, status):
        return [(event["model"], event["seed"]) for event in self.of("run") if event["status"] == status]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return make_tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny")


@pytest.fixture(scope="module")
def config(tiny):
    return settings(tiny)


def settings(tiny, frozen=False, **training):
    return Config.from_dict(
        {"encoder": {"encoder": str(tiny), "max_length": 32, "frozen": frozen}, "training": {**FAST, **training}}
    )


def compare(config, out=None, models=("flat", "chained:feed=true"), seeds=2, data=None, columns=None, **more):
    return textaxa.compare(
        data or rows(), columns or COLUMNS, models=models, seeds=seeds, config=config, out=out, **more
    )


@pytest.fixture(scope="module")
def whole(config, tmp_path_factory):
    """A comparison that is finished. Tests must not change its folder."""
    out, heard = tmp_path_factory.mktemp("whole") / "c", Heard()
    return compare(config, out, listener=heard), out, heard


def metrics(frame):
    """Give what does not depend on the clock, or on where the models are."""
    kept = frame.drop(columns=["train_seconds", "texts_per_second", "folder"])
    return kept.sort_index().astype(object).fillna("none").to_dict()


def test_the_frame_has_a_row_a_model_the_best_first(whole):
    frame, _, heard = whole
    assert set(frame.index) == {"flat", "chained:feed=true"}
    assert frame["path_accuracy"].is_monotonic_decreasing
    assert (frame["path_accuracy"] > 0.5).all(), "a model that learns nothing is right in a quarter"
    for name in ("path_accuracy", "levels_1_accuracy", "nodes_macro_f1", "hierarchical_f1_auc", "mistake_severity"):
        assert (frame[f"{name}_low"] <= frame[name]).all()
        assert (frame[name] <= frame[f"{name}_high"]).all()
    best, other = frame.iloc[0], frame.iloc[1]
    assert best["difference"] == 0
    assert np.isnan(best["p"])
    assert other["difference"] == pytest.approx(other["path_accuracy"] - best["path_accuracy"])
    assert other["p_corrected"] == other["p"], "one comparison needs no correction"
    assert (frame[["train_seconds", "texts_per_second", "megabytes", "parameters"]] > 0).all(axis=None)
    assert frame.attrs["recommended"] in frame.index
    assert f"`{frame.attrs['recommended']}`" in frame.attrs["recommendation"]
    assert heard.of("data")[0]["test_rows"] == 20
    assert heard.runs("done") == [(name, seed) for seed in (0, 1) for name in ("flat", "chained:feed=true")]


def test_what_lies_in_the_folder(whole):
    _, out, _ = whole
    assert sorted(file.name for file in out.iterdir()) == ["lock", "models", "plan.json", "result.json", "runs"]
    assert sorted(folder.name for folder in (out / "models").iterdir()) == ["chained-feed-true", "flat"]
    assert sorted(file.name for file in (out / "runs").iterdir()) == [
        f"{name}-{seed}.{kind}" for name in ("chained-feed-true", "flat") for seed in (0, 1) for kind in ("json", "npz")
    ]
    found = json.loads((out / "result.json").read_text())
    assert [one["model"] for one in found["models"]] == list(whole[0].index)
    assert found["recommendation"]["text"] == whole[0].attrs["recommendation"]
    assert found["rows"] == {"train": 68, "valid": 8, "test": 20}


def test_the_scores_are_those_of_the_kept_models_on_rows_that_they_have_not_seen(config, whole, tmp_path):
    frame = compare(config, tmp_path / "one", seeds=1)
    material = job._material(Plan(job.replace(config, data=job._with_columns(config.data, COLUMNS))), rows(), None)
    assert not set(material.test.texts) & {*material.training.texts, *material.valid.texts}
    for name, row in frame.iterrows():
        model = load_model(row["folder"])
        proba = model.node_proba(material.test.texts)
        predicted = [tuple(one.path for one in paths) for paths in model.decode(proba)]
        alone = evaluate_paths(material.taxonomy, material.test.labels, predicted, node_proba=proba)
        for metric, value in alone.values().items():
            assert row[metric.replace(".", "_")] == pytest.approx(value), (name, metric)
        assert row["path_accuracy_low"] == pytest.approx(alone.intervals["path_accuracy"][0])
        assert row["parameters"] == sum(one.numel() for one in model.parameters())
        assert model.summary["columns"]["path"] == "path", "predict knows the columns"
    seed_0 = json.loads((whole[1] / "result.json").read_text())
    assert {one["model"]: one["per_seed"][0] for one in seed_0["models"]} == frame["path_accuracy"].to_dict()


def test_finished_runs_are_not_done_again(config, whole):
    before, out, _ = whole
    heard = Heard()
    again = compare(config, out, listener=heard)
    assert heard.of("start") == []
    assert len(heard.runs("kept")) == 4
    assert again.drop(columns="folder").equals(before.drop(columns="folder"))


def test_models_and_seeds_can_be_added(config, tmp_path):
    compare(config, tmp_path / "c", models=["flat"], seeds=1)
    heard = Heard()
    frame = compare(config, tmp_path / "c", models=["flat", "per-level"], seeds=2, listener=heard)
    assert heard.runs("kept") == [("flat", 0)]
    assert heard.runs("done") == [("per-level", 0), ("flat", 1), ("per-level", 1)]
    assert set(frame.index) == {"flat", "per-level"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"data": rows(92)}, "the rows"),
        ({"test_share": 0.3}, "the rows"),
        ({"epochs": 4}, r"training.epochs \(it was 3, now it is 4\)"),
        ({"seed": 5}, "training.seed"),
        ({"time_budget": 60}, "the time for each run"),
    ],
)
def test_another_comparison_in_the_same_folder_is_refused(tiny, whole, change, told):
    _, out, _ = whole
    training = {name: change.pop(name) for name in ("epochs", "seed") if name in change}
    with pytest.raises(ConfigError, match=f"was another one: .*{told}.*--overwrite"):
        compare(settings(tiny, **training), out, **change)


def test_overwriting_starts_anew(tiny, config, tmp_path):
    compare(config, tmp_path / "c", models=["flat"], seeds=1)
    heard = Heard()
    frame = compare(
        settings(tiny, epochs=1), tmp_path / "c", models=["per-level"], seeds=1, overwrite=True, listener=heard
    )
    assert list(frame.index) == ["per-level"]
    assert [folder.name for folder in (tmp_path / "c" / "models").iterdir()] == ["per-level"]


def test_a_folder_of_something_else_is_left_alone(config, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(ConfigError, match="not a comparison, so it is left alone"):
            compare(config, tmp_path, overwrite=overwrite)
    with pytest.raises(ConfigError, match="is a file, but a comparison is a folder"):
        compare(config, tmp_path / "mine.txt")
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("frozen", [False, True])
def test_an_interrupted_comparison_goes_on_to_the_same_result(tiny, tmp_path, frozen):
    config = settings(tiny, frozen=frozen)
    whole = compare(config, tmp_path / "whole")

    def press(event):
        if event["event"] == "step" and (event["model"], event["seed"], event["step"]) == ("chained:feed=true", 0, 17):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted, match=r"1 of 4 runs are finished.*textaxa compare --resume --out .*cut"):
        compare(config, tmp_path / "cut", listener=press)
    heard = Heard()
    cut = compare(config, tmp_path / "cut", listener=heard)
    assert heard.runs("kept") == [("flat", 0)]
    assert heard.of("start")[0]["step"] >= 17, "it went on in the middle of the run"
    assert metrics(cut) == metrics(whole)
    assert not list((tmp_path / "cut").rglob("*.training"))


def test_a_stop_while_the_tests_are_computed_keeps_all_runs(config, tmp_path):
    def press(event):
        if event["event"] == "comparing":
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="1 of 1 runs are finished and kept"):
        compare(config, tmp_path / "c", models=["flat"], seeds=1, listener=press)
    with pytest.raises(Interrupted, match="nothing is kept"):
        compare(config, models=["flat"], seeds=1, listener=press)
    heard = Heard()
    compare(config, tmp_path / "c", models=["flat"], seeds=1, listener=heard)
    assert heard.runs("kept") == [("flat", 0)]


def test_damaged_files_of_a_run_mean_that_it_is_done_again(config, tmp_path):
    before = compare(config, tmp_path / "c", models=["flat", "per-level"], seeds=1)
    (tmp_path / "c" / "runs" / "flat-0.npz").write_bytes(b"half")
    (tmp_path / "c" / "runs" / "per-level-0.json").write_text("{")
    heard = Heard()
    after = compare(config, tmp_path / "c", models=["flat", "per-level"], seeds=1, listener=heard)
    assert len(heard.runs("done")) == 2
    assert metrics(after) == metrics(before)


def test_a_damaged_plan_is_refused(config, tmp_path):
    (tmp_path / "plan.json").write_text("{}")
    with pytest.raises(ConfigError, match="is damaged, or of something else"):
        compare(config, tmp_path)


def test_texts_are_encoded_once_for_all_frozen_runs(tiny, tmp_path, monkeypatch):
    encoded, encode = [], TransformerEncoder.encode

    def counted(self, texts):
        encoded.append(len(texts))
        return encode(self, texts)

    monkeypatch.setattr(TransformerEncoder, "encode", counted)
    frame = compare(settings(tiny, frozen=True), tmp_path / "c", models=["flat", "per-level"])
    # What is timed is encoded for that alone, in small numbers.
    assert sorted(number for number in encoded if number > 8) == [20, 68]
    assert not (tmp_path / "c" / "vectors").exists()
    assert (frame["train_seconds"] > 0).all()


def test_linear_models_without_and_with_text_vectors(tiny, config, tmp_path):
    frame = compare(
        settings(tiny, frozen=True), tmp_path / "c", models=["linear", "linear:vectors=true", "flat"], seeds=1
    )
    assert set(frame.index) == {"linear", "linear:vectors=true", "flat"}
    assert frame.loc["linear", "path_accuracy"] > 0.5
    numbers = frame["parameters"]
    assert numbers["linear"] < numbers["flat"] < numbers["linear:vectors=true"], "two of them have an encoder"
    assert not frame.attrs["failed"]


def test_a_model_that_fails_does_not_take_the_others_along(config, tmp_path):
    heard = Heard()
    frame = compare(config, tmp_path / "c", models=["flat", "per-level:level_weights=[1,2,3]"], listener=heard)
    assert list(frame.index) == ["flat"]
    assert "level_weights has 3 numbers" in frame.attrs["failed"]["per-level:level_weights=[1,2,3]"]
    assert len(heard.runs("failed")) == 1, "it is not tried again with the next seed"
    with pytest.raises(ConfigError, match=r"No model could be trained.*level_weights has 3"):
        compare(config, models=["per-level:level_weights=[1,2,3]"])


def test_a_time_budget_is_shared_evenly(tiny, tmp_path):
    heard = Heard()
    frame = compare(
        settings(tiny, epochs=100_000), tmp_path / "c", models=["flat", "per-level"], time_budget=4.0, listener=heard
    )
    assert (frame["stopped_by_time"] == 2).all()
    assert [event["stopped_by_time"] for event in heard.of("run") if event["status"] == "done"] == [True] * 4
    assert frame["train_seconds"].between(0.9, 3).all(), "a second for each of four runs"
    assert "The time budget ended" in frame.attrs["recommendation"]
    assert json.loads((tmp_path / "c" / "models" / "flat" / "config.json").read_text())["training"]["time_budget"] == 1


def test_several_paths_a_row(config):
    data = [row | {"path": [row["path"], "Other"] if i % 3 else [row["path"]]} for i, row in enumerate(rows())]
    frame = compare(config, models=["per-level"], seeds=1, data=data, columns={"paths": ("path",)})
    assert frame.loc["per-level", "hierarchical_f1"] > 0.5
    assert "hierarchical F1" in frame.attrs["recommendation"]
    assert "folder" not in frame.columns, "a temporary folder is gone"


def test_tables_in_files_and_a_taxonomy(config, tmp_path):
    for name, part in (("train", rows()[:72]), ("valid", rows()[72:80]), ("test", [*rows()[80:], NEW])):
        lines = [f"{row['text']},{row['path']}" for row in part]
        (tmp_path / f"{name}.csv").write_text("\n".join(["text,path", *lines]) + "\n")
    data = {"path": "path", "valid": str(tmp_path / "valid.csv")}
    own = job.replace(config, data=job._with_columns(config.data, data))
    heard = Heard()
    frame = textaxa.compare(
        tmp_path / "train.csv", models=["flat"], seeds=1, config=own, test=tmp_path / "test.csv", listener=heard
    )
    (told,) = heard.of("data")
    assert (told["rows"], told["valid_rows"], told["test_rows"]) == (72, 8, 17)
    assert 0.5 < frame.loc["flat", "path_accuracy"] <= 16 / 17, "a label that no training row has cannot be found"


NEW = {"text": "a text about something new", "path": "New"}


def test_a_model_that_learns_nothing_is_not_recommended(tiny):
    frame = compare(settings(tiny, head_rate=0.0, encoder_rate=0.0, epochs=1), models=["flat"], seeds=1)
    assert frame.attrs["recommended"] is None
    assert "No model is recommended" in frame.attrs["recommendation"]


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        ({"seeds": 0}, ConfigError, "seeds = 0"),
        ({"test_share": 0.0}, ConfigError, "test_share = 0.0"),
        ({"time_budget": 0}, ConfigError, "time_budget = 0"),
        ({"columns": {"text": "text"}}, ConfigError, "No label columns"),
        ({"models": ["flatt"]}, ConfigError, "Did you mean 'flat'"),
        (
            {"data": [{"text": f"text {i}", "path": f"A > {i}"} for i in range(9)]},
            DataError,
            "No test rows can be held",
        ),
        ({"data": [{"text": "a", "path": "A"}, {"text": "b", "path": "A"}]}, DataError, "nothing to tell apart"),
    ],
)
def test_mistakes_are_told_before_anything_is_trained(config, change, error, told):
    heard = Heard()
    with pytest.raises(error, match=told):
        compare(config, listener=heard, **change)
    assert heard.of("run") == []


def test_no_table(config):
    with pytest.raises(ConfigError, match="No table is named"):
        textaxa.compare(config=config)


def test_without_pandas_it_is_told_before_hours_of_training(config, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match="pip install pandas"):
        compare(config, listener=lambda event: pytest.fail("too late"))
