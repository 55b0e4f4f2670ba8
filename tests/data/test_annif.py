"""Annif's vocabularies and corpora: every documented form is read to the same rows; subjects become paths."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from textaxa import (
    Columns,
    DataError,
    TaxonomyError,
    iterate_rows,
    read_examples,
    read_taxonomy,
    write_taxonomy,
)
from textaxa.cli._app import app
from textaxa.data import check_examples
from textaxa.taxonomy import NodeRecord, Taxonomy

BASE = "http://example.org/t/"
VOCABULARY = f"<{BASE}1>\tnetworking\n<{BASE}2>\tcomputer science\t004\n<{BASE}3>\tInternet Protocol\n"
SKOS = f"""
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix t: <{BASE}> .
t:2 a skos:Concept ; skos:prefLabel "computer science"@en, "tietotekniikka"@fi ; skos:notation "004" .
t:1 a skos:Concept ; skos:prefLabel "networking"@en ; skos:broader t:2 ; skos:notation "004.6" .
t:3 a skos:Concept ; skos:prefLabel "Internet Protocol"@en ; skos:broader t:1, t:9 ; skos:notation "004.62" .
t:9 a skos:Concept ; skos:prefLabel "old"@en ; owl:deprecated true ; skos:notation "0" .
"""
COLUMNS = Columns(paths=("paths",))
EXPECTED = [
    ("RFC 791 of 1981", ["1", "3"]),
    ("Turing and his machine", ["2"]),
]
TSV = f"RFC 791 of 1981\t<{BASE}1> <{BASE}3>\nTuring and his machine\t<{BASE}2>\n"


@pytest.fixture
def vocabulary(tmp_path):
    (tmp_path / "vocabulary.tsv").write_text(VOCABULARY, encoding="utf-8")
    return read_taxonomy(tmp_path / "vocabulary.tsv")


@pytest.fixture
def thesaurus(tmp_path):
    pytest.importorskip("rdflib", reason="rdflib is not installed (extra skos)")
    (tmp_path / "thesaurus.ttl").write_text(SKOS, encoding="utf-8")
    return read_taxonomy(tmp_path / "thesaurus.ttl", format="annif")


def write(place, name, text):
    place.mkdir(exist_ok=True)
    file = place / name
    file.write_text(text, encoding="utf-8")
    return file


def tsv(place):
    return write(place, "texts.tsv", TSV)


def csv_file(place):
    rows = [
        f'd{i},"{text}",{" ".join(f"<{BASE}{s}>" for s in subjects)}' for i, (text, subjects) in enumerate(EXPECTED)
    ]
    return write(place, "texts.csv", "document_id,text,subject_uris\n" + "\n".join(rows) + "\n")


def objects(subject):
    return [{"text": text, "subjects": [subject(one) for one in subjects]} for text, subjects in EXPECTED]


def json_lines(place):
    rows = objects(lambda one: {"uri": f"{BASE}{one}", "label": "whatever"})
    return write(place, "texts.jsonl", "\n".join(map(json.dumps, rows)))


NAMES = {"1": "networking", "2": "computer science", "3": "Internet Protocol"}


def json_labels(place):
    return write(place, "texts.jsonl", "\n".join(map(json.dumps, objects(lambda one: {"label": NAMES[one]}))))


def folder_with_tsv(place):
    for number, (text, subjects) in enumerate(EXPECTED):
        write(place, f"{number}.txt", text)
        write(place, f"{number}.tsv", "".join(f"<{BASE}{one}>\t{NAMES[one]}\tmore\n" for one in subjects))
        write(place, f"{number}.key", "computer science\n")
    return place


def folder_with_keys(place):
    for number, (text, subjects) in enumerate(EXPECTED):
        write(place, f"{number}.txt", "\ufeff" + text)
        write(place, f"{number}.key", "".join(f"{NAMES[one]}\n" for one in subjects))
    return place


def folder_with_json(place):
    for number, one in enumerate(objects(lambda one: {"uri": f"{BASE}{one}"})):
        write(place, f"{number}.json", json.dumps(one | {"metadata": {"title": "T"}, "document_id": f"d{number}"}))
    return place


FORMS = [tsv, csv_file, json_lines, json_labels, folder_with_tsv, folder_with_keys, folder_with_json]


@pytest.mark.parametrize("make", FORMS)
def test_every_form_of_a_corpus_is_read_to_the_same_rows(vocabulary, tmp_path, make):
    found = read_examples(make(tmp_path / "corpus"), COLUMNS, taxonomy=vocabulary, format="annif")
    expected = [(text, tuple((NAMES[one],) for one in subjects)) for text, subjects in EXPECTED]
    assert list(zip(found.texts, found.labels, strict=True)) == expected


def test_subjects_are_paths_of_a_hierarchical_thesaurus(thesaurus, tmp_path):
    found = read_examples(tsv(tmp_path / "corpus"), COLUMNS, taxonomy=thesaurus, format="annif")
    networking = ("computer science", "networking")
    assert found.labels == [(networking, (*networking, "Internet Protocol")), (("computer science",),)]


def test_metadata_and_ids_are_columns(tmp_path):
    with iterate_rows(folder_with_json(tmp_path / "corpus"), format="annif") as rows:
        (number, first), _ = rows
    assert number == 1
    assert first["document"] == "0"
    assert first["document_id"] == "d0"
    assert first["title"] == "T"
    assert first["labelling"] == "labelled"
    with iterate_rows(csv_file(tmp_path / "other"), format="annif") as rows:
        assert next(iter(rows))[1]["document_id"] == "d0"


def test_the_three_forms_of_a_vocabulary_are_the_same_nodes(vocabulary, thesaurus, tmp_path):
    table = f"uri,label_fi,label_en,notation\n<{BASE}1>,,networking,\n{BASE}2,tiede,computer science,004\n"
    (tmp_path / "v.csv").write_text(table + f"{BASE}3,,Internet Protocol,\n{BASE}4,,,\n", encoding="utf-8")
    of_csv = read_taxonomy(tmp_path / "v.csv")
    codes = {BASE + one for one in "123"}
    assert set(vocabulary.codes) == set(of_csv.codes) == set(thesaurus.codes) == codes
    assert vocabulary.names == of_csv.names
    assert read_taxonomy(tmp_path / "v.csv", language="fi").names == ("networking", "tiede", "Internet Protocol")
    assert vocabulary.n_levels == 1
    assert thesaurus.n_levels == 3
    assert thesaurus.is_terminal.all()


def test_without_the_format_codes_of_a_thesaurus_are_its_notations(thesaurus, tmp_path):
    assert set(read_taxonomy(tmp_path / "thesaurus.ttl").codes) == {"004", "004.6", "004.62", "0"}


def test_uris_survive_as_skos_and_as_a_table(thesaurus, vocabulary, tmp_path):
    for name, form in (("t.ttl", "annif"), ("t.csv", None)):
        write_taxonomy(thesaurus, tmp_path / name)
        assert read_taxonomy(tmp_path / name, format=form) == thesaurus
    write_taxonomy(vocabulary, tmp_path / "v.tsv", format="annif")
    assert read_taxonomy(tmp_path / "v.tsv") == vocabulary
    with pytest.raises(TaxonomyError, match="has 3 levels"):
        write_taxonomy(thesaurus, tmp_path / "no.tsv", format="annif")


def test_what_the_vocabulary_lacks_is_left_out_and_rows_without_a_subject_are_counted(vocabulary, tmp_path):
    file = write(tmp_path, "t.tsv", f"one\t<{BASE}1> <{BASE}77>\ntwo\t<{BASE}77>\nthree\nfour\t\n\n")
    found = read_examples(file, COLUMNS, taxonomy=vocabulary, format="annif")
    assert found.texts == ["one"]
    assert found.labels == [(("networking",),)]
    assert found.left_out == {"no subject of the taxonomy": 1, "not labelled": 2}
    report = check_examples(file, COLUMNS, taxonomy=vocabulary, format="annif")
    assert "1 no subject of the taxonomy" in dict(report.facts)["left out"]


def test_texts_without_subjects_can_be_predicted_on(vocabulary, tmp_path):
    file = write(tmp_path, "t.tsv", "one\ntwo\n")
    assert read_examples(file, Columns(), format="annif").texts == ["one", "two"]


def test_a_name_that_two_nodes_have_stands_for_neither(tmp_path):
    records = [
        NodeRecord("a", (), "money"),
        NodeRecord("b", (), "river"),
        NodeRecord("c", ("a",), "bank"),
        NodeRecord("d", ("b",), "bank"),
    ]
    taxonomy = Taxonomy.from_records(records)
    rows = [{"text": "x", "subjects": [{"label": "bank"}, {"label": "river"}]}]
    file = write(tmp_path, "t.jsonl", json.dumps(rows[0]))
    assert read_examples(file, COLUMNS, taxonomy=taxonomy, format="annif").labels == [(("river",),)]


def test_codes_are_labels_in_any_table():
    records = [NodeRecord("52", (), "Storage"), NodeRecord("52.1", ("52",), "Warehouses"), NodeRecord("9", (), "9")]
    taxonomy = Taxonomy.from_records(records)
    rows = [{"text": "a", "code": "52.1"}, {"text": "b", "code": "Storage > Warehouses"}, {"text": "c", "code": "9"}]
    found = read_examples(rows, Columns(path="code"), taxonomy=taxonomy)
    assert found.labels == [(("Storage", "Warehouses"),)] * 2 + [(("9",),)]
    with pytest.raises(DataError, match=r"'52\.9'"):
        read_examples([{"text": "a", "code": "52.9"}], Columns(path="code"), taxonomy=taxonomy)
    with pytest.raises(DataError, match="'Warehouses' lies in another branch"):
        read_examples([{"text": "a", "code": "Warehouses"}], Columns(path="code"), taxonomy=taxonomy)


def test_a_model_is_trained_on_a_corpus(vocabulary, tmp_path):
    pytest.importorskip("torch", reason="the estimator is not there; it comes with the extra train")
    from textaxa import HierarchicalTextClassifier

    file = write(tmp_path, "t.tsv", TSV * 10)
    rows = read_examples(file, COLUMNS, taxonomy=vocabulary, format="annif")
    classifier = HierarchicalTextClassifier(head="linear", taxonomy=vocabulary).fit(rows.texts, rows.labels)
    assert classifier.predict(["Turing"]) == [(("computer science",),)]


def test_the_commands_take_a_vocabulary_and_a_folder_of_documents(tmp_path):
    pytest.importorskip("sklearn", reason="training is not there; it comes with the extra train")
    pytest.importorskip("torch", reason="training is not there; it comes with the extra train")
    run = CliRunner().invoke
    vocabulary = write(tmp_path, "v.tsv", VOCABULARY)
    codes = tmp_path / "v.csv"
    assert run(app, ["taxonomy", "convert", str(vocabulary), str(codes), "--to", "codes"]).exit_code == 0
    write(tmp_path, "l.csv", f"uri,label_en,label_fi\n{BASE}1,science,tiede\n")
    finnish = ["taxonomy", "convert", str(tmp_path / "l.csv"), str(tmp_path / "fi.csv"), "--language", "fi"]
    assert run(app, finnish).exit_code == 0
    assert read_taxonomy(tmp_path / "fi.csv").names == ("tiede",)
    corpus = tmp_path / "corpus"
    for number in range(12):
        write(corpus, f"{number}.txt", f"{EXPECTED[number % 2][0]}, copy {number}")
        write(corpus, f"{number}.key", f"{NAMES['3' if number % 2 == 0 else '2']}\n")
    how = ["--input-format", "annif", "--path", "path", "--taxonomy", str(codes), "--head", "linear"]
    trained = run(app, ["train", str(corpus), *how, "--out", str(tmp_path / "model")])
    assert trained.exit_code == 0, trained.stderr
    out = tmp_path / "out.csv"
    done = run(app, ["predict", str(tmp_path / "model"), str(corpus), "--input-format", "annif", "-o", str(out)])
    assert done.exit_code == 0, done.stderr
    with iterate_rows(out) as rows:
        found = {row["document"]: row["path"] for _, row in rows}
    assert found["0"] == "Internet Protocol"
    assert found["1"] == "computer science"
    assert len(found) == 12


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "text,subjects\na,b\n", "'subject_uris' is missing"),
        ("t.jsonl", '{"text": 3}\n', "no document of Annif"),
        ("t.jsonl", '{"text": "a", "subjects": ["x"]}\n', "no document of Annif"),
        ("t.jsonl", '{"text": "a", "subjects": [{}]}\n', "no document of Annif"),
        ("t.jsonl", '{"text": "a", "metadata": 1}\n', "no document of Annif"),
        ("t.tsv", "", "no row|empty"),
    ],
)
def test_a_corpus_that_is_none_is_refused(vocabulary, tmp_path, name, text, message):
    with pytest.raises(DataError, match=message):
        read_examples(write(tmp_path, name, text), COLUMNS, taxonomy=vocabulary, format="annif")


def test_folders_that_are_none_are_refused(vocabulary, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="without documents"):
        read_examples(tmp_path / "empty", COLUMNS, taxonomy=vocabulary, format="annif")
    write(tmp_path / "bad", "a.json", "{")
    with pytest.raises(DataError, match="not JSON"):
        read_examples(tmp_path / "bad", COLUMNS, taxonomy=vocabulary, format="annif")
    (tmp_path / "bytes").mkdir()
    (tmp_path / "bytes" / "a.txt").write_bytes(b"caf\xe9")
    with pytest.raises(DataError, match="not UTF-8"):
        read_examples(tmp_path / "bytes", COLUMNS, taxonomy=vocabulary, format="annif")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("v.tsv", f"<{BASE}1>\tone\nno tab here\n", "not a URI, a tab and a label"),
        ("v.tsv", f"<{BASE}1>\tone\n<{BASE}1>\ttwo\n", "is taken"),
        ("v.tsv", f"<{BASE}1>\t\n<{BASE}2>\n", "no subjects"),
    ],
)
def test_a_vocabulary_with_faults_is_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(TaxonomyError, match=message):
        read_taxonomy(tmp_path / name)


@given(st.text(max_size=200))
def test_no_text_breaks_the_readers(tmp_path_factory, text):
    place = tmp_path_factory.mktemp("any")
    for name in ("t.tsv", "t.csv", "t.jsonl"):
        file = place / name
        file.write_text(text, encoding="utf-8", errors="replace")
        with suppress(DataError):
            read_examples(file, COLUMNS, format="annif")
        with suppress(TaxonomyError):
            read_taxonomy(file, format="annif")
