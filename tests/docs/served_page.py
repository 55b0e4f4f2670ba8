"""A service that a page starts: the line ``textaxa serve …`` of a block becomes a process on a free port.

Whatever comes later on the page and speaks of ``localhost:8000`` is pointed to it.
"""

import shlex
import subprocess
import sys
import threading
import time

SERVE = "textaxa serve "
WRITTEN = "localhost:8000"


class ServedPage:
    """The services that one page has started."""

    def __init__(self) -> None:
        self._running: list[subprocess.Popen[str]] = []
        self._address = WRITTEN

    def pointed(self, code: str) -> str:
        """Give code in which the address of the page is that of the service."""
        return code.replace(WRITTEN, self._address)

    def without_starts(self, code: str) -> tuple[str, list[str]]:
        """Give a block without the lines that start a service, and these lines."""
        lines = code.splitlines(keepends=True)
        return "".join(line for line in lines if not line.startswith(SERVE)), [x for x in lines if x.startswith(SERVE)]

    def start(self, line: str) -> None:
        """Start what a line starts, and wait until it answers."""
        command = [sys.executable, "-m", *shlex.split(line), "--port", "0"]
        running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self._running.append(running)
        told: list[str] = []
        threading.Thread(target=lambda: told.extend(iter(running.stderr.readline, "")), daemon=True).start()
        end = time.monotonic() + 60
        while not (found := [x.split()[2] for x in told if x.startswith("Serving at ")]):
            assert time.monotonic() < end, told
            assert running.poll() is None, told
            time.sleep(0.05)
        self._address = found[0].removeprefix("http://")

    def end(self) -> None:
        """End all services; each must end in order."""
        for running in self._running:
            running.terminate()
            assert running.wait(30) == 0
            running.stderr.close()
