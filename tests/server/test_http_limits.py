"""Requests that are too large, too slow, compressed or malformed: refused in plain words, and the service stays up.

Real sockets, with time-outs of tenths of a second set for these tests.
"""

import gzip
import json
import time

import pytest
from server.http_service import JSON, client, model_folder, threaded

MEGABYTE = 1_000_000
HEAD = "POST /v1/classify HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return model_folder(tmp_path_factory.mktemp("limits"))


@pytest.fixture(scope="module")
def service(folder):
    limits = {"header_timeout": 0.4, "body_timeout": 0.8, "keep_alive": 0.5, "max_connections": 20}
    with threaded(folder, **limits, max_texts=10, max_characters=50) as found:
        yield found


def raw(service, *parts, pause=0.0):
    """Send bytes as they are, and give the status and all that comes back until the service closes."""
    with service.connect() as line:
        for part in parts:
            try:
                line.sendall(part if isinstance(part, bytes) else part.encode())
            except (BrokenPipeError, ConnectionResetError):
                break
            time.sleep(pause)
        answer = b""
        while piece := line.recv(65_536):
            answer += piece
    return (int(answer.split()[1]) if answer else None), answer.decode()


def still_answers(service):
    status, _, answer = service.ask("/v1/classify", {"text": "bank money"})
    return status == 200 and answer["answers"][0]["path"] == "Money"


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_a_body_of_100_megabytes_is_refused_in_bounded_memory(service, declared):
    part = b" " * MEGABYTE
    framing = f"Content-Length: {100 * MEGABYTE}" if declared else "Transfer-Encoding: chunked"
    piece = part if declared else b"%x\r\n" % MEGABYTE + part + b"\r\n"
    end = b"" if declared else b"0\r\n\r\n"
    status, answer = raw(service, f"{HEAD}{framing}\r\n\r\n", *[piece] * 100, end)
    assert status == 413
    assert "too_large" in answer
    assert "8,000,000" in answer
    assert "connection: close" in answer
    assert still_answers(service)


def test_a_client_that_asks_first_is_told_before_it_sends(service):
    status, answer = raw(service, f"{HEAD}Expect: 100-continue\r\nContent-Length: {100 * MEGABYTE}\r\n\r\n")
    assert status == 413
    assert "100,000,000" in answer


def test_a_compressed_body_is_not_read(service):
    bomb = gzip.compress(b'{"text":"' + b"a" * 20 * MEGABYTE + b'"}')
    assert len(bomb) < 100_000
    status, _, answer = service.ask("/v1/classify", bomb, {"Content-Encoding": "gzip"})
    assert (status, answer["error"]["code"]) == (415, "unsupported_body")
    assert "gzip" in answer["error"]["message"]
    assert still_answers(service)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"])
def test_only_json_is_read(service, kind):
    status, headers, answer = service.ask("/v1/classify", b"text=a", {"Content-Type": kind})
    assert (status, answer["error"]["code"]) == (415, "unsupported_body")
    assert headers["Accept"] == "application/json"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"text": "a"} b',
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"text": "\xff\xfe"}',
        b'{"text": "\xed\xa0\x80"}',
        b'{"text": "\\ud800"}',
        b'{"text": NaN}',
        b'{"top": Infinity, "text": "a"}',
        b'{"top": ' + b"9" * 10_000 + b"}",
        b"\x00\x01\x02",
        '{"text": "a"}'.encode("utf-16"),
    ],
    ids=lambda body: body[:14].decode("latin-1"),
)
def test_what_is_no_strict_json_is_refused(service, body):
    status, _, answer = service.ask("/v1/classify", body)
    assert status in ((400,) if body else (400, 422))
    assert answer["error"]["message"]


@pytest.mark.parametrize(
    "body", [b'{"top": 1e999, "text": "a"}', b'{"text": {"a": 1}}', b'{"texts": [["a"]]}', b"null"]
)
def test_what_is_json_of_another_form_is_refused(service, body):
    status, _, answer = service.ask("/v1/classify", body)
    assert (status, answer["error"]["code"]) == (422, "not_usable")


@pytest.mark.parametrize("text", ["\x00", "\x00\x01\ufeff\u202e", "😀" * 20, "\u0301" * 20, "<img>", "a\r\nb"])
def test_strange_texts_are_answered(service, text):
    status, _, answer = service.ask("/v1/classify", {"text": text})
    assert status == 200
    assert len(answer["answers"]) == 1


def test_too_many_texts_and_too_long_ones_are_told_with_the_numbers(service):
    status, _, answer = service.ask("/v1/classify", {"texts": ["a"] * 11})
    assert (status, answer["error"]["code"]) == (413, "too_many_texts")
    assert "11 texts, but 10" in answer["error"]["message"]
    status, _, answer = service.ask("/v1/classify", {"texts": ["a", "b" * 51, "c" * 60]})
    assert (status, answer["error"]["code"]) == (413, "text_too_long")
    assert answer["error"]["where"] == ["texts.1", "texts.2"]
    assert "51 characters, but 50" in answer["error"]["message"]
    assert "1 more" in answer["error"]["message"]


def test_a_header_that_does_not_come_ends_the_connection(service):
    assert raw(service) == (None, "")
    status, answer = raw(service, "GET /health/live HT")
    assert status == 408
    assert "header" in answer


def test_a_header_a_byte_at_a_time_ends_the_connection(service):
    """Each byte comes in good time; the header as a whole does not."""
    status, _ = raw(service, *"GET /health/live HTTP/1.1\r\nX: ", pause=0.05)
    assert status == 408


def test_line_breaks_do_not_keep_a_connection(service):
    assert raw(service, *["\r\n"] * 12, pause=0.05)[0] in (408, None)
    status, answer = raw(service, "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n", pause=0.1)
    assert status == 200
    assert answer.count("HTTP/1.1") <= 2


def test_a_body_a_byte_at_a_time_ends_the_connection(service):
    status, answer = raw(service, f"{HEAD}Content-Length: 100\r\n\r\n", *'{"text":"abcdefghijkl', pause=0.05)
    assert status == 408
    assert "body" in answer


def test_an_idle_connection_is_closed(service):
    status, answer = raw(service, "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
    assert status == 200
    assert answer.count("HTTP/1.1") == 1


def test_a_long_header_is_refused(service):
    status, answer = raw(service, "GET /health/live HTTP/1.1\r\n" + "X: " + "a" * 70_000)
    assert status == 431
    assert "65,536" in answer


@pytest.mark.parametrize(
    "request_",
    [
        b"garbage\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"CONNECT a:80 HTTP/1.1\r\n\r\n",
        HEAD.encode() + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD.encode() + b"Content-Length: -1\r\n\r\n",
        HEAD.encode() + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ],
)
def test_what_is_no_http_is_refused(service, request_):
    status, _ = raw(service, request_)
    assert status in (400, 408)
    assert still_answers(service)


def test_there_are_only_so_many_connections(service):
    lines = [service.connect() for _ in range(20)]
    try:
        status, answer = raw(service)
        assert status == 503
        assert "too_many_connections" in answer
        assert "retry-after" in answer
    finally:
        for line in lines:
            line.close()
    time.sleep(0.1)
    assert still_answers(service)


def test_a_client_that_goes_away_harms_nobody(service):
    for parts in (
        "POST /v1/cl",
        f"{HEAD}Content-Length: 100\r\n\r\n{{",
        f'{HEAD}Content-Length: 14\r\n\r\n{{"text": "ab"}}',
    ):
        with service.connect() as line:
            line.sendall(parts.encode())
    assert still_answers(service)


def test_requests_one_behind_the_other_are_answered_in_order(service):
    bodies = [json.dumps({"text": text}).encode() for text in ("bank money", "photo edit")]
    parts = b"".join(HEAD.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body for body in bodies)
    status, answer = raw(service, parts)
    assert status == 200
    assert answer.index("Money") < answer.index("Media > Photo")


def test_the_largest_body_that_is_allowed_is_read(folder):
    with client(folder, max_body=1000) as found:
        body = json.dumps({"text": "bank"}).encode()
        assert found.post("/v1/classify", content=body.ljust(1000), headers=JSON).status_code == 200
        assert found.post("/v1/classify", content=body.ljust(1001), headers=JSON).status_code == 413
