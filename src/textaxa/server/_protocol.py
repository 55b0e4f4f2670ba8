"""Connections that cannot be held for nothing: uvicorn's HTTP protocol, with time-outs that it does not have.

A client that opens connections and sends a header a minute, or never reads what it gets, would otherwise hold them
without end ("slow loris").
"""

import asyncio
import json
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from textaxa.server._settings import ServerSettings

LARGEST_HEADER = 65_536
"""Bytes of request line and headers together."""


def protocol_for(settings: ServerSettings) -> type[asyncio.Protocol]:
    """Give the protocol class for uvicorn."""

    class Bound(GuardedProtocol):
        limits = settings

    return Bound


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol; headers must come in time and be small, answers be read, connections be few."""

    limits: ServerSettings = ServerSettings()
    _header_timer: asyncio.TimerHandle | None = None
    _write_timer: asyncio.TimerHandle | None = None
    _header_bytes = 0
    _in_header = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection, or refuse it where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.max_connections:
            self._end(503, "too_many_connections", "Too many connections are open. Try again later.")
        else:
            self._expect_header()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._forget("_header_timer")
        self._forget("_write_timer")
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; a header that is too long ends the connection."""
        if self.parser is None or self.transport.is_closing():
            return
        before = self._header_bytes
        super().data_received(data)
        if self._is_idle():
            # Whatever came (a line break, half a header) has stopped uvicorn's timer of idle connections.
            self._header_bytes = before + len(data)
            self._expect_header()
        if self._is_idle() and self._header_bytes > LARGEST_HEADER:
            message = f"The header has more than {LARGEST_HEADER:,} bytes. Leave out cookies and long query strings."
            self._end(431, "header_too_large", message)

    def on_headers_complete(self) -> None:
        """Hand the request to the application; the header came in time."""
        self._in_header, self._header_bytes = False, 0
        self._forget("_header_timer")
        super().on_headers_complete()
        if getattr(self.server_state, "closing", False) and self.cycle is not None:
            self.cycle.keep_alive = False

    def on_message_begin(self) -> None:
        """Note that a header has begun."""
        self._in_header = True
        super().on_message_begin()

    def pause_writing(self) -> None:
        """Give the client the time of a request to read what has been written."""
        super().pause_writing()
        self._write_timer = self._write_timer or self.loop.call_later(self.limits.timeout, self.transport.abort)

    def resume_writing(self) -> None:
        """Note that the client reads."""
        self._forget("_write_timer")
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, at once where its client does not read."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: a client that asks for another protocol gets its answer in this one."""

    def _is_idle(self) -> bool:
        """Whether no request is being answered: a header is awaited."""
        waits = self.timeout_keep_alive_task is not None or self.transport.is_closing()
        answering = self.cycle is not None and not self.cycle.response_complete
        return not waits and (self._in_header or not answering)

    def _expect_header(self) -> None:
        if self._header_timer is None:
            self._header_timer = self.loop.call_later(self.limits.header_timeout, self._header_too_slow)

    def _header_too_slow(self) -> None:
        self._header_timer = None
        if not self._header_bytes:
            self.transport.abort()  # it has said nothing, so there is nothing to answer
            return
        message = f"The header did not come within {self.limits.header_timeout:g} seconds."
        self._end(408, "too_slow", message)

    def _end(self, status: int, code: str, message: str) -> None:
        """Answer by hand and close: there is no request that the application could answer."""
        if self.transport.is_closing():
            return
        body = json.dumps({"error": {"code": code, "message": message}}).encode()
        lines = [
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            "connection: close",
            *(["retry-after: 1"] if status == 503 else []),
        ]
        self.transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        self.transport.close()

    def _forget(self, name: str) -> None:
        timer: Any = getattr(self, name)
        if timer is not None:
            timer.cancel()
            setattr(self, name, None)
