"""`textaxa evaluate`, `check`, `info` and `init`: results on stdout, machines' and people's."""

import json
import subprocess
import sys

import pytest
from toy_apps import app_rows, write_csv, write_jsonl


def test_evaluate_shows_the_majority_and_with_train_the_linear_reference(run, model, apps):
    done = run("evaluate", model, apps, "--train", apps)
    assert done.exit_code == 0, done.stderr
    for row in ("textaxa chained", "majority class", "TF-IDF + logistic regression", "Level 1 (n = 60)"):
        assert row in done.stdout
    assert "TF-IDF" not in run("evaluate", model, apps).stdout


def test_evaluate_json_has_the_fixed_keys(run, model, apps):
    found = json.loads(run("evaluate", model, apps, "--json").stdout)
    assert found["n"] == 60
    assert {
        "path_accuracy",
        "levels",
        "nodes",
        "hierarchical",
        "mistake_severity",
        "coherent_share",
        "calibration",
        "intervals",
    } <= set(found)
    assert set(found["levels"][0]) == {"level", "accuracy", "micro_f1", "macro_f1", "n"}
    assert set(found["hierarchical"]) == {"precision", "recall", "f1", "f1_auc"}
    assert found["coherent_share"] == 1.0
    assert 0 <= found["hierarchical"]["f1_auc"] <= 1
    low, high = found["intervals"]["path_accuracy"]
    assert low <= found["path_accuracy"] <= high
    assert set(found["references"]) == {"majority class"}
    # The most frequent of five labels that are equally frequent.
    assert found["references"]["majority class"]["path_accuracy"] == pytest.approx(0.2)


def test_evaluate_agrees_with_predict(run, model, apps, tmp_path):
    rows = [json.loads(line) for line in run("predict", model, apps, "--format", "jsonl", "-q").stdout.splitlines()]
    right = sum(
        row["path"] == " > ".join(name for name in (row["category"], row["subcategory"]) if name) for row in rows
    )
    assert json.loads(run("evaluate", model, apps, "--json").stdout)["path_accuracy"] == pytest.approx(right / 60)


def test_evaluate_takes_other_columns(run, model, tmp_path):
    rows = [{"text": row["text"], "where": [row["category"], row["subcategory"] or None]} for row in app_rows()]
    rows = [{**row, "where": [name for name in row["where"] if name]} for row in rows]
    done = run("evaluate", model, write_jsonl(tmp_path / "t.jsonl", rows), "--path", "where", "--json")
    assert json.loads(done.stdout)["n"] == 60


def test_evaluate_in_blocks_gives_the_same_paths(run, model, apps, monkeypatch):
    whole = json.loads(run("evaluate", model, apps, "--json").stdout)
    monkeypatch.setattr("textaxa.jobs._score.DENSE_LIMIT", 0)
    monkeypatch.setattr("textaxa.jobs._score.BLOCK", 7)
    blocks = json.loads(run("evaluate", model, apps, "--json").stdout)
    assert blocks["path_accuracy"] == whole["path_accuracy"]
    assert blocks["hierarchical"]["f1"] == whole["hierarchical"]["f1"]
    assert blocks["hierarchical"]["f1_auc"] is None


def test_evaluate_several_paths(run, several, tmp_path):
    rows = [{"text": "play football", "tags": ["Games > Sports", "Media"]}, {"text": "money", "tags": ["Money"]}]
    table = write_jsonl(tmp_path / "t.jsonl", rows)
    done = run("evaluate", several, table, "--train", table, "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["n"] == 2


def test_evaluate_tells_labels_that_the_model_does_not_know(run, model, tmp_path):
    table = write_csv(tmp_path / "t.csv", [{"text": "a", "category": "Game", "subcategory": ""}])
    done = run("evaluate", model, table)
    assert done.exit_code == 2
    assert "Game" in done.stderr
    assert "line 2" in done.stderr


def test_a_sampled_reference_says_so(run, model, apps, monkeypatch):
    monkeypatch.setattr("textaxa.jobs._score.REFERENCE_CELLS", 100)
    assert "TF-IDF + logistic regression (20 rows)" in run("evaluate", model, apps, "--train", apps).stdout


def test_check_ends_with_0_where_training_would_work(run, apps):
    done = run("check", apps, "--labels", "category,subcategory")
    assert done.exit_code == 0
    assert "rows: 60" in done.stdout


def test_check_ends_with_1_where_it_would_not(run, tmp_path):
    rows = [
        {"text": "a", "category": "X", "subcategory": "Y"},
        {"text": " ", "category": "X", "subcategory": ""},
        {"text": "c", "category": "", "subcategory": "Z"},
    ]
    table = write_csv(tmp_path / "bad.csv", rows)
    done = run("check", table, "--labels", "category,subcategory")
    assert done.exit_code == 1
    assert "error:" in done.stdout
    report = json.loads(run("check", table, "--labels", "category,subcategory", "--json").stdout)
    assert report["ok"] is False
    assert any("line 4" in place for finding in report["findings"] for place in finding["examples"])


def test_check_finds_texts_of_the_validation_table(run, apps):
    kinds = [
        finding["kind"]
        for finding in json.loads(
            run("check", apps, "--labels", "category,subcategory", "--valid", apps, "--json").stdout
        )["findings"]
    ]
    assert "leak" in kinds


def test_check_with_a_configuration(run, apps, tmp_path):
    config = tmp_path / "textaxa.toml"
    run("init", apps, "-o", config)
    assert run("check", apps, "--config", config).exit_code == 0
    missing = run("check", apps, "--config", config, "--labels", "categry")
    assert (missing.exit_code, "Did you mean 'category'" in missing.stderr) == (2, True)


def test_info_tells_what_the_model_is(run, model):
    done = run("info", model)
    assert done.exit_code == 0
    for part in ("chained head", "one path a text", "6 nodes on 2 levels", "majority class", "apps.csv"):
        assert part in done.stdout
    assert "pipeline_tag" not in done.stdout
    found = json.loads(run("info", model, "--json").stdout)
    assert found["taxonomy"]["nodes"] == 6
    assert found["summary"]["columns"]["text"] == ["text"]


def test_info_needs_no_pytorch(model):
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['torch', 'transformers', 'safetensors', 'sklearn']));"
        f"from textaxa.cli import app; app(['info', {str(model)!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "chained head" in done.stdout


def test_info_of_several_paths(run, several):
    assert "several paths a text" in run("info", several).stdout


@pytest.mark.parametrize("damage", ["config.json", "taxonomy.json"])
def test_info_of_a_damaged_folder_is_told(run, model, tmp_path, damage):
    import shutil

    copy = shutil.copytree(model, tmp_path / "copy")
    (copy / damage).write_text('{"format": ')
    done = run("info", copy)
    assert (done.exit_code, "damaged" in done.stderr) == (2, True)


def test_init_to_stdout(run, apps):
    done = run("init", apps, "-o", "-")
    assert 'labels = ["category", "subcategory"]' in done.stdout
    assert done.exit_code == 0


def test_init_says_what_it_guessed(run, apps, tmp_path):
    done = run("init", apps, "-o", tmp_path / "t.toml")
    assert "Text: text. Labels: category, subcategory." in done.stdout
    assert run("init", apps, "-o", tmp_path / "t.toml").exit_code == 2
