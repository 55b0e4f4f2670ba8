"""The recipe: it learns, it resumes to the same bits, it leaves global state alone."""

import logging
import os
import random
import signal

import numpy as np
import pytest
import torch
from tiny_encoder import make_tiny_encoder
from training.apps import rows
from transformers.utils import logging as hf_logging

from textaxa.errors import ConfigError, DataError, ModelFileError, TextaxaError
from textaxa.heads import HEADS, needs_encoder
from textaxa.heads.chained import ChainedSettings
from textaxa.persistence import save_model
from textaxa.settings import EncoderSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy
from textaxa.training import train_model
from textaxa.training._rows import LengthGroupedOrder
from textaxa.training._run import last_checkpoint
from textaxa.training._trainer import parameter_groups

TEXTS, LABELS = rows()
VALID = (TEXTS[:24], LABELS[:24])
TAXONOMY = Taxonomy.from_paths([paths[0] for paths in LABELS], sort=True)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(make_tiny_encoder(tmp_path_factory.mktemp("tiny")))


def train(
    tiny, *, head="chained", head_settings=None, encoder=None, valid=VALID, texts=TEXTS, labels=LABELS, **options
):
    run = {key: options.pop(key) for key in ("checkpoint_dir", "resume", "listener") if key in options}
    recipe = {"epochs": 2, "batch_size": 8, "precision": "fp32", **options}
    return train_model(
        texts,
        labels,
        TAXONOMY,
        head=head,
        head_settings=head_settings,
        encoder=EncoderSettings(encoder=tiny, max_length=32, **(encoder or {})),
        training=TrainingSettings(**recipe),
        valid=valid,
        **run,
    )


def weights(model) -> dict[str, np.ndarray]:
    return {name: value.detach().cpu().numpy().copy() for name, value in model.state_dict().items()}


def assert_same(a, b) -> None:
    left, right = weights(a), weights(b)
    assert left.keys() == right.keys()
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)


def accuracy(model) -> float:
    found = model.predict(TEXTS)
    return float(np.mean([row[0].path == paths[0] for row, paths in zip(found, LABELS, strict=True)]))


@pytest.mark.parametrize("head", [head for head in HEADS if needs_encoder(head)])
@pytest.mark.parametrize("frozen", [False, True])
def test_every_head_learns_far_beyond_the_majority_class(tiny, head, frozen):
    rates = {"encoder_rate": 1e-3, "head_rate": 1e-2}
    model = train(tiny, head=head, encoder={"frozen": frozen}, epochs=60 if frozen else 12, **rates)
    assert accuracy(model) > (0.6 if head == "cascade" else 0.9)  # the majority class gets 1/6


def test_several_paths_are_learnt(tiny):
    both = [(paths[0], ("Finance",)) for paths in LABELS]
    model = train_model(
        TEXTS,
        both,
        TAXONOMY,
        task="multi",
        encoder=EncoderSettings(encoder=tiny, max_length=32),
        training=TrainingSettings(epochs=12, batch_size=8, encoder_rate=1e-3, head_rate=1e-2, precision="fp32"),
    )
    found = [{p.path for p in row} for row in model.predict(TEXTS)]
    deepest = [{path for path in set(paths) if len(path) == 2 or path == ("Finance",)} for paths in both]
    assert np.mean([true <= seen for true, seen in zip(deepest, found, strict=True)]) > 0.9


def test_the_same_seed_gives_the_same_bits_and_another_seed_others(tiny):
    first, again, other = (train(tiny, seed=seed) for seed in (5, 5, 6))
    assert_same(first, again)
    assert not np.array_equal(first.node_proba(TEXTS), other.node_proba(TEXTS))


def test_global_random_states_are_left_alone(tiny):
    before = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()
    train(tiny, epochs=1)
    assert random.getstate() == before[0]
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])
    torch.testing.assert_close(torch.get_rng_state(), before[2])


def interrupt_at(step: int):
    def listener(event):
        if event["event"] == "step" and event["step"] == step:
            os.kill(os.getpid(), signal.SIGINT)

    return listener


@pytest.mark.parametrize("step", [4, 12, 17])  # in the middle of an epoch, at its end, in the second
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"gradient_accumulation": 2},
        {"head_settings": ChainedSettings(feed="scheduled", level_weights="dwa")},
        {"encoder": {"frozen": True}},
    ],
)
def test_an_interrupted_run_resumes_to_the_same_bits(tiny, tmp_path, step, settings):
    undisturbed = train(tiny, epochs=3, **settings)
    if settings.get("gradient_accumulation"):
        step = step // 2
    with pytest.raises(KeyboardInterrupt):
        train(tiny, epochs=3, checkpoint_dir=tmp_path, listener=interrupt_at(step), **settings)
    assert last_checkpoint(tmp_path) is not None
    resumed = train(tiny, epochs=3, checkpoint_dir=tmp_path, resume=True, **settings)
    assert_same(undisturbed, resumed)
    assert undisturbed.summary["best"] == resumed.summary["best"]


class KilledError(Exception):
    """Stands for a process that dies at a chosen moment."""


def die_at(event_name: str, count: int):
    seen = []

    def listener(event):
        seen.extend([1] * (event["event"] == event_name))
        if len(seen) == count:
            raise KilledError

    return listener


@pytest.mark.parametrize("moment", [("validation", 6), ("end", 1)])  # early stopping counts; it has ended the run
def test_early_stopping_goes_on_counting_after_a_resume(tiny, tmp_path, moment):
    recipe = {"epochs": 60, "patience": 3, "encoder_rate": 1e-3, "head_rate": 1e-2}
    epochs = []
    undisturbed = train(tiny, listener=lambda e: epochs.extend([1] * (e["event"] == "validation")), **recipe)
    assert 6 < len(epochs) < 60
    with pytest.raises(KilledError):
        train(tiny, checkpoint_dir=tmp_path, listener=die_at(*moment), **recipe)
    resumed = train(tiny, checkpoint_dir=tmp_path, resume=True, **recipe)
    assert_same(undisturbed, resumed)
    assert undisturbed.summary["best"] == resumed.summary["best"]


def test_sigterm_keeps_a_checkpoint_and_reaches_who_listened_before(tiny, tmp_path):
    heard = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))

    def listener(event):
        if event.get("step") == 4:
            os.kill(os.getpid(), signal.SIGTERM)

    try:
        with pytest.raises(KeyboardInterrupt):
            train(tiny, checkpoint_dir=tmp_path, listener=listener)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [signal.SIGTERM]
    assert last_checkpoint(tmp_path) is not None


def test_ctrl_c_works_again_after_training(tiny):
    train(tiny, epochs=1)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_half_written_checkpoint_is_not_resumed(tiny, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(tiny, epochs=3, checkpoint_dir=tmp_path, listener=interrupt_at(15))
    whole = last_checkpoint(tmp_path)
    (tmp_path / "checkpoint-99").mkdir()
    (tmp_path / "checkpoint-99" / "trainer_state.json").write_text('{"half')
    assert last_checkpoint(tmp_path) == whole


def test_a_run_with_other_rows_or_settings_is_not_resumed(tiny, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(tiny, checkpoint_dir=tmp_path, listener=interrupt_at(3))
    with pytest.raises(ConfigError, match="Resume it"):
        train(tiny, checkpoint_dir=tmp_path)
    with pytest.raises(ConfigError, match="other rows, another taxonomy or other settings"):
        train(tiny, checkpoint_dir=tmp_path, resume=True, head_rate=0.5)
    with pytest.raises(ConfigError, match="other rows, another taxonomy or other settings"):
        train(tiny, checkpoint_dir=tmp_path, resume=True, texts=["changed", *TEXTS[1:]])


def test_the_best_epoch_is_kept_and_training_stops_early(tiny):
    scores = []

    def listener(event):
        if event["event"] == "validation":
            scores.append(event["hierarchical_f1"])

    model = train(tiny, epochs=40, patience=2, encoder_rate=1e-3, head_rate=1e-2, listener=listener)
    assert len(scores) < 40
    assert max(scores) == pytest.approx(model.summary["best"]["hierarchical_f1"])
    assert scores[-3] == max(scores)  # two epochs without a better one ended it


def test_the_loss_is_told_and_falls(tiny):
    steps = []
    train(tiny, epochs=8, patience=0, encoder_rate=1e-3, head_rate=1e-2, listener=steps.append)
    steps = [event for event in steps if event["event"] == "step"]
    assert steps[-1]["loss"] < 0.5 * steps[0]["loss"]
    assert steps[0]["seconds_left"] > 0
    assert steps[-1]["step"] == steps[-1]["steps"]


def test_a_diverging_loss_is_named(tiny):
    with pytest.raises(TextaxaError, match="smaller learning rates"):
        train(tiny, encoder_rate=1e30, head_rate=1e30, warmup_share=0.0, max_gradient_norm=0.0, epochs=4)


def test_a_frozen_encoder_does_not_move(tiny):
    model = train(tiny, encoder={"frozen": True}, epochs=3)
    fresh = train(tiny, encoder={"frozen": True}, epochs=1)
    for name, value in weights(model).items():
        if name.startswith("encoder."):
            np.testing.assert_array_equal(value, weights(fresh)[name])


def test_encoder_and_head_have_rates_of_their_own_and_norms_no_decay(tiny):
    model = train(tiny, epochs=1, valid=None)
    groups = parameter_groups(model, TrainingSettings(encoder_rate=1e-5, head_rate=1e-2, weight_decay=0.1))
    by_kind = {(group["lr"], group["weight_decay"]): {p.ndim for p in group["params"]} for group in groups}
    assert by_kind == {(1e-5, 0.1): {2}, (1e-5, 0.0): {1}, (1e-2, 0.1): {2}, (1e-2, 0.0): {1}}


def test_a_feature_that_was_constant_in_training_does_not_decide_alone(tiny):
    scale = train(tiny, texts=["football"] * 96, epochs=1, valid=None).scale
    assert scale.inverse_deviation.max() <= 1


def test_a_full_disk_while_a_checkpoint_is_written(tiny, tmp_path, monkeypatch):
    from safetensors import SafetensorError

    def fail(*args, **kwargs):
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("transformers.Trainer._save", fail)
    with pytest.raises(ModelFileError, match="Is the disk full"):
        train(tiny, checkpoint_dir=tmp_path / "checkpoints")


def test_labels_outside_the_taxonomy(tiny):
    with pytest.raises(DataError, match="Row 0: the label 'Games > Chess' is not in the taxonomy"):
        train(tiny, labels=[(("Games", "Chess"),), *LABELS[1:]])


def test_no_rows(tiny):
    with pytest.raises(DataError, match="no rows"):
        train(tiny, texts=[], labels=[])


class TestOrder:
    def test_every_row_once_and_another_order_each_epoch(self):
        order = LengthGroupedOrder(list(range(103)), batch_size=4, seed=1)
        first = list(order)
        order.set_epoch(1)
        second = list(order)
        assert sorted(first) == sorted(second) == list(range(103))
        assert first != second
        order.set_epoch(0)
        assert list(order) == first

    def test_rows_of_a_batch_have_like_lengths(self):
        lengths = np.random.default_rng(0).integers(1, 500, 4000)
        order = list(LengthGroupedOrder(lengths, batch_size=32, seed=0))
        spread = [np.ptp(lengths[order[i : i + 32]]) for i in range(0, 3968, 32)]
        assert np.median(spread) < 25  # a random batch spreads over nearly all of the 500


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: mixed precision on a GPU is not run")
def test_mixed_precision_on_a_gpu(tiny):
    assert accuracy(train(tiny, precision="auto", epochs=12, encoder_rate=1e-3, head_rate=1e-2)) > 0.9


class Told(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


def test_the_screen_stays_clean(tiny, tmp_path, capfd):
    """transformers remarks on file systems and token ids and draws bars while it loads, trains and saves."""
    told, bar = Told(), hf_logging.is_progress_bar_enabled()
    hf_logging.add_handler(told)
    hf_logging.set_verbosity_info()
    hf_logging.enable_progress_bar()
    try:
        save_model(train(tiny, epochs=4), tmp_path / "model")
        assert (hf_logging.get_verbosity(), hf_logging.is_progress_bar_enabled()) == (logging.INFO, True)
    finally:
        hf_logging.remove_handler(told)
        hf_logging.set_verbosity_warning()
        if not bar:
            hf_logging.disable_progress_bar()
    assert told.messages == []
    assert capfd.readouterr() == ("", "")


def test_a_failing_run_leaves_no_temporary_folder(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(KilledError):
        train(tiny, epochs=3, listener=die_at("validation", 2))
    assert list(tmp_path.iterdir()) == []
    train(tiny, epochs=1)
    assert list(tmp_path.iterdir()) == []
