"""`textaxa train`: the model folder, the tables, the logs, and every way in which it can be refused."""

import json

import pytest
from toy_apps import FAST, app_rows, write_csv, write_jsonl

LABELS = ["--text", "text", "--labels", "category,subcategory"]


def test_training_prints_scores_beside_both_references(run, tiny, apps, tmp_path):
    out = tmp_path / "model"
    done = run("train", apps, *LABELS, "--encoder", tiny, "--out", out, *FAST)
    assert done.exit_code == 0, done.stderr
    for row in ("textaxa chained", "TF-IDF + logistic regression", "majority class", "Level 2", "Path accuracy"):
        assert row in done.stdout
    assert done.stderr == "", "nothing but results with --quiet"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"], "no checkpoints are left"
    config = json.loads((out / "config.json").read_text())
    summary = config["summary"]
    assert summary["columns"]["labels"] == ["category", "subcategory"]
    assert summary["source"] == "apps.csv"
    assert summary["rows"] + summary["valid_rows"] == 60
    card = (out / "README.md").read_text()
    assert "majority class" in card
    assert str(tmp_path) not in card + json.dumps(config["summary"]), "a model tells nothing of the machine"


def test_json_logs_are_one_object_a_line_that_ends_with_the_scores(run, tiny, apps, tmp_path):
    args = [*LABELS, "--encoder", tiny, "--out", tmp_path / "m", *FAST, "--json", "--seed", 4]
    done = run("train", apps, *args)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    names = [event["event"] for event in events]
    assert names[:2] == ["data", "start"]
    assert names[-2:] == ["saved", "result"]
    assert names.count("validation") == 2
    assert set(events[-1]["evaluations"]) == {"textaxa chained", "TF-IDF + logistic regression", "majority class"}
    scores = events[-1]["evaluations"]["textaxa chained"]
    assert 0 <= scores["path_accuracy"] <= 1
    assert json.loads((tmp_path / "m" / "config.json").read_text())["training"]["seed"] == 4


def test_progress_goes_to_stderr(run, tiny, apps, tmp_path):
    args = [option for option in FAST if option != "--quiet"]
    done = run("train", apps, *LABELS, "--encoder", tiny, "--out", tmp_path / "m", *args)
    assert "60 rows" not in done.stdout
    assert "54 rows, 6 held out" in done.stderr or "held out" in done.stderr
    assert "epoch 2: loss" in done.stderr


def test_a_path_column_a_taxonomy_and_a_validation_table(run, tiny, tmp_path):
    def path_of(row):
        return " / ".join(name for name in (row["category"], row["subcategory"]) if name)

    rows = [{"body": row["text"], "where": path_of(row)} for row in app_rows()]
    train = write_jsonl(tmp_path / "train.jsonl", rows)
    valid = write_jsonl(tmp_path / "valid.jsonl", rows[:10])
    taxonomy = tmp_path / "taxonomy.txt"
    taxonomy.write_text("Games\n\tSports\n\tCards\n\tPuzzles\nMedia\n\tMusic\nMoney\n")
    done = run(
        "train", train, "--text", "body", "--path", "where", "--separator", " / ", "--taxonomy", taxonomy,
        "--valid", valid, "--encoder", tiny, "--out", tmp_path / "m", *FAST,
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert (config["summary"]["rows"], config["summary"]["valid_rows"]) == (60, 10)
    answers = run("predict", tmp_path / "m", valid, "--format", "csv", "--quiet").stdout
    assert " / " in answers
    assert "Puzzles" in json.dumps(json.loads((tmp_path / "m" / "taxonomy.json").read_text()))


@pytest.mark.parametrize("head", ["flat", "per-level", "cascade"])
def test_every_head_by_flag(run, tiny, apps, tmp_path, head):
    done = run("train", apps, *LABELS, "--head", head, "--encoder", tiny, "--out", tmp_path / "m", *FAST)
    assert done.exit_code == 0, done.stderr
    assert f"textaxa {head}" in done.stdout


def test_frozen_and_settings_by_set(run, tiny, apps, tmp_path):
    args = ["--frozen", "--set", "head.feed=true", "--set", "training.patience=0", "--set", "head.level_weights=[2, 1]"]
    done = run("train", apps, *LABELS, *args, "--encoder", tiny, "--out", tmp_path / "m", *FAST)
    assert done.exit_code == 0, done.stderr
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert config["encoder"]["frozen"] is True
    assert (config["head"]["feed"], config["head"]["level_weights"]) == ("true", [2.0, 1.0])
    assert config["training"]["patience"] == 0


def test_a_configuration_from_init_trains_as_it_is(run, tiny, apps, tmp_path):
    config = tmp_path / "textaxa.toml"
    assert run("init", apps, "-o", config).exit_code == 0
    done = run("train", "--config", config, "--encoder", tiny, "--out", tmp_path / "m", *FAST)
    assert done.exit_code == 0, done.stderr


def test_without_validation_there_is_a_model_and_no_table(run, tiny, apps, tmp_path):
    done = run("train", apps, *LABELS, "--valid-share", 0, "--encoder", tiny, "--out", tmp_path / "m", *FAST)
    assert done.exit_code == 0, done.stderr
    assert "Path accuracy" not in done.stdout
    assert "Trained on 60 rows" in done.stdout


def test_a_model_that_is_there_is_kept_unless_overwriting_is_asked_for(run, tiny, apps, tmp_path):
    out = tmp_path / "m"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    done = run("train", apps, *LABELS, "--encoder", tiny, "--out", out, *FAST)
    assert done.exit_code == 2
    assert "already there" in done.stderr
    assert (out / "mine.txt").read_text() == "mine"


def test_overwriting_replaces_a_model_and_never_anything_else(run, tiny, apps, tmp_path):
    out = tmp_path / "m"
    options = [*LABELS, "--encoder", tiny, "--out", out, *FAST]
    assert run("train", apps, *options).exit_code == 0
    before = (out / "config.json").read_text()
    assert run("train", apps, *options, "--overwrite", "--seed", 9).exit_code == 0
    assert (out / "config.json").read_text() != before
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    done = run("train", apps, *LABELS, "--encoder", tiny, "--out", other, *FAST, "--overwrite")
    assert done.exit_code == 2
    assert "not a textaxa model" in done.stderr
    assert (other / "mine.txt").read_text() == "mine"


BAD = {
    "one class only": ([{"text": "a", "category": "X"}, {"text": "b", "category": "X"}], "all 2 rows have the label"),
    "one row a class": ([{"text": "a", "category": "X"}, {"text": "b", "category": "Y"}], "can be held out"),
    "half-empty labels": (
        [{"text": f"t{i}", "category": "XY"[i % 2] if i % 3 else ""} for i in range(30)],
        "10 faults",
    ),
    "a text of spaces": ([{"text": " ", "category": "X"}, {"text": "b", "category": "Y"}], "line 2"),
    "a separator in a name": (
        [{"text": "a", "category": "X > Y"}, {"text": "b", "category": "Z"}],
        "contains the separator",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_tables_that_cannot_be_trained_on(run, tiny, tmp_path, name):
    rows, message = BAD[name]
    table = write_csv(tmp_path / "bad.csv", rows)
    done = run("train", table, "--labels", "category", "--encoder", tiny, "--out", tmp_path / "m", *FAST)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["bad.csv"]


def test_a_child_without_its_parent_is_told_with_its_line(run, tmp_path):
    rows = [{"text": "a", "c": "X", "s": "Y"}, {"text": "b", "c": "", "s": "Z"}]
    done = run("train", write_csv(tmp_path / "bad.csv", rows), "--labels", "c,s", "--out", tmp_path / "m")
    assert done.exit_code == 2
    assert "line 3" in done.stderr
    assert "its parent column 'c' is empty" in done.stderr


def test_an_id_given_twice_is_told_with_both_lines(run, tmp_path):
    rows = [{"id": "7", "text": "a", "c": "X"}, {"id": "8", "text": "b", "c": "Y"}, {"id": "7", "text": "c", "c": "Y"}]
    done = run("train", write_csv(tmp_path / "t.csv", rows), "--labels", "c", "--id", "id", "--out", tmp_path / "m")
    assert done.exit_code == 2
    assert "line 4" in done.stderr
    assert "line 2" in done.stderr


def test_labels_outside_the_taxonomy_are_told_together(run, apps, tmp_path):
    taxonomy = tmp_path / "taxonomy.txt"
    taxonomy.write_text("Games\n\tSports\nMedia\nMoney\n")
    done = run("train", apps, *LABELS, "--taxonomy", taxonomy, "--out", tmp_path / "m")
    assert done.exit_code == 2
    assert "24 faults" in done.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--labels", "category"], "There is no file"),
        ([], "No label columns"),
        (["--labels", "a", "--path", "b"], "cannot be used together"),
        (["--labels", "category", "--head", "chainde"], "Did you mean 'chained'"),
        (["--labels", "category", "--epochs", "0"], "epochs = 0 is too small"),
        (["--labels", "category", "--set", "training.epoch=3"], "Did you mean 'epochs'"),
        (["--labels", "category", "--set", "epochs=3"], "SECTION.KEY=VALUE"),
        (["--labels", "category", "--set", "trainin.epochs=3"], "Did you mean 'training'"),
        (["--labels", "category", "--config", "none.toml"], "textaxa init"),
        (["--resume"], "no interrupted run"),
    ],
)
def test_bad_options_are_one_paragraph(run, tmp_path, args, message):
    done = run("train", tmp_path / "none.csv", "--out", tmp_path / "m", *args)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stdout == ""
    assert not list(tmp_path.iterdir())


def test_an_encoder_that_cannot_be_had_is_told_and_leaves_nothing(run, apps, tmp_path):
    done = run("train", apps, *LABELS, "--encoder", tmp_path / "none", "--out", tmp_path / "m", "--quiet")
    assert done.exit_code == 2
    assert "none" in done.stderr
    assert not list(tmp_path.iterdir())


def test_no_table_is_told(run, tmp_path):
    done = run("train", "--out", tmp_path / "m", "--labels", "a")
    assert (done.exit_code, "No training table" in done.stderr) == (2, True)


def test_a_time_budget_ends_training(run, apps, tiny, tmp_path):
    done = run(
        "train", apps, *LABELS, "--encoder", tiny, "--out", tmp_path / "m", *FAST, "--set", "training.patience=0",
        "--epochs", "5000", "--time-budget", "1s",
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert config["training"]["time_budget"] == 1
    assert config["summary"]["stopped"] == "time budget"


def test_a_time_budget_without_a_choice_tells_what_it_chose(run, apps, tiny, tmp_path):
    short = ["--max-length", "32", "--no-references"]
    args = [*LABELS, "--encoder", tiny, "--out", tmp_path / "m", *short, "--time-budget", "2m"]
    done = run("train", apps, *args)
    assert done.exit_code == 0, done.stderr
    assert "The time budget fits the preset 'best': all layers, 3 epochs" in done.stderr
    assert "the head alone" in done.stderr
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert (config["training"]["preset"], config["training"]["epochs"]) == ("best", 3)
    assert config["summary"]["recipe"]["chosen_by"] == "time budget"


def test_a_preset_fills_in_what_no_flag_says(run, apps, tiny, tmp_path):
    args = [*LABELS, "--encoder", tiny, "--out", tmp_path / "m", *FAST, "--no-references", "--preset", "balanced"]
    assert run("train", apps, *args).exit_code == 0
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert (config["encoder"]["frozen"], config["encoder"]["trainable_layers"]) == (False, 1)
    assert config["training"]["preset"] == "balanced"


def test_an_unknown_preset_is_refused_with_the_known_ones(run, apps, tmp_path):
    done = run("train", apps, *LABELS, "--out", tmp_path / "m", "--preset", "quick")
    assert done.exit_code == 2
    assert "fast, balanced, best" in done.stderr


def test_a_time_that_cannot_be_read(run, apps, tiny, tmp_path):
    done = run("train", apps, *LABELS, "--out", tmp_path / "m", "--time-budget", "soon")
    assert done.exit_code == 2
    assert "Write 90s, 10m or 1.5h." in done.stderr
