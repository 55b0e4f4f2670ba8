"""Help, version, completion, unknown commands; and that help answers at once."""

import os
import subprocess
import sys
import time

import pytest

COMMANDS = ["train", "predict", "evaluate", "check", "init", "info", "demo"]
VERBS = ["show", "check", "convert", "diff"]
EVERY = [[name] for name in COMMANDS] + [["taxonomy"]] + [["taxonomy", verb] for verb in VERBS]

HELP_LIMIT = 0.5
"""Seconds; measured as the best of several, since other processes share the machine."""


@pytest.mark.parametrize("command", EVERY, ids=" ".join)
def test_every_command_has_help_with_an_example(run, command):
    done = run(*command, "--help")
    assert done.exit_code == 0
    assert "Example" in done.stdout
    assert f"textaxa {' '.join(command)}" in done.stdout.split("Example", 1)[1]


def test_the_root_help_lists_every_command(run):
    done = run("--help")
    assert all(name in done.stdout for name in [*COMMANDS, "taxonomy"])


def test_help_is_under_half_a_second():
    best = min(_seconds_of_help() for _ in range(5))
    assert best < HELP_LIMIT


def _seconds_of_help() -> float:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "textaxa", "--help"],
        check=True,
        capture_output=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    return time.perf_counter() - began


def test_the_version(run):
    from textaxa import __version__

    assert run("--version").stdout == f"textaxa {__version__}\n"


def test_completion_is_offered(run):
    done = run("--help")
    assert "--install-completion" in done.stdout


def test_the_shell_is_given_the_commands_and_options():
    env = {**os.environ, "_TEXTAXA_COMPLETE": "complete_bash", "COMP_WORDS": "textaxa pre", "COMP_CWORD": "1"}
    command = [sys.executable, "-c", "import sys; sys.argv[0] = 'textaxa'; from textaxa.cli import main; main()"]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert "predict" in done.stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["trian"], "train"),
        (["predict"], "model"),
        (["predict", "m", "--txt", "a"], "--txt"),
        (["train", "apps.csv", "--epochs", "three", "--out", "m"], "three"),
        (["train", "apps.csv"], "--out"),
    ],
)
def test_usage_mistakes_end_with_2_on_stderr(run, args, message):
    done = run(*args)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stdout == ""


def test_each_error_of_the_library_is_one_paragraph(run, monkeypatch, tmp_path):
    from textaxa.errors import MissingExtraError

    def fail(*args, **kwargs):
        raise MissingExtraError("This needs the package 'torch'. Install it with: pip install \"textaxa[train]\"")

    monkeypatch.setattr("textaxa.jobs._model.require", fail)
    table = tmp_path / "t.csv"
    table.write_text("text\na\n")
    done = run("predict", tmp_path / "m", table)
    assert done.exit_code == 2
    assert done.stderr == "Error: This needs the package 'torch'. Install it with: pip install \"textaxa[train]\"\n"
