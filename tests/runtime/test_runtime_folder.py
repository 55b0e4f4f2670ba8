"""The ``onnx/`` part of a model folder: what it is without PyTorch, and what is refused."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from heads.taxonomies import KINDS
from onnx import TensorProto, helper
from runtime.runtime_cases import REAL, exported, make_model

from textaxa.encoders import load_encoder
from textaxa.encoders._distil import write_static
from textaxa.errors import ConfigError, ModelFileError
from textaxa.exporting import check_exportable, largest_difference, write_onnx
from textaxa.persistence import load_model, read_config, save_model
from textaxa.runtime import RuntimeModel
from textaxa.runtime._onnx_file import check_onnx_file
from textaxa.settings import EncoderSettings

TREE = KINDS["labels at inner nodes"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="module")
def saved(tiny, tmp_path_factory):
    place = tmp_path_factory.mktemp("saved")
    exported(make_model(tiny, TREE, task="multi"), place)
    return place / "model"


@pytest.fixture
def folder(saved, tmp_path):
    return Path(shutil.copytree(saved, tmp_path / "model"))


def sign_again(folder: Path, name: str) -> None:
    """Record a changed file in config.json, as somebody who means harm would."""
    config = json.loads((folder / "config.json").read_text())
    content = (folder / name).read_bytes()
    config["files"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "config.json").write_text(json.dumps(config))


def test_nothing_of_pytorch_is_imported(folder):
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['torch', 'transformers', 'safetensors', 'sklearn', 'onnx']));"
        "import textaxa, textaxa.runtime;"
        f"model = textaxa.load_model({str(folder)!r}, runtime='auto');"
        "print(type(model).__name__, [round(float(x), 6) for x in model.node_proba(['bank money'])[0]])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    expected = load_model(folder).node_proba(["bank money"])[0]
    assert done.stdout.startswith("RuntimeModel [")
    np.testing.assert_allclose(json.loads(done.stdout.partition(" ")[2]), expected, atol=1e-5)


def test_the_runtime_room_itself_imports_neither_pytorch_nor_onnxruntime():
    code = "import textaxa.runtime, textaxa.persistence._folder, sys; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"torch", "transformers", "onnxruntime", "tokenizers", "onnx", "sklearn"}


def test_the_weights_of_pytorch_may_be_missing(folder):
    shutil.rmtree(folder / "encoder")
    (folder / "head.safetensors").unlink()
    assert isinstance(load_model(folder, runtime="auto"), RuntimeModel)
    with pytest.raises(ModelFileError, match="is missing"):
        load_model(folder)


def test_which_runtime_is_taken(saved, tmp_path, monkeypatch):
    assert isinstance(load_model(saved, runtime="onnx"), RuntimeModel)
    assert not isinstance(load_model(saved), RuntimeModel)
    monkeypatch.setattr("textaxa.persistence._folder.is_installed", lambda: False)
    assert not isinstance(load_model(saved, runtime="auto"), RuntimeModel)
    plain = save_model(load_model(saved), tmp_path / "plain")
    assert not (plain / "onnx").exists()
    assert "onnx/runtime.json" in read_config(saved)["files"]
    with pytest.raises(ConfigError, match="textaxa export"):
        load_model(plain, runtime="onnx")
    with pytest.raises(ConfigError, match="not known"):
        load_model(saved, runtime="tensorflow")


def test_what_was_read_without_pytorch_cannot_be_saved(saved, tmp_path):
    with pytest.raises(ConfigError, match="torch"):
        save_model(load_model(saved, runtime="onnx"), tmp_path / "m")


def test_thresholds_come_along(tiny, tmp_path):
    model = make_model(tiny, TREE, task="multi")
    model.thresholds = np.linspace(0.1, 0.6, len(TREE))
    light = exported(model, tmp_path)
    np.testing.assert_array_equal(light.thresholds, model.thresholds)
    paths = [[one.path for one in found] for found in light.predict(REAL)]
    assert paths == [[one.path for one in found] for found in model.predict(REAL)]


@pytest.mark.parametrize("name", ["onnx/encoder.onnx", "onnx/head.onnx", "onnx/tokenizer.json", "onnx/runtime.json"])
def test_a_changed_file_is_refused(folder, name):
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ModelFileError, match=name):
        load_model(folder, runtime="onnx")


@pytest.mark.parametrize("name", ["onnx/encoder.onnx", "onnx/head.onnx", "onnx/tokenizer.json", "onnx/runtime.json"])
@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b'{"format_version": 1}'])
def test_a_broken_file_that_config_agrees_with_is_refused(folder, name, content):
    (folder / name).write_bytes(content)
    sign_again(folder, name)
    with pytest.raises(ModelFileError):
        load_model(folder, runtime="onnx")


def test_a_newer_layout_is_told(folder):
    file = folder / "onnx" / "runtime.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format_version": 99}))
    sign_again(folder, "onnx/runtime.json")
    with pytest.raises(ModelFileError, match=r"format 99.*Upgrade"):
        load_model(folder, runtime="onnx")


def test_the_export_of_another_model_is_refused(folder, tiny, tmp_path):
    (tmp_path / "other").mkdir()
    exported(make_model(tiny, KINDS["deep"]), tmp_path / "other")
    shutil.copy(tmp_path / "other" / "model" / "onnx" / "head.onnx", folder / "onnx" / "head.onnx")
    sign_again(folder, "onnx/head.onnx")
    with pytest.raises(ModelFileError, match="does not fit the model"):
        load_model(folder, runtime="onnx")


def _identity(*, domain: str = "", tensor: TensorProto | None = None) -> onnx.ModelProto:
    node = helper.make_node("Identity", ["features"], ["node_proba"], domain=domain)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["B", 6]) for name in ("features", "node_proba")]
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], [tensor] if tensor else [])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])


def _outside() -> TensorProto:
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [1], [0.0])
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../secret")
    return tensor


def test_data_outside_the_file_and_foreign_operators_are_refused(tmp_path):
    within = helper.make_node("If", ["c"], ["y"], then_branch=_identity(domain="evil").graph)
    hidden = _identity()
    hidden.graph.node.append(within)
    constant = _identity()
    constant.graph.node.append(helper.make_node("Constant", [], ["k"], value=_outside()))
    functions = _identity()
    functions.functions.append(helper.make_function("evil", "F", ["x"], ["y"], [], [helper.make_opsetid("", 18)]))
    cases = {
        "outside the file": _identity(tensor=_outside()),
        "b'evil'": _identity(domain="evil"),
        "operators of": hidden,
        "data outside": constant,
        "functions of its own": functions,
    }
    for told, model in cases.items():
        (tmp_path / "m.onnx").write_bytes(model.SerializeToString())
        with pytest.raises(ModelFileError, match=told):
            check_onnx_file(tmp_path / "m.onnx")
    (tmp_path / "m.onnx").write_bytes(_identity().SerializeToString())
    check_onnx_file(tmp_path / "m.onnx")


@pytest.mark.parametrize("share", [0.01, 0.5, 0.999])
def test_a_cut_off_file_is_refused(saved, tmp_path, share):
    whole = (saved / "onnx" / "head.onnx").read_bytes()
    (tmp_path / "m.onnx").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ModelFileError, match="no ONNX file"):
        check_onnx_file(tmp_path / "m.onnx")


def test_a_static_encoder_gives_the_same(tiny, tmp_path):
    make_model(tiny, TREE)
    tokenizer = load_encoder(EncoderSettings(encoder=str(tiny), max_length=16)).tokenise.tokenizer.backend_tokenizer
    vectors = np.random.default_rng(2).normal(size=(tokenizer.get_vocab_size(), 8)).astype(np.float32)
    write_static(tmp_path / "static", vectors, tokenizer, {"model_type": "model2vec", "normalize": True})
    model = make_model(tmp_path / "static", TREE, max_length=16, long_text="windows")
    light = exported(model, tmp_path)
    assert light.layout.normalise
    texts = [*REAL, "", "[UNK]", "the app " * 200]
    assert light.tokenise(texts) == model.encoder.tokenise(texts)
    assert largest_difference(model, light, texts) < 1e-5


def test_what_cannot_be_exported_is_refused_in_words(tiny):
    with pytest.raises(ConfigError, match="states of tokens"):
        check_exportable(make_model(tiny, TREE, "hiagm-la", "multi"))

    class Whole:
        settings = make_model(tiny, TREE).settings

    with pytest.raises(ConfigError, match="needs no export"):
        check_exportable(Whole())


def test_the_model_is_as_it_was_after_an_export(tiny, tmp_path):
    model = make_model(tiny, TREE)
    before, attention = model.node_proba(REAL), model.encoder.backbone.config._attn_implementation
    write_onnx(model, tmp_path)
    assert model.encoder.backbone.config._attn_implementation == attention
    np.testing.assert_array_equal(model.node_proba(REAL), before)
