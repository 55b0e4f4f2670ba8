"""Two processes and one output: one leads, whatever becomes of the other; nothing of the first is touched."""

import json
import os
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack

import pytest
from distributed.parts import alone, linear_model, read, tables

from textaxa.decisions import Choice
from textaxa.distributed import _claim, predict_parts
from textaxa.distributed._claim import Lease, claimed
from textaxa.distributed._storage import Storage
from textaxa.errors import ConfigError

fsspec = pytest.importorskip("fsspec", reason="the extra remote is not installed")

NAME = "_textaxa/lease.json"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return linear_model(tmp_path_factory.mktemp("claims") / "model")


@pytest.fixture
def folder(tmp_path):
    return tables(tmp_path / "in")


@pytest.fixture
def place(monkeypatch):
    """Give an output in memory, which stands for an object store; time goes two hundred times as fast there."""
    monkeypatch.setattr(_claim, "BEAT", 0.05)
    memory = fsspec.filesystem("memory")
    yield Storage("memory://claims/out")
    if memory.exists("/claims"):
        memory.rm("/claims", recursive=True)


@pytest.fixture
def heard():
    return []


def foreign(**values):
    """Give what another host's process writes into its lease."""
    return {"id": "0123", "host": "elsewhere", "pid": 7, "home": None, "beat": 3} | values


def taken(place, heard):
    """Give what was told when a lease was asked for; None where it was given."""
    lease = Lease(place, NAME, heard.append)
    try:
        lease.take()
    except ConfigError as error:
        return str(error)
    lease.give_back()
    return None


class TestOnThisMachine:
    def test_a_second_run_is_refused_and_the_first_goes_on(self, model, folder, tmp_path):
        refused = []

        def second(event):
            for options in ({}, {"choice": Choice(top=2), "overwrite": True}, {"restart": True}):
                with pytest.raises(ConfigError, match="Another process is predicting in") as error:
                    predict_parts(model, folder, tmp_path / "out", **options)
                refused.append(error)

        result = predict_parts(model, folder, tmp_path / "out", listener=second)
        assert len(refused) == 3 * result.parts
        assert read(tmp_path / "out") == alone(model, folder, tmp_path / "alone.parquet")
        assert predict_parts(model, folder, tmp_path / "out").resumed == result.parts, "afterwards it is free"

    def test_a_folder_of_somebody_else_gets_no_lock(self, model, folder, tmp_path):
        (tmp_path / "out").mkdir()
        (tmp_path / "out/thesis.txt").write_text("years of work")
        with pytest.raises(ConfigError, match="is not of a run of textaxa"):
            predict_parts(model, folder, tmp_path / "out")
        assert [file.name for file in (tmp_path / "out").iterdir()] == ["thesis.txt"]


class TestAtAnAddress:
    def test_a_second_run_is_refused_and_the_first_goes_on(self, place, model, folder, tmp_path, heard):
        def second(event):
            with pytest.raises(ConfigError, match=f"Process {os.getpid()} on {socket.gethostname()} is predicting"):
                predict_parts(model, folder, place.address, overwrite=True, choice=Choice(top=2))
            heard.append(event)

        result = predict_parts(model, folder, place.address, listener=second)
        assert len(heard) == result.parts == 3
        place.fs.get("/claims/out", str(tmp_path / "out"), recursive=True)
        assert read(tmp_path / "out") == alone(model, folder, tmp_path / "alone.parquet")
        assert not place.exists(NAME), "it is given back"

    def test_two_who_ask_at_once(self, place):
        with ExitStack() as stack:
            stack.enter_context(claimed(place, "_textaxa", print))
            assert not place.create_json(NAME, foreign())

    def test_the_lease_of_a_dead_host_is_taken_over_after_a_while(self, place, heard):
        place.write_json(NAME, foreign())
        assert taken(place, heard) is None
        assert heard == [{"event": "waiting", "for": "Process 7 on elsewhere", "seconds": pytest.approx(0.15)}]
        assert not place.exists(NAME)

    def test_one_of_a_process_that_ended_here_at_once(self, place, heard):
        if _claim._home() is None:
            pytest.skip("this system does not name its processes' home")
        with subprocess.Popen([sys.executable, "-c", ""]) as ended:
            ended.wait()
        place.write_json(NAME, foreign(pid=ended.pid, home=_claim._home(), host=socket.gethostname()))
        assert taken(place, heard) is None
        assert heard == []

    @pytest.mark.parametrize("pid", [pytest.param(os.getpid(), id="own"), 1, 0, -1, "7", None])
    def test_one_of_a_process_here_that_may_live_is_watched(self, place, heard, pid, monkeypatch):
        monkeypatch.setattr(_claim, "_home", lambda: "here")
        place.write_json(NAME, foreign(pid=pid, home="here"))
        assert taken(place, heard) is None
        assert len(heard) == 1

    def test_one_that_is_given_back_meanwhile(self, place):
        place.write_json(NAME, foreign())
        assert taken(place, _Does(lambda: place.remove(NAME))) is None

    def test_one_that_is_written_anew_is_respected(self, place):
        place.write_json(NAME, foreign())
        told = taken(place, _Does(lambda: place.write_json(NAME, foreign(beat=4))))
        assert told is not None
        assert "Process 7 on elsewhere is predicting into 'memory://claims/out'. Wait for it" in told
        assert place.read_json(NAME) == foreign(beat=4)

    def test_a_damaged_one_is_no_lock_for_ever(self, place, heard):
        with place.writing(NAME) as file:
            file.write_bytes(b'{"id": ')
        assert taken(place, heard) is None

    def test_who_loses_it_stops(self, place, model, folder):
        """A machine that was suspended wakes up, and another one has gone on with its work."""
        parts = []

        def robbed(event):
            parts.append(event["parts"])
            place.write_json(NAME, foreign())
            noticed()

        with pytest.raises(ConfigError, match="Process 7 on elsewhere took over the output"):
            predict_parts(model, folder, place.address, block_rows=1, listener=robbed)
        assert parts == [1]
        assert place.read_json(NAME) == foreign(), "the other one's stays"
        assert not place.exists("_textaxa/manifest.json")


def test_a_lease_outlives_errors_of_the_store_that_are_no_oserror(place, heard, monkeypatch):
    lease, again = Lease(place, NAME, heard.append), threading.Event()
    reads, write = [], place.write_json
    lease.take()

    def away(name):
        reads.append(name)
        if len(reads) < 3:
            raise RuntimeError("endpoint not reached")
        return type(place).read_json(place, name)

    def wrote(name, value):
        write(name, value)
        again.set()

    monkeypatch.setattr(place, "read_json", away)
    monkeypatch.setattr(place, "write_json", wrote)
    assert again.wait(20)
    lease.check()
    lease.give_back()
    assert not place.exists(NAME)


def test_names_in_a_store_may_have_empty_parts(monkeypatch):
    place = Storage("memory://in")
    found = ["/in//a.csv", "/in/b.csv", "/in//_c.csv", "/in/.d/e.csv", "/in/f.txt"]
    monkeypatch.setattr(place.fs, "isfile", lambda path: False)
    monkeypatch.setattr(place.fs, "find", lambda path: found)
    assert place.files((".csv",)) == ["/in//a.csv", "/in/b.csv"]


class _Does(list):
    """Hears that a lease is watched, and does something then."""

    def __init__(self, action):
        super().__init__()
        self._action = action

    def append(self, event):
        super().append(event)
        self._action()


def noticed():
    """Wait until the thread that keeps a lease alive has ended, because the lease is lost."""
    (thread,) = (thread for thread in threading.enumerate() if thread.name == "textaxa-lease")
    thread.join(10)
    assert not thread.is_alive()


class _Marks(Storage):
    """A store that knows checksums of its own, and must not be asked for the bytes."""

    def mark(self, name):
        return json.dumps([self.size(name), "etag"])

    def sha256(self, name):
        raise AssertionError("a store's own checksum costs nothing; reading all of it does")


def test_a_store_that_knows_checksums_is_not_read(place, model, folder, monkeypatch):
    for module in ("_predict", "_pieces"):
        monkeypatch.setattr(f"textaxa.distributed.{module}.Storage", _Marks)
    predict_parts(model, folder, place.address)
    assert predict_parts(model, folder, place.address).resumed == 3
    monkeypatch.setattr(_Marks, "mark", lambda self, name: "another")
    assert predict_parts(model, folder, place.address).resumed == 0
