"""`textaxa predict`: order, columns, formats, streams, and what happens when something is wrong."""

import csv
import io
import json
import shutil
import subprocess
import sys
import threading

import pytest
from toy_apps import app_rows, write_csv, write_jsonl

ADDED = ["path", "probability", "depth", "stopped"]


def read_csv(file):
    return list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8"))))


def test_rows_keep_their_order_and_columns(run, model, apps, tmp_path):
    out = tmp_path / "out.csv"
    done = run("predict", model, apps, "-o", out, "--quiet")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")
    before, after = read_csv(apps), read_csv(out)
    assert list(after[0]) == [*before[0], *ADDED]
    assert [{k: row[k] for k in before[0]} for row in after] == before
    assert all(0 <= float(row["probability"]) <= 1 for row in after)
    assert all(int(row["depth"]) == len(row["path"].split(" > ")) for row in after)


def test_the_answers_are_those_of_the_model(run, model, apps, tmp_path):
    from textaxa import load_model

    out = tmp_path / "out.csv"
    run("predict", model, apps, "-o", out, "--quiet")
    texts = [row["text"] for row in app_rows()]
    expected = [" > ".join(found[0].path) for found in load_model(model).predict(texts)]
    assert [row["path"] for row in read_csv(out)] == expected
    assert len(set(expected)) > 1


def test_blocks_do_not_change_the_answers(run, model, apps, tmp_path, monkeypatch):
    run("predict", model, apps, "-o", tmp_path / "one.csv", "--quiet")
    monkeypatch.setattr("textaxa.jobs.predict.BLOCK", 7)
    run("predict", model, apps, "-o", tmp_path / "many.csv", "--quiet")
    one, many = read_csv(tmp_path / "one.csv"), read_csv(tmp_path / "many.csv")
    assert [row["path"] for row in one] == [row["path"] for row in many]
    for a, b in zip(one, many, strict=True):
        assert float(a["probability"]) == pytest.approx(float(b["probability"]), abs=2e-6)


def test_top_gives_further_paths_no_more_than_there_are(run, model, apps):
    rows = list(csv.DictReader(io.StringIO(run("predict", model, apps, "--top", 3, "--quiet").stdout)))
    assert {"path_2", "probability_2", "path_3", "probability_3"} <= set(rows[0])
    assert all(len({row["path"], row["path_2"], row["path_3"]}) == 3 for row in rows)
    many = list(csv.DictReader(io.StringIO(run("predict", model, apps, "--top", 99, "--quiet").stdout)))
    assert "path_5" in many[0]
    assert "path_6" not in many[0]


@pytest.mark.parametrize(
    ("lines", "answers"),
    [
        (["text\nplay football\n", "music app\n"], ["text,path", "play football", "music app"]),
        (['{"text": "play football"}\n', '{"text": "music app", "id": 2}\n'], ["play football", "music app"]),
    ],
    ids=["csv", "jsonl"],
)
def test_a_slow_pipe_is_answered_row_by_row(model, lines, answers):
    command = [sys.executable, "-m", "textaxa", "predict", str(model), "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as process:
        stuck = threading.Timer(60, process.kill)  # then the answer is empty
        stuck.start()
        for line in lines:
            process.stdin.write(line)
            process.stdin.flush()
            for _ in range(line.count("\n")):
                assert answers.pop(0) in process.stdout.readline()
        process.stdin.close()
        assert process.stdout.read() == ""
        stuck.cancel()
    assert process.returncode == 0


def test_stdin_to_stdout(run, model):
    done = run("predict", model, "-", "--quiet", input="text\nplay football\nmusic app\n")
    assert done.exit_code == 0
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["text"] for row in rows] == ["play football", "music app"]


def test_json_lines_in_json_lines_out(run, model):
    lines = '{"text": "play football", "extra": [1, {"a": null}]}\n{"text": "music"}\n'
    done = run("predict", model, "-", "--top", 2, "--quiet", input=lines)
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["extra"] == [1, {"a": None}]
    assert len(first["paths"]) == 2
    assert first["paths"][0]["path"] == first["path"]
    levels = first["paths"][0]["levels"]
    assert levels[-1]["probability"] == first["paths"][0]["probability"]
    assert [one["probability"] for one in levels] == sorted((one["probability"] for one in levels), reverse=True)
    assert second["text"] == "music"


@pytest.mark.parametrize("suffix", ["tsv", "jsonl", "parquet", "csv.gz"])
def test_the_outputs_ending_says_the_format(run, model, apps, tmp_path, suffix):
    from textaxa import iterate_rows

    out = tmp_path / f"out.{suffix}"
    assert run("predict", model, apps, "-o", out, "--quiet").exit_code == 0
    with iterate_rows(out) as rows:
        assert {*ADDED, "text"} <= set(rows.columns)
        assert len(list(rows)) == 60


def test_several_paths_a_text(run, several, tmp_path):
    table = write_csv(tmp_path / "new.csv", [{"text": "play football"}, {"text": "money"}])
    rows = list(csv.DictReader(io.StringIO(run("predict", several, table, "--quiet").stdout)))
    assert list(rows[0]) == ["text", "paths", "probabilities"]
    for row in rows:
        assert row["paths"]
        assert len(row["paths"].split("; ")) == len(row["probabilities"].split("; "))
    done = run("predict", several, table, "--format", "jsonl", "--quiet")
    assert all(one["levels"] for line in done.stdout.splitlines() for one in json.loads(line)["paths"])
    refused = run("predict", several, table, "--top", 2)
    assert refused.exit_code == 2
    assert "several paths a text by itself" in refused.stderr


def test_a_row_without_text_loses_nothing_and_is_told(run, model, tmp_path):
    table = write_jsonl(tmp_path / "new.jsonl", [{"text": "a"}, {"text": "  "}, {"text": None}, {"text": "b"}])
    done = run("predict", model, table, "--format", "csv", "--quiet")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [bool(row["path"]) for row in rows] == [True, False, False, True]
    assert [row["stopped"] for row in rows[1:3]] == ["no text", "no text"]
    assert "2 rows have no text" in done.stderr
    assert "line 2, line 3" in done.stderr


def test_an_input_column_called_path_is_kept_and_told(run, model, tmp_path):
    table = write_csv(tmp_path / "new.csv", [{"text": "a", "path": "true path"}])
    done = run("predict", model, table, "--quiet")
    (row,) = csv.DictReader(io.StringIO(done.stdout))
    assert row["input_path"] == "true path"
    assert row["path"] != "true path"
    assert "'input_path'" in done.stderr


def test_a_header_without_rows_gives_a_header_without_rows(run, model, tmp_path):
    table = tmp_path / "none.csv"
    table.write_text("id,text\n")
    done = run("predict", model, table, "--quiet")
    assert done.exit_code == 0
    assert done.stdout == "id,text,path,probability,depth,stopped\n"
    assert "no rows" in done.stderr


def test_a_text_of_five_megabytes_is_answered(run, model, tmp_path):
    table = write_jsonl(tmp_path / "big.jsonl", [{"text": "football " * 600_000}])
    done = run("predict", model, table, "--format", "csv", "--quiet")
    assert done.exit_code == 0
    assert done.stdout.count("\n") == 2


def test_an_output_that_is_there_is_refused_and_kept(run, model, apps, tmp_path):
    out = tmp_path / "out.csv"
    out.write_text("mine")
    done = run("predict", model, apps, "-o", out)
    assert done.exit_code == 2
    assert "already there" in done.stderr
    assert out.read_text() == "mine"
    assert run("predict", model, apps, "-o", out, "--overwrite", "--quiet").exit_code == 0
    assert len(read_csv(out)) == 60
    assert [file.name for file in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.csv", None, "There is no file"),
        ("empty.csv", b"", "empty"),
        ("column.csv", b"txt\na\n", "There is no column 'text'. Did you mean 'txt'?"),
        ("nul.csv", b"text\na\x00b\n", "NUL"),
        ("latin.csv", "text\nBücher\n".encode("latin-1"), "encoding"),
        ("ragged.csv", b"id,text\n1,a\n2,b,c\n", "line 3"),
        ("broken.jsonl", b'{"text": "a"}\n{"text": \n', "line 2"),
        ("list.jsonl", b'{"text": ["a"]}\n', "list"),
    ],
)
def test_a_bad_table_is_one_paragraph_and_leaves_nothing(run, model, tmp_path, name, content, message):
    table, out = tmp_path / name, tmp_path / "out.csv"
    if content is not None:
        table.write_bytes(content)
    done = run("predict", model, table, "-o", out, "--quiet")
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not [file.name for file in tmp_path.iterdir() if file.name != name]


def test_the_inputs_format_can_be_said(run, model, tmp_path):
    table = tmp_path / "new.data"
    table.write_text('{"text": "play football"}\n')
    assert "says no format" in run("predict", model, table).stderr
    assert run("predict", model, table, "--input-format", "jsonl", "--format", "csv", "-q").stdout.count("\n") == 2
    assert run("check", table, "--format", "jsonl").exit_code in (0, 1)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--top", "0"], "at least 1"),
        (["-o", "nowhere/out.csv"], "nowhere"),
        (["-o", "out.xyz"], "says no format"),
        (["--format", "exel"], "not known"),
        (["--input-format", "cvs"], "Did you mean 'csv'"),
        (["--text", "descr"], "There is no column 'descr'"),
        (["--delimiter", ";;"], "delimiter"),
        (["--encoding", "utf-99"], "encoding"),
    ],
)
def test_bad_options_are_told(run, model, apps, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    done = run("predict", model, apps, *args)
    assert done.exit_code == 2
    assert message.casefold() in done.stderr.casefold()
    assert not list(tmp_path.iterdir())


def test_a_model_that_is_none_is_told(run, apps, tmp_path):
    assert "no model folder" in run("predict", tmp_path / "none", apps).stderr
    (tmp_path / "other").mkdir()
    done = run("predict", tmp_path / "other", apps)
    assert (done.exit_code, "not a textaxa model" in done.stderr) == (2, True)


def test_the_text_columns_of_training_are_remembered_and_can_be_replaced(run, model, tmp_path):
    table = write_csv(tmp_path / "new.csv", [{"title": "play", "about": "football"}])
    assert run("predict", model, table).exit_code == 2
    for args in (["--text", "title,about"], ["--text", "title", "--text", "about"], ["--template", "{title}: {about}"]):
        assert run("predict", model, table, *args, "--quiet").exit_code == 0


def test_half_characters_do_not_stop_the_other_rows(run, model, tmp_path):
    table = tmp_path / "in.jsonl"
    table.write_text('{"text": "play \\ud83d football"}\n{"text": "play \\ufffd football"}\n')
    done = run("predict", model, table, "--quiet")
    assert done.exit_code == 0, done.stderr
    broken, replaced = map(json.loads, done.stdout.splitlines())
    assert broken["text"] == "play \ud83d football", "the row is kept as it was"
    assert broken["probability"] == replaced["probability"]


@pytest.mark.parametrize(
    ("last", "message"), [({"text": "a", "new": 1}, "'new'"), ({"text": ["a"]}, "where text belongs")]
)
def test_what_a_late_row_would_stop_is_told_before_any_is_predicted(run, model, tmp_path, monkeypatch, last, message):
    monkeypatch.setattr("textaxa.model.Model.predict", lambda *args, **kwargs: pytest.fail("it has begun"))
    table = write_jsonl(tmp_path / "in.jsonl", [{"text": "a"}] * 150 + [last, last])
    done = run("predict", model, table, "-o", tmp_path / "out.csv", "--quiet")
    assert done.exit_code == 2
    assert "2 faults" in done.stderr
    assert "line 151:" in done.stderr
    assert message in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


@pytest.mark.parametrize("columns", [[1], {"text": 5}, {"nothing": ["x"]}])
def test_a_model_whose_notes_were_edited_is_still_used(run, model, apps, tmp_path, columns):
    copy = tmp_path / "m"
    shutil.copytree(model, copy)
    config = json.loads((copy / "config.json").read_text())
    config["summary"] |= {"columns": columns, "majority": 5}
    (copy / "config.json").write_text(json.dumps(config))
    assert run("predict", copy, apps, "--quiet").exit_code == 0
    assert run("evaluate", copy, apps, "--labels", "category,subcategory").exit_code == 0
    assert run("info", copy).exit_code == 0
