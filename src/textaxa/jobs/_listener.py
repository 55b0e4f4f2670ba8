"""What a running job tells: one plain mapping an event, for a progress bar, a log, or nobody."""

from collections.abc import Callable
from typing import Any

Event = dict[str, Any]
"""``{"event": NAME, ...}``; every value can be written as JSON."""

Listener = Callable[[Event], None]


def nobody(event: Event) -> None:
    """Hear nothing."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in the middle of a job; the message says what was kept and how to go on."""
