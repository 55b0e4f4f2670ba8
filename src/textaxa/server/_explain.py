"""``POST /v1/explain``: which words of a text argued for each level of its path.

Words are left out, and the versions of the text go through the service like those of any client: that works with every
model that gives the probability of every node, without PyTorch.
"""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from textaxa.explanation import Explanation
from textaxa.explanation._explain import levels_of, targets_of_paths
from textaxa.explanation._occlusion import Asking, OcclusionExplainer, occlusion
from textaxa.server._errors import ModelChanged, TimedOut
from textaxa.server._paths import known_path
from textaxa.server._problems import Refused, problems
from textaxa.server._settings import ServerSettings
from textaxa.taxonomy import Path

if TYPE_CHECKING:
    from textaxa.server._served import Served
    from textaxa.server._service import Service

MOST_LEVELS = 100
LONGEST_NAME = 2_000

Names = Annotated[
    list[Annotated[str, Field(max_length=LONGEST_NAME)]],
    Field(min_length=1, max_length=MOST_LEVELS, examples=[["Games", "Sports"]]),
]


class Explain(BaseModel):
    """A text, and the path to explain."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, examples=["Online football game: build your club"])
    model: str | None = Field(default=None, max_length=200, description="Its name; else the default.")
    path: Names | None = Field(default=None, description="Else the path that the model gives.")
    against: Names | None = Field(
        default=None, description="A path to measure it against; else at each level the most probable sibling."
    )


class Level(BaseModel):
    """A node of the path, and what it is measured against."""

    name: str
    path: list[str]
    probability: float
    kind: str = Field(
        description="`runner-up`, `named`, `ends here`, `log-odds` or `no choice`.", examples=["runner-up"]
    )
    against: list[str] | None
    against_probability: float | None
    score: float = Field(description="ln P(node) - ln P(against), nats.")


class WordTold(BaseModel):
    """A word and what each level would lose without it."""

    text: str
    start: int = Field(description="Offset in code points.")
    end: int
    levels: list[float] = Field(description="Nats, one number a level: +0.7 doubled the odds, -0.7 halved them.")


class Explained(BaseModel):
    """Which words argued for each level, and which against it."""

    model: str
    version: str
    path: list[str] = Field(description="The path; with several paths a text the first.")
    against: list[str] | None = Field(description="What its last level is measured against.")
    levels: list[Level]
    words: list[WordTold] = Field(description="Words that changed something, in the order of the text.")
    method: str = Field(examples=["occlusion"])


ANSWER = {
    "model": "apps",
    "version": "3f9a1c02be77",
    "path": ["Games"],
    "against": ["Tools"],
    "levels": [
        {
            "name": "Games",
            "path": ["Games"],
            "probability": 0.9,
            "kind": "runner-up",
            "against": ["Tools"],
            "against_probability": 0.1,
            "score": 2.2,
        }
    ],
    "words": [{"text": "football", "start": 7, "end": 15, "levels": [1.4]}],
    "method": "occlusion",
}


def router(service: "Service", settings: ServerSettings) -> APIRouter:
    """Give the route that explains."""
    routes = APIRouter(tags=["explain"])

    @routes.post(
        "/v1/explain",
        summary="Which words argued for a path",
        responses={
            200: {"content": {"application/json": {"example": ANSWER}}},
            **problems(400, 401, 404, 408, 413, 415, 422, 429, 503),
        },
    )
    async def explain(asked: Annotated[Explain, Body()]) -> Explained:
        """Leave out one word after the other (of long texts groups of words first), and tell what that changes.

        Reads the text up to 96 times, so it takes about as long as classifying as many texts.
        """
        _check(asked.text, settings)
        try:
            async with asyncio.timeout(settings.timeout):
                return await _answer(service, asked)
        except TimeoutError as error:
            raise TimedOut(settings.timeout) from error

    return routes


def _check(text: str, settings: ServerSettings) -> None:
    """Refuse a text that has nothing to explain or is too long.

    Raises
    ------
    Refused
        With status 422 or 413.
    """
    if not text.strip():
        raise Refused(422, "not_usable", "The text is blank, so no word can have argued for anything.", where=["text"])
    if len(text) > settings.max_characters:
        message = f"The text has {len(text):,} characters, but {settings.max_characters:,} are allowed. Cut it."
        raise Refused(413, "text_too_long", message, where=["text"])


async def _answer(service: "Service", asked: Explain) -> Explained:
    """Explain by one version of a model throughout; once more where it was loaded anew in between.

    Raises
    ------
    ModelChanged
        That happened twice.
    """
    for _ in range(2):
        served = service.get(asked.model)
        found = await _explanation(service, served, asked)
        if found is not None and service.get(asked.model).version == served.version:
            return await asyncio.to_thread(_told, served, found)
    raise ModelChanged(served.name)


async def _explanation(service: "Service", served: "Served", asked: Explain) -> Explanation | None:
    """Give an explanation; None where the model has changed."""
    taxonomy, text = served.taxonomy, asked.text
    against = known_path(served, asked.against, "against") if asked.against else None
    given = known_path(served, asked.path, "path") if asked.path else None
    proba = (await service.node_proba(served.name, [text]))[0]
    if proba.shape != (len(taxonomy),):
        return None
    paths: tuple[Path, ...] = (
        (given,) if given else tuple(p.path for p in served.model.decode(proba[None])[0] if p.path)
    )
    targets = targets_of_paths(taxonomy, proba, paths, against, task=served.task)
    steps = occlusion(taxonomy, text, proba, targets)
    versions, contributions = await asyncio.to_thread(_advanced, steps, None)
    while versions is not None:
        answer = await service.node_proba(served.name, versions)
        if answer.shape[1] != len(taxonomy):
            return None
        versions, contributions = await asyncio.to_thread(_advanced, steps, answer)
    levels = levels_of(taxonomy, text, targets, contributions, proba)
    return Explanation(text, paths, levels, OcclusionExplainer.method)


def _advanced(steps: Asking, answer: Any) -> tuple[list[str] | None, Any]:
    """Take the next step; give the texts that it asks for, or None and what came out at the end."""
    try:
        return (next(steps) if answer is None else steps.send(np.asarray(answer))), []
    except StopIteration as end:
        return None, end.value


def _told(served: "Served", found: Explanation) -> Explained:
    levels = [
        Level(
            name=level.name,
            path=list(level.path),
            probability=level.probability,
            kind=level.kind,
            against=None if level.against is None else list(level.against),
            against_probability=level.against_probability,
            score=level.score,
        )
        for level in found.levels
    ]
    return Explained(
        model=served.name,
        version=served.version,
        path=list(found.paths[0]) if found.paths else [],
        against=levels[-1].against if levels else None,
        levels=levels,
        words=_words(found),
        method=found.method,
    )


def _words(found: Explanation) -> list[WordTold]:
    """Give the words that changed something, each with a number a level; a level without a choice has 0."""
    weights: dict[tuple[int, int], list[float]] = {}
    for place, level in enumerate(found.levels):
        for word in level.words:
            if word.weight:
                weights.setdefault((word.start, word.end), [0.0] * len(found.levels))[place] = word.weight
    return [
        WordTold(text=found.text[start:end], start=start, end=end, levels=numbers)
        for (start, end), numbers in sorted(weights.items())
    ]
