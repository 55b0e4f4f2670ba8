"""A table of toy apps, and tiny models trained on it by the job itself, shared by the tests of the command line."""

import os
import subprocess
from pathlib import Path

import pytest
from tiny_encoder import make_tiny_encoder
from toy_apps import FAST, TEXTAXA, app_rows, write_csv, write_jsonl
from typer.testing import CliRunner

from textaxa.cli import app


@pytest.fixture
def run():
    """Call the command line in this process; give the result with stdout and stderr apart."""
    return lambda *args, input=None: CliRunner().invoke(app, [str(arg) for arg in args], input=input)


@pytest.fixture
def start():
    """Start the command line as a process of its own; what a test leaves running is ended."""
    started = []

    def begin(*args):
        process = subprocess.Popen(
            [*TEXTAXA, *map(str, args)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        for stream in (process.stdin, process.stdout, process.stderr):
            stream.close()
        process.wait()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory) -> Path:
    return make_tiny_encoder(tmp_path_factory.mktemp("encoder") / "tiny")


@pytest.fixture(scope="session")
def apps(tmp_path_factory) -> Path:
    return write_csv(tmp_path_factory.mktemp("tables") / "apps.csv", app_rows())


@pytest.fixture(scope="session")
def model(tmp_path_factory, tiny, apps) -> Path:
    """A model of one path a text. Tests must not change it."""
    out = tmp_path_factory.mktemp("models") / "single"
    options = ["--text", "text", "--labels", "category,subcategory", "--encoder", str(tiny), "--out", str(out), *FAST]
    done = CliRunner().invoke(app, ["train", str(apps), *options])
    assert done.exit_code == 0, done.stderr
    return out


@pytest.fixture(scope="session")
def several(tmp_path_factory, tiny) -> Path:
    """A model of several paths a text. Tests must not change it."""
    folder = tmp_path_factory.mktemp("several")
    rows = [
        {"text": row["text"], "tags": ["Games > Sports", "Media"] if i % 2 else ["Money"]}
        for i, row in enumerate(app_rows())
    ]
    table = write_jsonl(folder / "docs.jsonl", rows)
    options = ["--text", "text", "--paths", "tags", "--encoder", str(tiny), "--out", str(folder / "model"), *FAST]
    done = CliRunner().invoke(app, ["train", str(table), *options])
    assert done.exit_code == 0, done.stderr
    return folder / "model"
