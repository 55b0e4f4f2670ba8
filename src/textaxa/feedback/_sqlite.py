"""Corrections in a SQLite database: a transaction a correction, flushed to the disk when it ends."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from textaxa.errors import DataError
from textaxa.feedback._correction import Correction

WAIT = 10.0
"""Seconds that a process waits for another one to end its writing."""

_MAKE = """
CREATE TABLE IF NOT EXISTS corrections (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, time TEXT NOT NULL, text TEXT NOT NULL,
    paths TEXT NOT NULL, predicted TEXT, probability REAL, model TEXT, version TEXT, "by" TEXT, comment TEXT
)"""
_NAMES = ("id", "time", "text", "paths", "predicted", "probability", "model", "version", "by", "comment")
_COLUMNS = ", ".join(f'"{name}"' for name in _NAMES)
# Nothing but the names above goes into these; values are bound.
_INSERT = f"INSERT INTO corrections ({_COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))})"  # noqa: S608  # nosec B608
_SELECT = f"SELECT {_COLUMNS} FROM corrections ORDER BY number"  # noqa: S608  # nosec B608


class SqliteStore:
    """A SQLite database: see `textaxa.feedback.FeedbackStore`.

    Every use opens the database anew: a connection must not be carried into another thread or a forked process.
    """

    def __init__(self, file: Path) -> None:
        self.file, self.damaged = file, 0

    def append(self, correction: Correction) -> None:
        """Keep a correction; once this returns, it is on the disk."""
        try:
            with closing(self._opened()) as database, database:
                database.execute("BEGIN IMMEDIATE")
                database.execute(_MAKE)
                database.execute(_INSERT, _cells(correction))
        except sqlite3.Error as error:
            raise DataError(
                f"The correction could not be kept in {str(self.file)!r}: {error}. Make room on the disk, check who "
                "may write there, or name a file that is a SQLite database."
            ) from error

    def last(self, limit: int) -> list[Correction]:
        """Give the newest corrections, newest first, at most ``limit``."""
        self.damaged = 0
        return list(self._rows(f"{_SELECT} DESC LIMIT ?", (limit,)))

    def __iter__(self) -> Iterator[Correction]:
        self.damaged = 0
        return self._rows(_SELECT, ())

    def _rows(self, query: str, values: tuple[Any, ...]) -> Iterator[Correction]:
        if not self.file.exists():
            return
        try:
            with closing(self._opened()) as database:
                if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'corrections'").fetchone():
                    return
                for row in database.execute(query, values):
                    if (one := self._read(row)) is not None:
                        yield one
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise DataError(
                f"The corrections in {str(self.file)!r} cannot be read: {error}. Is it a SQLite database of ours?"
            ) from error

    def _read(self, row: tuple[Any, ...]) -> Correction | None:
        values = dict(zip(_NAMES, row, strict=True))
        try:
            lists = {name: json.loads(values[name] or "[]") for name in ("paths", "predicted")}
            return Correction.from_dict(values | lists)
        except (ValueError, TypeError, RecursionError):  # DataError is a ValueError, too
            self.damaged += 1
            return None

    def _opened(self) -> sqlite3.Connection:
        # synchronous stays FULL, the default: what is committed survives a power cut.
        return sqlite3.connect(self.file, timeout=WAIT, isolation_level=None)


def _cells(correction: Correction) -> tuple[Any, ...]:
    values = {name: getattr(correction, name) for name in _NAMES}
    values["paths"] = json.dumps(correction.paths, ensure_ascii=False)
    values["predicted"] = json.dumps(correction.predicted, ensure_ascii=False)
    cells = (values[name] for name in _NAMES)
    return tuple(c.encode("utf-8", "replace").decode() if isinstance(c, str) else c for c in cells)
