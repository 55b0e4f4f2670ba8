"""Several processes behind one port: started, watched, ended together.

The parent holds no model. It starts workers that share a port, replaces one that dies, passes on SIGHUP, and ends them
in order. What workers tell it (ready, failed, reloaded) comes through a pipe each; a worker whose parent is
gone sees its pipe close, and ends.
"""

import contextlib
import json
import logging
import multiprocessing
import os
import signal
import socket
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

from textaxa import errors
from textaxa.errors import ConfigError, TextaxaError
from textaxa.server._log import set_up_log
from textaxa.server._metrics import SHARED
from textaxa.server._settings import ServerSettings

MOST_DEATHS, WITHIN = 5, 60.0
"""Workers that die as often within as many seconds are not started again: a start would not mend what is wrong."""

GRACE = 10.0
"""Seconds after the drain, in which a worker must be gone by itself."""

_LOG = logging.getLogger("textaxa.server")


@dataclass
class _Child:
    process: BaseProcess
    pipe: Connection
    ready: bool = False


@dataclass
class Group:
    """The workers of a service.

    Attributes
    ----------
    models, settings, door
        What every worker gets.
    told
        Called once all of them take requests.
    """

    models: Mapping[str, Path]
    settings: ServerSettings
    door: socket.socket
    told: Callable[[], None]
    _children: list[_Child] = field(default_factory=list)
    _signals: list[int] = field(default_factory=list)
    _deaths: deque[float] = field(default_factory=deque)
    _all_ready: bool = False

    def run(self) -> None:
        """Start the workers, and come back when they have ended.

        Raises
        ------
        TextaxaError
            One could not start, or they die again and again.
        """
        set_up_log(access=False)
        with _shared_numbers() as self._numbers, self._woken() as wake:
            try:
                self._children = [self._started() for _ in range(self.settings.workers)]
                while not self._is_asked_to_end():
                    self._hear(wait([wake, *self._pipes(), *self._sentinels()]), wake)
            finally:
                self._end()

    def _started(self) -> _Child:
        ours, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        process = context.Process(target=_worker, args=(dict(self.models), self.settings, self.door, theirs))
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited: Ctrl-C is for the parent to pass on
        try:
            process.start()
        finally:
            signal.signal(signal.SIGINT, before)
        theirs.close()
        return _Child(process, ours)

    def _hear(self, events: Sequence[object], wake: int) -> None:
        if wake in events:
            os.read(wake, 100)
            self._pass_on()
        for child in list(self._children):
            if child.pipe in events:
                self._listen(child)
            if child.process.sentinel in events:
                self._replace(child)

    def _listen(self, child: _Child) -> bool:
        """Hear what a worker has to say; whether there was anything."""
        try:
            told = json.loads(child.pipe.recv_bytes())
        except (EOFError, OSError):
            return False  # it has ended, which its sentinel says, too
        if told["event"] == "failed":
            raise getattr(errors, told["error"], TextaxaError)(told["message"])
        if told["event"] == "reloaded":
            for other in self._children:
                if other is not child and other.ready:
                    _send(other, signal.SIGHUP)
        if told["event"] == "ready":
            child.ready = True
            self._tell_ready()
        return True

    def _tell_ready(self) -> None:
        if not self._all_ready and all(child.ready for child in self._children):
            self._all_ready = True
            self.told()

    def _replace(self, child: _Child) -> None:
        with contextlib.suppress(EOFError, OSError):
            while child.pipe.poll() and self._listen(child):  # why it failed, where it could say so
                pass
        status = child.process.exitcode
        self._children.remove(child)
        child.pipe.close()
        self._forget_numbers(child)
        if self._is_asked_to_end():
            return
        if not child.ready:
            raise ConfigError(f"A worker ended with status {status} before it could answer. Is there memory for all?")
        self._deaths.append(time.monotonic())
        while self._deaths[0] < time.monotonic() - WITHIN:
            self._deaths.popleft()
        if len(self._deaths) >= MOST_DEATHS:
            raise ConfigError(
                f"Workers have died {len(self._deaths)} times within a minute, last with status {status}."
            )
        _LOG.error("A worker has died with status %s; another takes its place.", status)
        self._children.append(self._started())

    def _forget_numbers(self, child: _Child) -> None:
        """Take what a dead worker had in its queue out of the sums."""
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 -- heavy, and rarely needed

        if child.process.pid is not None:
            mark_process_dead(child.process.pid, path=self._numbers)  # type: ignore[no-untyped-call]

    def _pass_on(self) -> None:
        while signal.SIGHUP in self._signals:
            self._signals.remove(signal.SIGHUP)
            for child in self._children:
                if child.ready:
                    _send(child, signal.SIGHUP)

    def _is_asked_to_end(self) -> bool:
        return any(number in (signal.SIGINT, signal.SIGTERM) for number in self._signals)

    def _end(self) -> None:
        """Stop listening, then let every worker answer what it took."""
        self.door.close()  # workers accept what waits at their copies of it
        for child in self._children:
            _send(child, signal.SIGTERM)
        end = time.monotonic() + self.settings.drain + GRACE
        for child in self._children:
            child.process.join(max(0.0, end - time.monotonic()))
            if child.process.is_alive():
                child.process.kill()
                child.process.join()
            child.pipe.close()

    def _pipes(self) -> list[Connection]:
        return [child.pipe for child in self._children if not child.pipe.closed]

    def _sentinels(self) -> list[int]:
        return [child.process.sentinel for child in self._children]

    @contextlib.contextmanager
    def _woken(self) -> Iterator[int]:
        """Note signals, and give a file descriptor that wakes whoever waits."""
        reading, writing = os.pipe()

        def note(number: int, frame: FrameType | None) -> None:
            del frame
            self._signals.append(number)
            os.write(writing, b".")

        before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            yield reading
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(reading)
            os.close(writing)


def _send(child: _Child, number: int) -> None:
    if child.process.pid is not None and child.process.is_alive():
        os.kill(child.process.pid, number)


@contextlib.contextmanager
def _shared_numbers() -> Iterator[str]:
    """Give workers a folder in which they count together; they learn of it from the environment that they inherit."""
    with tempfile.TemporaryDirectory(prefix="textaxa-metrics-", ignore_cleanup_errors=True) as folder:
        before = os.environ.get(SHARED)
        os.environ[SHARED] = folder
        try:
            yield folder
        finally:
            os.environ.pop(SHARED)
            if before is not None:
                os.environ[SHARED] = before


def _worker(models: Mapping[str, Path], settings: ServerSettings, door: socket.socket, pipe: Connection) -> None:
    """Be a worker: what the parent starts."""
    import asyncio  # noqa: PLC0415 -- here and below: what only the worker needs

    from textaxa.server._run import Worker, work  # noqa: PLC0415

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until the models are loaded, there is nothing to load anew

    def ready(worker: Worker) -> None:
        worker.app.state.reloaded = lambda: _say(pipe, "reloaded")
        asyncio.get_running_loop().add_reader(pipe.fileno(), worker.end)
        _say(pipe, "ready")

    try:
        work(models, settings, door, ready, alone=False)
    except TextaxaError as error:
        _say(pipe, "failed", error=type(error).__name__, message=str(error))


def _say(pipe: Connection, event: str, **more: str) -> None:
    with contextlib.suppress(OSError):  # the parent is gone; so will be this worker
        pipe.send_bytes(json.dumps({"event": event, **more}).encode())
