"""The command line in several processes: one tells and writes, mistakes are told once, other commands are refused."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training; install the extra train")

from tiny_encoder import make_tiny_encoder
from training.apps import rows
from training.processes import in_processes

from textaxa._processes import Launched, launched


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("several")
    make_tiny_encoder(place / "tiny")
    texts, labels = rows(60)
    with (place / "apps.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerows(
            [("text", "path"), *((text, " > ".join(paths[0])) for text, paths in zip(texts, labels, strict=True))]
        )
    return place


TRAIN = ["train", "apps.csv", "--text", "text", "--path", "path", "--encoder", "tiny", "--max-length", "32"]
TRAIN += ["--epochs", "1", "--no-references", "--set", "training.precision=fp32"]


def command(folder: Path, arguments: list[str]) -> tuple[int, str, str]:
    """Run a command as one of several processes; give its status, stdout and stderr."""
    rank = launched().rank
    out, err = folder / f"out-{rank}", folder / f"err-{rank}"
    for number, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    os.chdir(folder)
    sys.argv = ["textaxa", *arguments]
    from textaxa.cli import main

    try:
        main()
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    sys.stdout.flush()
    sys.stderr.flush()
    return status, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8")


def test_one_of_them_tells_and_writes(folder):
    first, second = in_processes(2, command, folder, [*TRAIN, "--out", "model"])
    assert first[0] == second[0] == 0
    assert "Saved: model" in first[1]
    assert first[2].count("epoch 1:") == 1
    assert second[1] == ""
    # PyTorch is imported here before the command line could tell it to be quiet; under torchrun it is, see below.
    assert [line for line in second[2].splitlines() if "reducer.cpp" not in line] == []
    assert (folder / "model" / "config.json").is_file()
    assert not (folder / "model.training").exists()


def test_as_many_processes_reproduce_every_bit(folder):
    first, second = in_processes(2, command, folder, ["reproduce", "model", "--out", "again"])
    assert (first[0], second[0]) == (0, 0), first[2]
    assert "The same model, to the last bit" in first[1]
    assert "Saved: again" in first[1]
    assert second[1] == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([*TRAIN, "--out", "apps.csv"], "is already there"),
        ([*TRAIN, "--out", "other", "--head", "linear"], "trains in one process, and 2 were started"),
        (["train", "-", *TRAIN[2:], "--out", "other"], "cannot all read one stdin"),
        (["train", "apps.csv", "--text", "nothing", *TRAIN[4:], "--out", "other"], "nothing"),
        (["info", "model"], "2 processes were started for `textaxa info`"),
    ],
)
def test_a_mistake_is_told_and_ends_all(folder, arguments, words):
    first, second = in_processes(2, command, folder, arguments)
    assert first[0] == second[0] == 2
    assert first[2].startswith("Error: ")
    assert words in " ".join(first[2].split())
    assert second[1] == ""
    assert not (folder / "other").exists()
    assert not (folder / "other.training").exists()


def test_torchrun_starts_it(folder):
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "textaxa"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*launcher, *TRAIN, "--out", "by-torchrun"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Saved: by-torchrun") == 1
    assert "reducer.cpp" not in done.stderr
    assert (folder / "by-torchrun" / "config.json").is_file()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, Launched()),
        ({"WORLD_SIZE": "4"}, Launched()),
        ({"WORLD_SIZE": "4", "RANK": "x", "MASTER_ADDR": "a"}, Launched()),
        ({"WORLD_SIZE": "4", "RANK": "3", "MASTER_ADDR": "a"}, Launched(3, 4, 3, 4)),
        (
            {"WORLD_SIZE": "4", "RANK": "3", "MASTER_ADDR": "a", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"},
            Launched(3, 4, 1, 2),
        ),
    ],
)
def test_a_launcher_is_known_by_its_environment(environment, expected):
    assert launched(environment) == expected
    assert launched(environment).main == (expected.rank == 0)
