"""Networks: every head on every kind of encoder; contributions add up, and are exact where the score is linear."""

import copy
import time

import numpy as np
import pytest
import torch
from tiny_encoder import make_tiny_encoder
from training.apps import rows

pytest.importorskip("captum", reason="integrated gradients; install the extra explain")

from textaxa.encoders import load_encoder
from textaxa.encoders._distil import write_static
from textaxa.encoders._textrcnn import TextRCNN, TextRCNNShape
from textaxa.encoders._word_vectors import WordVectors
from textaxa.errors import ConfigError, MissingExtraError
from textaxa.explanation import _network as network
from textaxa.explanation import explain
from textaxa.heads import HEADS, build_head, head_class, head_settings, needs_encoder
from textaxa.model import Model, read_width
from textaxa.settings import EncoderSettings, ModelSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy

PATHS = sorted({path for paths in rows()[1] for path in paths})
TAXONOMY = Taxonomy.from_paths(PATHS)
NEURAL = [head for head in HEADS if needs_encoder(head)]
CASES = [(head, task) for head in NEURAL for task in head_class(head).tasks]
KINDS = ["transformer", "static", "normalised", "textrcnn"]
TEXT = "Football club: build, play 😀 Ünknown (match) app"


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    """Give a small transformer, a static encoder and a TextRCNN, untrained."""
    folder = make_tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny")
    tiny = load_encoder(EncoderSettings(encoder=str(folder), max_length=48))
    vectors = np.random.default_rng(0).normal(size=(len(tiny.tokenise.tokenizer), 16)).astype(np.float32)
    static, normalised = tmp_path_factory.mktemp("static"), tmp_path_factory.mktemp("normalised")
    for folder, normalise in ((static, False), (normalised, True)):
        write_static(folder, vectors, tiny.tokenise.tokenizer.backend_tokenizer, {"normalize": normalise})
    words = ["football", "club", "build", "play", "match", "app", "the", "game"]
    glove = WordVectors(words, np.random.default_rng(1).normal(size=(len(words), 8)).astype(np.float32))
    torch.manual_seed(0)
    return {
        "transformer": tiny,
        "static": load_encoder(EncoderSettings(encoder=str(static), max_length=48)),
        "normalised": load_encoder(EncoderSettings(encoder=str(normalised), max_length=48)),
        "textrcnn": TextRCNN(glove, EncoderSettings(max_length=48), TextRCNNShape(hidden=8, channels=8)),
    }


def model_of(encoder, head, task="single", taxonomy=TAXONOMY) -> Model:
    """Give an untrained model whose probabilities are far from uniform, and whose features are scaled."""
    torch.manual_seed(1)
    settings = head_settings(head)()
    made = build_head(head, taxonomy, read_width(encoder, head_class(head)), task=task, settings=settings)
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    model = Model(taxonomy, encoder, made, ModelSettings(task, head, settings, EncoderSettings(), TrainingSettings()))
    model.scale.mean.normal_(std=0.1)
    return model


def missing(level) -> float:
    """Tell what the contributions lack of the score, as a share of what the words did."""
    total = level.baseline + sum(word.weight for word in level.words) + sum(level.elsewhere.values())
    assert level.error == pytest.approx(level.score - total, abs=1e-6)
    return abs(level.score - total) / max(1, abs(level.score - level.baseline))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("head", "task"), CASES)
def test_contributions_of_every_head_add_up_to_the_log_odds(encoders, kind, head, task):
    model = model_of(encoders[kind], head, task)
    found = explain(model, TEXT, path=("Games", "Sports"))
    proba = model.node_proba([TEXT])[0].astype(float)
    assert [level.name for level in found.levels] == ["Games", "Sports"]
    for level in found.levels:
        # Corners (max-constraint, the smallest of several parents, the strongest n-gram) cost exactness.
        assert missing(level) < (0.1 if kind == "textrcnn" or task == "multi" or head == "binary" else 0.021)
        node = TAXONOMY.index(level.path)
        assert level.probability == pytest.approx(proba[node], abs=1e-6)
        if level.kind == "runner-up":
            other = proba[TAXONOMY.index(level.against)]
            assert level.score == pytest.approx(np.log(proba[node] / other), abs=2e-3)
        if level.kind == "log-odds":
            assert level.score == pytest.approx(np.log(proba[node] / (1 - proba[node])), abs=2e-3)
    assert {TEXT[word.start : word.end] for word in found.levels[0].words} >= {"Football", "Ünknown", "match", "😀"}
    assert found.levels[0].strongest()


@pytest.mark.parametrize("kind", ["static", "normalised"])
def test_a_model_without_training_rows(encoders, kind):
    """Its features are not scaled, and its head takes cosines: a vector of length 0 has none."""
    model = model_of(encoders[kind], "label-text")
    model.scale.mean.zero_()
    assert all(missing(level) < 0.05 for level in explain(model, TEXT).levels)


def test_a_static_encoder_with_a_linear_head_has_weight_times_value(encoders):
    """Leaf against leaf under one softmax: the score is linear in the token vectors, and each has its share of it."""
    model = model_of(encoders["static"], "flat")
    model.scale.inverse_deviation.uniform_(0.5, 2)
    found = explain(model, "play football club", path=("Games", "Sports"), against=("Games", "Puzzle")).levels[1]
    sports, puzzle = (
        int(np.flatnonzero(np.asarray(TAXONOMY.terminals) == TAXONOMY.index(("Games", name)))[0])
        for name in ("Sports", "Puzzle")
    )
    weights = model.head.classifier.weight.detach()
    slope = (weights[sports] - weights[puzzle]) * model.scale.inverse_deviation
    (ids,) = model.encoder.tokenise(["play football club"])[0]
    shares = model.encoder.vectors.detach()[list(ids)] @ slope / len(ids)
    assert [word.weight for word in found.words] == pytest.approx(shares.tolist(), abs=1e-4)
    assert abs(found.error) < 1e-4


def test_pieces_of_words_are_summed_by_word(encoders):
    model = model_of(encoders["transformer"], "per-level")
    with network._evaluating(model):
        read = network.NetworkExplainer(model).read("unbelievable game")
    assert (read.text.end > 0).sum() > 3  # letters, for the tiny vocabulary has few words
    found = explain(model, "unbelievable game").levels[0]
    assert len(found.words) == 2


@pytest.mark.parametrize("long_text", ["head", "head+tail", "windows"])
def test_long_texts_are_explained_as_far_as_they_are_read(tmp_path, long_text):
    settings = EncoderSettings(encoder=str(make_tiny_encoder(tmp_path)), max_length=16, long_text=long_text)
    model = model_of(load_encoder(settings), "chained")
    words = [f"game{'abcdefghij'[i % 10]}" for i in range(60)]
    text = " ".join(words)
    level = explain(model, text, path=("Games",)).levels[0]
    assert missing(level) < 0.021
    told = [i for i, word in enumerate(level.words) if word.weight]
    assert 0 in told
    assert (59 in told) == (long_text != "head")
    assert (30 in told) == (long_text == "windows")


def test_a_very_long_text_with_head_and_tail_has_its_last_words_in_place(tmp_path):
    settings = EncoderSettings(encoder=str(make_tiny_encoder(tmp_path)), max_length=16, long_text="head+tail")
    model = model_of(load_encoder(settings), "chained")
    text = "football " + "game " * 400 + "music"
    level = explain(model, text, path=("Games",)).levels[0]
    told = {text[word.start : word.end] for word in level.words if word.weight}
    assert told == {"football", "game", "music"}
    assert level.words[-1].weight


@pytest.mark.parametrize("text", ["", " ", "\ud83d", "日本", "qq"])
@pytest.mark.parametrize("kind", KINDS)
def test_texts_without_a_known_word(encoders, kind, text):
    found = explain(model_of(encoders[kind], "chained"), text)
    assert found.levels
    assert all(missing(level) < 0.1 for level in found.levels)
    if not text.strip():
        assert found.levels[0].words == ()


def test_a_text_of_50_000_characters_takes_bounded_time(encoders, monkeypatch):
    monkeypatch.setattr(network, "MOST_TOKENS", 2_000)
    model = model_of(encoders["transformer"], "chained")
    began = time.process_time()
    found = explain(model, "football club " * 3_600)
    assert time.process_time() - began < 10
    assert len(found.levels[0].words) == 7_200


def test_the_model_is_left_as_it_was(encoders):
    model = model_of(encoders["transformer"], "chained").train()
    explain(model, TEXT)
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    layer = model.encoder.backbone.get_input_embeddings()
    assert not layer._forward_hooks


def test_an_encoder_without_gradients_is_refused(encoders):
    class Packed(type(encoders["static"])):
        """Stands for an encoder that another library runs."""

    model = model_of(encoders["static"], "flat")
    packed = copy.copy(encoders["static"])
    packed.__class__ = Packed
    model.encoder = packed
    with pytest.raises(ConfigError, match="Packed cannot be explained"):
        explain(model, TEXT)


def test_without_captum_the_extra_is_named(encoders, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "captum", None)
    with pytest.raises(MissingExtraError, match=r"textaxa\[explain\]"):
        explain(model_of(encoders["transformer"], "chained"), TEXT)
