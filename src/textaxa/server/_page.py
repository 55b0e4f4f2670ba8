"""The page for people at ``/``: files that are built in ``frontend/service/`` and lie in ``static/``."""

import hashlib
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response

from textaxa.server._settings import ServerSettings

if TYPE_CHECKING:
    from textaxa.server._service import Service

FILES = {
    "": ("index.html", "text/html"),
    "app.js": ("app.js", "text/javascript"),
    "chart.js": ("chart.js", "text/javascript"),
    "app.css": ("app.css", "text/css"),
}
"""By address: the file, and what it is."""


def router(service: "Service", settings: ServerSettings) -> APIRouter:
    """Give the routes of the page. They need no key: there is nothing in these files but the page itself."""
    del service, settings
    routes = APIRouter()
    for address in FILES:
        routes.add_api_route(
            f"/{address}", _file(address), methods=["GET", "HEAD"], response_class=Response, include_in_schema=False
        )
    return routes


def _file(address: str) -> Callable[[Request], Awaitable[Response]]:
    name, kind = FILES[address]

    async def tell(request: Request) -> Response:
        body, tag = _read(name)
        # Browsers ask each time, so that page and service are of one version, and are told that nothing changed.
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=f"{kind}; charset=utf-8", headers=headers)

    return tell


@cache
def _read(name: str) -> tuple[bytes, str]:
    """Give a file and its tag."""
    body = (files("textaxa.server") / "static" / name).read_bytes()
    return body, f'"{hashlib.sha256(body).hexdigest()[:16]}"'
