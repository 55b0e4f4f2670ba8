"""Traces go to a collector, without texts; what is not answered is told; for clients that have gone nothing is done."""

import asyncio
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from server.http_service import KEY, client, model_folder, threaded
from server.test_serve_cli import refusal

from textaxa.server._errors import Closing, TimedOut, TooBusy


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return model_folder(tmp_path_factory.mktemp("traces"))


@pytest.fixture
def collector():
    """Give a port that takes traces, and what came."""
    came = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self):
            came.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, came
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_span_of_every_request_goes_to_the_collector_without_texts(folder, collector):
    pytest.importorskip("opentelemetry.instrumentation.fastapi")
    port, came = collector
    with threaded(folder, otlp_endpoint=f"http://127.0.0.1:{port}/v1/traces", keys=(KEY,)) as service:
        assert service.ask("/v1/classify", {"text": "a secret text"}, {"X-API-Key": KEY})[0] == 200
        assert service.ask("/health/live")[0] == 200
    assert [path for path, _ in came] == ["/v1/traces"]
    sent = came[0][1]
    assert b"/v1/classify" in sent
    assert b"textaxa" in sent
    assert b"/health/live" not in sent
    assert b"secret" not in sent
    assert KEY.encode() not in sent


def test_without_its_packages_it_says_what_to_install(folder, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.modules['opentelemetry.sdk'] = None\n", encoding="utf-8"
    )
    environment = {"PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    told = refusal(str(folder), "--otlp", "http://localhost:4318/v1/traces", **environment)
    assert 'pip install "textaxa[otlp]"' in told


def test_work_for_a_client_that_has_gone_is_not_done(folder, monkeypatch):
    begun, cancelled = threading.Event(), threading.Event()

    async def slow(self, ask):
        begun.set()
        try:
            await asyncio.sleep(20)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with threaded(folder) as service:
        monkeypatch.setattr("textaxa.server._service.Service.classify", slow)
        body = b'{"text": "a"}'
        head = f"POST /v1/classify HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        with service.connect() as line:
            line.sendall(head.encode() + b"\r\n\r\n" + body)
            assert begun.wait(10)
        assert cancelled.wait(10)


@pytest.mark.parametrize(
    ("error", "status", "code", "retry"),
    [
        (TooBusy(2.4, waiting=180_000), 429, "too_busy", "3"),
        (TimedOut(30), 503, "timed_out", None),
        (Closing(), 503, "closing", "5"),
    ],
    ids=["too busy", "timed out", "closing"],
)
def test_what_is_not_answered_is_told_with_when_to_come_back(folder, monkeypatch, error, status, code, retry):
    async def refuse(self, ask):
        raise error

    monkeypatch.setattr("textaxa.server._service.Service.classify", refuse)
    with client(folder) as found:
        answer = found.post("/v1/classify", json={"text": "a"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert answer.headers.get("Retry-After") == retry
