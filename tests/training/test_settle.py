"""What comes after training: calibration, thresholds, evidence; and that rows which prove chose nothing."""

import json

import numpy as np
import pytest

from textaxa import ConfigError, DataError, HierarchicalTextClassifier, ModelFileError, load_model, save_model
from textaxa.decisions import Choice, Decider, evidence_of
from textaxa.guarantee import collect_evidence
from textaxa.persistence._files import fingerprints
from textaxa.settings import TrainingSettings
from textaxa.taxonomy import Taxonomy
from textaxa.training import parted, train_model

NAMES = {"red": ("A", "x"), "green": ("A", "y"), "blue": ("B",), "grey": ("C", "z")}
TAXONOMY = Taxonomy.from_paths(NAMES.values())


def rows(n, seed, noise=0.15):
    """Draw texts of two words, of which the first mostly tells the label."""
    rng = np.random.default_rng(seed)
    words = list(NAMES)
    told = rng.integers(0, 4, n)
    true = np.where(rng.random(n) < noise, rng.integers(0, 4, n), told)
    return [f"{words[i]} {rng.integers(50)}" for i in told], [(NAMES[words[i]],) for i in true]


def train(head="linear", valid=None, **training):
    settings = {"epochs": 2, "device": "cpu", **training}
    return train_model(*rows(300, 0), TAXONOMY, head=head, training=TrainingSettings(**settings), valid=valid)


@pytest.fixture(scope="module")
def model():
    return train(valid=rows(400, 1))


def test_rows_that_prove_are_others_than_those_that_choose():
    texts, labels = [f"text {i}" for i in range(100)], [(("A", "x"),)] * 100
    found = parted((texts, labels), 0.4, seed=3)
    assert len(found.proving[0]) == 40
    assert not set(found.choosing[0]) & set(found.proving[0])
    assert sorted(found.choosing[0] + found.proving[0]) == sorted(texts)
    assert parted((texts, labels), 0.4, seed=3) == found
    assert parted((texts, labels), 0.4, seed=4) != found


@pytest.mark.parametrize("share", [0, 0.05])
def test_with_too_few_to_prove_all_choose(share):
    valid = rows(100, 0)
    found = parted(valid, share, seed=0)
    assert found.choosing is valid
    assert found.proving is None


def test_the_model_is_calibrated_and_keeps_evidence(model):
    texts, labels = rows(400, 1)
    held_out = parted((texts, labels), 0.5, seed=0)
    nodes = [[TAXONOMY.index(path) for path in paths] for paths in (*held_out.choosing[1], *held_out.proving[1])]
    proba = model.node_proba([*held_out.choosing[0], *held_out.proving[0]])
    expected = collect_evidence(TAXONOMY, nodes, proba, task="single", tuning=np.arange(400) < 200)
    for name in ("tuning", "node", "right", "start"):
        np.testing.assert_array_equal(getattr(model.evidence, name), getattr(expected, name))
    np.testing.assert_allclose(model.evidence.proba, expected.proba, atol=1e-6)
    raw = np.array(proba)
    model.calibration, kept = None, model.calibration
    uncalibrated = model.node_proba(held_out.proving[0])
    model.calibration = kept
    np.testing.assert_allclose(kept(uncalibrated), raw[200:], atol=1e-6)


def test_proving_rows_choose_nothing():
    """Other labels on the proving rows change the evidence, and nothing else of the model."""
    texts, labels = rows(200, 2)
    texts = [f"{text} row{i}" for i, text in enumerate(texts)]
    proving = set(parted((texts, labels), 0.5, seed=0).proving[0])
    wrong = [(("B",),) if text in proving else paths for text, paths in zip(texts, labels, strict=True)]
    one, other = (train(valid=(texts, given)) for given in (labels, wrong))
    probe = rows(50, 3)[0]
    np.testing.assert_array_equal(one.node_proba(probe), other.node_proba(probe))
    assert one.evidence.right.mean() > other.evidence.right.mean() + 0.1


def test_calibration_can_be_left_out_or_named():
    assert train(valid=rows(100, 1), calibration="none").calibration.method == "none"
    assert train(valid=rows(100, 1), calibration="temperature").calibration.method == "temperature"
    with pytest.raises(ConfigError, match="calibration"):
        TrainingSettings(calibration="platt")


def test_without_validation_rows_there_is_nothing_to_promise_with():
    model = train()
    assert model.calibration is None
    with pytest.raises(ConfigError, match="textaxa calibrate"):
        Decider(model, Choice(accuracy=0.9))


def test_everything_comes_back_from_the_folder(model, tmp_path):
    folder = save_model(model, tmp_path / "m")
    again, probe = load_model(folder), rows(60, 4)[0]
    np.testing.assert_array_equal(again.node_proba(probe), model.node_proba(probe))
    for choice in (Choice(accuracy=0.7), Choice(accuracy=0.7, scope="level"), Choice(decoder="hf-beta"), Choice(top=2)):
        assert Decider(again, choice)(again.node_proba(probe)) == Decider(model, choice)(model.node_proba(probe))
    classifier = HierarchicalTextClassifier.load(folder)
    assert classifier.predict(probe, accuracy=0.7) == [
        row[0].path for row in Decider(model, Choice(accuracy=0.7))(model.node_proba(probe))
    ]
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert f"calibration: {model.calibration.method}, on 200 rows" in card
    assert "95% accuracy with 95% confidence: can" in card


@pytest.mark.parametrize("file", ["calibration.json", "held_out.json"])
@pytest.mark.parametrize("content", ["", "[]", "{}", "[" * 100_000, '{"task": "multi"}', "null"])
def test_files_that_do_not_fit_are_refused(model, tmp_path, file, content):
    folder = save_model(model, tmp_path / "m")
    (folder / file).write_text(content)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").unlink()
    (folder / "README.md").unlink()
    (folder / "config.json").write_text(json.dumps({**config, "files": fingerprints(folder)}))
    with pytest.raises(ModelFileError, match=file):
        load_model(folder)


def test_the_evidence_of_another_task_is_refused(model, tmp_path):
    folder = save_model(model, tmp_path / "m")
    stored = json.loads((folder / "held_out.json").read_text())
    (folder / "held_out.json").write_text(json.dumps({**stored, "task": "multi"}))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").unlink()
    (folder / "README.md").unlink()
    (folder / "config.json").write_text(json.dumps({**config, "files": fingerprints(folder)}))
    with pytest.raises(ModelFileError, match=r"held_out\.json.*multi"):
        load_model(folder)


def test_the_promise_is_kept_on_new_texts(model):
    texts, labels = rows(4000, 5)
    found = Decider(model, Choice(accuracy=0.8))(model.node_proba(texts))
    answered = [(row[0], paths[0]) for row, paths in zip(found, labels, strict=True) if row[0].path]
    right = np.mean([path[: one.depth] == one.path for one, path in answered])
    assert len(answered) > 2000
    assert right >= 0.8
    with pytest.raises(DataError, match="cannot be promised"):
        Decider(model, Choice(accuracy=0.995))


def test_texts_that_belong_nowhere(model):
    probe = ["red 1", "xyzzy plugh"]
    found = Decider(model, Choice(outside=0.05))(model.node_proba(probe))
    assert [row[0].stopped for row in found] == ["leaf", "outside the taxonomy"]
    assert found[1][0].path == ()
    both = Decider(model, Choice(outside=0.05, accuracy=0.7))(model.node_proba(probe))
    assert both[1][0].stopped == "outside the taxonomy"


def test_sets_hold_the_truth(model):
    texts, labels = rows(1000, 6)
    classifier = HierarchicalTextClassifier()
    classifier._take(model)
    found = classifier.predict_sets(texts, coverage=0.9)
    held = np.mean([any(paths[0][: len(one)] == one for one in row) for row, paths in zip(found, labels, strict=True)])
    assert held >= 0.87
    assert np.mean([len(row) for row in found]) < 4


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (Choice(accuracy=0.9, top=2), "Leave one of them out"),
        (Choice(accuracy=0.9, decoder="greedy"), "Leave one of them out"),
        (Choice(beta=2), "hf-beta"),
        (Choice(costs=np.ones((6, 4))), "min-risk"),
        (Choice(decoder="hf-betta"), "hf-beta"),
        (Choice(top=0), "at least 1"),
        (Choice(outside=2.0), "between 0 and 1"),
    ],
)
def test_choices_that_contradict_themselves(model, choice, told):
    with pytest.raises(ConfigError, match=told):
        Decider(model, choice)(model.node_proba(["red 1"]))


def test_evidence_is_asked_for_by_name(model):
    assert evidence_of(model) is model.evidence
