"""A linear model in its folder: it comes back as it was, or is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from textaxa.errors import ModelFileError
from textaxa.linear import LinearModel, LinearSettings
from textaxa.persistence import load_model, save_model
from textaxa.persistence._files import fingerprints
from textaxa.taxonomy import NodeRecord, Taxonomy

TAXONOMY = Taxonomy.from_paths([("Игры", "Спорт"), ("Игры",), ("工具", "编辑器"), ("工具", "音乐")])
TEXTS = ["футбол и хоккей", "просто игра", "文本 编辑器", "音乐 播放器", "a \ud800 half 😀 line\u2028 \x00 end"] * 3
LABELS = [[("Игры", "Спорт")], [("Игры",)], [("工具", "编辑器")], [("工具", "音乐")], [("Игры",)]] * 3
NEW = [*TEXTS[:5], "nothing known", ""]


def train(task: str = "single", **settings) -> LinearModel:
    return LinearModel.fit(TEXTS, LABELS, TAXONOMY, task=task, head_settings=LinearSettings(**settings))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    model = train()
    return model, save_model(model, tmp_path_factory.mktemp("saved") / "model")


@pytest.fixture
def folder(saved, tmp_path):
    return Path(shutil.copytree(saved[1], tmp_path / "model"))


@pytest.mark.parametrize(
    ("task", "settings"),
    [
        ("single", {}),
        ("single", {"arrangement": "flat", "classifier": "logistic"}),
        ("single", {"characters": "off"}),
        ("single", {"word_ngrams": 0, "characters": "across-words"}),
        ("multi", {}),
        ("multi", {"arrangement": "flat"}),
    ],
)
def test_a_model_comes_back_to_the_same_bits(tmp_path, task, settings):
    model = train(task, **settings)
    again = load_model(save_model(model, tmp_path / "m"))
    assert isinstance(again, LinearModel)
    np.testing.assert_array_equal(again.node_proba(NEW), model.node_proba(NEW))
    assert again.features.vocabulary == model.features.vocabulary
    assert again.settings == model.settings
    assert again.summary == json.loads(json.dumps(model.summary))
    assert again.taxonomy == model.taxonomy


def test_a_dag_comes_back(tmp_path):
    records = [NodeRecord("a", (), "A"), NodeRecord("b", (), "B"), NodeRecord("c", ("a", "b"), "C")]
    dag = Taxonomy.from_records(records).with_terminals([("B",)])
    model = LinearModel.fit(["red", "blue"] * 4, [[("B", "C")], [("B",)]] * 4, dag)
    again = load_model(save_model(model, tmp_path / "m"))
    np.testing.assert_array_equal(again.node_proba(["red", "blue"]), model.node_proba(["red", "blue"]))


def test_only_json_safetensors_and_text_and_no_encoder(saved):
    names = {path.name for path in saved[1].iterdir()}
    assert names == {"config.json", "taxonomy.json", "linear.safetensors", "vocabulary.json", "README.md"}


def test_the_card_tells_what_the_model_is(saved):
    card = (saved[1] / "README.md").read_text(encoding="utf-8")
    for part in (
        "library_name: textaxa",
        "training rows: 15",
        "`linear`",
        "scikit-learn ",
        "工具 > 音乐",
        "no encoder",
    ):
        assert part in card
    assert "max_length" not in card
    assert "torch" not in card


FILES = ["linear.safetensors", "vocabulary.json"]


@pytest.mark.parametrize("name", FILES)
class TestEveryFile:
    def test_missing(self, folder, name):
        (folder / name).unlink()
        with pytest.raises(ModelFileError, match=f"{name}.*is missing"):
            load_model(folder)

    def test_one_bit_changed(self, folder, name):
        content = bytearray((folder / name).read_bytes())
        content[len(content) // 2] ^= 1
        (folder / name).write_bytes(content)
        with pytest.raises(ModelFileError, match=f"{name}.*damaged"):
            load_model(folder)

    @pytest.mark.parametrize("content", [b"", b"\x00" * 64, b"{", b"\xff" * 100])
    def test_of_something_else_with_a_true_sum(self, folder, name, content):
        (folder / name).write_bytes(content)
        sign(folder)
        with pytest.raises(ModelFileError, match="damaged"):
            load_model(folder)


def sign(folder: Path) -> None:
    """Write sizes and sums anew, as somebody would who changes a model by hand."""
    config = json.loads((folder / "config.json").read_text())
    found = {name: record for name, record in fingerprints(folder).items() if name in config["files"]}
    (folder / "config.json").write_text(json.dumps({**config, "files": found}))


def hostile(words: list[str]) -> list:
    return [
        [],
        "words",
        {},
        {"words": words},
        {"words": words, "characters": {}},
        {"words": [*words[:-1], 3], "characters": ["a"]},
        {"words": [*words[:-1], words[0]], "characters": ["a"]},
        {"words": words[:-1]},
        {"surprise": words},
        {"words": [], "characters": []},
    ]


@pytest.mark.parametrize("case", range(10))
def test_a_hostile_vocabulary(folder, case):
    found = json.loads((folder / "vocabulary.json").read_text())
    (folder / "vocabulary.json").write_text(json.dumps(hostile(found["words"])[case]))
    sign(folder)
    with pytest.raises(ModelFileError):
        load_model(folder)


def test_a_vocabulary_nested_without_end(folder):
    (folder / "vocabulary.json").write_text("[" * 100_000)
    sign(folder)
    with pytest.raises(ModelFileError, match=r"vocabulary\.json is damaged"):
        load_model(folder)


DAMAGES = {
    "missing": lambda t: t.pop("bias"),
    "too many": lambda t: t.update(surprise=t["bias"]),
    "shape": lambda t: t.update(bias=t["bias"][:-1]),
    "kind": lambda t: t.update(columns=t["columns"].astype(np.int64)),
    "not a number": lambda t: t["weights"].__setitem__(0, np.nan),
    "infinite": lambda t: t["calibration"].__setitem__((0, 0), np.inf),
    "state": lambda t: t["state"].__setitem__(0, 7),
    "nothing seen": lambda t: t["state"].fill(-1),
    "column below": lambda t: t["columns"].__setitem__(0, -1),
    "column above": lambda t: t["columns"].__setitem__(0, 1_000_000),
    "rows fall": lambda t: t["rows"].__setitem__(1, t["rows"][-1] + 1),
    "rows begin late": lambda t: t["rows"].__setitem__(0, 1),
    "rows end early": lambda t: t["rows"].__setitem__(-1, t["rows"][-1] - 1),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_weights_that_do_not_fit(folder, damage):
    file = folder / "linear.safetensors"
    tensors = {name: value.copy() for name, value in load_file(file).items()}
    DAMAGES[damage](tensors)
    save_file(tensors, file)
    sign(folder)
    with pytest.raises(ModelFileError, match=r"damaged|does not fit"):
        load_model(folder)


@pytest.mark.parametrize(
    "head",
    [
        {"name": "linear", "arrangement": "auto"},
        {"name": "linear", "arrangement": "flat"},
        {"name": "linear", "characters": "off"},
        {"name": "linear", "surprise": 1},
        {"name": "chained"},
    ],
)
def test_a_config_of_another_model(folder, head):
    config = json.loads((folder / "config.json").read_text())
    kept = {} if head["name"] != "linear" or "surprise" not in head else config["head"]
    (folder / "config.json").write_text(json.dumps({**config, "head": {**kept, **head}}))
    with pytest.raises(ModelFileError):
        load_model(folder)
