"""Files: every format reads back what it wrote; broken, hostile and foreign files get a clear error with their row."""

import io
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from taxonomy_strategies import dag_records, paths

from textaxa.errors import TaxonomyError
from textaxa.taxonomy import NodeRecord, Taxonomy, read_taxonomy, write_taxonomy

NAMES = (
    "Games",
    "Other",
    "No",
    "2017",
    "null",
    "Ärzte",
    "音楽",
    "a b",
    "x,y",
    'q"q',
    "it's",
    "- a",
    "a: b",
    "#1",
    "~",
    "é́",
    "n1",
)
TREES = ("codes", "paths", "lines", "levels", "indented", "yaml", "json", "skos")
APPS = [("Games", "Sports"), ("Games", "Other"), ("Tools", "Other"), ("Tools",), ("Games", "Sports", "Football")]


def through(taxonomy, format, **options):
    """Write to text and read back."""
    file = io.StringIO()
    write_taxonomy(taxonomy, file, format=format, **options)
    options.pop("overwrite", None)
    return read_taxonomy(io.StringIO(file.getvalue()), format=format, **options)


def content(taxonomy):
    """Everything but codes and sibling order."""
    return {
        path: (taxonomy.descriptions[node], bool(taxonomy.is_terminal[node]))
        for node, path in enumerate(taxonomy.nodes)
    }


def reading(text, **options):
    return read_taxonomy(io.StringIO(text), **options)


@st.composite
def trees(draw):
    given_paths = draw(paths(names=NAMES, max_size=12))
    prefixes = sorted({path[:k] for path in given_paths for k in range(1, len(path) + 1)})
    described = draw(
        st.dictionaries(st.sampled_from(prefixes), st.sampled_from(["d", "two\nlines", "No", "x: #y"]), max_size=4)
    )
    return Taxonomy.from_paths(
        given_paths, descriptions=described, terminals=draw(st.sampled_from(["given", "leaves", "all"]))
    )


@pytest.mark.parametrize("format", TREES)
@given(taxonomy=trees())
@settings(max_examples=60, deadline=None)
def test_trees_round_trip(format, taxonomy):
    if format in {"indented", "lines"}:
        taxonomy = Taxonomy.from_dict(taxonomy.to_dict() | {"descriptions": None})
    if format == "lines" and any(taxonomy.path(i)[0] == "#1" for i in taxonomy.terminals):
        with pytest.raises(TaxonomyError, match="plain text"):
            through(taxonomy, format)
        return
    again = through(taxonomy, format)
    assert content(again) == content(taxonomy)
    if format != "skos":
        assert again.nodes == taxonomy.nodes, "the order of siblings is kept"


@pytest.mark.parametrize("format", ["codes", "skos"])
@given(records=dag_records())
@settings(max_examples=50, deadline=None)
def test_dags_round_trip_with_codes(format, records):
    taxonomy = Taxonomy.from_records(records)
    again = through(taxonomy, format)
    if format == "codes":
        assert again == taxonomy
    by_code = dict(zip(again.codes, range(len(again)), strict=True))
    for node, code in enumerate(taxonomy.codes):
        other = by_code[code]
        assert again.names[other] == taxonomy.names[node]
        assert again.descriptions[other] == taxonomy.descriptions[node]
        assert again.is_terminal[other] == taxonomy.is_terminal[node]
        assert {again.codes[p] for p in again.parents.row(other)} == {
            taxonomy.codes[p] for p in taxonomy.parents.row(node)
        }


@pytest.mark.parametrize("format", ["codes", "yaml", "json"])
def test_codes_survive_where_a_format_keeps_them(format):
    records = [
        NodeRecord("1", (), "A", "about a", True),
        NodeRecord("1.2", ("1",), "B"),
        NodeRecord("1.10", ("1",), "C"),
    ]
    taxonomy = Taxonomy.from_records(records)
    assert through(taxonomy, format) == taxonomy


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.txt", "t.yaml", "t.yml", "t.json", "t.ttl", "t.rdf", "t.nt"])
def test_suffixes_choose_the_format(tmp_path, name):
    taxonomy = Taxonomy.from_paths(APPS, sort=True)
    write_taxonomy(taxonomy, tmp_path / name)
    assert content(read_taxonomy(tmp_path / name)) == content(taxonomy)
    with pytest.raises(TaxonomyError, match="exists already"):
        write_taxonomy(taxonomy, tmp_path / name)
    write_taxonomy(taxonomy.with_terminals("all"), str(tmp_path / name), overwrite=True)
    assert read_taxonomy(str(tmp_path / name)).is_terminal.all()
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_the_stored_form_is_read_as_json(tmp_path):
    dag = Taxonomy.from_records([NodeRecord("a", (), "A"), NodeRecord("b", (), "B"), NodeRecord("c", ("a", "b"), "C")])
    file = tmp_path / "taxonomy.json"
    file.write_text(json.dumps(dag.to_dict()))
    assert read_taxonomy(file) == dag
    file.write_text(json.dumps(dag.to_dict())[:-9])
    with pytest.raises(TaxonomyError, match="not complete"):
        read_taxonomy(file)
    file.write_text(json.dumps(dag.to_dict() | {"version": 9}))
    with pytest.raises(TaxonomyError, match=r"taxonomy\.json.*newer"):
        read_taxonomy(file)


# --- what the formats look like


def test_codes_with_other_column_names_delimiter_and_order():
    text = "Title;Up;NAICS\r\nSoup;1|x;11\r\nFood;;1|x\r\n"
    taxonomy = reading(text, format="codes", columns={"code": "NAICS", "parent": "Up", "name": "Title"})
    assert taxonomy.nodes == [("Food",), ("Food", "Soup")]
    assert taxonomy.codes == ("1|x", "11")


def test_a_code_with_two_rows_has_two_parents():
    taxonomy = reading("code,parent,name\n1,,A\n2,,B\n3,1,C\n3,2,C\n")
    assert not taxonomy.is_tree
    assert taxonomy.index(("A", "C")) == taxonomy.index(("B", "C"))


def test_paths_with_any_separator_and_description():
    taxonomy = reading("Path,Description\nA / B,about b\nA,\nA / B,\n", separator="/")
    assert content(taxonomy) == {("A",): ("", True), ("A", "B"): ("about b", True)}
    taxonomy = reading("category\nA::B\n", format="paths", separator="::", columns=["category"])
    assert taxonomy.nodes == [("A",), ("A", "B")]


def test_levels_of_a_data_table():
    text = "id,category,sub,terminal\n1,A,B,yes\n2,A,,no\n3,A,B,yes\n"
    taxonomy = reading(text, format="levels", columns=["category", "sub"], delimiter=",").with_terminals("leaves")
    assert taxonomy.nodes == [("A",), ("A", "B")]


def test_nested_yaml_in_all_its_forms():
    taxonomy = reading(
        """
Games:
  Sports: Balls and bats
  No:
  2017: []
Tools: [A, B, {C: {D: }}]
Full:
- name: E
  description: about e
  terminal: yes
  children: {F: , name: }
""",
        format="yaml",
    )
    assert content(taxonomy) == {
        ("Games",): ("", False),
        ("Games", "Sports"): ("Balls and bats", True),
        ("Games", "No"): ("", True),
        ("Games", "2017"): ("", True),
        ("Tools",): ("", False),
        ("Tools", "A"): ("", True),
        ("Tools", "B"): ("", True),
        ("Tools", "C"): ("", False),
        ("Tools", "C", "D"): ("", True),
        ("Full",): ("", False),
        ("Full", "E"): ("about e", True),
        ("Full", "E", "F"): ("", True),
        ("Full", "E", "name"): ("", True),
    }


def test_skos_languages_and_several_broader():
    text = """
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix e: <http://example.org/> .
e:a a skos:Concept ; skos:prefLabel "Food"@en, "Essen"@de ; skos:narrower e:c ; skos:scopeNote "eat"@en .
e:b a skos:Concept ; skos:prefLabel "Drink"@en, "Trinken"@de .
e:c a skos:Concept ; skos:prefLabel "Soup"@en ; skos:broader e:b, e:a ; skos:definition "hot"@en ; skos:scopeNote "x" .
"""
    taxonomy = reading(text, format="skos", language="de")
    assert set(taxonomy.nodes) == {("Essen",), ("Trinken",), ("Essen", "Soup")}
    assert taxonomy.find(("Trinken", "Soup")) == taxonomy.find(("Essen", "Soup"))
    assert taxonomy.codes[0] == "http://example.org/a"
    english = reading(text, format="skos")
    assert english.descriptions[english.index(("Food", "Soup"))] == "hot"
    assert english.descriptions[english.index(("Food",))] == "eat"


def test_byte_order_marks_and_encodings(tmp_path):
    file = tmp_path / "t.csv"
    for encoding in ("utf-8-sig", "utf-16"):
        file.write_text("path\nMusik > Ärzte\n", encoding=encoding)
        assert read_taxonomy(file).nodes == [("Musik",), ("Musik", "Ärzte")]
    file.write_text("path\nA\nMusik > Ärzte\n", encoding="cp1252")
    assert read_taxonomy(file, encoding="cp1252").nodes[2] == ("Musik", "Ärzte")
    with pytest.raises(TaxonomyError, match=r"t\.csv: row 3 is not utf-8 \(byte 0xc4\).*cp1252"):
        read_taxonomy(file)
    with pytest.raises(TaxonomyError, match="no encoding 'utf-9'"):
        read_taxonomy(file, encoding="utf-9")


# --- broken files

BROKEN = [
    ("codes", "code,parent,name\n1,3,A\n2,1,B\n3,2,C\n", "circle: 'A' .code '1'. in row 2 is below 'C'"),
    ("codes", "code,parent,name\n1,7,A\n", "row 2 names the parent '7'"),
    ("codes", "code,parent,name\n1,,A\n1,,B\n", "code '1' in row 3 is taken by 'A' .code '1'. in row 2"),
    ("codes", "code,parent,name\n1,,A\n2,1,B\n2,1,B\n", "code '2' in row 4 is taken"),
    ("codes", "code,parent,name\n1,,A\n2,1,B\n2,,B\n", "code '2' in row 4 is taken"),
    ("codes", "code,parent,name\n1,,A\n2,,A\n", "same name at the top level"),
    ("codes", "code,parent,name\n,,A\n", "code of 'A' in row 2 is empty"),
    ("codes", "code,parent,name\n1,,\n", "blank name"),
    (
        "codes",
        "code,parent,name\n1,,A,B\n",
        "Row 2 has 4 cells, the header 3. Is a delimiter missing, or inside a name",
    ),
    ("codes", "code,parent,name\n1,\n", "Row 2 has 2 cells"),
    ("codes", 'code,parent,name\n1,,"A\nB"\n2,\n', "Row 4 has 2 cells"),
    ("codes", "code,parent,nmae\n1,,A\n", "no column 'name'. Did you mean 'nmae'"),
    ("codes", "code,parent,name,terminal\n1,,A,perhaps\n", "Row 2: 'perhaps'"),
    ("codes", "code,parent,name\n", "no nodes"),
    ("codes", "", "empty"),
    ("codes", "\n\nx", "no header"),
    ("codes", "code,code,name\n1,,A", "'code' twice"),
    ("codes", "code,parent,name\n1,,A\0\n", "row 2 holds a NUL"),
    ("paths", "path\nA > \n", "Row 2: .*empty name at level 2"),
    ("paths", "path,x\n,y\n", "Row 2: The path is blank"),
    ("paths", "path,description\nA,x\nA,y\n", "Row 3 describes"),
    ("paths", "path,terminal\nA,perhaps\n", "Row 2: 'perhaps'"),
    ("paths", "route\nA\n", "no column 'path'"),
    ("levels", "a,b,c\nA,,C\n", "Row 2 has 'C' but no 'b' above it"),
    ("levels", "a,description\n,C\n", "Row 2 has no 'a'"),
    ("indented", "A\n\t\tB\n", "Row 2 is 2 tabs in.*at most 1"),
    ("indented", "\tA\n", "Row 1 is 1 tabs in"),
    ("indented", "A\n  B\n", "Row 2 is indented by spaces"),
    ("indented", "A\n\tB\n\tB\n", "'B' in row 3 and 'B' in row 2 have the same name below 'A' in row 1"),
    ("indented", "A\tabout\tend\n", "Row 1 has 'end'"),
    ("lines", "# comment\nA > > B\n", "Row 2: .*empty name"),
    ("yaml", "A:\n  B:\n  B:\n", "'B' in row 3 and 'B' in row 2 have the same name"),
    ("yaml", "A: [\n", "row 2 is not YAML"),
    ("yaml", "A: \x07\n", "not YAML"),
    ("yaml", "just text\n", "mapping or a list, not the text"),
    ("yaml", "A: &x [B]\nC: *x\n", "row 1 has a YAML anchor"),
    ("yaml", "A: !!python/object/apply:os.system [ls]\n", "row 1 has the YAML tag"),
    ("yaml", "A:\n---\nB:\n", "row 2 begins a second"),
    ("yaml", "? [a]\n: b\n", "a collection, not a name"),
    ("yaml", "- name: A\n  colour: red\n  descripton: x\n", "2 faults(.|\n)*'colour'(.|\n)*did you mean 'description'"),
    ("yaml", "- name: A\n  terminal: perhaps\n", "'perhaps'"),
    ("yaml", "- name: A\n  code: 1\n- B\n", "'B'.* has no code"),
    ("yaml", "- name: A\n  code: 1\n- name: B\n  code: 1\n", "code '1' of 'B'"),
    ("yaml", "- name: A\n  code: 1\n  code: 2\n", "'code' twice"),
    ("yaml", "- name: A\n  children: B\n", "children of 'A'"),
    ("yaml", "- [A]\n", "a list where a name belongs"),
    ("yaml", "{}\n", "no nodes"),
    ("json", '{"A": {"B": null, "B": null}}', "same name below 'A'"),
    ("json", '{"A": 3}', "children of 'A' are 3"),
    ("json", "[1, null]", "2 faults(.|\n)*1 where a name(.|\n)*nothing where a name"),
    ("json", '{"A":\n nul}', "row 2 is not JSON"),
    ("json", '[{"name": "A", "description": 7}]', "description of 'A' is 7"),
    ("json", "[" * 100_000, "nested too deep"),
    ("json", "3", "not 3"),
    ("skos", "this is not RDF", "cannot be read as RDF"),
    ("skos", "<urn:a> <urn:b> <urn:c> .", "no SKOS concepts"),
    (
        "skos",
        "@prefix s: <http://www.w3.org/2004/02/skos/core#> . <urn:a> a s:Concept . "
        '<urn:b> a s:Concept ; s:prefLabel "B" ; s:broader <urn:nowhere> .',
        "2 faults(.|\n)*urn:a has no prefLabel(.|\n)*'urn:nowhere'",
    ),
]


@pytest.mark.parametrize(("format", "text", "message"), BROKEN, ids=range(len(BROKEN)))
def test_broken_files_say_where_and_what(tmp_path, format, text, message):
    file = tmp_path / "broken.dat"
    file.write_text(text)
    with pytest.raises(TaxonomyError, match=message) as caught:
        read_taxonomy(file, format=format)
    if "nmae" not in text:
        assert "broken.dat" in str(caught.value)


def test_all_faults_of_a_file_come_together():
    with pytest.raises(TaxonomyError) as caught:
        reading("code,parent,name\n1,,A\n2,9,B\n3,4,C\n4,3,D\n5,,A\n6,,\n7\n")
    for part in ("5 faults", "Row 8", "row 3 names the parent '9'", "circle", "same name", "blank name"):
        assert part in str(caught.value)


def test_missing_files_unknown_formats_and_unclear_suffixes(tmp_path):
    with pytest.raises(TaxonomyError, match=r"nowhere\.csv: the file cannot be read"):
        read_taxonomy(tmp_path / "nowhere.csv")
    with pytest.raises(TaxonomyError, match="Did you mean 'codes'"):
        reading("x", format="code")
    with pytest.raises(TaxonomyError, match="Say format="):
        write_taxonomy(Taxonomy.from_paths(APPS), tmp_path / "t.abc")
    with pytest.raises(TaxonomyError, match="cannot be written"):
        write_taxonomy(Taxonomy.from_paths(APPS), tmp_path / "nowhere" / "t.csv")
    with pytest.raises(TaxonomyError, match=r"columns has no 'kode'\. Did you mean 'code'"):
        reading("a,b,c\n", format="codes", columns={"kode": "a"})
    with pytest.raises(TaxonomyError, match="list of their names"):
        reading("a,b,c\n1,2,3\n", format="levels", columns={"code": "a"})


def test_a_failed_write_leaves_the_old_file(tmp_path):
    file = tmp_path / "t.csv"
    file.write_text("old")
    with pytest.raises(TaxonomyError, match="separator"):
        write_taxonomy(Taxonomy.from_paths([("A",), ("B > C",)]), file, format="paths", overwrite=True)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("format", ["paths", "lines", "levels", "indented", "yaml", "json"])
def test_dags_are_refused_by_formats_for_trees(format):
    dag = Taxonomy.from_records([NodeRecord("a", (), "A"), NodeRecord("b", (), "B"), NodeRecord("c", ("a", "b"), "C")])
    with pytest.raises(TaxonomyError, match="several parents"):
        through(dag, format)


@pytest.mark.parametrize("format", TREES)
def test_names_that_would_change_are_refused(format):
    with pytest.raises(TaxonomyError, match="begins or ends with space"):
        through(Taxonomy.from_paths([("A ",), ("A",)]), format)


def test_names_that_indented_text_cannot_hold_are_refused():
    with pytest.raises(TaxonomyError, match="tab or a line break"):
        through(Taxonomy.from_paths([("A\tB",)]), "indented")


def test_huge_depths_are_read_or_refused_but_never_crash():
    chain = Taxonomy.from_paths([tuple(f"n{i}" for i in range(10_000))])
    assert through(chain, "codes").names == chain.names
    short = Taxonomy.from_paths([tuple(f"n{i}" for i in range(1_500))])
    assert through(short, "indented") == short
    assert through(short, "paths") == short
    for format in ("yaml", "json", "levels"):
        with pytest.raises(TaxonomyError, match="levels"):
            through(short, format)
    nested = Taxonomy.from_paths([tuple(f"n{i}" for i in range(200))]).with_terminals("all")
    for format in ("yaml", "json"):
        assert through(nested, format) == nested
    with pytest.raises(TaxonomyError, match="deeper than 1000"):
        reading("[" * 100_000 + "]" * 100_000, format="yaml")


def test_multiplying_aliases_and_entities_are_refused_at_once():
    start = time.monotonic()
    laughs = "a: &a [x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)
    )
    with pytest.raises(TaxonomyError, match="alias"):
        reading(laughs, format="yaml")
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10 if i else "ha"}">' for i in range(12))
    rdf = (
        f'<?xml version="1.0"?><!DOCTYPE r [{entities}]>'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:s="http://www.w3.org/2004/02/skos/core#">'
        '<s:Concept rdf:about="urn:a"><s:prefLabel>&e11;</s:prefLabel></s:Concept></rdf:RDF>'
    )
    with pytest.raises(TaxonomyError, match="cannot be read as RDF"):
        reading(rdf, format="skos")
    assert time.monotonic() - start < 20


def test_external_entities_are_not_read(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    rdf = (
        f'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:s="http://www.w3.org/2004/02/skos/core#">'
        '<s:Concept rdf:about="urn:a"><s:prefLabel>A&e;</s:prefLabel></s:Concept></rdf:RDF>'
    )
    with pytest.raises(TaxonomyError, match="entity"):
        reading(rdf, format="skos")


def test_entities_for_namespaces_are_read():
    rdf = (
        '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY skos "http://www.w3.org/2004/02/skos/core#">]>'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:s="&skos;">'
        '<s:Concept rdf:about="urn:a"><s:prefLabel>A</s:prefLabel></s:Concept></rdf:RDF>'
    )
    assert reading(rdf, format="skos").names == ("A",)


def test_a_missing_rdflib_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "rdflib", None)
    with pytest.raises(ImportError, match=r"textaxa\[skos\]"):
        reading("x", format="skos")


def test_long_fields_are_read():
    text = "d" * 200_000
    taxonomy = reading(f"path,description\nA,{text}\n")
    assert taxonomy.descriptions == (text,)
    assert through(Taxonomy.from_paths([("n" * 3_000, "x")]), "yaml").names[0] == "n" * 3_000


def told_of(text):
    """The taxonomy that a codes file holds, or what is said of its faults."""
    try:
        return read_taxonomy(io.StringIO(text), format="codes").to_dict()
    except TaxonomyError as error:
        return str(error)


@settings(max_examples=150)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "c", "d", "e", "f", ""]),
            st.sampled_from(["", "", "a", "b", "c", "z"]),
            st.sampled_from(["One", "Two", "Three", "", " x "]),
            st.sampled_from(["", "", "said", "said,ragged"]),
            st.sampled_from(["", "", "yes", "no", "maybe"]),
        ),
        min_size=1,
        max_size=7,
        unique_by=lambda row: row[:2],
    )
)
def test_codes_are_read_as_if_row_by_row(rows):
    text = "code,parent,name,description,terminal\n" + "".join(",".join(row) + "\n" for row in rows)
    quickly = told_of(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("textaxa.taxonomy._formats._codes._of_tree", lambda *_: None)
        assert told_of(text) == quickly
