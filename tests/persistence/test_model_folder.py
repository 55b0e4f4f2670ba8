"""The model folder: it comes back as it was, or is refused; an interrupted save harms nothing."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_encoder import make_tiny_encoder
from training.apps import rows

from textaxa.errors import ModelFileError
from textaxa.heads import HEADS, needs_encoder
from textaxa.persistence import FORMAT_VERSION, load_model, save_model
from textaxa.settings import EncoderSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy
from textaxa.training import train_model

TEXTS, LABELS = rows(24)
TAXONOMY = Taxonomy.from_paths([paths[0] for paths in LABELS], sort=True)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return str(make_tiny_encoder(tmp_path_factory.mktemp("tiny")))


def train(tiny, head="chained", **encoder):
    return train_model(
        TEXTS,
        LABELS,
        TAXONOMY,
        head=head,
        encoder=EncoderSettings(encoder=tiny, max_length=32, **encoder),
        training=TrainingSettings(epochs=1, batch_size=8),
    )


@pytest.fixture(scope="module")
def saved(tiny, tmp_path_factory):
    """A model and its folder; tests copy the folder before they damage it."""
    model = train(tiny)
    return model, save_model(model, tmp_path_factory.mktemp("saved") / "model")


@pytest.fixture
def folder(saved, tmp_path):
    return Path(shutil.copytree(saved[1], tmp_path / "model"))


@pytest.mark.parametrize("head", [head for head in HEADS if needs_encoder(head)])
@pytest.mark.parametrize("frozen", [False, True])
def test_a_model_comes_back_to_the_same_bits(tiny, tmp_path, head, frozen):
    """transformers 5 leaves parameters uninitialised that a model of its own makes itself; heads live outside of it."""
    model = train(tiny, head, frozen=frozen)
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    np.testing.assert_array_equal(model.node_proba(TEXTS), again.node_proba(TEXTS))
    for name, value in model.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value, rtol=0, atol=0)
    assert again.settings == model.settings
    assert again.summary == json.loads(json.dumps(model.summary))
    assert again.taxonomy == model.taxonomy


def test_only_json_safetensors_and_text(saved):
    suffixes = {path.suffix for path in saved[1].rglob("*") if path.is_file()}
    assert suffixes <= {".json", ".safetensors", ".md", ".txt"}


def test_the_encoder_folder_serves_transformers(saved):
    from transformers import AutoModel

    assert AutoModel.from_pretrained(saved[1] / "encoder").config.hidden_size == 32


def test_the_card_tells_what_the_model_is(saved):
    card = (saved[1] / "README.md").read_text(encoding="utf-8")
    for part in ("library_name: textaxa", "training rows: 24", "`chained`", "torch ", "Games > Sports"):
        assert part in card


def test_the_card_may_be_edited_or_left_out(folder):
    (folder / "README.md").unlink()
    load_model(folder)


def change(folder: Path, **entries) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, **entries}))


FILES = ["head.safetensors", "taxonomy.json", "encoder/model.safetensors", "encoder/tokenizer.json"]


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

    def test_cut_short(self, folder, name):
        content = (folder / name).read_bytes()
        (folder / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(ModelFileError, match=f"{name}.*damaged"):
            load_model(folder)


def test_no_folder(tmp_path):
    with pytest.raises(ModelFileError, match="There is no model folder"):
        load_model(tmp_path / "nowhere")


def test_a_folder_of_something_else(tmp_path, tiny):
    with pytest.raises(ModelFileError, match=r"no config\.json"):
        load_model(tmp_path)
    with pytest.raises(ModelFileError, match="something else"):
        load_model(tiny)


def test_a_newer_format(folder):
    change(folder, format_version=FORMAT_VERSION + 1, textaxa_version="9.9")
    with pytest.raises(ModelFileError, match=r"written by textaxa 9\.9.*Upgrade"):
        load_model(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "[" * 100_000, '{"format": "textaxa-model"}', "\x00"])
def test_a_config_that_is_no_config(folder, content):
    (folder / "config.json").write_text(content)
    with pytest.raises(ModelFileError):
        load_model(folder)


@pytest.mark.parametrize(
    "entries",
    [
        {"format_version": "1"},
        {"task": "triple"},
        {"task": 3},
        {"head": {"name": "unknown"}},
        {"head": {}},
        {"head": {"name": "chained", "feed": "sideways"}},
        {"encoder": {"max_length": -1}},
        {"training": {"surprise": 1}},
        {"files": []},
        {"summary": None},
    ],
)
def test_a_config_with_wrong_values(folder, entries):
    change(folder, **entries)
    with pytest.raises(ModelFileError):
        load_model(folder)


def test_file_names_that_lead_out_of_the_folder(folder):
    config = json.loads((folder / "config.json").read_text())
    change(folder, files={**config["files"], "../outside": {"bytes": 0, "sha256": ""}})
    with pytest.raises(ModelFileError, match="outside the model folder"):
        load_model(folder)


def test_file_records_that_are_none(folder):
    files = json.loads((folder / "config.json").read_text())["files"]
    change(folder, files={**files, "taxonomy.json": 3})
    with pytest.raises(ModelFileError, match=r"taxonomy\.json' is damaged"):
        load_model(folder)


@pytest.mark.parametrize("damage", ["nan", "shape", "missing"])
def test_weights_that_do_not_fit(folder, damage):
    from safetensors.torch import load_file, save_file

    from textaxa.persistence._files import fingerprints

    weights = load_file(folder / "head.safetensors")
    name = "head.classifiers.0.weight"
    if damage == "nan":
        weights[name][0, 0] = float("nan")
    elif damage == "shape":
        weights[name] = weights[name][:1].contiguous()
    else:
        del weights[name]
    save_file(weights, folder / "head.safetensors")
    (folder / "config.json").rename(folder.parent / "config.json")
    files = fingerprints(folder)
    (folder.parent / "config.json").rename(folder / "config.json")
    change(folder, files=files)
    with pytest.raises(ModelFileError, match=r"not finite|shape|missing or too many"):
        load_model(folder)


def test_a_place_that_holds_something_else_is_left_alone(saved, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(ModelFileError, match="left alone"):
        save_model(saved[0], tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


def test_saving_over_a_model_replaces_it_and_leaves_nothing_behind(saved, folder):
    (folder / "old-file").write_text("of the old model")
    save_model(saved[0], folder)
    load_model(folder)
    assert not (folder / "old-file").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_a_failing_save_leaves_the_old_model(saved, folder, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("textaxa.persistence._neural.save_file", fail)
    with pytest.raises(ModelFileError, match="No space left"):
        save_model(saved[0], folder)
    monkeypatch.undo()
    load_model(folder)
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


KILLED = """
import os, signal, sys
from pathlib import Path
from textaxa.persistence import _files, load_model, save_model

model = load_model(sys.argv[1])
point, seen = int(sys.argv[2]), 0

def dying(name):
    real = getattr(Path, name)
    def wrapper(self, *args, **kwargs):
        global seen
        seen += 1
        if seen == point:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(self, *args, **kwargs)
    return wrapper

for name in ("rename", "chmod", "write_text"):
    setattr(Path, name, dying(name))
save_model(model, sys.argv[1])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is not known on Windows")
@pytest.mark.parametrize("point", range(1, 8))
def test_a_save_killed_at_any_point_leaves_a_whole_model(saved, folder, point):
    command = [sys.executable, "-c", KILLED, str(folder), str(point)]
    done = subprocess.run(command, env=os.environ, timeout=120, check=False)
    assert done.returncode in (0, -signal.SIGKILL)
    np.testing.assert_array_equal(load_model(folder).node_proba(TEXTS), saved[0].node_proba(TEXTS))


def test_a_link_that_leads_out_of_the_folder(folder, tmp_path):
    (tmp_path / "secret.json").write_text("{}")
    (folder / "encoder/added_tokens.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(ModelFileError, match="is a link that leads out"):
        load_model(folder)


def test_a_file_of_the_encoder_that_nobody_recorded(folder):
    (folder / "encoder/added_tokens.json").write_text("{}")
    with pytest.raises(ModelFileError, match="not among the files that were saved"):
        load_model(folder)


@pytest.mark.parametrize("name", ["x" * 5000, "a\x00b", "gone.json"])
def test_names_that_no_file_has(folder, name):
    config = json.loads((folder / "config.json").read_text())
    config["files"][name] = {"bytes": 1, "sha256": "0"}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelFileError, match="is missing"):
        load_model(folder)
