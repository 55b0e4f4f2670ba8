"""Corrections are kept: by several processes at once, through kill -9, torn lines, and whatever people type."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from textaxa.errors import ConfigError, DataError
from textaxa.feedback import Correction, open_feedback, read_feedback

ENDINGS = [".jsonl", ".db"]
HOSTILE = [
    '"; DROP TABLE corrections; --',
    "<img src=x onerror=alert(1)>",
    "two\nlines\r\nand \x00 \x1b[31m a tab\t",
    "\u202eright to left\u2028and a line separator\x85",
    "Ärzte 😀 日本語 ئەلى",
    "' \" \\ \\n {} %s",
]

APPEND = """
import sys
from textaxa.feedback import Correction, open_feedback
store = open_feedback(sys.argv[1])
for i in range(int(sys.argv[3])):
    store.append(Correction("text " + "x" * 2000, (("Games",),), by=sys.argv[2], comment=str(i)))
    print(i, flush=True)
"""


@pytest.fixture(params=ENDINGS)
def store(request, tmp_path):
    return open_feedback(tmp_path / f"corrections{request.param}")


def _start(store, by: str, count: int) -> subprocess.Popen:
    command = [sys.executable, "-c", APPEND, str(store.file), by, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_what_is_kept_comes_back_newest_first(store):
    assert store.last(5) == []
    assert list(store) == []
    kept = [Correction(f"text {i}", (("Games", "Cards"), ("Tools",)), ("Games",), 0.25 * i) for i in range(4)]
    for one in kept:
        store.append(one)
    assert list(store) == kept
    assert store.last(2) == kept[:1:-1]
    assert store.last(100) == kept[::-1]
    assert store.damaged == 0


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_people_type_comes_back_as_it_was(store, text):
    one = Correction(text, ((text, "child"),), (text,), by=text, comment=text, model=text)
    store.append(one)
    store.append(Correction("the next", (("Games",),)))
    assert next(iter(store)) == one
    assert store.last(2)[1] == one


def test_huge_texts_come_back_and_are_read_from_the_end(store):
    texts = ["😀" * 100_000, "short", "\x01" * 300_000]
    for text in texts:
        store.append(Correction(text, (("Games",),)))
    assert [one.text for one in store.last(3)] == texts[::-1]


def test_half_of_a_pair_is_kept_in_some_form_and_hurts_nobody(store):
    store.append(Correction("broken \ud800", (("Games",),)))
    store.append(Correction("whole", (("Games",),)))
    assert [one.text for one in store] == ["broken ?", "whole"]


def test_two_processes_lose_and_tear_nothing(store):
    running = [_start(store, name, 40) for name in ("one", "two")]
    for process in running:
        process.communicate(timeout=60)
        assert process.returncode == 0
    found = list(store)
    assert store.damaged == 0
    assert len({one.id for one in found}) == 80
    for name in ("one", "two"):
        assert [one.comment for one in found if one.by == name] == [str(i) for i in range(40)]


def test_what_was_confirmed_survives_kill_9(store):
    process = _start(store, "killed", 100_000)
    confirmed = [process.stdout.readline() for _ in range(20)]
    time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    confirmed += process.communicate(timeout=60)[0].splitlines()
    whole = len([line for line in confirmed if line.strip().isdigit()])
    store.append(Correction("after the crash", (("Games",),)))
    found = list(store)
    assert [one.comment for one in found[:whole]] == [str(i) for i in range(whole)]
    assert found[-1].text == "after the crash"
    assert store.last(1) == found[-1:]


@pytest.mark.parametrize("cut", [1, 2, 20, 60])
def test_a_torn_last_line_costs_no_other(tmp_path, cut):
    store = open_feedback(tmp_path / "corrections.jsonl")
    for i in range(3):
        store.append(Correction(f"text {i} ü", (("Games",),)))
    store.file.write_bytes(store.file.read_bytes()[:-cut])
    whole = 3 if cut == 1 else 2  # without its line feed the last line is still whole
    assert len(list(store)) == whole
    assert store.damaged == 3 - whole
    store.append(Correction("the next", (("Games",),)))
    assert [one.text for one in store][-1] == "the next"
    assert len(list(store)) == whole + 1
    assert len(store.last(10)) == whole + 1
    assert store.damaged == 3 - whole


def test_lines_of_others_are_counted_and_passed_over(tmp_path):
    file = tmp_path / "corrections.jsonl"
    wrong = [
        '{"text": 5}',
        "[]",
        "null",
        "{",
        '{"text": "a", "paths": [[]]}',
        '{"text": "a", "paths": "Games"}',
        "[" * 9999,
    ]
    wrong += ['{"text": "a", "paths": [["B"]], "probability": 7}', '{"text": "a", "paths": [["B"]], "by": [1]}', "\xff"]
    wrong += ['{"text": " ", "paths": [["B"]]}']
    good = '{"text": "by hand", "path": ["Games"]}'
    file.write_bytes("\n".join([*wrong, "", good]).encode("latin-1"))
    found, damaged = read_feedback([file])
    assert [(one.text, one.paths) for one in found] == [("by hand", (("Games",),))]
    assert damaged == len(wrong)


def test_many_lines_are_read_from_the_end_across_blocks(tmp_path):
    store = open_feedback(tmp_path / "corrections.jsonl")
    lines = [
        json.dumps({"text": f"{i} " + "ü" * (i * 37 % 900), "paths": [["G"]]}, ensure_ascii=False) for i in range(900)
    ]
    store.file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert [int(one.text.split()[0]) for one in store.last(800)] == list(range(899, 99, -1))


def test_a_full_disk_is_told(tmp_path, monkeypatch):
    store = open_feedback(tmp_path / "corrections.jsonl")
    monkeypatch.setattr(os, "write", lambda handle, line: len(line) // 2)
    with pytest.raises(DataError, match="disk is full"):
        store.append(Correction("text", (("Games",),)))


def test_a_file_that_is_no_database_is_told(tmp_path):
    file = tmp_path / "corrections.db"
    file.write_text("this is no database, but it is long enough to be looked at\n" * 20)
    with pytest.raises(DataError, match="not a database"):
        open_feedback(file).append(Correction("text", (("Games",),)))
    with pytest.raises(DataError, match="cannot be read"):
        list(open_feedback(file))
    other = tmp_path / "other.db"
    sqlite3.connect(other).execute("CREATE TABLE cats (name)").connection.close()
    assert list(open_feedback(other)) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [("a.csv", "ending"), ("a", "ending"), ("missing/a.jsonl", "is not there"), ("folder.db", "it is a folder")],
)
def test_places_that_cannot_be_are_refused_before_anything_is_lost(tmp_path, name, message):
    (tmp_path / "folder.db").mkdir()
    with pytest.raises(ConfigError, match=message):
        open_feedback(tmp_path / name)


def test_a_missing_file_is_told_by_who_reads_it(tmp_path):
    with pytest.raises(ConfigError, match="no file of corrections"):
        read_feedback([Path(tmp_path / "none.jsonl")])


def test_half_of_a_pair_from_another_hand_is_replaced(tmp_path):
    file = tmp_path / "corrections.jsonl"
    file.write_text('{"text": "a \\ud800", "path": ["B \\udfff"]}\n')
    (one,) = open_feedback(file)
    assert (one.text, one.paths) == ("a ?", (("B ?",),))
