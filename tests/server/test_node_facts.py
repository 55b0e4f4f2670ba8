"""Facts about nodes from a labelled table: right numbers, in the background, again after a reload, never in the way."""

import asyncio
import time

import numpy as np
import pytest
from jobs.predicted_apps import WORDS
from server.bare_routes import OneModel, served
from server.http_service import TOKEN, client, model_folder

from textaxa.linear.model import LinearModel
from textaxa.persistence import load_model, save_model
from textaxa.server import ServerSettings
from textaxa.server._errors import TooBusy
from textaxa.server._facts import AT_ONCE, FactsKeeper, labelled_texts, remembered_columns
from textaxa.server._node_facts import RIGHT, WRONG, Answer, Facts
from textaxa.server._service import Answered
from textaxa.taxonomy import Taxonomy

SPORTS, CARDS, TOOLS = ("Games", "Sports"), ("Games", "Cards"), ("Tools",)
TREE = Taxonomy.from_paths([SPORTS, CARDS, TOOLS])


def random_answers(n: int) -> list[Answer]:
    rng, paths = np.random.default_rng(3), [SPORTS, CARDS, TOOLS, ("Games",)]
    return [
        Answer(f"text {i}", (paths[rng.integers(4)],), (paths[rng.integers(4)],), float(rng.random())) for i in range(n)
    ]


def test_scores_equal_brute_force():
    answers = random_answers(300)
    facts = Facts(TREE, answers)
    for node, path in enumerate(TREE.nodes):
        true = [one.true[0][: len(path)] == path for one in answers]
        put = [one.predicted[0][: len(path)] == path for one in answers]
        right = sum(a and b for a, b in zip(true, put, strict=True))
        found = facts.of(node)
        assert (found["n"], found["predicted"]) == (sum(true), sum(put))
        assert found["precision"] == pytest.approx(right / sum(put))
        assert found["recall"] == pytest.approx(right / sum(true))
        assert found["f1"] == pytest.approx(2 * right / (sum(true) + sum(put)))


def test_confusions_and_examples_are_of_the_node():
    answers = random_answers(300)
    found = Facts(TREE, answers).of(TREE.index(CARDS))
    sports = sum(one.true[0] == CARDS and one.predicted[0] == SPORTS for one in answers)
    assert {"id": TREE.index(SPORTS), "path": list(SPORTS), "count": sports} in found["confusions"]
    counts = [one["count"] for one in found["confusions"]]
    assert counts == sorted(counts, reverse=True)
    right = [one for one in found["examples"] if one["right"]]
    wrong = [one for one in found["examples"] if not one["right"]]
    assert (len(right), len(wrong)) == (RIGHT, WRONG)
    of_text = {one.text: one for one in answers}
    assert all(of_text[one["text"]].true == (CARDS,) for one in found["examples"])
    sure = [one.probability for one in answers if one.true == (CARDS,) and one.predicted != (CARDS,)]
    assert wrong[0]["probability"] == max(sure)
    assert wrong[-1]["probability"] == min(sure)


def test_nodes_without_texts_and_answers_without_paths_do_no_harm():
    facts = Facts(TREE, [Answer("a" * 999, (CARDS,), (), 0.0)])
    assert facts.of(TREE.index(TOOLS)) == {
        "n": 0, "predicted": 0, "precision": None, "recall": None, "f1": None, "confusions": [], "examples": [],
    }  # fmt: skip
    (example,) = facts.of(TREE.index(CARDS))["examples"]
    assert (len(example["text"]), example["path"], example["right"]) == (300, [], False)


def test_several_paths_count_each():
    found = Facts(TREE, [Answer("x", (CARDS, TOOLS), (TOOLS, SPORTS), 0.5)])
    assert found.of(TREE.index(TOOLS))["f1"] == 1.0
    assert found.of(TREE.index(("Games",)))["recall"] == 1.0
    assert found.of(TREE.index(CARDS))["recall"] == 0.0


# --- in a service


class Slow(OneModel):
    """Answers with Games > Sports, counts who asks at once, and is sometimes too busy."""

    def __init__(self, model, *, busy: int = 0) -> None:
        super().__init__(model)
        self.busy, self.asked, self.now, self.most = busy, [], 0, 0

    async def classify(self, ask):
        if self.busy:
            self.busy -= 1
            raise TooBusy(1.0, waiting=5)
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.001)
        self.now -= 1
        self.asked.append(ask.texts)
        level = [{"name": name, "probability": 0.9} for name in SPORTS]
        rows = [{"paths": [{"path": "", "probability": 0.9, "levels": level}]} for _ in ask.texts]
        return Answered(self.model.name, self.model.version, rows, None, None)


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "labelled.csv"
    rows = [f"text {i},{' > '.join((SPORTS, CARDS, ('Un', 'known'))[i % 3])}" for i in range(120)]
    file.write_text("\n".join(["text,path", *rows]) + "\n")
    return file


def computed(service, table, *, until="ready"):
    async def run():
        keeper = FactsKeeper(service, ServerSettings(labelled=table), look=0.01)
        async with keeper.running():
            for _ in range(2000):
                if keeper.of(service.get()).state == until:
                    return keeper.of(service.get())
                await asyncio.sleep(0.005)
        raise AssertionError(keeper.of(service.get()))

    return asyncio.run(run())


def test_texts_are_asked_a_few_at_a_time_and_one_request_after_the_other(table, monkeypatch):
    monkeypatch.setattr("textaxa.server._facts.WAIT", 0.01)
    service = Slow(served(TREE), busy=3)
    facts = computed(service, table).facts
    assert service.most == 1
    assert max(map(len, service.asked)) == AT_ONCE
    assert sum(map(len, service.asked)) == 80  # labels that the model does not know are passed over
    assert facts.of(TREE.index(SPORTS))["recall"] == 1.0
    assert facts.of(TREE.index(CARDS))["recall"] == 0.0


def test_facts_of_another_version_are_not_shown(table):
    service = Slow(served(TREE))
    computed(service, table)

    async def run():
        keeper = FactsKeeper(service, ServerSettings(labelled=table), look=0.01)
        async with keeper.running():
            while keeper.of(service.get()).state != "ready":
                await asyncio.sleep(0.005)
            service.model = served(Taxonomy.from_paths([SPORTS, TOOLS]), version="v2")
            assert keeper.of(service.get()).facts is None
            while keeper.of(service.get()).state != "ready":
                await asyncio.sleep(0.005)
            return keeper.of(service.get()).facts.of(1)

    assert asyncio.run(asyncio.wait_for(run(), 20))["n"] == 0


@pytest.mark.parametrize("content", ["text,path\nx,Un > known\n", "a,b\n1,2\n", ""])
def test_a_table_of_no_use_fails_and_the_service_goes_on(tmp_path, content, caplog):
    (tmp_path / "bad.csv").write_text(content)
    known = computed(Slow(served(TREE)), tmp_path / "bad.csv", until="failed")
    assert known.why
    assert "cannot be computed" in caplog.text
    assert computed(Slow(served(TREE)), tmp_path / "missing.csv", until="failed").why


def test_a_fault_of_ours_is_logged_and_the_service_ends_in_order(table, caplog):
    class Broken(Slow):
        async def classify(self, ask):
            raise ZeroDivisionError

    async def run():
        async with FactsKeeper(Broken(served(TREE)), ServerSettings(labelled=table)).running():
            await asyncio.sleep(0.3)

    asyncio.run(run())
    assert "no longer computed" in caplog.text


def test_columns_are_those_of_training_and_a_large_table_is_sampled(tmp_path, monkeypatch):
    assert remembered_columns({"columns": {"text": ["a"], "labels": ["b", "c"], "id": "x", "odd": 1}}).needed == (
        "a",
        "b",
        "c",
    )
    assert remembered_columns({}).needed == ("text", "path")
    monkeypatch.setattr("textaxa.server._facts.MOST", 10)
    (tmp_path / "t.csv").write_text("text,path\n" + "".join(f"text {i},Tools\n" for i in range(50)))
    model = served(TREE)
    first = labelled_texts(model, tmp_path / "t.csv", 1000)
    assert len(first) == 10
    assert first.texts == labelled_texts(model, tmp_path / "t.csv", 1000).texts


def facts_of(ask, node):
    for _ in range(400):
        told = ask.get(f"/v1/taxonomy/node/{node}").json()
        if told["facts_state"] in ("ready", "none", "failed"):
            return told
        time.sleep(0.02)
    raise AssertionError(told)


def test_a_service_tells_them_and_again_after_a_reload(tmp_path):
    folder = model_folder(tmp_path)
    lines = [f"{words} {i},{' > '.join(path)}" for path, words in WORDS.items() for i in range(4)]
    (tmp_path / "labelled.csv").write_text("\n".join(["text,path", *lines]) + "\n")
    with client(folder, labelled=tmp_path / "labelled.csv", admin_token=TOKEN) as ask:
        games = facts_of(ask, 0)
        assert games["facts"]["n"] == 12
        assert games["facts"]["recall"] == 1.0
        old = load_model(folder)
        texts = list(WORDS.values()) * 4
        wrong = [(("Money",),)] * 10 + [(path,) for path in WORDS] * 2
        save_model(LinearModel.fit(texts, wrong, old.taxonomy), folder)
        assert ask.post("/v1/reload", json={}, headers={"X-Admin-Token": TOKEN}).status_code == 200
        after = facts_of(ask, 0)
        assert after["version"] != games["version"]
        assert after["facts"]["n"] == 12
        assert after["facts"]["recall"] < 1.0


def test_without_a_table_there_are_none(tmp_path):
    with client(model_folder(tmp_path)) as ask:
        told = facts_of(ask, 0)
        assert (told["facts"], told["facts_state"]) == (None, "none")
