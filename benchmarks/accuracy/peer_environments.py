"""A virtual environment for each peer, with pinned versions, under ``$TEXTAXA_PEERS`` (where not set: ``build/peers``).

    python benchmarks/accuracy/peer_environments.py               # all that are not there yet
    python benchmarks/accuracy/peer_environments.py hiclass pecos

Which package index is asked is pip's own setting. One that cannot be installed is skipped with the reason. The pins are
for Python 3.11 or 3.12 on Linux: fastText and PECOS have no wheels elsewhere. LibMultiLabel's solver is compiled.
"""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

from _peers import PEERS, REPOSITORY, REQUIREMENTS

TORCH = "torch==2.13.0"
FIRST = dict.fromkeys(("setfit", "gliclass", "hiagm", "revisitinghtc"), TORCH)
"""Installed before the rest, so that the build that is meant is there when others ask for torch."""

ALONE = {"pecos": "libpecos==1.2.8"}
"""Installed last and without what it asks for: PECOS wants PyTorch and transformers, which XR-Linear never imports."""


def home() -> Path:
    """Give the folder of the environments."""
    return Path(os.environ.get("TEXTAXA_PEERS", REPOSITORY / "build" / "peers")).resolve()


def interpreter(name: str) -> Path:
    """Give the Python of an environment, which may not be there."""
    return home() / name / "bin" / "python"


def reason_missing(name: str) -> str | None:
    """Say why an environment cannot be used, or None."""
    if (home() / name / "ready").is_file():
        return None
    return f"No environment {name}: python benchmarks/accuracy/peer_environments.py {name} makes it."


def make(name: str) -> str | None:
    """Make an environment unless it is there; give the reason where that fails."""
    if reason_missing(name) is None:
        return None
    folder = home() / name
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    for step in _steps(name):
        command = [interpreter(name), "-m", "pip", "install", "--quiet", *step]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            return _last(done.stderr)
    (folder / "ready").touch()
    return None


def _steps(name: str) -> list[list[str]]:
    steps = [[FIRST[name]]] if name in FIRST else []
    steps.append(["--prefer-binary", "--requirement", str(REQUIREMENTS / f"{name}.txt")])
    return [*steps, ["--no-deps", ALONE[name]]] if name in ALONE else steps


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("ERROR")] or text.splitlines()
    return lines[-1] if lines else "pip failed without a word"


def main(names: list[str]) -> None:
    """Make the named environments, or all."""
    known = list(dict.fromkeys(peer.environment for peer in PEERS))
    unknown = sorted(set(names) - set(known))
    if unknown:
        sys.exit(f"No environment {', '.join(unknown)}. There are: {', '.join(known)}.")
    for name in names or known:
        reason = make(name)
        print(f"{name}: skipped, {reason}" if reason else f"{name}: ready", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
