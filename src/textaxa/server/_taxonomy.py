"""``/v1/taxonomy``: the tree in parts, search in it, and what is known about one node.

Lines and search work for a million nodes; the index of words is made when a taxonomy is first searched, once a version.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, FastAPI, Path, Query, Response
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from textaxa.server._facts import FactsKeeper, Known
from textaxa.server._index import SearchIndex
from textaxa.server._names import LONGEST_LANGUAGE, Named, Names
from textaxa.server._node_texts import texts_below
from textaxa.server._once import OncePerVersion
from textaxa.server._problems import Refused, problems
from textaxa.server._settings import ServerSettings
from textaxa.server._tree import NO_NODE, lines_below

if TYPE_CHECKING:
    from textaxa.server._served import Served
    from textaxa.server._service import Service

MOST_LINES = 20_000
MOST_FOUND = 200
MOST_CHILDREN = 10_000
DESCRIPTION = 300
"""Characters of a description in a list; the node itself has all of it."""

_LARGEST = 2**31 - 1

Counts = NDArray[np.int64] | None

Model = Annotated[str | None, Query(max_length=200, description="Its name; else the default.")]
Language = Annotated[
    str | None, Query(max_length=LONGEST_LANGUAGE, description="Add `label`: the name in this language.")
]


class NodeLine(BaseModel):
    """A node in a list."""

    model_config = ConfigDict(extra="forbid")

    id: int = Field(description="Its number, the column of `nodes` in `/v1/classify`.", examples=[12])
    name: str = Field(examples=["Sports"])
    label: str | None = Field(default=None, description="Its name in the language that was asked for.")
    parent: int | None = Field(description="The node above it in this line; in a DAG a node stands below each parent.")
    depth: int = Field(description="1: top level.", examples=[2])
    terminal: bool = Field(description="Whether it can be the end of an answer.")
    children: int = Field(description="How many there are.")
    texts: int | None = Field(default=None, description="Training rows below it, where the model remembers that.")
    description: str | None = Field(default=None, description="Its first 300 characters.")
    code: str | None = None


class Lines(BaseModel):
    """A part of the taxonomy, level by level."""

    model: str
    version: str
    nodes: list[NodeLine]
    total: int = Field(description="Lines there would be without the limit.")
    truncated: bool


class NodeFound(BaseModel):
    """A node that was searched for."""

    id: int
    name: str
    label: str | None = None
    path: list[str]
    depth: int
    terminal: bool


class Found(BaseModel):
    """Nodes that fit, best first."""

    model: str
    version: str
    nodes: list[NodeFound]


class Confused(BaseModel):
    """A node that texts of this one were put under."""

    id: int
    path: list[str]
    count: int


class Example(BaseModel):
    """A labelled text of the node."""

    text: str = Field(description="Its first 300 characters.")
    path: list[str] = Field(description="What the model says.")
    probability: float = Field(description="How sure it is of that.")
    right: bool = Field(description="Whether it put the text under this node.")


class NodeFacts(BaseModel):
    """How the model does on the labelled texts of a node (`--labelled`)."""

    n: int = Field(description="Texts that belong under the node.")
    predicted: int = Field(description="Texts that the model put under it.")
    precision: float | None = Field(description="Share of those that belong there.")
    recall: float | None = Field(description="Share of its texts that were put there.")
    f1: float | None
    confusions: list[Confused]
    examples: list[Example] = Field(description="Right and wrong ones, the surest and the least sure.")


class NodeTold(BaseModel):
    """All that is known about a node."""

    model: str
    version: str
    id: int
    path: list[str]
    labels: list[str] | None = Field(default=None, description="The path in the language that was asked for.")
    name: str
    label: str | None = None
    description: str
    code: str | None
    parents: list[int]
    children: list[int] = Field(description="At most 10,000; `/v1/taxonomy?under=` gives the others.")
    depth: int
    terminal: bool
    texts: int | None = Field(description="Training rows below it, where the model remembers that.")
    facts: NodeFacts | None
    facts_state: Literal["none", "waiting", "computing", "ready", "failed"] = Field(
        description="`none`: the service was given no labelled table."
    )
    facts_share: float = Field(ge=0, le=1, description="How much of them is computed.")


_LINES = {
    "model": "apps",
    "version": "3f9a1c02be77",
    "nodes": [
        {"id": 0, "name": "Games", "parent": None, "depth": 1, "terminal": False, "children": 2},
        {"id": 2, "name": "Sports", "parent": 0, "depth": 2, "terminal": True, "children": 0},
    ],
    "total": 9,
    "truncated": True,
}


def _index(names: Names, served: "Served") -> SearchIndex:
    languages = names.languages(served)
    return SearchIndex(served.taxonomy, [dict(names.named(served, one).names) for one in languages])


def router(service: "Service", settings: ServerSettings) -> APIRouter:
    """Give the routes about the taxonomy; they also compute the facts about nodes while the service runs."""
    names = Names.read(settings.names)
    keeper, texts = FactsKeeper(service, settings), OncePerVersion(texts_below)
    indexes = OncePerVersion(partial(_index, names))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        async with keeper.running():
            await asyncio.to_thread(_prepare, service)
            yield

    routes = APIRouter(tags=["taxonomy"], lifespan=lifespan)

    def asked(model: str | None, language: str | None) -> tuple["Served", Named | None]:
        served = service.get(model)
        return served, names.named(served, language) if language else None

    @routes.get(
        "/v1/taxonomy",
        summary="A part of the taxonomy",
        response_model=Lines,
        response_model_exclude_none=True,
        responses={200: {"content": {"application/json": {"example": _LINES}}}, **problems(401, 404, 422)},
    )
    async def taxonomy(
        model: Model = None,
        under: Annotated[int | None, Query(ge=0, le=_LARGEST, description="Only what is below this node.")] = None,
        depth: Annotated[int, Query(ge=1, le=100, description="Levels below it.")] = 2,
        limit: Annotated[int, Query(ge=1, le=MOST_LINES, description="Lines at most.")] = 5000,
        language: Language = None,
    ) -> Response:
        """Give the nodes below one node, or from the top level down, level by level in their order."""
        served, named = asked(model, language)
        if under is not None:
            _check(served, under)
        counts = await asyncio.to_thread(texts.of, served)
        told = await asyncio.to_thread(_lines, served, named, counts, under=under, depth=depth, limit=limit)
        return Response(told, media_type="application/json")

    @routes.get(
        "/v1/taxonomy/search",
        summary="Search the taxonomy",
        response_model_exclude_none=True,
        responses=problems(401, 404, 422),
    )
    async def search(
        q: Annotated[
            str,
            Query(min_length=1, max_length=200, description="Words; case and accents do not count.", examples=["foot"]),
        ],
        model: Model = None,
        limit: Annotated[int, Query(ge=1, le=MOST_FOUND)] = 50,
        language: Language = None,
    ) -> Found:
        """Give nodes whose name, code or description has these words, whole names first."""
        served, named = asked(model, language)
        nodes = await asyncio.to_thread(lambda: indexes.of(served).find(q, limit))
        return Found(model=served.name, version=served.version, nodes=[_found(served, named, node) for node in nodes])

    @routes.get("/v1/taxonomy/node/{id}", summary="All about one node", responses=problems(401, 404, 422))
    async def node(
        id: Annotated[int, Path(ge=0, le=_LARGEST, examples=[2])], model: Model = None, language: Language = None
    ) -> NodeTold:
        """Give a node with its texts, scores, confusions and examples, as far as they are known."""
        served, named = asked(model, language)
        _check(served, id)
        return await asyncio.to_thread(_told, served, named, id, keeper.of(served), texts)

    return routes


def _prepare(service: "Service") -> None:
    """Ask each taxonomy for what the first request would wait for: a second of a million nodes."""
    for name in service.names:
        taxonomy = service.get(name).taxonomy
        _ = taxonomy.names, taxonomy.descriptions, taxonomy.codes, taxonomy.children


def _check(served: "Served", node: int) -> None:
    """Refuse a number that no node has.

    Raises
    ------
    Refused
        With status 404.
    """
    count = len(served.taxonomy)
    if node >= count:
        message = f"There is no node {node:,}: the model {served.name!r} has nodes 0 to {count - 1:,}. Was it reloaded?"
        raise Refused(404, "unknown_node", message, where=["id"])


def _lines(
    served: "Served", named: Named | None, counts: Counts, *, under: int | None, depth: int, limit: int
) -> bytes:
    """Write a part of the taxonomy; by hand, since checking every line again would take longer than making it."""
    taxonomy = served.taxonomy
    found = lines_below(taxonomy, NO_NODE if under is None else under, depth=depth, limit=limit)
    shown, codes, descriptions = found.node, taxonomy.codes, taxonomy.descriptions
    columns = (column[shown].tolist() for column in (taxonomy.depth, taxonomy.is_terminal, taxonomy.children.counts))
    nodes = []
    for node, parent, level, terminal, below in zip(shown.tolist(), found.parent.tolist(), *columns, strict=True):
        line: dict[str, Any] = {"id": node, "name": taxonomy.names[node], "parent": None if parent < 0 else parent}
        line |= {"depth": level, "terminal": terminal, "children": below}
        if named is not None:
            line["label"] = named.label(node)
        if counts is not None:
            line["texts"] = int(counts[node])
        if descriptions[node]:
            line["description"] = descriptions[node][:DESCRIPTION]
        if codes is not None:
            line["code"] = codes[node]
        nodes.append(line)
    told: dict[str, Any] = {"model": served.name, "version": served.version, "nodes": nodes}
    told |= {"total": found.total, "truncated": found.total > len(nodes)}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _found(served: "Served", named: Named | None, node: int) -> NodeFound:
    path = served.taxonomy.path(node)
    return NodeFound(
        id=node,
        name=path[-1],
        label=None if named is None else named.label(node),
        path=list(path),
        depth=len(path),
        terminal=bool(served.taxonomy.is_terminal[node]),
    )


def _told(served: "Served", named: Named | None, node: int, known: Known, counts: OncePerVersion[Counts]) -> NodeTold:
    taxonomy, path, texts = served.taxonomy, served.taxonomy.path(node), counts.of(served)
    facts = known.facts.of(node) if known.facts is not None else None
    return NodeTold(
        model=served.name,
        version=served.version,
        id=node,
        path=list(path),
        labels=None if named is None else named.labels(path),
        name=path[-1],
        label=None if named is None else named.label(node),
        description=taxonomy.descriptions[node],
        code=None if taxonomy.codes is None else taxonomy.codes[node],
        parents=taxonomy.parents.row(node).tolist(),
        children=taxonomy.children.row(node)[:MOST_CHILDREN].tolist(),
        depth=len(path),
        terminal=bool(taxonomy.is_terminal[node]),
        texts=None if texts is None else int(texts[node]),
        facts=None if facts is None else NodeFacts(**facts),
        facts_state=known.state,
        facts_share=known.share,
    )
