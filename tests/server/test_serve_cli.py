"""``textaxa serve`` as a process: what it says, what it refuses, and how it ends without losing a request."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from server.http_service import KEY, TOKEN, model_folder, process, started

from textaxa.cli._serve import _warn as warn_of
from textaxa.errors import ConfigError
from textaxa.jobs.serve import named
from textaxa.server import ServerSettings, keys_of

ALL = "0.0.0.0"  # noqa: S104 -- with keys, and for a moment


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return model_folder(tmp_path_factory.mktemp("serve"))


def refusal(*arguments, **environment):
    """Give what a start that must fail says."""
    running = started(*arguments, environment={**os.environ, **environment})
    _, told = running.communicate(timeout=60)
    assert running.returncode == 2, told
    assert "Traceback" not in told
    assert told.startswith("Error: ")
    return told


def post(body):
    head = "POST /v1/classify HTTP/1.1\r\nHost: a\r\nContent-Type: application/json"
    return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode()


def whole(line):
    """Give one answer, whose body is JSON."""
    answer = b""
    while not answer.endswith(b"}"):
        piece = line.recv(65_536)
        assert piece, answer
        answer += piece
    return answer


def test_it_answers_ends_in_order_and_gives_back_the_port(folder):
    body = b'{"text": "bank money"}'
    with process(str(folder)) as running:
        assert running.ask("/v1/classify", {"text": "bank money"})[2]["answers"][0]["path"] == "Money"
        with running.connect() as sent, running.connect() as half, running.connect() as idle:
            sent.sendall(post(body) + body[:5])
            half.sendall(post(body))
            idle.sendall(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b"200 OK" in whole(idle)
            time.sleep(0.2)
            running.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            # The service has stopped listening. What was begun is answered, and a request on an open line, too.
            idle.sendall(b"GET /health/ready HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b"503" in (last := whole(idle))
            assert b"connection: close" in last
            sent.sendall(body[5:])
            half.sendall(body)
            for line in (sent, half):
                answer = whole(line)
                assert b"200 OK" in answer
                assert b"Money" in answer
            with pytest.raises(ConnectionError):
                running.connect()
        assert running.wait() == 0
    assert "Ended; what was taken is answered." in running.told[-1]
    assert [line["status"] for line in running.log() if line.get("route") == "/v1/classify"] == [200] * 3


def test_under_sigterm_every_request_that_was_taken_is_answered(folder):
    """Clients ask without a pause; each sees whole answers, then a closed door."""
    wrong, answered = [], []

    def ask_on():
        while True:
            try:
                line = running.connect()
            except ConnectionError:
                return
            with line:
                body = b'{"text": "photo edit"}'
                line.sendall(post(body) + body)
                answer = b""
                while b'"promise":null}' not in answer:
                    piece = line.recv(65_536)
                    if not piece:
                        wrong.append(answer)
                        return
                    answer += piece
                (answered if b"Media > Photo > Edit" in answer else wrong).append(answer)

    with process(str(folder), "--quiet") as running:
        clients = [threading.Thread(target=ask_on) for _ in range(8)]
        for client in clients:
            client.start()
        time.sleep(0.4)
        running.process.send_signal(signal.SIGTERM)
        for client in clients:
            client.join(20)
        assert running.wait() == 0
    assert wrong == []
    assert len(answered) > 8


def test_sighup_loads_anew_and_a_damaged_model_changes_nothing(tmp_path):
    folder = model_folder(tmp_path)
    with process(f"first={folder}", str(folder), "--quiet") as running:
        before = {model["name"]: model["version"] for model in running.ask("/v1/models")[2]["models"]}
        assert list(before) == ["first", "apps"]
        config = folder / "config.json"
        config.write_text(config.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        running.process.send_signal(signal.SIGHUP)
        after = _versions_unlike(running, before)
        assert set(after) == set(before)
        assert all(after[name] != before[name] for name in before)
        config.write_text("{", encoding="utf-8")
        running.process.send_signal(signal.SIGHUP)
        _wait_for(lambda: any("could not be loaded anew" in line for line in running.told))
        assert running.ask("/v1/classify", {"text": "bank money"})[0] == 200
        running.process.send_signal(signal.SIGINT)
        assert running.wait() == 0


def _versions_unlike(running, before):
    def now():
        return {model["name"]: model["version"] for model in running.ask("/v1/models")[2]["models"]}

    _wait_for(lambda: all(now()[name] != before[name] for name in before))
    return now()


def _wait_for(condition, why=None, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, why
        time.sleep(0.05)


def test_workers_share_a_port_count_together_and_one_that_dies_is_replaced(folder):
    environment = {**os.environ, "TEXTAXA_ADMIN_TOKEN": TOKEN}
    with process(str(folder), "--workers", "2", "--threads", "1", environment=environment) as running:
        for _ in range(20):
            assert running.ask("/v1/classify", {"text": "bank money"})[0] == 200
        told = running.ask("/metrics")[2]
        assert 'textaxa_requests_total{method="POST",route="/v1/classify",status="200"} 20.0' in told
        assert told.count("textaxa_model_info{") == 1
        assert running.ask("/v1/reload", {}, {"X-Admin-Token": TOKEN})[0] == 200
        _wait_for(lambda: sum("Models loaded anew" in line for line in running.told) == 2)
        first, second = _children(running.process.pid)
        os.kill(first, signal.SIGKILL)
        _wait_for(lambda: len(set(_children(running.process.pid)) - {first}) == 2, running.told)
        assert second in _children(running.process.pid)
        assert running.ask("/health/ready")[0] == 200
        running.process.send_signal(signal.SIGTERM)
        assert running.wait() == 0
    assert any("another takes its place" in line for line in running.told)


def test_workers_end_with_their_parent(folder):
    with process(str(folder), "--workers", "2", "--threads", "1") as running:
        children = _children(running.process.pid)
        running.process.kill()
        _wait_for(lambda: not any(_is_alive(child) for child in children))


def _children(parent):
    """Give the workers of a process; beside them there may be Python's own watcher of shared resources."""
    found = Path(f"/proc/{parent}/task/{parent}/children")
    if not found.exists():
        pytest.skip("this system does not tell the children of a process")
    return [int(child) for child in found.read_text().split() if b"spawn_main" in _command(int(child))]


def _command(process):
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def _is_alive(process):
    return b"spawn_main" in _command(process)


def test_a_taken_port_is_told(folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = refusal(str(folder), "--port", str(taken.getsockname()[1]))
    assert "another program listens there" in told
    assert "--port" in told


def test_a_folder_that_is_no_model_is_told(folder, tmp_path):
    assert "is not a textaxa model" in refusal(str(tmp_path))
    assert "There is no model folder" in refusal(str(tmp_path / "none"))
    assert "x=" in refusal(str(folder), f"apps={tmp_path}").replace("other=", "x=")


def test_a_worker_that_cannot_start_is_told_as_it_would_be_alone(tmp_path):
    folder = model_folder(tmp_path)
    (folder / "taxonomy.json").write_text("{}", encoding="utf-8")
    alone, group = refusal(str(folder), "--port", "0"), refusal(str(folder), "--port", "0", "--workers", "2")
    assert alone == group
    assert "taxonomy.json" in alone


@pytest.mark.parametrize("package", ["fastapi", "prometheus_client"])
def test_without_the_extra_it_says_what_to_install(folder, package, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules[{package!r}] = None\n", encoding="utf-8")
    told = refusal(str(folder), PYTHONPATH=f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    assert 'pip install "textaxa[serve]"' in told


def test_a_model_that_only_pytorch_computes_is_told_what_it_lacks(tmp_path):
    config = {"format": "textaxa-model", "format_version": 1, "task": "single", "head": {"name": "chained"}}
    folder = tmp_path / "neural"
    folder.mkdir()
    whole = config | {name: {} for name in ("encoder", "training", "summary", "files")}
    (folder / "config.json").write_text(json.dumps(whole), encoding="utf-8")
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['torch'] = None\n", encoding="utf-8")
    told = refusal(str(folder), PYTHONPATH=f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    assert "has not been exported" in told
    assert f"textaxa export {folder}" in told


def test_short_keys_and_an_empty_file_of_keys_are_refused(folder, tmp_path):
    (tmp_path / "keys.txt").write_text("# nobody yet\n", encoding="utf-8")
    assert "has no key" in refusal(str(folder), "--keys-file", str(tmp_path / "keys.txt"))
    assert "can be guessed" in refusal(str(folder), TEXTAXA_KEYS="short")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"host": ALL}, "without API keys"),
        ({"host": ALL, "keys": (KEY,), "edit": True}, "change the taxonomy"),
        ({"log_texts": True}, "--log-texts"),
        ({"host": ALL, "keys": (KEY,)}, ""),
        ({"edit": True}, ""),
    ],
)
def test_it_warns_where_others_could_use_it(settings, says, capsys):
    warn_of(ServerSettings(**settings))
    told = capsys.readouterr().err
    assert says in told
    assert bool(told) == bool(says)


def test_it_listens_everywhere_with_keys_of_the_environment(folder):
    environment = {**os.environ, "TEXTAXA_KEYS": KEY}
    with process(str(folder), "--host", ALL, environment=environment) as running:
        assert "without API keys" not in "".join(running.told)
        assert running.ask("/v1/models")[0] == 401
        assert running.ask("/v1/models", headers={"X-API-Key": KEY})[0] == 200


def test_it_needs_no_pytorch(folder):
    script = (
        "import sys; sys.modules.update(dict.fromkeys(['torch', 'transformers', 'pandas', 'sklearn']));"
        "import textaxa.server._workers, textaxa.server._run, textaxa.jobs.serve; print('fine')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "fine\n"


def test_names_of_models(tmp_path):
    (tmp_path / "a=b").mkdir()
    assert named([str(tmp_path / "a=b"), "x=y"]) == {"a=b": tmp_path / "a=b", "x": Path("y")}
    with pytest.raises(ConfigError, match="Two models have the name 'm'"):
        named(["a/m", "b/m"])
    with pytest.raises(ConfigError, match="NAME=FOLDER"):
        named(["=folder"])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"port": 70_000}, "65535"),
        ({"workers": 0}, "workers is 0"),
        ({"timeout": 0.0}, "timeout is 0"),
        ({"timeout": float("nan")}, "timeout is nan"),
        ({"threads": 0}, "threads is 0"),
        ({"keys": ("short",)}, "can be guessed"),
        ({"keys": ("a key with blanks in it",)}, "no HTTP header"),
        ({"cors_origins": ("*", "https://example.org")}, "stands for all"),
        ({"edit": True, "workers": 2}, "one worker"),
    ],
)
def test_settings_that_no_service_could_work_with(given, says):
    with pytest.raises(ConfigError, match=says):
        ServerSettings(**given)


def test_keys_come_from_the_environment_and_a_file(tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"# of the shop\n{KEY}\n\n{KEY}\n", encoding="utf-8")
    assert keys_of({"TEXTAXA_KEYS": f" {TOKEN} ,"}, file) == (TOKEN, KEY)
    assert keys_of({}) == ()
    with pytest.raises(ConfigError, match="cannot be read"):
        keys_of({}, tmp_path / "none")
