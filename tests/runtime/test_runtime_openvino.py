"""OpenVINO computes the same file: in fp32 the numbers of PyTorch, in bf16 near ones; when it is taken, and refused."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from heads.taxonomies import KINDS
from runtime.runtime_cases import REAL, TEXTS, exported, make_model
from runtime.test_runtime_folder import sign_again

from textaxa.answers import opened
from textaxa.errors import ConfigError, ModelFileError
from textaxa.exporting import largest_difference
from textaxa.persistence import load_model, save_model
from textaxa.runtime import computes_bf16

pytest.importorskip("openvino")

TREE = KINDS["labels at inner nodes"]
BF16_TOLERANCE = 0.02
"""Of a probability: bf16 keeps 8 bits of a number. Fine-tuned models of 80 real texts moved by at most 0.013."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="module")
def model(tiny):
    return make_model(tiny, TREE, long_text="windows", max_windows=3)


@pytest.fixture(scope="module")
def fp32(model, tmp_path_factory):
    place = tmp_path_factory.mktemp("fp32")
    exported(model, place)
    return place / "model"


@pytest.fixture(scope="module")
def bf16(model, tmp_path_factory):
    place = tmp_path_factory.mktemp("bf16")
    exported(model, place, precision="bf16")
    return place / "model"


def test_in_fp32_it_gives_the_numbers_of_pytorch_alone_and_in_a_batch(model, fp32):
    light = load_model(fp32, runtime="openvino")
    assert light.computed_by == "OpenVINO (fp32)"
    assert largest_difference(model, light, TEXTS) < 1e-5
    together = light.node_proba(TEXTS)
    alone = np.concatenate([light.node_proba([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-5)


@pytest.mark.skipif(not computes_bf16(), reason="no instructions for bf16 here")
def test_in_bf16_it_is_near_alone_and_in_a_batch(model, bf16):
    light = load_model(bf16, runtime="auto")
    assert light.computed_by == "OpenVINO (bf16)"
    exact, found = model.encoder.encode(REAL), light.encode(REAL)
    cosine = (exact * found).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(found, axis=1)
    assert cosine.min() > 0.999
    assert not np.array_equal(exact, found)
    together = light.node_proba(TEXTS)
    np.testing.assert_allclose(together, model.node_proba(TEXTS), atol=BF16_TOLERANCE)
    alone = np.concatenate([light.node_proba([text]) for text in TEXTS])
    np.testing.assert_allclose(together, alone, atol=1e-3)


def test_without_bf16_instructions_the_same_folder_is_computed_in_fp32(model, bf16, monkeypatch):
    monkeypatch.setattr("textaxa.runtime._openvino._has_bf16", lambda core: False)
    assert load_model(bf16, runtime="auto").computed_by == "ONNX Runtime (fp32)"
    light = load_model(bf16, runtime="openvino")
    assert light.computed_by == "OpenVINO (fp32)"
    assert largest_difference(model, light, TEXTS) < 1e-5


def test_auto_takes_it_only_where_the_export_allows_bf16_and_it_is_there(fp32, bf16, monkeypatch):
    monkeypatch.setattr("textaxa.runtime._openvino._has_bf16", lambda core: True)
    assert load_model(fp32, runtime="auto").computed_by == "ONNX Runtime (fp32)"
    assert load_model(bf16, runtime="auto").computed_by.startswith("OpenVINO")
    assert load_model(bf16, runtime="onnx").computed_by == "ONNX Runtime (fp32)"
    monkeypatch.setattr("textaxa.runtime._openvino.is_openvino_installed", lambda: False)
    assert load_model(bf16, runtime="auto").computed_by == "ONNX Runtime (fp32)"


def test_promises_are_made_in_fp32(bf16):
    assert opened(bf16, runtime="auto", exact=True).computed_by == "ONNX Runtime (fp32)"
    with pytest.raises(ConfigError, match="computed in bf16"):
        opened(bf16, runtime="openvino", exact=True)


def test_8_bit_weights_and_models_without_an_export_are_refused(model, tmp_path):
    exported(model, tmp_path, precision="int8")
    with pytest.raises(ConfigError, match="8-bit"):
        load_model(tmp_path / "model", runtime="openvino")
    plain = save_model(model, tmp_path / "plain")
    with pytest.raises(ConfigError, match="textaxa export"):
        load_model(plain, runtime="openvino")


def test_files_are_looked_into_before_openvino_reads_them(fp32, tmp_path):
    folder = Path(shutil.copytree(fp32, tmp_path / "model"))
    content = (folder / "onnx" / "encoder.onnx").read_bytes()
    (folder / "onnx" / "encoder.onnx").write_bytes(content[: len(content) // 2])
    sign_again(folder, "onnx/encoder.onnx")
    with pytest.raises(ModelFileError, match="no ONNX file"):
        load_model(folder, runtime="openvino")
    shutil.copy(folder / "onnx" / "head.onnx", folder / "onnx" / "encoder.onnx")
    sign_again(folder, "onnx/encoder.onnx")
    with pytest.raises(ModelFileError, match="does not fit the model"):
        load_model(folder, runtime="openvino")


def test_nothing_of_pytorch_is_imported(fp32):
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['torch', 'transformers', 'openvino_telemetry', 'onnx']));"
        "import textaxa;"
        f"model = textaxa.load_model({str(fp32)!r}, runtime='openvino');"
        "print([round(float(x), 6) for x in model.node_proba(['bank money'])[0]])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    expected = load_model(fp32).node_proba(["bank money"])[0]
    np.testing.assert_allclose(json.loads(done.stdout), expected, atol=1e-5)
