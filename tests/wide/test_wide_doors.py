"""The head `wide` through every door: train, predict, evaluate, calibrate, export, resume; and what it refuses."""

import csv
import json

import numpy as np
import pytest
from tiny_encoder import make_tiny_encoder
from training.apps import rows as app_rows
from typer.testing import CliRunner
from wide.model_cases import TAXONOMY, WIDTH, WordVectors, rows

from textaxa import HierarchicalTextClassifier, compare, load_model, predict
from textaxa.cli import app
from textaxa.config import Config
from textaxa.decisions import Choice
from textaxa.errors import ConfigError
from textaxa.jobs._interrupted import has_checkpoint
from textaxa.settings import TrainingSettings
from textaxa.training import train_model
from textaxa.wide import WideSettings
from textaxa.wide import _fit as fit_module
from textaxa.wide import _vectors as vectors_module
from textaxa.wide._vectors import training_vectors

TRAIN, VALID = rows(300), rows(120, seed=5)


def run(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    file = tmp_path_factory.mktemp("wide-table") / "apps.csv"
    with file.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "path"])
        writer.writerows([text, " > ".join(paths[0])] for text, paths in zip(*app_rows(200), strict=True))
    return file


@pytest.fixture(scope="module")
def folder(table, tmp_path_factory):
    place = tmp_path_factory.mktemp("wide-model")
    encoder = make_tiny_encoder(place / "encoder")
    done = run(
        *("train", table, "--text", "text", "--path", "path", "--head", "wide", "--encoder", encoder),
        *("--max-length", 32, "--set", "training.valid_share=0.4", "--out", place / "model", "--no-references"),
    )
    assert done.exit_code == 0, done.output
    return place / "model"


def test_a_trained_folder_predicts_scores_and_tells_of_itself(folder, table, tmp_path):
    assert run("predict", folder, table, "-o", tmp_path / "out.csv", "--top", 2).exit_code == 0
    with (tmp_path / "out.csv").open(encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert np.mean([row["path"] == row["input_path"] for row in found]) > 0.9
    assert all(float(row["probability_2"]) <= 1 for row in found)
    scored = json.loads(run("evaluate", folder, table, "--json").stdout)
    assert scored["model"]["path_accuracy"] > 0.9 if "model" in scored else scored["path_accuracy"] > 0.9
    told = run("info", folder)
    assert "wide head" in told.stdout
    assert "calibration" in (folder / "README.md").read_text(encoding="utf-8")


def test_without_pytorch_it_answers_the_same(folder, table, tmp_path):
    model = load_model(folder)
    assert run("export", folder).exit_code == 0
    light = load_model(folder, runtime="onnx")
    texts = app_rows(40)[0]
    for one, two in zip(light.predict(texts), model.predict(texts), strict=True):
        assert one[0].path == two[0].path
        assert one[0].probability == pytest.approx(two[0].probability, abs=1e-4)
    assert light.computed_by == "ONNX Runtime (fp32)"
    assert light.work.tokens > 0
    done = predict(folder, table, tmp_path / "out.csv", choice=Choice(accuracy=0.8), runtime="onnx")
    assert done.promise is not None
    with pytest.raises(ConfigError, match="without PyTorch"):
        light.write(tmp_path)


def test_labelled_rows_that_come_later_calibrate_it(folder, table, tmp_path):
    done = run("calibrate", folder, table, "--out", tmp_path / "again")
    assert done.exit_code == 0, done.output
    again = load_model(tmp_path / "again")
    assert len(again.evidence) == 200
    assert again.calibration.rows == 60


@pytest.mark.parametrize(
    "command",
    [
        ("explain", "MODEL", "football club"),
        ("predict", "MODEL", "TABLE", "-o", "OUT", "--decoder", "hf-beta"),
        ("predict", "MODEL", "TABLE", "-o", "OUT", "--set-coverage", "0.9"),
        ("evaluate", "MODEL", "TABLE", "--html", "OUT.html"),
        ("audit", "TABLE", "--model", "MODEL"),
        ("audit", "TABLE", "--text", "text", "--path", "path", "--head", "wide"),
        ("select", "TABLE", "--model", "MODEL", "-n", "3", "-o", "OUT"),
    ],
)
def test_what_needs_the_probability_of_every_node_is_refused(command, folder, table, tmp_path):
    names = {"MODEL": folder, "TABLE": table, "OUT": tmp_path / "out.csv", "OUT.html": tmp_path / "out.html"}
    done = run(*(names.get(word, word) for word in command))
    assert done.exit_code == 2, done.output
    assert "every node" in " ".join(done.output.split())


def test_several_paths_a_text_are_refused():
    with pytest.raises(ConfigError, match="gives one path a text"):
        train_model(*rows(10), TAXONOMY, task="multi", head="wide")


def test_a_calibration_that_needs_every_node_is_refused(monkeypatch):
    with pytest.raises(ConfigError, match="venn-abers needs"):
        trained_by_words(monkeypatch, TrainingSettings(calibration="venn-abers"), valid=VALID)


def trained_by_words(monkeypatch, training=None, *, valid=None, own=None, **how):
    """Train with the stand-in for the encoder."""
    encoder = how.pop("encoder", WordVectors())
    monkeypatch.setattr("textaxa.encoders.load_encoder", lambda settings: encoder)
    texts = how.pop("texts", TRAIN)
    return train_model(
        *texts, TAXONOMY, head="wide", head_settings=own or WideSettings(), training=training, valid=valid, **how
    )


class TestManyTexts:
    """Vectors in a file, with a bound so low that the small table has many."""

    @pytest.fixture(autouse=True)
    def small(self, monkeypatch):
        monkeypatch.setattr(vectors_module, "BLOCK", 50)
        monkeypatch.setattr(vectors_module, "_SCALE_TEXTS", 300)
        monkeypatch.setattr(training_vectors, "__kwdefaults__", {**training_vectors.__kwdefaults__, "in_memory": 1000})

    def test_a_file_of_vectors_gives_the_same_model(self, monkeypatch, tmp_path):
        told = []
        stored = trained_by_words(monkeypatch, valid=VALID, checkpoint_dir=tmp_path, listener=told.append)
        assert (tmp_path / "vectors.npy").stat().st_size > 300 * WIDTH * 2
        assert [one["rows"] for one in told if one["event"] == "encoded"] == [50, 100, 150, 200, 250, 300]
        monkeypatch.setattr(training_vectors, "__kwdefaults__", {**training_vectors.__kwdefaults__, "in_memory": 10**9})
        memory = trained_by_words(monkeypatch, valid=VALID, checkpoint_dir=tmp_path)
        found, wanted = (one.predict(VALID[0]) for one in (stored, memory))
        agree = np.mean([a[0].path == b[0].path for a, b in zip(found, wanted, strict=True)])
        assert agree > 0.97

    def test_a_stopped_run_goes_on_where_it_was(self, monkeypatch, tmp_path):
        class Stopped(WordVectors):
            def encode(self, texts):
                if self.asked >= 300 + 150:
                    raise KeyboardInterrupt
                return super().encode(texts)

        with pytest.raises(KeyboardInterrupt):
            trained_by_words(monkeypatch, encoder=Stopped(), checkpoint_dir=tmp_path)
        assert has_checkpoint(tmp_path)
        again = WordVectors()
        resumed = trained_by_words(monkeypatch, encoder=again, checkpoint_dir=tmp_path, resume=True)
        assert again.asked == 300 + 150  # the scale, and what was left
        whole = trained_by_words(monkeypatch, checkpoint_dir=tmp_path / "other")
        np.testing.assert_array_equal(resumed.head.rows.values, whole.head.rows.values)

    def test_vectors_of_another_run_are_refused(self, monkeypatch, tmp_path):
        trained_by_words(monkeypatch, checkpoint_dir=tmp_path)
        with pytest.raises(ConfigError, match="other texts or another encoder"):
            trained_by_words(monkeypatch, checkpoint_dir=tmp_path, resume=True, texts=rows(300, seed=9))
        (tmp_path / "vectors.json").write_text("{", encoding="utf-8")
        again = WordVectors()
        trained_by_words(monkeypatch, encoder=again, checkpoint_dir=tmp_path, resume=True)
        assert again.asked == 600


def test_a_time_budget_ends_training_and_is_told(monkeypatch):
    clock = iter(range(10**9))
    monkeypatch.setattr(fit_module.time, "monotonic", lambda: float(next(clock)))
    model = trained_by_words(monkeypatch, TrainingSettings(time_budget=100.0, epochs=500), valid=VALID)
    assert model.summary["stopped"] == "time budget"
    assert model.summary["best"]["epoch"] < 500
    untold = trained_by_words(monkeypatch, TrainingSettings(epochs=2), valid=VALID)
    assert "stopped" not in untold.summary


def test_rows_are_stored_as_asked_and_the_summary_is_plain(monkeypatch):
    model = trained_by_words(monkeypatch, TrainingSettings(epochs=3), valid=VALID, own=WideSettings(rows="int8"))
    assert model.head.rows.values.dtype == np.int8
    assert json.loads(json.dumps(model.summary)) == model.summary
    assert model.summary["best"]["path_accuracy"] > 0.6
    assert sum(model.summary["counts"]) == 300
    assert model.settings.encoder.frozen


def test_nodes_without_a_training_row_are_found_by_their_names(monkeypatch):
    hidden = {TAXONOMY.index(("group 1", "kind 11", f"item 11{k}")) for k in (0, 2)}
    seen = rows(400, skip=hidden)
    texts, labels = rows(400, seed=3)
    at = [i for i, label in enumerate(labels) if TAXONOMY.index(label[0]) in hidden]
    shares = {}
    for init in ("random", "label-names"):
        for valid in (None, rows(300, seed=8, skip=hidden)):
            model = trained_by_words(monkeypatch, texts=seen, own=WideSettings(init=init), valid=valid)
            found = model.predict([texts[i] for i in at])
            right = np.mean([row[0].path == labels[i][0] for i, row in zip(at, found, strict=True)])
            shares[init, valid is not None] = right
    assert shares["random", False] == shares["random", True] == 0
    assert shares["label-names", False] > 0.05
    assert shares["label-names", True] > shares["label-names", False] + 0.1


def test_it_can_be_compared_with_other_heads(table, folder, tmp_path):
    config = Config.from_dict({"encoder": {"encoder": str(folder / "encoder"), "max_length": 32}})
    found = compare(table, {"path": "path"}, models=["wide"], seeds=1, config=config, out=tmp_path / "compare")
    assert len(found) == 1
    assert (tmp_path / "compare" / "models").is_dir()


def test_the_estimator_predicts_with_it(folder):
    classifier = HierarchicalTextClassifier.load(folder)
    texts, labels = app_rows(30)
    right = [path == label[0] for path, label in zip(classifier.predict(texts), labels, strict=True)]
    assert np.mean(right) > 0.9
    assert len(classifier.predict_paths(texts[:2], top=2)[0]) == 2
    assert classifier.predict_proba(texts[:2]).shape == (2, len(load_model(folder).taxonomy))
