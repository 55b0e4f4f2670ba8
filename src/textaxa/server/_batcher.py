"""What waits to be computed, and the one thread that computes it: texts of several requests together.

Jobs come in from the event loop, each with texts of one request; their answers go back to it. A batch takes from every
job that waits, oldest first and no more than a share from each, until the budget is full: a request of 1,000 texts does
not hold up one of a single text. One thread for all models, since one computation already uses all cores.

A batch begins as soon as the thread is free. Only where several requests were answered at once just before, it waits a
moment for as many to come again; a lone request is never kept waiting.
"""

import asyncio
import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from textaxa.errors import TextaxaError
from textaxa.server._errors import Closing, ComputeFailed, TooBusy

SHARE = 4
"""A job gets at most this part of a batch where others wait: a quarter."""

SECONDS = 0.2
"""So long a batch may take, as far as that is known: those who come in the meantime wait for its end. A larger batch
can be sorted into texts of like length: 64 texts of 24 tokens took 1.4 times as long a text as 768."""

LEAST_TOKENS = 512
"""A batch may always have so many: smaller ones waste most of their time on overhead."""

LAST_SECONDS = 2.0
"""So long the end waits for a batch that is being computed, and that nobody waits for any more."""

_AGEING = 0.9
"""What is left of the tokens and seconds of before when a batch is added to them: the speed is their quotient, so that
a large batch says more than a single text."""

_LOG = logging.getLogger("textaxa.server")


class Group(Protocol):
    """What computes the texts of several jobs together.

    Attributes
    ----------
    name
        Of the model.
    """

    name: str

    def compute(self, parts: "Sequence[Part]") -> list[list[Any]]:
        """Give an answer a text, for each part."""


@dataclass(eq=False)
class Job:
    """Texts of one request.

    Attributes
    ----------
    group
        What computes them.
    answer
        What the group makes their answers with.
    texts, sizes
        The texts, and about how many tokens each has.
    future
        Gets the answers, one a text.
    taken
        How many texts are computed, or are being computed.
    failed
        Whether some of them failed, so that the others are of no use.
    """

    group: Group
    answer: Any
    texts: Sequence[str]
    sizes: Sequence[int]
    future: "asyncio.Future[list[Any]]"
    taken: int = 0
    failed: bool = False
    found: list[Any] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        """Tokens that are not being computed yet."""
        return sum(self.sizes[self.taken :])


@dataclass(frozen=True)
class Part:
    """Some texts of a job, which are computed now."""

    job: Job
    start: int
    stop: int

    @property
    def texts(self) -> Sequence[str]:
        """The texts."""
        return self.job.texts[self.start : self.stop]

    @property
    def tokens(self) -> int:
        """About how many tokens they have."""
        return sum(self.job.sizes[self.start : self.stop])


class Batcher:
    """A bounded queue and a thread that computes.

    Parameters
    ----------
    max_batch_tokens
        Tokens that are computed together.
    max_wait
        Seconds that a batch waits at most for others to join.
    max_queue_tokens
        Tokens that may wait.

    Attributes
    ----------
    on_batch
        Called in the event loop after every batch, with the model's name, texts, tokens and seconds.
    """

    def __init__(self, *, max_batch_tokens: int, max_wait: float, max_queue_tokens: int) -> None:
        self._budget, self._wait, self._room = max_batch_tokens, max_wait, max_queue_tokens
        self._jobs: deque[Job] = deque()
        self._changed = threading.Condition()
        self._texts = self._tokens = self._last = 0
        self._ended = False
        self._measured: dict[str, tuple[float, float]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.on_batch: Callable[[str, int, int, float], None] = _nobody

    def start(self) -> None:
        """Begin to compute; called in the event loop that jobs come from."""
        self._loop = asyncio.get_running_loop()
        self._ended = False
        # A daemon: a computation that never ends must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="textaxa-compute", daemon=True)
        self._thread.start()

    def depth(self) -> dict[str, int]:
        """Give how many texts and about how many tokens wait."""
        with self._changed:
            return {"texts": self._texts, "tokens": self._tokens}

    def add(self, job: Job) -> None:
        """Let a job wait for its turn.

        Raises
        ------
        Closing
            Nothing is computed any more.
        TooBusy
            There is no room. A job that is larger than all of the room is taken where nothing else waits.
        """
        with self._changed:
            if self._ended or self._thread is None:
                raise Closing
            size = job.waiting
            if self._tokens and self._tokens + size > self._room:
                raise TooBusy(self._seconds(), waiting=self._tokens)
            self._jobs.append(job)
            self._count(len(job.texts), size)
            self._changed.notify()

    def drop(self, job: Job) -> None:
        """Forget what of a job is not computed yet: nobody waits for it."""
        with self._changed:
            if job in self._jobs:
                self._jobs.remove(job)
                self._count(-(len(job.texts) - job.taken), -job.waiting)

    def know_speed(self, name: str, tokens: float, seconds: float) -> None:
        """Learn how fast a model is: tokens that took so many seconds."""
        before = self._measured.get(name, (0.0, 0.0))
        self._measured[name] = _AGEING * before[0] + tokens, _AGEING * before[1] + max(seconds, 1e-6)

    def _speed(self, name: str) -> float | None:
        """Give the tokens that a model computes in a second; None where nothing is known."""
        if name not in self._measured:
            return None
        tokens, seconds = self._measured[name]
        return tokens / seconds

    async def end(self) -> None:
        """Stop computing; jobs that still wait get `Closing`."""
        with self._changed:
            self._ended = True
            left = list(self._jobs)
            self._jobs.clear()
            self._texts = self._tokens = 0
            self._changed.notify_all()
        for job in left:
            _fail(job, Closing())
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, LAST_SECONDS)

    def _count(self, texts: int, tokens: int) -> None:
        self._texts += texts
        self._tokens += tokens

    def _seconds(self) -> float:
        """Give in how many seconds what waits is probably computed."""
        waiting: dict[str, int] = {}
        for job in self._jobs:
            waiting[job.group.name] = waiting.get(job.group.name, 0) + job.waiting
        return sum(tokens / (self._speed(name) or self._budget) for name, tokens in waiting.items())

    def _run(self) -> None:
        while (batch := self._next()) is not None:
            started = time.perf_counter()
            answers = _computed(batch)
            seconds = time.perf_counter() - started
            if not self._hand_back(batch, answers, seconds):
                return

    def _hand_back(self, batch: list[Part], answers: "list[Any]", seconds: float) -> bool:
        """Give answers to the event loop; tell whether it is still there."""
        if self._loop is None:
            return False
        try:
            self._loop.call_soon_threadsafe(self._settle, batch, answers, seconds)
        except RuntimeError:  # the loop was closed without an orderly end
            return False
        return True

    def _next(self) -> list[Part] | None:
        """Wait for a batch; None at the end."""
        with self._changed:
            batch: list[Part] = []
            while not batch:
                while not self._jobs and not self._ended:
                    self._changed.wait()
                if not self._ended and self._last > 1:
                    self._gather()
                if self._ended:
                    return None
                batch = self._taken()
            return batch

    def _gather(self) -> None:
        """Wait a moment, until about as many jobs are there as were answered together just before."""
        end = time.monotonic() + self._wait
        while len(self._jobs) < self._last and not self._ended and (left := end - time.monotonic()) > 0:
            if self._tokens >= self._budget:
                return
            self._changed.wait(left)

    def _taken(self) -> list[Part]:
        """Take a batch out of the queue: jobs of the oldest one's group."""
        if not self._jobs:  # all were dropped while others were waited for
            self._last = 0
            return []
        group = self._jobs[0].group
        budget = self._budget_of(group.name)
        alone = sum(job.group is group for job in self._jobs) == 1
        share = budget if alone else max(1, budget // SHARE)
        parts: list[Part] = []
        again: list[Job] = []
        kept: list[Job] = []
        while self._jobs and budget > 0:
            job = self._jobs.popleft()
            if job.group is not group:
                kept.append(job)
                continue
            if job.failed:
                self._count(job.taken - len(job.texts), -job.waiting)
                continue
            part = _part(job, min(share, budget))
            parts.append(part)
            budget -= part.tokens
            self._count(-len(part.texts), -part.tokens)
            if job.taken < len(job.texts):
                again.append(job)
        self._jobs.extendleft(reversed(kept))
        self._jobs.extend(again)
        self._last = len(parts)
        return parts

    def _budget_of(self, name: str) -> int:
        known = self._speed(name)
        return self._budget if known is None else min(self._budget, max(LEAST_TOKENS, int(known * SECONDS)))

    def _settle(self, batch: list[Part], answers: "list[Any]", seconds: float) -> None:
        """Give each job its answers; in the event loop."""
        for part, found in zip(batch, answers, strict=True):
            job = part.job
            if isinstance(found, Exception):
                self.drop(job)
                _fail(job, found)
                continue
            job.found += found
            if len(job.found) == len(job.texts) and not job.future.done():
                job.future.set_result(job.found)
        tokens = sum(part.tokens for part in batch)
        name = batch[0].job.group.name
        self.know_speed(name, tokens, seconds)
        self.on_batch(name, sum(len(part.texts) for part in batch), tokens, seconds)


def _part(job: Job, budget: int) -> Part:
    """Take the next texts of a job: as many as fit, at least one."""
    start = stop = job.taken
    while stop < len(job.texts) and (stop == start or job.sizes[stop] <= budget):
        budget -= job.sizes[stop]
        stop += 1
    job.taken = stop
    return Part(job, start, stop)


def _computed(batch: list[Part]) -> "list[list[Any] | Exception]":
    """Compute a batch. Where that fails, each part alone: one request's texts must not spoil the answers of others."""
    try:
        return list(batch[0].job.group.compute(batch))
    except Exception as error:  # noqa: BLE001 -- whatever a model raises: the thread must live
        if len(batch) == 1:
            batch[0].job.failed = True
            return [_told(batch[0], error)]
    return [answer for part in batch for answer in _computed([part])]


def _told(part: Part, error: Exception) -> Exception:
    """Give what the request is told. The log has the place, but no message: that could quote a text."""
    if isinstance(error, TextaxaError):
        return error
    place = "".join(traceback.format_tb(error.__traceback__))
    _LOG.error(
        "The model %r failed on %d texts: %s\n%s", part.job.group.name, len(part.texts), type(error).__name__, place
    )
    failed = ComputeFailed()
    failed.__cause__ = error
    return failed


def _fail(job: Job, error: Exception) -> None:
    if not job.future.done():
        job.future.set_exception(error)


def _nobody(model: str, texts: int, tokens: int, seconds: float) -> None:
    """Count nothing."""
    del model, texts, tokens, seconds
