"""What the world of Hugging Face reads of a model folder: the encoder by itself, and the metadata of the card."""

import warnings

import numpy as np
import pytest
import torch
from tiny_encoder import make_tiny_encoder
from training.apps import rows

pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed (extra hub)")

from hub.hub_server import Hub
from huggingface_hub import ModelCard, constants
from transformers import AutoModel, AutoTokenizer

from textaxa import HierarchicalTextClassifier, load_model, push, save_model, train
from textaxa.config import Config
from textaxa.data import write_rows
from textaxa.fast_path import FastPathModel
from textaxa.linear.model import LinearModel
from textaxa.persistence._card_header import PACKAGED, base_model, card_header

TEXTS = ["football game", "photo edit and video"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    place = tmp_path_factory.mktemp("trained")
    encoder = make_tiny_encoder(place / "tiny")
    table = place / "apps.csv"
    with write_rows(table) as writer:
        writer.write([{"text": text, "path": " > ".join(paths[0])} for text, paths in zip(*rows(60), strict=True)])
    config = Config.from_dict(
        {
            "data": {"table": str(table), "text": "text", "path": "path"},
            "encoder": {"encoder": str(encoder), "max_length": 32},
            "training": {"epochs": 1, "batch_size": 8},
        },
        source="the test",
    )
    return train(config, place / "model", references=True).model, place / "model"


def test_auto_model_reads_the_encoder_and_gives_the_same_states(trained):
    model, folder = trained
    tokenizer = AutoTokenizer.from_pretrained(folder / "encoder")
    alone = AutoModel.from_pretrained(folder / "encoder", add_pooling_layer=False).eval()
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = alone(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    mean = ((states * mask).sum(1) / mask.sum(1)).numpy()
    assert model.encoder.settings.pooling == "mean"
    assert np.allclose(mean, model.encoder.encode(TEXTS), atol=1e-6)


def test_networks_and_models_of_two_come_back_from_the_hub(trained, tmp_path, monkeypatch):
    """Their files are read from a folder that is gone afterwards; what was read must not need it any more."""
    model, folder = trained
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    labels = [(model.taxonomy.path(node),) for node in model.taxonomy.terminals[:2]] * 8
    cheap = LinearModel.fit(TEXTS * 8, labels, model.taxonomy)
    both = save_model(FastPathModel(cheap, model, 0.9), tmp_path / "both")
    hub = Hub()
    try:
        for name, place in (("anna/network", folder), ("anna/both", both)):
            push(place, name, endpoint=hub.endpoint)
            found = HierarchicalTextClassifier.from_pretrained(name, endpoint=hub.endpoint)
            assert np.array_equal(found.predict_proba(TEXTS), load_model(place).node_proba(TEXTS))
            again = load_model(found.save(tmp_path / name.partition("/")[2]))
            assert np.array_equal(again.node_proba(TEXTS), load_model(place).node_proba(TEXTS))
    finally:
        hub.close()


def test_the_card_tells_the_scores_of_the_model_as_the_hub_reads_them(trained):
    model, folder = trained
    card = ModelCard.load(folder / "README.md")
    results = {one.metric_type: one for one in card.data.eval_results}
    own = next(iter(model.summary["evaluations"].values()))
    assert results["f1"].metric_value == pytest.approx(own["hierarchical"]["f1"], abs=1e-4)
    assert results["accuracy"].metric_value == pytest.approx(own["path_accuracy"], abs=1e-4)
    assert results["f1"].dataset_type == "apps-csv"
    assert results["f1"].dataset_split == "validation"
    assert card.data.base_model is None, "an encoder from a folder has no name on the hub"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert card.data.to_dict()["model-index"][0]["results"][0]["task"]["type"] == "text-classification"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (None, PACKAGED),
        ("intfloat/multilingual-e5-small", "intfloat/multilingual-e5-small"),
        ("model2vec:minishlab/potion-base-8M", None),
        ("./tiny", None),
        ("/models/tiny", None),
    ],
)
def test_the_base_model_is_named_where_the_hub_has_it(trained, monkeypatch, name, told):
    model, _ = trained
    settings = model.settings
    encoder = type(settings.encoder)(**{**vars(settings.encoder), "encoder": name})
    monkeypatch.setattr(model, "settings", type(settings)(**{**vars(settings), "encoder": encoder}))
    assert base_model(model) == told
    card = ModelCard(card_header(model) + "\n\n# x\n")
    assert card.data.base_model == told
