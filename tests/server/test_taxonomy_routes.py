"""`/v1/taxonomy`, search and nodes: in parts, for large taxonomies, DAGs, hostile names and other languages."""

import json

import pytest
from server.bare_routes import OneModel, app_of, served
from server.http_service import client, model_folder

from textaxa.errors import ConfigError
from textaxa.server._index import SearchIndex, folded
from textaxa.server._names import Names
from textaxa.server._taxonomy import MOST_LINES, router
from textaxa.taxonomy import NodeRecord, Taxonomy

HOSTILE = [
    "<img src=x onerror=alert(1)>", '"};alert(1)//', "two\nlines", "\u202eright to left", "😀 日本語", "a" * 2000,
    "' OR 1=1 --", "%s {0} \\", "tab\tand \x00 nul",
]  # fmt: skip


def made(taxonomy, **options):
    return app_of(router, OneModel(served(taxonomy, **options)))


def wide_taxonomy(n: int) -> Taxonomy:
    """Give about n nodes on three levels, with names that repeat."""
    width = round(n ** (1 / 3))
    names = ["Übung", "Café", "Straße", "football", "Tool"]
    return Taxonomy.from_paths(
        [
            (f"{names[i % 5]} {i}", f"part {j}", f"{names[j % 5]} {i}-{j}-{k}")
            for i in range(width) for j in range(width) for k in range(n // width**2)
        ]
    )  # fmt: skip


@pytest.fixture(scope="module", params=[5_000, 200_000])
def large(request):
    taxonomy = wide_taxonomy(request.param)
    return taxonomy, made(taxonomy)


def test_every_node_is_found_by_walking_down(large):
    taxonomy, ask = large
    top = ask.get("/v1/taxonomy", params={"depth": 1}).json()
    assert [node["id"] for node in top["nodes"]] == taxonomy.level(1).tolist()
    some = top["nodes"][7]["id"]
    below = ask.get("/v1/taxonomy", params={"under": some, "depth": 1}).json()
    assert [node["id"] for node in below["nodes"]] == taxonomy.children.row(some).tolist()
    assert all(node["parent"] == some and node["depth"] == 2 for node in below["nodes"])
    assert below["total"] == top["nodes"][7]["children"]


def test_a_large_part_is_cut_and_says_so(large):
    taxonomy, ask = large
    found = ask.get("/v1/taxonomy", params={"depth": 99, "limit": MOST_LINES}).json()
    assert found["total"] == len(taxonomy)
    assert found["truncated"] == (len(taxonomy) > MOST_LINES)
    assert [node["id"] for node in found["nodes"]] == list(range(min(len(taxonomy), MOST_LINES)))
    assert {node["id"]: node["parent"] for node in found["nodes"] if node["parent"] is not None} == {
        node: int(taxonomy.parent[node]) for node in range(len(found["nodes"])) if taxonomy.parent[node] >= 0
    }


def test_search_agrees_with_looking_at_every_name(large):
    taxonomy, ask = large
    names = [folded(name) for name in taxonomy.names]
    for query in ("strasse 1", "CAFE", "football 3-2", "no such name"):
        found = ask.get("/v1/taxonomy/search", params={"q": query, "limit": 200}).json()["nodes"]
        words = folded(query).split()
        fits = [n for n, name in enumerate(names) if all(word in name for word in words)]
        assert {node["id"] for node in found} <= set(fits)
        assert len(found) == min(200, len(fits))
        assert all(tuple(node["path"]) == taxonomy.path(node["id"]) for node in found)


def test_whole_names_come_first_then_beginnings_words_and_parts():
    paths = [("Supercars",), ("Old cars",), ("Carsharing",), ("Cars",), ("x", "Cars"), ("y",)]
    index = SearchIndex(Taxonomy.from_paths(paths, descriptions={("y",): "All about cars"}))
    names = ["Cars", "Cars", "Carsharing", "Old cars", "Supercars", "y"]
    taxonomy = Taxonomy.from_paths(paths)
    assert [taxonomy.names[node] for node in index.find("  CARS ", 50)] == names
    assert index.find("cars", 2) == index.find("cars", 50)[:2]
    assert [taxonomy.names[node] for node in index.find("about all", 50)] == ["y"]
    assert index.find("   ", 5) == [] == index.find("\n", 5)


@pytest.mark.parametrize(
    ("query", "name"), [("ecole", "École"), ("STRASSE", "Straße"), ("Łódź", "Lodz"), ("ﬁsh", "fish")]
)
def test_case_and_accents_do_not_count(query, name):
    assert SearchIndex(Taxonomy.from_paths([("other",), (name,)])).find(query, 5) == [1]


def test_codes_and_other_languages_are_searched():
    records = [NodeRecord("A", (), "Land"), NodeRecord("A-01", ("A",), "Crops"), NodeRecord("B", (), "Sea")]
    taxonomy = Taxonomy.from_records(records)
    index = SearchIndex(taxonomy, [{taxonomy.index(("Sea",)): "Das Meer"}])
    assert [taxonomy.names[node] for node in index.find("a-01", 5)] == ["Crops"]
    assert [taxonomy.names[node] for node in index.find("meer", 5)] == ["Sea"]


def test_a_node_of_a_dag_stands_below_each_parent_and_there_are_no_more_lines_than_edges():
    records = [NodeRecord("0", (), "top a"), NodeRecord("1", (), "top b")]
    for level in range(1, 30):  # every node has both of the level above: a billion ways
        above = (str(2 * level - 2), str(2 * level - 1))
        records += [NodeRecord(str(2 * level + side), above, f"{level} {side}") for side in (0, 1)]
    taxonomy = Taxonomy.from_records(records)
    found = made(taxonomy).get("/v1/taxonomy", params={"depth": 100}).json()
    assert found["total"] == len(found["nodes"]) == 2 + 4 * 29
    both = [node["parent"] for node in found["nodes"] if node["id"] == 2]
    assert sorted(both) == [0, 1]
    told = made(taxonomy).get("/v1/taxonomy/node/2").json()
    assert sorted(told["parents"]) == [0, 1]


def test_hostile_names_and_descriptions_come_through_as_they_are():
    paths = [("top", name) for name in HOSTILE]
    taxonomy = Taxonomy.from_paths(paths, descriptions={path: path[1] for path in paths})
    ask = made(taxonomy)
    answer = ask.get("/v1/taxonomy")
    assert answer.headers["content-type"] == "application/json"
    nodes = {node["id"]: node for node in answer.json()["nodes"]}
    for path in paths:
        node = taxonomy.index(path)
        assert nodes[node]["name"] == path[1]
        assert nodes[node]["description"] == path[1][:300]
        told = ask.get(f"/v1/taxonomy/node/{node}").json()
        assert (told["path"], told["description"]) == (list(path), path[1])
        found = ask.get("/v1/taxonomy/search", params={"q": path[1][:200]}).json()["nodes"]
        assert node in [one["id"] for one in found]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/taxonomy?under=2", 404),
        ("/v1/taxonomy?under=-1", 422),
        ("/v1/taxonomy?under=99999999999999999999", 422),
        ("/v1/taxonomy?under=x", 422),
        ("/v1/taxonomy?depth=0", 422),
        ("/v1/taxonomy?depth=101", 422),
        ("/v1/taxonomy?limit=0", 422),
        ("/v1/taxonomy?limit=20001", 422),
        ("/v1/taxonomy?model=other", 404),
        ("/v1/taxonomy?language=de", 422),
        ("/v1/taxonomy/search", 422),
        ("/v1/taxonomy/search?q=", 422),
        ("/v1/taxonomy/search?q=" + "a" * 201, 422),
        ("/v1/taxonomy/search?q=a&limit=201", 422),
        ("/v1/taxonomy/node/2", 404),
        ("/v1/taxonomy/node/-1", 422),
        ("/v1/taxonomy/node/1.5", 422),
        ("/v1/taxonomy/node/2147483648", 422),
    ],
)
def test_what_cannot_be_is_refused_in_the_one_form(path, status):
    answer = made(Taxonomy.from_paths([("a",), ("b",)])).get(path)
    assert answer.status_code == status
    assert set(answer.json()["error"]) >= {"code", "message"}


def test_training_rows_are_told_below_every_node():
    taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    ask = made(taxonomy, summary={"counts": [3, 5, 2]})
    assert [node["texts"] for node in ask.get("/v1/taxonomy").json()["nodes"]] == [7, 3, 5, 2]
    assert ask.get("/v1/taxonomy/node/0").json()["texts"] == 7
    several = made(taxonomy, summary={"counts": [9, 1, 6, 4]}, task="multi")
    assert several.get("/v1/taxonomy/node/0").json()["texts"] == 9
    for damaged in ([1], ["x", 2, 3], "abc", None):
        assert made(taxonomy, summary={"counts": damaged}).get("/v1/taxonomy/node/0").json()["texts"] is None


def test_an_index_is_made_anew_after_a_reload():
    service = OneModel(served(Taxonomy.from_paths([("old",)])))
    ask = app_of(router, service)
    assert ask.get("/v1/taxonomy/search?q=new").json()["nodes"] == []
    service.model = served(Taxonomy.from_paths([("old",), ("new",)]), version="v2")
    found = ask.get("/v1/taxonomy/search?q=new").json()
    assert (found["version"], [node["name"] for node in found["nodes"]]) == ("v2", ["new"])


def test_a_taxonomy_of_mapped_arrays_is_shown_too(tmp_path):
    taxonomy = wide_taxonomy(1_000)
    taxonomy.to_arrays(tmp_path / "arrays")
    ask, mapped = made(taxonomy), made(Taxonomy.from_arrays(tmp_path / "arrays"))
    for path in ("/v1/taxonomy?depth=3", "/v1/taxonomy/search?q=cafe", "/v1/taxonomy/node/50"):
        assert mapped.get(path).json() == ask.get(path).json()


# --- names in other languages

NAMES = "path,de,fr\nGames,Spiele,Jeux\nGames > Sports,Sport,\nMedia > Photo,Foto,Photo (fr)\nNo > Such,x,y\n"


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    place = tmp_path_factory.mktemp("languages")
    (place / "names.csv").write_text(NAMES, encoding="utf-8")
    return place


def test_names_stand_beside_the_own_ones(places):
    with client(model_folder(places), names=(("", places / "names.csv"),)) as ask:
        assert ask.get("/v1/models").json()["models"][0]["languages"] == ["de", "fr"]
        row = ask.post("/v1/classify", json={"text": "football club match", "language": "de"}).json()["answers"][0]
        assert row["path"] == row["paths"][0]["path"] == "Games > Sports"
        assert row["paths"][0]["label"] == "Spiele > Sport"
        assert [level["label"] for level in row["paths"][0]["levels"]] == ["Spiele", "Sport"]
        several = ask.post("/v1/classify", json={"text": "football", "language": "fr-CA", "top": 3}).json()["answers"][
            0
        ]
        assert several["paths"][0]["label"] == "Jeux > Sports"  # no French name: its own
        nodes = ask.get("/v1/taxonomy?language=DE").json()["nodes"]
        assert {node["name"]: node["label"] for node in nodes}["Games"] == "Spiele"
        assert ask.get("/v1/taxonomy/search?q=jeux").json()["nodes"][0]["name"] == "Games"
        refused = ask.get("/v1/taxonomy?language=sv")
        assert refused.status_code == 422
        assert "de, fr" in refused.json()["error"]["message"]


def test_a_file_of_one_language_and_names_by_code(tmp_path):
    records = [NodeRecord("A", (), "Land"), NodeRecord("A1", ("A",), "Crops")]
    taxonomy = Taxonomy.from_records(records)
    (tmp_path / "de.csv").write_text("code,name\nA,Land (de)\nA1,Getreide\nZ,nirgends\n", encoding="utf-8")
    (tmp_path / "fr.tsv").write_text("code\tfr\tremark\nA\tTerre\tx\n", encoding="utf-8")
    names = Names.read([("de", tmp_path / "de.csv"), ("fr", tmp_path / "fr.tsv")])
    model = served(taxonomy)
    assert names.languages(model) == ("de", "fr")
    assert names.named(model, "de").labels(("Land", "Crops")) == ["Land (de)", "Getreide"]
    assert names.named(model, "fr").labels(("Land", "Crops", "unheard")) == ["Terre", "Crops", "unheard"]


def test_labels_of_a_skos_file_are_names(tmp_path):
    file = tmp_path / "labels.ttl"
    file.write_text(
        "@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
        '<urn:a> a skos:Concept ; skos:notation "A" ; skos:prefLabel "Land"@en, "Boden"@de, "Terre"@fr .\n'
        '<urn:b> a skos:Concept ; skos:notation "B" ; skos:broader <urn:a> ; skos:prefLabel "Crops"@en, "Korn"@de .\n',
        encoding="utf-8",
    )
    taxonomy = Taxonomy.from_records([NodeRecord("A", (), "Land"), NodeRecord("B", ("A",), "Crops")])
    names = Names.read([("", file)])
    assert names.languages(served(taxonomy)) == ("de", "en", "fr")
    assert names.named(served(taxonomy), "de").labels(("Land", "Crops")) == ["Boden", "Korn"]
    assert Names.read([("fr", file)]).all_languages == ("fr",)


@pytest.mark.parametrize(
    ("language", "content", "message"),
    [
        ("de", "node,name\nA,b\n", "no column 'path' or 'code'"),
        ("de", "path,first,second\nA,b,c\n", "no column 'name'"),
        ("", "path,name\nA,b\n", "which language"),
        ("", "path\nA\n", "which language"),
    ],
)
def test_files_that_do_not_say_what_they_hold_are_refused(tmp_path, language, content, message):
    (tmp_path / "names.csv").write_text(content)
    with pytest.raises(ConfigError, match=message):
        Names.read([(language, tmp_path / "names.csv")])


def test_the_answers_fit_the_document(places):
    with client(model_folder(places)) as ask:
        document = ask.get("/openapi.json").json()
        for path in ("/v1/taxonomy", "/v1/taxonomy/search", "/v1/taxonomy/node/{id}"):
            told = document["paths"][path]["get"]
            assert told["summary"]
            assert told["description"]
            assert {"200", "401", "404", "422"} <= set(told["responses"])
        json.dumps(document)
