"""One process at a time leads a run into an output: two with other plans would clear each other's parts.

On this machine, and on disks that hosts share, it is the system's lock on a file, which goes with the process however
that ends. At an address it is a lease: a small object that its holder writes anew every few seconds. It is created only
where there is none, which S3, Google's storage and Azure's do in one step.
"""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from textaxa.distributed._storage import Storage
from textaxa.errors import ConfigError
from textaxa.jobs._interrupted import held
from textaxa.jobs._listener import Listener

BEAT = 10.0
"""Seconds between two signs of life: nine thousand small writes a day, some cents."""

MISSED = 3
"""After so many beats without a sign, the holder counts as dead. Watched, not computed: clocks of hosts differ."""

LEASE_FILE = "lease.json"

Entry = dict[str, Any]


@contextmanager
def claimed(place: Storage, folder: str, tell: Listener) -> Iterator[Callable[[], None]]:
    """Keep other processes out of an output; give what makes sure that they still are.

    Parameters
    ----------
    place
        The output.
    folder
        Where in it the lock or the lease lies.
    tell
        Hears ``{"event": "waiting", "for": who, "seconds": s}`` before a lease is watched for signs of life.

    Raises
    ------
    ConfigError
        Another process writes there.
    """
    if place.local:
        with held(Path(place.address) / folder, doing="predicting"):
            yield _nothing
        return
    lease = Lease(place, f"{folder}/{LEASE_FILE}", tell)
    lease.take()
    try:
        yield lease.check
    finally:
        lease.give_back()


def _nothing() -> None:
    """Check nothing: a lock is not lost."""


class Lease:
    """A lease of an output that is reached over a network.

    Parameters
    ----------
    place
        The output.
    name
        Of the lease in it.
    tell
        As in `claimed`.
    """

    def __init__(self, place: Storage, name: str, tell: Listener) -> None:
        self._place, self._name, self._tell = place, name, tell
        self._id = secrets.token_hex(8)
        self._beats = 0
        self._ended, self._lost = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._live, name="textaxa-lease", daemon=True)

    def take(self) -> None:
        """Take the lease; one whose holder is dead is taken over.

        Raises
        ------
        ConfigError
            Its holder lives.
        """
        while not self._place.create_json(self._name, self._sign()):
            found = self._read()
            if found.get("id") == self._id:  # the store had written it, and was asked again
                break
            if found and not self._is_dead(found):
                raise ConfigError(
                    f"{_who(found)} is predicting into {self._place.address!r}. Wait for it, or name another output."
                )
        self._thread.start()

    def check(self) -> None:
        """Make sure that nobody took the lease over, as happens to a process that stood still for a while.

        Raises
        ------
        ConfigError
            Somebody did.
        """
        if self._lost.is_set():
            raise ConfigError(
                f"{_who(self._read())} took over the output {self._place.address!r}: this process gave no sign of life "
                f"for {BEAT * MISSED:.0f} s, as when a machine is suspended. What is done is kept."
            )

    def give_back(self) -> None:
        """Let others in."""
        self._ended.set()
        self._thread.join()
        if not self._lost.is_set() and self._read().get("id") == self._id:
            self._place.remove(self._name)

    def _is_dead(self, found: Entry) -> bool:
        """Tell whether the holder of a lease is gone; what is left of it is then removed."""
        if not _ended_here(found) and self._changes(found):
            return False
        if self._read() == found:
            self._place.remove(self._name)
        return True

    def _changes(self, found: Entry) -> bool:
        """Watch whether a lease is written anew; given back, it is not."""
        self._tell({"event": "waiting", "for": _who(found), "seconds": BEAT * MISSED})
        until = time.monotonic() + BEAT * MISSED
        while time.monotonic() < until:
            time.sleep(BEAT / 2)
            now = self._read()
            if now != found:
                return bool(now)
        return False

    def _live(self) -> None:
        while not self._ended.wait(BEAT):
            # The store may be away for a moment; clients of stores have errors of their own for it. Had one ended this
            # thread, nobody would notice that the lease is lost.
            with suppress(Exception):
                if self._read().get("id") != self._id:
                    self._lost.set()
                    return
                self._place.write_json(self._name, self._sign())

    def _sign(self) -> Entry:
        self._beats += 1
        who = {"host": socket.gethostname(), "pid": os.getpid(), "home": _home()}
        return {"id": self._id, **who, "beat": self._beats}

    def _read(self) -> Entry:
        """Give what the lease says; nothing where there is none, something unlike any where it is damaged."""
        found = self._place.read_json(self._name)
        if isinstance(found, dict):
            return found
        return {"damaged": True} if self._place.exists(self._name) else {}


def _who(found: Entry) -> str:
    return f"Process {found.get('pid', '?')} on {found.get('host', 'another host')}"


def _home() -> str | None:
    """Name those processes among which a number means one; None where the system does not say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return None


def _ended_here(found: Entry) -> bool:
    """Tell whether the holder was a process beside this one that has ended."""
    pid = found.get("pid")
    if found.get("home") is None or found["home"] != _home() or not isinstance(pid, int) or pid < 1:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:  # it is somebody else's
        pass
    return False
