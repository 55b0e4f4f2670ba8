"""What stands between a command and the shell: messages on stderr, exit statuses, no tracebacks.

====================================  ===========================================  ======
what happened                         what the shell sees                          status
====================================  ===========================================  ======
the job is done                       results on stdout                            0
a check found errors                  the report on stdout                         1
a mistake of the user's               one paragraph on stderr                      2
Ctrl-C                                one line on stderr that says what was kept   130
the reader of our stdout went away    nothing                                      141
====================================  ===========================================  ======
"""

import functools
import os
import sys
import warnings
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import typer

from textaxa.errors import TextaxaError

Command = TypeVar("Command", bound=Callable[..., Any])

MISTAKE = 2
INTERRUPTED = 130
PIPE_CLOSED = 141


def door(command: Command) -> Command:
    """Wrap a command so that a mistake ends in one paragraph and a status, never in a traceback."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        _hush_libraries()
        try:
            return command(*args, **kwargs)
        except KeyboardInterrupt as interrupt:
            note(str(interrupt) or "Stopped; nothing was written.")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            _close_stdout()
            raise typer.Exit(PIPE_CLOSED) from None
        except TextaxaError as error:
            fail(str(error))
        except OSError as error:
            fail(_of_os(error))

    return run  # type: ignore[return-value]  # functools.wraps keeps the signature, which typer reads


def _hush_libraries() -> None:
    """Keep what PyTorch and transformers tell developers from the person at the command line."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # python -W shows them
    # Read by transformers when it is imported; whoever has set them keeps what they have set.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")


def fail(message: str) -> NoReturn:
    """Tell a mistake on stderr and leave with status 2."""
    typer.secho("Error: ", fg="red", bold=True, nl=False, err=True)
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
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
