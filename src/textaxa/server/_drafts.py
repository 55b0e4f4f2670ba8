"""Drafts of changed taxonomies: one a model, kept on disk after every edit, so that a restart loses nothing.

A draft is a list of edits over the taxonomy that is served, those that were undone, and a revision that grows with
every change: who changes a draft says which revision they saw, so that two editors never overwrite each other. Several
workers share one folder.
"""

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from textaxa.errors import TaxonomyError
from textaxa.server._problems import Refused
from textaxa.taxonomy import Edit, Taxonomy, edit_to_dict, edits_from_list

try:
    import fcntl
except ImportError:  # Windows has none; there a service has one worker, and threads are kept apart below
    fcntl = None  # type: ignore[assignment]

FORMAT, VERSION = "textaxa-draft", 1
MOST_EDITS = 10_000
"""Edits of a draft; all are applied anew after each."""


@dataclass(frozen=True)
class Draft:
    """What is wanted changed.

    Attributes
    ----------
    base
        Fingerprint of the taxonomy that the edits are about.
    revision
        Grows with every change.
    edits
        In order; paths of each are those after the ones before it.
    undone
        What can be done again, the last undone first.
    """

    base: str
    revision: int = 0
    edits: tuple[Edit, ...] = ()
    undone: tuple[Edit, ...] = ()

    def with_edit(self, edit: Edit) -> "Draft":
        """Give the draft with one more edit; what was undone cannot be done again."""
        if len(self.edits) >= MOST_EDITS:
            raise Refused(
                409, "too_many_edits", f"The draft has {MOST_EDITS:,} edits. Save a version, and go on with it."
            )
        return replace(self, edits=(*self.edits, edit), undone=())

    def undo(self) -> "Draft":
        """Give the draft without its last edit."""
        if not self.edits:
            raise Refused(409, "nothing_to_undo", "There is no edit to undo.")
        return replace(self, edits=self.edits[:-1], undone=(self.edits[-1], *self.undone))

    def redo(self) -> "Draft":
        """Give the draft with the edit that was undone last."""
        if not self.undone:
            raise Refused(409, "nothing_to_redo", "There is no edit to do again.")
        return replace(self, edits=(*self.edits, self.undone[0]), undone=self.undone[1:])

    def to_dict(self) -> dict[str, Any]:
        """Give what stands in the file."""
        told = {name: [edit_to_dict(edit) for edit in getattr(self, name)] for name in ("edits", "undone")}
        return {"format": FORMAT, "version": VERSION, "base": self.base, "revision": self.revision, **told}


@dataclass(frozen=True)
class SavedVersion:
    """One line of the history: a version that was saved."""

    name: str
    folder: str
    before: str
    created: str
    edits: int
    sentences: list[str]


class Drafts:
    """The draft and the history of one model, in a folder of their own.

    Parameters
    ----------
    folder
        ``<model>.edit`` beside the model, or in the folder that the service was given.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file, self._history = folder / "draft.json", folder / "history.jsonl"
        self._lock = threading.Lock()

    def read(self, taxonomy: Taxonomy) -> Draft:
        """Give the draft; an empty one where there is none, or where it has no edits.

        Raises
        ------
        Refused
            The file is damaged (status 409).
        """
        try:
            stored = json.loads(self._file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return Draft(taxonomy.fingerprint)
        except (OSError, ValueError, RecursionError) as error:
            raise self._damaged(str(error)) from error
        draft = self._parsed(stored)
        return draft if draft.edits or draft.undone else replace(draft, base=taxonomy.fingerprint)

    def _parsed(self, stored: Any) -> Draft:
        if not isinstance(stored, dict) or (stored.get("format"), stored.get("version")) != (FORMAT, VERSION):
            raise self._damaged("another format")
        base, revision = stored.get("base"), stored.get("revision")
        if not isinstance(base, str) or type(revision) is not int:
            raise self._damaged("no base or revision")
        try:
            return Draft(base, revision, edits_from_list(stored.get("edits")), edits_from_list(stored.get("undone")))
        except TaxonomyError as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, why: str) -> Refused:
        message = f"The draft {str(self._file)!r} cannot be read ({why}). Mend it or move it away; then edit anew."
        return Refused(409, "draft_damaged", message)

    def change(self, taxonomy: Taxonomy, revision: int, changed: Callable[[Draft], Draft]) -> Draft:
        """Give the draft after a change, which is on disk then.

        Raises
        ------
        Refused
            Someone else has changed it since ``revision`` (status 409), or the change is refused.
        """
        with self._alone():
            draft = self.read(taxonomy)
            if draft.revision != revision:
                raise Refused(
                    409,
                    "stale_revision",
                    f"The draft is at revision {draft.revision}, and the edit was made at {revision}: someone else has "
                    "changed it. Look at the draft as it is now, and edit again.",
                    where=["revision"],
                )
            new = replace(changed(draft), revision=revision + 1)
            _replace_file(self._file, json.dumps(new.to_dict(), ensure_ascii=False).encode("utf-8"))
            return new

    def discard(self, taxonomy: Taxonomy, revision: int) -> Draft:
        """Give an empty draft; the edits are kept beside it in ``discarded-<revision>.json``."""

        def emptied(draft: Draft) -> Draft:
            kept = self.folder / f"discarded-{revision}.json"
            _replace_file(kept, json.dumps(draft.to_dict(), ensure_ascii=False).encode("utf-8"))
            return Draft(taxonomy.fingerprint)

        return self.change(taxonomy, revision, emptied)

    # --- versions that were saved

    def history(self) -> list[SavedVersion]:
        """Give the versions that were saved, newest first; a line that was torn by a crash is left out."""
        try:
            lines = self._history.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        found = []
        for line in reversed(lines):
            with suppress(ValueError, TypeError):
                found.append(SavedVersion(**json.loads(line)))
        return found

    def remember(self, *, name: str, folder: Path, before: str, draft: Draft) -> None:
        """Add a version to the history."""
        sentences = [edit.in_words() for edit in draft.edits]
        now = datetime.now(UTC).isoformat(timespec="seconds")
        version = SavedVersion(name, str(folder), before, now, len(sentences), sentences)
        with self._alone():
            torn = self._history.exists() and not self._history.read_bytes().endswith(b"\n")
            with self._history.open("ab") as out:
                line = json.dumps(asdict(version), ensure_ascii=False).encode("utf-8") + b"\n"
                out.write(b"\n" + line if torn else line)
                out.flush()
                os.fsync(out.fileno())

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Let one worker save at a time.

        Raises
        ------
        Refused
            Another one is saving (status 409).
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "saving").open("wb") as held:
            if fcntl is not None:
                try:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError as error:
                    message = "A new version of this model is being saved already. Wait until it is there."
                    raise Refused(409, "saving_already", message) from error
            yield

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other threads and workers away; the lock of a killed process is gone with it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock, (self.folder / "lock").open("wb") as held:
            if fcntl is not None:
                fcntl.flock(held, fcntl.LOCK_EX)
            yield


def _replace_file(file: Path, content: bytes) -> None:
    """Write a file beside its place, flush it and put it there: a crash leaves the old one or the new one whole."""
    fresh = file.with_name(f".{file.name}.new")
    with fresh.open("wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(file)
    if os.name != "nt":
        handle = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
