"""The queue and the thread that computes: order, shares, bounds, time-outs, clients that go, faults, and the end."""

import asyncio
import threading

import numpy as np
import pytest
from server.served_models import linear_model

from textaxa.server import ServerSettings
from textaxa.server._batcher import Batcher, Job
from textaxa.server._errors import Closing, ComputeFailed, TimedOut, TooBusy
from textaxa.server._service import Ask, Service


class Gated:
    """Computes a text to itself, once the gate is open, and notes the batches."""

    def __init__(self, name="gated", *, opened=True):
        self.name, self.gate, self.batches, self.begun = name, threading.Event(), [], threading.Event()
        if opened:
            self.gate.set()

    def compute(self, parts):
        self.begun.set()
        assert self.gate.wait(10)
        self.batches.append([text for part in parts for text in part.texts])
        if any("poison" in text for text in self.batches[-1]):
            raise ValueError(self.batches[-1][0])
        return [list(part.texts) for part in parts]


def job(group, texts, size=1):
    return Job(group, None, texts, [size] * len(texts), asyncio.get_running_loop().create_future())


async def busy(batcher, group):
    """Let the thread begin with a first text, so that what follows has to wait."""
    first = job(group, ["first"])
    batcher.add(first)
    await asyncio.to_thread(group.begun.wait, 10)
    return first


def batcher(**options):
    return Batcher(**{"max_batch_tokens": 100, "max_wait": 0.0, "max_queue_tokens": 1000} | options)


def run(test):
    asyncio.run(asyncio.wait_for(test(), 20))


def test_texts_of_many_jobs_are_computed_together():
    async def test():
        queue, group = batcher(), Gated(opened=False)
        queue.start()
        first = await busy(queue, group)
        jobs = [job(group, [f"{i} a", f"{i} b"]) for i in range(20)]
        for one in jobs:
            queue.add(one)
        assert queue.depth() == {"texts": 40, "tokens": 40}
        group.gate.set()
        assert await asyncio.gather(*(one.future for one in jobs)) == [[f"{i} a", f"{i} b"] for i in range(20)]
        assert await first.future == ["first"]
        assert [len(texts) for texts in group.batches] == [1, 40]
        assert queue.depth() == {"texts": 0, "tokens": 0}
        await queue.end()

    run(test)


def test_a_large_request_does_not_hold_up_a_small_one():
    async def test():
        queue, group = batcher(), Gated(opened=False)
        queue.start()
        await busy(queue, group)
        large, small = job(group, [f"large {i}" for i in range(500)]), job(group, ["small"])
        queue.add(large)
        queue.add(small)
        group.gate.set()
        assert await large.future == [f"large {i}" for i in range(500)]
        assert small.future.result() == ["small"]
        assert group.batches[1] == [*(f"large {i}" for i in range(25)), "small"]  # a quarter of the budget, then others
        assert max(map(len, group.batches)) == 100
        await queue.end()

    run(test)


def test_models_take_turns():
    async def test():
        queue, one, other = batcher(), Gated("one", opened=False), Gated("other")
        queue.start()
        await busy(queue, one)
        jobs = [job(group, [f"{group.name} {i}"]) for i in range(3) for group in (one, other)]
        for waiting in jobs:
            queue.add(waiting)
        one.gate.set()
        await asyncio.gather(*(waiting.future for waiting in jobs))
        assert (one.batches[1:], other.batches) == ([["one 0", "one 1", "one 2"]], [["other 0", "other 1", "other 2"]])
        await queue.end()

    run(test)


def test_a_full_queue_says_when_to_come_again():
    async def test():
        queue, group = batcher(), Gated(opened=False)
        queue.start()
        queue.know_speed("gated", 100, 1.0)
        await busy(queue, group)
        huge = job(group, ["huge"], size=5000)  # of nothing else waits, it is taken: it never would fit
        queue.add(huge)
        with pytest.raises(TooBusy, match="5,000 tokens wait") as refused:
            queue.add(job(group, ["more"]))
        assert refused.value.retry_after == 50
        queue.drop(huge)
        queue.add(job(group, ["more"], size=1000))
        with pytest.raises(TooBusy):
            queue.add(job(group, ["more"]))
        assert refused.value.status == 429
        group.gate.set()
        await queue.end()

    run(test)


def test_a_fault_reaches_only_its_own_request(caplog):
    async def test():
        queue, group = batcher(), Gated(opened=False)
        queue.start()
        await busy(queue, group)
        good, bad = [job(group, [f"good {i}"]) for i in range(9)], job(group, ["poison"] * 300)
        for one in (*good[:5], bad, *good[5:]):
            queue.add(one)
        group.gate.set()
        assert await asyncio.gather(*(one.future for one in good)) == [[f"good {i}"] for i in range(9)]
        with pytest.raises(ComputeFailed):
            await bad.future
        late = job(group, ["late"])
        queue.add(late)
        assert await late.future == ["late"]
        assert [len(texts) for texts in group.batches if "poison" in texts] == [34, 25]
        assert queue.depth() == {"texts": 0, "tokens": 0}  # what of the bad one was not computed yet never is
        await queue.end()

    run(test)
    assert "ValueError" in caplog.text
    assert caplog.text.count("ValueError") == 2  # in a batch with others, and alone; never again
    assert "poison" not in caplog.text.replace('if any("poison" in', "")


def test_it_waits_for_others_only_after_a_batch_of_several():
    async def test():
        queue, group = batcher(max_wait=30.0), Gated(opened=False)
        queue.start()
        lone = await busy(queue, group)
        pair = [job(group, ["a"]), job(group, ["b"])]
        for one in pair:
            queue.add(one)
        group.gate.set()
        await asyncio.gather(lone.future, *(one.future for one in pair))
        assert group.batches == [["first"], ["a", "b"]]  # and nobody waited for 30 s
        again = [job(group, ["c"]), job(group, ["d"])]
        queue.add(again[0])
        await asyncio.sleep(0.05)
        assert not again[0].future.done()  # two were answered together, so a second one is waited for
        queue.add(again[1])
        await asyncio.gather(*(one.future for one in again))
        assert group.batches[2:] == [["c", "d"]]
        await queue.end()

    run(test)


def test_the_measured_speed_bounds_a_batch():
    async def test():
        queue, group = batcher(max_batch_tokens=100_000, max_queue_tokens=10**7), Gated(opened=False)
        queue.start()
        queue.know_speed("gated", 1_000_000, 100.0)  # 2,000 tokens in a fifth of a second
        first = await busy(queue, group)
        many = job(group, [f"{i}" for i in range(30)], size=200)
        queue.add(many)
        group.gate.set()
        await asyncio.gather(first.future, many.future)
        assert len(group.batches[1]) <= 10
        await queue.end()

    run(test)


def test_after_every_batch_it_is_counted():
    async def test():
        queue, group, counted = batcher(), Gated(), []
        queue.on_batch = lambda *told: counted.append(told)
        queue.start()
        one = job(group, ["a", "b"], size=7)
        queue.add(one)
        await one.future
        await asyncio.sleep(0)
        assert [told[:3] for told in counted] == [("gated", 2, 14)]
        assert counted[0][3] >= 0
        await queue.end()

    run(test)


def test_what_waits_at_the_end_is_told_so():
    async def test():
        queue, group = batcher(), Gated(opened=False)
        queue.start()
        await busy(queue, group)
        waiting = job(group, ["a"])
        queue.add(waiting)
        ending = asyncio.ensure_future(queue.end())
        with pytest.raises(Closing):
            await waiting.future
        with pytest.raises(Closing):
            queue.add(job(group, ["b"]))
        group.gate.set()
        await ending

    run(test)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return linear_model(tmp_path_factory.mktemp("queue") / "model")


class Held:
    """Lets the model of a service wait, and remembers what it computed."""

    def __init__(self, service):
        self.open, self.begun, self.texts = threading.Event(), threading.Event(), []
        model = service.get().engine.model
        compute = model.node_proba

        def node_proba(texts):
            self.begun.set()
            assert self.open.wait(10)
            self.texts += texts
            return compute(texts)

        model.node_proba = node_proba


def held(folder, **settings):
    service = Service({"m": folder}, ServerSettings(**settings))
    return service, Held(service)


def test_who_is_not_answered_in_time_is_told_and_never_computed(folder):
    async def test():
        service, model = held(folder, timeout=0.1)
        await service.start()
        first = asyncio.ensure_future(service.classify(Ask(("first",))))
        await asyncio.to_thread(model.begun.wait, 10)
        late = [asyncio.ensure_future(service.classify(Ask((f"late {i}",)))) for i in range(5)]
        for one in (first, *late):
            with pytest.raises(TimedOut, match=r"within 0\.1 s"):
                await one
        assert service.depth() == {"texts": 0, "tokens": 0}
        model.open.set()
        assert (await service.classify(Ask(("football club",)))).rows[0]["path"] == "Games > Sports"
        assert model.texts == ["first", "football club"]
        await service.close(1)

    run(test)


def test_who_goes_away_is_not_computed(folder):
    async def test():
        service, model = held(folder)
        await service.start()
        first = asyncio.ensure_future(service.classify(Ask(("first",))))
        await asyncio.to_thread(model.begun.wait, 10)
        others = [asyncio.ensure_future(service.classify(Ask((f"text {i}",)))) for i in range(10)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        for gone in others[::2]:
            gone.cancel()
        await asyncio.gather(*others[::2], return_exceptions=True)
        model.open.set()
        await asyncio.gather(first, *others[1::2])
        assert sorted(model.texts) == ["first", *(f"text {i}" for i in (1, 3, 5, 7, 9))]
        await service.close(1)

    run(test)


def test_closing_answers_what_was_taken(folder):
    async def test():
        service, model = held(folder)
        await service.start()
        taken = [asyncio.ensure_future(service.classify(Ask((f"football club {i}",) * 3))) for i in range(200)]
        await asyncio.to_thread(model.begun.wait, 10)
        closing = asyncio.ensure_future(service.close(10))
        await asyncio.sleep(0.01)
        with pytest.raises(Closing):
            await service.classify(Ask(("late",)))
        model.open.set()
        found = await asyncio.gather(*taken)
        await closing
        assert len(found) == 200
        assert all(len(one.rows) == 3 and one.rows[0]["path"] == "Games > Sports" for one in found)

    run(test)


def test_closing_does_not_wait_for_ever(folder):
    async def test():
        service, model = held(folder)
        await service.start()
        first = asyncio.ensure_future(service.classify(Ask(("a",))))
        await asyncio.to_thread(model.begun.wait, 10)
        second = asyncio.ensure_future(service.classify(Ask(("b",))))
        await asyncio.sleep(0.01)
        await service.close(0.05)
        with pytest.raises(Closing):
            await second
        model.open.set()
        first.cancel()

    run(test)


def test_a_model_that_fails_goes_on(folder):
    async def test():
        service = Service({"m": folder}, ServerSettings())
        model = service.get().engine.model
        compute = model.node_proba

        def node_proba(texts):
            if any("break" in text for text in texts):
                raise MemoryError
            return compute(texts)

        model.node_proba = node_proba
        await service.start()
        asks = [Ask((("break" if i % 4 == 0 else "football club") + f" {i}",)) for i in range(80)]
        found = await asyncio.gather(*map(service.classify, asks), return_exceptions=True)
        assert [isinstance(one, ComputeFailed) for one in found] == [i % 4 == 0 for i in range(80)]
        assert {one.rows[0]["path"] for i, one in enumerate(found) if i % 4} == {"Games > Sports"}
        await service.close(1)

    run(test)


def test_a_full_service_answers_those_it_took(folder):
    async def test():
        service, model = held(folder, max_queue_tokens=100)
        await service.start()
        first = asyncio.ensure_future(service.classify(Ask(("first",))))
        await asyncio.to_thread(model.begun.wait, 10)
        many = [asyncio.ensure_future(service.classify(Ask(("football club",)))) for _ in range(50)]
        await asyncio.sleep(0.01)
        model.open.set()
        found = await asyncio.gather(*many, return_exceptions=True)
        refused = [one for one in found if isinstance(one, TooBusy)]
        assert 20 <= len(refused) <= 40
        assert {one.retry_after for one in refused} == {1}
        assert all(one.rows[0]["path"] == "Games > Sports" for one in found if not isinstance(one, TooBusy))
        await first
        await service.close(1)

    run(test)


def test_answers_are_plain_values(folder):
    async def test():
        service = Service({"m": folder}, ServerSettings())
        await service.start()
        one = await service.classify(Ask(("football",), nodes=2))
        await service.close(1)
        assert type(one.rows[0]["probability"]) is float
        assert [type(value) for value in one.nodes[0][0]] == [int, float]
        assert not any(isinstance(value, np.generic) for value in one.rows[0].values())

    run(test)
