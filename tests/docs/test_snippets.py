"""Runs every snippet of README.md and docs/*.md: a page's blocks in order, in a folder with real tables."""

import csv
import dataclasses
import doctest
import json
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest
from pages import NOT_RUN, PAGES, ROOT, Block, blocks
from served_page import ServedPage

pytest.importorskip("torch", reason="the snippets train; install the extra train")

CATEGORIES = ("Audio & Video", "Games", "Health, Travel & Lifestyle", "Security & Privacy")
ROWS_A_PATH = 12
SERVED = "services of this page"
LABELLED = ("id", "text", "category", "subcategory")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder with the tables that the pages speak of: some 200 of the packaged apps."""
    encoders = pytest.importorskip("textaxa.encoders")
    try:
        encoders.packaged_minilm()
    except ImportError:
        pytest.skip("the packaged encoder is not installed; it comes with the extra minilm")
    apps, test = _apps()
    _write(tmp_path / "apps.csv", LABELLED, apps)
    _write(tmp_path / "test.csv", LABELLED, test)
    _write(tmp_path / "new.csv", ("id", "text"), test[:20])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_every_snippet_runs(page, folder):
    names: dict = {SERVED: ServedPage()}
    try:
        for block in blocks(page):
            code = names[SERVED].pointed(block.code)
            RUNNERS[block.language](dataclasses.replace(block, code=code), page, names)
    finally:
        names.pop(SERVED).end()
    AFTERWARDS.get(page, lambda folder, names: None)(folder, names)


def _run_bash(block: Block, page: str, names: dict) -> None:
    code = "".join(line for line in block.code.splitlines(keepends=True) if line.strip() not in NOT_RUN)
    code, starts = names[SERVED].without_starts(code)
    if code.strip():
        _run_lines(code, block, page)
    for line in starts:
        names[SERVED].start(line)


def _run_lines(code: str, block: Block, page: str) -> None:
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code],  # noqa: S607
        env={**os.environ, "PATH": places},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{page}, line {block.line}: status {done.returncode}\n{done.stdout}\n{done.stderr}"


def _run_python(block: Block, page: str, names: dict) -> None:
    name = f"{page}, line {block.line}"
    if not block.code.startswith(">>>"):
        exec(compile(block.code, name, "exec"), names)  # noqa: S102 - our own pages
        return
    test = doctest.DocTestParser().get_doctest(block.code, names, name, page, block.line)
    told: list[str] = []
    result = doctest.DocTestRunner().run(test, out=told.append, clear_globs=False)
    names.update(test.globs)
    assert not result.failed, "".join(told)


def _read_json(block: Block, page: str, names: dict) -> None:
    json.loads(block.code)


RUNNERS = {
    "bash": _run_bash,
    "python": _run_python,
    "json": _read_json,
    "text": lambda block, page, names: None,  # pictures
}


def _readme(folder: Path, names: dict) -> None:
    """What the README says of the results is so."""
    assert _columns(folder / "out.csv") == ["id", "text", "path", "probability", "depth", "stopped"]
    paths = names["classifier"].predict(names["texts"])
    assert set(paths) <= set(names["classifier"].classes_)
    assert names["classifier"].predict_proba(names["texts"]).shape == (2, len(names["classifier"].classes_))
    # About a quarter of the rows are of each category: a model that has learned nothing is not right this often.
    assert sum(row["category"] == row["path"].split(" > ")[0] for row in _with_truth(folder)) >= 12


def _usage(folder: Path, names: dict) -> None:
    """What docs/usage.md says of the results is so."""
    added = ["path", "probability", "depth", "stopped"]
    further = ["path_2", "probability_2", "path_3", "probability_3"]
    assert _columns(folder / "out.csv") == ["id", "text", *added, *further]
    first = json.loads((folder / "out.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert list(first) == ["id", "text", *added, "paths"]
    assert json.loads((folder / "report.json").read_text(encoding="utf-8"))["ok"]
    assert json.loads((folder / "model.json").read_text(encoding="utf-8"))["taxonomy"]["levels"] == 2
    assert "Did you mean 'subcategory'?" in names["message"]
    config = json.loads((folder / "model" / "config.json").read_text(encoding="utf-8"))
    assert (config["head"]["feed"], config["encoder"]["frozen"]) == ("scheduled", True)
    assert not list(folder.glob("*.training"))
    compared = json.loads((folder / "compare.json").read_text(encoding="utf-8"))
    assert {one["model"] for one in compared["models"]} == {"linear", "flat", "per-level"}
    assert "<svg" in (folder / "compare.html").read_text(encoding="utf-8")
    assert set(names["frame"].index) == {"linear", "flat"}
    assert names["frame"].attrs["recommendation"]


AFTERWARDS = {"README.md": _readme, "docs/usage.md": _usage}


def test_what_is_not_run_is_there_to_be_run():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    lines = {line.strip() for page in PAGES for block in blocks(page) for line in block.code.splitlines()}
    for line in NOT_RUN:
        assert line in lines, f"{line!r} is exempted but stands in no page"
        if line.startswith("make "):
            assert re.search(rf"^{line.removeprefix('make ')}:", makefile, re.MULTILINE)
        else:
            assert re.search(r"\[(\w+)\]", line)[1] in extras


def _apps() -> tuple[list[dict], list[dict]]:
    """Give a slice of the packaged apps: rows to train on and rows to test on, a few of every path."""
    table = files("textaxa").joinpath("demo_data", "open-apps.csv").read_text(encoding="utf-8")
    seen: Counter = Counter()
    apps, test = [], []
    for row in csv.DictReader(table.splitlines()):
        key = (row["category"], row["subcategory"], row["split"] == "test")
        seen[key] += 1
        if row["category"] in CATEGORIES and seen[key] <= (3 if key[2] else ROWS_A_PATH):
            (test if key[2] else apps).append(row)
    return apps, test


def _write(file: Path, columns: tuple[str, ...], rows: list[dict]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _rows(file: Path) -> list[dict]:
    with file.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _columns(file: Path) -> list[str]:
    return list(_rows(file)[0])


def _with_truth(folder: Path) -> list[dict]:
    truth = {row["id"]: row for row in _rows(folder / "test.csv")}
    return [truth[row["id"]] | row for row in _rows(folder / "out.csv")]
