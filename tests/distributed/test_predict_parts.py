"""Many files in pieces by this process: what is written, what is gone on with, what is refused."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed.parts import alone, linear_model, read, tables
from jobs.predicted_apps import write_table

from textaxa.data import iterate_rows
from textaxa.decisions import Choice
from textaxa.distributed import predict_parts
from textaxa.distributed._kept import begin
from textaxa.distributed._storage import Storage
from textaxa.errors import ConfigError, DataError, ModelFileError
from textaxa.jobs._listener import Interrupted

pytest.importorskip("fsspec", reason="the extra remote is not installed")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return linear_model(tmp_path_factory.mktemp("parts") / "model")


@pytest.fixture
def folder(tmp_path) -> Path:
    return tables(tmp_path / "in")


def test_rows_are_those_of_one_process(model, folder, tmp_path):
    result = predict_parts(model, folder, tmp_path / "out", block_rows=30)
    assert read(tmp_path / "out") == alone(model, folder, tmp_path / "alone.parquet")
    assert (result.rows, result.parts, result.resumed) == (270, 9, 0)
    assert result.blank == 18
    assert sum(result.depths.values()) == 270 - 18


def test_types_of_the_input_stay(model, folder, tmp_path):
    predict_parts(model, folder, tmp_path / "out", block_rows=1)
    schemas = {pq.read_schema(part).remove_metadata() for part in (tmp_path / "out").glob("part-*")}
    assert len(schemas) == 1, "a piece must not have types of its own, whatever cells it holds"
    schema = schemas.pop()
    assert schema.field("day").type == pa.date32()
    assert schema.field("id").type == pa.int32()
    assert schema.field("depth").type == pa.int64()
    assert schema.field("probability").type == pa.float64()


def test_the_manifest_counts_and_sums(model, folder, tmp_path):
    predict_parts(model, folder, tmp_path / "out", block_rows=40)
    manifest = json.loads((tmp_path / "out/_textaxa/manifest.json").read_text())
    assert manifest["rows"] == 270 == sum(part["rows"] for part in manifest["parts"])
    assert [part["part"] for part in manifest["parts"]] == [f"part-{n:06}.parquet" for n in range(9)]
    assert all((tmp_path / "out" / part["part"]).stat().st_size == part["bytes"] for part in manifest["parts"])


def test_an_interrupted_run_goes_on(model, folder, tmp_path):
    def stop(event):
        if event["event"] == "rows" and event["share"] > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match=r"5 of 9 parts are done, and kept\."):
        predict_parts(model, folder, tmp_path / "out", block_rows=30, listener=stop)
    before = {part: part.stat().st_mtime_ns for part in (tmp_path / "out").glob("part-*")}
    told = []
    result = predict_parts(model, folder, tmp_path / "out", block_rows=30, listener=told.append)
    assert told[0] == {"event": "resumed", "parts": 5, "of": 9, "rows": 170}
    assert [(event["parts"], event["of"]) for event in told[1:]] == [(n, 9) for n in (6, 7, 8, 9)]
    assert result.resumed == 5
    assert all(part.stat().st_mtime_ns == time for part, time in before.items()), "what is done is not done again"
    assert read(tmp_path / "out") == alone(model, folder, tmp_path / "alone.parquet")


@pytest.mark.parametrize("damage", ["part gone", "part cut", "part flipped", "line gone", "line cut", "line flipped"])
def test_a_damaged_part_is_written_again(model, folder, tmp_path, damage):
    out = tmp_path / "out"
    predict_parts(model, folder, out, block_rows=30)
    file = out / ("part-000004.parquet" if "part" in damage else "_textaxa/done/000004.json")
    if "gone" in damage:
        file.unlink()
    elif "cut" in damage:
        file.write_bytes(file.read_bytes()[:-7])
    else:  # one bit, in the middle
        whole = bytearray(file.read_bytes())
        whole[len(whole) // 2] ^= 1
        file.write_bytes(whole)
    assert predict_parts(model, folder, out, block_rows=30).resumed == 8
    assert read(out) == alone(model, folder, tmp_path / "alone.parquet")


@pytest.mark.parametrize("written", ["[1]", "7", '"plan"'])
def test_a_plan_that_is_none_is_somebody_elses(model, folder, tmp_path, written):
    (tmp_path / "out" / "_textaxa").mkdir(parents=True)
    (tmp_path / "out" / "_textaxa" / "plan.json").write_text(written)
    with pytest.raises(ConfigError, match="is not of a run of textaxa"):
        predict_parts(model, folder, tmp_path / "out")


def test_a_record_with_a_flipped_bit_is_not_trusted(model, folder, tmp_path):
    out = tmp_path / "out"
    predict_parts(model, folder, out, block_rows=30)
    place = Storage(str(out))
    file, plan = out / "_textaxa/done/000004.json", place.read_json("_textaxa/plan.json")
    whole = file.read_bytes()
    for at in range(0, len(whole), 7):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        known = begin(place, plan, overwrite=False, restart=False)
        assert 4 not in known or known[4] == json.loads(whole), at
    file.write_bytes(whole)
    assert len(begin(place, plan, overwrite=False, restart=False)) == 9


def test_given_again_nothing_is_done(model, folder, tmp_path):
    predict_parts(model, folder, tmp_path / "out")
    result = predict_parts(model, folder, tmp_path / "out")
    assert (result.rows, result.resumed, result.parts, result.workers) == (270, 3, 3, 0)


def test_another_run_is_refused_and_replaced_if_asked(model, folder, tmp_path):
    out = tmp_path / "out"
    predict_parts(model, folder, out, block_rows=1)
    with pytest.raises(ConfigError, match="holds a finished run with other options"):
        predict_parts(model, folder, out, choice=Choice(top=2), block_rows=1)
    assert len(read(out)) == 270
    predict_parts(model, folder, out, choice=Choice(top=2), overwrite=True)
    assert "path_2" in read(out)[0]
    assert len(list(out.glob("part-*"))) == 3


def test_a_changed_input_is_told(model, folder, tmp_path):
    predict_parts(model, folder, tmp_path / "out")
    pq.write_table(pq.read_table(folder / "1.parquet").slice(0, 50), folder / "1.parquet")
    with pytest.raises(ConfigError, match="with other files, pieces"):
        predict_parts(model, folder, tmp_path / "out")
    assert predict_parts(model, folder, tmp_path / "out", restart=True).rows == 230


def test_somebody_elses_folder_is_left_alone(model, folder, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.txt").write_text("years of work")
    with pytest.raises(ConfigError, match="is not of a run of textaxa"):
        predict_parts(model, folder, tmp_path / "out", overwrite=True)
    assert (tmp_path / "out/thesis.txt").read_text() == "years of work"


def test_leftovers_of_killed_workers_go(model, folder, tmp_path):
    out = tmp_path / "out"
    predict_parts(model, folder, out, block_rows=30)
    (out / "_textaxa/done/000002.json").unlink()
    left = [".0123abcd.part-000002.parquet", "_textaxa/done/.0123abcd.000002.json", "_textaxa/.0123abcd.manifest.json"]
    for name in left:
        (out / name).write_bytes(b"half")
    assert predict_parts(model, folder, out, block_rows=30).resumed == 8
    assert [name for name in left if (out / name).exists()] == []


def test_a_run_that_was_killed_while_it_wrote_its_plan_goes_on(model, folder, tmp_path):
    (tmp_path / "out/_textaxa").mkdir(parents=True)
    (tmp_path / "out/_textaxa/.0123abcd.plan.json").write_bytes(b"{")
    assert predict_parts(model, folder, tmp_path / "out", block_rows=30).rows == 270
    assert [file.name for file in (tmp_path / "out/_textaxa").iterdir() if file.name.startswith(".")] == []


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_text_files_become_parts(model, tmp_path, format):
    (tmp_path / "in").mkdir()
    for name in ("b.csv", "a.csv"):
        write_table(tmp_path / "in" / name, rows=25)
    (tmp_path / "in/_hidden.csv").write_text("no table")
    result = predict_parts(model, tmp_path / "in/*[ab].csv", tmp_path / "out", format=format)
    assert (result.rows, result.parts) == (50, 2)
    with iterate_rows(tmp_path / f"out/part-000001.{format}") as stream:
        rows = [row for _, row in stream]
    assert len(rows) == 25
    assert rows[0]["path"]


def test_a_fault_of_the_input_names_the_file(model, tmp_path):
    (tmp_path / "in").mkdir()
    write_table(tmp_path / "in/a.csv", rows=5)
    (tmp_path / "in/b.csv").write_text("id,words\n1,chess\n")
    with pytest.raises(DataError, match=r"b\.csv: There is no column 'text'"):
        predict_parts(model, tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out/part-000001.csv").exists()
    assert not (tmp_path / "out/_textaxa/manifest.json").exists()


def test_an_empty_table_is_a_part_without_rows(model, tmp_path):
    (tmp_path / "in").mkdir()
    pq.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "in/none.parquet")
    assert predict_parts(model, tmp_path / "in", tmp_path / "out").rows == 0
    assert pq.read_schema(tmp_path / "out/part-000000.parquet").names[:2] == ["text", "path"]


class TestRefused:
    def test_no_table(self, model, tmp_path):
        with pytest.raises(DataError, match="There is no table at"):
            predict_parts(model, tmp_path / "nowhere", tmp_path / "out")

    def test_several_formats(self, model, folder, tmp_path):
        write_table(folder / "a.csv", rows=3)
        with pytest.raises(DataError, match=r"several formats \(csv, parquet\)"):
            predict_parts(model, folder, tmp_path / "out")

    def test_a_damaged_parquet_file(self, model, folder, tmp_path):
        (folder / "1.parquet").write_bytes(b"PAR1 and so on")
        with pytest.raises(DataError, match=r"1\.parquet is not a Parquet file"):
            predict_parts(model, folder, tmp_path / "out")

    def test_a_missing_column_before_any_work(self, model, folder, tmp_path):
        with pytest.raises(DataError, match="There is no column 'txt'"):
            predict_parts(model, folder, tmp_path / "out", text="txt")
        assert not (tmp_path / "out").exists()

    def test_no_model(self, folder, tmp_path):
        with pytest.raises(ModelFileError, match="There is no model at"):
            predict_parts(tmp_path, folder, tmp_path / "out")

    def test_a_file_as_output(self, model, folder, tmp_path):
        (tmp_path / "out").write_text("a file")
        with pytest.raises(DataError, match="Name a folder"):
            predict_parts(model, folder, tmp_path / "out")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"engine": "rya"}, "no engine 'rya'. Did you mean 'ray'"),
            ({"workers": 0}, "workers = 0"),
            ({"block_rows": 0}, "block_rows = 0"),
            ({"choice": Choice(top=0)}, "top = 0"),
        ],
    )
    def test_options(self, model, folder, tmp_path, options, message):
        with pytest.raises(ConfigError, match=message):
            predict_parts(model, folder, tmp_path / "out", **options)

    def test_an_unknown_kind_of_address(self):
        with pytest.raises(DataError, match="no address that can be read"):
            Storage("gopher://old/files")


def test_an_address_of_any_kind(model, folder, tmp_path):
    """Memory stands for an object store: nothing but fsspec's own functions reaches it."""
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.put(str(folder), "/store/in", recursive=True)
    memory.put(str(model), "/store/model", recursive=True)
    try:
        result = predict_parts("memory://store/model", "memory://store/in/*.parquet", "memory://store/out")
        assert result.rows == 270
        memory.get("/store/out", str(tmp_path / "out"), recursive=True)
        assert read(tmp_path / "out") == alone(model, folder, tmp_path / "alone.parquet")
        assert predict_parts("memory://store/model", "memory://store/in", "memory://store/out").resumed == 3
    finally:
        memory.rm("/store", recursive=True)
