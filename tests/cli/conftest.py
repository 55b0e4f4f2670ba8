"""A table of toy apps, and tiny models trained on it by the job itself, shared by the tests of the command line."""

import csv
import json
from pathlib import Path

import pytest
from tiny_encoder import make_tiny_encoder
from typer.testing import CliRunner

from textaxa.cli import app

KINDS = {
    ("Games", "Sports"): "play football match in the club",
    ("Games", "Cards"): "play card strategy game app",
    ("Media", "Music"): "music for the app and edit",
    ("Media",): "photo and video edit app",
    ("Money",): "bank money note build",
}
FAST = ["--set", "encoder.max_length=48", "--epochs", "2", "--set", "training.device=cpu", "--quiet"]


def app_rows(n: int = 60) -> list[dict[str, str]]:
    """Give toy apps: id, text, category, subcategory (empty where the label ends above)."""
    rows = []
    for i in range(n):
        path, words = list(KINDS.items())[i % len(KINDS)]
        rows.append(
            {
                "id": f"app-{i}",
                "text": f"{words} {i}",
                "category": path[0],
                "subcategory": path[1] if len(path) > 1 else "",
            }
        )
    return rows


def write_csv(file: Path, rows: list[dict[str, str]]) -> Path:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def write_jsonl(file: Path, rows: list[dict]) -> Path:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file


@pytest.fixture
def run():
    """Call the command line in this process; give the result with stdout and stderr apart."""
    return lambda *args, input=None: CliRunner().invoke(app, [str(arg) for arg in args], input=input)


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
