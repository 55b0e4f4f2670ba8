"""`/v1/feedback`: what people say is kept whole, whatever they type, and `train` learns from it."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from server.bare_routes import OneModel, app_of, served
from server.http_service import client, model_folder

from textaxa.errors import ConfigError
from textaxa.feedback import open_feedback
from textaxa.server import ServerSettings
from textaxa.server._feedback import router
from textaxa.taxonomy import Taxonomy

PATHS = [("Games", "Sports"), ("Games", "Cards"), ("Tools",), ("<img src=x onerror=alert(1)>", "\u202e ü 😀")]
TREE = Taxonomy.from_paths(PATHS)


@pytest.fixture(params=[".jsonl", ".db"])
def place(request, tmp_path):
    return tmp_path / f"said{request.param}"


@pytest.fixture
def ask(place):
    return app_of(router, OneModel(served(TREE)), feedback=place, max_characters=50_000)


def test_a_correction_is_kept_and_told_newest_first(ask, place):
    ids = []
    for i, path in enumerate(PATHS):
        body = {"text": f"text {i}", "path": list(path), "predicted": ["Tools"], "probability": 0.4, "by": "anna"}
        answer = ask.post("/v1/feedback", json=body | {"comment": "because"})
        assert answer.status_code == 201
        ids.append(answer.json()["id"])
    told = ask.get("/v1/feedback?limit=3").json()["corrections"]
    assert [one["id"] for one in told] == ids[:0:-1]
    kept = list(open_feedback(place))
    assert [one.paths for one in kept] == [(path,) for path in PATHS]
    assert {(one.model, one.version, one.by, one.comment, one.probability) for one in kept} == {
        ("apps", "v1", "anna", "because", 0.4)
    }


@pytest.mark.parametrize(
    "text", ["\x00 nul", "two\nlines\u2028", "'; DROP TABLE corrections; --", "😀" * 40_000, "<b>"]
)
def test_hostile_and_huge_texts_are_kept_as_they_are(ask, text):
    assert ask.post("/v1/feedback", json={"text": text, "path": ["Tools"], "by": text[:200]}).status_code == 201
    assert ask.get("/v1/feedback").json()["corrections"][0]["text"] == text


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"text": "a"}, 422, "not_usable"),
        ({"text": "a", "path": ["Tools"], "paths": [["Tools"]]}, 422, "not_usable"),
        ({"text": " ", "path": ["Tools"]}, 422, "not_usable"),
        ({"text": "a" * 50_001, "path": ["Tools"]}, 413, "text_too_long"),
        ({"text": "a", "path": []}, 422, "not_usable"),
        ({"text": "a", "paths": []}, 422, "not_usable"),
        ({"text": "a", "paths": [[]]}, 422, "not_usable"),
        ({"text": "a", "path": "Tools"}, 422, "not_usable"),
        ({"text": "a", "path": ["Toolz"]}, 422, "unknown_path"),
        ({"text": "a", "path": ["Games", ""]}, 422, "unknown_path"),
        ({"text": "a", "path": ["Tools"] * 101}, 422, "not_usable"),
        ({"text": "a", "path": ["x" * 2_001]}, 422, "not_usable"),
        ({"text": "a", "paths": [["Tools"], ["Games"]]}, 422, "not_usable"),
        ({"text": "a", "path": ["Tools"], "probability": 1.1}, 422, "not_usable"),
        ({"text": "a", "path": ["Tools"], "probability": "x"}, 422, "not_usable"),
        ({"text": "a", "path": ["Tools"], "by": "b" * 201}, 422, "not_usable"),
        ({"text": "a", "path": ["Tools"], "comment": "b" * 5_001}, 422, "not_usable"),
        ({"text": "a", "path": ["Tools"], "model": "other"}, 404, "unknown_model"),
        ({"text": "a", "path": ["Tools"], "id": "mine"}, 422, "not_usable"),
    ],
)
def test_what_cannot_be_is_refused_and_not_kept(ask, place, body, status, code):
    answer = ask.post("/v1/feedback", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert not place.exists()


@pytest.mark.parametrize("limit", [0, -1, 1001, "x"])
def test_the_number_wanted_is_bounded(ask, limit):
    assert ask.get(f"/v1/feedback?limit={limit}").status_code == 422


def test_several_paths_are_for_models_that_give_several(place):
    ask = app_of(router, OneModel(served(TREE, task="multi")), feedback=place)
    assert ask.post("/v1/feedback", json={"text": "a", "paths": [["Tools"], ["Games"], ["Tools"]]}).status_code == 201
    assert next(iter(open_feedback(place))).paths == (("Tools",), ("Games",))


def test_predicted_may_be_a_path_that_is_gone(ask):
    body = {"text": "a", "path": ["Tools"], "predicted": ["Was", "There"]}
    assert ask.post("/v1/feedback", json=body).status_code == 201


def test_a_file_that_cannot_be_written_is_told_and_nothing_breaks(tmp_path):
    place = tmp_path / "said.db"
    place.write_bytes(b"no database at all, but long enough for one" * 100)
    ask = app_of(router, OneModel(served(TREE)), feedback=place)
    for answer in (ask.post("/v1/feedback", json={"text": "a", "path": ["Tools"]}), ask.get("/v1/feedback")):
        assert answer.status_code == 503
        assert str(place.name) in answer.json()["error"]["message"]


def test_where_corrections_cannot_be_kept_the_service_does_not_start(tmp_path):
    with pytest.raises(ConfigError, match="ending"):
        router(OneModel(served(TREE)), ServerSettings(feedback=tmp_path / "said.txt"))


def test_without_a_file_there_are_no_routes(tmp_path):
    with client(model_folder(tmp_path)) as ask:
        assert ask.get("/v1/feedback").status_code == 404
        assert ask.post("/v1/feedback", json={"text": "a", "path": ["Games"]}).status_code == 404
        assert ask.get("/v1/models").json()["features"]["feedback"] is False


def test_many_at_once_are_all_kept(tmp_path):
    place = tmp_path / "said.jsonl"
    bodies = [{"text": f"text {i}", "path": ["Games"]} for i in range(100)]
    with client(model_folder(tmp_path), feedback=place) as ask, ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda body: ask.post("/v1/feedback", json=body), bodies))
    assert {answer.status_code for answer in answers} == {201}
    lines = [json.loads(line) for line in place.read_text().splitlines()]
    assert {line["text"] for line in lines} == {f"text {i}" for i in range(100)}
    assert {line["id"] for line in lines} == {answer.json()["id"] for answer in answers}
