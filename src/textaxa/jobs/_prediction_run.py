"""One prediction, from the first row that is not answered yet to the last: read, answer, write, count, save."""

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, Protocol

from textaxa.answers import Answers, ResultRows
from textaxa.data import Columns, RowStream
from textaxa.decisions import Choice
from textaxa.errors import ConfigError, DataError
from textaxa.jobs._blocks import Block, Row, Tally, blocks_of
from textaxa.jobs._listener import Interrupted, Listener
from textaxa.jobs._partial import PartialOutput
from textaxa.jobs._workers import Answering
from textaxa.runtime import available_threads


class Writer(Protocol):
    """What takes the answered rows; a `PartialOutput` also keeps them for a later run."""

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take rows."""

    def write_ordered(self, rows: Sequence[Sequence[Any]]) -> None:
        """Take rows as cells, in the order of the columns."""


WORTH_SECONDS = 1.0
"""Where so much work is left, other processes are started, which takes about a twentieth of that."""


class PredictionRun:
    """Answers the rows of a table and writes them.

    Attributes
    ----------
    tally : Tally
        What was counted about all rows, those of an interrupted run among them.
    resumed_at : int
        How many of them that run had answered.
    seconds : float
        How long it took.
    answering : Answering
        Who answered, and what it took.
    """

    def __init__(
        self,
        stream: RowStream,
        columns: Columns,
        answers: Answers,
        *,
        block: int,
        processes: int | None,
        listener: Listener,
    ) -> None:
        self.stream, self.columns, self.answers, self.tell = stream, columns, answers, listener
        self.tally, self.resumed_at, self.seconds = Tally(), 0, 0.0
        self._block, self._began = block, time.monotonic()
        most = available_threads() if processes is None else processes
        self.answering: Answering[Block] = Answering(answers, most, worth=self._much_left, hurry=self._is_short)

    def __call__(self, writer: Writer, name: str) -> None:
        """Answer all rows, and write them to the output of a name.

        Raises
        ------
        Interrupted
            In place of Ctrl-C; it tells what is left.
        """
        rows = self._rows_after(writer)
        self._began = time.monotonic()
        try:
            self._write(rows, writer)
        except KeyboardInterrupt:
            raise Interrupted(_stopped(writer, name, self.tally.rows)) from None
        self.seconds = time.monotonic() - self._began

    def _rows_after(self, writer: Writer) -> Iterator[Row]:
        """Give the rows that are not answered yet."""
        rows: Iterator[Row] = iter(self.stream) if self.stream.records is None else self.stream.records
        if not isinstance(writer, PartialOutput) or not writer.journal.rows:
            return rows
        try:
            self.tally = Tally.from_dict(writer.journal.tally)
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigError(
                f"What {str(writer.folder)!r} knows of its rows is damaged. Add --restart to begin anew."
            ) from error
        self.resumed_at = writer.journal.rows
        self.tell({"event": "resumed", "rows": self.resumed_at})
        deque(islice(rows, self.resumed_at), maxlen=0)
        return rows

    def _write(self, unanswered: Iterator[Row], writer: Writer) -> None:
        maker, nothing = self.answers.rows, self.answers.rows.cells(None)
        asked = blocks_of(unanswered, self.stream, self.columns, nothing=nothing, size=self._block)
        for block in self.answering(asked):
            cells = block.cells()
            rows = [row for _, row in block.rows]
            if self.stream.records is None:
                writer.write([maker.join(row, added) for row, added in zip(rows, cells, strict=True)])
            else:
                for row, added in zip(rows, cells, strict=True):
                    row.extend(added)  # ours; a new list a row keeps the garbage collector busy
                writer.write_ordered(rows)
            self.tally.add(block, cells, self.stream.unit, maker)
            if isinstance(writer, PartialOutput):
                writer.counted(self.tally.rows, self.tally.to_dict())
            self.tell({"event": "rows", "rows": self.tally.rows, "share": self.stream.progress()})

    def _much_left(self) -> bool:
        """Tell whether more than a second of work is left, as far as that can be known from what is done."""
        elapsed, share = time.monotonic() - self._began, self.stream.progress()
        left = elapsed if share is None else elapsed * (1 - share) / max(share, 1e-9)
        return left >= WORTH_SECONDS

    def _is_short(self, block: Block) -> bool:
        return len(block.rows) < self._block


def result_rows(
    model: Any,
    input_columns: Sequence[str],
    columns: Columns,
    choice: Choice,
    *,
    set_coverage: float | None,
    nested: bool,
) -> ResultRows:
    """Give what makes output rows of a model's answers in the way that was chosen.

    Parameters
    ----------
    model
        Anything with a task and a taxonomy.
    input_columns
        The columns that input rows have.
    columns
        Of which the separators are used.
    choice, set_coverage
        As in `textaxa.predict`.
    nested
        Whether the output can hold lists.
    """
    return ResultRows(
        input_columns,
        several=model.task == "multi",
        top=min(choice.top, len(model.taxonomy.terminals)),
        nested=nested,
        separator=columns.separator,
        paths_separator=columns.paths_separator,
        because=choice.accuracy is not None or choice.outside is not None,
        sets=set_coverage is not None,
    )


def _stopped(writer: Writer, name: str, rows: int) -> str:
    """Save what is done, and say how to go on."""
    if isinstance(writer, PartialOutput):
        with suppress(DataError):  # a full disk: what was saved before stands
            writer.stop()
        if writer.resumable and writer.journal.rows:
            return (
                f"Stopped after {writer.journal.rows:,} rows, which are kept in {str(writer.folder)!r}. Give the same "
                "command again to go on."
            )
    elif name == "-":
        return f"Stopped. The {rows:,} rows written so far are whole."
    return f"Stopped after {rows:,} rows. {name!r} was not written; a file of that name is as it was."
