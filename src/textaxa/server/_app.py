"""The application: every route and every check that stands before them, put together.

A `Service` and its `ServerSettings` come in; an ASGI application goes out. Routers are listed in one place; each says
in its own file what it answers.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI

from textaxa._version import __version__
from textaxa.server._problems import tell_problems
from textaxa.server._settings import ServerSettings

if TYPE_CHECKING:
    from textaxa.server._service import Service

MakeRouter = Callable[["Service", ServerSettings], APIRouter]

ROUTERS: tuple[MakeRouter, ...] = ()
"""In the order of the OpenAPI document. A part that is switched off gives a router without routes."""


def create_app(service: "Service", settings: ServerSettings) -> FastAPI:
    """Give the application that answers for a service."""
    app = FastAPI(
        title="textaxa",
        version=__version__,
        description="Puts texts into the categories of a taxonomy.",
        lifespan=_lifespan(service, settings),
        docs_url=None,
        redoc_url=None,
    )
    tell_problems(app)
    for router in ROUTERS:
        app.include_router(router(service, settings))
    return app


def _lifespan(service: "Service", settings: ServerSettings) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        await service.start()
        try:
            yield
        finally:
            await service.close(settings.drain)

    return lifespan
