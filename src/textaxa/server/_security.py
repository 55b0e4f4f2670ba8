"""Who may use the service, and what browsers are told to refuse.

Keys are compared in constant time: how long a refusal takes says nothing about how much of a key was right.
"""

import hashlib
import hmac
from collections.abc import Callable

from fastapi import Request

from textaxa.server._asgi import HEADERS, App, Receive, Scope, Send, header, with_headers
from textaxa.server._problems import Refused, problem
from textaxa.server._settings import ServerSettings

GUARDED = ("/v1/", "/metrics")
"""What needs a key where keys are set. The page asks for one and then sends it; health is for machines without."""

NO_STORE = (b"cache-control", b"no-store")
"""Answers hold what people typed; no cache keeps them."""


class SecurityHeaders:
    """Adds to every answer what keeps browsers from doing more than the page needs.

    Parameters
    ----------
    shared
        Whether pages of other origins may read answers (CORS says which).
    """

    def __init__(self, app: App, *, shared: bool) -> None:
        self._app = app
        self._headers = tuple(pair for pair in HEADERS if not (shared and pair[0] == b"cross-origin-resource-policy"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        more = (NO_STORE,) if scope["path"].startswith("/v1/") else ()
        await self._app(scope, receive, with_headers(send, self._headers + more))


class NeedsKey:
    """Refuses requests without a key, before a byte of their bodies is read."""

    def __init__(self, app: App, *, keys: tuple[str, ...]) -> None:
        self._app = app
        self._known = tuple(_digest(key) for key in keys)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_guarded(scope["path"]) and not self._is_let_in(scope):
            await _refusal()(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_let_in(self, scope: Scope) -> bool:
        return any(_is_one_of(given, self._known) for given in _given(scope))


def is_guarded(path: str) -> bool:
    """Whether a path needs a key where keys are set.

    >>> is_guarded("/v1/classify"), is_guarded("/metrics"), is_guarded("/health/live"), is_guarded("/app.js")
    (True, True, False, False)
    """
    return path.startswith(GUARDED)


def needs_admin(settings: ServerSettings) -> Callable[[Request], None]:
    """Give a dependency that asks for the admin token, where one is set.

    Raises
    ------
    Refused
        With status 403: the token is missing or wrong.
    """
    known = () if settings.admin_token is None else (_digest(settings.admin_token),)

    def check(request: Request) -> None:
        given = [*_given(request.scope), *_values(request.scope, b"x-admin-token")]
        if known and not any(_is_one_of(token, known) for token in given):
            raise Refused(
                403,
                "forbidden",
                "This needs the admin token, and the request has none or another. Send it in the header X-Admin-Token.",
            )

    return check


def _refusal() -> App:
    return problem(
        401,
        "key_missing_or_wrong",
        "The API key is missing or wrong. Send it as 'Authorization: Bearer KEY' or 'X-API-Key: KEY'.",
        where=["Authorization", "X-API-Key"],
        **{"WWW-Authenticate": "Bearer"},
    )


def _given(scope: Scope) -> list[str]:
    """Give the keys that a request shows."""
    bearer = header(scope, b"authorization") or ""
    kind, _, value = bearer.partition(" ")
    return _values(scope, b"x-api-key") + ([value.strip()] if kind.lower() == "bearer" else [])


def _values(scope: Scope, name: bytes) -> list[str]:
    value = header(scope, name)
    return [] if value is None else [value.strip()]


def _digest(key: str) -> bytes:
    """Give what is compared: of the same length for every key, so that not even that can be measured."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()


def _is_one_of(key: str, known: tuple[bytes, ...]) -> bool:
    digest = _digest(key)
    return sum(hmac.compare_digest(digest, other) for other in known) > 0  # every one is compared
