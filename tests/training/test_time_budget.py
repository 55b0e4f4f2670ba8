"""A time budget: training ends in time, keeps the best so far, and is counted over interruptions."""

import json
import time

import pytest
from tiny_encoder import make_tiny_encoder
from training.apps import rows

from textaxa.settings import EncoderSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy
from textaxa.training import train_model
from textaxa.training._run import last_checkpoint

TEXTS, LABELS = rows()
TAXONOMY = Taxonomy.from_paths([paths[0] for paths in LABELS], sort=True)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(make_tiny_encoder(tmp_path_factory.mktemp("tiny")))


def train(tiny, *, frozen=False, valid=True, listener=None, checkpoint_dir=None, resume=False, vectors=None, **recipe):
    recipe = {"epochs": 500, "batch_size": 8, "precision": "fp32", "patience": 0, **recipe}
    return train_model(
        TEXTS,
        LABELS,
        TAXONOMY,
        encoder=EncoderSettings(encoder=tiny, max_length=32, frozen=frozen),
        training=TrainingSettings(**recipe),
        valid=(TEXTS[:24], LABELS[:24]) if valid else None,
        listener=listener,
        checkpoint_dir=checkpoint_dir,
        resume=resume,
        vectors=vectors,
    )


class Heard(list):
    def __call__(self, event):
        self.append(event)

    def of(self, name):
        return [event for event in self if event["event"] == name]


@pytest.mark.parametrize("frozen", [False, True])
def test_training_ends_in_time_and_keeps_the_best_so_far(tiny, frozen):
    heard, began = Heard(), time.monotonic()
    model = train(tiny, frozen=frozen, time_budget=1.5, listener=heard, calibration="none")
    assert 1.0 < time.monotonic() - began < 15
    assert model.summary["stopped"] == "time budget"
    assert heard.of("end")[0]["step"] < heard.of("start")[0]["steps"]
    scores = [event["hierarchical_f1"] for event in heard.of("validation")]
    assert model.summary["best"]["hierarchical_f1"] == pytest.approx(max(scores))


def test_a_budget_below_one_epoch_still_gives_a_validated_model(tiny):
    heard = Heard()
    model = train(tiny, time_budget=0, listener=heard)
    assert heard.of("end")[0]["step"] == 1
    (validation,) = heard.of("validation")
    assert 0 < validation["epoch"] < 1
    assert model.summary["best"]["epoch"] == validation["epoch"]


def test_without_validation_the_last_state_is_kept(tiny):
    model = train(tiny, time_budget=0, valid=False)
    assert model.summary["stopped"] == "time budget"
    assert model.summary["best"] == {}


def test_a_run_that_ends_by_itself_is_not_called_stopped(tiny):
    assert "stopped" not in train(tiny, epochs=1, time_budget=600).summary
    assert "stopped" not in train(tiny, epochs=1).summary


def test_time_spent_before_an_interruption_counts(tiny, tmp_path):
    def interrupt(event):
        if event["event"] == "validation" and event["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tiny, time_budget=600, checkpoint_dir=tmp_path, listener=interrupt)
    kept = last_checkpoint(tmp_path) / "trainer_state.json"
    state = json.loads(kept.read_text())
    spent = state["stateful_callbacks"]["TimeBudget"]["attributes"]
    assert 0 < spent["spent_before"] < 60
    spent["spent_before"] = 599.9  # as if it had been slow
    kept.write_text(json.dumps(state))
    heard = Heard()
    model = train(tiny, time_budget=600, checkpoint_dir=tmp_path, resume=True, listener=heard)
    assert model.summary["stopped"] == "time budget"
    assert heard.of("start")[0]["step"] < heard.of("end")[0]["step"] < 12 * 60, "a little was left, not ten minutes"


@pytest.mark.parametrize("valid", [True, False])
def test_a_run_whose_time_was_over_is_not_trained_further(tiny, tmp_path, valid):
    first = train(tiny, time_budget=0, checkpoint_dir=tmp_path, valid=valid)
    heard = Heard()
    again = train(tiny, time_budget=0, checkpoint_dir=tmp_path, resume=True, listener=heard, valid=valid)
    assert heard.of("start") == []
    assert again.summary["stopped"] == "time budget"
    assert (first.node_proba(TEXTS[:4]) == again.node_proba(TEXTS[:4])).all()


def test_shared_vectors_are_asked_for_instead_of_computed(tiny):
    asked = []

    def vectors(encoder, texts):
        asked.append(len(texts))
        return encoder.encode(texts)

    shared = train(tiny, frozen=True, epochs=2, vectors=vectors)
    alone = train(tiny, frozen=True, epochs=2)
    assert asked == [96, 24, 24], "training rows; validation rows while training, and to calibrate after it"
    assert (shared.node_proba(TEXTS[:4]) == alone.node_proba(TEXTS[:4])).all()
    asked.clear()
    train(tiny, epochs=1, vectors=vectors)
    assert asked == [], "an encoder that learns has other vectors at every step"
