"""What is noted of every request: an id, a line in the access log, and the numbers for `/metrics`.

The log has no texts, no query strings and no keys; texts only where the settings ask for them.
"""

import json
import logging
import re
import secrets
import time
from datetime import UTC, datetime
from typing import Any

from textaxa.server._asgi import App, Message, Receive, Scope, Send, header
from textaxa.server._metrics import Metrics

ACCESS = "textaxa.server.access"

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Watch:
    """Gives every request an id, and notes how it went.

    Parameters
    ----------
    log_texts
        Whether the log has the texts.
    """

    def __init__(self, app: App, *, metrics: Metrics, log_texts: bool) -> None:
        self._app, self._metrics, self._log_texts = app, metrics, log_texts
        self._log = logging.getLogger(ACCESS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status, size = time.perf_counter(), 500, 0
        request_id = scope.setdefault("state", {})["request_id"] = _id_of(scope)

        async def sending(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            self._note(scope, status, time.perf_counter() - started, size)

    def _note(self, scope: Scope, status: int, seconds: float, size: int) -> None:
        route = route_of(scope)
        self._metrics.requests.labels(route, method_of(scope), status).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        if self._log.isEnabledFor(logging.INFO):
            self._log.info("%s", json.dumps(self._line(scope, route, status, seconds, size), ensure_ascii=False))

    def _line(self, scope: Scope, route: str, status: int, seconds: float, size: int) -> dict[str, Any]:
        state = scope["state"]
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "id": state["request_id"],
            "client": (scope.get("client") or ("",))[0],
            "method": method_of(scope),
            "route": route,
            "status": status,
            "ms": round(1000 * seconds, 2),
            "bytes": size,
        }
        told = ("model", "texts", "characters", *(("text",) if self._log_texts else ()))
        return line | {name: state[name] for name in told if name in state}


def _id_of(scope: Scope) -> str:
    """Give the id that a proxy has given, or a new one."""
    given = header(scope, b"x-request-id")
    return given if given is not None and _ID.fullmatch(given) else secrets.token_hex(8)


def route_of(scope: Scope) -> str:
    """Give the pattern of the route; never the path, which could be anything and without end."""
    return str(getattr(scope.get("route"), "path", "-"))


def method_of(scope: Scope) -> str:
    """Give the method, if it is one of HTTP's."""
    method = str(scope["method"])
    return method if method in ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH") else "-"
