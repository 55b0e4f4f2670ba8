"""Help, version, completion, unknown commands; and that help answers at once."""

import os
import subprocess
import sys

import pytest

resource = pytest.importorskip("resource", reason="processor time of children is told on Unix only")

COMMANDS = ["train", "predict", "evaluate", "select", "check", "audit", "init", "explain", "export", "info", "demo"]
VERBS = ["show", "check", "convert", "diff"]
EVERY = [[name] for name in COMMANDS] + [["taxonomy"]] + [["taxonomy", verb] for verb in VERBS]

HELP_LIMIT = 0.5
"""Seconds of processor time, the best of several: other processes share the machine."""


@pytest.mark.parametrize("command", EVERY, ids=" ".join)
def test_every_command_has_help_with_an_example(run, command):
    done = run(*command, "--help")
    assert done.exit_code == 0
    assert "Example" in done.stdout
    assert f"textaxa {' '.join(command)}" in done.stdout.split("Example", 1)[1]


def test_the_root_help_lists_every_command(run):
    done = run("--help")
    assert all(name in done.stdout for name in [*COMMANDS, "taxonomy"])


@pytest.mark.parametrize("command", [[], ["train"], ["taxonomy", "diff"]], ids=" ".join)
def test_help_is_under_half_a_second(command):
    assert min(_seconds_of_help(command) for _ in range(3)) < HELP_LIMIT


def _seconds_of_help(command) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", "textaxa", *command, "--help"], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


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
        (["train", "apps.csv", "--epochs", "three", "--out", "m"], "--epochs"),
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

    monkeypatch.setattr("textaxa.jobs.predict.opened", fail)
    table = tmp_path / "t.csv"
    table.write_text("text\na\n")
    done = run("predict", tmp_path / "m", table)
    assert done.exit_code == 2
    assert done.stderr == "Error: This needs the package 'torch'. Install it with: pip install \"textaxa[train]\"\n"
