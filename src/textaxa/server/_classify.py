"""``POST /v1/classify``: texts in, the rows of ``textaxa predict`` out."""

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Body, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from textaxa.decisions import Choice
from textaxa.server._cut import cut
from textaxa.server._fields import NUMBER
from textaxa.server._gone import until_gone
from textaxa.server._models import LONGEST_NAME
from textaxa.server._names import Names
from textaxa.server._problems import Refused, problems
from textaxa.server._service import Ask
from textaxa.server._settings import ServerSettings

if TYPE_CHECKING:
    from textaxa.server._service import Answered, Service

MOST_PATHS = 100
MOST_NODES = 1000
MOST_LEVELS = 100

Share = Annotated[float, Field(gt=0, lt=1), NUMBER]
Paths = Annotated[int, Field(ge=1, le=MOST_PATHS), NUMBER]
Depth = Annotated[int, Field(ge=1, le=MOST_LEVELS), NUMBER]
Nodes = Annotated[int, Field(ge=0, le=MOST_NODES), NUMBER]
Beta = Annotated[float, Field(gt=0, le=1000), NUMBER]


def _both(one: str, other: str) -> dict[str, Any]:
    """Give the schema of requests that have both fields; null stands for a field that is left out."""
    return {"required": [one, other], "properties": {name: {"not": {"type": "null"}} for name in (one, other)}}


class Classify(BaseModel):
    """Texts, and how they shall be answered. Either `text` or `texts` is given."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "oneOf": [
                {"required": ["text"], "properties": {"text": {"type": "string"}}},
                {"required": ["texts"], "properties": {"texts": {"type": "array"}}},
            ],
            "not": _both("accuracy", "decoder"),
        },
    )

    text: str | None = Field(default=None, description="One text.")
    texts: list[str] | None = Field(
        default=None, min_length=1, description="Several texts; the answers have their order."
    )
    model: str | None = Field(default=None, max_length=LONGEST_NAME, description="Its name; else the default.")
    top: Paths = Field(default=1, description="Paths a text, most probable first.")
    accuracy: Share | None = Field(
        default=None, description="Promise that this share of the answers is right; paths stop where that ends."
    )
    confidence: Share = Field(default=0.95, description="Probability that the promise holds.")
    scope: Literal["all", "level", "branch"] = Field(
        default="all", description="What is promised: of all answers, on every level, in every branch."
    )
    outside: Share | None = Field(
        default=None, description="Say which texts belong nowhere, with this share of false alarms."
    )
    set_coverage: Share | None = Field(default=None, description="Add a set of paths that holds the true one so often.")
    depth: Depth | None = Field(default=None, description="The deepest level that is answered.")
    decoder: Literal["most-probable", "hf-beta", "min-risk", "greedy"] | None = Field(
        default=None, description="How probabilities become a path."
    )
    beta: Beta = Field(default=1.0, description="Decoder hf-beta: weight of recall over precision.")
    nodes: Nodes = Field(default=0, description="Add as many most probable nodes of each text.")
    language: str | None = Field(
        default=None, max_length=40, description="Add the names of nodes in it, where they are known."
    )


class Level(BaseModel):
    """A node of a path."""

    model_config = ConfigDict(extra="allow")

    name: str
    probability: float


class PathTold(BaseModel):
    """A path with the probability of each of its nodes."""

    model_config = ConfigDict(extra="allow")

    path: str = Field(examples=["Games > Sports"])
    probability: float
    levels: list[Level]


class Row(BaseModel):
    """The answer to one text: what `textaxa predict` writes to JSON lines."""

    model_config = ConfigDict(extra="allow")

    path: str | None = Field(default=None, description="None: the text is blank, or nothing can be said of it.")
    probability: float | None = None
    depth: int | None = None
    stopped: str | None = Field(default=None, description="Why the path does not go on.", examples=["leaf"])
    paths: list[PathTold]


class Classified(BaseModel):
    """The answers, in the order of the texts."""

    model: str
    version: str
    answers: list[Row]
    promise: dict[str, Any] | None = Field(
        default=None, description="What is promised about the answers, where that was asked."
    )
    nodes: list[list[tuple[int, float]]] | None = Field(
        default=None, description="The most probable nodes of each text: ids and probabilities."
    )


EXAMPLES = {
    "one text": {"value": {"text": "Online football game: build your club"}},
    "several": {"value": {"texts": ["Edit photos with filters", "Send money to friends"], "top": 3}},
    "with a promise": {"value": {"texts": ["Poker with friends"], "accuracy": 0.95}},
}

ANSWER = {
    "model": "apps",
    "version": "3f9a1c02be77",
    "answers": [
        {
            "path": "Games > Sports",
            "probability": 0.93,
            "depth": 2,
            "stopped": "leaf",
            "paths": [
                {
                    "path": "Games > Sports",
                    "probability": 0.93,
                    "levels": [{"name": "Games", "probability": 0.98}, {"name": "Sports", "probability": 0.93}],
                }
            ],
        }
    ],
    "promise": None,
}


def router(service: "Service", settings: ServerSettings) -> APIRouter:
    """Give the route that classifies."""
    routes = APIRouter(tags=["classify"])
    names = Names.read(settings.names)

    @routes.post(
        "/v1/classify",
        summary="Put texts into categories",
        response_model=Classified,
        responses={
            200: {"content": {"application/json": {"example": ANSWER}}},
            **problems(400, 401, 404, 408, 413, 415, 422, 429, 503),
        },
    )
    async def classify(asked: Annotated[Classify, Body(openapi_examples=EXAMPLES)], request: Request) -> Response:
        """Give each text its path, with a probability for every level.

        Texts of different requests are computed together. What is promised, and the names of fields, are those of
        `textaxa predict`.
        """
        ask = _ask(asked, settings)
        named = None if not asked.language else names.named(service.get(ask.model), asked.language)
        _remember(request, ask)
        answered = await until_gone(request, service.classify(ask))
        request.app.state.metrics.texts.labels(answered.model).inc(len(ask.texts))
        rows = answered.rows
        if (depth := asked.depth) is not None:
            separator = service.get(ask.model).separator
            rows = [cut(row, depth, separator) for row in rows]
        return _told(answered, rows if named is None else named.rows(rows))

    return routes


def _ask(asked: Classify, settings: ServerSettings) -> Ask:
    """Give what the service is asked.

    Raises
    ------
    Refused
        Too many texts, or too long ones.
    """
    choice = Choice(
        top=asked.top,
        decoder=asked.decoder,
        beta=asked.beta,
        accuracy=asked.accuracy,
        confidence=asked.confidence,
        scope=asked.scope,
        outside=asked.outside,
    )
    return Ask(
        texts=_texts(asked, settings),
        model=asked.model,
        choice=choice,
        set_coverage=asked.set_coverage,
        nodes=asked.nodes,
    )


def _texts(asked: Classify, settings: ServerSettings) -> tuple[str, ...]:
    if (asked.text is None) == (asked.texts is None):
        found = "neither" if asked.text is None else "both"
        raise Refused(
            422, "not_usable", f"Of text and texts there are {found}. Give one of them.", where=["text", "texts"]
        )
    texts = (asked.text or "",) if asked.texts is None else tuple(asked.texts)
    check_texts(texts, settings, "text" if asked.texts is None else "texts")
    return texts


def check_texts(texts: tuple[str, ...], settings: ServerSettings, field: str) -> None:
    """Refuse too many texts, or too long ones.

    Raises
    ------
    Refused
        With status 413, the numbers, and which texts they are.
    """
    if len(texts) > settings.max_texts:
        message = (
            f"The request has {len(texts):,} texts, but {settings.max_texts:,} are allowed. Send them in several "
            "requests, or start the service with a larger --max-texts."
        )
        raise Refused(413, "too_many_texts", message, where=[field])
    long = [i for i, text in enumerate(texts) if len(text) > settings.max_characters]
    if long:
        where = [field if field == "text" else f"{field}.{i}" for i in long[:10]]
        more = f" ({len(long) - 1:,} more have too many, too)" if len(long) > 1 else ""
        message = (
            f"{where[0]} has {len(texts[long[0]]):,} characters, but {settings.max_characters:,} are allowed{more}. Is "
            "it one text, or a whole file? Cut it, or start the service with a larger --max-characters."
        )
        raise Refused(413, "text_too_long", message, where=where)


def _remember(request: Request, ask: Ask) -> None:
    """Leave in the request what the access log tells; it leaves the texts out unless it was told otherwise."""
    state = request.scope["state"]
    state["texts"], state["characters"] = len(ask.texts), sum(map(len, ask.texts))
    state["text"] = ask.texts


def _told(answered: "Answered", rows: list[dict[str, Any]]) -> Response:
    """Write the answer; by hand, since checking every number of 1,000 rows again costs more than it can find."""
    told: dict[str, Any] = {
        "model": answered.model,
        "version": answered.version,
        "answers": rows,
        "promise": answered.promise,
    }
    if answered.nodes is not None:
        told["nodes"] = answered.nodes
    written = json.dumps(told, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(written, media_type="application/json")
