"""Every kind of table gives the same rows."""

import bz2
import gzip
import io
import json
import lzma
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textaxa.data import Columns, iterate_rows, read_examples, write_rows
from textaxa.errors import DataError

ROWS = [
    {"text": "Play chess, online", "category": "Games", "subcategory": "Chess"},
    {"text": 'Café "du\nNord"', "category": "Food", "subcategory": ""},
    {"text": "写真を編集", "category": "Photo", "subcategory": "Edit"},
]
LABELS = [(("Games", "Chess"),), (("Food",),), (("Photo", "Edit"),)]


def _csv(delimiter: str = ",") -> str:
    def quoted(cell: str) -> str:
        return '"' + cell.replace('"', '""') + '"'

    lines = [delimiter.join(ROWS[0]), *(delimiter.join(map(quoted, row.values())) for row in ROWS)]
    return "\n".join(lines) + "\n"


def _jsonl() -> str:
    return "\n".join(json.dumps(row) for row in ROWS) + "\n"


def _parquet(path: Path) -> Path:
    with write_rows(path) as writer:
        writer.write(ROWS)
    return path


SOURCES: dict[str, Callable[[Path], Any]] = {
    "csv": lambda d: _put(d / "a.csv", _csv().encode()),
    "csv, Windows line ends": lambda d: _put(
        d / "a.csv", _csv().replace('"\n', '"\r\n').replace("ry\n", "ry\r\n").encode()
    ),
    "csv, UTF-8 mark": lambda d: _put(d / "a.csv", _csv().encode("utf-8-sig")),
    "csv, UTF-16": lambda d: _put(d / "a.csv", _csv().encode("utf-16")),
    "csv, no line end at the end": lambda d: _put(d / "a.csv", _csv().strip().encode()),
    "csv.gz": lambda d: _put(d / "a.csv.gz", gzip.compress(_csv().encode())),
    "csv.xz": lambda d: _put(d / "a.csv.xz", lzma.compress(_csv().encode())),
    "csv.bz2": lambda d: _put(d / "a.csv.bz2", bz2.compress(_csv().encode())),
    "tsv": lambda d: _put(d / "a.tsv", _csv("\t").encode()),
    "upper case": lambda d: _put(d / "A.CSV", _csv().encode()),
    "jsonl": lambda d: _put(d / "a.jsonl", _jsonl().encode()),
    "jsonl.xz": lambda d: _put(d / "a.jsonl.xz", lzma.compress(_jsonl().encode())),
    "ndjson": lambda d: _put(d / "a.ndjson", _jsonl().encode()),
    "no suffix, csv": lambda d: _put(d / "table", _csv().encode()),
    "no suffix, json": lambda d: _put(d / "table", ("\n " + _jsonl()).encode()),
    "parquet": lambda d: _parquet(d / "a.parquet"),
    "parquet by another name": lambda d: _parquet(d / "b.parquet").rename(d / "b.csv"),
    "str": lambda d: str(_put(d / "a.csv", _csv().encode())),
    "open bytes": lambda d: io.BytesIO(_csv().encode()),
    "open text": lambda d: io.StringIO(_jsonl()),
    "list": lambda d: ROWS,
    "generator": lambda d: (row for row in ROWS),
    "pandas": lambda d: pytest.importorskip("pandas").DataFrame(ROWS),
    "polars": lambda d: pytest.importorskip("polars").DataFrame(ROWS),
    "arrow": lambda d: pytest.importorskip("pyarrow").Table.from_pylist(ROWS),
    "datasets": lambda d: pytest.importorskip("datasets").Dataset.from_list(ROWS),
    "iterable dataset": lambda d: pytest.importorskip("datasets").Dataset.from_list(ROWS).to_iterable_dataset(),
}


def _put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("kind", SOURCES)
def test_every_kind_of_table_gives_the_same_examples(kind: str, tmp_path: Path, two_levels: Columns) -> None:
    examples = read_examples(SOURCES[kind](tmp_path), two_levels)
    assert examples.texts == [row["text"] for row in ROWS]
    assert examples.labels == LABELS


def test_other_delimiters_and_encodings_are_taken_when_named(put: Callable[..., Path], two_levels: Columns) -> None:
    path = put("a.csv", _csv(";").replace("写真を編集", "Fotos").encode("cp1252"))
    assert len(read_examples(path, two_levels, delimiter=";", encoding="cp1252")) == 3
    path = put("a.csv", _csv("\t").encode("shift_jis", "replace"))
    assert read_examples(path, two_levels, delimiter="tab", encoding="shift_jis").texts[2] == "写真を編集"


def test_standard_input_is_told_apart_by_its_first_character(
    monkeypatch: pytest.MonkeyPatch, two_levels: Columns
) -> None:
    for content in (_csv(), _jsonl()):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content.encode())))
        examples = read_examples("-", two_levels)
        assert examples.labels == LABELS
        assert examples.source == "standard input"


def test_packed_standard_input_is_unpacked(monkeypatch: pytest.MonkeyPatch, two_levels: Columns) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(gzip.compress(_csv().encode()))))
    assert read_examples("-", two_levels).labels == LABELS


def test_row_numbers_are_the_lines_on_which_rows_begin(put: Callable[..., Path], two_levels: Columns) -> None:
    examples = read_examples(put("a.csv", _csv()), two_levels)
    assert (examples.rows, examples.unit) == ([2, 3, 5], "line")
    lines = _jsonl().replace("\n", "\n\n")
    assert read_examples(put("a.jsonl", lines), two_levels).rows == [1, 3, 5]
    assert read_examples(ROWS, two_levels).rows == [0, 1, 2]


def test_row_numbers_of_parquet_count_from_one(tmp_path: Path, two_levels: Columns) -> None:
    examples = read_examples(_parquet(tmp_path / "a.parquet"), two_levels)
    assert (examples.rows, examples.unit) == ([1, 2, 3], "row")


def test_a_stream_knows_its_columns_and_its_progress(put: Callable[..., Path], tmp_path: Path) -> None:
    with iterate_rows(put("a.csv", _csv())) as stream:
        assert stream.columns == ("text", "category", "subcategory")
        assert stream.total is None
        list(stream)
        assert stream.progress() == 1.0
    with iterate_rows(_parquet(tmp_path / "a.parquet")) as stream:
        assert stream.total == 3
        next(iter(stream))
        assert stream.progress() == pytest.approx(1 / 3)


def test_keys_missing_from_the_first_json_lines_are_columns(put: Callable[..., Path], two_levels: Columns) -> None:
    path = put("a.jsonl", '{"text": "a", "category": "A"}\n{"text": "b", "category": "B", "subcategory": "C"}\n')
    assert read_examples(path, two_levels).labels == [(("A",),), (("B", "C"),)]


def test_an_unnamed_column_is_kept_under_its_number(put: Callable[..., Path]) -> None:
    with iterate_rows(put("a.csv", ",text,\n0,x,\n")) as stream:
        assert stream.columns == ("column_1", "text", "column_3")


def test_classic_line_ends_are_read(put: Callable[..., Path]) -> None:
    with iterate_rows(put("a.csv", "text,label\rx,a\ry,b\r")) as stream:
        assert [row["text"] for _, row in stream] == ["x", "y"]


def test_line_ends_of_unicode_stay_inside_texts(put: Callable[..., Path]) -> None:
    with iterate_rows(put("a.csv", "text\na\u2028b\x0bc\x85d\n")) as stream:
        assert list(stream) == [(2, {"text": "a\u2028b\x0bc\x85d"})]


def test_missing_values_of_frames_are_empty_cells(two_levels: Columns) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": ["a", "b"], "category": [1.0, 2.0], "subcategory": [float("nan"), "x"]})
    assert read_examples(frame, two_levels).labels == [(("1",),), (("2", "x"),)]
    assert read_examples(frame.set_index(pandas.Index([7, 7])), two_levels).rows == [0, 1]


def test_class_label_features_give_names() -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["Games", "News"])}
    )
    dataset = datasets.Dataset.from_dict({"text": ["a", "b"], "label": [1, 0]}, features=features)
    assert read_examples(dataset, Columns(path="label")).labels == [(("News",),), (("Games",),)]


def test_a_list_column_of_parquet_is_a_path(tmp_path: Path) -> None:
    with write_rows(tmp_path / "a.parquet") as writer:
        writer.write([{"text": "a", "path": ["Games", "Chess"], "paths": [["A"], ["B", "C"]]}])
    assert read_examples(tmp_path / "a.parquet", Columns(path="path")).labels == [(("Games", "Chess"),)]
    assert read_examples(tmp_path / "a.parquet", Columns(paths="paths")).labels == [(("A",), ("B", "C"))]


def test_ids_and_groups_are_read_and_selected(put: Callable[..., Path]) -> None:
    columns = Columns(path="label", id="id", group="owner")
    examples = read_examples(put("a.csv", "id,text,label,owner\n1,a,A,x\n2,b,B,\n3,c,A,x\n"), columns)
    assert examples.ids == ["1", "2", "3"]
    assert examples.groups == ["x", "", "x"]
    chosen = examples.select([2, 0])
    assert (chosen.texts, chosen.ids, chosen.groups, chosen.rows) == (["c", "a"], ["3", "1"], ["x", "x"], [4, 2])
    assert chosen.labels == [(("A",),), (("A",),)]


def test_a_text_of_five_megabytes_is_read(put: Callable[..., Path]) -> None:
    text = "five megabytes of it " * 250_000
    assert len(text) > 5_000_000
    assert read_examples(put("a.csv", f'text,label\n"{text}",A\nb,B\n'), Columns(path="label")).texts == [
        text.strip(),
        "b",
    ]
    path = put("a.jsonl", json.dumps({"text": text, "label": "A"}))
    assert read_examples(path, Columns(path="label")).texts == [text.strip()]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, suffix: str) -> None:
    peaks = []
    for n_rows in (20_000, 80_000):
        path = tmp_path / f"{n_rows}.{suffix}"
        with write_rows(path) as writer:
            for start in range(0, n_rows, 1_000):
                writer.write(
                    [{"text": f"text number {i} of many", "label": str(i % 7)} for i in range(start, start + 1_000)]
                )
        tracemalloc.start()
        with iterate_rows(path) as stream:
            assert sum(1 for _ in stream) == n_rows
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] + 100_000


cells = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(st.tuples(cells, cells), min_size=1, max_size=6),
    kind=st.sampled_from([".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz", ".jsonl.xz"]),
)
def test_what_is_written_is_read_back(
    rows: list[tuple[str, str]], kind: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("back") / f"a{kind}"
    written = [{"text": a, "label": b} for a, b in rows]
    with write_rows(path) as writer:
        writer.write(written)
    with iterate_rows(path) as stream:
        assert [row for _, row in stream] == written


@settings(deadline=None, max_examples=60)
@given(text=st.text(max_size=200), chunk=st.integers(1, 9))
def test_lines_do_not_depend_on_the_pieces_that_are_read(text: str, chunk: int) -> None:
    from textaxa.data import _lines
    from textaxa.data._files import open_file

    expected = [line for line in text.encode("utf-8", "replace").decode().replace("\r", "").split("\n") if line]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_lines, "CHUNK", chunk)
        data = text.replace("\r", "").encode("utf-8", "replace")
        lines = list(_lines.Lines(open_file(io.BytesIO(data)), encoding="utf-8"))
    found = [line.rstrip("\n") for line in lines]
    assert [line for line in found if line] == [
        line.removeprefix("\ufeff") if i == 0 else line for i, line in enumerate(expected)
    ]


def test_a_missing_number_in_json_lines_is_missing(put: Callable[..., Path]) -> None:
    with iterate_rows(put("a.jsonl", '{"text": NaN, "n": Infinity}\n')) as stream:
        assert list(stream) == [(1, {"text": None, "n": float("inf")})]


def test_closed_standard_streams_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(DataError, match="Standard input is closed"):
        iterate_rows("-")
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(DataError, match="Standard output is closed"):
        write_rows("-")
