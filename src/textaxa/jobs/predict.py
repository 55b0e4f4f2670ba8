"""``textaxa predict``: a table in, the same table with paths out, row by row in constant memory."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textaxa.data import Columns, RowStream, iterate_rows, text_of, write_rows
from textaxa.data._cells import has_surrogate
from textaxa.data._formats import format_of_suffix, suffix_of
from textaxa.decisions import Choice, Decider, evidence_of
from textaxa.decoding import read_costs
from textaxa.errors import ConfigError, DataError
from textaxa.guarantee import prediction_sets, set_cut
from textaxa.jobs._listener import Interrupted, Listener, nobody
from textaxa.jobs._model import columns_for, columns_of, computed_by, opened
from textaxa.jobs._result_rows import ResultRows
from textaxa.taxonomy import Path as LabelPath

if TYPE_CHECKING:
    from textaxa.decoding import Prediction
    from textaxa.guarantee import Promise
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
    promise
        What is promised about the answers, where that was asked for.
    depths
        How many rows with a text got a path of each depth, from 0 (no answer); single-path tasks.
    stopped
        How many of them ended for which reason; single-path tasks.
    runtime
        What computed: ``PyTorch``, ``ONNX Runtime (fp32)``; empty for a model without a network.
    """

    rows: int
    blank: int
    blank_rows: tuple[str, ...]
    renamed: dict[str, str]
    seconds: float
    promise: "Promise | None"
    depths: dict[int, int]
    stopped: dict[str, int]
    runtime: str


def predict(
    model: "Model | str | Path",
    table: Any,
    output: str | Path = STANDARD,
    *,
    text: str | Sequence[str] | None = None,
    template: str | None = None,
    choice: Choice | None = None,
    costs: str | Path | None = None,
    set_coverage: float | None = None,
    separator: str | None = None,
    format: str | None = None,
    input_format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    overwrite: bool = False,
    runtime: str = "auto",
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
    choice
        How answers are made: the number of paths, a decoder, or a promise.
    costs
        A table of what wrong answers cost, columns ``predicted,true,cost``, for the decoder ``min-risk``.
    set_coverage
        Add the column ``set``: paths of which one is the true one with this probability.
    separator
        Between the names of a path in the output; not given: as in training.
    format
        ``csv``, ``tsv``, ``jsonl`` or ``parquet``; not given: by the output's ending, else as the input.
    input_format, encoding, delimiter
        How the input is written, where that cannot be told from itself.
    overwrite
        Replace an output that is there.
    runtime
        Where ``model`` is a folder: ``torch``, ``onnx`` (what `textaxa.export` made), or ``auto``, which takes ``onnx``
        where it is there. Promises are made with the weights on which they rest: not with 8-bit ones.
    listener
        Is told ``{"event": "rows", "rows": n, "share": share of the input or None}`` after every block.

    Raises
    ------
    ConfigError
        The output is there; the choice contradicts itself, or the model has nothing to rest a promise on.
    DataError
        The table cannot be read. Rows without a text are no error: they get no path. A promise cannot be kept.
    Interrupted
        Ctrl-C; an unfinished output file is removed, an older one untouched.
    """
    choice = choice or Choice()
    _check(choice.top, output, overwrite)
    how: dict[str, Any] = {"format": input_format, "encoding": encoding, "delimiter": delimiter}
    with iterate_rows(table, **how) as stream:
        if text is not None or template is not None:
            # Columns by flag are checked before the model, which takes seconds to load.
            stream.require(columns_of({"text": text or ("text",), "template": template}).text_columns)
        promising = set_coverage is not None or choice.accuracy is not None or choice.outside is not None
        ready = opened(model, runtime=runtime, exact=promising)
        columns = columns_for(ready, {"text": text, "template": template, "separator": separator}, labels=False)
        answers = _Answers(ready, _priced(choice, costs, ready, columns), set_coverage)
        stream.require(columns.text_columns)
        target_format = format or _format_for(output, stream)
        _read_through(table, how, columns, known=None if target_format == "jsonl" else stream.columns)
        maker = ResultRows(
            stream.columns,
            several=ready.task == "multi",
            top=min(choice.top, len(ready.taxonomy.terminals)),
            nested=target_format == "jsonl",
            separator=columns.separator,
            paths_separator=columns.paths_separator,
            because=choice.accuracy is not None or choice.outside is not None,
            sets=set_coverage is not None,
        )
        tally = _Tally()
        try:
            with write_rows(output, format=target_format, overwrite=overwrite, columns=maker.columns) as writer:
                for block in _blocks(stream):
                    writer.write(_result_rows(answers, block, columns, maker, stream=stream, tally=tally))
                    listener({"event": "rows", "rows": tally.rows, "share": stream.progress()})
        except KeyboardInterrupt:
            raise Interrupted(_kept(output, tally.rows)) from None
        return PredictResult(
            rows=tally.rows,
            blank=tally.blank,
            blank_rows=tuple(tally.places),
            renamed=maker.renamed,
            seconds=time.monotonic() - tally.began,
            promise=answers.decide.promise,
            depths=dict(sorted(tally.depths.items())),
            stopped=dict(tally.stopped.most_common()),
            runtime=computed_by(ready),
        )


class _Answers:
    """What the model answers, as it was chosen."""

    def __init__(self, model: "Model", choice: Choice, set_coverage: float | None) -> None:
        self.model = model
        self.decide = Decider(model, choice)
        self.cut = None if set_coverage is None else set_cut(evidence_of(model), set_coverage)

    def __call__(self, texts: Sequence[str]) -> Iterator[tuple[list["Prediction"], list[LabelPath]]]:
        """Give the predictions and the prediction set (empty where none is asked for) of each text."""
        if not texts:
            return iter(())
        proba, taxonomy = self.model.node_proba(texts), self.model.taxonomy
        sets: list[list[LabelPath]] = [[] for _ in texts]
        if self.cut is not None:
            found = prediction_sets(taxonomy, proba, self.cut, task=self.model.task)
            sets = [[taxonomy.path(node) for node in row] for row in found]
        return zip(self.decide(proba), sets, strict=True)


def _priced(choice: Choice, costs: str | Path | None, model: "Model", columns: Columns) -> Choice:
    if costs is None:
        return choice
    return replace(choice, costs=read_costs(costs, model.taxonomy, separator=columns.separator))


@dataclass
class _Tally:
    rows: int = 0
    blank: int = 0
    places: list[str] = field(default_factory=list)
    depths: Counter[int] = field(default_factory=Counter)
    stopped: Counter[str] = field(default_factory=Counter)
    began: float = field(default_factory=time.monotonic)


def _result_rows(
    answers: _Answers, block: Block, columns: Columns, maker: ResultRows, *, stream: RowStream, tally: _Tally
) -> list[dict[str, Any]]:
    """Predict one block, and count it; a row without a text gets no path."""
    texts = [_text(row, number, columns, stream) for number, row in block]
    found = answers([text for text in texts if text])
    made = [
        maker.make(row, *next(found)) if text else maker.make(row, None)
        for (_, row), text in zip(block, texts, strict=True)
    ]
    empty = [number for (number, _), text in zip(block, texts, strict=True) if not text]
    tally.rows += len(block)
    tally.blank += len(empty)
    tally.places += [f"{stream.unit} {number}" for number in empty[: SHOWN_BLANK - len(tally.places)]]
    if not maker.several:
        answered = [row for row, text in zip(made, texts, strict=True) if text]
        tally.depths.update(row["depth"] for row in answered)
        tally.stopped.update(row["stopped"] for row in answered)
    return made


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


def _format_for(output: str | Path, stream: RowStream) -> str | None:
    """Give the output's format; None where `write_rows` has to tell that the ending says none."""
    if str(output) != STANDARD:
        return format_of_suffix(suffix_of(str(output)))
    return stream.format if stream.format in ("csv", "tsv", "jsonl") else "csv"


def _kept(output: str | Path, done: int) -> str:
    if str(output) == STANDARD:
        return f"Stopped. The {done:,} rows written so far are whole."
    return f"Stopped after {done:,} rows. {str(output)!r} was not written; a file of that name is as it was."
