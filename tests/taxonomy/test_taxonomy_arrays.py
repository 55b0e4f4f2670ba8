"""Taxonomies stored as arrays: the same taxonomy comes back, and what was edited or damaged is refused."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from taxonomy_strategies import dag_records, paths

from textaxa.errors import TaxonomyError
from textaxa.taxonomy import NodeRecord, Taxonomy, read_taxonomy
from textaxa.taxonomy._packed import PackedTexts

ARRAYS = ("parents", "parents_start", "is_terminal", "names", "names_start")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("arrays")


def stored(taxonomy, place):
    """Write, read back."""
    folder = place / "one.arrays"
    shutil.rmtree(folder, ignore_errors=True)
    taxonomy.to_arrays(folder)
    return Taxonomy.from_arrays(folder)


def same(left, right):
    assert left == right
    assert left.fingerprint == right.fingerprint
    assert left.to_dict() == right.to_dict()
    assert list(left.nodes) == list(right.nodes)
    assert [left.path(i) for i in range(len(left))] == list(right.nodes)
    assert [left.index(path) for path in right.nodes] == list(range(len(right)))
    assert (left.names, left.descriptions, left.codes) == (right.names, right.descriptions, right.codes)
    for array in ("parent", "depth", "is_terminal", "is_leaf", "terminals"):
        mine, theirs = getattr(left, array), getattr(right, array)
        assert mine.dtype == theirs.dtype
        assert mine.tolist() == theirs.tolist()
        assert not mine.flags.writeable
    for rows in ("parents", "children", "ancestors", "descendants"):
        assert getattr(left, rows) == getattr(right, rows)


class TestRoundTrip:
    @settings(max_examples=60)
    @given(paths())
    def test_trees(self, place, some):
        taxonomy = Taxonomy.from_paths(some, descriptions={some[0]: 'What "belongs" here\\\n'})
        same(stored(taxonomy, place), taxonomy)

    @settings(max_examples=60)
    @given(dag_records())
    def test_dags(self, place, records):
        taxonomy = Taxonomy.from_records(records)
        same(stored(taxonomy, place), taxonomy)

    def test_twice_and_with_other_terminals(self, tmp_path):
        taxonomy = Taxonomy.from_paths([("A", "B"), ("A", "C", "D")])
        taxonomy.to_arrays(tmp_path / "1")
        first = Taxonomy.from_arrays(tmp_path / "1")
        everywhere = first.with_terminals("all")
        everywhere.to_arrays(tmp_path / "2")
        same(Taxonomy.from_arrays(tmp_path / "2"), taxonomy.with_terminals("all"))
        same(first, taxonomy)

    def test_names_are_decoded_one_by_one(self, tmp_path):
        Taxonomy.from_paths([("Ä", "B"), ("Ä", "音楽")]).to_arrays(tmp_path / "one")
        taxonomy = Taxonomy.from_arrays(tmp_path / "one")
        assert taxonomy.path(taxonomy.index(("Ä", "音楽"))) == ("Ä", "音楽")
        assert "names" not in vars(taxonomy), "a path needs no list of all names"

    def test_errors_name_neighbours(self, tmp_path):
        Taxonomy.from_paths([("Games", "Sports"), ("Tools", "Other")]).to_arrays(tmp_path / "one")
        taxonomy = Taxonomy.from_arrays(tmp_path / "one")
        with pytest.raises(TaxonomyError, match="Did you mean 'Sports'"):
            taxonomy.index(("Games", "Sport"))
        with pytest.raises(TaxonomyError, match="lies in another branch"):
            taxonomy.index(("Games", "Other"))

    def test_nothing_is_overwritten(self, tmp_path):
        taxonomy = Taxonomy.from_paths([("A",)])
        taxonomy.to_arrays(tmp_path / "one")
        with pytest.raises(TaxonomyError, match="exists"):
            taxonomy.to_arrays(tmp_path / "one")
        assert [file.name for file in tmp_path.iterdir()] == ["one"]


class TestPackedTexts:
    @given(st.lists(st.text(max_size=12), max_size=20))
    def test_is_a_sequence(self, texts):
        texts = [text.encode("utf-8", "ignore").decode() for text in texts]
        packed = PackedTexts.of(texts)
        assert list(packed) == texts
        assert [packed[i] for i in range(len(texts))] == texts
        assert packed[1:3] == tuple(texts[1:3])
        assert packed[::-2] == tuple(texts[::-2])
        assert packed == texts
        assert packed == PackedTexts.of(texts)
        assert b"".join(packed.as_json()).decode() == json.dumps(texts, ensure_ascii=False)

    def test_blocks(self, monkeypatch):
        monkeypatch.setattr("textaxa.taxonomy._packed._AT_ONCE", 3)
        texts = ["a", "ä", '"', "", "\\", "b\x01", "c", "d", "e", "f"]
        packed = PackedTexts.of(texts)
        assert list(packed) == texts
        assert b"".join(packed.as_json()).decode() == json.dumps(texts, ensure_ascii=False)

    def test_blank(self):
        assert list(PackedTexts.blank(3)) == ["", "", ""]


@pytest.fixture
def folder(tmp_path):
    taxonomy = Taxonomy.from_paths(
        [
            ("Games", "Sports", "Football"),
            ("Games", "Sports"),
            ("Games", "Cards"),
            ("Tools", "Clocks"),
            ("Tools", "Maps"),
        ],
        descriptions={("Games",): "Play."},
    )
    taxonomy.to_arrays(tmp_path / "one.arrays")
    return tmp_path / "one.arrays"


def load(folder, name):
    return np.load(folder / f"{name}.npy")


def put(folder, name, array):
    np.save(folder / f"{name}.npy", array)


def renamed(folder, node, name):
    """Give a node another name, whatever it is."""
    texts = [load(folder, "names").tobytes()[a:b] for a, b in zip(*_ends(folder), strict=True)]
    texts[node] = name
    put(folder, "names", np.frombuffer(b"".join(texts), dtype=np.uint8))
    put(folder, "names_start", np.cumsum([0, *map(len, texts)]))


def _ends(folder):
    starts = load(folder, "names_start").tolist()
    return starts[:-1], starts[1:]


class TestDamage:
    @pytest.mark.parametrize("name", ["about.json", *(f"{name}.npy" for name in ARRAYS)])
    @pytest.mark.parametrize("how", ["missing", "empty", "cut", "foreign"])
    def test_every_file(self, folder, name, how):
        file = folder / name
        content = file.read_bytes()
        file.unlink()
        if how != "missing":
            file.write_bytes({"empty": b"", "cut": content[: len(content) // 2], "foreign": b"\x80\x04K\x01."}[how])
        with pytest.raises(TaxonomyError, match=r"cannot be read|holds"):
            Taxonomy.from_arrays(folder)

    @pytest.mark.parametrize("name", ARRAYS)
    def test_other_type_or_shape(self, folder, name):
        array = load(folder, name)
        for other in (array.astype(np.float64), array[:, None], array.astype(">i4"), np.array([None]), array[0]):
            np.save(folder / f"{name}.npy", other)
            with pytest.raises(TaxonomyError, match=r"holds|cannot be read"):
                Taxonomy.from_arrays(folder)
        put(folder, name, array)
        assert len(Taxonomy.from_arrays(folder)) == 7

    def test_of_another_length(self, folder):
        for name in ("parents_start", "names_start", "is_terminal"):
            array = load(folder, name)
            put(folder, name, array[:-1])
            with pytest.raises(TaxonomyError, match="holds"):
                Taxonomy.from_arrays(folder)
            put(folder, name, array)

    @pytest.mark.parametrize(
        ("name", "position", "value", "told"),
        [
            ("parents_start", 0, 1, "do not ascend"),
            ("parents_start", -1, 99, "do not ascend"),
            ("parents_start", 4, 0, "do not ascend"),
            ("parents_start", 3, 0, "siblings"),
            ("parents_start", 5, 2, "not at the beginning"),
            ("parents", 0, -1, "not among nodes"),
            ("parents", 0, 7, "not among nodes"),
            ("parents", 0, 6, "not in their order"),
            ("parents", -1, 6, "not in their order"),
            ("parents", 3, 0, "not in their order"),
            ("is_terminal", -1, False, "leaf"),
            ("names", 0, 0xFF, "UTF-8"),
            ("names", 0, 0x80, "UTF-8"),
            ("names_start", 1, -5, "do not ascend"),
            ("names_start", -1, 10**12, "do not ascend"),
            ("names_start", 1, 0, "blank"),
        ],
    )
    def test_one_number(self, folder, name, position, value, told):
        array = load(folder, name)
        array[position] = value
        put(folder, name, array)
        with pytest.raises(TaxonomyError, match=told):
            Taxonomy.from_arrays(folder)

    def test_a_flag_that_is_none(self, folder):
        file = folder / "is_terminal.npy"
        file.write_bytes(file.read_bytes()[:-1] + b"\x02")
        with pytest.raises(TaxonomyError, match="neither yes nor no"):
            Taxonomy.from_arrays(folder)

    @pytest.mark.parametrize("name", [b"", b"  ", "\u3000".encode(), "\u2003\u00a0".encode(), b"\t"])
    def test_blank_names(self, folder, name):
        renamed(folder, 3, name)
        with pytest.raises(TaxonomyError, match="node 3 is blank"):
            Taxonomy.from_arrays(folder)

    @pytest.mark.parametrize("name", [b"x", b"12345678", b"a rather long name, twice"])
    def test_siblings_of_one_name(self, folder, name):
        renamed(folder, 4, name)
        renamed(folder, 5, name)
        with pytest.raises(TaxonomyError, match="node 5 has the name of one of its siblings"):
            Taxonomy.from_arrays(folder)
        renamed(folder, 5, name + b"!")
        renamed(folder, 3, name + b"!")
        assert len(Taxonomy.from_arrays(folder)) == 7, "cousins may have one name"

    def test_names_that_are_alike_at_both_ends(self, folder):
        renamed(folder, 4, b"Manufacture of wood products")
        renamed(folder, 5, b"Manufacture of iron products")
        assert Taxonomy.from_arrays(folder).names[4:6] == (
            "Manufacture of wood products",
            "Manufacture of iron products",
        )

    def test_names_longer_than_what_their_keys_are_made_of(self, folder):
        renamed(folder, 4, b"x" * 300 + b"a")
        renamed(folder, 5, b"x" * 300 + b"b")
        assert len(Taxonomy.from_arrays(folder)) == 7
        renamed(folder, 5, b"x" * 300 + b"a")
        with pytest.raises(TaxonomyError, match="one of its siblings"):
            Taxonomy.from_arrays(folder)

    def test_a_text_that_begins_inside_a_character(self, folder):
        renamed(folder, 0, "é".encode())
        starts = load(folder, "names_start")
        starts[1] = 1
        put(folder, "names_start", starts)
        with pytest.raises(TaxonomyError, match="UTF-8"):
            Taxonomy.from_arrays(folder)

    @pytest.mark.parametrize(
        "about",
        [
            [],
            {"format": "textaxa-taxonomy"},
            {"version": 2},
            {"nodes": 0},
            {"nodes": "7"},
            {"nodes": 10**30},
            {"texts": []},
            {"texts": ["names", "../names"]},
            {"texts": None},
        ],
    )
    def test_about(self, folder, about):
        file = folder / "about.json"
        told = json.loads(file.read_text())
        file.write_text(json.dumps(about if isinstance(about, list) else {**told, **about}))
        with pytest.raises(TaxonomyError):
            Taxonomy.from_arrays(folder)

    def test_a_huge_about(self, folder):
        (folder / "about.json").write_text("[" * 1_000_000)
        with pytest.raises(TaxonomyError, match="too large"):
            Taxonomy.from_arrays(folder)

    def test_codes_given_twice(self, tmp_path):
        file = tmp_path / "codes.csv"
        file.write_text("code,parent,name\n1,,A\n2,1,B\n3,1,C\n")
        read_taxonomy(file).to_arrays(tmp_path / "one")
        put(tmp_path / "one", "codes", np.frombuffer(b"121", dtype=np.uint8))
        with pytest.raises(TaxonomyError, match="node 2 has the code of another"):
            Taxonomy.from_arrays(tmp_path / "one")

    def test_a_parent_below_its_child(self, tmp_path):
        records = [("1", (), "A"), ("2", ("1",), "B"), ("3", ("2", "1"), "C"), ("4", ("2",), "D")]
        Taxonomy.from_records(NodeRecord(*record) for record in records).to_arrays(tmp_path / "one")
        edges = load(tmp_path / "one", "parents")
        assert edges.tolist() == [0, 1, 0, 1]
        edges[2] = 3
        put(tmp_path / "one", "parents", edges)
        with pytest.raises(TaxonomyError, match="no higher than its child"):
            Taxonomy.from_arrays(tmp_path / "one")


@settings(max_examples=150)
@given(data=st.data(), records=dag_records(max_nodes=7))
def test_parents_are_refused_exactly_where_the_slow_way_refuses_them(place, data, records):
    taxonomy = Taxonomy.from_records(records).with_terminals("all")
    told = taxonomy.to_dict()
    n = len(taxonomy)
    for _ in range(data.draw(st.integers(1, 3))):
        value = data.draw(st.one_of(st.integers(-1, n - 1), st.lists(st.integers(0, n - 1), min_size=1, max_size=3)))
        told["parents"][data.draw(st.integers(0, n - 1))] = value
    folder = place / "mutated"
    shutil.rmtree(folder, ignore_errors=True)
    taxonomy.to_arrays(folder)
    rows = [above if isinstance(above, list) else [above] if above >= 0 else [] for above in told["parents"]]
    put(folder, "parents", np.array([parent for row in rows for parent in row], dtype=np.int32))
    put(folder, "parents_start", np.cumsum([0, *map(len, rows)]))
    try:
        expected = Taxonomy.from_dict(told)
    except TaxonomyError:
        with pytest.raises(TaxonomyError):
            Taxonomy.from_arrays(folder)
    else:
        same(Taxonomy.from_arrays(folder), expected)
