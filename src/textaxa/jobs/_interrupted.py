"""The sibling folder ``<out>.training/`` in which a run keeps its checkpoints and what it was told.

It is removed when the model is saved. What is left after Ctrl-C, a crash or a full disk is enough for
``textaxa train --resume --out <out>``.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from textaxa.config import Config
from textaxa.errors import ConfigError
from textaxa.jobs._listener import Interrupted

CONFIG_FILE = "config.json"
NOTHING_KEPT = "Stopped before the first checkpoint of training; nothing was kept, nothing was changed."


def training_folder(out: Path) -> Path:
    """Give the folder of a run's checkpoints: beside the model, so that both are on one disk."""
    return out.parent / f"{out.name}.training"


def has_checkpoint(folder: Path) -> bool:
    """Tell whether there is something to go on from."""
    return any(folder.glob("checkpoint-*/trainer_state.json"))


def recorded_settings(out: Path) -> dict[str, Any]:
    """Give what an interrupted run was told, as nested mappings that `Config.from_dict` takes.

    Raises
    ------
    ConfigError
        There is no interrupted run.
    """
    file = training_folder(out) / CONFIG_FILE
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(
            f"There is no interrupted run to resume for {str(out)!r}: {str(file.parent)!r} is not there. "
            "Check --out, or start without --resume."
        ) from error
    except ValueError as error:
        raise ConfigError(
            f"{str(file)!r} is damaged. Remove {str(file.parent)!r} and start without --resume."
        ) from error
    if not isinstance(values, dict):
        raise ConfigError(f"{str(file)!r} is damaged. Remove {str(file.parent)!r} and start without --resume.")
    return values


def record_settings(config: Config, folder: Path) -> None:
    """Keep what a run was told. Files are named from the root, so that it can be resumed from anywhere."""
    folder.mkdir(parents=True, exist_ok=True)
    data = replace(config.data, table=_absolute(config.data.table), valid=_absolute(config.data.valid))
    values = {
        "data": asdict(data),
        "taxonomy": asdict(replace(config.taxonomy, file=_absolute(config.taxonomy.file))),
        "encoder": asdict(config.encoder),
        "head": {"name": config.head, **asdict(config.head_settings)},
        "training": asdict(config.training),
    }
    (folder / CONFIG_FILE).write_text(json.dumps(values, ensure_ascii=False, indent=1), encoding="utf-8")


def prepare(folder: Path, *, resume: bool, overwrite: bool) -> None:
    """Make way for a new run, or refuse to: the checkpoints of an interrupted one are hours of work.

    Raises
    ------
    ConfigError
        There are checkpoints, and neither resuming nor overwriting was asked for.
    """
    if resume or not folder.exists():
        return
    if has_checkpoint(folder) and not overwrite:
        raise ConfigError(
            f"{str(folder)!r} holds the checkpoints of an interrupted run. Go on with it by adding --resume, "
            "or give it up by adding --overwrite."
        )
    if (folder / CONFIG_FILE).exists():
        shutil.rmtree(folder)


@contextmanager
def checkpoints_kept(folder: Path, out: Path) -> Iterator[None]:
    """Tell what is left when a run ends before its model is saved; a folder without a checkpoint is of no use and goes.

    Raises
    ------
    Interrupted
        In place of the KeyboardInterrupt of the block.
    """
    try:
        yield
    except BaseException as error:
        kept = has_checkpoint(folder)
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
        if not isinstance(error, KeyboardInterrupt):
            raise
        raise Interrupted(_told(folder, out) if kept else NOTHING_KEPT) from None


def _told(folder: Path, out: Path) -> str:
    return f"Stopped; a checkpoint is in {str(folder)!r}. Go on with: textaxa train --resume --out {out}"


def _absolute(name: str | None) -> str | None:
    return name if name in (None, "-") else str(Path(name).resolve())
