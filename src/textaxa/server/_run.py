"""A worker: one process that listens, answers, and ends without losing what it took.

A socket and an application come in. On SIGTERM or Ctrl-C the worker accepts what already waits at its door, lets
requests in flight end, tells clients to close, and goes; on SIGHUP it loads its models anew.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from textaxa.server._app import create_app
from textaxa.server._log import set_up_log
from textaxa.server._models import reload_counted
from textaxa.server._problems import Refused
from textaxa.server._protocol import protocol_for
from textaxa.server._service import Service
from textaxa.server._settings import ServerSettings

LINGER = 0.5
"""Seconds that idle connections stay open once the end was asked for: a request may be on its way on them."""

BACKLOG = 2048

_LOG = logging.getLogger("textaxa.server")


class Worker(uvicorn.Server):
    """uvicorn's server, with an end that loses nothing and a reload.

    Parameters
    ----------
    ready
        Called once requests are taken.
    alone
        Whether Ctrl-C is meant for this process.
    """

    def __init__(
        self,
        app: FastAPI,
        service: Service,
        settings: ServerSettings,
        ready: "Callable[[Worker], None]",
        *,
        alone: bool,
    ) -> None:
        super().__init__(_config(app, settings))
        self.app, self._service, self._ready, self._alone = app, service, ready, alone
        self._tasks: set[asyncio.Task[None]] = set()
        app.state.closing = lambda: self.should_exit

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        await super().startup(sockets=sockets)
        if hasattr(signal, "SIGHUP") and _hears_signals():
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._reload)
        self._ready(self)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what was taken, then end."""
        self.server_state.closing = True  # type: ignore[attr-defined]  # read by our protocol
        await self._take_waiting(sockets or [])
        await self._linger()
        await super().shutdown(sockets=sockets)
        if (provider := getattr(self.app.state, "traces", None)) is not None:
            await asyncio.to_thread(provider.shutdown)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Listen to signals; unlike uvicorn, do not raise them again afterwards: an orderly end is a success."""
        wanted = [signal.SIGTERM, *([signal.SIGINT] if self._alone else [])] if _hears_signals() else []
        before = {number: signal.signal(number, self.handle_exit) for number in wanted}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def end(self) -> None:
        """End in order, as after SIGTERM."""
        self.should_exit = True

    async def _take_waiting(self, sockets: list[socket.socket]) -> None:
        """Stop listening, then accept the connections that the kernel has accepted for us."""
        doors = [door.dup() for door in sockets]
        for server in self.servers:
            server.close()
        for door in sockets:
            door.close()
        taken = [connection for door in doors for connection in _waiting(door)]
        for door in doors:
            door.close()  # at once: what comes now is refused, which its client sees
        for connection in taken:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )

    async def _linger(self) -> None:
        """Wait a moment for requests that are on their way on open connections; each answer then closes its own."""
        loop = asyncio.get_running_loop()
        end = loop.time() + min(LINGER, self.config.timeout_graceful_shutdown or 0)
        while self.server_state.connections and loop.time() < end and not self.force_exit:
            await asyncio.sleep(0.02)

    def _reload(self) -> None:
        task = asyncio.get_running_loop().create_task(self._reload_all())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reload_all(self) -> None:
        with contextlib.suppress(Refused):  # logged where it was found; the old models go on
            await reload_counted(self._service, None, self.app.state.metrics)


def _hears_signals() -> bool:
    """Whether this thread may listen to signals: the main one."""
    return threading.current_thread() is threading.main_thread()


def _waiting(door: socket.socket) -> Iterator[socket.socket]:
    door.setblocking(False)
    while True:
        try:
            connection, _ = door.accept()
        except OSError:  # none waits, or it has gone again
            return
        connection.setblocking(False)
        yield connection


def _config(app: FastAPI, settings: ServerSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=protocol_for(settings),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        root_path=settings.root_path,
        timeout_keep_alive=settings.keep_alive,  # type: ignore[arg-type]  # call_later takes parts of seconds
        timeout_graceful_shutdown=settings.drain,  # type: ignore[arg-type]
    )


def work(
    models: Mapping[str, Path],
    settings: ServerSettings,
    door: socket.socket,
    ready: Callable[[Worker], None],
    *,
    alone: bool = True,
) -> None:
    """Load models and answer until a signal asks to end.

    Parameters
    ----------
    door
        Bound; it is listened to once the models are loaded.
    ready
        Called with the worker once requests are taken.
    alone
        Whether Ctrl-C is meant for this process; workers of a group are ended by their parent.

    Raises
    ------
    ModelFileError, ConfigError, MissingExtraError
        A model cannot be loaded.
    """
    set_up_log(access=settings.access_log)
    service = Service(models, settings, settings.runtime)
    worker = Worker(create_app(service, settings), service, settings, ready, alone=alone)
    worker.run([door])
