"""Which models are served and what is known about them, and how they are loaded anew."""

import asyncio
import logging
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from textaxa._version import __version__
from textaxa.errors import ModelFileError
from textaxa.persistence import read_config
from textaxa.server._names import Names
from textaxa.server._problems import Refused, problems
from textaxa.server._security import needs_admin
from textaxa.server._settings import ServerSettings

if TYPE_CHECKING:
    from textaxa.server._served import Served
    from textaxa.server._service import Service

LONGEST_NAME = 200
"""Characters of a model's name that are looked at."""

_LOG = logging.getLogger("textaxa.server")


class ModelLine(BaseModel):
    """A model in the list."""

    name: str = Field(examples=["apps"])
    version: str = Field(description="Changes whenever the model's folder does.", examples=["3f9a1c02be77"])
    task: str = Field(description="`single`: one path a text; `multi`: several.", examples=["single"])
    head: str = Field(examples=["chained"])
    nodes: int
    terminals: int = Field(description="Nodes that can be the end of an answer.")
    levels: int
    separator: str = Field(description="Between the names of a path.", examples=[" > "])
    trained: str | None = Field(description="The day.", examples=["2026-11-20"])
    rows: int | None = Field(description="Training rows.")
    promise: bool = Field(description="Whether `accuracy` can be asked for.")
    searches: bool = Field(description="Whether it looks at a part of the taxonomy only, so that `nodes` is empty.")
    languages: list[str] = Field(description="Languages in which names of nodes are known, beside the model's own.")


class Features(BaseModel):
    """What this service was started with."""

    feedback: bool
    edit: bool
    explain: bool
    facts: bool


class Limits(BaseModel):
    """How large a request may be."""

    texts: int = Field(description="Texts of a request.")
    characters: int = Field(description="Characters of a text.")
    body: int = Field(description="Bytes of a body.")


class ModelList(BaseModel):
    """All models that are served."""

    models: list[ModelLine]
    default: str = Field(description="The model of a request that names none.")
    features: Features
    limits: Limits
    key_required: bool
    textaxa: str = Field(description="The version of the program.")


class ModelTold(BaseModel):
    """What a model's folder says about it."""

    name: str
    version: str
    loaded: str = Field(description="Since when this version is served (UTC).")
    summary: dict[str, Any] = Field(description="What was measured in training.")
    settings: dict[str, Any] = Field(description="Task, head, encoder and training settings.")
    versions: dict[str, str] = Field(description="Of the packages that trained it.")
    card: str = Field(description="The model card, Markdown.")
    files: dict[str, int] = Field(description="Bytes of each file.")


class Reload(BaseModel):
    """Which model shall be loaded anew."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(default=None, max_length=LONGEST_NAME, description="None: all of them.")


class Reloaded(BaseModel):
    """What is served now."""

    versions: dict[str, str] = Field(examples=[{"apps": "3f9a1c02be77"}])


def router(service: "Service", settings: ServerSettings) -> APIRouter:
    """Give the routes about models; that for reloading only where an admin token is set."""
    routes = APIRouter(tags=["models"])
    names = Names.read(settings.names)

    @routes.get("/v1/models", summary="The models that are served", responses=problems(401))
    async def models() -> ModelList:
        """Give every model, what the service offers, and its limits."""
        return ModelList(
            models=[_line(service.get(name), names) for name in service.names],
            default=service.default,
            features=_features(settings),
            limits=Limits(texts=settings.max_texts, characters=settings.max_characters, body=settings.max_body),
            key_required=bool(settings.keys),
            textaxa=__version__,
        )

    @routes.get("/v1/model", summary="One model: its card, scores, settings", responses=problems(401, 404, 422))
    async def model(
        model: str | None = Query(default=None, max_length=LONGEST_NAME, description="Its name; else the default."),
    ) -> ModelTold:
        """Give what a model's folder says about it."""
        return await asyncio.to_thread(_told, service.get(model))

    if settings.admin_token is not None:
        routes.add_api_route(
            "/v1/reload",
            _reloading(service),
            methods=["POST"],
            summary="Load models anew",
            dependencies=[Depends(needs_admin(settings))],
            responses=problems(400, 401, 403, 404, 408, 409, 413, 415, 422),
        )
    return routes


def _reloading(service: "Service") -> Any:
    async def reload(asked: Reload, request: Request) -> Reloaded:
        """Load models from their folders beside those that are served, then swap. No request is dropped.

        A model that cannot be read leaves the old one where it is; the answer then says why.
        """
        versions = await reload_counted(service, asked.model, request.app.state.metrics)
        request.app.state.reloaded()
        return Reloaded(versions=versions)

    return reload


async def reload_counted(service: "Service", name: str | None, metrics: Any) -> dict[str, str]:
    """Load models anew, and count how it went.

    Raises
    ------
    Refused
        With status 409: a folder cannot be read; the old model is still served.
    """
    try:
        versions = dict(await service.reload(name))
    except (ModelFileError, OSError) as error:
        metrics.reloads.labels("failed").inc()
        _LOG.error("A model could not be loaded anew; the old one is still served. %s", error)
        raise Refused(409, "reload_failed", f"{error} The model from before is still served.") from error
    metrics.reloads.labels("done").inc()
    _LOG.info("Models loaded anew: %s", ", ".join(f"{model} {version}" for model, version in versions.items()))
    return versions


def _features(settings: ServerSettings) -> Features:
    return Features(
        feedback=settings.feedback is not None, edit=settings.edit, explain=True, facts=settings.labelled is not None
    )


def _line(served: "Served", names: Names) -> ModelLine:
    taxonomy, summary = served.taxonomy, served.summary
    rows = summary.get("rows")
    return ModelLine(
        name=served.name,
        version=served.version,
        task=served.task,
        head=str(served.model.settings.head),
        nodes=len(taxonomy),
        terminals=len(taxonomy.terminals),
        levels=taxonomy.n_levels,
        separator=served.separator,
        trained=None if summary.get("trained") is None else str(summary["trained"]),
        rows=rows if isinstance(rows, int) else None,
        promise=served.can.promise,
        searches=not served.can.nodes,
        languages=list(names.languages(served)),
    )


def _told(served: "Served") -> ModelTold:
    """Read the small files of a model's folder."""
    config, card = read_config(served.folder), served.folder / "README.md"
    return ModelTold(
        name=served.name,
        version=served.version,
        loaded=served.loaded.isoformat(timespec="seconds"),
        summary=finite(config["summary"]),
        settings=finite({name: config[name] for name in ("task", "head", "encoder", "training")}),
        versions={name: str(version) for name, version in _mapping(config["summary"].get("versions")).items()},
        card=card.read_text(encoding="utf-8", errors="replace") if card.is_file() else "",
        files={
            file.relative_to(served.folder).as_posix(): file.stat().st_size
            for file in sorted(served.folder.rglob("*"))
            if file.is_file()
        },
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def finite(value: Any) -> Any:
    """Give a value of JSON without NaN and infinities, which JSON has not.

    >>> finite({"loss": float("nan"), "rows": [1, 2.5]})
    {'loss': None, 'rows': [1, 2.5]}
    """
    if isinstance(value, dict):
        return {str(name): finite(part) for name, part in value.items()}
    if isinstance(value, list):
        return [finite(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
