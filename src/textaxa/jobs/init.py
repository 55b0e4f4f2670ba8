"""``textaxa init``: a full, commented configuration from a table's columns."""

import tempfile
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from textaxa.config import CONFIG_NAME
from textaxa.data import iterate_rows
from textaxa.errors import ConfigError, DataError
from textaxa.jobs._config_file import config_text
from textaxa.jobs._guess import guess_data, profile

SAMPLE_ROWS = 1000
"""Enough rows to see whether values repeat; read in well under a second."""


@dataclass(frozen=True)
class InitResult:
    """What was written, and what was guessed.

    Attributes
    ----------
    output
        The file written, or None where the text was only asked for.
    text
        The configuration.
    data
        The guessed settings of the section ``data``.
    """

    output: Path | None
    text: str
    data: dict[str, Any]


def init(
    table: str | Path,
    output: str | Path | None = CONFIG_NAME,
    *,
    format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    overwrite: bool = False,
) -> InitResult:
    """Write a configuration whose text and label columns are guessed from a table.

    Parameters
    ----------
    table
        The training table.
    output
        The file to write, or None to write none.
    format, encoding, delimiter
        How the table is written, where that cannot be told from itself.
    overwrite
        Replace the file where there is one.

    Raises
    ------
    ConfigError
        The output is already there.
    DataError
        The table cannot be read, or has no rows.
    """
    target = None if output is None else Path(output)
    if target is not None and target.exists() and not overwrite:
        raise ConfigError(f"{str(target)!r} is already there. Name another file with -o, or add --overwrite.")
    with iterate_rows(table, format=format, encoding=encoding, delimiter=delimiter) as stream:
        rows = [row for _, row in islice(stream, SAMPLE_ROWS)]
    if not rows:
        raise DataError(f"{table} has no rows, so nothing can be guessed from it.")
    profiles = profile(list(stream.columns), rows)
    data = guess_data(profiles)
    told = {
        key: value for key, value in (("encoding", encoding), ("delimiter", delimiter), ("format", format)) if value
    }
    text = config_text(_as_seen_from(table, target), {**data, **told}, profiles)
    if target is not None:
        _write(target, text)
    return InitResult(target, text, data)


def _as_seen_from(table: str | Path, target: Path | None) -> str:
    """Give the table's place as the configuration must name it: from the configuration's own folder."""
    if target is None or Path(table).is_absolute() or target.parent == Path():
        return Path(table).as_posix()
    with suppress(ValueError):
        return Path(table).resolve().relative_to(target.parent.resolve()).as_posix()
    return Path(table).resolve().as_posix()


def _write(target: Path, text: str) -> None:
    """Write beside the target and rename, so that a full disk leaves no half file."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=target.parent, prefix=f".{target.name}.", delete=False
    ) as file:
        temporary = Path(file.name)
        try:
            file.write(text)
            file.close()
            temporary.chmod(0o644)
            temporary.replace(target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
