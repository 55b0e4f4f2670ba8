"""`textaxa init --taxonomy`: a model from a taxonomy's words, and every way in which it can be refused."""

import json

import pytest

import textaxa

TAXONOMY = (
    "path,description\ngame > football,football club match\ngame > puzzle,puzzle strategy\nbank,bank money note\n"
)
TINY = ["--set", "encoder.max_length=48"]


@pytest.fixture
def taxonomy(tmp_path):
    file = tmp_path / "taxonomy.csv"
    file.write_text(TAXONOMY)
    return file


def test_a_model_without_a_table(run, tiny, taxonomy, tmp_path):
    out = tmp_path / "m"
    done = run("init", "--taxonomy", taxonomy, "--text", "body", "--encoder", tiny, "--out", out, *TINY)
    assert done.exit_code == 0, done.stderr
    assert "words of 4 nodes; no row was read" in done.stdout
    config = json.loads((out / "config.json").read_text())
    assert config["head"]["name"] == "label-text"
    assert (config["task"], config["summary"]["rows"]) == ("single", 0)
    table = tmp_path / "new.csv"
    table.write_text("body,path\nfootball club match,game > football\nbank money,bank\n")
    answers = run("predict", out, table, "--quiet")
    assert answers.stdout.count("game > football") == 2
    scored = run("evaluate", out, table, "--path", "path")
    assert scored.exit_code == 0, scored.stderr
    assert run("info", out).exit_code == 0


def test_several_paths_and_quiet(run, tiny, taxonomy, tmp_path):
    args = ["--taxonomy", taxonomy, "--paths", "tags", "--encoder", tiny, *TINY, "--quiet"]
    done = run("init", *args, "--out", tmp_path / "m")
    assert (done.exit_code, done.stdout) == (0, "")
    assert json.loads((tmp_path / "m" / "config.json").read_text())["task"] == "multi"


def test_the_job_gives_back_the_model(tiny, taxonomy, tmp_path):
    config = textaxa.Config.from_dict(
        {
            "taxonomy": {"file": str(taxonomy)},
            "encoder": {"encoder": str(tiny), "max_length": 48},
            "head": {"name": "label-text", "label_words": 3},
        }
    )
    result = textaxa.zero_shot(config, tmp_path / "m")
    assert result.rows == result.valid_rows == 0
    assert result.model.settings.head_settings.label_words == 3
    assert textaxa.load_model(tmp_path / "m").taxonomy == result.model.taxonomy


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "name a training table, or --taxonomy FILE"),
        (["table.csv", "--taxonomy", "TAXONOMY"], "give one of them"),
        (["table.csv"], "give one of them"),
        (["--taxonomy", "TAXONOMY", "--set", "data.table=table.csv"], "reads no rows, but the training table"),
        (["--taxonomy", "TAXONOMY", "--set", "head.name=flat"], "'flat' cannot do without training rows"),
        (["--taxonomy", "no-file.csv"], "no-file.csv"),
    ],
)
def test_what_is_refused(run, tiny, taxonomy, tmp_path, args, message):
    args = [taxonomy if arg == "TAXONOMY" else arg for arg in args]
    done = run("init", *args, "--encoder", tiny, "--out", tmp_path / "m", *TINY)
    assert done.exit_code == 2
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert not (tmp_path / "m").exists()


def test_options_of_columns_are_not_for_a_table(run, tmp_path):
    done = run("init", "table.csv", "--text", "body", "-o", tmp_path / "t.toml")
    assert done.exit_code == 2
    assert "columns are guessed from the table" in " ".join(done.stderr.replace("│", " ").split())


def test_a_model_needs_a_folder(run, taxonomy):
    done = run("init", "--taxonomy", taxonomy)
    assert done.exit_code == 2
    assert "name the folder of the model" in " ".join(done.stderr.replace("│", " ").split())


def test_a_model_that_is_there_is_kept(run, tiny, taxonomy, tmp_path):
    args = ["init", "--taxonomy", taxonomy, "--encoder", tiny, "--out", tmp_path / "m", *TINY]
    assert run(*args).exit_code == 0
    assert run(*args).exit_code == 2
    assert run(*args, "--overwrite").exit_code == 0
