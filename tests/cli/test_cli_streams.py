"""Standard streams of every kind: closed, full, without Unicode, and read by somebody who has gone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from toy_apps import write_csv

TEXTAXA = [sys.executable, "-c", "from textaxa.cli import main; main()"]


def shell(redirected, *args, **env):
    """Run the command line by a shell, with its streams redirected."""
    command = ["sh", "-c", f'"$@" {redirected}', "sh", *TEXTAXA, *map(str, args)]
    return subprocess.run(
        command, capture_output=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1", **env}, timeout=300
    )


@pytest.fixture
def foreign(model, tmp_path):
    """A model's folder, and a table, whose names few encodings have."""
    folder = tmp_path / "文é😀"
    folder.symlink_to(model, target_is_directory=True)
    rows = [{"text": f"play match number {i}", "category": ("文é😀", "Games")[i % 2]} for i in range(40)]
    return folder, write_csv(tmp_path / "表.csv", rows)


@pytest.mark.parametrize("args", [("info",), ("info", "--json")])
def test_results_that_nobody_can_read_are_an_error(model, args):
    done = shell(">&-", args[0], model, *args[1:])
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full here")
def test_a_full_disk_is_an_error_however_short_the_result(model):
    done = shell(">/dev/full", "info", model, "--json")
    assert (done.returncode, b"No space left" in done.stderr, b"ignored" in done.stderr) == (2, True, False)


def test_a_file_is_written_though_all_streams_are_closed(model, apps, tmp_path):
    out = tmp_path / "out.csv"
    done = shell("<&- >&- 2>&-", "predict", model, apps, "-o", out)
    assert done.returncode == 0
    assert len(out.read_text().splitlines()) == 61


def test_a_closed_stdin_is_told(model):
    done = shell("<&-", "predict", model, "-")
    assert (done.returncode, b"Standard input is closed" in done.stderr) == (2, True)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_an_encoding_without_the_characters_stops_nothing(foreign, encoding):
    folder, table = foreign
    for args in (("info", folder), ("check", table, "--labels", "category"), ("init", table, "-o", "-"), ("--help",)):
        done = shell("", *args, PYTHONIOENCODING=encoding)
        assert (done.returncode, done.stderr) == (0, b""), args
    told = json.loads(shell("", "check", table, "--labels", "category", "--json", PYTHONIOENCODING=encoding).stdout)
    assert "表.csv" in json.dumps(told, ensure_ascii=False)


def test_files_and_pipes_get_utf8_whatever_the_locale(foreign):
    table = foreign[1].rename(foreign[1].with_name("table.csv"))
    plain = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    assert "文é😀" in shell("", "init", table, "-o", "-", **plain).stdout.decode("utf-8")


def test_a_reader_of_a_table_that_goes_away_ends_quietly(model):
    process = subprocess.Popen(
        [*TEXTAXA, "info", str(model)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ}
    )
    process.stdout.close()
    told = process.stderr.read()
    process.stderr.close()
    assert (process.wait(timeout=120), told) == (141, b"")
