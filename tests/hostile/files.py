"""What readers under attack stand on: a folder of their own, and which errors are an answer."""

import shutil
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textaxa.errors import TextaxaError

Read = Callable[[bytes], None]

ALLOWED: tuple[type[BaseException], ...] = (TextaxaError,)


class Scratch:
    """A folder of its own, with one file in it that is read again and again."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="textaxa-hostile-"))

    def file(self, name: str, content: bytes) -> Path:
        """Write a file."""
        file = self.folder / name
        file.write_bytes(content)
        return file

    def gone(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def tolerant(read: Callable[[bytes], Any]) -> Read:
    """Let through what a reader may say; warnings are not faults."""

    def call(content: bytes) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                read(content)
            except ALLOWED:
                return

    return call
