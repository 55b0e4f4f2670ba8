"""``textaxa teach``: a model and a few labelled texts in, a model that knows them out."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textaxa.answers import opened
from textaxa.data import Columns, Examples, read_examples
from textaxa.errors import ConfigError
from textaxa.feedback import FeedbackUsed, feedback_examples, read_feedback, with_feedback
from textaxa.jobs._model import columns_for, remember_columns
from textaxa.jobs._output import check_new_folder

if TYPE_CHECKING:
    from textaxa.model import Model
    from textaxa.teaching import TaughtReport


@dataclass(frozen=True)
class TeachResult:
    """A model that has learned, and what it learned from.

    Attributes
    ----------
    model
        The model, as it was saved.
    out
        Its folder.
    report
        Rows, nodes, what was remembered, what no longer holds.
    feedback
        What became of corrections; None where no file of them was named.
    accuracy
        Share of the validation rows whose answer is exactly right, before and after; None without such rows.
    seconds
        How long it took, reading, encoding and saving included.
    """

    model: "Model"
    out: Path
    report: "TaughtReport"
    feedback: FeedbackUsed | None
    accuracy: tuple[float, float] | None
    seconds: float


def teach(
    model: str | Path,
    table: Any = None,
    *,
    out: str | Path,
    feedback: Sequence[str | Path] = (),
    remember: Any = None,
    valid: Any = None,
    add_nodes: bool = False,
    columns: dict[str, Any] | None = None,
    seed: int = 0,
    input_format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    overwrite: bool = False,
) -> TeachResult:
    """Teach a trained model a few texts, new categories or corrections, without training it anew.

    Parameters
    ----------
    model
        The folder of a model; it is left as it is.
    table
        The texts with their paths: anything that `textaxa.data.read_examples` reads. May be left out where there are
        corrections.
    out
        The folder of the model that comes out.
    feedback
        Files of corrections, as `textaxa serve --feedback` writes them; the newest one of a text counts.
    remember
        The table that the model was trained on, or a part of it: at most 20 rows a node are learned along.
    valid
        A labelled table that the model has not seen: its probabilities are calibrated on it, and promises rest on it.
    add_nodes
        Add the paths that the taxonomy does not have; else they are an error, in corrections left out.
    columns
        Fields of `textaxa.data.Columns`, of all three tables; what is not given is as in training.
    seed
        Draws the rows that are remembered.
    input_format, encoding, delimiter
        How the tables are written, where that cannot be told from themselves.
    overwrite
        Replace ``out`` if it is there.

    Raises
    ------
    ConfigError
        The output is there, nothing to learn from is named, no label columns are known, or the head cannot be taught.
    DataError
        A table cannot be used; all faults are told together.
    ModelFileError
        The model cannot be read or written.
    """
    from textaxa.persistence import save_model
    from textaxa.teaching import teach as taught_by

    started, target = time.monotonic(), Path(out)
    check_new_folder(target, overwrite=overwrite)
    if table is None and not feedback:
        raise ConfigError("There is nothing to learn from. Name a table of texts with their paths, or --feedback FILE.")
    ready = opened(model)
    how = {"format": input_format, "encoding": encoding, "delimiter": delimiter}
    wanted = columns_for(ready, columns or {}, labels=True)
    held_out = _read(valid, wanted, how, None if add_nodes else ready)
    rows, held_out, used = _rows(ready, table, held_out, feedback, columns=wanted, how=how, add_nodes=add_nodes)
    old = _read(remember, wanted, how, None)
    before = None if held_out is None else _accuracy(ready, held_out)
    done = taught_by(
        ready,
        rows.texts,
        rows.labels,
        remember=None if old is None else (old.texts, old.labels),
        valid=None if held_out is None else (held_out.texts, held_out.labels),
        add_nodes=add_nodes,
        seed=seed,
    )
    if wanted.has_labels and "columns" in done.model.summary:
        done.model.summary["columns"] = remember_columns(wanted)
    save_model(done.model, target)
    accuracy = None if before is None or held_out is None else (before, _accuracy(done.model, held_out))
    return TeachResult(done.model, target, done.report, used, accuracy, time.monotonic() - started)


def _read(table: Any, columns: Columns, how: dict[str, Any], model: "Model | None") -> Examples | None:
    """Read a labelled table; with a model, every label must be in its taxonomy."""
    if table is None:
        return None
    if not columns.has_labels:
        raise ConfigError("No label columns are known. Give --labels category,subcategory, --path or --paths.")
    return read_examples(table, columns, taxonomy=None if model is None else model.taxonomy, **how)


def _rows(
    model: "Model",
    table: Any,
    valid: Examples | None,
    feedback: Sequence[str | Path],
    *,
    columns: Columns,
    how: dict[str, Any],
    add_nodes: bool,
) -> tuple[Examples, Examples | None, FeedbackUsed | None]:
    """Give the texts to learn and the validation rows, corrections laid over both; all that is wrong is told here."""
    from textaxa.teaching import checked_rows

    given = _read(table, columns, how, None)
    taxonomy, several = None if add_nodes else model.taxonomy, model.task == "multi"
    if given is not None:
        place: dict[str, Any] = {"source": given.source, "unit": given.unit, "numbers": given.rows}
        checked_rows(given.texts, given.labels, task=model.task, taxonomy=taxonomy, **place)
    if not feedback:
        return given or Examples([], [], []), valid, None
    corrections, damaged = read_feedback(feedback)
    laid: dict[str, Any] = {"several": several, "taxonomy": taxonomy, "damaged": damaged}
    if given is None and valid is None:
        rows, used = feedback_examples(corrections, **laid)
        return rows, None, used
    empty = Examples([], [], [])
    rows, held_out, used = with_feedback(given or empty, valid or empty, corrections, **laid)
    return rows, None if valid is None else held_out, used


def _accuracy(model: "Model", rows: Examples) -> float:
    found = model.predict(rows.texts)
    exact = (
        {one.path for one in predictions} == set(paths) for predictions, paths in zip(found, rows.labels, strict=True)
    )
    return sum(exact) / len(rows)
