"""What a request may be, checked before any route sees it: how large, how slow, and that it is plain JSON.

The body is read here, in bounded memory and time, and handed on whole. So the limits hold for every route, for bodies
without a declared length, and for clients that send a byte a second.
"""

import asyncio
from collections.abc import AsyncIterator

from pydantic_core import from_json

from textaxa.server._asgi import App, Message, Receive, Scope, Send, header
from textaxa.server._problems import problem
from textaxa.server._settings import ServerSettings

DISCARDED = 16
"""As many times the largest body are still read and thrown away, so that a client that sends first and reads later sees
why it was refused, not a broken connection."""

CLOSE = {"Connection": "close"}


class BodyLimits:
    """Reads the bodies of requests within limits."""

    def __init__(self, app: App, *, settings: ServerSettings) -> None:
        self._app = app
        self._largest, self._seconds = settings.max_body, settings.body_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        if (refused := _unsupported(scope)) is not None:
            await refused(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._seconds):
                body = await self._read(scope, receive)
        except TimeoutError:
            await self._too_slow(scope, receive, send)
            return
        except _Gone:
            return
        if body is None:
            await self._too_large(scope, receive, send)
        elif (refused := _not_json(body)) is not None:
            await refused(scope, receive, send)
        else:
            await self._app(scope, _replayed(body, receive), send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """Give the body; None where it is too large."""
        declared = _declared(scope)
        if declared is not None and declared > self._largest and header(scope, b"expect") is not None:
            return None  # such a client waits for our word before it sends
        whole, total = bytearray(), 0
        async for part in _parts(receive):
            total += len(part)
            if total <= self._largest:
                whole += part
            elif total > DISCARDED * self._largest:
                break
        return bytes(whole) if total <= self._largest else None

    async def _too_large(self, scope: Scope, receive: Receive, send: Send) -> None:
        declared = _declared(scope)
        size = "more" if declared is None else f"{declared:,} bytes"
        message = (
            f"The body has {size}, but at most {self._largest:,} bytes are read. Send the texts in several requests, "
            "or start the service with a larger --max-body."
        )
        await problem(413, "too_large", message, **CLOSE)(scope, receive, send)

    async def _too_slow(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = f"The body did not come within {self._seconds:g} seconds. Send less at a time, or on a faster line."
        await problem(408, "too_slow", message, **CLOSE)(scope, receive, send)


class _Gone(Exception):  # noqa: N818
    """The client has closed the connection."""


async def _parts(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        more = message.get("more_body", False)
        yield message.get("body", b"")


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Give a ``receive`` that hands on a body that was read already, then what comes after it."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return waiting.pop() if waiting else await receive()

    return again


def _has_body(scope: Scope) -> bool:
    return header(scope, b"transfer-encoding") is not None or header(scope, b"content-length") not in (None, "0")


def _declared(scope: Scope) -> int | None:
    length = header(scope, b"content-length")
    return int(length) if length is not None and length.isascii() and length.isdigit() else None


def _unsupported(scope: Scope) -> App | None:
    """Refuse bodies that are compressed: a few bytes could become gigabytes. And those that are no JSON."""
    encoding = (header(scope, b"content-encoding") or "identity").strip().lower()
    if encoding not in ("", "identity"):
        message = f"The body is compressed ({encoding[:40]!r}), which is not read. Send it as it is."
        return problem(415, "unsupported_body", message, **CLOSE, **{"Accept-Encoding": "identity"})
    kind = (header(scope, b"content-type") or "").split(";")[0].strip().lower()
    if kind != "application/json":
        message = f"The body's type is {kind[:80]!r}, but JSON is read. Send 'Content-Type: application/json'."
        return problem(415, "unsupported_body", message, **CLOSE, Accept="application/json")
    return None


def _not_json(body: bytes) -> App | None:
    """Refuse what is no strict JSON: bad UTF-8, lone surrogates, NaN, more than 200 levels.

    The parser of the web framework takes all of these, and each would fail deep inside.
    """
    try:
        from_json(body, allow_inf_nan=False, cache_strings="none")
    except ValueError as error:
        reason = "it is not UTF-8" if not _is_utf8(body) else str(error)
        return problem(400, "bad_request", f"The body is no JSON: {reason}. Send a JSON object in UTF-8.")
    return None


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
