"""Ctrl-C, real processes, real signals: what is kept, what is said, and that resuming ends at the same model."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from toy_apps import TEXTAXA, app_rows, write_csv


def training(table, tiny, out, *more):
    return [
        "train", table, "--text", "text", "--labels", "category,subcategory", "--encoder", tiny, "--out", out,
        "--json", "--set", "encoder.max_length=48", "--set", "training.patience=0",
        "--set", "training.device=cpu", "--batch-size", "4", *more,
    ]  # fmt: skip


def test_interrupted_training_keeps_a_checkpoint_and_is_resumed(start, tiny, tmp_path):
    table, out = write_csv(tmp_path / "apps.csv", app_rows()), tmp_path / "m"
    cut = start(*training(table, tiny, out, "--epochs", "400"))
    for line in cut.stdout:
        if json.loads(line)["event"] == "validation":
            cut.send_signal(signal.SIGINT)
            break
    _, told = cut.communicate(timeout=300)
    assert cut.returncode == 130
    assert "textaxa train --resume --out" in told
    assert "Traceback" not in told
    assert told.count("\n") == 1
    assert not out.exists()
    assert (tmp_path / "m.training").is_dir()

    again = start(*training(table, tiny, out))
    _, told = again.communicate(timeout=300)
    assert again.returncode == 2, "the checkpoints of hours are not thrown away unasked"
    assert "--resume" in told

    other = start("train", "--resume", "--out", out, "--epochs", "5")
    _, told = other.communicate(timeout=300)
    assert other.returncode == 2
    assert "cannot be resumed" in told
    assert (tmp_path / "m.training").is_dir()


@pytest.mark.parametrize(("asked", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_interrupted_prediction_leaves_the_old_output(start, model, tmp_path, asked, status):
    out = tmp_path / "out.csv"
    out.write_text("old")
    running = start("predict", model, "-", "-o", out, "--overwrite")
    running.stdin.write("text\n" + "play football\n" * 60_000)
    running.stdin.flush()
    deadline = time.monotonic() + 120
    while len(list(tmp_path.iterdir())) == 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(list(tmp_path.iterdir())) == 2, "it writes beside the target"
    running.send_signal(asked)
    _, told = running.communicate(timeout=120)
    assert running.returncode == status
    assert "was not written" in told
    assert "Traceback" not in told
    assert out.read_text() == "old"
    assert list(tmp_path.iterdir()) == [out]


def test_a_reader_that_goes_away_ends_quietly(start, model, tmp_path):
    table = write_csv(tmp_path / "many.csv", [{"text": f"play football {i}"} for i in range(6000)])
    running = start("predict", model, table, "--quiet")
    assert running.stdout.readline() == "text,path,probability,depth,stopped\n"
    running.stdout.close()
    told = running.stderr.read()
    assert running.wait(timeout=120) == 141
    assert told == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full here")
def test_a_full_disk_is_told(model, apps):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*TEXTAXA, "predict", str(model), str(apps), "--quiet"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert "full" in done.stderr or "space" in done.stderr
    assert "Traceback" not in done.stderr
