"""Checks: all findings in one report, with their places; and silence about what is right."""

import io

import pytest
from hypothesis import given
from taxonomy_strategies import paths

from textaxa._report import Finding, Report
from textaxa.errors import TaxonomyError
from textaxa.taxonomy import NodeRecord, Taxonomy, check_taxonomy, read_taxonomy


def kinds(report):
    return {finding.kind: finding.count for finding in report.findings}


def checking(text, **options):
    return check_taxonomy(io.StringIO(text), **options)


def test_a_sound_taxonomy_has_no_findings():
    taxonomy = Taxonomy.from_paths([("A", "B"), ("A", "C"), ("D", "E"), ("D", "F", "G"), ("D", "F", "H")])
    report = check_taxonomy(taxonomy, counts=dict.fromkeys(taxonomy.nodes, 3))
    assert report.findings == ()
    assert dict(report.facts) == {"nodes": "8", "levels": "3 (2 + 4 + 2)", "leaves": "5", "kind": "tree"}


def test_faults_of_a_codes_file_come_in_the_order_of_its_rows():
    report = checking("code,parent,name,terminal\na,,A,maybe\n,a,B,\nb,a,C,perhaps\nb,a,D,\n", format="codes")
    assert [finding.kind for finding in report.errors] == ["terminal", "blank-code", "duplicate-code"]


def test_everything_wrong_with_a_codes_file_in_one_report():
    text = """code,parent,name,description
1,,Games,
1.1,1,Sports,
1.2,1,sports,
1.3,1,Sports,
1.4,1,Foot > Ball,
2,,Tools,
2.1,2,Sports,
3,9,Lost,
4,5,Round,
5,4,Square,
6,,,
1,,Games again,
7,2
8,2,No\u200bte,
10,2.1,Alone,
"""
    report = checking(text, format="codes")
    assert kinds(report) == {
        "ragged-row": 1,
        "duplicate-code": 1,
        "orphan": 1,
        "blank-name": 1,
        "cycle": 1,
        "duplicate-sibling": 1,
        "alike-siblings": 1,
        "separator-in-name": 1,
        "odd-characters": 1,
        "only-child": 1,
        "same-name": 1,
    }
    assert not report.ok
    assert len(report.errors) == 6
    assert "row 9 names the parent '9'" in report.find("orphan").examples[0]
    assert "row 14 has 2 cells" in report.find("ragged-row").examples[0].lower()
    assert "'Games > Sports in row 3' and 'Games > sports in row 4'" in report.find("alike-siblings").examples[0]
    assert report.find("odd-characters").examples == (r"'No\u200bte' in row 15",)
    assert report.find("only-child").examples == ("Tools > Sports in row 8",)
    assert report.find("same-name").severity == "note"
    assert all(finding.advice for finding in report.findings)
    with pytest.raises(TaxonomyError, match="6 faults"):
        read_taxonomy(io.StringIO(text), format="codes")


@pytest.mark.parametrize(
    ("first", "second", "alike"),
    [
        ("Sports", "sports", True),
        ("Sports", "Sports ", True),
        ("Board games", "Board  games", True),
        ("Board games", "Boardgames", True),
        ("Caf\u00e9", "Cafe\u0301", True),
        ("Straße", "STRASSE", True),
        ("Games", "\uff27ames", True),
        ("Ga\u00admes", "Games", True),
        ("Sports", "Sport", False),
        ("A", "B", False),
    ],
)
def test_alike_siblings(first, second, alike):
    report = check_taxonomy(Taxonomy.from_paths([("Top", first), ("Top", second), (first, "x"), (first, "y")]))
    assert (report.find("alike-siblings") is not None) == alike
    apart = check_taxonomy(Taxonomy.from_paths([("Top", first), ("Other", second)]))
    assert apart.find("alike-siblings") is None, "only siblings are compared"


def test_nodes_without_texts_and_labels_without_nodes():
    taxonomy = Taxonomy.from_paths([("A", "B"), ("A", "C"), ("D", "E"), ("D", "F")])
    report = check_taxonomy(taxonomy, counts={("A", "B"): 2, ("A", "X"): 5, ("A", "C"): 0})
    assert report.find("no-texts").examples == ("D", "A > C", "D > E", "D > F")
    assert report.find("no-texts").severity == "warning"
    assert report.find("unknown-label").examples == ("A > X (5)",)
    assert not report.ok
    assert check_taxonomy(taxonomy, counts={}).find("no-texts").count == 6


def test_texts_count_for_every_parent_of_a_dag_node():
    records = [
        NodeRecord("a", (), "A"),
        NodeRecord("b", (), "B"),
        NodeRecord("c", ("a", "b"), "C"),
        NodeRecord("d", ("b",), "D"),
    ]
    report = check_taxonomy(records, counts={("B", "C"): 1})
    assert report.find("no-texts").examples == ("B > D",)
    assert dict(report.facts)["kind"] == "DAG"


def test_a_single_child_is_fine_where_a_label_may_end_above_it():
    assert kinds(check_taxonomy(Taxonomy.from_paths([("A", "B")]))) == {"only-child": 1}
    assert kinds(check_taxonomy(Taxonomy.from_paths([("A", "B"), ("A",)]))) == {}


def test_paths_read_with_the_wrong_separator():
    report = checking("path\nA/B\nA/C\nD\nD/E\nD/F\n")
    assert report.find("unsplit-paths").advice == "If these are paths, name the separator: separator='/'."
    assert checking("path\nA/B\nA/C\nD\nD/E\nD/F\n", separator="/").find("unsplit-paths") is None


def test_repeated_rows_are_a_note():
    report = checking("path\nA > B\nA > C\nA > B\n")
    assert kinds(report) == {"repeated-row": 1}
    assert report.find("repeated-row").examples == ("row 4",)
    assert report.ok


def test_places_in_long_chains_and_circles_are_short():
    chain = Taxonomy.from_paths([tuple(f"n{i}" for i in range(2_000))])
    report = check_taxonomy(chain)
    assert report.find("only-child").count == 1_999
    assert max(map(len, report.find("only-child").examples)) < 100
    ring = [NodeRecord(str(i), (str((i + 1) % 5_000),), f"n{i} > ") for i in range(5_000)]
    report = check_taxonomy(ring)
    assert report.find("cycle").count == 1
    assert max(len(text) for finding in report.findings for text in finding.examples) < 500


def test_what_cannot_be_read_at_all_is_an_error_not_a_report(tmp_path):
    with pytest.raises(TaxonomyError, match="cannot be read"):
        check_taxonomy(tmp_path / "nowhere.csv")
    with pytest.raises(TaxonomyError, match="no nodes"):
        check_taxonomy([])
    with pytest.raises(TaxonomyError, match="empty"):
        checking("")


def test_only_faults_and_no_nodes_are_a_report():
    report = checking("path\nA > \n > B\n")
    assert kinds(report) == {"bad-path": 2}


@given(paths())
def test_a_taxonomy_never_has_errors_and_its_report_can_be_written(given_paths):
    report = check_taxonomy(Taxonomy.from_paths(given_paths))
    assert report.ok
    assert report.to_text().startswith("the taxonomy\nnodes: ")
    branches = {}
    for path in Taxonomy.from_paths(given_paths).nodes:
        branches.setdefault(path[-1], []).append(path)
    several = sum(len(found) > 1 for found in branches.values())
    assert kinds(report).get("same-name", 0) == several


def test_reports_put_errors_first_and_become_json():
    report = Report(
        "x.csv",
        (
            Finding("a", "note", "A.", 12, ("1", "2")),
            Finding("b", "error", "B.", advice="Do."),
            Finding("c", "warning", "C."),
        ),
        (("rows", "3"),),
    )
    assert [finding.kind for finding in report.findings] == ["b", "c", "a"]
    assert not report.ok
    assert [finding.kind for finding in report.warnings + report.notes] == ["c", "a"]
    assert report.to_text() == "x.csv\nrows: 3\nerror: B.\n  Do.\nwarning: C.\nnote: A. [1; 2; and 10 more]"
    stored = report.to_dict()
    assert stored["facts"] == {"rows": "3"}
    assert stored["findings"][2] == {
        "kind": "a",
        "severity": "note",
        "message": "A.",
        "count": 12,
        "examples": ["1", "2"],
        "advice": "",
    }
    with pytest.raises(ValueError, match="fatal"):
        Finding("a", "fatal", "A.")
