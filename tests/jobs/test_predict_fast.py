"""The fast ways of `predict` write what the slow way writes: arrays, remembered answers, whole blocks, processes."""

import json
import os
import random
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from predicted_apps import WORDS, linear_model, write_table

from textaxa.answers import Answers, MostProbable, Remembered, ResultRows
from textaxa.data import iterate_rows
from textaxa.data._sinks import DelimitedSink
from textaxa.data._stream import RowStream
from textaxa.decisions import Choice
from textaxa.decoding import top_paths
from textaxa.errors import ConfigError
from textaxa.jobs import _blocks, _prediction_run, _workers
from textaxa.jobs import predict as job
from textaxa.jobs._speed import share_of_ceiling
from textaxa.taxonomy import Taxonomy


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return linear_model(tmp_path_factory.mktemp("linear") / "model")


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    return linear_model(tmp_path_factory.mktemp("linear") / "several", task="multi")


@pytest.fixture
def table(tmp_path):
    return write_table(tmp_path / "in.csv", 100)


def slowly(monkeypatch):
    """Take every slow way: an object a text, nothing remembered, a mapping a row, a row at a time, one process."""
    monkeypatch.setattr(Answers, "__call__", lambda self, texts: self.decided(self.model.node_proba(texts)))
    monkeypatch.setattr(Remembered, "learn", lambda *_: None)
    made = RowStream.__init__

    def without_records(self, *args, records=None, **kwargs):
        made(self, *args, **kwargs)

    monkeypatch.setattr(RowStream, "__init__", without_records)


@pytest.mark.parametrize("name", ["out.csv", "out.tsv", "out.jsonl", "out.parquet"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"choice": Choice(top=3)},
        {"choice": Choice(top=99)},
        {"choice": Choice(decoder="most-probable")},
        {"choice": Choice(decoder="hf-beta")},
        {"text": ["note", "text"]},
        {"template": "{note}: {text}"},
        {"separator": "/"},
    ],
    ids=["plain", "top 3", "all", "named", "other decoder", "two columns", "template", "separator"],
)
def test_the_fast_way_writes_the_same_bytes(model, table, tmp_path, monkeypatch, name, options):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    monkeypatch.setattr(job, "BLOCK", 16)
    fast = job.predict(model, table, tmp_path / name, **options)
    with monkeypatch.context() as patched:
        slowly(patched)
        slow = job.predict(model, table, tmp_path / f"slow-{name}", **options)
    assert (tmp_path / name).read_bytes() == (tmp_path / f"slow-{name}").read_bytes()
    assert (fast.depths, fast.stopped, fast.blank_rows) == (slow.depths, slow.stopped, slow.blank_rows)


def test_several_paths_a_text_too(several, table, tmp_path, monkeypatch):
    job.predict(several, table, tmp_path / "fast.csv")
    with monkeypatch.context() as patched:
        slowly(patched)
        job.predict(several, table, tmp_path / "slow.csv")
    assert (tmp_path / "fast.csv").read_bytes() == (tmp_path / "slow.csv").read_bytes()


@pytest.mark.parametrize("cell", ["a\rb", "\r\n", 'x"y', "a,b", "a\nb", " ", "", "\ufeff", "ü"])
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_a_block_of_cells_is_written_as_single_rows_are(tmp_path, cell, delimiter):
    rows = [["1", cell, 0.25, None], ["2", "plain", 1e-6, 3]]
    written = []
    for way in ("write", "write_ordered"):
        file = tmp_path / way
        with file.open("wb") as stream:
            sink = DelimitedSink(stream, ("a", "b", "c", "d"), "t", delimiter=delimiter)
            getattr(sink, way)([dict(zip("abcd", row, strict=True)) for row in rows] if way == "write" else rows)
            sink.finish()
        written.append(file.read_bytes())
    assert written[0] == written[1]


@pytest.mark.parametrize(("top", "nested"), [(1, False), (1, True), (3, False), (4, True)])
def test_arrays_give_what_predictions_give(top, nested):
    rng = np.random.default_rng(5)
    taxonomy = Taxonomy.from_paths(WORDS)
    rows = ResultRows((), several=False, top=top, nested=nested, separator=" > ", paths_separator=";")
    proba = rng.random((50, len(taxonomy))).astype(np.float32)
    proba[::7] = 0.5  # equal ones
    slow = [rows.cells(found) for found in top_paths(taxonomy, proba, top)]
    assert MostProbable(taxonomy, rows)(proba) == slow


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are forked on Linux only")
@pytest.mark.parametrize("size", [1, 7])
def test_processes_keep_the_order_and_the_bytes(model, tmp_path, monkeypatch, size):
    monkeypatch.setattr(job, "BLOCK", size)
    table = write_table(tmp_path / "in.csv", 100)
    alone = job.predict(model, table, tmp_path / "alone.csv", processes=1)
    monkeypatch.setattr(_prediction_run, "WORTH_SECONDS", -1.0)
    helped = job.predict(model, table, tmp_path / "helped.csv", processes=2)
    assert (alone.processes, helped.processes) == (1, 2)
    assert (tmp_path / "alone.csv").read_bytes() == (tmp_path / "helped.csv").read_bytes()
    assert alone.depths == helped.depths


def test_a_small_table_starts_no_process(model, table, tmp_path, monkeypatch):
    monkeypatch.setattr(_workers, "_Pool", lambda *_: pytest.fail("a process was started"))
    assert job.predict(model, table, tmp_path / "out.csv", processes=8).processes == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are forked on Linux only")
@pytest.mark.parametrize(("fails", "told"), [(True, "it is broken"), (False, "--processes 1")])
def test_a_process_that_fails_or_is_killed_is_told(model, table, tmp_path, monkeypatch, fails, told):
    here, answered = os.getpid(), _workers._counted

    def answer(answers, texts):
        if os.getpid() == here:
            return answered(answers, texts)
        if fails:
            raise ConfigError("it is broken")
        os._exit(1)

    monkeypatch.setattr(job, "BLOCK", 7)
    monkeypatch.setattr(_prediction_run, "WORTH_SECONDS", -1.0)
    monkeypatch.setattr(_workers, "_counted", answer)
    with pytest.raises(ConfigError, match=told):
        job.predict(model, table, tmp_path / "out.csv", processes=2)
    assert not (tmp_path / "out.csv").exists()


def test_an_equal_text_is_asked_once(model, tmp_path, monkeypatch):
    from textaxa import load_model

    asked, loaded = [], load_model(model)
    given = loaded.node_proba
    monkeypatch.setattr(loaded, "node_proba", lambda texts: asked.extend(texts) or given(texts))
    monkeypatch.setattr(job, "BLOCK", 10)
    rows = [{"text": f"football {i % 4}"} for i in range(100)]
    assert job.predict(loaded, rows, tmp_path / "out.csv").rows == 100
    assert sorted(asked) == [f"football {i}" for i in range(4)]


def test_what_is_remembered_is_bounded_and_right():
    known, rng, seen = Remembered(characters=5_000), random.Random(1), {}  # noqa: S311
    for _ in range(300):
        texts = list(dict.fromkeys(str(rng.randrange(60)) for _ in range(9)))
        found = known.look_up(texts)
        assert list(found) == texts
        assert all(cells is None or cells == seen[text] for text, cells in found.items())
        fresh = [text for text, cells in found.items() if cells is None]
        seen |= {text: (text,) for text in fresh}
        known.learn(fresh, [(text,) for text in fresh])
        assert len(known._young) + len(known._old) <= 60
    assert len(seen) == 60


def test_blocks_end_where_a_pipe_falls_silent():
    stream = SimpleNamespace(at_hand=True)
    rows = iter([(1, "a"), (2, "b"), (3, "c")])
    assert [len(block) for block in _blocks._some(rows, stream, 2)] == [2, 1]
    stream.at_hand = False
    assert [len(block) for block in _blocks._some(iter([(1, "a"), (2, "b")]), stream, 2)] == [1, 1]


class Searching:
    """A model of a very wide taxonomy: it has no probability of every node."""

    searches = True
    task = "single"
    taxonomy = Taxonomy.from_paths(WORDS)
    summary = SimpleNamespace(get=lambda name: None)
    settings = SimpleNamespace(head="wide")
    thresholds = None

    def decider(self, choice):
        def decide(texts):
            proba = np.tile(np.linspace(0.1, 0.9, len(self.taxonomy)), (len(texts), 1))
            return top_paths(self.taxonomy, proba, choice.top)

        decide.promise = None
        return decide


@pytest.fixture
def searching(monkeypatch):
    monkeypatch.setattr(job, "computed_by", lambda model: "NumPy")
    return Searching()


def test_a_model_that_searches_is_asked_for_paths(searching, tmp_path):
    job.predict(searching, [{"text": "a"}, {"text": ""}], tmp_path / "out.jsonl", choice=Choice(top=2))
    with iterate_rows(tmp_path / "out.jsonl") as rows:
        first, second = (row for _, row in rows)
    assert len(first["paths"]) == 2
    assert first["path"] == first["paths"][0]["path"]
    assert second["stopped"] == "no text"


def test_what_a_search_cannot_give_is_refused(searching, tmp_path):
    with pytest.raises(ConfigError, match="--set-coverage needs the probability of every node"):
        job.predict(searching, [{"text": "a"}], tmp_path / "out.csv", set_coverage=0.9)


def test_no_process_is_refused(model, table, tmp_path):
    with pytest.raises(ConfigError, match="processes = 0"):
        job.predict(model, table, tmp_path / "out.csv", processes=0)


def test_the_share_of_the_ceiling_is_that_of_a_matrix_product():
    from textaxa.jobs._speed import matrix_rate

    assert share_of_ceiling(2 * matrix_rate(), 2.0) == pytest.approx(1.0, rel=0.9)
    assert share_of_ceiling(0.0, 2.0) is None


def test_the_result_of_a_run_can_be_json(model, table, tmp_path):
    from typer.testing import CliRunner

    from textaxa.cli import app

    out = tmp_path / "out.csv"
    done = CliRunner().invoke(app, ["predict", str(model), str(table), "--text", "text", "-o", str(out), "--json"])
    told = json.loads(done.stdout)
    assert (told["rows"], told["blank"], told["resumed_at"], told["processes"]) == (100, 6, 0, 1)
    assert sum(told["depths"].values()) == 94
    assert told["texts_per_second"] > 0
    assert "texts/s" in done.stderr
    assert "at depth 1" in done.stderr
    refused = CliRunner().invoke(app, ["predict", str(model), str(table), "--text", "text", "--json"])
    assert refused.exit_code == 2
    assert "(-o)" in refused.stderr
