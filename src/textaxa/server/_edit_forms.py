"""The bodies of ``/v1/edit``: what requests and answers look like."""

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

from textaxa.server._fields import Whole
from textaxa.server._models import LONGEST_NAME

MOST_TRIED = 20
LONGEST = 20_000
"""Characters of a name, a description or a text that is tried."""

MOST_LEVELS = 200

Name = Annotated[str, Field(max_length=LONGEST)]
NodePath = Annotated[list[Name], Field(max_length=MOST_LEVELS)]
Model = Annotated[str | None, Query(max_length=LONGEST_NAME, description="Its name; else the default.")]
Revision = Annotated[Whole, Field(ge=0, le=2**53, description="That of the draft as it was seen.")]


class Part(BaseModel):
    """One of the nodes that a node is split into."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    description: Name = ""


class OneEdit(BaseModel):
    """An edit; which fields it has depends on its kind."""

    model_config = ConfigDict(extra="forbid")

    edit: Literal["add", "rename", "describe", "move", "merge", "split", "remove", "terminal"]
    path: NodePath | None = Field(default=None, description="All but `merge`: the node; `add`: where it will be.")
    name: Name | None = Field(default=None, description="`rename`: the new name.")
    description: Name | None = Field(default=None, description="`add`, `describe`.")
    code: Name | None = Field(default=None, description="`add`: its code; else one is made up where there are codes.")
    position: Whole | None = Field(default=None, ge=0, le=2**31, description="`add`, `move`: place among siblings.")
    to: NodePath | Literal["children", "siblings"] | None = Field(
        default=None, description="`move`: the new parent, empty for the top level. `split`: where the new nodes go."
    )
    paths: list[NodePath] | None = Field(default=None, max_length=1000, description="`merge`: what becomes part.")
    into: list[Part] | NodePath | None = Field(
        default=None, max_length=1000, description="`merge`: what stays. `split`: the new nodes."
    )
    children: Literal["remove", "lift"] | None = Field(default=None, description="`remove`: what of those below.")
    terminal: bool | None = Field(default=None, description="`terminal`: whether labels may end there.")


class OfModel(BaseModel):
    """Whose draft."""

    model_config = ConfigDict(extra="forbid")

    model: str | None = Field(default=None, max_length=LONGEST_NAME, description="Its name; else the default.")


class Step(OfModel):
    """A step back or forth."""

    revision: Revision


class NewEdit(Step):
    """One more edit."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"revision": 0, "edit": {"edit": "rename", "path": ["Games"], "name": "Play"}}}
    )

    edit: OneEdit


class Texts(OfModel):
    """Texts to try."""

    texts: list[Annotated[str, Field(max_length=LONGEST)]] = Field(min_length=1, max_length=MOST_TRIED)


class NewVersion(Step):
    """How to save."""

    name: str | None = Field(default=None, max_length=100, description="Of its folder; else `<model>-<n>`.")
    switch: bool = Field(default=False, description="Answer with the new version from now on.")


class DraftTold(BaseModel):
    """A draft, with the taxonomy as it would be."""

    model_config = ConfigDict(extra="allow")

    model: str
    version: str
    revision: int
    edits: list[dict[str, Any]]
    sentences: list[str] = Field(description="Each edit in words.")
    redo: int = Field(description="Edits that can be done again.")
    nodes: list[dict[str, Any]] = Field(description="The edited taxonomy, in node order.")
    total: int
    editable: bool = Field(description="False: the edits are about another version; discard them to edit this one.")


class Preview(BaseModel):
    """What a new version would mean."""

    model: str
    version: str
    revision: int
    counts: dict[str, int] = Field(description="Changes by kind.")
    rows: list[list[str]] = Field(description="Each change: what, before, after.")
    nodes: dict[str, int] = Field(description="What becomes of the nodes.")
    texts: int | None = Field(description="Training rows whose label is gone, merged or split.")
    void: list[str] = Field(description="What will not hold any more.")
    words: list[str] = Field(description="What happens, in plain words.")


class Tried(BaseModel):
    """Answers of the model as it is, and as it would be."""

    model: str
    version: str
    revision: int
    answers: list[dict[str, dict[str, Any]]] = Field(description="`old` and `new`, as in `/v1/classify`.")


class SavedTold(BaseModel):
    """A version that was saved."""

    name: str
    folder: str
    taxonomy: str = Field(description="The file of the new taxonomy.")
    void: list[str] = Field(description="What does not hold any more, and the cure.")
    notes: list[str] = Field(description="What could not be carried over, or only nearly.")
    switched: bool
    version: str | None = Field(description="Of the model that is served now, if it was switched.")


class VersionTold(BaseModel):
    """A line of the history."""

    name: str
    folder: str
    before: str = Field(description="The version that was edited.")
    created: str
    edits: int
    sentences: list[str]


class History(BaseModel):
    """Versions that were saved, newest first."""

    versions: list[VersionTold]
