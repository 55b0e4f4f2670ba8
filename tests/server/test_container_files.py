"""The container and compose files agree with the package: paths, extras, options, routes, user, time-outs.

Whether the image's steps work is tried by ``benchmarks/serve/container.py``, which needs the package index.
"""

import json
import re
import shlex
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
import typer
import yaml

from textaxa.cli._app import app
from textaxa.server import ServerSettings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def steps():
    """Give instructions and their arguments, lines that go on joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Containerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [tuple(line.split(maxsplit=1)) for line in lines if line.strip()]


@pytest.fixture(scope="module")
def last_stage(steps):
    begin = max(i for i, (name, _) in enumerate(steps) if name == "FROM")
    return steps[begin:]


@pytest.fixture(scope="module")
def compose():
    (service,) = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"].values()
    return service


def one(steps, name):
    (found,) = [arguments for step, arguments in steps if step == name]
    return found


def options_of(command):
    return [word for word in command if word.startswith("--")]


def known_options():
    serve = typer.main.get_command(app).commands["serve"]
    return {option for parameter in serve.params for option in parameter.opts}


def test_what_is_copied_is_there_and_not_ignored(steps):
    kept = [
        line[1:] for line in (ROOT / ".containerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"
    ]
    for name, arguments in steps:
        if name == "COPY" and not arguments.startswith("--from"):
            for source in arguments.split()[:-1]:
                assert (ROOT / source).exists(), source
                assert any(fnmatch(source, pattern) for pattern in kept), source


def test_only_the_light_core_is_installed(steps):
    (install,) = [arguments for name, arguments in steps if name == "RUN" and "pip install" in arguments]
    assert "[serve]" in install
    assert "constraints.txt" in install
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    brought = " ".join(extras["serve"] + extras["runtime"])
    assert "runtime" in extras["serve"][0]
    assert not re.search("torch|transformers|scikit-learn", brought)


def test_every_version_is_pinned():
    pinned = {
        line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    }
    for package in ("fastapi", "starlette", "uvicorn", "prometheus_client", "onnxruntime", "tokenizers", "pydantic"):
        assert package in pinned


def test_the_image_runs_without_rights(last_stage):
    user = one(last_stage, "USER")
    assert user.isdigit()
    assert int(user) > 0
    after = last_stage[[name for name, _ in last_stage].index("USER") :]
    assert not [name for name, _ in after if name in ("RUN", "COPY", "ADD")]
    assert "pip" not in " ".join(arguments for name, arguments in last_stage if name == "RUN")


def test_the_entry_point_is_a_command_with_options_that_it_has(last_stage):
    command = json.loads(one(last_stage, "ENTRYPOINT"))
    assert command[:2] == ["textaxa", "serve"]
    assert set(options_of(command)) <= known_options()
    assert command[command.index("--port") + 1] == one(last_stage, "EXPOSE")
    assert one(last_stage, "STOPSIGNAL") == "SIGTERM"


def test_the_health_check_asks_what_the_service_answers(last_stage):
    check = one(last_stage, "HEALTHCHECK")
    code = json.loads(check[check.index("[") :])[-1]
    compile(code, "check", "exec")
    assert f":{one(last_stage, 'EXPOSE')}/health/ready" in code


def test_compose_agrees_with_the_image_and_the_settings(compose, last_stage):
    assert set(options_of(compose["command"])) <= known_options()
    assert (ROOT / compose["build"]["dockerfile"]).is_file()
    (port,) = compose["ports"]
    assert port.endswith(f":{one(last_stage, 'EXPOSE')}")
    assert compose["read_only"] is True
    assert "/tmp" in compose["tmpfs"]  # noqa: S108 -- where workers count together
    assert compose["cap_drop"] == ["ALL"]
    assert {"mem_limit", "cpus", "pids_limit"} <= set(compose)
    assert int(compose["stop_grace_period"].removesuffix("s")) > ServerSettings().drain
    mounts = [
        volume.split(":", 1)[1] if not volume.startswith("$") else volume.split("}:")[1]
        for volume in compose["volumes"]
    ]
    model = next(mount for mount in mounts if mount.startswith(compose["command"][0]))
    assert model.endswith(":ro")
    feedback = compose["command"][compose["command"].index("--feedback") + 1]
    assert str(Path(feedback).parent) in mounts
    assert str(Path(feedback).parent) in json.loads(one(last_stage, "VOLUME"))


def test_compose_takes_keys_from_a_secret(compose):
    (secret,) = compose["secrets"]
    assert compose["command"][compose["command"].index("--keys-file") + 1] == f"/run/secrets/{secret}"
    assert "TEXTAXA_KEYS" not in shlex.join(map(str, compose["environment"]))
