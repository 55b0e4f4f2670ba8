"""The folder ``<out>.partial/`` in which `predict` writes, and from which an interrupted run goes on. ::

    out.csv.partial/
    ├── journal.json     what the run reads and answers with, rows that are safe, and how many bytes they are
    ├── lock             held by the process that writes
    └── rows             the output so far (Parquet: part-000000.parquet, …)

Rows are flushed to the disk before the journal that counts them is put in its place, so that after a crash the journal
is never ahead of the rows; what lies behind the counted ones is cut off. When all is written the rows take the place of
the target, and the folder goes. It also goes when a run ends early that could not go on: one from standard input.
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from textaxa._whole import removed
from textaxa.data._piecewise import PieceWriter
from textaxa.data._writers import plain_target, there_already, told
from textaxa.errors import ConfigError, DataError
from textaxa.jobs._interrupted import LOCK_FILE, held

JOURNAL = "journal.json"
"""By this name a folder is known as one that textaxa made."""

FORMAT = 1

SAVE_SECONDS = 2.0
"""Rows are saved after the first block that ends so long after the last save: a fast model would otherwise wait for the
disk fifty times a second. A crash costs no more than a block and this time; Ctrl-C costs nothing."""

_SAMPLE = 1 << 16
"""Bytes at both ends of the input that tell it from another."""

Identity = Mapping[str, Any]
"""What must be the same for rows to be gone on with: a value for each thing that a person could have changed."""


@dataclass
class Journal:
    """What is known of the rows that are safe.

    Attributes
    ----------
    identity
        Of the run; empty where it cannot be gone on with.
    rows
        How many input rows were answered.
    kept
        What `PieceWriter` needs to go on.
    tally
        What was counted about them.
    whole
        The file that takes the target's place, once all is written.
    """

    identity: dict[str, Any]
    rows: int = 0
    kept: int = 0
    tally: dict[str, Any] = field(default_factory=dict)
    whole: str = ""


class PartialOutput:
    """Writes rows beside their target; a context manager.

    Parameters
    ----------
    target
        The file that will be.
    format, columns
        Of the output.
    identity
        What the run reads and answers with. None: it cannot be gone on with.
    overwrite
        Replace a target that is there, and rows of an interrupted run that does not fit.
    restart
        Begin anew, even where an interrupted run could be gone on with.

    Attributes
    ----------
    journal : Journal
        ``journal.rows`` is where to go on: 0 for a new run.
    resumable : bool
        Whether it can be gone on with.

    Raises
    ------
    ConfigError
        Another process writes there; the folder was not made by textaxa; it holds rows of another run.
    DataError
        The target is there already, or cannot be written.
    """

    def __init__(
        self,
        target: Path,
        *,
        format: str,
        columns: Sequence[str],
        identity: Identity | None,
        overwrite: bool = False,
        restart: bool = False,
    ) -> None:
        self.target, self.folder, self._overwrite = target, partial_folder(target), overwrite
        self.resumable = identity is not None
        self._stack = ExitStack()
        self._saved = time.monotonic()
        self._counted: tuple[int, dict[str, Any]] | None = None
        _check_ours(self.folder)
        with told(str(target)):
            self._stack.enter_context(held(self.folder, doing="writing"))
        try:
            found = None if restart else _gone_on(self.folder, dict(identity or {}), format=format, overwrite=overwrite)
            self.journal = found or Journal(dict(identity or {}))
            if found is None:
                self._empty()
            self._pieces = PieceWriter(self.folder, target.name, format=format, columns=columns, kept=self.journal.kept)
        except BaseException:
            self._stack.close()
            raise

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows."""
        self._counted = None
        self._pieces.write(rows)

    def write_ordered(self, rows: Sequence[Sequence[Any]]) -> None:
        """Write rows that have a value for every column."""
        self._counted = None
        self._pieces.write_ordered(rows)

    def counted(self, rows: int, tally: dict[str, Any]) -> None:
        """Tell how many input rows all that was written answers, and what was counted about them; saved in time."""
        self._counted = rows, tally
        if self.resumable and time.monotonic() - self._saved >= SAVE_SECONDS:
            self.stop()

    def stop(self) -> None:
        """Bring rows and journal to the disk, unless rows were written that are not counted: then they are lost."""
        if self._counted is None or not self.resumable:
            return
        rows, tally = self._counted
        journal = Journal(self.journal.identity, rows, self._pieces.save(), tally)
        with told(str(self.target)):
            self._write_journal(journal)
        self.journal = journal
        self._saved = time.monotonic()

    def keep(self) -> None:
        """Put the whole output in its place.

        Raises
        ------
        DataError
            A file of its name has come meanwhile, or the disk fails.
        """
        whole = self._pieces.whole()
        if not self._overwrite and self.target.exists():
            raise DataError(there_already(self.target))
        with told(str(self.target)):
            self._write_journal(replace(self.journal, whole=whole.name))
            whole.replace(self.target)
        removed(self.folder, last=JOURNAL, keep=LOCK_FILE)

    def __enter__(self) -> "PartialOutput":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._pieces.close()
        if error is not None and not (self.resumable and self.journal.rows):
            removed(self.folder, last=JOURNAL, keep=LOCK_FILE)
        self._stack.close()

    def _empty(self) -> None:
        """Take the folder for a new run. There is a journal all the time, so that rows are never anybody's."""
        with told(str(self.target)):
            self._write_journal(self.journal)
            for found in self.folder.iterdir():
                if found.name not in (LOCK_FILE, JOURNAL):
                    found.unlink()

    def _write_journal(self, journal: Journal) -> None:
        new = self.folder / f"{JOURNAL}.new"
        values = {"format": FORMAT, **vars(journal)}
        with new.open("w", encoding="utf-8") as file:
            json.dump(values, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.folder / JOURNAL)
        _sync_folder(self.folder)


def sweep(target: Path) -> None:
    """Remove the folder of a run that was killed when its output was in its place, and nothing was left to do."""
    folder = partial_folder(target)
    if not target.exists() or not _is_ours(folder):
        return
    with suppress(ConfigError, OSError), held(folder, doing="writing"):
        found = _read_journal(folder)
        if found is None or (found.whole and not (folder / found.whole).exists()):
            removed(folder, last=JOURNAL, keep=LOCK_FILE)


def partial_folder(target: Path) -> Path:
    """Give the folder of a target's rows: beside it, so that both are on one disk."""
    return target.with_name(f"{target.name[:200]}.partial")


def target_of(output: str | Path, *, overwrite: bool) -> Path | None:
    """Give the file to write, or None where the output is a stream or a device, on which nothing can be gone on with.

    Raises
    ------
    DataError
        It is there already, is a folder, or its folder is not there.
    """
    return None if str(output) == "-" else plain_target(Path(output), overwrite=overwrite)


def identity_of_file(file: Path) -> str:
    """Give what tells a file from another, and from itself after a change: size, time of change, both ends."""
    about = file.stat()
    with file.open("rb") as stream:
        ends = stream.read(_SAMPLE)
        stream.seek(max(0, about.st_size - _SAMPLE))
        ends += stream.read(_SAMPLE)
    return f"{about.st_size} bytes, changed {about.st_mtime_ns}, {hashlib.sha256(ends).hexdigest()}"


def _gone_on(folder: Path, identity: dict[str, Any], *, format: str, overwrite: bool) -> Journal | None:
    """Give the journal of a run to go on with; None where there is none, or it shall be given up."""
    found = _read_journal(folder)
    if found is None or not found.rows:
        return None
    other = [name for name in {**identity, **found.identity} if identity.get(name) != found.identity.get(name)]
    whole = PieceWriter.has(folder, found.kept, format=format)
    if identity and not other and whole:
        return found
    if overwrite:
        return None
    why = f"is of another run ({', '.join(other)} changed)" if other else "has lost rows"
    if not identity:
        why = "is of another run, and this one reads or writes what cannot be gone on with"
    raise ConfigError(
        f"{str(folder)!r} holds {found.rows:,} answered rows of an interrupted run, but it {why}. Give the command of "
        "that run to go on with it, or add --restart to give it up."
    )


def _read_journal(folder: Path) -> Journal | None:
    try:
        values = json.loads((folder / JOURNAL).read_text(encoding="utf-8"))
        if values.pop("format") != FORMAT:
            raise ValueError
        journal = Journal(**values)
        sound = all(isinstance(count, int) and count >= 0 for count in (journal.rows, journal.kept))
        if not sound or not isinstance(journal.identity, dict) or not isinstance(journal.tally, dict):
            raise ValueError
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ConfigError(
            f"{str(folder / JOURNAL)!r} is damaged, or of another version of textaxa. Add --restart to begin anew."
        ) from error
    return journal


def _check_ours(folder: Path) -> None:
    """Refuse a folder that textaxa did not make; one with nothing but a lock is of a run that was killed just then."""
    if not folder.exists() and not folder.is_symlink():
        return
    if not _is_ours(folder):
        raise ConfigError(
            f"{str(folder)!r} is there and was not made by textaxa, so it is left alone. The output is written there "
            "until it is complete: rename it, or name another output (-o)."
        )


def _is_ours(folder: Path) -> bool:
    return folder.is_dir() and (
        (folder / JOURNAL).is_file() or all(one.name in (LOCK_FILE, f"{JOURNAL}.new") for one in folder.iterdir())
    )


def _sync_folder(folder: Path) -> None:
    """Bring a rename to the disk, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
