"""`/v1/explain`: the words that argued, by the same numbers as `textaxa explain --method occlusion`."""

import asyncio

import numpy as np
import pytest
from server.bare_routes import OneModel, app_of, served
from server.http_service import client, model_folder

import textaxa
from textaxa.server._explain import router
from textaxa.taxonomy import Taxonomy

TREE = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return model_folder(tmp_path_factory.mktemp("explained"))


@pytest.fixture(scope="module")
def ask(folder):
    with client(folder, max_characters=5_000) as found:
        yield found


def explained(ask, **body):
    answer = ask.post("/v1/explain", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_numbers_are_those_of_the_command(ask, folder):
    text = "My football club, and a bank: füß 😀"
    told, own = explained(ask, text=text), textaxa.explain(folder, text, method="occlusion")
    assert (told["method"], told["path"]) == ("occlusion", list(own.paths[0]))
    for place, level in enumerate(own.levels):
        weights = {(word.start, word.end): word.weight for word in level.words if word.weight}
        mine = {(word["start"], word["end"]): word["levels"][place] for word in told["words"] if word["levels"][place]}
        assert mine == pytest.approx(weights, abs=1e-4)
        assert told["levels"][place]["score"] == pytest.approx(level.score, abs=1e-4)
        assert told["levels"][place]["against"] == list(level.against)
    assert all(text[word["start"] : word["end"]] == word["text"] for word in told["words"])
    assert told["against"] == told["levels"][-1]["against"]


def test_any_path_can_be_asked_and_measured(ask):
    told = explained(ask, text="football club", path=["Games", "Cards"], against=["Money"])
    assert told["path"] == ["Games", "Cards"]
    assert [level["kind"] for level in told["levels"]] == ["named", "named"]
    assert told["against"] == ["Money"]
    assert min(word["levels"][1] for word in told["words"]) < 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"text": " \n"}, 422, "not_usable"),
        ({"text": ""}, 422, "not_usable"),
        ({}, 422, "not_usable"),
        ({"text": "a" * 5_001}, 413, "text_too_long"),
        ({"text": "a", "path": ["Gaems"]}, 422, "unknown_path"),
        ({"text": "a", "path": []}, 422, "not_usable"),
        ({"text": "a", "path": ["Games", "Sports", "Deeper"]}, 422, "unknown_path"),
        ({"text": "a", "path": ["Games"], "against": ["Games"]}, 422, "not_usable"),
        ({"text": "a", "against": ["No"]}, 422, "unknown_path"),
        ({"text": "a", "model": "other"}, 404, "unknown_model"),
        ({"text": "a", "odd": 1}, 422, "not_usable"),
        ({"text": "a", "path": "Games"}, 422, "not_usable"),
    ],
)
def test_what_cannot_be_explained_is_refused(ask, body, status, code):
    answer = ask.post("/v1/explain", json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


@pytest.mark.parametrize(
    "text", ["!!! ???", "漢字とかな 😀", "\x00\u202e x", "a" * 5_000, "word " * 1_000, "<b>'\"&</b>"]
)
def test_any_text_is_explained(ask, text):
    told = explained(ask, text=text)
    assert all(len(word["levels"]) == len(told["levels"]) for word in told["words"])


class Counting(OneModel):
    """Probabilities from the number of letters; after some requests another version."""

    def __init__(self, change_at=(), several=False) -> None:
        super().__init__(self._made("v0", several))
        self.requests, self.change_at, self.several = [], change_at, several

    def _made(self, version, several):
        from types import SimpleNamespace

        predictions = [SimpleNamespace(path=("Games", "Sports")), SimpleNamespace(path=("Tools",))]
        model = SimpleNamespace(decode=lambda proba: [predictions[: 2 if several else 1]])
        return served(TREE, version=version, task="multi" if several else "single", model=model)

    async def node_proba(self, name, texts):
        await asyncio.sleep(0)
        self.requests.append(list(texts))
        if len(self.requests) in self.change_at:
            self.model = self._made(f"v{len(self.requests)}", self.several)
        games = np.array([0.5 + min(len(text), 40) / 100 for text in texts])
        return np.stack([games, 1 - games, games * 0.8, games * 0.2], axis=1).astype(np.float32)


def test_texts_go_through_the_service_in_bounded_requests():
    service = Counting()
    told = app_of(router, service).post("/v1/explain", json={"text": " ".join(f"w{i}" for i in range(500))}).json()
    assert told["version"] == "v0"
    assert max(map(len, service.requests)) <= 32
    assert sum(map(len, service.requests)) <= 97


def test_one_version_answers_throughout():
    service = Counting(change_at=(2,))
    told = app_of(router, service).post("/v1/explain", json={"text": "a few words here"}).json()
    assert told["version"] == "v2"
    restless = Counting(change_at=range(100))
    refused = app_of(router, restless).post("/v1/explain", json={"text": "a few words here"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "model_changed")


def test_several_paths_come_level_by_level():
    told = app_of(router, Counting(several=True)).post("/v1/explain", json={"text": "a few words"}).json()
    assert [level["path"] for level in told["levels"]] == [["Games"], ["Games", "Sports"], ["Tools"]]
    assert {level["kind"] for level in told["levels"]} == {"log-odds"}
    assert told["against"] is None


def test_it_takes_no_longer_than_a_request_may():
    class Endless(Counting):
        async def node_proba(self, name, texts):
            await asyncio.sleep(30)

    refused = app_of(router, Endless(), timeout=0.05).post("/v1/explain", json={"text": "a b"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "timed_out")
