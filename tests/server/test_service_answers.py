"""What the service answers is what ``textaxa predict`` writes: every kind of model, alone, in batches, in reloads."""

import asyncio
import json

import numpy as np
import pytest
from server.served_models import TEXTS, exported, linear_model, near, offline, wide, with_evidence

from textaxa import load_model
from textaxa.decisions import Choice
from textaxa.errors import ConfigError, DataError, ModelFileError
from textaxa.server import ServerSettings
from textaxa.server._errors import Closing, ModelChanged, UnknownModel
from textaxa.server._service import Ask, Service

KINDS = ("linear", "several", "exported", "int8", "wide")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    place = tmp_path_factory.mktemp("served")
    return {
        "linear": with_evidence(place / "linear"),
        "several": linear_model(place / "several", task="multi"),
        "exported": exported(place / "exported"),
        "int8": exported(place / "int8", "int8"),
        "wide": wide(place / "wide"),
    }


@pytest.fixture(scope="module")
def service(folders):
    return Service(folders, ServerSettings(max_queue_tokens=10_000_000))


def answered(service, *asks, one_by_one=False):
    """Give the answers to requests, made at once or one after the other."""

    async def ask():
        await service.start()
        try:
            if one_by_one:
                return [await service.classify(one) for one in asks]
            return await asyncio.gather(*map(service.classify, asks))
        finally:
            await service._batcher.end()

    return asyncio.run(ask())


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "int8"])
def test_rows_are_those_of_predict(service, folders, kind, tmp_path):
    expected = offline(folders[kind], TEXTS, tmp_path)
    (whole,) = answered(service, Ask(tuple(TEXTS), kind))
    assert near(whole.rows, expected)
    singles = answered(service, *(Ask((text,), kind) for text in TEXTS))
    assert near([one.rows[0] for one in singles], expected)
    alone = answered(service, *(Ask((text,), kind) for text in TEXTS[:8] + TEXTS[-3:]), one_by_one=True)
    assert near([one.rows[0] for one in alone], expected[:8] + expected[-3:])
    assert json.loads(json.dumps(whole.rows)) == whole.rows


def test_eight_bits_give_nearly_the_same(service, folders, tmp_path):
    expected = offline(folders["int8"], TEXTS, tmp_path)
    (whole,) = answered(service, Ask(tuple(TEXTS), "int8"))
    assert near(whole.rows, expected, tolerance=2e-6)  # the same batch
    singles = answered(service, *(Ask((text,), "int8") for text in TEXTS))
    found = [one.rows[0] for one in singles]
    assert np.mean([a["path"] == b["path"] for a, b in zip(found, expected, strict=True)]) >= 0.9


@pytest.mark.parametrize(
    ("kind", "choice", "coverage"),
    [
        ("linear", Choice(top=3), None),
        ("linear", Choice(decoder="hf-beta", beta=2.0), None),
        ("linear", Choice(accuracy=0.8), None),
        ("linear", Choice(accuracy=0.8, outside=0.05), 0.9),
        ("exported", Choice(decoder="greedy"), None),
        ("wide", Choice(top=2), None),
    ],
)
def test_every_way_of_answering_is_that_of_predict(service, folders, kind, choice, coverage, tmp_path):
    expected = offline(folders[kind], TEXTS, tmp_path, choice=choice, set_coverage=coverage)
    found = answered(service, *(Ask((text,), kind, choice, coverage) for text in TEXTS))
    assert near([one.rows[0] for one in found], expected)
    if choice.accuracy is not None:
        assert found[0].promise["accuracy"] == choice.accuracy
        assert "at least 80% of all answers are right" in found[0].promise["text"]


def test_requests_of_many_kinds_at_once_keep_their_own_answers(service, folders, tmp_path):
    expected = {kind: offline(folders[kind], TEXTS, tmp_path) for kind in KINDS if kind != "int8"}
    top = offline(folders["linear"], TEXTS, tmp_path, choice=Choice(top=2))
    asks = [(kind, i, Ask((TEXTS[i], TEXTS[-i]), kind)) for i in range(50) for kind in expected]
    asks += [("top", i, Ask((TEXTS[i], TEXTS[-i]), "linear", Choice(top=2))) for i in range(50)]
    found = answered(service, *(ask for _, _, ask in asks))
    assert len(found) == 250
    for (kind, i, _), one in zip(asks, found, strict=True):
        rows = top if kind == "top" else expected[kind]
        assert near(one.rows, [rows[i], rows[-i]]), (kind, i)


def test_the_most_probable_nodes_are_told(service, folders):
    model = load_model(folders["linear"])
    (found,) = answered(service, Ask((TEXTS[0], " "), "linear", nodes=3))
    proba = model.node_proba([TEXTS[0]])[0]
    assert [node for node, _ in found.nodes[0]] == np.argsort(-proba, kind="stable")[:3].tolist()
    assert [p for _, p in found.nodes[0]] == pytest.approx(sorted(proba.tolist(), reverse=True)[:3], abs=1e-6)
    assert found.nodes[1] == []
    (searched,) = answered(service, Ask((TEXTS[0],), "wide", nodes=3))
    assert searched.nodes is None


def test_node_proba_is_computed_with_the_rest(service, folders):
    async def ask():
        await service.start()
        try:
            both = service.node_proba("exported", TEXTS[:5]), service.classify(Ask((TEXTS[0],), "exported"))
            proba, _ = await asyncio.gather(*both)
            empty = await service.node_proba("exported", [])
            with pytest.raises(ConfigError, match="every node"):
                await service.node_proba("wide", TEXTS[:5])
            return proba, empty
        finally:
            await service._batcher.end()

    proba, empty = asyncio.run(ask())
    model = load_model(folders["exported"], runtime="onnx")
    np.testing.assert_allclose(proba, model.node_proba(TEXTS[:5]), atol=2e-6)
    assert empty.shape == (0, len(model.taxonomy))


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (Ask(("a",), "apps"), UnknownModel, "no model 'apps'"),
        (Ask(("a",), "linea"), UnknownModel, "linear"),
        (Ask(("a",), "several", Choice(top=2)), ConfigError, "several paths"),
        (Ask(("a",), "exported", Choice(accuracy=0.9)), ConfigError, "textaxa calibrate"),
        (Ask(("a",), "linear", Choice(accuracy=0.9999999)), DataError, "cannot be promised"),
        (Ask(("a",), "wide", Choice(decoder="greedy")), ConfigError, "every node"),
        (Ask(("a",), "wide", set_coverage=0.9), ConfigError, "every node"),
        (Ask(("a",), "linear", Choice(decoder="min-risk", costs=np.zeros(3))), ConfigError, "no costs"),
    ],
)
def test_what_cannot_be_asked_is_refused_each_time(service, ask, error, message):
    for _ in range(2):  # the second time from what is remembered
        with pytest.raises(error, match=message):
            answered(service, ask)


def test_ways_of_answering_are_bounded(service):
    asks = [Ask(("a",), "linear", Choice(accuracy=0.5 + i / 1000)) for i in range(80)]
    answered(service, *asks)
    assert len(service.get("linear")._ways) == 64
    assert near(answered(service, asks[0])[0].rows, answered(service, asks[0])[0].rows)


def test_what_is_known_about_a_model(service, folders):
    served = service.get()
    assert (service.default, service.names) == ("linear", tuple(KINDS))
    assert (served.name, served.folder, served.task, served.separator) == ("linear", folders["linear"], "single", " > ")
    assert (served.can.promise, served.can.nodes) == (True, True)
    assert (service.get("several").can.promise, service.get("wide").can.nodes) == (False, False)
    assert len(served.version) == 12
    assert len({service.get(name).version for name in KINDS}) == len(KINDS)


def test_nothing_to_serve_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no model"):
        Service({}, ServerSettings())
    with pytest.raises(ModelFileError, match="nowhere"):
        Service({"a": tmp_path / "nowhere"}, ServerSettings())


def test_reloads_lose_and_mix_up_nothing(tmp_path):
    """200 clients ask without a pause while the model is replaced again and again."""
    place = tmp_path / "model"
    makers = [lambda: linear_model(place), lambda: with_evidence(place)]
    linear_model(place)
    expected, seen = {}, []

    def know(service):
        expected[service.get().version] = offline(place, TEXTS, tmp_path)

    async def client(service, number, ended):
        count = 0
        while not ended.is_set() or count < 3:
            i = (number * 7 + count) % len(TEXTS)
            one = await service.classify(Ask((TEXTS[i], TEXTS[number % 60])))
            rows = expected[one.version]
            assert near(one.rows, [rows[i], rows[number % 60]])
            seen.append(one.version)
            count += 1

    async def main():
        service = Service({"m": place}, ServerSettings())
        know(service)
        await service.start()
        ended = asyncio.Event()
        clients = [asyncio.ensure_future(client(service, i, ended)) for i in range(200)]
        for make in makers[1:] + makers:
            await asyncio.sleep(0.02)
            make()
            expected[(await asyncio.to_thread(_version, place))] = offline(place, TEXTS, tmp_path)
            await service.reload()
        ended.set()
        await asyncio.gather(*clients)
        await service.close(5)

    asyncio.run(main())
    assert len(seen) >= 600
    assert len(set(seen)) >= 2


def _version(place):
    from textaxa.server._served import version_of

    return version_of(place)


def test_a_broken_folder_leaves_the_old_model(tmp_path):
    place = linear_model(tmp_path / "model")
    service = Service({"m": place}, ServerSettings())
    before = service.get()

    async def main():
        await service.start()
        assert await service.reload() == {"m": before.version}
        assert service.get() is before  # nothing has changed, so nothing was loaded
        config = place / "config.json"
        good = config.read_text()
        config.write_text(good.replace('"single"', '"quite other"'))
        with pytest.raises(ModelFileError, match="quite other"):
            await service.reload()
        config.write_text("{")
        with pytest.raises(ModelFileError):
            await service.reload("m")
        with pytest.raises(ModelFileError):
            await service.reload("m", tmp_path / "nowhere")
        with pytest.raises(UnknownModel):
            await service.reload("n")
        assert service.get() is before
        one = await service.classify(Ask(("football club",)))
        assert one.rows[0]["path"] == "Games > Sports"
        other = with_evidence(tmp_path / "other")
        versions = await service.reload("m", other)
        assert versions["m"] != before.version
        assert service.get().folder == other
        await service.close(1)
        with pytest.raises(Closing):
            await service.classify(Ask(("football club",)))

    asyncio.run(main())


def test_promises_of_a_quantised_model_rest_on_its_own_numbers(tmp_path):
    folder = exported(tmp_path, "int8")
    model = load_model(folder)
    from textaxa.guarantee import collect_evidence
    from textaxa.persistence import save_model

    texts = [f"{text} {i}" for i, text in enumerate(TEXTS[:60])]
    proba = model.node_proba(texts)
    ends = [[int(model.taxonomy.terminals[np.argmax(row[model.taxonomy.terminals])])] for row in proba]
    model.evidence = collect_evidence(model.taxonomy, ends, proba, task="single")
    save_model(model, folder, onnx=_copied(folder / "onnx", tmp_path))
    service = Service({"m": folder}, ServerSettings())
    choice = Choice(accuracy=0.6)
    (found,) = answered(service, Ask(tuple(TEXTS), choice=choice))
    assert near(found.rows, offline(folder, TEXTS, tmp_path, choice=choice, runtime="torch"))
    late = Service({"m": folder}, ServerSettings())
    linear_model(folder)
    with pytest.raises(ModelChanged):
        answered(late, Ask(("a",), choice=choice))


def _copied(part, place):
    from shutil import copytree

    return copytree(part, place / "copied")
