"""A worker: one model, which answers pieces one after the other and writes each as a file.

The file's name comes from the piece's number, and it appears whole, so a piece that is answered twice (its worker died
before it could tell, or was thought to be dead) leaves one file, not two.
"""

import hashlib
import json
import os
import re
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from textaxa import errors
from textaxa._extras import require
from textaxa.answers import Answers, ResultRows, opened
from textaxa.data import RowStream, iterate_rows, write_rows
from textaxa.decisions import Choice
from textaxa.distributed._plan import Piece
from textaxa.distributed._storage import Storage, model_folder
from textaxa.errors import DataError, TextaxaError
from textaxa.jobs._listener import nobody
from textaxa.jobs._model import columns_for, columns_of
from textaxa.jobs._prediction_run import PredictionRun, result_rows
from textaxa.jobs.predict import BLOCK

KEPT = "_textaxa"
"""The folder of what is known about a run; readers of tables leave out names that begin so."""

_READ = 1 << 20

_DONE = re.compile(r"(\d{6,})\.json")
"""Not the names of those that were being written when a worker was killed."""


@dataclass(frozen=True)
class Task:
    """What every worker is told.

    Attributes
    ----------
    model, output
        Addresses of the model folder and of the output.
    text, template, separator
        As in `textaxa.predict`; None: as the model was trained.
    choice, set_coverage, runtime
        The same.
    format
        Of the output.
    reading
        Of the input: ``format``, ``encoding``, ``delimiter``.
    """

    model: str
    output: str
    text: tuple[str, ...] | None
    template: str | None
    separator: str | None
    choice: Choice
    set_coverage: float | None
    runtime: str
    format: str
    reading: Mapping[str, Any]

    @property
    def promising(self) -> bool:
        """Whether a promise rests on the probabilities."""
        return self.set_coverage is not None or self.choice.accuracy is not None or self.choice.outside is not None

    @property
    def column_fields(self) -> dict[str, Any]:
        """What was said of the columns."""
        return {"text": self.text, "template": self.template, "separator": self.separator}


class PieceScorer:
    """Answers pieces. Made once a worker; the model is loaded then."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self._stack = ExitStack()
        folder = self._stack.enter_context(model_folder(task.model))
        self.model = opened(folder, runtime=task.runtime, exact=task.promising)
        self.columns = columns_for(self.model, task.column_fields, labels=False)
        self._answers: tuple[tuple[str, ...], Answers] | None = None

    @cached_property
    def _output(self) -> Storage:
        return Storage(self.task.output)

    def __call__(self, values: dict[str, Any]) -> dict[str, Any]:
        """Answer a piece, write its file, and give what is known about it; ``error`` where the input is at fault."""
        piece = Piece.from_dict(values)
        try:
            return self._answered(piece)
        except TextaxaError as error:
            return {"number": piece.number, "error": str(error), "kind": type(error).__name__}

    def _answered(self, piece: Piece) -> dict[str, Any]:
        began = time.monotonic()
        name = part_name(piece.number, self.task.format)
        with ExitStack() as stack:
            file = stack.enter_context(self._output.writing(name))
            table, stream = self._stream(piece, stack)
            stream.require(self.columns.text_columns)
            answers = self._answers_for(stream)
            run = PredictionRun(stream, self.columns, answers, block=BLOCK, processes=1, listener=nobody)
            if table is not None and self.task.format == "parquet":
                kept = _AddedColumns(answers.rows)
                run(kept, name)
                require("pyarrow.parquet", extra="parquet").write_table(kept.joined(table), file)
            else:
                with write_rows(file, format=self.task.format, columns=answers.rows.columns) as writer:
                    run(writer, name)
            known = {"bytes": file.stat().st_size, "sha256": _sum(file)}
        known["mark"] = self._output.mark(name)
        entry = {
            "number": piece.number,
            "part": name,
            "file": piece.file,
            **known,
            "tally": run.tally.to_dict(),
            "renamed": answers.rows.renamed,
            "seconds": round(time.monotonic() - began, 3),
            "worker": f"{socket.gethostname()}:{os.getpid()}",
        }
        self._output.write_json(done_name(piece.number), entry | {"sum": sum_of(entry)})
        return entry

    def _stream(self, piece: Piece, stack: ExitStack) -> tuple[Any, RowStream]:
        """Open a piece: as an Arrow table where it is Parquet, and as rows."""
        storage = Storage(piece.file)
        if piece.groups is None:
            return None, stack.enter_context(_opened(storage, self.task.reading, stack))
        parquet = require("pyarrow.parquet", extra="parquet")
        file = stack.enter_context(storage.reading(storage.path))
        opened_file = parquet.ParquetFile(file)
        groups = range(*piece.groups)
        table = opened_file.read_row_groups(list(groups)) if groups else opened_file.schema_arrow.empty_table()
        return table, stack.enter_context(iterate_rows(table))

    def _answers_for(self, stream: RowStream) -> Answers:
        """Give what answers rows of these columns; a promise, which takes a second to work out, is worked out once."""
        if self._answers is None or self._answers[0] != stream.columns:
            task = self.task
            rows = result_rows(
                self.model,
                stream.columns,
                self.columns,
                task.choice,
                set_coverage=task.set_coverage,
                nested=task.format == "jsonl",
            )
            self._answers = stream.columns, Answers(self.model, task.choice, task.set_coverage, rows)
        return self._answers[1]


def part_name(number: int, format: str) -> str:
    """Give the name of the output file of a piece.

    >>> part_name(7, "parquet")
    'part-000007.parquet'
    """
    return f"part-{number:06}.{format}"


def done_name(number: int) -> str:
    """Give the name of the file that says that a piece is done."""
    return f"{KEPT}/done/{number:06}.json"


def sum_of(entry: dict[str, Any]) -> str:
    """Give the checksum of what is known of a piece, without the one that it holds itself."""
    known = {name: value for name, value in entry.items() if name != "sum"}
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode("ascii")).hexdigest()


def done_numbers(output: Storage) -> list[int]:
    """Give the numbers of the pieces that are said to be done."""
    found = map(_DONE.fullmatch, output.names(f"{KEPT}/done"))
    return [int(match[1]) for match in found if match]


def check_columns(task: Task, piece: Piece) -> None:
    """Make sure that columns that were named are there, before any model is loaded.

    Raises
    ------
    DataError
        One is missing, or the first file cannot be read.
    """
    if task.text is None and task.template is None:
        return
    wanted = columns_of({"text": task.text or ("text",), "template": task.template}).text_columns
    with ExitStack() as stack:
        storage = Storage(piece.file)
        if piece.groups is None:
            stream = stack.enter_context(_opened(storage, task.reading, stack))
            stream.require(wanted)
            return
        parquet = require("pyarrow.parquet", extra="parquet")
        schema = parquet.ParquetFile(stack.enter_context(storage.reading(storage.path))).schema_arrow
        stack.enter_context(iterate_rows(schema.empty_table())).require(wanted)


def _opened(storage: Storage, reading: Mapping[str, Any], stack: ExitStack) -> RowStream:
    """Open a file of rows: by its name where it is on this machine, which says how it is packed."""
    if storage.local:
        return iterate_rows(storage.path, **reading)
    return iterate_rows(stack.enter_context(storage.reading(storage.path)), **reading)


class _AddedColumns:
    """Keeps what is added to the rows of an Arrow table, so that its own columns stay as they are, types and all."""

    def __init__(self, rows: ResultRows) -> None:
        self._rows = rows
        self._cells: dict[str, list[Any]] = {name: [] for name in rows.added}

    def write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take rows."""
        for name, cells in self._cells.items():
            cells.extend(row[name] for row in rows)

    def write_ordered(self, rows: Sequence[Sequence[Any]]) -> None:
        """Take rows as cells; tables in memory give none."""
        raise NotImplementedError

    def joined(self, table: Any) -> Any:
        """Give the table with the added columns."""
        arrow = require("pyarrow", extra="parquet")
        found = table.rename_columns([self._rows.renamed.get(name, name) for name in table.column_names])
        for name, cells in self._cells.items():
            found = found.append_column(name, arrow.array(cells, _type_of(name, arrow)))
        return found


def _type_of(name: str, arrow: Any) -> Any:
    """Give the type of an added column, which must not depend on what a piece happens to hold."""
    if name == "depth":
        return arrow.int64()
    return arrow.float64() if name.startswith("probability") else arrow.string()


def _sum(file: Path) -> str:
    total = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(_READ):
            total.update(chunk)
    return total.hexdigest()


def error_of(entry: Mapping[str, Any]) -> TextaxaError:
    """Give the error that a worker told.

    >>> error_of({"number": 3, "file": "a.csv", "error": "There is no column 'text'."})
    DataError("There is no column 'text'.")
    """
    kind = getattr(errors, str(entry.get("kind", "")), DataError)
    return kind(str(entry["error"]))
