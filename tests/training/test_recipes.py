"""Presets fill in what is empty; a time budget chooses the best recipe that fits."""

import itertools
import json

import pytest
import torch
from tiny_encoder import make_tiny_encoder
from training.apps import rows
from training.test_training import interrupt_at

from textaxa.encoders import load_encoder
from textaxa.errors import ConfigError
from textaxa.heads import build_head, head_settings
from textaxa.model import Model
from textaxa.settings import EncoderSettings, ModelSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy
from textaxa.training import _train, resolved, train_model
from textaxa.training._pace import measure_pace
from textaxa.training._recipes import Pace, Work, is_open, predicted, that_fits, with_preset
from textaxa.training._rows import Targets

TEXTS, LABELS = rows()
VALID = (TEXTS[:24], LABELS[:24])
TAXONOMY = Taxonomy.from_paths([paths[0] for paths in LABELS], sort=True)
PACE = Pace(full=3e-3, top=8e-4, below=4e-4, read=1e-3, head_row=1e-6)
WORK = Work(tokens=100_000, valid_tokens=10_000, rows=1000, valid_rows=100)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(make_tiny_encoder(tmp_path_factory.mktemp("tiny"), layers=3))


@pytest.mark.parametrize(
    ("given", "preset", "expected"),
    [
        ({}, None, (False, None)),
        ({}, "best", (False, None)),
        ({}, "balanced", (False, 2)),
        ({}, "fast", (True, None)),
        ({"frozen": False}, "fast", (False, None)),
        ({"frozen": True}, "balanced", (True, None)),
        ({"trainable_layers": 1}, "balanced", (False, 1)),
        ({"trainable_layers": 1}, "fast", (False, 1)),
    ],
)
def test_a_preset_fills_in_only_what_is_empty(given, preset, expected):
    found = with_preset(EncoderSettings(**given), preset, depth=6)
    assert (found.frozen, found.trainable_layers) == expected


def test_an_encoder_without_layers_or_that_starts_untrained_learns_whole():
    assert with_preset(EncoderSettings(), "balanced", depth=None).trainable_layers is None
    assert with_preset(EncoderSettings(), "fast", depth=None, untrained=True).frozen is False
    assert with_preset(EncoderSettings(), "balanced", depth=2).trainable_layers == 1


def test_more_time_never_gives_less():
    order = ["fast", "balanced", "best"]
    found = [that_fits(PACE, WORK, seconds=seconds) for seconds in (1, 200, 400, 600, 1000, 1400, 10_000)]
    ranks = [(order.index(one.preset), one.epochs if one.preset != "fast" else 0) for one in found]
    assert ranks == sorted(ranks)
    assert [one.preset for one in found] == ["fast", "fast", "balanced", "balanced", "best", "best", "best"]
    assert [one.epochs for one in found[1:]] == [30, 3, 5, 2, 3, 3]
    for one, seconds in zip(found[1:], (200, 400, 600, 1000, 1400, 10_000), strict=True):
        assert predicted(one.preset, one.epochs, PACE, WORK) <= one.seconds <= seconds


def test_without_layers_nothing_between():
    assert that_fits(PACE, WORK, seconds=400, layers=False).preset == "fast"


@pytest.mark.parametrize(
    ("encoder", "training", "expected"),
    [
        ({}, {"time_budget": 60}, True),
        ({}, {}, False),
        ({"frozen": False}, {"time_budget": 60}, False),
        ({"trainable_layers": 2}, {"time_budget": 60}, False),
        ({}, {"time_budget": 60, "epochs": 3}, False),
        ({}, {"time_budget": 60, "preset": "best"}, False),
    ],
)
def test_a_time_budget_chooses_only_where_nothing_is_chosen(encoder, training, expected):
    assert is_open(EncoderSettings(**encoder), TrainingSettings(**training)) is expected


def test_an_unknown_preset_is_refused():
    with pytest.raises(ConfigError, match="balanced"):
        TrainingSettings(preset="ballanced")


def train(tiny, heard=None, *, encoder=None, checkpoint_dir=None, resume=False, valid=VALID, **training):
    return train_model(
        TEXTS,
        LABELS,
        TAXONOMY,
        encoder=EncoderSettings(encoder=tiny, max_length=32, **(encoder or {})),
        training=TrainingSettings(**{"batch_size": 8, "precision": "fp32", **training}),
        valid=valid,
        listener=heard,
        checkpoint_dir=checkpoint_dir,
        resume=resume,
    )


def test_top_layers_learn_longer_and_at_a_larger_rate():
    whole, top = (resolved(TrainingSettings(), width=384, frozen=False, top_only=one) for one in (False, True))
    assert (whole.epochs, whole.encoder_rate) == (3, 1e-4)
    assert (top.epochs, top.encoder_rate) == (5, pytest.approx(3e-4))
    given = TrainingSettings(epochs=1, encoder_rate=1e-5)
    chosen = resolved(given, width=384, frozen=False, top_only=True)
    assert (chosen.epochs, chosen.encoder_rate) == (1, 1e-5)


@pytest.mark.parametrize(
    ("preset", "frozen", "layers", "trained"),
    [("fast", True, None, "the head"), ("balanced", False, 1, "the top 1 of 3 layers"), ("best", False, None, "all")],
)
def test_the_model_keeps_what_the_preset_stood_for(tiny, preset, frozen, layers, trained):
    model = train(tiny, preset=preset, epochs=1)
    saved = model.settings
    assert (saved.encoder.frozen, saved.encoder.trainable_layers, saved.training.epochs) == (frozen, layers, 1)
    assert model.summary["recipe"]["trained"].startswith(trained)
    assert model.summary["recipe"]["chosen_by"] == "preset"


def stub(pace):
    def measure(model, pieces, targets, recipe):
        assert len(pieces) == len(targets) == len(TEXTS)
        return pace

    return measure


def test_the_budget_chooses_tells_and_keeps_to_it(tiny, monkeypatch, tmp_path):
    slow = Pace(full=1.0, top=1e-4, below=1e-4, read=1e-2, head_row=1e-4)
    monkeypatch.setattr(_train, "measure_pace", stub(slow))
    heard = []

    def listener(event):
        heard.append(event)
        interrupt_at(14)(event)

    with pytest.raises(KeyboardInterrupt):
        train(tiny, listener, time_budget=600, checkpoint_dir=tmp_path)
    (told,) = [event for event in heard if event["event"] == "recipe"]
    assert (told["preset"], told["epochs"]) == ("balanced", 5)
    assert "'balanced': the top layers, 5 epochs" in told["text"]
    assert json.loads((tmp_path / "recipe.json").read_text())["preset"] == "balanced"

    def measured_again(*given):
        raise AssertionError

    monkeypatch.setattr(_train, "measure_pace", measured_again)
    model = train(tiny, time_budget=600, checkpoint_dir=tmp_path, resume=True)
    assert model.settings.encoder.trainable_layers == 1
    assert (model.settings.training.preset, model.settings.training.epochs) == ("balanced", 5)
    assert model.summary["recipe"]["chosen_by"] == "time budget"
    assert model.summary["recipe"]["predicted_seconds"] == pytest.approx(told["seconds"], abs=0.1)


def test_measuring_leaves_the_model_and_the_random_state_alone(tiny):
    encoder = load_encoder(EncoderSettings(encoder=tiny, max_length=32))
    targets = Targets(TAXONOMY, LABELS, "single")
    head = build_head("chained", TAXONOMY, encoder.width, task="single", settings=head_settings("chained")())
    recipe = resolved(TrainingSettings(batch_size=8, precision="fp32"), width=encoder.width, frozen=False)
    model = Model(TAXONOMY, encoder, head, ModelSettings("single", "chained", head_settings("chained")()))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    ticks = itertools.count()
    pace = measure_pace(model, encoder.tokenise(TEXTS), targets.values, recipe, lambda: float(next(ticks)))
    assert all(value > 0 for value in vars(pace).values())
    torch.testing.assert_close(torch.get_rng_state(), state)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(parameter.requires_grad for parameter in model.encoder.parameters())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_with_a_real_clock_a_tiny_encoder_is_trained_whole(tiny):
    heard = []
    model = train(tiny, heard.append, time_budget=120)
    assert [event["preset"] for event in heard if event["event"] == "recipe"] == ["best"]
    assert "stopped" not in model.summary


def test_an_encoder_that_cannot_be_cut_is_offered_no_balance(tiny, monkeypatch):
    def differs(self, input_ids, attention_mask):
        raise ConfigError("cut in two gives other states")

    monkeypatch.setattr("textaxa.encoders._cut.LayerCut.check", differs)
    heard = []
    train(tiny, heard.append, time_budget=0)
    (told,) = [event for event in heard if event["event"] == "recipe"]
    assert told["preset"] == "fast"
    assert "top layers" not in told["text"]
