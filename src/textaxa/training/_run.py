"""The surroundings of a run: its own seeds, its checkpoints, and whether a checkpoint belongs to it."""

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from textaxa._whole import write_whole
from textaxa.data import rows_fingerprint
from textaxa.errors import ConfigError
from textaxa.settings import ModelSettings
from textaxa.taxonomy import Taxonomy
from textaxa.training._together import Together

_RUN_FILE = "run.json"


@contextmanager
def local_seeds(seed: int) -> Iterator[None]:
    """Seed Python, NumPy and PyTorch for a block, and leave their global states as they were."""
    states = random.getstate(), np.random.get_state()  # what has to be kept is the global state
    devices = list(range(torch.cuda.device_count()))
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])


def run_fingerprint(
    texts: Sequence[str], labels: Sequence[Any], valid: Any, taxonomy: Taxonomy, settings: ModelSettings
) -> str:
    """Name a run by everything that decides its result: rows, taxonomy, settings."""
    digest = hashlib.sha256(taxonomy.fingerprint.encode())
    digest.update(json.dumps(asdict(settings), sort_keys=True).encode())
    for rows in ((texts, labels), valid or ((), ())):
        digest.update(rows_fingerprint(*rows).encode())
    return digest.hexdigest()


def weights_fingerprint(module: torch.nn.Module) -> str:
    """Name the weights that a run starts from: a SHA-256 of their names and bytes, in hexadecimal."""
    digest = hashlib.sha256()
    for name, value in module.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def open_together(folder: Path, fingerprint: str, together: Together, *, resume: bool) -> Path | None:
    """Prepare the checkpoint folder of a run in the main process; give all of them the checkpoint to go on from.

    Raises
    ------
    ConfigError
        As `open_run`; or the processes do not have the same rows and settings, or do not see the same folder.
    """
    last: Path | None = None
    with together.all_or_none():
        if together.main:
            last = open_run(folder, fingerprint, resume=resume)
    with together.all_or_none():
        if together.told(fingerprint) != fingerprint:
            raise ConfigError(
                "The rows, the taxonomy or the settings here are not those of process 1. Give all processes the same "
                "command and the same files."
            )
        if _recorded(folder / _RUN_FILE) != fingerprint:
            raise ConfigError(
                f"{str(folder)!r} is not the folder that process 1 writes its checkpoints to. Put the output on "
                "storage that all hosts share, under the same name."
            )
    name = together.told(last and last.name)
    return None if name is None else folder / name


def open_run(folder: Path, fingerprint: str, *, resume: bool) -> Path | None:
    """Prepare the checkpoint folder of a run; give the checkpoint to go on from, if there is one to go on from.

    Raises
    ------
    ConfigError
        The folder holds checkpoints of another run, or of this one although resuming was not asked for.
    """
    file = folder / _RUN_FILE
    last = last_checkpoint(folder)
    if last is not None and not resume:
        raise ConfigError(
            f"{folder} holds checkpoints of an interrupted run. Resume it (--resume), or remove the folder to start "
            "anew."
        )
    if last is not None and _recorded(file) != fingerprint:
        raise ConfigError(
            f"The interrupted run in {folder} had other rows, another taxonomy or other settings, so it cannot be "
            "resumed with these. Give the same ones, or remove the folder to start anew."
        )
    folder.mkdir(parents=True, exist_ok=True)
    if last is None:  # else it says so already
        write_whole(file, json.dumps({"run": fingerprint}))
    return last


def last_checkpoint(folder: Path) -> Path | None:
    """Find the newest whole checkpoint: the Trainer writes ``trainer_state.json`` last."""
    if not folder.is_dir():
        return None
    steps = [p for p in folder.glob("checkpoint-*") if p.name.removeprefix("checkpoint-").isdigit()]
    whole = [p for p in steps if _is_json(p / "trainer_state.json")]
    return max(whole, key=lambda p: int(p.name.removeprefix("checkpoint-")), default=None)


def stopped_early(checkpoint: Path, patience: int) -> bool:
    """Tell whether early stopping had ended the run at this checkpoint: then there is nothing left to train."""
    counters = _kept_by(checkpoint, "EarlyStoppingCallback")
    return patience > 0 and counters.get("early_stopping_patience_counter", 0) >= patience


def time_was_over(checkpoint: Path) -> bool:
    """Tell whether the time budget had ended the run at this checkpoint: then there is nothing left to train."""
    return bool(_kept_by(checkpoint, "TimeBudget").get("over", False))


def _kept_by(checkpoint: Path, callback: str) -> dict[str, Any]:
    kept: dict[str, Any] = _state(checkpoint).get("stateful_callbacks", {}).get(callback, {}).get("attributes", {})
    return kept


def best_checkpoint(checkpoint: Path) -> Path:
    """Give the checkpoint of the best epoch, as one of the same run knows it; the folder may have been moved.

    Without validation no epoch is the best; then it is the last.
    """
    step = _state(checkpoint)["best_global_step"]
    return checkpoint if step is None else checkpoint.parent / f"checkpoint-{step}"


def history(checkpoint: Path) -> tuple[list[dict[str, Any]], int]:
    """Give the Trainer's log, and the step of the best epoch."""
    state = _state(checkpoint)
    return state["log_history"], state["best_global_step"]


def _state(checkpoint: Path) -> dict[str, Any]:
    state: dict[str, Any] = json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    return state


def _is_json(file: Path) -> bool:
    try:
        json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


def _recorded(file: Path) -> str | None:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found.get("run") if isinstance(found, dict) else None
