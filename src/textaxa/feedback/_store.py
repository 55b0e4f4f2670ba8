"""Where corrections are kept: a file of JSON lines or a SQLite database, told by its ending."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from textaxa.errors import ConfigError
from textaxa.feedback._correction import Correction
from textaxa.feedback._lines import LinesStore
from textaxa.feedback._sqlite import SqliteStore

ENDINGS: dict[str, type[LinesStore] | type[SqliteStore]] = {
    ".jsonl": LinesStore,
    ".ndjson": LinesStore,
    ".db": SqliteStore,
    ".sqlite": SqliteStore,
}
ENDINGS |= {".sqlite3": SqliteStore}


class FeedbackStore(Protocol):
    """A file of corrections. Several processes and threads may use the same file at once.

    Attributes
    ----------
    file
        The file; it comes into being with the first correction.
    damaged
        How many entries could not be read when the file was last gone through.
    """

    file: Path
    damaged: int

    def append(self, correction: Correction) -> None:
        """Keep a correction; once this returns, it is on the disk.

        Raises
        ------
        DataError
            It cannot be written: the disk is full, or the file is not what its ending says.
        """

    def last(self, limit: int) -> list[Correction]:
        """Give the newest corrections, newest first, at most ``limit``."""

    def __iter__(self) -> Iterator[Correction]:
        """Give all corrections, oldest first."""


def open_feedback(file: str | Path) -> FeedbackStore:
    """Give the store of a file, which need not be there yet; its folder must.

    Raises
    ------
    ConfigError
        The ending is neither of JSON lines nor of SQLite, the folder is not there, or the name is that of a folder.

    Examples
    --------
    >>> import tempfile
    >>> store = open_feedback(Path(tempfile.mkdtemp()) / "corrections.jsonl")
    >>> store.append(Correction("Chess for two", (("Games", "Board"),)))
    >>> [one.paths for one in store.last(10)]
    [(('Games', 'Board'),)]
    """
    place = Path(file)
    made = ENDINGS.get(place.suffix.lower())
    if made is None:
        raise ConfigError(
            f"Corrections cannot be kept in {str(place)!r}: its ending is none of {', '.join(ENDINGS)}. "
            "Name a file for JSON lines (.jsonl) or for SQLite (.db)."
        )
    if place.is_dir():
        raise ConfigError(f"Corrections cannot be kept in {str(place)!r}: it is a folder. Name a file in it.")
    if not place.parent.is_dir():
        raise ConfigError(f"The folder {str(place.parent)!r} for corrections is not there. Make it, or name another.")
    return made(place)
