"""Values that are made once for the version of a model that is served, and forgotten after a reload."""

from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from textaxa.server._served import Served

Value = TypeVar("Value")


class OncePerVersion(Generic[Value]):
    """Makes a value of a model when it is first asked for; who asks at the same time waits for it."""

    def __init__(self, make: "Callable[[Served], Value]") -> None:
        self._make = make
        self._made: dict[str, tuple[str, Value]] = {}
        self._lock = Lock()

    def of(self, served: "Served") -> Value:
        """Give the value of the model as it is served now."""
        with self._lock:
            known = self._made.get(served.name)
            if known is None or known[0] != served.version:
                known = self._made[served.name] = served.version, self._make(served)
            return known[1]
