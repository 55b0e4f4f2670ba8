"""Something run in a process of its own that is killed with SIGKILL: at a moment, or before it changes the disk.

Processes are forked, so that a hundred of them need not each import PyTorch; nothing is written while that happens.
"""

import json
import os
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHANGING = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "sqlite3.connect"}
"""Audit events of Python that change the disk; a file that is opened to be written is one, too."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


@dataclass(frozen=True)
class Moment:
    """When a process is killed: after so many seconds, or before its change of that number below a folder."""

    seconds: float | None = None
    change: int | None = None


@dataclass(frozen=True)
class Ended:
    """How a process ended: its signal or 0, what it told (an error), the changes it made, and its seconds."""

    killed: bool
    told: dict[str, Any]
    seconds: float


@dataclass(frozen=True)
class Child:
    """A forked process, and the pipe on which it tells how it ended."""

    number: int
    pipe: int
    began: float

    def runs(self) -> bool:
        """Tell whether it has not ended yet."""
        return os.waitid(os.P_PID, self.number, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def ended(self) -> Ended:
        """Wait for it."""
        with os.fdopen(self.pipe) as stream:
            told = stream.read()
        status = os.waitpid(self.number, 0)[1]
        killed = os.waitstatus_to_exitcode(status) == -signal.SIGKILL
        return Ended(killed, json.loads(told or "{}"), time.monotonic() - self.began)


def run_killed(call: Callable[[], Any], folder: Path, moment: Moment | None = None) -> Ended:
    """Call something in a forked process and kill that at a moment; None: let it end."""
    child = started(call, folder, moment)
    if moment is not None and moment.seconds is not None:
        _kill(child, child.began + moment.seconds)
    return child.ended()


def started(call: Callable[[], Any], folder: Path | None = None, moment: Moment | None = None) -> Child:
    """Call something in a forked process, and do not wait for it."""
    reading, writing = os.pipe()
    began = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside the threads of libraries
        number = os.fork()
    if not number:
        os.close(reading)
        _in_child(call, folder or Path("/"), moment, writing)
    os.close(writing)
    return Child(number, reading, began)


def _kill(child: Child, at: float) -> None:
    while time.monotonic() < at:
        if not child.runs():
            return
        time.sleep(0.001)
    os.kill(child.number, signal.SIGKILL)


def _in_child(call: Callable[[], Any], folder: Path, moment: Moment | None, writing: int) -> None:
    changes = 0
    root = str(folder)

    def heard(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal changes
        if not _changes(event, arguments) or not _below(root, arguments[0]):
            return
        changes += 1
        if moment is not None and changes == moment.change:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(heard)
    told: dict[str, Any] = {}
    try:
        told["value"] = call()
    except Exception as error:  # noqa: BLE001 - handed to the process that asked
        told |= {"error": type(error).__name__, "message": str(error), "trace": traceback.format_exc()[-2000:]}
    os.write(writing, json.dumps(told | {"changes": changes}, default=str).encode())
    os._exit(0)


def _changes(event: str, arguments: tuple[Any, ...]) -> bool:
    return event in CHANGING or (event == "open" and isinstance(arguments[2], int) and bool(arguments[2] & _WRITING))


def _below(root: str, name: Any) -> bool:
    """Tell whether a name lies below a folder; names relative to an open folder come from within one of ours."""
    if isinstance(name, int):
        return True
    name = os.fsdecode(name) if isinstance(name, str | bytes | os.PathLike) else ""
    return name.startswith(root) or not name.startswith("/")
