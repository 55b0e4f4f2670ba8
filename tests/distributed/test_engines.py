"""Ray Data, Spark, and an object store that is reached over the network; a worker that is killed in the middle."""

import os
import signal
import socket
import sys
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from distributed.parts import alone, linear_model, read, tables

from textaxa.decisions import Choice
from textaxa.distributed import predict_parts, ray_predictions, spark_predictions
from textaxa.errors import ConfigError, DataError


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return linear_model(tmp_path_factory.mktemp("engines") / "model")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tables(tmp_path_factory.mktemp("engines") / "in")


@pytest.fixture(scope="module")
def expected(model, folder, tmp_path_factory) -> list[dict]:
    return alone(model, folder, tmp_path_factory.mktemp("engines") / "alone.parquet")


@pytest.fixture(scope="module")
def ray():
    ray = pytest.importorskip("ray", reason="the extra ray is not installed")
    pytest.importorskip("ray.data", reason="the extra ray is not installed")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield ray
    ray.shutdown()


@pytest.fixture(scope="module")
def spark():
    sql = pytest.importorskip("pyspark.sql", reason="the extra spark is not installed")
    if not any(Path(place, "java").exists() for place in os.environ["PATH"].split(os.pathsep)):
        pytest.skip("Spark needs Java, and there is none")
    patch = pytest.MonkeyPatch()
    patch.setenv("PYSPARK_PYTHON", sys.executable)
    builder = sql.SparkSession.builder.master("local[2,4]").config("spark.ui.enabled", "false")
    session = builder.config("spark.driver.memory", "1g").config("spark.log.level", "OFF").getOrCreate()
    yield session
    session.stop()
    patch.undo()


pytestmark = pytest.mark.filterwarnings("default")
"""Warnings of Ray's and Spark's own insides are theirs."""


def kill_first(killed: list[str]):
    """Give a listener that kills the worker that answered first."""

    def hear(event):
        if event["event"] == "rows" and not killed:
            host, _, pid = event["worker"].rpartition(":")
            assert host == socket.gethostname()
            killed.append(event["worker"])
            os.kill(int(pid), signal.SIGKILL)

    return hear


class TestRay:
    def test_two_workers_give_the_rows_of_one_process(self, ray, model, folder, expected, tmp_path):
        result = predict_parts(model, folder, tmp_path / "out", engine="ray", workers=2, block_rows=30)
        assert read(tmp_path / "out") == expected
        assert result.parts == 9
        assert result.workers == 2

    def test_a_killed_worker_loses_and_doubles_nothing(self, ray, model, folder, expected, tmp_path):
        killed: list[str] = []
        result = predict_parts(
            model, folder, tmp_path / "out", engine="ray", workers=2, block_rows=1, listener=kill_first(killed)
        )
        assert len(killed) == 1
        assert result.rows == 270
        assert read(tmp_path / "out") == expected

    def test_a_fault_is_told_as_it_is(self, ray, model, folder, tmp_path):
        with pytest.raises(DataError, match="There is no column 'txt'"):
            predict_parts(model, folder, tmp_path / "out", engine="ray", template="{txt}")

    def test_a_dataset_gets_paths(self, ray, model, folder, expected):
        dataset = ray_predictions(ray.data.read_parquet(str(folder)), model, workers=1)
        found = {row["id"]: row for row in dataset.iter_rows()}
        assert {n: row["path"] for n, row in found.items()} == {row["id"]: row["path"] for row in expected}


class TestSpark:
    def test_two_workers_give_the_rows_of_one_process(self, spark, model, folder, expected, tmp_path):
        result = predict_parts(model, folder, tmp_path / "out", engine="spark", block_rows=30)
        assert read(tmp_path / "out") == expected
        assert result.parts == 9
        rows = spark.read.parquet(str(tmp_path / "out")).count()
        assert rows == 270, "what textaxa keeps for itself must not be read as rows"

    def test_a_killed_worker_loses_and_doubles_nothing(self, spark, model, folder, expected, tmp_path):
        killed: list[str] = []
        predict_parts(model, folder, tmp_path / "out", engine="spark", block_rows=1, listener=kill_first(killed))
        assert len(killed) == 1
        assert read(tmp_path / "out") == expected

    def test_a_frame_gets_paths(self, spark, model, folder, expected):
        frame = spark_predictions(spark.read.parquet(str(folder)), model, choice=Choice(top=2))
        found = {row["id"]: row for row in frame.collect()}
        assert {n: row["path"] for n, row in found.items()} == {row["id"]: row["path"] for row in expected}
        assert dict(frame.dtypes)["depth"] == "bigint"
        assert "path_2" in frame.columns

    def test_a_column_that_is_taken(self, spark, model):
        with pytest.raises(ConfigError, match="Rename it: withColumnRenamed"):
            spark_predictions(spark.createDataFrame([("a", "b")], ["text", "path"]), model)


def test_an_object_store(model, folder, expected, tmp_path, monkeypatch):
    """A server that speaks S3, on this machine."""
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    with closing(_Stopping(server)):
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        import fsspec

        store = fsspec.filesystem("s3")
        store.mkdir("shelf")
        store.put(str(folder), "shelf/in", recursive=True)
        store.put(str(model), "shelf/model", recursive=True)
        out = "s3://shelf/out"
        assert predict_parts("s3://shelf/model", "s3://shelf/in/*.parquet", out, block_rows=30).rows == 270
        assert predict_parts("s3://shelf/model", "s3://shelf/in/*.parquet", out, block_rows=30).resumed == 9
        store.get("shelf/out", str(tmp_path / "out"), recursive=True)
        assert read(tmp_path / "out") == expected
        # Somebody else removes a part; nothing that this process remembers of the store may hide that.
        other = pytest.importorskip("boto3", reason="boto3 is not installed").client("s3")
        other.delete_object(Bucket="shelf", Key="out/part-000003.parquet")
        assert predict_parts("s3://shelf/model", "s3://shelf/in/*.parquet", out, block_rows=30).resumed == 8
        body = (folder / "0.parquet").read_bytes()
        other.put_object(Bucket="shelf", Key="in/9.parquet", Body=body)
        again = predict_parts("s3://shelf/model", "s3://shelf/in/*.parquet", out, block_rows=30, overwrite=True)
        assert again.rows == 270 + pq.read_metadata(folder / "0.parquet").num_rows


class _Stopping:
    def __init__(self, server) -> None:
        self._server = server

    def close(self) -> None:
        self._server.stop()
