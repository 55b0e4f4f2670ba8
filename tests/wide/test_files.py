"""A wide head in a folder: the same when it is read, mapped and not copied; and every kind of broken folder."""

import json

import numpy as np
import pytest
from wide.wide_cases import WIDTH, random_head

from textaxa.errors import ModelFileError
from textaxa.taxonomy import Taxonomy
from textaxa.wide import load_wide, save_wide

TAXONOMY = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Games",), ("Tools", "Clocks")])


@pytest.fixture
def folder(tmp_path):
    return save_wide(random_head(TAXONOMY, 0).astype("int8"), tmp_path / "wide")


@pytest.mark.parametrize("name", ["float32", "float16", "int8"])
def test_a_head_that_is_read_answers_the_same(name, tmp_path):
    head = random_head(TAXONOMY, 0).astype(name)
    features = np.random.default_rng(0).standard_normal((5, WIDTH))
    read = load_wide(save_wide(head, tmp_path / "deep" / "wide"), TAXONOMY)
    np.testing.assert_array_equal(read.search(features, k=3).probabilities, head.search(features, k=3).probabilities)
    assert read.rows.values.dtype == name
    assert type(read.rows.values) is np.ndarray
    assert isinstance(read.rows.values.base, np.memmap)
    assert not read.rows.values.flags.writeable


def test_nothing_is_overwritten_and_nothing_half_written_stays(folder):
    with pytest.raises(ModelFileError, match="exists"):
        save_wide(random_head(TAXONOMY, 1), folder)
    assert [path.name for path in folder.parent.iterdir()] == ["wide"]
    with pytest.raises(ModelFileError, match="cannot be written"):
        save_wide(random_head(TAXONOMY, 1), folder / "wide.json" / "below")


def test_another_taxonomy_is_refused(folder):
    other = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Chess"), ("Games",), ("Tools", "Clocks")])
    with pytest.raises(ModelFileError, match="another taxonomy"):
        load_wide(folder, other)


@pytest.mark.parametrize("name", ["wide.json", "rows.npy", "bias.npy", "scale.npy"])
def test_a_file_that_is_missing_cut_or_foreign_is_told(folder, name):
    file = folder / name
    whole = file.read_bytes()
    for damaged in (
        whole[: len(whole) // 2],
        whole[:5],
        b"",
        b"\x00" * 400,
        b"[" * 9000,
        b"{}",
        b"\x93NUMPY\x01\x00\xff\xff",
    ):
        file.write_bytes(damaged)
        with pytest.raises(ModelFileError, match="wide"):
            load_wide(folder, TAXONOMY)
    file.unlink()
    with pytest.raises(ModelFileError, match="wide"):
        load_wide(folder, TAXONOMY)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("format", "textaxa-model", "does not describe"),
        ("version", 2, "Update"),
        ("taxonomy", "0" * 64, "another taxonomy"),
        ("taxonomy", None, "another taxonomy"),
        ("options", 4, "belongs there"),
        ("options", True, "edited"),
        ("options", -1, "edited"),
        ("width", 10**30, "belongs there"),
        ("width", "6", "edited"),
        ("rows", "float64", "edited"),
        ("rows", ["int8"], "edited"),
        ("rows", "float16", "belongs there"),
        ("more", 1, "edited"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(folder, key, value, told):
    file = folder / "wide.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))
    with pytest.raises(ModelFileError, match=told):
        load_wide(folder, TAXONOMY)


def test_as_many_rows_as_are_told_but_not_as_the_taxonomy_needs(tmp_path):
    folder = save_wide(random_head(TAXONOMY, 0), tmp_path / "wide")
    for name in ("rows", "bias"):
        array = np.load(folder / f"{name}.npy")
        np.save(folder / f"{name}.npy", np.concatenate([array, array]))
    told = json.loads((folder / "wide.json").read_text())
    (folder / "wide.json").write_text(json.dumps(told | {"options": 2 * told["options"]}))
    with pytest.raises(ModelFileError, match="damaged"):
        load_wide(folder, TAXONOMY)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("rows", lambda a: a.astype(">f4")),
        ("rows", np.asfortranarray),
        ("rows", lambda a: a.astype(np.float64)),
        ("rows", lambda a: a[:, :-1]),
        ("rows", lambda a: np.where(np.arange(a.size).reshape(a.shape) == 7, np.nan, a).astype(np.float32)),
        ("bias", lambda a: a * np.float32(np.inf)),
        ("bias", lambda a: a.reshape(-1, 1)),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_arrays_that_do_not_fit_are_refused(tmp_path, name, change):
    folder = save_wide(random_head(TAXONOMY, 0), tmp_path / "wide")
    array = np.load(folder / f"{name}.npy")
    np.save(folder / f"{name}.npy", change(array))
    with pytest.raises(ModelFileError, match=rf"{name}\.npy"):
        load_wide(folder, TAXONOMY)


def test_nothing_pickled_is_read(folder):
    np.save(folder / "rows.npy", np.array([print], dtype=object), allow_pickle=True)
    with pytest.raises(ModelFileError, match="cannot be read"):
        load_wide(folder, TAXONOMY)
