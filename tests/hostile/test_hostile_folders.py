"""Model folders of every kind that somebody else changed, checksums made right again: read or refused."""

import json
import random
import shutil

import numpy as np
import pytest
import torch
from hostile import files
from hostile.files import Scratch
from hostile.folders import KINDS, folder_readers, model_folder, neural, read_folder, record, with_json, with_weights
from hostile.readers import changed_json, damaged
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from textaxa import load_model
from textaxa.errors import DataError, ModelFileError
from textaxa.persistence import save_model

pytest.importorskip("onnx", reason="the extra export is not installed")
SCRATCH = Scratch()
READERS = dict(folder_readers(SCRATCH, KINDS[1:]))
EXAMPLES = 6


@pytest.fixture(scope="module", autouse=True)
def _scratch():
    yield
    SCRATCH.gone()


@pytest.fixture
def folder_of(tmp_path):
    """Give a copy of the sound folder of a kind."""

    def copied(kind):
        return shutil.copytree(SCRATCH.folder / f"model-{kind}", tmp_path / "model")

    return copied


@pytest.mark.parametrize("name", READERS)
def test_the_sample_itself_is_read(name, monkeypatch):
    """Else the tests below would try refusals only."""
    monkeypatch.setattr(files, "ALLOWED", ())
    read, sample = READERS[name]
    read(sample)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
def test_damaged_files_are_read_or_refused(name, seed):
    read, sample = READERS[name]
    read(damaged(sample, random.Random(seed)))  # noqa: S311


@pytest.mark.parametrize("name", [name for name in READERS if name.endswith(".json")])
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1))
def test_other_values_are_read_or_refused(name, seed):
    read, sample = READERS[name]
    read(changed_json(sample, random.Random(seed)))  # noqa: S311


ENCODER = "encoder/config.json"


@pytest.mark.parametrize(
    "values",
    [
        {"vocab_size": 10**9},
        {"vocab_size": 10**6},
        {"intermediate_size": 10**9},
        {"max_position_embeddings": 10**8},
        {"num_hidden_layers": 10**6},
        {"num_labels": 10**7},
        {"type_vocab_size": 10**7},
        {"rope": {"deep": [[10**12]]}},
    ],
)
def test_an_encoder_larger_than_its_weights_is_refused_before_it_is_made(folder_of, values, monkeypatch):
    """A vocabulary of 10^9 entries is 32 GB, which PyTorch would ask the system for."""
    folder = folder_of("neural")
    with_json(folder, ENCODER, values)
    monkeypatch.setattr("transformers.AutoModel.from_pretrained", lambda *a, **k: pytest.fail("it was made"))
    with pytest.raises(ModelFileError, match="but its weights are"):
        load_model(folder)


@pytest.mark.parametrize(
    ("head", "values"),
    [("cascade", {"hidden": 8192}), ("hiagm-tp", {"node_width": 8192}), ("chained", {"fed_width": 8192})],
)
def test_a_head_larger_than_its_weights_is_refused_before_it_is_made(tmp_path, head, values):
    own = {"fed_as": "embedding"} if head == "chained" else {}
    folder = save_model(neural(SCRATCH.folder, head=head, **own), tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"head": config["head"] | values}))
    with pytest.raises(ModelFileError, match="its settings ask for"):
        load_model(folder)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("neural", "encoder/model.safetensors"),
        ("static", "encoder/model.safetensors"),
        ("textrcnn", "encoder/model.safetensors"),
        ("neural", "head.safetensors"),
        ("linear", "linear.safetensors"),
    ],
)
def test_weights_that_are_no_numbers_are_refused_when_they_are_read(kind, name, number, tmp_path):
    folder = model_folder(tmp_path, kind)

    def change(weights):
        floating = sorted(part for part, value in weights.items() if value.is_floating_point())
        weights[floating[-1]].view(-1)[-1] = number

    with_weights(folder, change, name)
    with pytest.raises(ModelFileError, match="not finite"):
        load_model(folder)


def test_weights_too_large_to_compute_with_are_told_at_the_first_text(folder_of):
    """Finite ones that overflow: only computing tells."""
    folder = folder_of("neural")
    with_weights(
        folder, lambda weights: weights.update({n: torch.full_like(v, 3e38) for n, v in weights.items()}),
        "head.safetensors",
    )  # fmt: skip
    model = load_model(folder)
    with pytest.raises(DataError, match="not finite"):
        model.predict(["football club"])


def test_weights_that_are_said_to_lie_elsewhere(folder_of):
    folder = folder_of("neural")
    (folder / "encoder/model.safetensors").rename(folder.parent / "other.safetensors")
    config = json.loads((folder / "config.json").read_text())
    del config["files"]["encoder/model.safetensors"]
    (folder / "config.json").write_text(json.dumps(config))
    index = "encoder/model.safetensors.index.json"
    (folder / index).write_text(json.dumps({"weight_map": {"embeddings": "../../other.safetensors"}}))
    record(folder, index)
    with pytest.raises(ModelFileError, match="not in the same folder"):
        load_model(folder)


@pytest.mark.parametrize("kind", ["neural", "static"])
def test_a_tokenizer_that_gives_ids_without_a_vector(folder_of, kind):
    folder = folder_of(kind)
    stored = json.loads((folder / "encoder/tokenizer.json").read_text())
    stored["model"]["vocab"]["football"] = 10**6
    with_json(folder, "encoder/tokenizer.json", stored)
    model = load_model(folder)
    with pytest.raises(ModelFileError, match="the token id 1,000,000"):
        model.predict(["football club"])


@pytest.mark.parametrize("name", ["neural", "onnx"])
def test_a_tokenizer_that_the_library_refuses(folder_of, name):
    """The library raises bare exceptions."""
    folder = folder_of(name)
    file = "onnx/tokenizer.json" if name == "onnx" else "encoder/tokenizer.json"
    with_json(folder, file, {"padding": True})
    with pytest.raises(ModelFileError, match="tokenizer"):
        read_folder(folder, name)


def test_links_in_the_folder_of_a_fast_path(folder_of, tmp_path):
    folder = folder_of("fast path")
    (tmp_path / "secret").mkdir()
    (folder / "more").symlink_to(tmp_path / "secret")
    with pytest.raises(ModelFileError, match="is a link that leads out"):
        load_model(folder)


def test_a_part_of_a_fast_path_that_is_a_link_to_elsewhere(folder_of, tmp_path):
    folder = folder_of("fast path")
    shutil.move(folder / "cheap", tmp_path / "elsewhere")
    (folder / "cheap").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(ModelFileError, match=r"leads out of|outside the model folder"):
        load_model(folder)


@pytest.mark.parametrize("name", ["onnx/../../outside.onnx", "/etc/passwd", "encoder/../../x", ".."])
@pytest.mark.parametrize("kind", ["neural", "fast path"])
def test_names_that_lead_out_of_the_folder(folder_of, kind, name):
    folder = folder_of(kind)
    config = json.loads((folder / "config.json").read_text())
    config["files"][name] = {"bytes": 1, "sha256": "0"}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelFileError, match="outside the model folder"):
        load_model(folder)


def test_a_graph_that_goes_round_is_refused(folder_of):
    onnx = pytest.importorskip("onnx")
    folder = folder_of("onnx")
    model = onnx.load(folder / "onnx/head.onnx")
    body = onnx.helper.make_graph([], "body", [], [])
    model.graph.node.append(onnx.helper.make_node("Loop", ["", ""], [], body=body))
    onnx.save(model, folder / "onnx/head.onnx")
    record(folder, "onnx/head.onnx")
    with pytest.raises(ModelFileError, match="the operator Loop"):
        read_folder(folder, "onnx")


def test_an_export_of_another_tokenizer_is_told_when_it_is_computed(folder_of):
    folder = folder_of("onnx")
    stored = json.loads((folder / "onnx/tokenizer.json").read_text())
    stored["model"]["vocab"]["football"] = 10**6
    with_json(folder, "onnx/tokenizer.json", stored)
    model = load_model(folder, runtime="onnx")
    with pytest.raises(ModelFileError, match="could not be computed"):
        model.predict(["football club"])


def test_a_damaged_export_writes_nothing_on_standard_output(folder_of, capfd):
    """ONNX Runtime tries a second time, and says so there, where answers go."""
    folder = folder_of("onnx")
    content = (folder / "onnx/head.onnx").read_bytes()
    (folder / "onnx/head.onnx").write_bytes(content.replace(b"node_proba", b"node_\xff\xfeoba"))
    record(folder, "onnx/head.onnx")
    with pytest.raises(ModelFileError):
        read_folder(folder, "onnx")
    assert capfd.readouterr().out == ""
