"""Whether the service lives, whether it can answer, and what it has counted."""

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel, Field

from textaxa.server._problems import Refused, problems
from textaxa.server._settings import ServerSettings

if TYPE_CHECKING:
    from textaxa.server._service import Service


class Health(BaseModel):
    """What a probe is told."""

    status: str = Field(examples=["ok"])


def router(service: "Service", settings: ServerSettings) -> APIRouter:
    """Give the routes for probes and for Prometheus."""
    del service, settings
    routes = APIRouter(tags=["health"])
    routes.add_api_route("/health/live", live, methods=["GET"], summary="Whether the process answers")
    routes.add_api_route(
        "/health/ready",
        ready,
        methods=["GET"],
        summary="Whether models are loaded and requests are taken",
        responses=problems(503),
    )
    routes.add_api_route(
        "/metrics",
        metrics,
        methods=["GET"],
        summary="Numbers for Prometheus",
        response_class=Response,
        responses={
            200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus' text form."},
            **problems(401),
        },
    )
    return routes


async def live() -> Health:
    """Say that the process answers. No key is asked for."""
    return Health(status="ok")


async def ready(request: Request) -> Health:
    """Say whether requests are taken; status 503 while the service ends, so that a balancer sends no more."""
    if request.app.state.closing():
        raise Refused(503, "closing", "The service is ending. Send requests to another.", headers={"Retry-After": "5"})
    return Health(status="ok")


async def metrics(request: Request) -> Response:
    """Give requests by route and status, their times, texts, batches, the queue, reloads and the models."""
    return Response(request.app.state.metrics.told(), media_type=CONTENT_TYPE_LATEST)
