"""A folder that appears whole or not at all, and that can be checked file by file."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from textaxa.errors import ModelFileError


@contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """Give an empty folder to write to; when the block ends well it takes the place of ``target``.

    Everything is on disk before the swap. The old folder is moved aside first and removed last, so a process that is
    killed anywhere leaves the old one or the new one whole: at ``target``, or beside it, where `settled` finds it.
    """
    settled(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.new-", dir=target.parent))
    try:
        yield fresh
        _flush(fresh)
        fresh.chmod(0o777 & ~_umask())
        if target.exists():
            target.rename(_aside(target))
        fresh.rename(target)
        _flush_one(target.parent)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        settled(target)
        raise
    shutil.rmtree(_aside(target), ignore_errors=True)


def settled(target: Path) -> None:
    """Finish a swap that was killed half-way: bring the old folder back if the new one had not yet taken its place."""
    aside = _aside(target)
    if aside.exists():
        if target.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.rename(target)


def _aside(target: Path) -> Path:
    return target.parent / f".{target.name}.old"


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
        path = (folder / name).resolve()
        if not path.is_relative_to(root):
            raise ModelFileError(
                f"{folder}: config.json lists {name!r}, which lies outside the model folder. Do not use it."
            )
        if not path.is_file():
            raise ModelFileError(f"{folder}: the file {name!r} is missing. Copy the whole folder again, or train anew.")
        expected = recorded if isinstance(recorded, Mapping) else {}
        if path.stat().st_size != expected.get("bytes") or _sha256(path) != expected.get("sha256"):
            raise ModelFileError(
                f"{folder}: the file {name!r} is damaged or was changed: it is not the one that was saved "
                f"({path.stat().st_size} bytes, {expected.get('bytes')} expected). "
                "Copy the whole folder again, or train anew."
            )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
