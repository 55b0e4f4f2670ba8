"""``textaxa predict``: a table in, the same table with paths out, row by row in constant memory.

An interrupted run goes on where it was: `textaxa.jobs._partial`.
"""

import hashlib
import json
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textaxa._version import __version__
from textaxa.answers import Answers, ResultRows, computed_by, opened
from textaxa.data import Columns, RowStream, RowWriter, iterate_rows, text_of, write_rows
from textaxa.data._formats import format_of_suffix, suffix_of
from textaxa.data._writers import output_format
from textaxa.decisions import Choice
from textaxa.decoding import read_costs
from textaxa.errors import ConfigError, DataError
from textaxa.jobs._listener import Listener, nobody
from textaxa.jobs._model import columns_for, columns_of
from textaxa.jobs._partial import PartialOutput, identity_of_file, sweep, target_of
from textaxa.jobs._prediction_run import PredictionRun, result_rows
from textaxa.jobs._speed import share_of_ceiling

if TYPE_CHECKING:
    from textaxa.guarantee import Promise
    from textaxa.model import Model

BLOCK = 2048
"""Rows in memory at a time: enough to sort texts by length into full batches, a few megabytes of short texts."""

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
    resumed_at
        How many of the rows were answered by an earlier run that was interrupted; ``seconds`` and what follows here are
        about the others.
    tokens
        How many tokens were read; None where the model does not count them.
    ceiling
        Useful operations a second as a share of those of a large single-precision matrix product, measured at the end
        of the run; above 1 where the model computes with fewer bits. None without a network, and for less than a
        second.
    processes
        How many processes answered.
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
    resumed_at: int = 0
    tokens: int | None = None
    ceiling: float | None = None
    processes: int = 1

    @property
    def texts_per_second(self) -> float:
        """Rows a second, reading and writing included."""
        return (self.rows - self.resumed_at) / self.seconds if self.seconds else 0.0


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
    restart: bool = False,
    runtime: str = "auto",
    processes: int | None = None,
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
        The file to write; ``"-"`` is standard output. It appears when it is whole, not before. Until then rows are in
        the folder ``<output>.partial``, from which an interrupted run goes on when it is called again as it was; that
        needs a file as input and the folder of a model.
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
        Replace an output that is there, and the rows of an interrupted run with other options.
    restart
        Begin anew where an interrupted run would be gone on with.
    runtime
        Where ``model`` is a folder, as in `textaxa.load_model`. Promises are made with the numbers on which they rest:
        not with 8-bit weights, not in bf16.
    processes
        How many processes answer where the model computes on one core, as ``linear`` and static vectors do, and enough
        is left to do. None: as many as there are cores.
    listener
        Is told ``{"event": "resumed", "rows": n}`` where an interrupted run goes on, and ``{"event": "rows", "rows": n,
        "share": share of the input or None}`` after every block.

    Raises
    ------
    ConfigError
        The output is there, another process writes it, or an interrupted run wrote there with other options or input;
        the choice contradicts itself, or the model has nothing to rest a promise on.
    DataError
        The table cannot be read. Rows without a text are no error: they get no path. A promise cannot be kept.
    Interrupted
        Ctrl-C; the message says whether the run can go on. A file that was at the output is as it was.
    """
    choice = choice or Choice()
    _check(choice.top, output, overwrite, processes)
    how: dict[str, Any] = {"format": input_format, "encoding": encoding, "delimiter": delimiter}
    with iterate_rows(table, **how) as stream:
        if text is not None or template is not None:
            # Columns by flag are checked before the model, which takes seconds to load.
            stream.require(columns_of({"text": text or ("text",), "template": template}).text_columns)
        promising = set_coverage is not None or choice.accuracy is not None or choice.outside is not None
        ready = opened(model, runtime=runtime, exact=promising)
        columns = columns_for(ready, {"text": text, "template": template, "separator": separator}, labels=False)
        target_format = output_format(str(output), format or _format_for(output, stream))
        nested = target_format == "jsonl"
        maker = result_rows(ready, stream.columns, columns, choice, set_coverage=set_coverage, nested=nested)
        answers = Answers(ready, _priced(choice, costs, ready, columns), set_coverage, maker)
        stream.require(columns.text_columns)
        run = PredictionRun(stream, columns, answers, block=BLOCK, processes=processes, listener=listener)
        options = {
            "the text columns": repr(columns),
            "the output's columns": [target_format, *maker.columns],
            "the options of reading": repr(how),
            "the options of answers": repr((choice, costs and identity_of_file(Path(costs)), set_coverage)),
            "what computes": [__version__, computed_by(ready)],
        }
        identity = None if choice.costs is not None else _identity(model, table, options)
        with _opened(output, target_format, maker, identity, overwrite=overwrite, restart=restart) as writer:
            _read_through(table, how, columns, known=None if target_format == "jsonl" else stream.columns)
            run(writer, str(output))
            if isinstance(writer, PartialOutput):
                writer.keep()
        return _result(run, computed_by(ready))


def _result(run: PredictionRun, runtime: str) -> PredictResult:
    tally, done = run.tally, run.answering
    return PredictResult(
        rows=tally.rows,
        blank=tally.blank,
        blank_rows=tuple(tally.places),
        renamed=run.answers.rows.renamed,
        seconds=run.seconds,
        promise=run.answers.promise,
        depths=dict(sorted(tally.depths.items())),
        stopped=dict(tally.stopped.most_common()),
        runtime=runtime,
        resumed_at=run.resumed_at,
        tokens=done.tokens or None,
        ceiling=share_of_ceiling(done.flop, run.seconds),
        processes=done.processes,
    )


def _opened(
    output: str | Path,
    format: str,
    maker: ResultRows,
    identity: dict[str, Any] | None,
    *,
    overwrite: bool,
    restart: bool,
) -> RowWriter | PartialOutput:
    """Give what writes: beside a file that will be, or straight to a stream."""
    target = target_of(output, overwrite=overwrite)
    if target is None:
        return write_rows(output, format=format, columns=maker.columns)
    return PartialOutput(
        target, format=format, columns=maker.columns, identity=identity, overwrite=overwrite, restart=restart
    )


def _identity(model: Any, table: Any, options: dict[str, Any]) -> dict[str, Any] | None:
    """Give what must be the same to go on after an interruption; None where that cannot be told or done.

    A model's ``config.json`` holds the sums of its other files.
    """
    if not isinstance(model, str | Path) or not _is_plain_file(table):
        return None
    config = hashlib.sha256((Path(model) / "config.json").read_bytes()).hexdigest()
    found = {"the input": identity_of_file(Path(table)), "the model": config, **options}
    return dict(json.loads(json.dumps(found)))  # as it is read back


def _is_plain_file(table: Any) -> bool:
    return isinstance(table, str | Path) and str(table) != STANDARD and Path(table).is_file()


def _priced(choice: Choice, costs: str | Path | None, model: "Model", columns: Columns) -> Choice:
    if costs is None:
        return choice
    return replace(choice, costs=read_costs(costs, model.taxonomy, separator=columns.separator))


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
    if not _is_plain_file(table):
        return
    places = None if known is None else set(known)
    with iterate_rows(table, **how, collect_faults=True) as stream:
        if stream.records is not None:  # of which every cell is a text, and every row has a place
            deque(stream.records, maxlen=0)
            stream.faults.raise_if_any()
            return
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


def _check(top: int, output: str | Path, overwrite: bool, processes: int | None) -> None:
    if top < 1:
        raise ConfigError(f"top = {top} paths were asked for: it must be at least 1.")
    if processes is not None and processes < 1:
        raise ConfigError(f"processes = {processes} were asked for: it must be at least 1.")
    if str(output) != STANDARD and Path(output).exists() and not overwrite:
        sweep(Path(output).resolve())
        raise ConfigError(
            f"The output {str(output)!r} is already there. Name another file, or add --overwrite to replace it."
        )


def _format_for(output: str | Path, stream: RowStream) -> str | None:
    """Give the output's format; None where `write_rows` has to tell that the ending says none."""
    if str(output) != STANDARD:
        return format_of_suffix(suffix_of(str(output)))
    return stream.format if stream.format in ("csv", "tsv", "jsonl") else "csv"
