"""Prediction that is killed, interrupted or short of disk: it goes on, and ends at the bytes of an undisturbed run."""

import json
import os
import signal
import warnings
from pathlib import Path

import pytest
from predicted_apps import linear_model, write_table

from textaxa.data import iterate_rows
from textaxa.data._piecewise import PieceWriter
from textaxa.data._sinks import DelimitedSink
from textaxa.decisions import Choice
from textaxa.errors import ConfigError, DataError
from textaxa.jobs import _partial
from textaxa.jobs import predict as job
from textaxa.jobs._interrupted import held
from textaxa.jobs._listener import Interrupted
from textaxa.jobs._partial import PartialOutput

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked and killed here")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return linear_model(tmp_path_factory.mktemp("linear") / "model")


@pytest.fixture
def table(tmp_path):
    return write_table(tmp_path / "in.csv")


@pytest.fixture(autouse=True)
def small_blocks_saved_at_once(monkeypatch):
    monkeypatch.setattr(job, "BLOCK", 7)
    monkeypatch.setattr(_partial, "SAVE_SECONDS", 0.0)


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def killed(call):
    """Run something in a process that must be killed by itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside the threads of BLAS
        child = os.fork()
    if not child:
        try:
            call()
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def resumed_rows():
    """Give a listener, and the list of where runs went on."""
    heard = []
    return lambda event: heard.append(event["rows"]) if event["event"] == "resumed" else None, heard


def content(file: Path):
    if file.suffix in (".csv", ".tsv", ".jsonl"):
        return file.read_bytes()
    with iterate_rows(file) as rows:
        return list(rows)


def at_row(rows):
    return lambda event: die() if event["event"] == "rows" and event["rows"] == rows else None


def half_a_block(monkeypatch):
    """Die in the middle of the third block that is written."""
    written, calls = DelimitedSink.write_ordered, []

    def write(self, rows):
        calls.append(rows)
        if len(calls) == 3:
            written(self, rows[:3])
            self._text.flush()
            die()
        written(self, rows)

    monkeypatch.setattr(DelimitedSink, "write_ordered", write)


def between_rows_and_journal(monkeypatch):
    """Die when the rows of the third save are on the disk, and the journal is not."""
    writes, calls = PartialOutput._write_journal, []

    def write(self, journal):
        calls.append(journal)
        if len(calls) == 4:
            die()
        writes(self, journal)

    monkeypatch.setattr(PartialOutput, "_write_journal", write)


def before_the_end(monkeypatch):
    monkeypatch.setattr(PieceWriter, "whole", die)


@pytest.mark.parametrize("name", ["out.csv", "out.tsv", "out.jsonl", "out.csv.gz", "out.parquet"])
@pytest.mark.parametrize("rows", [7, 35, 60])
def test_killed_after_a_block_it_goes_on_there(model, table, tmp_path, name, rows):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    out, whole = tmp_path / name, tmp_path / f"whole-{name}"
    job.predict(model, table, whole)
    killed(lambda: job.predict(model, table, out, listener=at_row(rows)))
    assert not out.exists(), "the target appears when it is whole"
    listener, heard = resumed_rows()
    result = job.predict(model, table, out, listener=listener)
    assert heard == [rows]
    assert (result.rows, result.resumed_at, result.blank) == (60, rows, 4)
    assert content(out) == content(whole)
    assert not (tmp_path / f"{name}.partial").exists()


@pytest.mark.parametrize(("point", "rows"), [(half_a_block, 14), (between_rows_and_journal, 14), (before_the_end, 60)])
def test_killed_anywhere_no_row_is_lost_or_doubled(model, table, tmp_path, monkeypatch, point, rows):
    whole = job.predict(model, table, tmp_path / "whole.csv")
    with monkeypatch.context() as patched:
        point(patched)
        killed(lambda: job.predict(model, table, tmp_path / "out.csv"))
    listener, heard = resumed_rows()
    result = job.predict(model, table, tmp_path / "out.csv", listener=listener)
    assert heard == [rows]
    assert content(tmp_path / "out.csv") == content(tmp_path / "whole.csv")
    assert (result.blank_rows, result.depths, result.stopped) == (whole.blank_rows, whole.depths, whole.stopped)


def test_killed_again_and_again_it_gets_there(model, table, tmp_path):
    job.predict(model, table, tmp_path / "whole.csv")
    for rows in (14, 21, 49):
        killed(lambda rows=rows: job.predict(model, table, tmp_path / "out.csv", listener=at_row(rows)))
    job.predict(model, table, tmp_path / "out.csv")
    assert content(tmp_path / "out.csv") == content(tmp_path / "whole.csv")


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(model, table, tmp_path):
    def stop(event):
        if event["event"] == "rows" and event["rows"] == 21:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match=r"21 rows, which are kept in .*out\.csv\.partial.*same command again"):
        job.predict(model, table, tmp_path / "out.csv", listener=stop)
    job.predict(model, table, tmp_path / "whole.csv")
    assert job.predict(model, table, tmp_path / "out.csv").resumed_at == 21
    assert content(tmp_path / "out.csv") == content(tmp_path / "whole.csv")


def test_a_full_disk_keeps_what_was_saved(model, table, tmp_path, monkeypatch):
    written, calls = DelimitedSink.write_ordered, []

    def write(self, rows):
        calls.append(rows)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        written(self, rows)

    with monkeypatch.context() as patched:
        patched.setattr(DelimitedSink, "write_ordered", write)
        with pytest.raises(DataError, match=r"the disk is full.*saved are in .*out\.csv\.partial"):
            job.predict(model, table, tmp_path / "out.csv")
    job.predict(model, table, tmp_path / "whole.csv")
    assert job.predict(model, table, tmp_path / "out.csv").resumed_at == 14
    assert content(tmp_path / "out.csv") == content(tmp_path / "whole.csv")


def changed_input(table, model):
    with table.open("a") as file:
        file.write("60,football,new\n")
    return {}


def changed_model(table, model):
    config = json.loads((model / "config.json").read_text())
    (model / "config.json").write_text(json.dumps(config | {"summary": {**config["summary"], "rows": 1}}))
    return {}


def changed_options(table, model):
    return {"choice": Choice(top=2)}


@pytest.mark.parametrize(
    ("change", "told"),
    [(changed_input, "the input"), (changed_model, "the model"), (changed_options, "the options of answers")],
)
def test_what_does_not_fit_is_refused_and_can_be_given_up(tmp_path, table, change, told):
    model, out = linear_model(tmp_path / "model"), tmp_path / "out.csv"
    killed(lambda: job.predict(model, table, out, listener=at_row(14)))
    more = change(table, model)
    with pytest.raises(ConfigError, match=rf"14 answered rows.*{told}.*--restart"):
        job.predict(model, table, out, **more)
    assert (tmp_path / "out.csv.partial" / "journal.json").exists(), "hours of work are not thrown away unasked"
    assert job.predict(model, table, out, restart=True, **more).resumed_at == 0
    job.predict(model, table, tmp_path / "whole.csv", **more)
    assert content(out) == content(tmp_path / "whole.csv")


def test_overwrite_goes_on_where_it_fits_and_gives_up_what_does_not(model, table, tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("old")
    killed(lambda: job.predict(model, table, out, overwrite=True, listener=at_row(14)))
    assert out.read_text() == "old"
    assert job.predict(model, table, out, overwrite=True).resumed_at == 14
    killed(lambda: job.predict(model, table, out, overwrite=True, listener=at_row(14)))
    assert job.predict(model, table, out, overwrite=True, choice=Choice(top=2)).resumed_at == 0


def test_a_second_process_on_one_output_is_refused(model, table, tmp_path):
    with (
        held(tmp_path / "out.csv.partial", doing="writing"),
        pytest.raises(ConfigError, match=r"Another process is writing in .*out\.csv\.partial"),
    ):
        job.predict(model, table, tmp_path / "out.csv")


@pytest.mark.parametrize("journal", ["", "{}", '{"format": 99}', '{"format": 1, "identity": 5, "rows": "x"}'])
def test_a_damaged_journal_is_told(model, table, tmp_path, journal):
    killed(lambda: job.predict(model, table, tmp_path / "out.csv", listener=at_row(14)))
    (tmp_path / "out.csv.partial" / "journal.json").write_text(journal)
    with pytest.raises(ConfigError, match="--restart"):
        job.predict(model, table, tmp_path / "out.csv")
    assert job.predict(model, table, tmp_path / "out.csv", restart=True).rows == 60


def test_rows_that_were_lost_are_told(model, table, tmp_path):
    killed(lambda: job.predict(model, table, tmp_path / "out.csv", listener=at_row(14)))
    os.truncate(tmp_path / "out.csv.partial" / "rows", 10)
    with pytest.raises(ConfigError, match=r"has lost rows.*--restart"):
        job.predict(model, table, tmp_path / "out.csv")


def test_a_folder_of_the_users_own_is_left_alone(model, table, tmp_path):
    mine = tmp_path / "out.csv.partial"
    mine.mkdir()
    (mine / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not made by textaxa"):
        job.predict(model, table, tmp_path / "out.csv", restart=True, overwrite=True)
    assert (mine / "thesis.txt").read_text() == "mine"


def test_a_table_in_memory_leaves_nothing_behind(model, tmp_path):
    def stop(event):
        raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="was not written"):
        job.predict(model, [{"text": "football"}], tmp_path / "out.csv", listener=stop)
    assert list(tmp_path.iterdir()) == []
