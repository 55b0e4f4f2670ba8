"""Texts to vectors: pooling, long texts, batches, what cannot be loaded."""

import itertools
import json

import numpy as np
import pytest
import torch
from tiny_encoder import make_tiny_encoder
from transformers import AutoModel, AutoTokenizer

from textaxa.encoders import length_of, load_encoder, packaged_minilm
from textaxa.errors import ConfigError, MissingExtraError
from textaxa.settings import EncoderSettings

TEXTS = ["football club", "a", "edit a photo with the app and play music", "!!!", "1234 5678", "x y z " * 30]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(make_tiny_encoder(tmp_path_factory.mktemp("tiny")))


def load(tiny: str, **settings):
    return load_encoder(EncoderSettings(encoder=tiny, **{"max_length": 32, **settings})).eval()


@pytest.mark.parametrize("pooling", ["cls", "mean", "max"])
def test_pooling_by_hand(tiny, pooling):
    encoder = load(tiny, pooling=pooling)
    tokenizer, model = AutoTokenizer.from_pretrained(tiny), AutoModel.from_pretrained(tiny).eval()
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), 32)
    assert vectors.dtype == np.float32
    for text, vector in zip(TEXTS, vectors, strict=True):
        tokens = tokenizer(text, truncation=True, max_length=32, return_tensors="pt")
        with torch.no_grad():
            states = model(**tokens).last_hidden_state[0]
        expected = {"cls": states[0], "mean": states.mean(0), "max": states.amax(0)}[pooling]
        np.testing.assert_allclose(vector, expected.numpy(), atol=1e-5)


def test_the_same_alone_and_in_any_batch(tiny):
    encoder = load(tiny, long_text="windows")
    together = encoder.encode(TEXTS)
    for i, text in enumerate(TEXTS):
        np.testing.assert_allclose(encoder.encode([text])[0], together[i], atol=1e-5)
    np.testing.assert_allclose(encoder.encode(TEXTS[::-1])[::-1], together, atol=1e-5)


def test_head_reads_the_beginning_and_head_tail_both_ends(tiny):
    words = " ".join(f"{i:03d}" for i in range(100))
    head, both = (load(tiny, long_text=kind).tokenise([words])[0] for kind in ("head", "head+tail"))
    tokens = load(tiny, max_length=64).tokenise.tokenizer(words, add_special_tokens=False)["input_ids"]
    assert head == ((2, *tokens[:30], 3),)
    assert both == ((2, *tokens[:15], *tokens[-15:], 3),)


def test_windows_cover_the_whole_text_and_overlap(tiny):
    tokenise = load(tiny, long_text="windows", max_windows=50).tokenise
    tokens = list(range(4, 4 + 100))
    pieces = tokenise.cutter.bare_pieces(tokens)
    assert pieces[0][0] == tokens[0]
    assert pieces[-1][-1] == tokens[-1]
    assert all(len(piece) == 30 for piece in pieces)
    assert all(set(a) & set(b) for a, b in itertools.pairwise(pieces))
    assert {token for piece in pieces for token in piece} == set(tokens)


def test_windows_are_bounded_and_averaged(tiny):
    encoder = load(tiny, long_text="windows", max_windows=3)
    (pieces,) = encoder.tokenise(["football club " * 200])
    assert len(pieces) == 3
    assert length_of(pieces) == 3 * 32
    one_by_one = np.stack([encoder.encode_pieces([(piece,)])[0] for piece in pieces])
    np.testing.assert_allclose(encoder.encode_pieces([pieces])[0], one_by_one.mean(0), atol=1e-5)


@pytest.mark.parametrize("long_text", ["head", "head+tail", "windows"])
def test_a_text_of_five_megabytes(tiny, long_text):
    encoder = load(tiny, long_text=long_text)
    vectors = encoder.encode(["football " * 600_000, "x" * 5_000_000])
    assert np.isfinite(vectors).all()


def test_the_default_is_the_packaged_minilm_with_its_own_pooling():
    try:
        folder = packaged_minilm()
    except MissingExtraError as missing:
        pytest.skip(str(missing))
    encoder = load_encoder(EncoderSettings())
    assert encoder.width == 384
    assert encoder.settings.pooling == "mean"
    assert json.loads((folder / "1_Pooling" / "config.json").read_text())["pooling_mode_mean_tokens"]
    play, chess, bank = encoder.encode(["Play football", "Kick the ball into the goal", "Pay a bill by bank transfer"])
    cosine = lambda a, b: a @ b / np.linalg.norm(a) / np.linalg.norm(b)  # noqa: E731
    assert cosine(play, chess) > cosine(play, bank) + 0.1


def test_without_the_package_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr("textaxa.encoders._packaged.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "textaxa\[minilm\]"'):
        load_encoder(EncoderSettings())


def test_a_folder_that_is_no_model(tmp_path):
    with pytest.raises(ConfigError, match=r"no config\.json"):
        load_encoder(EncoderSettings(encoder=str(tmp_path)))


def test_no_texts(tiny):
    assert load(tiny).encode([]).shape == (0, 32)


def test_a_folder_that_is_not_there_is_not_looked_for_on_the_hub(tmp_path):
    with pytest.raises(ConfigError, match="There is no folder"):
        load_encoder(EncoderSettings(encoder=str(tmp_path / "nowhere")))


def test_a_damaged_model(tiny, tmp_path):
    broken = make_tiny_encoder(tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"not a tensor")
    with pytest.raises(ConfigError, match="could not be loaded"):
        load_encoder(EncoderSettings(encoder=str(broken), max_length=32))


def test_a_model_that_wants_to_run_code_is_refused(tmp_path):
    folder = make_tiny_encoder(tmp_path / "remote")
    (folder / "evil.py").write_text("raise SystemExit('code of the model was run')")
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "unheard-of", "auto_map": {"AutoModel": "evil.Evil", "AutoConfig": "evil.Config"}}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match="could not be loaded"):
        load_encoder(EncoderSettings(encoder=str(folder), max_length=32))


def test_max_length_over_the_positions_of_the_model(tiny):
    with pytest.raises(ConfigError, match="reads at most 64 tokens"):
        load(tiny, max_length=65)


def test_only_the_top_layers_learn(tiny):
    encoder = load(tiny)
    encoder.freeze_below(1)
    learning = {name.split(".layer.")[-1].split(".")[0] for name, p in encoder.named_parameters() if p.requires_grad}
    assert learning == {"1"}
    with pytest.raises(ConfigError, match="only 2 layers"):
        encoder.freeze_below(3)
