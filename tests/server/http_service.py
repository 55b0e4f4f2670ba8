"""A service over a tiny linear model: in a client without sockets, in a thread with them, or as a process."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.predicted_apps import linear_model
from starlette.testclient import TestClient

from textaxa.server import ServerSettings
from textaxa.server._app import create_app
from textaxa.server._doors import bound
from textaxa.server._run import Worker
from textaxa.server._service import Service

KEY, OTHER_KEY, TOKEN = "a-key-of-someone-1", "a-key-of-another-2", "the-token-of-an-admin"
JSON = {"Content-Type": "application/json"}


def model_folder(place: Path) -> Path:
    """Save the tiny model, once a folder."""
    folder = place / "apps"
    return folder if folder.is_dir() else linear_model(folder)


@contextlib.contextmanager
def client(folder: Path, **settings: Any) -> Iterator[TestClient]:
    """Give a client of an application that runs in this process, without sockets."""
    chosen = ServerSettings(**settings)
    service = Service({"apps": folder}, chosen)
    with TestClient(create_app(service, chosen), raise_server_exceptions=False) as found:
        yield found


@dataclass(frozen=True)
class Running:
    """A service that listens."""

    port: int

    def ask(self, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any, Any]:
        """Give status, headers and parsed body."""
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, JSON | (headers or {}))
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 -- the scheme is ours
                return answer.status, answer.headers, _parsed(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers, _parsed(error.read())

    def connect(self) -> socket.socket:
        """Give an open connection that waits at most 10 seconds for an answer."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode()


@contextlib.contextmanager
def threaded(folder: Path, **settings: Any) -> Iterator[Running]:
    """Give a service that listens on a free port, in a thread of this process."""
    chosen = ServerSettings(port=0, drain=2, **settings)
    service, listening = Service({"apps": folder}, chosen), threading.Event()
    worker = Worker(create_app(service, chosen), service, chosen, lambda _: listening.set(), alone=True)
    with bound("127.0.0.1", 0) as door:
        port = door.getsockname()[1]
        thread = threading.Thread(target=worker.run, args=([door],))
        thread.start()
        try:
            assert listening.wait(20)
            yield Running(port)
        finally:
            worker.end()
            thread.join(20)
            assert not thread.is_alive()


@dataclass(frozen=True)
class Process(Running):
    """A service that is a process."""

    process: subprocess.Popen[str]
    told: list[str]

    def log(self) -> list[dict[str, Any]]:
        """Give the lines of the log."""
        return [json.loads(line) for line in self.told if line.startswith("{")]

    def wait(self) -> int:
        """Give the exit status."""
        return self.process.wait(30)


def started(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """Start ``textaxa serve``."""
    command = [sys.executable, "-m", "textaxa", "serve", *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment)


@contextlib.contextmanager
def process(*arguments: str, environment: dict[str, str] | None = None) -> Iterator[Process]:
    """Give a running ``textaxa serve`` on a free port; it is killed if the test does not end it."""
    running = started(*arguments, "--port", "0", environment=environment)
    told: list[str] = []
    reader = threading.Thread(target=lambda: told.extend(iter(running.stderr.readline, "")))
    reader.start()
    try:
        yield Process(_port_in(told, running), running, told)
    finally:
        if running.poll() is None:
            running.kill()
        running.wait(10)
        reader.join(10)
        running.stderr.close()


def _port_in(told: list[str], running: subprocess.Popen[str]) -> int:
    """Wait for the line with the address."""
    end = time.monotonic() + 60
    while time.monotonic() < end and running.poll() is None:
        for line in told:
            if line.startswith("Serving at http://"):
                return int(line.split()[2].rsplit(":", 1)[1])
        time.sleep(0.02)
    raise AssertionError("".join(told))
