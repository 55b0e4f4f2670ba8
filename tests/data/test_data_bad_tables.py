"""The broken, the empty, the huge and the hostile: every fault names its place, its cause and its cure."""

import gzip
import io
import lzma
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from textaxa.data import Columns, iterate_rows, read_examples
from textaxa.errors import DataError
from textaxa.taxonomy import Taxonomy

HEAD = "text,category,subcategory\n"

BAD: dict[str, tuple[str, str | bytes, list[str]]] = {
    "empty file": ("a.csv", "", ["is empty"]),
    "blank lines only": ("a.csv", "\n\n", ["is empty"]),
    "empty json lines": ("a.jsonl", "\n", ["is empty"]),
    "header only": ("a.csv", HEAD, ["header but no rows"]),
    "missing column": ("a.csv", "txt,category,subcategory\nx,a,b\n", ["no column 'text'", "mean 'txt'", "'category'"]),
    "missing key": ("a.jsonl", '{"text": "x", "categroy": "a", "subcategory": "b"}', ["'category'", "mean 'categroy'"]),
    "wrong delimiter": ("a.csv", HEAD.replace(",", ";") + "x;a;b\n", ["semicolon", "--delimiter ';'"]),
    "tabs in a csv": ("a.csv", HEAD.replace(",", "\t") + "x\ta\tb\n", ["a tab", "--delimiter tab"]),
    "ragged row": ("a.csv", HEAD + "x,a,b\nx,y,a,b\n", ["line 3", "4 cells where the header has 3", "quotes"]),
    "short row": ("a.csv", HEAD + "x\n", ["line 2", "1 cell where the header has 3"]),
    "two columns of one name": ("a.csv", "text,text\nx,y\n", ["two columns named 'text'"]),
    "quote never closed": ("a.csv", HEAD + 'x,a,b\n"y,a,b\nz,a,b\n', ["line 3", "never closed"]),
    "nul byte": ("a.csv", HEAD + "x\0,a,b\n", ["line 2", "NUL byte", "utf-16"]),
    "nul byte in json": ("a.jsonl", '{"text": "x\0"}\n', ["line 1", "NUL byte"]),
    "wrong encoding": (
        "a.csv",
        (HEAD + "x,a,b\ncafé,a,b\n").encode("cp1252"),
        ["line 3", "0xe9", "byte 36", "cp1252", "café"],
    ),
    "not western": ("a.csv", (HEAD + "x,a,b\n").encode() + b"\x81\x8d,a,b", ["line 3", "0x81", "shift_jis"]),
    "cut character": ("a.csv", (HEAD + "x,a,b\ny,a,é").encode()[:-1], ["line 3", "0xc3"]),
    "half-empty label column": (
        "a.csv",
        HEAD + "x,a,\n" * 20 + "x,,\n" * 20,
        ["20 faults", "line 22: there is no label", "category"],
    ),
    "child without its parent": ("a.csv", HEAD + "x,,b\n", ["line 2", "'subcategory' has 'b'", "'category' is empty"]),
    "separator in a name": ("a.csv", HEAD + "x,a > b,\n", ["line 2", "'a > b'", "separator ' > '", "--path"]),
    "blank text": ("a.csv", HEAD + "x,a,b\n  \t ,a,b\n", ["line 3", "blank"]),
    "json array": ("a.json", '[{"text": "x"}]', ["one JSON array", "jq"]),
    "not json": ("a.jsonl", '{"text": "x"\n', ["line 1", "not JSON"]),
    "not objects": ("a.jsonl", "[1]\n3\n".replace("[1]\n", '"x"\n'), ["line 1: a JSON str", "line 2: a JSON int"]),
    "json nested too deep": ("a.jsonl", '{"text": ' + "[" * 100_000 + "\n", ["line 1"]),
    "list as text": ("a.jsonl", '{"text": ["x"], "category": "a", "subcategory": ""}', ["line 1", "list", "'text'"]),
    "half a surrogate pair": (
        "a.jsonl",
        '{"text": "x\\ud83d", "category": "a", "subcategory": ""}',
        ["line 1", "surrogate"],
    ),
    "half a surrogate pair in a name": (
        "a.jsonl",
        '{"text": "x", "category": "a", "subcategory": "b\\ud83d"}',
        ["line 1", "surrogate", "subcategory"],
    ),
    "a number of 5,000 digits": ("a.jsonl", '{"text": ' + "9" * 5000 + "}", ["line 1", "digits", "quotes"]),
    "excel": ("a.xlsx", b"PK\x03\x04" + bytes(60), ["Excel workbook", "CSV"]),
    "excel as csv": ("a.csv", b"PK\x03\x04" + bytes(60), ["Excel workbook"]),
    "unknown suffix": ("a.dat", HEAD, ["'.dat'", "--input-format", ".csv"]),
    "no parquet": ("a.parquet", "nothing of the kind", ["not a Parquet file"]),
    "damaged parquet": ("a.parquet", b"PAR1" + bytes(50) + b"PAR1", ["not a Parquet file, or a damaged one"]),
    "truncated gz": ("a.csv.gz", gzip.compress((HEAD + "x,a,b\n" * 9999).encode())[:90], ["damaged", "decompressed"]),
    "damaged gz": ("a.csv.gz", b"\x1f\x8b" + bytes(50), ["damaged"]),
    "truncated xz": ("a.csv.xz", lzma.compress((HEAD + "x,a,b\n" * 9999).encode())[:90], ["damaged"]),
}


@pytest.mark.parametrize("case", BAD)
def test_a_broken_table_is_refused_with_place_and_cure(
    case: str, put: Callable[..., Path], two_levels: Columns
) -> None:
    name, content, said = BAD[case]
    path = put(name, content)
    with pytest.raises(DataError) as caught:
        read_examples(path, two_levels)
    message = str(caught.value)
    assert message.startswith(str(path))
    for piece in said:
        assert piece in message
    assert path.read_bytes() == (content if isinstance(content, bytes) else content.encode())


def test_all_faults_are_told_together(put: Callable[..., Path], two_levels: Columns) -> None:
    content = HEAD + "x,,\n" * 12 + " ,a,b\nx,y,a,b\nok,a,b\n"
    with pytest.raises(DataError) as caught:
        read_examples(put("a.csv", content), two_levels)
    message = str(caught.value)
    assert "has 14 faults, the first 10 are shown" in message
    assert len(re.findall(r"^  line \d+:", message, re.MULTILINE)) == 10
    assert "and 4 more" in message
    # Kinds of which no place is among the first ten are not lost.
    assert "no-label 12" in message
    assert "blank-text 1 (first: line 14" in message
    assert "ragged-row 1 (first: line 15" in message


def test_a_stream_stops_at_the_first_fault(put: Callable[..., Path]) -> None:
    stream = iterate_rows(put("a.csv", HEAD + "x,a,b\nx,a\nx\n"))
    rows = iter(stream)
    assert next(rows)[0] == 2
    with pytest.raises(DataError, match="line 3: 2 cells"):
        next(rows)
    stream.close()


def test_the_line_of_a_bad_byte_is_found_far_into_a_file(put: Callable[..., Path]) -> None:
    good = (HEAD + "é,a,b\n" * 100_000).encode()
    path = put("a.csv", good + b"\xff,a,b\n")
    with (
        pytest.raises(DataError, match=f"line 100002 has the byte 0xff \\(byte {len(good) + 1:,} of"),
        iterate_rows(path) as stream,
    ):
        list(stream)
    path = put("a.csv", b"\xef\xbb\xbf" + good + b"\xff,a,b\n")
    with (
        pytest.raises(DataError, match=f"line 100002 has the byte 0xff \\(byte {len(good) + 4:,} of"),
        iterate_rows(path) as stream,
    ):
        list(stream)


def test_a_quote_left_open_in_a_huge_file_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    from textaxa.data import _delimited

    monkeypatch.setattr(_delimited, "FIELD_LIMIT", 1_000)
    import csv

    before = csv.field_size_limit(1_000)
    try:
        with (
            pytest.raises(DataError, match="line 2: a quote"),
            iterate_rows(io.StringIO('text\n"open\n' + "row\n" * 9_999)) as stream,
        ):
            list(stream)
    finally:
        csv.field_size_limit(before)


def test_an_unknown_label_names_the_row_and_the_nearest_name(put: Callable[..., Path], two_levels: Columns) -> None:
    taxonomy = Taxonomy.from_paths([("Games", "Chess"), ("News",)])
    path = put("a.csv", HEAD + "x,Games,Chess\ny,Games,Ches\nz,Games,Ches\n")
    with pytest.raises(DataError) as caught:
        read_examples(path, two_levels, taxonomy=taxonomy)
    message = str(caught.value)
    assert "2 faults" in message
    assert "line 3: ('Games', 'Ches') is not in the taxonomy" in message
    assert "Did you mean 'Chess'?" in message
    assert "line 4" in message


def test_duplicate_and_empty_ids_are_told(put: Callable[..., Path]) -> None:
    path = put("a.csv", "id,text,label\n1,a,A\n2,b,A\n1,c,A\n,d,A\n")
    with pytest.raises(DataError) as caught:
        read_examples(path, Columns(path="label", id="id"))
    assert "line 4: the id '1' is already on line 2" in str(caught.value)
    assert "line 5: the id (id) is empty" in str(caught.value)


def test_a_missing_file_names_the_nearest(put: Callable[..., Path], tmp_path: Path) -> None:
    put("apps.csv", HEAD)
    with pytest.raises(DataError, match=r"no file .*app\.csv\. Did you mean 'apps\.csv'\?"):
        iterate_rows(tmp_path / "app.csv")
    with pytest.raises(DataError, match=r"folder .* does not exist either"):
        iterate_rows(tmp_path / "nowhere" / "app.csv")
    with pytest.raises(DataError, match="is a folder"):
        iterate_rows(tmp_path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="a superuser may read everything")
def test_a_file_without_permission_is_told(put: Callable[..., Path]) -> None:
    path = put("a.csv", HEAD)
    path.chmod(0)
    with pytest.raises(DataError, match="Permission denied"):
        iterate_rows(path)


@pytest.mark.parametrize(
    "options", [{"format": "cvs"}, {"encoding": "utf-88"}, {"delimiter": "ab"}, {"delimiter": '"'}]
)
def test_unknown_options_are_refused(options: dict[str, str], put: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"not (known|one character)"):
        iterate_rows(put("a.csv", HEAD + "x,a,b\n"), **options)


def test_an_encoding_that_was_named_and_is_wrong_is_told(put: Callable[..., Path]) -> None:
    with (
        pytest.raises(DataError, match="is not ascii: line 2 has the byte 0xc3"),
        iterate_rows(put("a.csv", "text\né\n"), encoding="ascii"),
    ):
        pass


def test_objects_that_are_no_tables_are_refused() -> None:
    pandas = pytest.importorskip("pandas")
    polars = pytest.importorskip("polars")
    datasets = pytest.importorskip("datasets")
    dataset = datasets.Dataset.from_list([{"text": "a"}])
    for source, said in [
        (3, "int is not a table"),
        ({"text": ["a"]}, "not a table"),
        (["a"], "index 0 of the list is str"),
        (pandas.Series(["a"]), "Series is not a table"),
        (pandas.DataFrame([[1, 2]], columns=["a", "a"]), "two columns named 'a'"),
        (polars.LazyFrame({"a": [1]}), "collect"),
        (polars.Series(["a"]), "not a table"),
        (datasets.DatasetDict({"train": dataset}), r"dataset\['train'\]"),
    ]:
        with pytest.raises(DataError, match=said), iterate_rows(source) as stream:
            list(stream)


def test_parquet_cannot_come_through_a_pipe(tmp_path: Path) -> None:
    read, write = os.pipe()
    with os.fdopen(write, "wb") as sink:
        sink.write(b"PAR1" + bytes(40))
    with os.fdopen(read, "rb") as source, pytest.raises(DataError, match="Parquet cannot be read from"):
        iterate_rows(source)


def test_the_callers_file_stays_open(put: Callable[..., Path]) -> None:
    with put("a.csv", HEAD + "x,a,b\n").open("rb") as file:
        with iterate_rows(file) as stream:
            assert len(list(stream)) == 1
        assert not file.closed
