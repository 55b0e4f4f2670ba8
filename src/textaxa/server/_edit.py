"""``/v1/edit``: a draft of a changed taxonomy, what it would mean, how it would answer, and a new version of the model.

Only where the service was started with ``--edit``, and, where an admin token is set, only for who has it.
"""

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from textaxa.errors import TaxonomyError, TextaxaError
from textaxa.server._drafts import Draft, Drafts
from textaxa.server._edit_forms import (
    DraftTold,
    History,
    Model,
    NewEdit,
    NewVersion,
    OfModel,
    Preview,
    SavedTold,
    Step,
    Texts,
    Tried,
    VersionTold,
)
from textaxa.server._edit_told import node_lines, preview
from textaxa.server._node_texts import texts_below
from textaxa.server._problems import Refused, problems
from textaxa.server._security import needs_admin
from textaxa.server._service import Ask
from textaxa.server._settings import ServerSettings
from textaxa.server._versions import Trials, free_name, plain_name, save, taxonomy_file, told_if_not_written
from textaxa.taxonomy import Edited, apply_edits, edit_from_dict, edit_to_dict

if TYPE_CHECKING:
    from pathlib import Path

    from textaxa.migration import MigrationReport
    from textaxa.server._served import Served
    from textaxa.server._service import Service

MOST_NODES = 20_000
"""Nodes that are edited in a page; larger taxonomies are edited as files, with ``textaxa taxonomy edit``."""


class Desk:
    """What all routes share: drafts by model, and the service."""

    def __init__(self, service: "Service", settings: ServerSettings) -> None:
        self.service, self.settings, self.trials = service, settings, Trials()
        self._drafts: dict[Path, Drafts] = {}

    def place(self, served: "Served") -> "Path":
        """Give the folder in which drafts and new versions of a model are."""
        return self.settings.edit_folder or served.folder.resolve().parent

    def drafts(self, served: "Served") -> Drafts:
        """Give the drafts of a model."""
        folder = self.place(served) / f"{plain_name(served.name)}.edit"
        return self._drafts.setdefault(folder, Drafts(folder))

    def served(self, model: str | None) -> "Served":
        """Give a model that can be edited here.

        Raises
        ------
        Refused
            It has too many nodes (status 409).
        """
        served = self.service.get(model)
        if len(served.taxonomy) > MOST_NODES:
            raise Refused(
                409,
                "too_many_nodes",
                f"{served.name!r} has {len(served.taxonomy):,} nodes, and {MOST_NODES:,} can be edited in a page. Edit "
                "its taxonomy as a file: textaxa taxonomy edit.",
            )
        return served

    def edited(self, served: "Served", draft: Draft) -> Edited:
        """Give the taxonomy after the edits of a draft.

        Raises
        ------
        Refused
            They are about another version (status 409).
        """
        if draft.base != served.taxonomy.fingerprint:
            raise Refused(
                409,
                "other_version",
                f"The draft is about another version of {served.name!r} than the one that is served now. Discard it "
                "(it is kept in a file), and edit the new one.",
            )
        return apply_edits(served.taxonomy, draft.edits)

    def told(self, served: "Served", draft: Draft) -> JSONResponse:
        """Give a draft as JSON can hold it."""
        is_about_this = draft.base == served.taxonomy.fingerprint
        edited = self.edited(served, draft) if is_about_this else apply_edits(served.taxonomy, [])
        return JSONResponse(
            {
                "model": served.name,
                "version": served.version,
                "revision": draft.revision,
                "edits": [edit_to_dict(edit) for edit in draft.edits],
                "sentences": [edit.in_words() for edit in draft.edits],
                "redo": len(draft.undone),
                "nodes": node_lines(edited),
                "total": len(edited.taxonomy),
                "editable": is_about_this,
            }
        )


def router(service: "Service", settings: ServerSettings) -> APIRouter:
    """Give the routes that edit; none where the service was not started for it."""
    routes = APIRouter(tags=["edit"], dependencies=[Depends(needs_admin(settings))])
    if settings.edit:
        desk = Desk(service, settings)
        _add_draft(routes, desk)
        _add_steps(routes, desk)
        _add_outlook(routes, desk)
        _add_saving(routes, desk)
    return routes


_READ = problems(401, 403, 404, 409, 422)
_WRITE = problems(400, 401, 403, 404, 408, 409, 413, 415, 422, 503)


def _add_draft(routes: APIRouter, desk: Desk) -> None:
    @routes.get("/v1/edit", summary="The draft", response_model=DraftTold, responses=_READ)
    async def draft(model: Model = None) -> JSONResponse:
        """Give the edits so far, and the taxonomy as it would be."""

        def told() -> JSONResponse:
            served = desk.served(model)
            return desk.told(served, desk.drafts(served).read(served.taxonomy))

        return await asyncio.to_thread(told)

    @routes.post("/v1/edit", summary="Edit", response_model=DraftTold, responses=_WRITE)
    async def edit(asked: NewEdit) -> JSONResponse:
        """Add an edit to the draft; it is on disk when this answers."""

        def with_edit(served: "Served", draft: Draft) -> Draft:
            try:
                changed = draft.with_edit(edit_from_dict(asked.edit.model_dump(exclude_unset=True)))
                desk.edited(served, changed)
            except TaxonomyError as error:
                # Not 422: the edit is well formed, and another draft could take it.
                raise Refused(409, "impossible_edit", str(error), where=["edit"]) from error
            return changed

        return await asyncio.to_thread(_changed, desk, asked, with_edit)


def _changed(desk: Desk, asked: Step, change: Any) -> JSONResponse:
    """Change a draft and give it."""
    served = desk.served(asked.model)
    drafts = desk.drafts(served)
    return desk.told(served, drafts.change(served.taxonomy, asked.revision, lambda draft: change(served, draft)))


def _add_steps(routes: APIRouter, desk: Desk) -> None:
    @routes.post("/v1/edit/undo", summary="Undo an edit", response_model=DraftTold, responses=_WRITE)
    async def undo(asked: Step) -> JSONResponse:
        """Take the last edit back."""
        return await asyncio.to_thread(_changed, desk, asked, lambda _, draft: draft.undo())

    @routes.post("/v1/edit/redo", summary="Redo an edit", response_model=DraftTold, responses=_WRITE)
    async def redo(asked: Step) -> JSONResponse:
        """Do again what was undone last."""
        return await asyncio.to_thread(_changed, desk, asked, lambda _, draft: draft.redo())

    @routes.post("/v1/edit/discard", summary="Start over", response_model=DraftTold, responses=_WRITE)
    async def discard(asked: Step) -> JSONResponse:
        """Begin a new draft; the old one is kept in a file."""

        def emptied() -> JSONResponse:
            served = desk.served(asked.model)
            return desk.told(served, desk.drafts(served).discard(served.taxonomy, asked.revision))

        return await asyncio.to_thread(emptied)


def _add_outlook(routes: APIRouter, desk: Desk) -> None:
    @routes.post("/v1/edit/preview", summary="What would change", response_model=Preview, responses=_WRITE)
    async def outlook(asked: OfModel) -> dict[str, Any]:
        """Give what a new version would mean for categories, texts and promises."""

        def told() -> dict[str, Any]:
            served = desk.served(asked.model)
            draft = desk.drafts(served).read(served.taxonomy)
            found = preview(desk.edited(served, draft), served.folder, texts_below(served))
            return _head(served, draft) | found

        return await asyncio.to_thread(told)

    @routes.post("/v1/edit/try", summary="Try texts", response_model=Tried, responses=_WRITE | problems(429, 501))
    async def trial(asked: Texts) -> dict[str, Any]:
        """Answer texts as the model does now, and as it would with the edited taxonomy."""
        served = desk.served(asked.model)
        draft = await asyncio.to_thread(desk.drafts(served).read, served.taxonomy)
        edited = await asyncio.to_thread(desk.edited, served, draft)
        old = (await desk.service.classify(Ask(texts=tuple(asked.texts), model=served.name))).rows
        new = old if not draft.edits else await asyncio.to_thread(desk.trials.rows, served, edited, asked.texts)
        return _head(served, draft) | {"answers": [{"old": a, "new": b} for a, b in zip(old, new, strict=True)]}


def _head(served: "Served", draft: Draft) -> dict[str, Any]:
    return {"model": served.name, "version": served.version, "revision": draft.revision}


def _add_saving(routes: APIRouter, desk: Desk) -> None:
    @routes.post(
        "/v1/edit/save",
        summary="Save a new version",
        status_code=201,
        response_model=SavedTold,
        responses=_WRITE | problems(501),
    )
    async def save_version(asked: NewVersion) -> dict[str, Any]:
        """Write the model with the edited taxonomy to a new folder; the old one stays as it is."""
        served = desk.served(asked.model)
        folder, report = await asyncio.to_thread(_saved, desk, served, asked)
        version, refusal = await _switched(desk, served.name, folder) if asked.switch else (None, [])
        told = {"name": folder.name, "folder": str(folder), "taxonomy": str(taxonomy_file(folder))}
        lost = {"void": list(report.void), "notes": [*report.notes, *refusal]}
        return told | lost | {"switched": version is not None, "version": version}

    @routes.get("/v1/edit/history", summary="Versions saved", responses=_READ)
    async def history(model: Model = None) -> History:
        """Give the versions that were saved from here, newest first."""
        served = desk.served(model)
        found = await asyncio.to_thread(desk.drafts(served).history)
        return History(versions=[VersionTold(**vars(one)) for one in found])


async def _switched(desk: Desk, name: str, folder: "Path") -> tuple[str | None, list[str]]:
    """Serve the new version; where that cannot be loaded, the old one goes on, and why is told."""
    try:
        version = (await desk.service.reload(name, folder))[name]
    except (TextaxaError, OSError) as error:
        return None, [f"The service goes on with the old version: {error}"]
    await asyncio.to_thread(_start_over, desk, desk.service.get(name))
    return version, []


def _saved(desk: Desk, served: "Served", asked: NewVersion) -> tuple["Path", "MigrationReport"]:
    """Write the new version, and give its folder and what migrating did."""
    drafts = desk.drafts(served)
    with drafts.saving():
        draft = drafts.read(served.taxonomy)
        if draft.revision != asked.revision:
            raise Refused(
                409,
                "stale_revision",
                f"The draft is at revision {draft.revision}, and {asked.revision} was to be saved: someone else has "
                "changed it. Look at it, and save again.",
                where=["revision"],
            )
        edited = desk.edited(served, draft)
        if not draft.edits:
            raise Refused(409, "nothing_to_save", "There is no edit to save. Change the taxonomy first.")
        folder = desk.place(served) / free_name(served.name, desk.place(served), asked.name)
        report = save(served, edited, draft.edits, folder)
        with told_if_not_written():
            drafts.remember(name=folder.name, folder=folder, before=served.version, draft=draft)
    return folder, report


def _start_over(desk: Desk, served: "Served") -> None:
    """Begin a new draft for the version that is served now; an edit that came in between is kept in a file."""
    drafts = desk.drafts(served)
    with suppress(Refused):  # changed once more: the next one who looks is told that it is about another version
        drafts.discard(served.taxonomy, drafts.read(served.taxonomy).revision)
