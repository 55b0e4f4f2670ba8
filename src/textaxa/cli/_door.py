"""What stands between a command and the shell: messages on stderr, exit statuses, no tracebacks.

====================================  ===========================================  ======
what happened                         what the shell sees                          status
====================================  ===========================================  ======
the job is done                       results on stdout                            0
a check found errors                  the report on stdout                         1
a mistake of the user's               one paragraph on stderr                      2
Ctrl-C                                one line on stderr that says what was kept   130
SIGTERM, SIGHUP                       the same                                     143, 129
the reader of our stdout went away    nothing                                      141
====================================  ===========================================  ======
"""

import functools
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn, TypeVar

import typer

from textaxa._processes import launched
from textaxa.errors import ConfigError, TextaxaError

Command = TypeVar("Command", bound=Callable[..., Any])

MISTAKE = 2
INTERRUPTED = 130
PIPE_CLOSED = 141
SIGNALLED = 128

TOGETHER = {"reproduce", "train"}
"""Commands that several processes do together; any other would do the same work and write the same file in each."""

FIRST = 1.0
"""Seconds that the main process has to tell a mistake that all of them found, before others do: a launcher ends all
when the first has ended."""

NAMED = 40
"""Characters shown on both sides of one that cannot be written."""


def door(command: Command) -> Command:
    """Wrap a command so that a mistake ends in one paragraph and a status, never in a traceback."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        _hush_libraries()
        try:
            _refuse_several(command.__name__)
            with _orderly_end() as asked:
                result = command(*args, **kwargs)
                sys.stdout.flush()  # here, where a full disk can still be told
                return result
        except KeyboardInterrupt as interrupt:
            if launched().main:
                note(str(interrupt) or "Stopped; nothing was written.")
            raise typer.Exit(asked[0] if asked else INTERRUPTED) from None
        except BrokenPipeError:
            _close_stdout()
            raise typer.Exit(PIPE_CLOSED) from None
        except TextaxaError as error:
            if not launched().main:
                time.sleep(FIRST)
                if getattr(error, "told_by_main", False):
                    raise typer.Exit(MISTAKE) from None
            fail(str(error))
        except OSError as error:
            _close_stdout()
            fail(_of_os(error))
        except UnicodeEncodeError as error:
            name = error.object[max(0, error.start - NAMED) : error.end + NAMED]
            fail(f"{name!r} has a character that cannot be written. Is it the name of a file? Then rename the file.")

    return run  # type: ignore[return-value]  # functools.wraps keeps the signature, which typer reads


@contextmanager
def _orderly_end() -> Iterator[list[int]]:
    """Let a request to end (``kill``, a closed terminal, a job scheduler) clean up as Ctrl-C does.

    Gives a list that holds the exit status once there was such a request. Signals that are ignored (``nohup``) stay so.
    """
    asked: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        asked.append(SIGNALLED + number)
        raise KeyboardInterrupt

    taken = []
    if threading.current_thread() is threading.main_thread():
        wanted = (getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP"))
        taken = [number for number in wanted if number is not None and signal.getsignal(number) == signal.SIG_DFL]
    for number in taken:
        signal.signal(number, end)
    try:
        yield asked
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _hush_libraries() -> None:
    """Keep what PyTorch and transformers tell developers from the person at the command line."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # python -W shows them
    # Read by transformers when it is imported; whoever has set them keeps what they have set.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    if launched().world > 1:  # every process would tell that it looked for parameters without a gradient
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")


def _refuse_several(command: str) -> None:
    """Refuse to do in several processes what is work for one."""
    place = launched()
    if place.world > 1 and command not in TOGETHER:
        error = ConfigError(
            f"{place.world} processes were started for `textaxa {command}`, which is work for one. Start it without "
            "torchrun or accelerate launch."
        )
        vars(error)["told_by_main"] = True
        raise error


def fail(message: str) -> NoReturn:
    """Tell a mistake on stderr and leave with status 2."""
    place = launched()
    whose = "" if place.main else f"{place.name}: "
    typer.secho(f"{whose}Error: ", fg="red", bold=True, nl=False, err=True)
    typer.echo(message.strip(), err=True)
    raise typer.Exit(MISTAKE)


def note(message: str) -> None:
    """Tell something on stderr that is neither a result nor a mistake."""
    typer.echo(message, err=True)


def _of_os(error: OSError) -> str:
    what = error.strerror or str(error)
    if error.filename is None:
        return f"{what}."
    return f"{error.filename}: {what}. Check that the path is right, that you may use it, and that the disk has room."


def _close_stdout() -> None:
    """Point stdout at nothing, so that Python does not complain again when it flushes at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
