"""New versions of a model with an edited taxonomy: tried on texts in memory, or saved as a folder beside the old one.

Migrating needs the extra ``train``. It is imported when first needed, so that a service without editing stays light.
"""

import json
import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textaxa.answers import Answers, ResultRows
from textaxa.decisions import Choice
from textaxa.errors import MissingExtraError, TaxonomyError
from textaxa.server._problems import Refused
from textaxa.taxonomy import DEFAULT_SEPARATOR, Edit, Edited, edits_to_dict, write_taxonomy

if TYPE_CHECKING:
    from textaxa.migration import Migrated, MigrationReport
    from textaxa.server._served import Served

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,79}")
"""Names of versions: what every file system takes, and nothing that leaves the folder."""


class Trials:
    """Answers texts with the migrated model; the last one is kept, since people try again and again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: tuple[tuple[str, str, str], Any] | None = None

    def rows(self, served: "Served", edited: Edited, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Give the answers, as `textaxa predict` writes them.

        Raises
        ------
        Refused
            The extra ``train`` is missing (status 501).
        """
        with self._lock:
            model = self._model(served, edited)
            return _rows(model, texts)

    def _model(self, served: "Served", edited: Edited) -> Any:
        key = (served.name, served.version, edited.taxonomy.fingerprint)
        if self._known is None or self._known[0] != key:
            self._known = None  # before the next one is made: two networks may not fit into memory
            self._known = key, migrated(served.folder, edited).model
        return self._known[1]


def _rows(model: Any, texts: Sequence[str]) -> list[dict[str, Any]]:
    rows = ResultRows(
        (), several=model.task == "multi", top=1, nested=True, separator=DEFAULT_SEPARATOR, paths_separator=";"
    )
    told = [place for place, text in enumerate(texts) if text.strip()]
    cells = [rows.cells(None)] * len(texts)
    for place, found in zip(told, Answers(model, Choice(), None, rows)([texts[i] for i in told]), strict=True):
        cells[place] = found
    return [rows.join({}, one) for one in cells]


def migrated(folder: Path, edited: Edited) -> "Migrated":
    """Give the model of a folder with the edited taxonomy, and what does not hold any more."""
    with needs_train():
        from textaxa.migration import migrate  # noqa: PLC0415 -- brings PyTorch

        return migrate(folder, edited.taxonomy, edited.mapping)


@contextmanager
def needs_train() -> Iterator[None]:
    """Tell of a missing extra with status 501."""
    try:
        yield
    except MissingExtraError as error:
        raise Refused(501, "missing_extra", str(error)) from error


def free_name(model: str, folder: Path, name: str | None) -> str:
    """Give the name of a new version: as wanted, or ``<model>-<n>``, the first n from 2 that is free.

    Raises
    ------
    Refused
        The name is taken (status 409), or no name of a folder.
    """
    if name is None:
        stem = re.sub(r"-\d+$", "", plain_name(model)) or "model"
        return next(one for n in range(2, 1_000_000) if not (folder / (one := f"{stem}-{n}")).exists())
    if NAME.fullmatch(name) is None or name.endswith("."):
        message = f"{name!r} is no name for a version. Use letters, digits, '-', '_' and '.', 80 at most."
        raise Refused(422, "name_not_usable", message, where=["name"])
    if (folder / name).exists():
        raise Refused(409, "name_taken", f"There is {name!r} already. Choose another name.", where=["name"])
    return name


def plain_name(model: str) -> str:
    """Give a model's name as the beginning of a folder's name."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", model).lstrip("-.")[:60] or "model"


def save(served: "Served", edited: Edited, edits: Sequence[Edit], target: Path) -> "MigrationReport":
    """Write the migrated model to a new folder, and beside it the taxonomy and the edits as files.

    The folder appears last and whole, so that a version that is listed is complete; a killed save leaves at most the
    two files, which the next one of that name replaces.

    Returns
    -------
    MigrationReport
        What the new version does not have any more, among other things.
    """
    new = migrated(served.folder, edited)
    from textaxa.persistence import save_model  # noqa: PLC0415 -- brings PyTorch

    with told_if_not_written():
        target.parent.mkdir(parents=True, exist_ok=True)
        write_taxonomy(edited.taxonomy, taxonomy_file(target), format="codes", overwrite=True)
        write_edit_file(edits, target.with_name(f"{target.name}.edits.json"))
        save_model(new.model, target)
    return new.report


def taxonomy_file(version: Path) -> Path:
    """Give the file of the taxonomy of a version."""
    return version.with_name(f"{version.name}.taxonomy.csv")


@contextmanager
def told_if_not_written() -> Iterator[None]:
    """Tell of a disk that is full or may not be written to with status 503: nothing is wrong with the request."""
    try:
        yield
    except (OSError, TaxonomyError) as error:
        message = (
            f"The new version could not be written ({error}). Make room on the disk, or check who may write there."
        )
        raise Refused(503, "cannot_save", message) from error


def write_edit_file(edits: Sequence[Edit], file: Path) -> None:
    """Write edits, replacing what a killed save has left."""
    file.write_text(json.dumps(edits_to_dict(edits), ensure_ascii=False, indent=1), encoding="utf-8")
