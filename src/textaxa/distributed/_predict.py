"""Many files in, as many files with predicted paths out, by an engine. ::

    out/
    ├── part-000000.parquet      a file a piece, in the order of the input
    ├── part-000001.parquet
    └── _textaxa/
        ├── plan.json            what the run reads and answers with, and its pieces
        ├── done/000000.json     piece 0 is done: rows, bytes, checksum
        ├── manifest.json        the run is done: every part, its rows and checksum
        └── lock                 held by the process that leads; at an address lease.json

A piece is done when its file and then its line of ``done/`` are there. Given again, the same command answers what is
missing. Readers of Parquet folders leave out what begins with an underscore.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textaxa._extras import require
from textaxa._suggest import did_you_mean
from textaxa._version import __version__
from textaxa.data._formats import checked_format
from textaxa.decisions import Choice
from textaxa.distributed import _engines
from textaxa.distributed._claim import claimed
from textaxa.distributed._engines import Entry
from textaxa.distributed._kept import MANIFEST, begin, plan_of, refuse_strangers, sweep
from textaxa.distributed._pieces import KEPT, Task, check_columns, error_of
from textaxa.distributed._plan import BLOCK_ROWS, Piece, read_input
from textaxa.distributed._storage import Storage
from textaxa.errors import ConfigError
from textaxa.jobs._blocks import Tally
from textaxa.jobs._listener import Interrupted, Listener, nobody

ENGINES = {"local": _engines.local, "ray": _engines.ray, "spark": _engines.spark}
"""Who answers: this process, Ray Data, Spark."""

_PACKAGES = {"ray": "ray.data", "spark": "pyspark.sql"}


@dataclass(frozen=True)
class PartsResult:
    """What was predicted.

    Attributes
    ----------
    rows, blank
        Rows that were read and written, and how many of them had no text and so got no path.
    parts
        Output files.
    resumed
        How many of them were there from a run before.
    seconds
        How long the others took, without planning.
    depths, stopped
        As in `textaxa.predict`.
    renamed
        Input columns that were renamed because results need their names.
    workers
        How many processes answered.
    """

    rows: int
    blank: int
    parts: int
    resumed: int
    seconds: float
    depths: dict[int, int] = field(default_factory=dict)
    stopped: dict[str, int] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    workers: int = 0


def predict_parts(
    model: str | Path,
    tables: str | os.PathLike[str] | Sequence[str],
    output: str | os.PathLike[str],
    *,
    engine: str = "local",
    workers: int | None = None,
    block_rows: int = BLOCK_ROWS,
    text: str | Sequence[str] | None = None,
    template: str | None = None,
    choice: Choice | None = None,
    set_coverage: float | None = None,
    separator: str | None = None,
    format: str | None = None,
    input_format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    overwrite: bool = False,
    restart: bool = False,
    runtime: str = "auto",
    listener: Listener = nobody,
) -> PartsResult:
    """Write every row of many tables with its predicted path, a file a piece; rows have the input's order.

    Rows are those that `textaxa.predict` writes. A run that was interrupted, or whose machine was lost, goes on when it
    is called again as it was. No row is lost or written twice, whichever worker dies.

    Parameters
    ----------
    model
        The folder of a model, or its address (``s3://…``); every worker reads it.
    tables
        Files, folders, patterns or addresses.
    output
        A folder, or the address of one.
    engine
        ``local``: this process. ``ray``: Ray Data, on the cluster that RAY_ADDRESS names or on this machine. ``spark``:
        the active session, or one of this machine.
    workers
        How many processes answer, each with a model of its own and one core. None: one a core of the cluster.
    block_rows
        Rows of a piece, at least; a piece ends with a row group of a Parquet file, or with the file.
    text, template, choice, set_coverage, separator, input_format, encoding, delimiter, runtime
        As in `textaxa.predict`; a choice without costs.
    format
        ``parquet``, ``csv``, ``tsv`` or ``jsonl``. None: Parquet for Parquet, else as the input.
    overwrite
        Replace an output that is there.
    restart
        Begin anew where an interrupted run would be gone on with.
    listener
        Is told ``{"event": "resumed", "parts": n, "of": n, "rows": n}`` and, after every piece, ``{"event": "rows",
        "rows": n, "share": share of the pieces, "parts": n, "of": n, "worker": who}``; and ``{"event": "waiting",
        "for": who, "seconds": s}`` while it is watched whether another process that wrote to this address is dead.

    Raises
    ------
    ConfigError
        The output is there, or belongs to a run with other options, input or model; another process writes there; no
        such engine.
    DataError
        A table cannot be read; a promise cannot be kept.
    MissingExtraError
        A package that the engine or the address needs is not installed.
    ModelFileError
        The model folder is not there or damaged.
    TextaxaError
        Workers died again and again.
    Interrupted
        Ctrl-C; what is done is kept.
    """
    answer = _engine(engine)
    choice = choice or Choice()
    _check(choice, workers, block_rows)
    addresses = [os.fspath(tables)] if isinstance(tables, str | os.PathLike) else list(map(os.fspath, tables))
    found = read_input(addresses, format=checked_format(input_format), block_rows=block_rows)
    task = Task(
        model=_absolute(os.fspath(model)),
        output=_absolute(os.fspath(output)),
        text=(text,) if isinstance(text, str) else None if text is None else tuple(text),
        template=template,
        separator=separator,
        choice=choice,
        set_coverage=set_coverage,
        runtime=runtime,
        format=checked_format(format) or found.format,
        reading={"format": found.format, "encoding": encoding, "delimiter": delimiter},
    )
    check_columns(task, found.pieces[0])
    place = Storage(task.output)
    plan = plan_of(task, found)
    refuse_strangers(place)
    with claimed(place, KEPT, listener) as check:
        done = begin(place, plan, overwrite=overwrite, restart=restart)
        return _Run(place, task, found.pieces, done, listener=listener, check=check).go(answer, workers)


class _Run:
    """A planned run: what is done, and what is left."""

    def __init__(
        self,
        place: Storage,
        task: Task,
        pieces: list[Piece],
        done: dict[int, Entry],
        *,
        listener: Listener,
        check: Callable[[], None],
    ) -> None:
        self.place, self.task, self.pieces, self.done, self.tell = place, task, pieces, done, listener
        self.check = check
        self.resumed = len(done)
        self.rows = sum(entry["tally"]["rows"] for entry in done.values())

    def go(self, answer: _engines.Engine, workers: int | None) -> PartsResult:
        if self.resumed:
            event = {"event": "resumed", "parts": self.resumed, "of": len(self.pieces), "rows": self.rows}
            self.tell(event)
        began = time.monotonic()
        left = [piece for piece in self.pieces if piece.number not in self.done]
        try:
            if left:
                with closing(answer(self.task, left, workers)) as entries:  # whatever happens, the workers stop
                    for entry in entries:
                        self._take(entry)
        except KeyboardInterrupt:
            raise Interrupted(
                f"Stopped: {len(self.done):,} of {len(self.pieces):,} parts are done, and kept. Give the same command "
                "again to go on."
            ) from None
        return self._finish(time.monotonic() - began)

    def _take(self, entry: Entry) -> None:
        self.check()
        if "error" in entry:
            raise error_of(entry)
        if entry["number"] in self.done:
            return
        self.done[entry["number"]] = entry
        self.rows += entry["tally"]["rows"]
        share = len(self.done) / len(self.pieces)
        where = {"parts": len(self.done), "of": len(self.pieces), "worker": entry["worker"]}
        self.tell({"event": "rows", "rows": self.rows, "share": share, **where})

    def _finish(self, seconds: float) -> PartsResult:
        entries = [self.done[piece.number] for piece in self.pieces]
        self._check_rows(entries)
        parts = [{name: entry[name] for name in ("part", "file", "bytes", "sha256")} for entry in entries]
        rows = [entry["tally"]["rows"] for entry in entries]
        told = [part | {"rows": count} for part, count in zip(parts, rows, strict=True)]
        self.place.write_json(MANIFEST, {"textaxa": __version__, "rows": sum(rows), "parts": told})
        sweep(self.place)
        tallies = [Tally.from_dict(entry["tally"]) for entry in entries]
        return PartsResult(
            rows=sum(rows),
            blank=sum(tally.blank for tally in tallies),
            parts=len(entries),
            resumed=self.resumed,
            seconds=seconds,
            depths=dict(sorted(sum((tally.depths for tally in tallies), Counter()).items())),
            stopped=dict(sum((tally.stopped for tally in tallies), Counter()).most_common()),
            renamed=entries[0]["renamed"],
            workers=len({entry["worker"] for entry in entries[self.resumed :]} if self.resumed < len(entries) else ()),
        )

    def _check_rows(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Count again: Parquet says beforehand how many rows there are."""
        for piece, entry in zip(self.pieces, entries, strict=True):
            if piece.rows is not None and piece.rows != entry["tally"]["rows"]:
                raise _engines.WorkersError(
                    f"{entry['part']} has {entry['tally']['rows']:,} rows, but {piece.file} has {piece.rows:,} there. "
                    "Was the file replaced meanwhile? Give the command again with --restart."
                )


def _engine(name: str) -> _engines.Engine:
    if name not in ENGINES:
        raise ConfigError(f"There is no engine {name!r}.{did_you_mean(name, ENGINES)} Known: {', '.join(ENGINES)}.")
    if name in _PACKAGES:
        require(_PACKAGES[name], extra=name)  # told before anything is read
    return ENGINES[name]


def _check(choice: Choice, workers: int | None, block_rows: int) -> None:
    for name, value in (("top", choice.top), ("workers", workers), ("block_rows", block_rows)):
        if value is not None and value < 1:
            raise ConfigError(f"{name} = {value} was asked for: it must be at least 1.")
    if choice.costs is not None:
        raise ConfigError("Costs of wrong answers are for a single table: leave --costs out, or predict file by file.")


def _absolute(address: str) -> str:
    return address if "://" in address else str(Path(address).absolute())
