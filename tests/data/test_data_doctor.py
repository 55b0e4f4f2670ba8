from collections.abc import Callable
from pathlib import Path

import pytest

from textaxa.data import Columns, check_examples
from textaxa.errors import DataError
from textaxa.taxonomy import Taxonomy

PATH = Columns(path="label")


def _rows(*pairs: tuple[str, object]) -> list[dict[str, object]]:
    return [{"text": text, "label": label} for text, label in pairs]


def _healthy(count: int = 24) -> list[dict[str, object]]:
    return _rows(*((f"text number {i}", "A" if i % 2 else "B") for i in range(count)))


def test_a_healthy_table_has_no_findings() -> None:
    report = check_examples(_healthy(), PATH)
    assert report.findings == ()
    assert dict(report.facts)["rows"] == "24"
    assert dict(report.facts)["paths"] == "2"


FINDINGS = {
    "blank-text": ("error", _rows((" \n", "A")), 1, "index 24"),
    "no-label": ("error", _rows(("x", "")), 1, "index 24"),
    "bad-label": ("error", _rows(("x", "A >")), 1, "index 24"),
    "not-text": ("error", _rows((["x"], "A")), 1, "index 24"),  # type: ignore[arg-type]
    "broken-text": ("error", _rows(("x\ud83d", "A")), 1, "index 24"),
    "duplicate-text": ("warning", _rows(("TEXT  number 0", "B")), 1, "index 24 = index 0"),
    "conflicting-labels": ("warning", _rows(("text number 0", "A")), 1, "index 24 = index 0"),
    "huge-text": ("warning", _rows(("x" * 1_000_001, "A")), 1, "index 24: 1,000,001 characters"),
    "long-text": ("note", _rows(("word " * 999, "A")), 1, "index 24"),
    "control-character": ("warning", _rows(("a\x07b", "A")), 1, "index 24: U+0007"),
    "replacement-character": ("warning", _rows(("caf\ufffd", "A")), 1, "index 24"),
    "mojibake": ("warning", _rows(("cafÃ© au lait", "A")), 1, "index 24: 'cafÃ© au lait'"),
    "few-rows": ("warning", _rows(("x", "C")), 1, "C: 1"),
    "label-variants": ("warning", _rows(("x", "a"), ("y", "Ａ")), 1, "A (index 1) / a (index 24) / Ａ (index 25)"),
    "imbalance": ("note", _rows(*((f"more {i}", "A") for i in range(90))), 102, None),
    "inner-end": ("note", _rows(*((f"more {i}", "A > C") for i in range(10))), 12, None),
}


@pytest.mark.parametrize("kind", FINDINGS)
def test_every_ailment_is_found_counted_and_placed(kind: str) -> None:
    severity, more, count, place = FINDINGS[kind]
    finding = check_examples(_healthy() + more, PATH).find(kind)
    assert finding is not None
    assert (finding.severity, finding.count) == (severity, count)
    assert finding.advice
    assert place is None or finding.examples[0] == place or place in finding.examples[0]


def test_faults_of_the_file_are_findings_beside_the_others(put: Callable[..., Path], two_levels: Columns) -> None:
    content = "text,category,subcategory\nx,A,\nx,y,A,B\nz\0,,\nx,,B\n ,A,\n" + "same,A,\n" * 3
    report = check_examples(put("a.csv", content), two_levels)
    found = {finding.kind: (finding.count, finding.examples[:1]) for finding in report.findings}
    assert found["ragged-row"] == (1, ("line 3: 4 cells where the header has 3",))
    assert found["nul-byte"][0] == 1
    assert found["no-label"] == (1, ("line 4: there is no label (category is empty)",))
    assert found["bad-label"][0] == 1
    assert found["blank-text"][1] == ("line 6: the text (text) is blank",)
    assert found["duplicate-text"] == (2, ("line 8 = line 7",))
    assert found["empty-column"][0] == 1
    assert not report.ok


def test_a_file_that_breaks_off_is_checked_up_to_there(put: Callable[..., Path]) -> None:
    report = check_examples(put("a.csv", 'text,label\nx,A\nx,A\n"open,B\n'), PATH)
    assert report.find("duplicate-text") is not None
    unreadable = report.find("unreadable")
    assert unreadable is not None
    assert "line 4: a quote" in unreadable.message


def test_one_class_and_one_row_a_class_are_errors() -> None:
    assert check_examples(_rows(("x", "A"), ("y", "A")), PATH).find("one-class") is not None
    report = check_examples(_rows(("x", "A"), ("y", "B")), PATH)
    assert [finding.kind for finding in report.errors] == ["one-row-a-class"]


def test_duplicate_ids_are_errors(put: Callable[..., Path]) -> None:
    path = put("a.csv", "id,text,label\n1,x,A\n1,y,B\n,z,B\n")
    report = check_examples(path, Columns(path="label", id="id"))
    assert report.find("duplicate-id").examples == ("line 3: the id '1' is already on line 2",)  # type: ignore[union-attr]
    assert report.find("no-id") is not None


def test_labels_outside_the_taxonomy_and_nodes_without_rows_are_found() -> None:
    taxonomy = Taxonomy.from_paths([("A",), ("B",), ("C", "D")])
    report = check_examples(_healthy() + _rows(("x", "E"), ("y", "E")), PATH, taxonomy=taxonomy)
    unknown = report.find("unknown-label")
    assert unknown is not None
    assert (unknown.count, unknown.severity) == (2, "error")
    unused = report.find("node-without-rows")
    assert unused is not None
    assert unused.examples == ("C > D",)


def test_paths_that_were_not_split_are_found() -> None:
    for separator in ("/", ">", "|"):
        rows = _rows(*((f"text {i}", f"A{separator}B{i % 2}") for i in range(20)))
        finding = check_examples(rows, PATH).find("separator")
        assert finding is not None
        assert f"--separator '{separator}'" in finding.advice
    assert check_examples(rows, Columns(path="label", separator="|")).find("separator") is None


def test_lists_written_as_text_are_found() -> None:
    rows = _rows(*((f"text {i}", f"['A', 'B{i % 2}']") for i in range(20)))
    assert check_examples(rows, PATH).find("list-as-text") is not None


def test_texts_in_both_tables_and_labels_only_in_one_are_found() -> None:
    valid = _rows(("Text number 3", "A"), ("new", "Z"), ("also new", "A"))
    report = check_examples(_healthy(), PATH, valid=valid)
    assert report.find("leak").examples == ("index 0 = index 3",)  # type: ignore[union-attr]
    assert report.find("unseen-label").count == 1  # type: ignore[union-attr]
    broken = check_examples(_healthy(), PATH, valid=_rows((" ", "A")))
    assert broken.find("valid-blank-text") is not None


def test_texts_alone_can_be_checked() -> None:
    report = check_examples([{"text": "x"}, {"text": "x"}], Columns())
    assert [finding.kind for finding in report.findings] == ["duplicate-text"]


def test_what_cannot_be_opened_is_an_error_and_not_a_report(put: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'label'"):
        check_examples([{"text": "x"}], PATH)
    with pytest.raises(DataError, match="no file"):
        check_examples(tmp_path / "a.csv", PATH)
    report = check_examples(put("a.csv", "text,label\n"), PATH)
    assert [finding.kind for finding in report.findings] == ["no-rows"]


def test_the_limit_on_length_can_be_set() -> None:
    rows = _healthy() + _rows(("word " * 100, "A"))
    assert check_examples(rows, PATH).find("long-text") is None
    assert check_examples(rows, PATH, max_length=32).find("long-text") is not None


def test_many_long_texts_are_a_warning() -> None:
    rows = _rows(*((f"{i} " * 999, "A" if i % 2 else "B") for i in range(24)))
    finding = check_examples(rows, PATH).find("long-text")
    assert finding is not None
    assert finding.severity == "warning"
