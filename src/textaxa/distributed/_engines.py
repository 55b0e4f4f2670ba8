"""Who answers the pieces: this process, the actors of Ray Data, or the workers of Spark.

Each engine is a function: pieces come in, what is known about each goes out as it is done, in any order.
"""

import json
import logging
import os
import re
import secrets
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from typing import Any

from textaxa._extras import require
from textaxa.distributed._pieces import PieceScorer, Task, done_name, done_numbers
from textaxa.distributed._plan import Piece
from textaxa.distributed._storage import Storage
from textaxa.errors import TextaxaError

RETRIES = 3
"""So often a piece is tried again where its worker died. Not for ever: a text may be what kills the worker."""

_SPARK_LOOK = 1.0
"""Seconds between two looks at what Spark's workers have done."""

_SPARK_END = 30.0
"""So many seconds are given to Spark to stop its workers."""

Entry = dict[str, Any]
Entries = Generator[Entry, None, None]
Engine = Callable[[Task, Sequence[Piece], int | None], Entries]


class WorkersError(TextaxaError):
    """Workers died again and again, or the engine could not start."""


def local(task: Task, pieces: Sequence[Piece], workers: int | None) -> Entries:
    """Answer the pieces here, one after the other."""
    del workers
    scorer = PieceScorer(task)
    for piece in pieces:
        yield scorer(piece.to_dict())


def ray(task: Task, pieces: Sequence[Piece], workers: int | None) -> Entries:
    """Answer the pieces by Ray Data: one model an actor; a piece of an actor that dies is given to another.

    The cluster is the one that was joined by ``ray.init`` or that RAY_ADDRESS names; else one of this machine's cores.
    """
    module, data = require("ray", extra="ray"), require("ray.data", extra="ray")
    if not module.is_initialized():
        _start_ray(module)
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    count = workers or max(1, int(module.cluster_resources().get("CPU", 1)))
    tries = module.remote(num_cpus=0)(_Tries).remote()
    dataset = data.from_items([piece.to_dict() for piece in pieces], override_num_blocks=len(pieces)).map(
        _RayScorer,
        fn_constructor_args=(task, tries),
        compute=data.ActorPoolStrategy(size=min(count, len(pieces)), max_tasks_in_flight_per_actor=2),
        num_cpus=1,
    )
    try:
        for row in dataset.iter_rows():
            yield _told(json.loads(row["entry"]))
    except (module.exceptions.RayError, RuntimeError) as error:
        raise WorkersError(_failed("Ray", error)) from error


def _start_ray(module: Any) -> None:
    """Start a cluster of this machine's cores, which ends with this process and has nothing to say to a person."""
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    module.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")


class _Tries:
    """An actor that counts how often each piece was begun.

    Ray restarts actors that die for ever, and there is no parameter that would change it in Ray Data from Ray 2.64 on.
    """

    def __init__(self) -> None:
        self._begun = Counter[int]()

    def begin(self, number: int) -> int:
        self._begun[number] += 1
        return self._begun[number]


class _RayScorer:
    """A `PieceScorer` whose answers are one text, since the rows of a Ray dataset share their types."""

    def __init__(self, task: Task, tries: Any) -> None:
        self._scorer, self._tries = PieceScorer(task), tries

    def __call__(self, values: dict[str, Any]) -> dict[str, str]:
        module = require("ray", extra="ray")
        begun = module.get(self._tries.begin.remote(values["number"]))
        return {"entry": json.dumps(self._scorer(values) if begun <= RETRIES + 1 else _given_up(values))}


def _given_up(values: dict[str, Any]) -> Entry:
    where = "" if values["groups"] is None else f" (row groups {values['groups'][0]} to {values['groups'][1] - 1})"
    return {
        "number": values["number"],
        "kind": WorkersError.__name__,
        "error": f"Piece {values['number']}, {values['file']}{where}, ended {RETRIES + 1} workers without a word: one "
        "of its texts may be what kills them, or their memory is too small. What is done is kept; give the same "
        "command again to go on.",
    }


def _told(entry: Entry) -> Entry:
    """Give what a worker told of a piece.

    Raises
    ------
    WorkersError
        It ended one worker after the other.
    """
    if entry.get("kind") == WorkersError.__name__:
        raise WorkersError(entry["error"])
    return entry


def spark(task: Task, pieces: Sequence[Piece], workers: int | None) -> Entries:
    """Answer the pieces by Spark's ``mapInPandas``: a task a piece, one model a worker process.

    The session is the active one; else one of this machine's cores.
    """
    session = _spark_session(workers)
    told = [piece.to_dict() for piece in pieces]
    frame = session.range(0, len(told), numPartitions=len(told)).mapInPandas(
        _spark_function(task, told), "entry string"
    )
    job = _SparkJob(session, frame)
    # Spark tells its rows at the end; what is done lies in the output long before.
    output, seen, wanted = Storage(task.output), set[int](), {piece.number for piece in pieces}
    try:
        while job.runs():
            for number in sorted(wanted.intersection(done_numbers(output)) - seen):
                if entry := output.read_json(done_name(number)):
                    seen.add(number)
                    yield entry
        yield from (entry for entry in job.entries() if entry["number"] not in seen)
    finally:
        job.end()


class _SparkJob:
    """A frame that is collected in a thread of its own, and that ends when it is told to."""

    def __init__(self, session: Any, frame: Any) -> None:
        self._session, self._frame = session, frame
        self._tag = f"textaxa-{secrets.token_hex(4)}"
        self._box: dict[str, Any] = {}
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def runs(self) -> bool:
        """Wait for a moment; tell whether it is not done."""
        self._thread.join(_SPARK_LOOK)
        return self._thread.is_alive()

    def entries(self) -> list[Entry]:
        """Give what the workers told.

        Raises
        ------
        WorkersError
            They failed.
        """
        if error := self._box.get("error"):
            raise WorkersError(_failed("Spark", error)) from error
        return [json.loads(text) for text in self._box["rows"]]

    def end(self) -> None:
        """Stop the workers, where they still work: the session may be somebody's, and live on."""
        until = time.monotonic() + _SPARK_END
        while self._thread.is_alive() and time.monotonic() < until:
            self._session.interruptTag(self._tag)  # again: it may just have begun
            self._thread.join(0.5)

    def _collect(self) -> None:
        self._session.addTag(self._tag)  # of this thread's jobs alone
        try:
            self._box["rows"] = [row["entry"] for row in self._frame.collect()]
        except Exception as error:  # noqa: BLE001 -- raised again in the thread that asked
            self._box["error"] = error


def _spark_session(workers: int | None) -> Any:
    sql = require("pyspark.sql", extra="spark")
    active = sql.SparkSession.getActiveSession()
    if active is not None:
        return active
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    master = f"local[{workers or '*'},{RETRIES + 1}]"
    builder = sql.SparkSession.builder.master(master).appName("textaxa").config("spark.ui.enabled", "false")
    return builder.config("spark.log.level", "ERROR").getOrCreate()


def _spark_function(task: Task, told: list[Entry]) -> Callable[[Any], Any]:
    def answer(frames: Any) -> Any:
        pandas = require("pandas", extra="spark")
        for frame in frames:
            scorer = _scorer_of_process(task)
            yield pandas.DataFrame({"entry": [json.dumps(scorer(told[number])) for number in frame["id"]]})

    return answer


_SCORERS: dict[str, PieceScorer] = {}


def _scorer_of_process(task: Task) -> PieceScorer:
    """Give the scorer of a worker process, which Spark keeps for many tasks."""
    key = repr(task)
    if key not in _SCORERS:
        _SCORERS.clear()
        _SCORERS[key] = PieceScorer(task)
    return _SCORERS[key]


def _failed(engine: str, error: BaseException) -> str:
    """Say why, in the words of the innermost error: above it stand the traces of the engine."""
    found = re.findall(r"^(?:\w+\.)*(\w+(?:Error|Exception): [^\n]*)", str(error), re.MULTILINE)
    reason = found[-1] if found else (str(error).strip().splitlines() or [repr(error)])[0]
    return (
        f"The workers of {engine} failed: {reason.rstrip('.')}. What is done is kept; give the same command again to "
        "go on. The engine's own log has more."
    )
