"""``textaxa migrate``: a model and a changed taxonomy in, a model for it out; no training."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textaxa._extras import require
from textaxa.data import iterate_rows, text_of, write_rows
from textaxa.errors import ConfigError
from textaxa.jobs._model import columns_for
from textaxa.jobs._output import check_new_folder
from textaxa.taxonomy import DEFAULT_SEPARATOR, map_nodes, read_mapping, read_taxonomy

if TYPE_CHECKING:
    from textaxa.migration import MigrationReport
    from textaxa.model import Model

_NODES = ("what", "old", "new", "share", "start")
_TEXTS = ("text", "old", "suggested", "probability")


@dataclass(frozen=True)
class MigrateResult:
    """A migrated model.

    Attributes
    ----------
    model
        The model, as it was saved.
    out
        Its folder.
    report
        What was done, what is void, and what a person should look at.
    texts
        How many texts were read.
    seconds
        How long it took.
    """

    model: "Model"
    out: Path
    report: "MigrationReport"
    texts: int
    seconds: float


def migrate(
    model: str | Path,
    to: str | Path,
    out: str | Path,
    *,
    map: str | Path | None = None,
    texts: Any = None,
    columns: Mapping[str, Any] | None = None,
    report: str | Path | None = None,
    suggestions: str | Path | None = None,
    separator: str = DEFAULT_SEPARATOR,
    input_format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    overwrite: bool = False,
) -> MigrateResult:
    """Give a model a changed taxonomy, and save it as a new one.

    Parameters
    ----------
    model
        The folder of a model; it stays as it is, unless ``out`` is the same folder.
    to
        The file of the new taxonomy.
    out
        The new model's folder.
    map
        A table of ``old``, ``new`` and ``share``, read by `textaxa.taxonomy.read_mapping`.
    texts
        Anything that `textaxa.data.iterate_rows` reads. Labels in it are not read.
    columns
        Fields of `textaxa.data.Columns`; what is not given is as in training.
    report
        Where a table of all nodes is written.
    suggestions
        Where a table of the texts of split nodes is written, the least sure first.
    separator
        Between the names of a path, in the taxonomy's file and the map.
    input_format, encoding, delimiter
        How the table of texts is written, where that cannot be told from itself.
    overwrite
        Replace what is at ``out``, ``report`` and ``suggestions``.

    Raises
    ------
    ConfigError
        The output is there; suggestions are wanted without texts; the model is a fast path.
    TaxonomyError
        The taxonomy or the map cannot be used.
    ModelFileError
        The model cannot be read or written.
    """
    started, target = time.monotonic(), Path(out)
    if suggestions is not None and texts is None:
        raise ConfigError("Suggestions are of texts, but no table of texts is named. Give --texts TABLE.")
    check_new_folder(target, overwrite=overwrite)
    for file in (report, suggestions):
        if file is not None and Path(file).exists() and not overwrite:
            raise ConfigError(f"{str(file)!r} is already there. Name another file, or add --overwrite.")
    require("torch", extra="train")
    from textaxa import migration
    from textaxa.persistence import load_model, save_model

    ready = load_model(model)
    new = read_taxonomy(to, separator=separator)
    old = ready.taxonomy
    mapping = map_nodes(old, new) if map is None else read_mapping(map, old, new, separator=separator)
    how = {"format": input_format, "encoding": encoding, "delimiter": delimiter}
    found = None if texts is None else _texts(ready, texts, columns or {}, how)
    done = migration.migrate(ready, new, mapping, texts=found, version=migration.version_of(model))
    # The model comes last: once it has taken the place of the old one, nobody can work out the report again.
    if report is not None:
        _write(report, _NODES, list(done.report.rows(separator)), overwrite=overwrite)
    if suggestions is not None:
        rows = list(done.report.suggestion_rows(found or (), separator))
        _write(suggestions, _TEXTS, rows, overwrite=overwrite)
    save_model(done.model, target)
    return MigrateResult(done.model, target, done.report, len(found or ()), time.monotonic() - started)


def _texts(model: "Model", table: Any, columns: Mapping[str, Any], how: Mapping[str, Any]) -> list[str]:
    """Read the texts of a table; blank ones are left out."""
    wanted = columns_for(model, dict(columns), labels=False)
    with iterate_rows(table, **how) as stream:
        stream.require(wanted.text_columns)
        texts = [text_of(row, wanted) for _, row in stream]
    return [text for text in texts if text.strip()]


def _write(file: str | Path, columns: tuple[str, ...], rows: list[dict[str, Any]], *, overwrite: bool) -> None:
    with write_rows(file, columns=columns, overwrite=overwrite) as writer:
        if rows:
            writer.write(rows)
