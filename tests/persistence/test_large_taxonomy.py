"""The taxonomy of a model folder, where it is too large for JSON."""

import json
import shutil

import pytest

from textaxa.errors import ModelFileError
from textaxa.jobs.info import info
from textaxa.persistence import read_model_taxonomy, verify
from textaxa.persistence._config import write_model_taxonomy
from textaxa.persistence._files import fingerprints
from textaxa.taxonomy import Taxonomy

TAXONOMY = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
CONFIG = {"format": "textaxa-model", "format_version": 1, "task": "single", "head": {"name": "flat"}}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr("textaxa.persistence._config.MOST_NODES_AS_JSON", 3)
    write_model_taxonomy(TAXONOMY, tmp_path)
    return tmp_path


def test_small_ones_stay_readable(tmp_path):
    write_model_taxonomy(TAXONOMY, tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["taxonomy.json"]
    assert '"Sports"' in (tmp_path / "taxonomy.json").read_text()
    assert read_model_taxonomy(tmp_path) == TAXONOMY


def test_large_ones_are_arrays(folder):
    assert [file.name for file in folder.iterdir()] == ["taxonomy.arrays"]
    assert read_model_taxonomy(folder) == TAXONOMY
    assert read_model_taxonomy(folder).index(("Games", "Cards")) == TAXONOMY.index(("Games", "Cards"))


@pytest.mark.parametrize("name", ["parents.npy", "names.npy", "about.json"])
def test_damage_is_found_by_sums_and_told_of(folder, name):
    sums = fingerprints(folder)
    assert f"taxonomy.arrays/{name}" in sums
    verify(folder, sums)
    file = folder / "taxonomy.arrays" / name
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ModelFileError, match=f"{name}.*damaged"):
        verify(folder, sums)
    file.write_bytes(b"")
    with pytest.raises(ModelFileError, match=r"taxonomy\.arrays is damaged"):
        read_model_taxonomy(folder)


def test_none_at_all(folder):
    shutil.rmtree(folder / "taxonomy.arrays")
    with pytest.raises(ModelFileError, match=r"no taxonomy\.json and no taxonomy\.arrays"):
        read_model_taxonomy(folder)


def test_info_counts_nodes_of_arrays(folder):
    rest = {"encoder": {}, "training": {}, "summary": {}, "files": {}}
    (folder / "config.json").write_text(json.dumps({**CONFIG, **rest}))
    told = info(folder)
    assert (told.nodes, told.levels, told.terminals) == (4, 2, 3)


def test_a_model_with_a_large_taxonomy_comes_back(tmp_path, monkeypatch):
    """Through the whole of saving and loading; `linear` needs no encoder."""
    from textaxa.persistence import load_model, save_model
    from textaxa.training import train_model

    texts = ["chess and cards", "poker cards", "football match", "running and football", "a hammer", "saw and hammer"]
    labels = [[("Games", "Cards")]] * 2 + [[("Games", "Sports")]] * 2 + [[("Tools",)]] * 2
    model = train_model(texts, labels, TAXONOMY, head="linear")
    monkeypatch.setattr("textaxa.persistence._config.MOST_NODES_AS_JSON", 3)
    first = save_model(model, tmp_path / "model")
    assert not (first / "taxonomy.json").exists()
    again = load_model(first)
    assert again.taxonomy == TAXONOMY
    assert again.node_proba(texts).tolist() == model.node_proba(texts).tolist()
    # Over itself, while its arrays are mapped.
    save_model(again, first)
    assert load_model(first).taxonomy == again.taxonomy
    assert list(again.taxonomy.nodes) == list(TAXONOMY.nodes)
