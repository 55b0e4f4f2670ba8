"""The three standard streams as the command line needs them, whatever the shell, the pipe or the service gave us."""

import os
import sys
from typing import Any, TextIO

STDOUT, STDERR = 1, 2


def prepare_streams() -> None:
    """Make sure that every text can be written, and that closed streams do no harm.

    A closed stream (``>&-``, some services) would leave its number free, and the next file opened would get what
    libraries print. What a person then wanted on stdout ends in an error, not in a file.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # Stdout gets an end that cannot be written to, so that lost results are told.
            os.open(os.devnull, os.O_RDWR if number == STDERR else os.O_RDONLY)
    if sys.stdout is None:
        sys.stdout = os.fdopen(STDOUT, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(STDERR, "w", encoding="utf-8", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        _writes_everything(stream)


def _writes_everything(stream: TextIO) -> None:
    """Let a stream escape what its encoding does not have; files and pipes get UTF-8, which all tables here are in."""
    reconfigure: Any = getattr(stream, "reconfigure", None)
    if reconfigure is None:
        return
    chosen = "PYTHONIOENCODING" in os.environ or stream.isatty()
    reconfigure(errors="backslashreplace", encoding=stream.encoding if chosen else "utf-8")


def is_unicode(stream: TextIO) -> bool:
    """Tell whether a stream has a place for every character."""
    return (stream.encoding or "").lower().replace("-", "").startswith("utf")
