"""Thresholds of several-paths models: chosen after training, used in every answer, kept in the model folder."""

import json
import shutil

import numpy as np
import pytest
from tiny_encoder import make_tiny_encoder
from training.apps import rows

from textaxa import HierarchicalTextClassifier
from textaxa.decoding import choose_thresholds, decode_multi
from textaxa.errors import ConfigError, ModelFileError
from textaxa.evaluation import hierarchical_f1
from textaxa.heads.binary import BinarySettings
from textaxa.persistence import load_model, save_model
from textaxa.persistence._files import fingerprints
from textaxa.settings import EncoderSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy
from textaxa.training import train_model

TEXTS, ONE = rows(72)
LABELS = [(*ONE[i], *ONE[(i + 1) % 72]) if i % 2 else ONE[i] for i in range(72)]
TAXONOMY = Taxonomy.from_paths([path for paths in LABELS for path in paths], sort=True)
VALID = (TEXTS[:48], LABELS[:48])
TRUE = [[TAXONOMY.index(path) for path in paths] for paths in VALID[1]]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(make_tiny_encoder(tmp_path_factory.mktemp("tiny")))


def train(tiny, *, head="binary", task="multi", valid=VALID, labels=LABELS, head_settings=None, **recipe):
    recipe = {"epochs": 3, "batch_size": 16, "precision": "fp32", "device": "cpu", **recipe}
    return train_model(
        TEXTS,
        labels,
        TAXONOMY,
        task=task,
        head=head,
        head_settings=head_settings,
        encoder=EncoderSettings(encoder=tiny, max_length=32, frozen=True),
        training=TrainingSettings(**{"calibration": "none", "promise_share": 0} | recipe),
        valid=valid,
    )


@pytest.fixture(scope="module")
def chosen(tiny):
    """By kind, a model that chose its thresholds; all have the same weights."""
    return {kind: train(tiny, threshold=kind) for kind in ("global", "level", "node")}


@pytest.mark.parametrize("kind", ["global", "level", "node"])
def test_they_are_chosen_on_the_validation_rows_and_used(chosen, kind):
    model = chosen[kind]
    proba = model.node_proba(VALID[0])
    np.testing.assert_array_equal(model.thresholds, choose_thresholds(TAXONOMY, TRUE, proba, kind))
    assert model.decode(proba) == decode_multi(TAXONOMY, proba, model.thresholds)
    assert model.predict(VALID[0]) == model.decode(proba)
    assert model.decode(proba) != decode_multi(TAXONOMY, proba)  # else this would show nothing
    found = [[p.node for p in row] for row in model.decode(proba)]
    assert model.summary["best"]["hierarchical_f1"] == pytest.approx(hierarchical_f1(TAXONOMY, TRUE, found))


def test_one_a_level_is_the_default(tiny):
    assert TrainingSettings().threshold == "level"
    assert HierarchicalTextClassifier().threshold == "level"
    thresholds = train(tiny).thresholds
    assert [len(set(thresholds[TAXONOMY.level_slice(level)].tolist())) for level in (1, 2)] == [1, 1]


@pytest.mark.parametrize("head", ["per-level", "linear"])
def test_every_head_has_them(tiny, head, tmp_path):
    model = train(tiny, head=head, threshold="node")
    proba = model.node_proba(VALID[0])
    np.testing.assert_array_equal(model.thresholds, choose_thresholds(TAXONOMY, TRUE, proba, "node"))
    assert model.predict(VALID[0]) == decode_multi(TAXONOMY, proba, model.thresholds)
    save_model(model, tmp_path / "m")
    np.testing.assert_array_equal(load_model(tmp_path / "m").thresholds, model.thresholds)


def test_a_number_is_the_same_for_all_nodes_and_a_half_needs_no_file(tiny, tmp_path):
    model = train(tiny, threshold=0.3, valid=None)
    np.testing.assert_array_equal(model.thresholds, np.full(len(TAXONOMY), 0.3))
    plain = train(tiny, threshold=0.5)
    assert plain.thresholds is None
    save_model(plain, tmp_path / "m")
    assert not (tmp_path / "m" / "thresholds.json").exists()
    assert load_model(tmp_path / "m").thresholds is None


@pytest.mark.parametrize("head", ["binary", "linear"])
def test_without_validation_rows_it_is_a_half(tiny, head):
    assert train(tiny, head=head, valid=None).thresholds is None


@pytest.mark.parametrize("head", ["binary", "linear"])
def test_a_single_path_model_has_none(tiny, head):
    assert train(tiny, head=head, task="single", labels=ONE, valid=(TEXTS[:48], ONE[:48])).thresholds is None


def test_a_loss_that_shifts_probabilities_is_set_right(tiny):
    settings = BinarySettings(loss="asymmetric", class_weights="balanced")
    tuned = train(tiny, head_settings=settings, threshold="level", epochs=10)
    plain = train(tiny, head_settings=settings, threshold=0.5, epochs=10)
    assert tuned.summary["best"]["hierarchical_f1"] > plain.summary["best"]["hierarchical_f1"] + 0.02


@pytest.mark.parametrize("wrong", ["nodes", 0.0, 1.2, float("nan")])
def test_what_is_no_threshold_is_refused(wrong):
    with pytest.raises(ConfigError, match="threshold"):
        TrainingSettings(threshold=wrong)


@pytest.fixture(scope="module")
def saved(chosen, tmp_path_factory):
    return save_model(chosen["node"], tmp_path_factory.mktemp("saved") / "model")


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "model")


def test_they_come_back_to_the_same_bits(chosen, saved):
    again = load_model(saved)
    np.testing.assert_array_equal(again.thresholds, chosen["node"].thresholds)
    assert again.settings == chosen["node"].settings
    assert again.predict(TEXTS) == chosen["node"].predict(TEXTS)
    classifier = HierarchicalTextClassifier.load(saved)
    assert classifier.threshold == "node"
    assert classifier.predict_paths(TEXTS) == chosen["node"].predict(TEXTS)


def test_the_card_tells_them(chosen, saved):
    card = (saved / "README.md").read_text(encoding="utf-8")
    top = chosen["node"].thresholds[TAXONOMY.level_slice(1)]
    assert f"a node is an answer from this probability on: level 1: {top.min():.3g} to {top.max():.3g}; level 2" in card


def test_a_changed_or_missing_file_is_refused(folder):
    file = folder / "thresholds.json"
    file.write_text(file.read_text().replace("0.", "0.1", 1))
    with pytest.raises(ModelFileError, match=r"thresholds\.json.*damaged"):
        load_model(folder)
    file.unlink()
    with pytest.raises(ModelFileError, match=r"thresholds\.json.*is missing"):
        load_model(folder)


N = len(TAXONOMY)


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[", "[" * 100_000, "[0.5]", f"[{'0.5,' * (N - 1)}0]", f"[{'0.5,' * (N - 1)}NaN]", f"[{'0.5,' * N}2]"]
    + [f"[{'0.5,' * (N - 1)}{last}]" for last in ("true", '"0.5"', "[0.5]", "1e999", "9" * 400, "null")],
)
def test_thresholds_that_do_not_fit_are_refused_even_with_the_right_sums(folder, content):
    (folder / "thresholds.json").write_text(content)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").unlink()
    (folder / "README.md").unlink()
    config["files"] = fingerprints(folder)
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelFileError, match=r"thresholds\.json"):
        load_model(folder)


def test_a_file_that_the_model_does_not_name_is_not_read(folder):
    config = json.loads((folder / "config.json").read_text())
    del config["files"]["thresholds.json"]
    (folder / "config.json").write_text(json.dumps(config))
    assert load_model(folder).thresholds is None
