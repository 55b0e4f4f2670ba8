"""What candidates are made of: fewer layers, shorter texts, static vectors, a smaller vocabulary, and their teacher."""

import json

import numpy as np
import pytest
import torch
from optimising.optimising_cases import LABELS, TEXTS
from tokenizers import Tokenizer

from textaxa.encoders import length_of
from textaxa.encoders._transformer import _layers
from textaxa.errors import ConfigError
from textaxa.optimising import Material, Rows
from textaxa.optimising._engines import engines
from textaxa.optimising._layers import cut, layers
from textaxa.optimising._lengths import lengths, shortened
from textaxa.optimising._linear import linear
from textaxa.optimising._material import Teacher, Workshop
from textaxa.optimising._measure import measure, size_of
from textaxa.optimising._static import static
from textaxa.optimising._teaching import Lesson, teach
from textaxa.optimising._vocabulary import pruned
from textaxa.persistence import load_model, save_model


@pytest.fixture
def model(trained_folder):
    return load_model(trained_folder)


@pytest.fixture
def workshop(model, tmp_path):
    rows = Rows(TEXTS, LABELS)
    material = Material(model, rows, rows.taken(np.arange(120)), [], tmp_path, 30.0, 0, lambda what: None)
    return Workshop(material)


def teacher_of(model, texts):
    vectors = model.encoder.encode(texts)
    return Teacher(texts, vectors, model.node_proba_of(vectors))


def test_a_cut_model_keeps_the_lowest_layers_and_leaves_the_given_one_alone(model):
    before = model.node_proba(TEXTS[:5])
    student = cut(model, 1)
    own, given = (_layers(one.encoder.backbone) for one in (student, model))
    assert (len(own), len(given), student.encoder.backbone.config.num_hidden_layers) == (1, 3, 1)
    for mine, theirs in zip(own[0].parameters(), given[0].parameters(), strict=True):
        assert torch.equal(mine, theirs)
        assert mine is not theirs
    teach(student, teacher_of(model, TEXTS[:64]), Lesson(1, 10.0, 1e-2, 1e-2), seed=0)
    np.testing.assert_array_equal(model.node_proba(TEXTS[:5]), before)


def test_a_student_comes_nearer_to_its_teacher(model):
    student = cut(model, 1)
    with torch.no_grad():
        for parameter in student.head.parameters():
            parameter.zero_()
    teacher = teacher_of(model, TEXTS)
    before = np.abs(student.node_proba(TEXTS) - teacher.proba).mean()
    steps = teach(student, teacher, Lesson(2, 30.0, 1e-3, 3e-2), seed=0)
    assert steps == 2 * -(-len(TEXTS) // 32)
    assert np.abs(student.node_proba(TEXTS) - teacher.proba).mean() < 0.3 * before


def test_teaching_stops_when_the_time_is_over(model):
    assert teach(cut(model, 1), teacher_of(model, TEXTS), Lesson(10_000, 0.2, 1e-3, 1e-3), seed=0) < 1000


def test_a_shorter_limit_reads_less_and_shares_the_weights(model):
    short = shortened(model, 8)
    assert short.encoder.backbone is model.encoder.backbone
    long = ["puzzle game " * 10]
    assert length_of(short.encoder.tokenise(long)[0]) == 8
    assert length_of(model.encoder.tokenise(long)[0]) == 22
    np.testing.assert_array_equal(short.node_proba(["game"]), model.node_proba(["game"]))
    assert (model.settings.encoder.max_length, short.settings.encoder.max_length) == (32, 8)


def test_only_limits_that_save_something_are_tried(workshop, monkeypatch):
    monkeypatch.setattr("textaxa.optimising._lengths.LENGTHS", (8, 9, 31, 64))
    assert [one.name for one in lengths(workshop)] == []  # these texts are shorter
    long = Rows(["puzzle game " * 10] * 4, LABELS[:4])
    workshop.material = Material(**{**vars(workshop.material), "choosing": long})
    assert [one.name for one in lengths(workshop)] == ["length-9 fp32", "length-8 fp32"]


def test_engines_layers_and_static_answer_as_the_given_model_does(workshop, monkeypatch):
    monkeypatch.setattr("textaxa.optimising._layers._EPOCHS", 3)
    monkeypatch.setattr("textaxa.optimising._layers._SHARES", (1 / 3,))
    monkeypatch.setattr("textaxa.optimising._static._EPOCHS", 20)
    given = measure(workshop.material.model, workshop.material.choosing)
    assert given.mean > 0.9
    made = [*engines(workshop), *layers(workshop), *static(workshop)]
    assert [one.name for one in made][:2] == ["fp32", "int8"]
    assert {"layers-1 fp32", "static"} <= {one.name for one in made}
    for one in made:
        found = measure(one.model, workshop.material.choosing)
        assert found.mean > given.mean - 0.15, one.name
        assert size_of(one) > 0
    sizes = {one.name: size_of(one) for one in made}
    assert sizes["static"] < sizes["layers-1 fp32"] < sizes["fp32"]


def test_a_linear_model_learns_the_answers_to_texts_without_labels(workshop):
    (alone,) = linear(workshop)
    workshop.material = Material(**{**vars(workshop.material), "unlabelled": ["video camera", "camera for a video"]})
    again, taught = linear(workshop)
    assert (alone.name, again.name, taught.name) == ("linear", "linear", "linear-taught")
    assert taught.model.summary["rows"] == len(TEXTS) + 2
    assert measure(taught.model, workshop.material.choosing).mean > 0.9


def test_a_smaller_vocabulary_changes_nothing_for_seen_texts(model, tmp_path):
    seen = TEXTS[:50]
    small = pruned(model, seen)
    old, new = (one.encoder.backbone.get_input_embeddings().weight for one in (model, small))
    assert len(new) == small.encoder.backbone.config.vocab_size < len(old)
    np.testing.assert_allclose(small.node_proba(seen), model.node_proba(seen), atol=1e-6)
    again = load_model(save_model(small, tmp_path / "small"))
    np.testing.assert_allclose(again.node_proba(seen), model.node_proba(seen), atol=1e-6)
    unknown = small.encoder.tokenise.tokenizer.unk_token_id
    assert unknown not in small.encoder.tokenise(["strategy music"])[0][0]


def test_a_vocabulary_of_another_kind_is_left_alone(model):
    tokenizer = model.encoder.tokenise.tokenizer
    stored = json.loads(tokenizer.backend_tokenizer.to_str())
    stored["model"] = {"type": "WordLevel", "vocab": stored["model"]["vocab"], "unk_token": "[UNK]"}
    tokenizer._tokenizer = Tokenizer.from_str(json.dumps(stored))
    with pytest.raises(ConfigError, match="WordPiece"):
        pruned(model, TEXTS)
