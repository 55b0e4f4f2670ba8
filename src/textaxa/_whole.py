"""Small files that are there whole or not at all, and folders that go in an order that leaves them known as ours.

A text and its file come in; a process that is killed anywhere leaves what was there before, or all of the new.
"""

import os
import shutil
from pathlib import Path


def write_whole(file: Path, text: str) -> None:
    """Write a small text file in UTF-8: beside its place, to the disk, and then into its place.

    Raises
    ------
    OSError
        The disk is full or cannot be written. What was there is as it was.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "run.json"
    >>> write_whole(place, "{}")
    >>> place.read_text(), [one.name for one in place.parent.iterdir()]
    ('{}', ['run.json'])
    """
    fresh = beside(file)
    try:
        with fresh.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(file)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def beside(file: Path) -> Path:
    """Give the name under which a file is written before it is whole."""
    return file.with_name(f".{file.name}.new")


def emptied(folder: Path, *, last: str, keep: str) -> None:
    """Remove what is in a folder but the file ``keep``; the file by which it is known as ours goes last.

    Killed half-way, the folder can still be told from somebody's own.
    """
    found = sorted(folder.iterdir(), key=lambda one: one.name == last)
    for one in found:
        if one.name == keep:
            continue
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one)
        else:
            one.unlink(missing_ok=True)


def removed(folder: Path, *, last: str, keep: str) -> None:
    """Remove a folder that is done with, as `emptied` does, and then itself; what cannot be removed stays."""
    try:
        emptied(folder, last=last, keep=keep)
    except OSError:
        return
    shutil.rmtree(folder, ignore_errors=True)
