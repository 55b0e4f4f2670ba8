"""``textaxa predict`` with a folder, a pattern, or an engine."""

import json

import pytest
from distributed.parts import alone, linear_model, read, tables


@pytest.fixture(scope="module")
def tiny_model(tmp_path_factory):
    return linear_model(tmp_path_factory.mktemp("many") / "model")


@pytest.fixture
def folder(tmp_path):
    return tables(tmp_path / "in", files=2)


def test_a_folder_becomes_a_folder(run, tiny_model, folder, tmp_path):
    found = run("predict", tiny_model, folder, "-o", tmp_path / "out", "--json")
    assert found.exit_code == 0, found.output
    told = json.loads(found.stdout)
    assert (told["rows"], told["parts"], told["resumed"]) == (180, 2, 0)
    assert "180 rows in 2 files" in found.stderr
    assert read(tmp_path / "out") == alone(tiny_model, folder, tmp_path / "alone.parquet")


def test_a_pattern_and_smaller_files(run, tiny_model, folder, tmp_path):
    assert (
        run("predict", tiny_model, f"{folder}/1.*", "-o", tmp_path / "out", "--block-rows", 20, "--quiet").exit_code
        == 0
    )
    assert len(list((tmp_path / "out").glob("part-*.parquet"))) == 5


def test_a_file_with_an_engine_is_a_part(run, tiny_model, folder, tmp_path):
    assert run("predict", tiny_model, folder / "0.parquet", "-o", tmp_path / "out", "--engine", "local").exit_code == 0
    assert len(read(tmp_path / "out")) == 90


def test_given_again_it_says_that_all_is_there(run, tiny_model, folder, tmp_path):
    run("predict", tiny_model, folder, "-o", tmp_path / "out")
    found = run("predict", tiny_model, folder, "-o", tmp_path / "out")
    assert found.exit_code == 0
    assert "2 of 2 parts were written before" in found.stderr


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (["--costs", "c.csv"], "--costs is for a single table"),
        (["--processes", "2"], "--processes is for a single table"),
        (["--engine", "dask"], "no engine 'dask'"),
    ],
)
def test_refused(run, tiny_model, folder, tmp_path, extra, message):
    found = run("predict", tiny_model, folder, "-o", tmp_path / "out", *extra)
    assert found.exit_code != 0
    assert message in " ".join(found.stderr.split())
    assert not (tmp_path / "out").exists()


def test_refused_without_a_folder(run, tiny_model, folder):
    found = run("predict", tiny_model, folder)
    assert found.exit_code != 0
    assert "name it (-o out/)" in " ".join(found.stderr.split())


def test_options_of_many_files_need_many(run, tiny_model, folder, tmp_path):
    found = run("predict", tiny_model, folder / "0.parquet", "-o", tmp_path / "out.csv", "--workers", "2")
    assert found.exit_code != 0
    assert "--workers is for many files" in " ".join(found.stderr.split())
