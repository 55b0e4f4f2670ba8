"""`textaxa compare`: tables, JSON, a page; stopped by Ctrl-C and by kill -9, and gone on with."""

import json
import signal
import time

import pytest
from rich.console import Console
from toy_apps import app_rows, write_csv
from typer.testing import CliRunner

from textaxa.cli import app
from textaxa.cli._compare_progress import Board


def options(table, tiny, out, *more, epochs=2, models="flat,per-level"):
    return [
        "compare", table, "--text", "text", "--labels", "category,subcategory", "--encoder", tiny, "--out", out,
        "--max-length", "48", "--set", "training.device=cpu", "--set", "training.patience=0", "--batch-size", "8",
        "--epochs", epochs, "--models", models, "--seeds", "2", *more,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def compared(tmp_path_factory, tiny, apps):
    """A finished comparison: its folder, and what it printed. Tests must not change it."""
    out = tmp_path_factory.mktemp("compared") / "c"
    done = CliRunner().invoke(app, [str(one) for one in options(apps, tiny, out)])
    assert done.exit_code == 0, done.stderr
    return out, done


def test_tables_and_a_paragraph(compared, run, apps, tmp_path):
    out, done = compared
    for told in (
        "Level 2",
        "Path accuracy",
        "hF1-AUC",
        "Against the best, and costs",
        "p, corrected",
        "Texts/s",
        "best",
    ):
        assert told in done.stdout
    assert f"textaxa predict {out}/models/" in done.stdout or "No model is recommended" in done.stdout
    lines = done.stderr.splitlines()
    assert lines[0].startswith("45 rows to train on, 5 to choose the epoch by, 10 to compare on")
    assert lines[1] == "4 runs: flat, per-level"
    assert len(lines) == 6
    assert lines[2].startswith("flat, seed 0: trained in ")
    used = run("predict", out / "models" / "flat", apps, "-o", tmp_path / "out.csv", "--quiet")
    assert used.exit_code == 0, used.stderr


def test_json_for_machines_and_nothing_else_when_quiet(compared, run):
    out, _ = compared
    done = run("compare", "--resume", "--out", out, "--json", "--quiet")
    assert done.exit_code == 0, done.stderr
    assert done.stderr == ""
    told = json.loads(done.stdout)
    assert told == json.loads((out / "result.json").read_text())
    assert {one["model"] for one in told["models"]} == {"flat", "per-level"}
    assert told["seeds"] == [0, 1]
    assert told["recommendation"]["text"]


def test_going_on_needs_no_other_option_and_may_add_models(compared, run, tiny, apps, tmp_path):
    out = tmp_path / "c"
    assert run(*options(apps, tiny, out, "--quiet", models="flat")).exit_code == 0
    done = run("compare", "--resume", "--out", out, "--models", "flat,cascade:hidden=8", "--seeds", "1", "--json")
    assert done.exit_code == 0, done.stderr
    assert "flat, seed 0: finished before" in done.stderr
    assert "cascade:hidden=8, seed 0: trained in" in done.stderr
    told = json.loads(done.stdout)
    assert {one["model"]: len(one["per_seed"]) for one in told["models"]} == {"flat": 1, "cascade:hidden=8": 1}


def test_a_page(compared, run, tmp_path):
    out, _ = compared
    done = run("compare", "--resume", "--out", out, "--html", tmp_path / "c.html", "--quiet")
    assert done.exit_code == 0, done.stderr
    page = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "<code>per-level</code>" in page


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--models", "flatt"], "Did you mean 'flat'"),
        (["--time-budget", "soon"], "Write 90s, 10m or 1.5h."),
        (["--test-share", "1.5"], "must lie between 0 and 1"),
        (["--seeds", "0"], "at least 1"),
        (["--html", "nowhere/c.html"], "there is no folder"),
        (["--labels", "categry"], "Did you mean 'category'"),
        (["--epochs", "3"], "training.epochs (it was 2, now it is 3)"),
    ],
)
def test_mistakes_are_one_paragraph(compared, run, apps, tiny, more, told):
    done = run(*options(apps, tiny, compared[0]), *more)
    assert done.exit_code == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_to_resume(run, tmp_path):
    done = run("compare", "--resume", "--out", tmp_path / "c")
    assert done.exit_code == 2
    assert "There is no comparison to resume" in done.stderr


def long_run(tiny, tmp_path, *more):
    table = write_csv(tmp_path / "apps.csv", app_rows())
    return options(table, tiny, tmp_path / "c", "--json", *more, epochs=10)


def wait_for(condition, process, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def in_the_second_run(tmp_path):
    """Tell whether the first run is finished and the second has a checkpoint."""
    runs = tmp_path / "c" / "runs"
    return (runs / "flat-0.json").is_file() and any(runs.glob("per-level-0.training/checkpoint-*/trainer_state.json"))


def plain(told):
    """Give what a comparison says of the models without what depends on the clock."""
    clock = ("train_seconds", "texts_per_second", "folder")
    return [{name: value for name, value in one.items() if name not in clock} for one in told["models"]]


def test_ctrl_c_and_kill_9_lose_nothing(start, run, tiny, tmp_path):
    cut = start(*long_run(tiny, tmp_path))
    wait_for(lambda: in_the_second_run(tmp_path), cut)
    cut.send_signal(signal.SIGSTOP)  # so that it gets no further while the other one starts
    other = start(*long_run(tiny, tmp_path))
    _, told = other.communicate(timeout=120)
    assert other.returncode == 2
    assert "Another process is" in told
    cut.send_signal(signal.SIGINT)
    cut.send_signal(signal.SIGCONT)
    _, told = cut.communicate(timeout=120)
    assert cut.returncode == 130
    assert f"1 of 4 runs are finished and kept in '{tmp_path / 'c'}'" in told
    assert f"textaxa compare --resume --out {tmp_path / 'c'}" in told
    assert "Traceback" not in told

    killed = start("compare", "--resume", "--out", tmp_path / "c", "--json")
    wait_for((tmp_path / "c" / "runs" / "per-level-0.json").is_file, killed)
    killed.kill()
    killed.communicate(timeout=120)

    last = start(*long_run(tiny, tmp_path))
    found, told = last.communicate(timeout=300)
    assert last.returncode == 0, told
    assert told.count("finished before") >= 2
    undisturbed = run(*long_run(tiny, tmp_path), "--out", tmp_path / "whole", "--quiet")
    assert undisturbed.exit_code == 0, undisturbed.stderr
    assert plain(json.loads(found)) == plain(json.loads(undisturbed.stdout))


def test_the_board_fills_in():
    board = Board()

    def shown():
        console = Console(width=100, record=True, file=None)
        with console.capture() as capture:
            console.print(board)
        return capture.get()

    assert "Reading" in shown()
    sizes = {"rows": 41, "valid_rows": 5, "test_rows": 14, "nodes": 8, "levels": 2, "source": "apps.csv"}
    board({"event": "data", **sizes})
    board({"event": "plan", "models": ["flat", "[red]"], "seeds": [0, 1], "left_out": {}})
    assert shown().count("waiting") == 2
    about = {"model": "flat", "seed": 0}
    board({"event": "run", "status": "started", **about})
    board({"event": "start", "step": 0, "steps": 30, "epochs": 3, **about})
    board({"event": "step", "step": 12, "steps": 30, "epoch": 1.2, "loss": 1.0, "seconds_left": 41.2, **about})
    assert "seed 0: epoch 2 of 3, 0:41 left" in shown()
    board({"event": "validation", "step": 20, "epoch": 2.0, **about})
    board({"event": "scoring", **about})
    assert "seed 0: scoring" in shown()
    done = {"status": "done", "train_seconds": 12.0, "stopped_by_time": False, "hierarchical_f1": 0.75}
    board({"event": "run", **about, **done, "path_accuracy": 0.6})
    assert "1 of 2 seeds done" in shown()
    board({"event": "run", "model": "flat", "seed": 1, **done, "path_accuracy": 0.7})
    row = next(line for line in shown().splitlines() if line.strip().startswith("flat"))
    assert row.split()[1:] == ["done", "65.0", "%", "75.0", "%", "12.0", "s"]
    board({"event": "run", "model": "[red]", "seed": 0, "status": "failed", "reason": "it [b]diverged"})
    assert "failed: it [b]diverged" in shown()
    board({"event": "comparing"})
    assert "Computing intervals and tests" in shown()
