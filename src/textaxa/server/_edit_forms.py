"""The bodies of ``/v1/edit``: what requests and answers look like."""

from typing import Annotated, Any, Literal

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from textaxa.server._fields import NUMBER
from textaxa.server._models import LONGEST_NAME

MOST_TRIED = 20
LONGEST = 20_000
"""Characters of a name, a description or a text that is tried."""

MOST_LEVELS = 200

Text = Annotated[str, Field(max_length=LONGEST)]
Name = Annotated[str, Field(max_length=LONGEST, pattern=r"\S", description="Not blank.")]
NodePath = Annotated[
    list[Name], Field(min_length=1, max_length=MOST_LEVELS, description="Names from the top level down.")
]
Position = Annotated[
    Annotated[int, Field(ge=0, le=2**31), NUMBER] | None,
    Field(description="Place among siblings, from 0; else the last."),
]
Model = Annotated[str | None, Query(max_length=LONGEST_NAME, description="Its name; else the default.")]
Revision = Annotated[int, Field(ge=0, le=2**53, description="That of the draft as it was seen."), NUMBER]


class Form(BaseModel):
    """Refuses keys that it does not know."""

    model_config = ConfigDict(extra="forbid")


class Part(Form):
    """One of the nodes that a node is split into."""

    name: Name
    description: Text = ""


class Add(Form):
    """A new node."""

    edit: Literal["add"]
    path: NodePath
    description: Text = ""
    code: Name | None = Field(default=None, description="Where the taxonomy has codes; else one is made up.")
    position: Position = None


class Rename(Form):
    """Another name."""

    edit: Literal["rename"]
    path: NodePath
    name: Name


class Describe(Form):
    """Another description."""

    edit: Literal["describe"]
    path: NodePath
    description: Text


class Move(Form):
    """Another place."""

    edit: Literal["move"]
    path: NodePath
    to: list[Name] = Field(max_length=MOST_LEVELS, description="The new parent; empty for the top level.")
    position: Position = None


class Merge(Form):
    """Nodes become part of another."""

    edit: Literal["merge"]
    paths: list[NodePath] = Field(min_length=1, max_length=1000)
    into: NodePath


class Split(Form):
    """A node becomes several."""

    edit: Literal["split"]
    path: NodePath
    into: list[Part] = Field(min_length=2, max_length=1000)
    to: Literal["children", "siblings"] = "children"


class Remove(Form):
    """A node goes."""

    edit: Literal["remove"]
    path: NodePath
    children: Literal["remove", "lift"] = Field(default="remove", description="What of those below it.")


class SetTerminal(Form):
    """Labels may end at a node, or no more."""

    edit: Literal["terminal"]
    path: NodePath
    terminal: StrictBool


OneEdit = Annotated[Add | Rename | Describe | Move | Merge | Split | Remove | SetTerminal, Field(discriminator="edit")]


class OfModel(Form):
    """Whose draft."""

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

    name: str | None = Field(
        default=None,
        max_length=100,
        description="Of its folder: letters, digits, `-`, `_`, `.`; else `<model>-<n>`.",
        json_schema_extra={"pattern": r"^[A-Za-z0-9_]([A-Za-z0-9._-]{0,78}[A-Za-z0-9_-])?$"},
    )
    switch: StrictBool = Field(default=False, description="Answer with the new version from now on.")


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
