"""Frozen lower layers: the cut gives the same states, they are computed once, bounded, and a run can be resumed."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
import transformers
from tiny_encoder import make_tiny_encoder
from training.apps import rows
from training.test_training import assert_same, interrupt_at

from textaxa.encoders import load_encoder
from textaxa.encoders._cut import LayerCut
from textaxa.encoders._transformer import _list_of_layers
from textaxa.errors import ConfigError
from textaxa.settings import EncoderSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy
from textaxa.training import train_model
from textaxa.training._kept import keep_states

TEXTS, LABELS = rows()
TAXONOMY = Taxonomy.from_paths([paths[0] for paths in LABELS], sort=True)
SHAPE = {"vocab_size": 90, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2, "pad_token_id": 1}
SHAPE |= {"intermediate_size": 48, "max_position_embeddings": 40}
DISTIL = {"vocab_size": 90, "dim": 32, "n_layers": 3, "n_heads": 2, "hidden_dim": 48, "max_position_embeddings": 40}
MODERN = {"global_attn_every_n_layers": 2, "local_attention": 4, "cls_token_id": 2, "sep_token_id": 3}
MODERN |= {"bos_token_id": 2, "eos_token_id": 3}
MODELS = {
    "Bert": SHAPE,
    "Roberta": SHAPE,
    "MPNet": SHAPE,
    "Electra": {**SHAPE, "embedding_size": 16},
    "DistilBert": DISTIL,
    "ModernBert": {**SHAPE, **MODERN},
    "DebertaV2": {**SHAPE, "relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
}
MASK = torch.ones(3, 9, dtype=torch.long)
MASK[1, 5:] = MASK[2, 3:] = 0


def ids():
    drawn = torch.randint(5, 90, MASK.shape, generator=torch.Generator().manual_seed(1))
    return torch.where(MASK.bool(), drawn, 1)


def made(name, **shape):
    config = getattr(transformers, f"{name}Config")(**shape)
    kind = "T5EncoderModel" if name == "T5" else f"{name}Model"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return getattr(transformers, kind)(config)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("n_below", [0, 2])
def test_a_cut_model_gives_the_states_of_the_whole_one(name, n_below):
    model = made(name, **MODELS[name]).eval()
    cut = LayerCut(model, list(_list_of_layers(model)), n_below)
    cut.check(ids(), MASK)
    with torch.no_grad():
        whole = model(input_ids=ids(), attention_mask=MASK).last_hidden_state
        again = cut.last_states(cut.below(ids(), MASK), ids(), MASK)
        other = cut.last_states(cut.below(ids(), MASK) + 0.1 * torch.randn(3, 9, 32), ids(), MASK)
    torch.testing.assert_close(whole[MASK.bool()], again[MASK.bool()], atol=1e-5, rtol=1e-5)
    assert (whole - other)[MASK.bool()].abs().max() > 1e-3, "the given states are read, not computed anew"


def test_a_model_whose_first_layer_makes_what_others_need_is_refused():
    model = made("T5", vocab_size=90, d_model=32, num_layers=3, num_heads=2, d_ff=48, d_kv=16)
    cut = LayerCut(model, list(_list_of_layers(model)), 2)
    with pytest.raises(ConfigError, match="T5EncoderModel cut in two gives other states"):
        cut.check(ids(), MASK)
    assert model.training
    assert model(input_ids=ids(), attention_mask=MASK).last_hidden_state.requires_grad, "and works as before"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(make_tiny_encoder(tmp_path_factory.mktemp("tiny"), layers=3))


def cut_encoder(tiny, **settings):
    encoder = load_encoder(EncoderSettings(encoder=tiny, max_length=16, **settings))
    encoder.freeze_below(1)
    return encoder.eval()


def test_kept_states_are_those_of_the_layers_whatever_the_batch(tiny, tmp_path):
    encoder = cut_encoder(tiny, long_text="windows")
    texts = ["game", "play football " * 9, "bank money", "music"]
    pieces = encoder.tokenise(texts)
    assert len(pieces[1]) > 1
    kept = keep_states(encoder, pieces, tmp_path, most_bytes=1e9, autocast=nullcontext)
    some = [2, 1]
    tokens = encoder.collate([pieces[row] for row in some])
    expected = encoder.cut.below(tokens.input_ids, tokens.attention_mask)
    real = tokens.attention_mask.bool()
    torch.testing.assert_close(kept[some][real], expected[real], atol=2e-3, rtol=1e-3)  # half precision
    assert not kept[some][~real].any()
    vectors = encoder(tokens.input_ids, tokens.attention_mask, tokens.text_of, kept[some])
    np.testing.assert_allclose(vectors.detach(), encoder.encode([texts[row] for row in some]), atol=5e-3)
    assert kept.file.stat().st_size == sum(len(p) for text in pieces for p in text) * 32 * 2


def test_dropout_of_frozen_layers_is_off(tiny):
    encoder = cut_encoder(tiny).train()
    tokens = encoder.collate(encoder.tokenise(["game play", "music"]))
    encoder.cut.check(tokens.input_ids, tokens.attention_mask)
    one, other = (encoder.cut.below(tokens.input_ids, tokens.attention_mask) for _ in range(2))
    torch.testing.assert_close(one, other, atol=0, rtol=0)
    assert not torch.equal(*(encoder(tokens.input_ids, tokens.attention_mask, tokens.text_of) for _ in range(2)))


def test_a_file_that_would_be_too_large_is_refused_before_anything_is_computed(tiny, tmp_path):
    encoder = cut_encoder(tiny)
    with pytest.raises(ConfigError, match="kept_gigabytes allows"):
        keep_states(encoder, encoder.tokenise(TEXTS), tmp_path, most_bytes=1000, autocast=nullcontext)
    assert not list(tmp_path.iterdir())


def test_states_beyond_half_precision_are_refused(tiny, tmp_path):
    encoder = cut_encoder(tiny)
    with torch.no_grad():
        encoder.cut.lower[-1].output.LayerNorm.weight.fill_(1e6)
    with pytest.raises(ConfigError, match="half precision ends at 65504"):
        keep_states(encoder, encoder.tokenise(TEXTS), tmp_path, most_bytes=1e9, autocast=nullcontext)
    assert not list(tmp_path.iterdir())


def train(tiny, heard=None, **options):
    run = {key: options.pop(key) for key in ("checkpoint_dir", "resume", "head") if key in options}
    recipe = {"epochs": 3, "batch_size": 8, "precision": "fp32", **options}
    return train_model(
        TEXTS,
        LABELS,
        TAXONOMY,
        encoder=EncoderSettings(encoder=tiny, max_length=32, trainable_layers=1),
        training=TrainingSettings(**recipe),
        valid=(TEXTS[:24], LABELS[:24]),
        listener=heard,
        **run,
    )


def test_training_on_kept_states_learns_what_training_on_texts_does(tiny, tmp_path):
    heard = []
    rates = {"encoder_rate": 1e-3, "head_rate": 1e-2, "epochs": 6}
    kept = train(tiny, checkpoint_dir=tmp_path, **rates)
    anew = train(tiny, heard.append, kept_gigabytes=0, **rates)
    assert kept.summary["recipe"]["states_kept"]
    assert not anew.summary["recipe"]["states_kept"]
    (note,) = [event["text"] for event in heard if event["event"] == "note"]
    assert "computed in every step" in note
    assert "kept_gigabytes allows 0 GB" in note
    assert not list(tmp_path.glob("states-*")), "the file goes when training ends"
    left, right = kept.state_dict(), anew.state_dict()
    for name in left:
        if "encoder.backbone" in name and ".layer.2." not in name:
            assert torch.equal(left[name], right[name]), f"{name} is frozen"
    assert kept.summary["best"]["hierarchical_f1"] > 0.8
    assert np.abs(kept.node_proba(TEXTS) - anew.node_proba(TEXTS)).max() < 0.05, "half precision is all that differs"


def test_an_interrupted_run_goes_on_with_the_states_that_it_kept(tiny, tmp_path):
    undisturbed = train(tiny)
    with pytest.raises(KeyboardInterrupt):
        train(tiny, interrupt_at(14), checkpoint_dir=tmp_path)
    (file,) = tmp_path.glob("states-*.f16")
    before = file.stat().st_mtime_ns
    seen = []
    resumed = train(tiny, lambda event: seen.append(file.stat().st_mtime_ns), checkpoint_dir=tmp_path, resume=True)
    assert set(seen) == {before}
    assert_same(undisturbed, resumed)
    assert undisturbed.summary["best"] == resumed.summary["best"]


def test_heads_that_read_tokens_and_labels_train_on_kept_states(tiny):
    for head in ("hiagm-la", "label-text"):
        model = train(tiny, head=head, epochs=1)
        assert model.summary["recipe"]["states_kept"]
        assert 0 <= model.summary["best"]["hierarchical_f1"] <= 1
