"""Code that is fetched when it is run, and never part of this repository: a working copy at one fixed commit."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from _peer import Skip

SECONDS = 300
"""How long fetching may take."""


@dataclass(frozen=True)
class Source:
    """A public repository, the commit that was studied, and what is checked out of it (some hold large data)."""

    name: str
    url: str
    commit: str
    parts: tuple[str, ...]


HIAGM = Source(
    "HiAGM",
    "https://github.com/Alibaba-NLP/HiAGM.git",
    "d215dc7",
    ("config", "data_modules", "helper", "models", "train_modules", "LICENSE"),
)
REVISITING = Source(
    "revisitingHTC",
    "https://github.com/RomanPlaud/revisitingHTC.git",
    "47b81f1",
    ("configs", "data_modules", "helper", "models", "train_modules"),
)


def fetch(source: Source, cache: Path, clone: str | None = None) -> Path:
    """Give a folder with the code of a repository: the cached one, or a new one from ``clone`` or from the network.

    ``clone`` is a git repository on this machine, with or without a working tree.

    Raises
    ------
    Skip
        Where it cannot be fetched.
    """
    folder = cache / f"{source.name}-{source.commit}"
    if folder.is_dir():
        return folder
    draft = cache / f"{source.name}.part-{os.getpid()}"
    cache.mkdir(parents=True, exist_ok=True)
    try:
        # Blobs come with the checkout alone, so that the data in the repository stays where it is.
        _git("clone", "--quiet", "--no-checkout", "--filter=blob:none", clone or source.url, str(draft))
        _git("-C", str(draft), "checkout", "--quiet", source.commit, "--", *source.parts)
        draft.rename(folder)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired, FileNotFoundError) as error:
        shutil.rmtree(draft, ignore_errors=True)
        reason = getattr(error, "stderr", None) or str(error)
        raise Skip(
            f"{source.name} could not be fetched from {'the given clone' if clone else source.url}: "
            f"{reason.strip().splitlines()[-1]} A clone on this machine can be given (--clone)."
        ) from error
    return folder


def _git(*words: str) -> None:
    quiet = os.environ | {"GIT_TERMINAL_PROMPT": "0"}
    command = ["git", *words]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS, env=quiet)
