"""The application: every route and every check that stands before them, put together.

A `Service` and its `ServerSettings` come in; an ASGI application goes out. Routers are listed in one place; each says
in its own file what it answers.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI
from fastapi.middleware.cors import CORSMiddleware

from textaxa._version import __version__
from textaxa.server import _classify, _edit, _explain, _feedback, _health, _models, _page, _taxonomy
from textaxa.server._limits import BodyLimits
from textaxa.server._metrics import Metrics
from textaxa.server._problems import tell_problems
from textaxa.server._security import NeedsKey, SecurityHeaders, is_guarded
from textaxa.server._settings import ServerSettings
from textaxa.server._watch import Watch

if TYPE_CHECKING:
    from textaxa.server._service import Service

MakeRouter = Callable[["Service", ServerSettings], APIRouter]

ABOUT = """Puts texts into the categories of a taxonomy.

Errors are told as `{"error": {"code", "message", "where"}}`. Every answer has an `X-Request-ID`; one that comes with
the request is kept. Where the service has API keys, routes under `/v1` and `/metrics` ask for one."""

ROUTERS: tuple[MakeRouter, ...] = (
    _classify.router,
    _edit.router,
    _models.router,
    _taxonomy.router,
    _explain.router,
    _feedback.router,
    _health.router,
    _page.router,
)
"""In the order of the OpenAPI document. A part that is switched off gives a router without routes."""


def create_app(service: "Service", settings: ServerSettings) -> FastAPI:
    """Give the application that answers for a service."""
    app = FastAPI(
        title="textaxa",
        version=__version__,
        description=ABOUT,
        lifespan=_lifespan(service, settings),
        root_path=settings.root_path,
        docs_url=None,  # they bring scripts of other hosts, which the policy for browsers forbids
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    metrics = Metrics(service)
    service.on_batch = metrics.batch
    app.state.metrics, app.state.closing, app.state.reloaded = metrics, _no, _nothing
    tell_problems(app)
    _add_checks(app, settings, metrics)
    for router in ROUTERS:
        app.include_router(router(service, settings))
    if settings.keys:
        _document_keys(app)
    if settings.otlp_endpoint is not None:
        from textaxa.server._traces import trace  # noqa: PLC0415 -- its packages are optional

        trace(app, settings.otlp_endpoint)
    return app


def _add_checks(app: FastAPI, settings: ServerSettings, metrics: Metrics) -> None:
    """Put what stands before the routes in its place; the last that is added sees a request first."""
    app.add_middleware(BodyLimits, settings=settings)
    if settings.keys:
        app.add_middleware(NeedsKey, keys=(*settings.keys, *([settings.admin_token] if settings.admin_token else [])))
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Admin-Token", "X-Request-ID"],
            expose_headers=["Retry-After", "X-Request-ID"],
        )
    app.add_middleware(SecurityHeaders, shared=bool(settings.cors_origins))
    app.add_middleware(Watch, metrics=metrics, log_texts=settings.log_texts)


def _document_keys(app: FastAPI) -> None:
    """Say in the OpenAPI document that keys are asked for, so that generated clients send them."""
    document = app.openapi

    def with_keys() -> dict[str, Any]:
        told = document()
        told.setdefault("components", {})["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
        for path, methods in told["paths"].items():
            for operation in methods.values() if is_guarded(path) else ():
                operation["security"] = [{"bearer": []}, {"key": []}]
        return told

    app.openapi = with_keys  # type: ignore[method-assign]  # the way that FastAPI documents


def _no() -> bool:
    return False


def _nothing() -> None:
    """Stand where nobody has to be told."""


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
