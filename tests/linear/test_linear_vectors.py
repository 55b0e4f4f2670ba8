"""The linear model that reads text vectors beside the counts."""

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tiny_encoder import make_tiny_encoder
from training.apps import rows

from textaxa.errors import ModelFileError
from textaxa.linear import LinearModel
from textaxa.linear._persistence import read_parts
from textaxa.linear._settings import LinearSettings
from textaxa.persistence import load_model, save_model
from textaxa.settings import EncoderSettings
from textaxa.taxonomy import Taxonomy
from textaxa.training import train_model

TEXTS, LABELS = rows()
TAXONOMY = Taxonomy.from_paths(path for paths in LABELS for path in paths)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> EncoderSettings:
    return EncoderSettings(encoder=str(make_tiny_encoder(tmp_path_factory.mktemp("encoder"))), max_length=32)


def fit(encoder: EncoderSettings, **options) -> LinearModel:
    return train_model(
        TEXTS,
        LABELS,
        TAXONOMY,
        head="linear",
        head_settings=LinearSettings(vectors=True),
        encoder=encoder,
        valid=(TEXTS, LABELS),
        **options,
    )


def test_vectors_stand_right_of_the_counts_and_are_scaled(encoder):
    model = fit(encoder)
    joined = model.features(TEXTS).toarray()
    counts, vectors = joined[:, : model.features.counts.width], joined[:, model.features.counts.width :]
    np.testing.assert_allclose(counts, model.features.counts(TEXTS).toarray())
    raw = model.features.encoder.encode(TEXTS)
    varies = raw.std(0) > 1e-4
    np.testing.assert_allclose(vectors.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(vectors.std(0)[varies], 1.5 / np.sqrt(varies.sum()), rtol=1e-3)
    assert (vectors[:, ~varies] == 0).all()


def test_saved_and_loaded_it_says_the_same(encoder, tmp_path):
    model = fit(encoder)
    save_model(model, tmp_path / "model")
    again = load_model(tmp_path / "model")
    np.testing.assert_allclose(again.node_proba(TEXTS), model.node_proba(TEXTS), atol=1e-6)
    assert again.settings.encoder.frozen
    assert (tmp_path / "model" / "encoder" / "model.safetensors").is_file()


def test_without_vectors_there_is_no_encoder(encoder, tmp_path):
    counts = train_model(TEXTS, LABELS, TAXONOMY, head="linear", encoder=encoder, valid=(TEXTS, LABELS))
    assert counts.weights.matrix.shape[1] == counts.features.width
    save_model(counts, tmp_path / "model")
    assert not (tmp_path / "model" / "encoder").exists()


def test_given_vectors_are_used(encoder):
    asked = []

    def give(found, texts):
        asked.append(len(texts))
        return found.encode(texts)

    fit(encoder, vectors=give)
    half = len(TEXTS) // 2
    assert asked == [len(TEXTS), half, half, half], (
        "training rows; choosing rows in training and after it; proving rows"
    )


def test_a_scale_of_another_width_is_refused(encoder, tmp_path):
    model = fit(encoder)
    model.write(tmp_path)
    file = tmp_path / "linear.safetensors"
    tensors = load_file(file)
    save_file({**tensors, "vectors.mean": tensors["vectors.mean"][:-1]}, file)
    with pytest.raises(ModelFileError, match=r"vectors\.mean"):
        read_parts(tmp_path, model.settings.head_settings, model.options, model.settings.encoder)
