"""A folder that appears whole or not at all, and that can be checked file by file."""

import glob
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from textaxa.errors import ModelFileError

try:
    import fcntl
except ImportError:  # Windows: there, two processes that save in one place at once are not told apart
    fcntl = None  # type: ignore[assignment]

_OLD = ".old"


@contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder to write to; when the block ends well it takes the place of ``target``.

    Everything is on disk before the swap. The old folder is moved aside first and removed last, so a process that is
    killed anywhere leaves the old one or the new one whole: at ``target``, or beside it, where `settled` finds it. What
    killed processes left half written is removed by the next one that writes there. Of several that write at once, each
    swaps its whole folder in, one after the other.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with _scratch(target) as scratch:
        fresh = scratch / "new"
        fresh.mkdir()
        yield fresh
        _flush(fresh)
        fresh.chmod(0o777 & ~_umask())
        with _alone(target.parent):
            _settled(target)
            if target.exists():
                target.rename(_aside(target))
            try:
                fresh.rename(target)
            except BaseException:
                _settled(target)
                raise
            if _aside(target).exists():
                _aside(target).rename(scratch / "old")
        _flush_one(target.parent)


def settled(target: Path) -> None:
    """Finish a swap that was killed half-way: bring the old folder back if the new one had not yet taken its place."""
    if _aside(target).exists():
        with at_rest(target):  # else a swap that goes on just now would be taken for a killed one
            pass


@contextmanager
def at_rest(target: Path) -> Iterator[None]:
    """Look at a folder, or at its absence, while nobody swaps it: what is seen there is of one folder."""
    with _alone(target.parent):
        _settled(target)
        yield


def _settled(target: Path) -> None:
    aside = _aside(target)
    if aside.exists():
        if target.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.rename(target)


def _aside(target: Path) -> Path:
    return target.parent / f".{target.name}{_OLD}"


@contextmanager
def _scratch(target: Path) -> Iterator[Path]:
    """Give a folder beside the target that is held by this process as long as it writes, and gone afterwards."""
    with _alone(target.parent):
        _settled(target)
        _sweep(target)
        scratch = Path(tempfile.mkdtemp(prefix=f"{_scratch_name(target)}-", dir=target.parent))
        held = _locked(scratch, wait=True)
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        _let_go(held)


def _scratch_name(target: Path) -> str:
    return f".{target.name}.new"


def _sweep(target: Path) -> None:
    """Remove the folders of killed processes: those that nobody holds."""
    if fcntl is None:
        return
    for left in target.parent.glob(f"{glob.escape(_scratch_name(target))}-*"):
        if left.is_symlink() or not left.is_dir() or left.name.endswith(_OLD):
            continue
        held = _locked(left, wait=False)
        if held is not None:
            shutil.rmtree(left, ignore_errors=True)
            _let_go(held)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Have a folder's names to oneself for the moment of a swap; the system lets go when the process ends."""
    held = _locked(folder, wait=True)
    try:
        yield
    finally:
        _let_go(held)


def _locked(folder: Path, *, wait: bool) -> int | None:
    """Lock a folder; None where another process has it, or where the system cannot lock folders."""
    if fcntl is None:
        return None
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        os.close(handle)
        return None
    return handle


def _let_go(handle: int | None) -> None:
    if handle is not None:
        os.close(handle)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _flush(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        _flush_one(path)
    _flush_one(folder)


def _flush_one(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # Windows has no way to flush a folder
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def fingerprints(folder: Path) -> dict[str, dict[str, Any]]:
    """Give size in bytes and sha256 of every file below a folder, by its name with forward slashes."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": _sha256(path)} for path in files
    }


def verify(folder: Path, files: Mapping[str, Any]) -> None:
    """Compare files with their recorded sizes and sums.

    Raises
    ------
    ModelFileError
        A file is missing, is of another size, or has other bytes than were written; a name leads out of the folder.
    """
    root = folder.resolve()
    for name, recorded in files.items():
        path = _resolved(folder, name)
        if path is not None and not path.is_relative_to(root):
            raise ModelFileError(
                f"{folder}: config.json lists {name!r}, which lies outside the model folder. Do not use it."
            )
        if path is None or not path.is_file():
            raise ModelFileError(f"{folder}: the file {name!r} is missing. Copy the whole folder again, or train anew.")
        expected = recorded if isinstance(recorded, Mapping) else {}
        if path.stat().st_size != expected.get("bytes") or _sha256(path) != expected.get("sha256"):
            raise ModelFileError(
                f"{folder}: the file {name!r} is damaged or was changed: it is not the one that was saved "
                f"({path.stat().st_size} bytes, {expected.get('bytes')} expected). "
                "Copy the whole folder again, or train anew."
            )


def _resolved(folder: Path, name: str) -> Path | None:
    """Give the place of a file that a configuration names; None where no file can have that name."""
    try:
        path = (folder / name).resolve()
        path.stat()
    except FileNotFoundError:
        return path
    except (OSError, ValueError, RuntimeError):  # too long, a zero byte, links in a circle
        return None
    return path


def check_no_strangers(folder: Path, files: Mapping[str, Any]) -> None:
    """Refuse links that lead out, and files of the encoder that nobody recorded: transformers would read them.

    Raises
    ------
    ModelFileError
        There is one.
    """
    root = folder.resolve()
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink() and not path.resolve().is_relative_to(root):
            raise ModelFileError(f"{folder}: {name!r} is a link that leads out of the model folder. Do not use it.")
        if name.startswith("encoder/") and name not in files and path.is_file():
            raise ModelFileError(
                f"{folder}: {name!r} is not among the files that were saved. Remove it, or copy the whole folder again."
            )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
