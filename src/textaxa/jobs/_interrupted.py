"""The sibling folder ``<out>.training/`` in which a run keeps its checkpoints and what it was told.

It is removed when the model is saved. What is left after Ctrl-C, a crash or a full disk is enough for
``textaxa train --resume --out <out>``. A folder of that name that textaxa did not make is never touched, and two
processes never train in the same one.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from textaxa._whole import beside, emptied, removed, write_whole
from textaxa.config import Config
from textaxa.errors import ConfigError
from textaxa.jobs._listener import Interrupted

try:
    import fcntl
except ImportError:  # Windows: there, two trainings at once in one place are not told apart
    fcntl = None  # type: ignore[assignment]

CONFIG_FILE = "textaxa-run.json"
"""By this name a folder is known as one that textaxa made."""

LOCK_FILE = "lock"

FEEDBACK_FILE = "feedback.json"
"""How many corrections each file gave: a service goes on adding some, and a resumed run must have the same rows."""

VECTORS = "vectors.json"
"""What the head ``wide`` keeps of texts that it has encoded: hours of work, too."""

NOTHING_KEPT = "Stopped before the first checkpoint of training; nothing was kept, nothing was changed."


def training_folder(out: Path) -> Path:
    """Give the folder of a run's checkpoints: beside the model, so that both are on one disk."""
    return out.parent / f"{out.name}.training"


def has_checkpoint(folder: Path) -> bool:
    """Tell whether there is something to go on from."""
    return any(folder.glob("checkpoint-*/trainer_state.json")) or (folder / VECTORS).is_file()


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


def run_of(folder: Path) -> str | None:
    """Give the name of the run whose checkpoints a folder holds; None where it has none."""
    try:
        found = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        return found["run"] if isinstance(found["run"], str) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def sweep(out: Path) -> None:
    """Remove the folder of a run that was killed when its model was in its place, and nothing was left to do."""
    folder = training_folder(out)
    if not (out / "config.json").is_file() or not _is_ours(folder):
        return
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, ConfigError), held(folder):
        summary = json.loads((out / "config.json").read_text(encoding="utf-8"))["summary"]
        if not has_checkpoint(folder) or summary.get("run") == run_of(folder):
            removed(folder, last=CONFIG_FILE, keep=LOCK_FILE)


def record_feedback(folder: Path, counts: Mapping[str, int]) -> None:
    """Keep how many corrections each file gave to a run."""
    write_whole(folder / FEEDBACK_FILE, json.dumps(dict(counts), indent=1))


def recorded_feedback(folder: Path) -> dict[str, int]:
    """Give how many corrections each file gave to an interrupted run; nothing where that is not known."""
    try:
        found = json.loads((folder / FEEDBACK_FILE).read_text(encoding="utf-8"))
        return {str(file): count for file, count in found.items() if isinstance(count, int) and count >= 0}
    except (OSError, ValueError, AttributeError):
        return {}


def check(folder: Path, *, resume: bool, overwrite: bool) -> None:
    """Make sure that a run may have this folder; nothing is changed.

    Raises
    ------
    ConfigError
        It is somebody's own folder; another process trains there; or it holds checkpoints, which are hours of work,
        and neither resuming nor overwriting was asked for.
    """
    if not folder.exists():
        return
    if not _is_ours(folder):
        raise ConfigError(
            f"{str(folder)!r} is there and was not made by textaxa, so it is left alone. Checkpoints are kept under "
            "that name while a model is trained: rename it, or name another output with --out."
        )
    if (folder / LOCK_FILE).exists():
        with held(folder):
            pass
    _refuse_checkpoints(folder, resume=resume, overwrite=overwrite)


@contextmanager
def claimed(folder: Path, out: Path, config: Config, *, resume: bool, overwrite: bool) -> Iterator[None]:
    """Have the folder of a run's checkpoints for a block, with what the run was told in it.

    A block that ends well is done with it, and it goes. One that does not leaves it where there is a checkpoint to go
    on from.

    Raises
    ------
    ConfigError
        As `check`.
    Interrupted
        In place of the KeyboardInterrupt of the block; it tells what is left.
    """
    check(folder, resume=resume, overwrite=overwrite)
    with held(folder):
        _refuse_checkpoints(folder, resume=resume, overwrite=overwrite)
        if not resume:
            emptied(folder, last=CONFIG_FILE, keep=LOCK_FILE)
        if not (folder / CONFIG_FILE).exists():
            _record(config, folder)
        try:
            yield
        except BaseException as error:
            kept = has_checkpoint(folder)
            if not kept:
                removed(folder, last=CONFIG_FILE, keep=LOCK_FILE)
            if not isinstance(error, KeyboardInterrupt):
                raise
            raise Interrupted(_told(folder, out) if kept else NOTHING_KEPT) from None
        removed(folder, last=CONFIG_FILE, keep=LOCK_FILE)


def _is_ours(folder: Path) -> bool:
    """Tell whether textaxa made a folder: by its file, or by nothing in it but a lock and the file half written.

    These are of runs that were killed just then.
    """
    if not folder.is_dir():
        return False
    return (folder / CONFIG_FILE).is_file() or all(
        found.name in (LOCK_FILE, beside(folder / CONFIG_FILE).name) for found in folder.iterdir()
    )


def _refuse_checkpoints(folder: Path, *, resume: bool, overwrite: bool) -> None:
    if has_checkpoint(folder) and not (resume or overwrite):
        raise ConfigError(
            f"{str(folder)!r} holds the checkpoints of an interrupted run. Go on with it by adding --resume, "
            "or give it up by adding --overwrite."
        )


@contextmanager
def held(folder: Path, *, doing: str = "training") -> Iterator[None]:
    """Keep other processes out of a folder; the system lets go of it when this one ends, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = f"Another process is {doing} in {str(folder)!r}. Wait for it, or name another output."
    try:
        file = (folder / LOCK_FILE).open("a", encoding="utf-8")
    except FileNotFoundError:  # it was done, and took the folder away, since we looked
        raise ConfigError(taken) from None
    with file:
        if not _lock(file):
            raise ConfigError(taken)
        yield


def _lock(file: IO[str]) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks
    # The process that had it may have removed it between our opening and our locking: then it is nobody's any more.
    return os.fstat(file.fileno()).st_nlink > 0


def _record(config: Config, folder: Path) -> None:
    """Keep what a run was told. Files are named from the root, so that it can be resumed from anywhere."""
    values = config.with_files(lambda name: str(Path(name).resolve())).to_dict()
    # In ASCII: a file's name may hold bytes that are no characters, which only escapes carry there and back.
    write_whole(folder / CONFIG_FILE, json.dumps(values, indent=1))


def _told(folder: Path, out: Path) -> str:
    return f"Stopped; a checkpoint is in {str(folder)!r}. Go on with: textaxa train --resume --out {out}"
