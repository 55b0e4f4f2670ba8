"""Two model folders side by side: what differs is named, and by how much; how a file is laid out is no difference."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from textaxa.errors import ModelFileError
from textaxa.persistence import FORMAT
from textaxa.persistence._compare import FileDifference, compare_folders


def folder(place, tensors, **others):
    """Write what the comparison reads of a model: sums of the files, and the files."""
    (place / "encoder").mkdir(parents=True)
    save_file(tensors, place / "encoder" / "model.safetensors", metadata=others.pop("metadata", None))
    for name, text in others.items():
        (place / f"{name}.json").write_text(text)
    sums = {
        file.relative_to(place).as_posix(): {"sha256": hash(file.read_bytes())}
        for file in place.rglob("*")
        if file.is_file()
    }
    config = {"format": FORMAT, "format_version": 1, "task": "single", "head": {}, "encoder": {}, "training": {}}
    (place / "config.json").write_text(json.dumps(config | {"summary": {}, "files": sums}))
    return place


def tensors(**changed):
    return {"a": np.arange(4.0), "b": np.ones((2, 2), np.float32)} | changed


def test_the_same_but_for_the_layout(tmp_path):
    one = folder(tmp_path / "one", tensors())
    other = folder(tmp_path / "other", tensors(), metadata={"format": "pt"})
    assert compare_folders(one, other) == ([], 1)


@pytest.mark.parametrize(
    ("changed", "differing", "largest"),
    [
        ({"a": np.array([0.0, 1.0, 2.5, 3.0])}, 1, 0.5),
        ({"a": np.arange(5.0)}, 1, None),
        ({"a": np.arange(4.0, dtype=np.float32)}, 1, 0.0),
        ({"a": np.array([-0.0, 1.0, 2.0, 3.0])}, 1, 0.0),
        ({"c": np.zeros(0)}, 1, None),
        ({"a": np.zeros(4), "b": np.zeros((2, 2), np.float32)}, 2, 3.0),
    ],
)
def test_tensors_that_differ_are_counted(tmp_path, changed, differing, largest):
    one, other = folder(tmp_path / "one", tensors()), folder(tmp_path / "other", tensors(**changed))
    (found,), files = compare_folders(one, other)
    of = len(tensors() | changed)
    assert found == FileDifference("encoder/model.safetensors", differing, of, largest)
    assert files == 1


def test_other_files_are_named(tmp_path):
    one = folder(tmp_path / "one", tensors(), taxonomy="[1]", calibration="[]")
    other = folder(tmp_path / "other", tensors(), taxonomy="[2]", thresholds="[]")
    found, files = compare_folders(one, other)
    assert [one.sentence() for one in found] == [
        "calibration.json: differs",
        "taxonomy.json: differs",
        "thresholds.json: differs",
    ]
    assert files == 4
    found, files = compare_folders(one, other, leave_out=("calibration.json", "thresholds.json"))
    assert ([one.file for one in found], files) == (["taxonomy.json"], 2)


def test_what_is_no_model_is_told(tmp_path):
    with pytest.raises(ModelFileError):
        compare_folders(folder(tmp_path / "one", tensors()), tmp_path / "none")
