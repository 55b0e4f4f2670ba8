"""Who answers the pieces: this process, the actors of Ray Data, or the workers of Spark.

Each engine is a function: pieces come in, what is known about each goes out as it is done, in any order.
"""

import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from textaxa._extras import require
from textaxa.distributed._pieces import PieceScorer, Task, done_name, done_numbers
from textaxa.distributed._plan import Piece
from textaxa.distributed._storage import Storage
from textaxa.errors import TextaxaError

RETRIES = 3
"""So often a piece is tried again where its worker died. Not for ever: a text may be what kills the worker."""

Entry = dict[str, Any]
Engine = Callable[[Task, Sequence[Piece], int | None], Iterator[Entry]]


class WorkersError(TextaxaError):
    """Workers died again and again, or the engine could not start."""


def local(task: Task, pieces: Sequence[Piece], workers: int | None) -> Iterator[Entry]:
    """Answer the pieces here, one after the other."""
    del workers
    scorer = PieceScorer(task)
    for piece in pieces:
        yield scorer(piece.to_dict())


def ray(task: Task, pieces: Sequence[Piece], workers: int | None) -> Iterator[Entry]:
    """Answer the pieces by Ray Data: one model an actor; a piece of an actor that dies is given to another.

    The cluster is the one that was joined by ``ray.init`` or that RAY_ADDRESS names; else one of this machine's cores.
    """
    module, data = require("ray", extra="ray"), require("ray.data", extra="ray")
    if not module.is_initialized():
        module.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    count = workers or max(1, int(module.cluster_resources().get("CPU", 1)))
    dataset = data.from_items([piece.to_dict() for piece in pieces], override_num_blocks=len(pieces)).map(
        _RayScorer,
        fn_constructor_args=(task,),
        compute=data.ActorPoolStrategy(size=min(count, len(pieces)), max_tasks_in_flight_per_actor=2),
        num_cpus=1,
        ray_remote_args_fn=lambda: {"max_restarts": RETRIES, "max_task_retries": RETRIES},
    )
    try:
        for row in dataset.iter_rows():
            yield json.loads(row["entry"])
    except (module.exceptions.RayError, RuntimeError) as error:
        raise WorkersError(_failed("Ray", error)) from error


class _RayScorer:
    """A `PieceScorer` whose answers are one text, since the rows of a Ray dataset share their types."""

    def __init__(self, task: Task) -> None:
        self._scorer = PieceScorer(task)

    def __call__(self, values: dict[str, Any]) -> dict[str, str]:
        return {"entry": json.dumps(self._scorer(values))}


def spark(task: Task, pieces: Sequence[Piece], workers: int | None) -> Iterator[Entry]:
    """Answer the pieces by Spark's ``mapInPandas``: a task a piece, one model a worker process.

    The session is the active one; else one of this machine's cores.
    """
    session = _spark_session(workers)
    told = [piece.to_dict() for piece in pieces]
    frame = session.range(0, len(told), numPartitions=len(told)).mapInPandas(
        _spark_function(task, told), "entry string"
    )
    box: dict[str, Any] = {}
    thread = threading.Thread(target=_collect, args=(frame, box), daemon=True)
    thread.start()
    # Spark tells its rows at the end; what is done lies in the output long before.
    output, seen, wanted = Storage(task.output), set[int](), {piece.number for piece in pieces}
    while thread.is_alive():
        thread.join(1.0)
        for number in sorted(wanted.intersection(done_numbers(output)) - seen):
            if entry := output.read_json(done_name(number)):
                seen.add(number)
                yield entry
    if "error" in box:
        raise WorkersError(_failed("Spark", box["error"])) from box["error"]
    yield from (entry for entry in map(json.loads, box["rows"]) if entry["number"] not in seen)


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


def _collect(frame: Any, box: dict[str, Any]) -> None:
    try:
        box["rows"] = [row["entry"] for row in frame.collect()]
    except Exception as error:  # noqa: BLE001 -- raised again in the thread that asked
        box["error"] = error


def _failed(engine: str, error: BaseException) -> str:
    """Say why, in the words of the innermost error: above it stand the traces of the engine."""
    found = re.findall(r"^(?:\w+\.)*(\w+(?:Error|Exception): [^\n]*)", str(error), re.MULTILINE)
    reason = found[-1] if found else (str(error).strip().splitlines() or [repr(error)])[0]
    return (
        f"The workers of {engine} failed: {reason.rstrip('.')}. What is done is kept; give the same command again to "
        "go on. The engine's own log has more."
    )
