"""``/v1/feedback``: what a person says of a text is kept, and can be read back.

`textaxa train --feedback` learns from it.
"""

import asyncio
from typing import TYPE_CHECKING, Annotated, Self

from fastapi import APIRouter, Body, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from textaxa.errors import DataError
from textaxa.feedback import Correction, FeedbackStore, open_feedback
from textaxa.server._explain import LONGEST_NAME, MOST_LEVELS
from textaxa.server._fields import NUMBER
from textaxa.server._paths import known_path
from textaxa.server._problems import Refused, problems
from textaxa.server._settings import ServerSettings

if TYPE_CHECKING:
    from textaxa.server._served import Served
    from textaxa.server._service import Service

MOST_PATHS = 100
MOST_TOLD = 1000

Name = Annotated[str, Field(max_length=LONGEST_NAME)]
Names = Annotated[list[Name], Field(min_length=1, max_length=MOST_LEVELS)]


class Feedback(BaseModel):
    """What a person says of a text. Either `path` or `paths` is given."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "oneOf": [
                {"required": ["path"], "properties": {"path": {"type": "array"}}},
                {"required": ["paths"], "properties": {"paths": {"type": "array"}}},
            ]
        },
    )

    text: str = Field(min_length=1, description="The text.")
    path: Names | None = Field(default=None, description="Its true path.")
    paths: list[Names] | None = Field(
        default=None, min_length=1, max_length=MOST_PATHS, description="Its true paths, where it may have several."
    )
    predicted: list[Name] | None = Field(default=None, max_length=MOST_LEVELS, description="What the model had said.")
    probability: Annotated[float, Field(ge=0, le=1), NUMBER] | None = Field(
        default=None, description="How probable it thought that."
    )
    model: str | None = Field(default=None, max_length=200, description="Which model; else the default.")
    by: str | None = Field(default=None, max_length=200, description="Who says so.")
    comment: str | None = Field(default=None, max_length=5000)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.path is None) == (self.paths is None):
            raise ValueError("give either path or paths")
        return self


class Kept(BaseModel):
    """The name of what was kept."""

    id: str = Field(examples=["9f86d081884c7d65"])


class CorrectionTold(BaseModel):
    """A correction as it was kept."""

    id: str
    time: str = Field(description="UTC.", examples=["2026-11-23T10:15:00.000+00:00"])
    text: str
    paths: list[list[str]]
    predicted: list[str]
    probability: float | None
    model: str
    version: str
    by: str
    comment: str


class Corrections(BaseModel):
    """The newest corrections, newest first."""

    corrections: list[CorrectionTold]


EXAMPLES = {
    "a correction": {
        "value": {
            "text": "Chess for two, with puzzles",
            "path": ["Games", "Board"],
            "predicted": ["Games", "Puzzle"],
            "probability": 0.51,
            "by": "anna",
        }
    },
    "several paths": {"value": {"text": "Draw and share comics", "paths": [["Art"], ["Social"]]}},
}


def router(service: "Service", settings: ServerSettings) -> APIRouter:
    """Give the routes for feedback; none where the service keeps no corrections.

    Raises
    ------
    ConfigError
        They cannot be kept in the file that was named.
    """
    routes = APIRouter(tags=["feedback"])
    if settings.feedback is None:
        return routes
    store = open_feedback(settings.feedback)

    @routes.post(
        "/v1/feedback",
        status_code=201,
        summary="Correct or confirm an answer",
        responses=problems(400, 401, 404, 408, 413, 415, 422, 503),
    )
    async def give(asked: Annotated[Feedback, Body(openapi_examples=EXAMPLES)]) -> Kept:
        """Keep what a person says of a text. Once this is answered, it is on the disk."""
        correction = _correction(service.get(asked.model), asked, settings)
        await asyncio.to_thread(_keep, store, correction)
        return Kept(id=correction.id)

    @routes.get("/v1/feedback", summary="The last corrections", responses=problems(401, 422, 503))
    async def last(
        limit: Annotated[int, Query(ge=1, le=MOST_TOLD, description="How many.")] = 50,
    ) -> Corrections:
        """Give the newest corrections, newest first, of all models."""
        found = await asyncio.to_thread(_last, store, limit)
        return Corrections(corrections=[_told(one) for one in found])

    return routes


def _correction(served: "Served", asked: Feedback, settings: ServerSettings) -> Correction:
    """Give a correction whose paths the model has.

    Raises
    ------
    Refused
        The text is blank or too long; a path is not in the taxonomy; several paths where the model gives one.
    """
    if not asked.text.strip():
        raise Refused(422, "not_usable", "The text is blank. Send the text that was corrected.", where=["text"])
    if len(asked.text) > settings.max_characters:
        message = f"The text has {len(asked.text):,} characters, but {settings.max_characters:,} are allowed."
        raise Refused(413, "text_too_long", message, where=["text"])
    given, field = (asked.paths, "paths") if asked.path is None else ([asked.path], "path")
    paths = tuple(dict.fromkeys(tuple(path) for path in given or []))
    if len(paths) > 1 and served.task == "single":
        message = f"The model {served.name!r} gives a text one path, but {len(paths)} are named. Name the best one."
        raise Refused(422, "not_usable", message, where=[field])
    for path in paths:
        known_path(served, path, field)
    return Correction(
        asked.text,
        paths,
        tuple(asked.predicted or ()),
        asked.probability,
        served.name,
        served.version,
        asked.by or "",
        asked.comment or "",
    )


def _keep(store: FeedbackStore, correction: Correction) -> None:
    try:
        store.append(correction)
    except DataError as error:
        raise Refused(503, "not_kept", str(error)) from error


def _last(store: FeedbackStore, limit: int) -> list[Correction]:
    try:
        return store.last(limit)
    except DataError as error:
        raise Refused(503, "not_available", str(error)) from error


def _told(one: Correction) -> CorrectionTold:
    return CorrectionTold(
        id=one.id,
        time=one.time,
        text=one.text,
        paths=[list(path) for path in one.paths],
        predicted=list(one.predicted),
        probability=one.probability,
        model=one.model,
        version=one.version,
        by=one.by,
        comment=one.comment,
    )
