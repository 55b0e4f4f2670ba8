import contextlib
import errno
import io
import json
import math
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from textaxa.data import iterate_rows, write_rows
from textaxa.errors import DataError

ROWS = [{"text": "a", "path": "Games"}, {"text": 'b, "c"\n\rd\r', "path": None}]

full_disk = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")


def _nothing_else_in(folder: Path, *names: str) -> bool:
    return sorted(path.name for path in folder.iterdir()) == sorted(names)


def test_csv_is_plain_and_quoted_only_where_it_must_be(tmp_path: Path) -> None:
    with write_rows(tmp_path / "a.csv") as writer:
        writer.write(ROWS[:1])
        writer.write(ROWS[1:])
    assert (tmp_path / "a.csv").read_bytes() == b'text,path\na,Games\n"b, ""c""\n\rd\r",\n'
    assert _nothing_else_in(tmp_path, "a.csv")


def test_lists_numbers_and_missing_values_have_a_form_in_every_format(tmp_path: Path) -> None:
    row = {
        "s": np.float32(0.5),
        "f": 0.1,
        "n": math.nan,
        "l": ["a", "é"],
        "d": {"p": np.arange(2)},
        "b": True,
        "z": None,
    }
    with write_rows(tmp_path / "a.csv") as writer:
        writer.write([row])
    with iterate_rows(tmp_path / "a.csv") as rows:
        ((_, cells),) = rows
    assert cells == {"s": "0.5", "f": "0.1", "n": "", "l": '["a", "é"]', "d": '{"p": [0, 1]}', "b": "True", "z": ""}
    with write_rows(tmp_path / "a.jsonl") as writer:
        writer.write([{key: value for key, value in row.items() if key != "n"}])
    assert json.loads((tmp_path / "a.jsonl").read_text()) == {
        "s": 0.5, "f": 0.1, "l": ["a", "é"], "d": {"p": [0, 1]}, "b": True, "z": None,
    }  # fmt: skip


def test_columns_are_written_even_without_rows(tmp_path: Path) -> None:
    for name in ("a.csv", "a.tsv", "a.parquet"):
        with write_rows(tmp_path / name, columns=("text", "path")):
            pass
        with iterate_rows(tmp_path / name) as rows:
            assert (rows.columns, list(rows)) == (("text", "path"), [])


def test_missing_keys_are_empty_cells(tmp_path: Path) -> None:
    with write_rows(tmp_path / "a.csv") as writer:
        writer.write([{"text": "a", "path": "A"}])
        writer.write([{"path": "B"}])
    assert (tmp_path / "a.csv").read_text() == "text,path\na,A\n,B\n"


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_keys_that_the_header_lacks_are_refused(tmp_path: Path, name: str) -> None:
    def work() -> None:
        with write_rows(tmp_path / name) as writer:
            writer.write([{"text": "a"}])
            writer.write([{"text": "a", "extra": 1}])

    with pytest.raises(DataError, match=r"column 'extra'.*jsonl"):
        work()
    assert _nothing_else_in(tmp_path)


def test_a_column_of_parquet_that_begins_empty_is_text(tmp_path: Path) -> None:
    with write_rows(tmp_path / "a.parquet") as writer:
        writer.write([{"text": "a", "path_2": None}] * 20_000)
        writer.write([{"text": "b", "path_2": "Games"}])
    with iterate_rows(tmp_path / "a.parquet") as rows:
        last = list(rows)[-1]
    assert last == (20_001, {"text": "b", "path_2": "Games"})


def test_a_column_of_parquet_with_several_kinds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="mixes kinds of values"), write_rows(tmp_path / "a.parquet") as writer:
        writer.write([{"x": 1}, {"x": "a"}])
    assert _nothing_else_in(tmp_path)


@pytest.mark.parametrize("value", ["x\ud83d", 10**30])
def test_what_parquet_cannot_hold_is_refused(tmp_path: Path, value: object) -> None:
    with pytest.raises(DataError, match="cannot be written as Parquet"), write_rows(tmp_path / "a.parquet") as writer:
        writer.write([{"x": value}])
    assert _nothing_else_in(tmp_path)


def test_json_lines_are_json_whatever_the_numbers(tmp_path: Path) -> None:
    row = {"a": math.nan, "b": [1.5, {"c": math.inf}], "d": np.array([math.nan, 2]), "e": np.float32("nan"), "f": "é"}
    with write_rows(tmp_path / "a.jsonl") as writer:
        writer.write([row])

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    found = json.loads((tmp_path / "a.jsonl").read_text(encoding="utf-8"), parse_constant=refuse)
    assert found == {"a": None, "b": [1.5, {"c": "inf"}], "d": [None, 2.0], "e": None, "f": "é"}


def test_half_a_surrogate_pair_is_written_escaped(tmp_path: Path) -> None:
    with write_rows(tmp_path / "a.jsonl") as writer:
        writer.write([{"text": "x\ud83d"}])
    assert json.loads((tmp_path / "a.jsonl").read_text()) == {"text": "x\ud83d"}


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.csv.gz"])
@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt])
def test_an_interrupted_writer_leaves_the_old_file(tmp_path: Path, name: str, stop: type[BaseException]) -> None:
    target = tmp_path / name
    target.write_text("old")

    def work() -> None:
        with write_rows(target, overwrite=True) as writer:
            writer.write(ROWS)
            raise stop

    with pytest.raises(stop):
        work()
    assert target.read_text() == "old"
    assert _nothing_else_in(tmp_path, name)


def test_nothing_is_at_the_target_before_the_end(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    with write_rows(target) as writer:
        writer.write(ROWS)
        assert not target.exists()
    assert target.exists()


def test_a_file_that_is_there_is_not_replaced_unasked(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    target.write_text("old")
    with pytest.raises(DataError, match=r"is there already.*--overwrite"):
        write_rows(target)
    with write_rows(target, overwrite=True) as writer:
        writer.write([{"text": "new"}])
    assert target.read_text() == "text\nnew\n"


def test_a_file_that_came_meanwhile_is_not_replaced_unasked(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"

    def work() -> None:
        with write_rows(target) as writer:
            writer.write(ROWS)
            target.write_text("another program's")

    with pytest.raises(DataError, match="is there already"):
        work()
    assert target.read_text() == "another program's"
    assert _nothing_else_in(tmp_path, "a.csv")


def test_a_table_can_be_replaced_while_it_is_read(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    target.write_text("text\na\nb\n")
    with iterate_rows(target) as rows, write_rows(target, overwrite=True) as writer:
        for _, row in rows:
            writer.write([row | {"path": "A"}])
    assert target.read_text() == "text,path\na,A\nb,A\n"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    with write_rows(tmp_path / "link.csv", overwrite=True) as writer:
        writer.write([{"text": "new"}])
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "text\nnew\n"


@pytest.mark.parametrize(
    ("name", "format", "said"),
    [
        ("nowhere/a.csv", None, "folder .*nowhere does not exist"),
        ("folder", "csv", "is a folder"),
        ("a.dat", None, "suffix '.dat'"),
        ("a", None, "has no suffix"),
        ("a.csv", "excel", "format 'excel' is not known"),
        ("a.csv/b.csv", None, "does not exist|Not a directory"),
    ],
)
def test_targets_that_cannot_be_written_are_refused_at_once(
    tmp_path: Path, name: str, format: str | None, said: str
) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match=said):
        write_rows(tmp_path / name, format=format)
    assert _nothing_else_in(tmp_path, "folder")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="a superuser may write everywhere")
def test_a_folder_without_permission_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DataError, match="may not write there"):
        write_rows(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("code", "said"), [(errno.EACCES, "may not write there"), (errno.EROFS, "can only be read"), (errno.EIO, "error")]
)
def test_what_the_system_refuses_is_told(tmp_path: Path, code: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from textaxa.data import _writers

    def refuse(*_: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(_writers.os, "open", refuse)
    with pytest.raises(DataError, match=said):
        write_rows(tmp_path / "a.csv")


@full_disk
@pytest.mark.parametrize("format", ["csv", "tsv", "jsonl", "parquet"])
@pytest.mark.parametrize("n_rows", [1, 50_000])
def test_a_full_disk_is_told(format: str, n_rows: int) -> None:
    def work() -> None:
        with write_rows("/dev/full", format=format) as writer:
            writer.write([{"text": f"{i * 7919 % 100_003}"} for i in range(n_rows)])

    with pytest.raises(DataError, match="/dev/full cannot be written: the disk is full"):
        work()


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet", "a.csv.gz"])
@pytest.mark.parametrize("room", [0, 5_000])
def test_a_disk_that_fills_up_leaves_the_old_file(
    tmp_path: Path, name: str, room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from textaxa.data import _writers

    target = tmp_path / name
    target.write_text("old")
    monkeypatch.setattr(_writers.os, "fdopen", lambda fd, mode: io.BufferedWriter(_SmallDisk(fd, room)))

    def work() -> None:
        with write_rows(target, overwrite=True) as writer:
            for start in range(0, 40_000, 1_000):
                writer.write([{"text": f"{i * 7919 % 100_003}"} for i in range(start, start + 1_000)])

    with pytest.raises(DataError, match="the disk is full"):
        work()
    assert target.read_text() == "old"
    assert _nothing_else_in(tmp_path, name)


class _SmallDisk(io.FileIO):
    def __init__(self, fd: int, room: int) -> None:
        super().__init__(fd, "wb")
        self.room = room

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.room -= len(data)
        if self.room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def test_standard_output_gets_every_batch_at_once_and_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw))
    with write_rows("-") as writer:
        writer.write([{"text": "é"}])
        assert raw.getvalue().decode() == "text\né\n"
        writer.write([{"text": "b"}])
    sys.stdout.write("after")
    sys.stdout.flush()
    assert raw.getvalue().decode() == "text\né\nb\nafter"


def test_json_lines_go_to_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw))
    with write_rows("-", format="jsonl") as writer:
        writer.write([{"text": "é"}])
    assert raw.getvalue().decode() == '{"text": "é"}\n'


def test_a_closed_pipe_is_no_fault_of_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    closed = io.TextIOWrapper(io.BufferedWriter(Closed()))
    monkeypatch.setattr(sys, "stdout", closed)

    def work() -> None:
        with write_rows("-") as writer:
            writer.write([{"text": "a"}])

    with pytest.raises(BrokenPipeError):
        work()
    with contextlib.suppress(BrokenPipeError):
        closed.close()


def test_written_files_have_the_usual_permissions(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    with write_rows(tmp_path / "a.csv") as writer:
        writer.write(ROWS)
    assert (tmp_path / "a.csv").stat().st_mode == plain.stat().st_mode
