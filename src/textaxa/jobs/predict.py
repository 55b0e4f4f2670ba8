"""``textaxa predict``: a table in, the same table with paths out, row by row in constant memory."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textaxa.data import Columns, RowStream, iterate_rows, text_of, write_rows
from textaxa.data._cells import has_surrogate
from textaxa.data._formats import format_of_suffix, suffix_of
from textaxa.errors import ConfigError, DataError
from textaxa.jobs._listener import Interrupted, Listener, nobody
from textaxa.jobs._model import columns_for, columns_of, opened
from textaxa.jobs._result_rows import ResultRows

if TYPE_CHECKING:
    from textaxa.decoding import Prediction
    from textaxa.model import Model

Block = list[tuple[int, dict[str, Any]]]

BLOCK = 2048
"""Rows in memory at a time: enough to sort texts by length into full batches, a few megabytes of short texts."""

SHOWN_BLANK = 5
"""So many blank rows are named."""

STANDARD = "-"
"""The name of standard input and standard output."""


@dataclass(frozen=True)
class PredictResult:
    """What was predicted.

    Attributes
    ----------
    rows
        How many rows were read, and written.
    blank
        How many of them had no text, and so got no path.
    blank_rows
        The first few of these, as places for a person: ``line 7``.
    renamed
        Input columns that were renamed because results need their names.
    seconds
        How long it took, without loading the model.
    """

    rows: int
    blank: int
    blank_rows: tuple[str, ...]
    renamed: dict[str, str]
    seconds: float


def predict(
    model: "Model | str | Path",
    table: Any,
    output: str | Path = STANDARD,
    *,
    text: str | Sequence[str] | None = None,
    template: str | None = None,
    top: int = 1,
    separator: str | None = None,
    format: str | None = None,
    input_format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    overwrite: bool = False,
    listener: Listener = nobody,
) -> PredictResult:
    """Write a table's rows with their predicted paths, in the input's order, all input columns kept.

    Parameters
    ----------
    model
        A model, or the folder of one.
    table
        Anything that `textaxa.data.iterate_rows` reads; ``"-"`` is standard input.
    output
        The file to write; ``"-"`` is standard output. It appears when it is whole, not before.
    text, template
        The text columns; not given: those that the model was trained on.
    top
        How many paths a text, most probable first (single-path models).
    separator
        Between the names of a path in the output; not given: as in training.
    format
        ``csv``, ``tsv``, ``jsonl`` or ``parquet``; not given: by the output's ending, else as the input.
    input_format, encoding, delimiter
        How the input is written, where that cannot be told from itself.
    overwrite
        Replace an output that is there.
    listener
        Is told ``{"event": "rows", "rows": n, "share": share of the input or None}`` after every block.

    Raises
    ------
    ConfigError
        The output is there; ``top`` is below 1.
    DataError
        The table cannot be read. Rows without a text are no error: they get no path.
    Interrupted
        Ctrl-C; an unfinished output file is removed, an older one untouched.
    """
    _check(top, output, overwrite)
    how: dict[str, Any] = {"format": input_format, "encoding": encoding, "delimiter": delimiter}
    with iterate_rows(table, **how) as stream:
        if text is not None or template is not None:
            # Columns by flag are checked before the model, which takes seconds to load.
            stream.require(columns_of({"text": text or ("text",), "template": template}).text_columns)
        ready = opened(model)
        _check_task(ready, top)
        columns = columns_for(ready, {"text": text, "template": template, "separator": separator}, labels=False)
        stream.require(columns.text_columns)
        target_format = format or _format_for(output, stream)
        _read_through(table, how, columns, known=None if target_format == "jsonl" else stream.columns)
        maker = ResultRows(
            stream.columns,
            several=ready.task == "multi",
            top=min(top, len(ready.taxonomy.terminals)),
            nested=target_format == "jsonl",
            separator=columns.separator,
            paths_separator=columns.paths_separator,
        )
        tally = _Tally()
        try:
            with write_rows(output, format=target_format, overwrite=overwrite, columns=maker.columns) as writer:
                for block in _blocks(stream):
                    writer.write(_result_rows(ready, block, columns, maker, stream=stream, tally=tally))
                    listener({"event": "rows", "rows": tally.rows, "share": stream.progress()})
        except KeyboardInterrupt:
            raise Interrupted(_kept(output, tally.rows)) from None
        return PredictResult(
            tally.rows, tally.blank, tuple(tally.places), maker.renamed, time.monotonic() - tally.began
        )


@dataclass
class _Tally:
    rows: int = 0
    blank: int = 0
    places: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)


def _result_rows(
    model: "Model", block: Block, columns: Columns, maker: ResultRows, *, stream: RowStream, tally: _Tally
) -> list[dict[str, Any]]:
    """Predict one block, and count it."""
    texts = [_text(row, number, columns, stream) for number, row in block]
    found = _predict_block(model, texts, maker.top)
    empty = [number for (number, _), text in zip(block, texts, strict=True) if not text]
    tally.rows += len(block)
    tally.blank += len(empty)
    tally.places += [f"{stream.unit} {number}" for number in empty[: SHOWN_BLANK - len(tally.places)]]
    return [maker.make(row, paths) for (_, row), paths in zip(block, found, strict=True)]


def _predict_block(model: "Model", texts: Sequence[str], top: int) -> list["Sequence[Prediction] | None"]:
    """Predict the texts that are not blank; None stands for the blank ones."""
    filled = [text for text in texts if text]
    predictions = iter(model.predict(filled, top=top) if filled else ())
    return [next(predictions) if text else None for text in texts]


def _blocks(stream: RowStream) -> Iterator[Block]:
    """Give the rows in blocks; a pipe that has no more just now gets its answers before it goes on."""
    block: Block = []
    for row in stream:
        block.append(row)
        if len(block) == BLOCK or not stream.at_hand:
            yield block
            block = []
    if block:
        yield block


def _text(row: Mapping[str, Any], number: int, columns: Columns, stream: RowStream) -> str:
    try:
        text = text_of(row, columns)
    except DataError as error:
        raise DataError(f"{stream.source}, {stream.unit} {number}: {error}") from error
    # No tokenizer reads half of a surrogate pair. The output keeps it; one such row must not stop a million others.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if has_surrogate(text) else text


def _read_through(table: Any, how: Mapping[str, Any], columns: Columns, *, known: Sequence[str] | None) -> None:
    """Read a file once before the model starts: hours of prediction must not end at a broken last line.

    Parameters
    ----------
    table, how
        The table, and how it is written.
    columns
        Whose text columns must hold text.
    known
        The columns that the output has a place for; None where every row may have its own.

    Raises
    ------
    DataError
        With all faults of the file.
    """
    if not isinstance(table, str | Path) or str(table) == STANDARD or not Path(table).is_file():
        return
    places = None if known is None else set(known)
    with iterate_rows(table, **how, collect_faults=True) as stream:
        for number, row in stream:
            try:
                text_of(row, columns)
            except DataError as error:
                message, _, cure = str(error).partition(". ")
                stream.faults.add(number, "not-text", message, cure=cure)
            if places is not None and not places.issuperset(row):
                extra = next(name for name in row if name not in places)
                message = f"the column {extra!r}, which the first rows lack, has no place in the output"
                stream.faults.add(number, "new-column", message, cure=_NEW_COLUMN_CURE)
    stream.faults.raise_if_any()


_NEW_COLUMN_CURE = "Write JSON lines, where every row may have its own columns (--format jsonl)."


def _check(top: int, output: str | Path, overwrite: bool) -> None:
    if top < 1:
        raise ConfigError(f"top = {top} paths were asked for: it must be at least 1.")
    if str(output) != STANDARD and Path(output).exists() and not overwrite:
        raise ConfigError(
            f"The output {str(output)!r} is already there. Name another file, or add --overwrite to replace it."
        )


def _check_task(model: "Model", top: int) -> None:
    if top > 1 and model.task == "multi":
        raise ConfigError(
            "This model gives several paths a text by itself, so a number of paths (top) cannot be asked."
        )


def _format_for(output: str | Path, stream: RowStream) -> str | None:
    """Give the output's format; None where `write_rows` has to tell that the ending says none."""
    if str(output) != STANDARD:
        return format_of_suffix(suffix_of(str(output)))
    return stream.format if stream.format in ("csv", "tsv", "jsonl") else "csv"


def _kept(output: str | Path, done: int) -> str:
    if str(output) == STANDARD:
        return f"Stopped. The {done:,} rows written so far are whole."
    return f"Stopped after {done:,} rows. {str(output)!r} was not written; a file of that name is as it was."
