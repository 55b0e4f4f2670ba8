"""Static token vectors: the same as model2vec gives, trainable, and made of a transformer once."""

import json
import time

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from tiny_encoder import make_tiny_encoder
from training.apps import rows

from textaxa.encoders import _distil as room
from textaxa.encoders import load_encoder
from textaxa.encoders._distil import cache_folder, distil, distilled
from textaxa.errors import ConfigError
from textaxa.persistence import load_model, save_model
from textaxa.settings import EncoderSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy
from textaxa.training import train_model

TEXTS = [
    "football club",
    "a",
    "edit a photo with the app and play music",
    "!!!",
    "1234 5678",
    "x y z " * 30,
    "日本",
    "",
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(make_tiny_encoder(tmp_path_factory.mktemp("tiny")))


@pytest.fixture(scope="module")
def static(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("static")
    distil(tiny, folder, width=16)
    return folder


def load(folder, **settings):
    return load_encoder(EncoderSettings(encoder=str(folder), **{"max_length": 200, **settings})).eval()


def test_vectors_are_those_of_model2vec(static):
    model2vec = pytest.importorskip("model2vec")
    theirs = model2vec.StaticModel.from_pretrained(static).encode(TEXTS)
    np.testing.assert_allclose(load(static).encode(TEXTS), theirs, atol=1e-5)


def test_shared_vectors_and_token_weights_are_those_of_model2vec(static, tmp_path):
    model2vec = pytest.importorskip("model2vec")
    folder = tmp_path / "shared"
    folder.mkdir()
    for name in ("config.json", "tokenizer.json"):
        (folder / name).write_bytes((static / name).read_bytes())
    random = np.random.default_rng(0)
    n = len(load_file(static / "model.safetensors")["embeddings"])
    tensors = {
        "embeddings": random.normal(size=(7, 5)).astype(np.float16),
        "mapping": random.integers(0, 7, n),
        "weights": random.random(n).astype(np.float32),
    }
    save_file(tensors, folder / "model.safetensors")
    theirs = model2vec.StaticModel.from_pretrained(folder).encode(TEXTS)
    np.testing.assert_allclose(load(folder).encode(TEXTS), theirs, atol=2e-3)


def test_a_text_is_the_mean_of_its_known_tokens(static):
    encoder = load(static)
    [(ids,)] = encoder.tokenise(["play 日本 football"])
    assert encoder.unknown in ids
    known = encoder.vectors[[i for i in ids if i != encoder.unknown]].mean(0)
    expected = (known / known.norm()).detach().numpy()
    np.testing.assert_allclose(encoder.encode(["play 日本 football"])[0], expected, atol=1e-6)
    assert (encoder.encode(["日本", ""]) == 0).all()


def test_the_same_alone_and_in_any_batch(static):
    encoder = load(static, long_text="windows", max_length=16)
    together = encoder.encode(TEXTS)
    for i, text in enumerate(TEXTS):
        np.testing.assert_allclose(encoder.encode([text])[0], together[i], atol=1e-6)


def test_windows_are_averaged(static):
    encoder = load(static, long_text="windows", max_length=8, max_windows=50)
    text = "football play match build " * 5
    [windows] = encoder.tokenise([text])
    assert len(windows) > 1
    means = np.stack([encoder.vectors[list(ids)].mean(0).detach().numpy() for ids in windows]).mean(0)
    np.testing.assert_allclose(encoder.encode([text])[0], means / np.linalg.norm(means), atol=1e-5)


def test_token_states_are_the_vectors(static):
    encoder = load(static)
    tokens = encoder.collate(encoder.tokenise(TEXTS))
    states, mask = encoder.states(tokens.input_ids, tokens.attention_mask, tokens.text_of)
    assert states.shape == (len(TEXTS), tokens.input_ids.shape[1], encoder.state_width)
    assert mask.any(1).all()
    assert (states[~mask] == 0).all()
    [(ids,)] = encoder.tokenise([TEXTS[2]])
    torch.testing.assert_close(states[2, : len(ids)], encoder.vectors[list(ids)])
    windows = load(static, long_text="windows", max_length=8)
    tokens = windows.collate(windows.tokenise(TEXTS))
    states, mask = windows.states(tokens.input_ids, tokens.attention_mask, tokens.text_of)
    assert states.shape[0] == mask.shape[0] == len(TEXTS)


def test_the_vectors_learn(static):
    encoder = load(static).train()
    tokens = encoder.collate(encoder.tokenise(TEXTS[:3]))
    encoder(tokens.input_ids, tokens.attention_mask, tokens.text_of)[:, 0].sum().backward()
    used = {i for pieces in encoder.tokenise(TEXTS[:3]) for i in pieces[0]} - {encoder.unknown}
    touched = set(torch.nonzero(encoder.vectors.grad.abs().sum(1))[:, 0].tolist())
    assert touched == used


def test_token_vectors_learn_by_the_recipe_of_encoders_that_start_from_nothing(static):
    texts, labels = rows(12)
    taxonomy = Taxonomy.from_paths([paths[0] for paths in labels])
    encoder = EncoderSettings(encoder=str(static), max_length=32)
    model = train_model(texts, labels, taxonomy, encoder=encoder)
    assert (model.settings.training.encoder_rate, model.settings.training.epochs) == (1e-3, 30)


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("head", ["chained", "hiagm-la"])
def test_a_model_is_trained_saved_and_loaded(static, tmp_path, head, frozen):
    texts, labels = rows(48)
    model = train_model(
        texts,
        labels,
        Taxonomy.from_paths([paths[0] for paths in labels], sort=True),
        head=head,
        encoder=EncoderSettings(encoder=str(static), max_length=32, frozen=frozen),
        training=TrainingSettings(epochs=30, batch_size=16, encoder_rate=1e-2, head_rate=1e-2),
    )
    assert model.settings.encoder.pooling == "mean"
    started = load(static).vectors
    assert torch.equal(model.encoder.vectors.cpu(), started) == frozen
    if head == "chained":
        found = [row[0].path for row in model.predict(texts)]
        assert np.mean([path == paths[0] for path, paths in zip(found, labels, strict=True)]) > 0.9
    again = load_model(save_model(model, tmp_path / "m"))
    np.testing.assert_allclose(again.node_proba(texts), model.node_proba(texts), atol=1e-6)


def test_the_vectors_are_components_of_the_transformers(tiny, static):
    """With all components, distances between tokens are those of the mean states, weighted by frequency."""
    from textaxa.encoders._transformer import _from_pretrained

    backbone, tokenizer = _from_pretrained(tiny)
    kept = load_file(static / "model.safetensors")["embeddings"]
    assert kept.shape == (len(tokenizer), 16)
    assert (kept[tokenizer.all_special_ids] == 0).all()
    everything = room._components(room._token_vectors(backbone.eval(), tokenizer), 10_000)
    word = tokenizer.convert_tokens_to_ids("football")
    states = backbone(**tokenizer("football", return_tensors="pt")).last_hidden_state[0].mean(0)
    other = backbone(**tokenizer("play", return_tensors="pt")).last_hidden_state[0].mean(0)
    between = np.linalg.norm(everything[word] - everything[tokenizer.convert_tokens_to_ids("play")])
    assert between == pytest.approx((states - other).norm().item(), rel=1e-3)
    np.testing.assert_allclose(kept[word], everything[word][:16] * room._weights(len(tokenizer))[word], atol=1e-5)


def test_rare_tokens_weigh_more():
    weights = room._weights(1000)
    assert (np.diff(weights) > 0).all()
    assert 0 < weights[0] < weights[-1] < 1


class TestMadeOnce:
    @pytest.fixture(autouse=True)
    def _cache(self, tmp_path, monkeypatch, tiny):
        monkeypatch.setenv("TEXTAXA_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr("textaxa.encoders._static.packaged_minilm", lambda: tiny)

    def test_static_is_made_of_the_packaged_transformer(self, caplog, tmp_path):
        first = load("static")
        assert "once" in caplog.text
        caplog.clear()
        again = load("static")
        assert not caplog.text
        assert torch.equal(first.vectors, again.vectors)
        assert [path.name[:7] for path in (tmp_path / "cache").iterdir()] == ["static-"]

    def test_static_of_another_transformer(self, tmp_path):
        other = make_tiny_encoder(tmp_path / "other", width=16)
        assert load(f"static:{other}").width == 16
        assert load("static").width == 32
        assert len(list((tmp_path / "cache").iterdir())) == 2

    def test_another_process_was_quicker(self, tiny, monkeypatch):
        real = room.distil

        def slow(source, folder):
            monkeypatch.setattr(room, "distil", real)
            distilled(source)
            real(source, folder)

        monkeypatch.setattr(room, "distil", slow)
        folder = distilled(tiny)
        assert sorted(path.name for path in folder.parent.iterdir()) == [folder.name]
        assert load(folder).width == 32

    def test_a_failure_leaves_nothing_behind(self, tiny, tmp_path, monkeypatch):
        def fail(source, folder):
            (folder / "half").write_text("")
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(room, "distil", fail)
        with pytest.raises(ConfigError, match=r"No space left.*TEXTAXA_CACHE"):
            distilled(tiny)
        assert list((tmp_path / "cache").iterdir()) == []

    def test_a_transformer_that_is_not_there(self, tmp_path):
        with pytest.raises(ConfigError, match="There is no folder"):
            load(f"static:{tmp_path / 'nowhere'}")


@pytest.mark.parametrize(
    ("platform", "variables", "end"),
    [
        ("linux", {"XDG_CACHE_HOME": "/x"}, "/x/textaxa"),
        ("linux", {}, ".cache/textaxa"),
        ("darwin", {}, "Library/Caches/textaxa"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/textaxa"),
    ],
)
def test_the_cache_folder_of_each_system(monkeypatch, platform, variables, end):
    for name in ("TEXTAXA_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.platform", platform)
    assert cache_folder().as_posix().endswith(end)


@pytest.mark.parametrize("damage", ["rows", "nan", "no embeddings", "tokenizer", "no tokenizer", "cut"])
def test_a_damaged_model_is_refused(static, tmp_path, damage):
    folder = tmp_path / "m"
    folder.mkdir()
    for file in static.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    tensors = load_file(static / "model.safetensors")
    vectors = tensors["embeddings"].copy()
    match damage:
        case "rows":
            save_file({"embeddings": vectors[:-1]}, folder / "model.safetensors")
        case "nan":
            vectors[0, 0] = np.nan
            save_file({"embeddings": vectors}, folder / "model.safetensors")
        case "no embeddings":
            save_file({"surprise": vectors}, folder / "model.safetensors")
        case "tokenizer":
            (folder / "tokenizer.json").write_text(json.dumps({"model": {"type": "Surprise"}}))
        case "no tokenizer":
            (folder / "tokenizer.json").unlink()
        case "cut":
            (folder / "model.safetensors").write_bytes(b"\x00" * 10)
    with pytest.raises(ConfigError, match="could not be loaded"):
        load(folder)


@pytest.mark.parametrize("settings", [{"pooling": "cls"}, {"pooling": "max"}])
def test_only_the_mean(static, settings):
    with pytest.raises(ConfigError, match="pooling"):
        load(static, **settings)


def test_no_layers(static):
    with pytest.raises(ConfigError, match="no layers"):
        load(static).freeze_below(1)


def test_thousands_of_texts_a_second(static):
    encoder = load(static)
    texts = ["play a football match with the club and build a puzzle " * 5] * 2000
    encoder.encode(texts[:10])
    began = time.perf_counter()
    encoder.encode(texts)
    assert time.perf_counter() - began < 10  # takes half a second; ten times that and more on a busy machine


@pytest.mark.parametrize(("max_length", "windows"), [(200, 1), (8, 3)])
def test_texts_side_by_side_have_the_vectors_that_forward_gives(static, monkeypatch, max_length, windows):
    settings = {"long_text": "windows", "max_windows": windows} if windows > 1 else {}
    encoder = load(static, max_length=max_length, **settings)
    pieces = encoder.tokenise(TEXTS)
    assert max(map(len, pieces)) == windows
    tokens = encoder.collate(pieces)
    expected = encoder(tokens.input_ids, tokens.attention_mask, tokens.text_of).detach().numpy()
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-6)
    monkeypatch.setattr("textaxa.encoders._static._TEXTS", 3)
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-6)
    assert encoder.encode([]).shape == (0, encoder.width)
    assert not encoder.encode([""]).any()
