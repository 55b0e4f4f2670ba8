"""The encoder of a model folder that somebody else changed, checksums made right again: read or refused."""

import hashlib
import json
import shutil

import pytest
from safetensors.torch import load_file, save_file
from tiny_encoder import make_tiny_encoder
from training.apps import rows

from textaxa import HierarchicalTextClassifier, load_model
from textaxa.errors import ModelFileError
from textaxa.persistence import save_model


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    place = tmp_path_factory.mktemp("encoder")
    texts, labels = rows(24)
    encoder = str(make_tiny_encoder(place / "tiny"))
    classifier = HierarchicalTextClassifier(head="flat", encoder=encoder, frozen=True, epochs=1, max_length=32)
    return save_model(classifier.fit(texts, [paths[0] for paths in labels]).model_, place / "sound")


@pytest.fixture
def folder(sound, tmp_path):
    return shutil.copytree(sound, tmp_path / "model")


def _recorded(folder, name):
    config = json.loads((folder / "config.json").read_text())
    content = (folder / name).read_bytes()
    config["files"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "config.json").write_text(json.dumps(config))


def _with_weights(folder, change):
    name = "encoder/model.safetensors"
    weights = load_file(folder / name)
    change(weights, sorted(weights)[0])
    save_file(weights, folder / name)
    _recorded(folder, name)


def _with_config(folder, **values):
    name = "encoder/config.json"
    (folder / name).write_text(json.dumps(json.loads((folder / name).read_text()) | values))
    _recorded(folder, name)


def test_the_sample_itself_is_read(folder):
    _with_config(folder)
    assert load_model(folder).predict(["football club"])


def test_missing_weights_are_not_made_up(folder):
    _with_weights(folder, lambda weights, name: weights.pop(name))
    with pytest.raises(ModelFileError, match="lacks 1 of the weights"):
        load_model(folder)


def test_weights_of_another_shape(folder):
    _with_weights(folder, lambda weights, name: weights.update({name: weights[name][:1].contiguous()}))
    with pytest.raises(ModelFileError, match="could not be loaded"):
        load_model(folder)


@pytest.mark.parametrize(
    "values",
    [
        {"hidden_size": 10**9},
        {"hidden_size": "x"},
        {"num_attention_heads": 0},
        {"num_hidden_layers": 30},
        {"vocab_size": 3},
        {"pad_token_id": 10**9},
        {"model_type": "evil", "auto_map": {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}},
    ],
)
def test_a_configuration_that_does_not_fit(folder, values):
    _with_config(folder, **values)
    with pytest.raises(ModelFileError):
        load_model(folder)


def test_code_in_the_folder_is_not_run(folder):
    (folder / "encoder" / "evil.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\n")
    _with_config(folder, auto_map={"AutoModel": "evil.Model"})
    with pytest.raises(ModelFileError, match="not among the files that were saved"):
        load_model(folder)
    _recorded(folder, "encoder/evil.py")
    assert load_model(folder).predict(["football club"])
    assert not (folder / "ran").exists()
