"""Facts about nodes from a labelled table, computed while the service runs and again after a reload.

Texts go through the service like those of any client, a few at a time, one request after the other, with a pause as
long as each took: so at most half of the machine works on facts, and requests wait for one small batch at most.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from textaxa.data import Columns, Examples, read_examples
from textaxa.errors import DataError, TextaxaError
from textaxa.server._node_facts import Answer, Facts
from textaxa.server._settings import ServerSettings

if TYPE_CHECKING:
    from textaxa.server._served import Served
    from textaxa.server._service import Service

AT_ONCE = 16
"""Texts of a request: some milliseconds of a small model."""

MOST = 20_000
"""Labelled texts that are looked at; of a larger table as many are drawn, the same every time."""

LOOK = 2.0
"""Seconds after which models are looked at again: one may have been loaded anew."""

WAIT = 1.0
"""Seconds after which a request is sent again that the service had no room for."""

_LOG = logging.getLogger("textaxa.server")


@dataclass(frozen=True)
class Known:
    """What is known about a model's nodes.

    Attributes
    ----------
    version
        Of which version of the model.
    state
        ``none`` (no labelled table), ``waiting``, ``computing``, ``ready`` or ``failed``.
    share
        How much is computed, in [0, 1].
    facts
        None before they are ready.
    why
        What went wrong.
    """

    version: str = ""
    state: Literal["none", "waiting", "computing", "ready", "failed"] = "none"
    share: float = 0.0
    facts: Facts | None = None
    why: str = ""


class FactsKeeper:
    """Computes the facts about every model's nodes, and keeps them."""

    def __init__(self, service: "Service", settings: ServerSettings, *, look: float = LOOK) -> None:
        self._service, self._table, self._look = service, settings.labelled, look
        self._characters = settings.max_characters
        self._known: dict[str, Known] = {}

    def of(self, served: "Served") -> Known:
        """Give what is known about the nodes of a model, as it is served now."""
        if self._table is None:
            return Known()
        known = self._known.get(served.name)
        return known if known is not None and known.version == served.version else Known(served.version, "waiting")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Compute while the block runs."""
        task = None if self._table is None else asyncio.create_task(self._keep(self._table))
        if task is not None:
            task.add_done_callback(_tell_end)
        try:
            yield
        finally:
            if task is not None:
                task.cancel()
                await asyncio.wait([task])  # whatever it ended with, the service ends in order

    async def _keep(self, table: Path) -> None:
        while True:
            for name in tuple(self._service.names):
                served = self._service.get(name)
                if self.of(served).state == "waiting":
                    await self._try(served, table)
            await asyncio.sleep(self._look)

    async def _try(self, served: "Served", table: Path) -> None:
        """Compute one model's facts; what goes wrong must not end the service."""
        self._known[served.name] = Known(served.version, "computing")
        try:
            facts = await self._compute(served, table)
        except (TextaxaError, OSError) as error:
            _LOG.warning("Facts about the nodes of %s cannot be computed: %s", served.name, error)
            self._known[served.name] = Known(served.version, "failed", why=str(error))
            return
        if facts is None:  # it was loaded anew in the meantime
            self._known.pop(served.name, None)
        else:
            self._known[served.name] = Known(served.version, "ready", 1.0, facts)

    async def _compute(self, served: "Served", table: Path) -> Facts | None:
        examples = await asyncio.to_thread(labelled_texts, served, table, self._characters)
        answers: list[Answer] = []
        for start in range(0, len(examples), AT_ONCE):
            part = examples.select(range(start, min(start + AT_ONCE, len(examples))))
            began = time.monotonic()
            answered = await self._answered(served.name, part.texts)
            if answered.version != served.version:
                return None
            answers.extend(_answers(part, answered.rows))
            now = Known(served.version, "computing", len(answers) / len(examples))
            self._known[served.name] = now
            await asyncio.sleep(time.monotonic() - began)
        return await asyncio.to_thread(Facts, served.taxonomy, answers)

    async def _answered(self, name: str, texts: Sequence[str]) -> Any:
        """Ask the service, and again where it has no room or no time."""
        from textaxa.server._service import Ask  # noqa: PLC0415 - this file is read by those that have no service

        while True:
            try:
                return await self._service.classify(Ask(texts=tuple(texts), model=name))
            except TextaxaError as error:
                if getattr(error, "status", 422) not in (429, 503):
                    raise
            await asyncio.sleep(WAIT)


def _tell_end(task: "asyncio.Task[None]") -> None:
    """Say in the log what ended the computation, where that was not the end of the service."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _LOG.error("Facts about nodes are no longer computed.", exc_info=error)


def labelled_texts(served: "Served", table: Path, most_characters: int) -> Examples:
    """Give the labelled texts that a model can be asked about: their labels are in its taxonomy; a sample of many.

    Raises
    ------
    DataError
        The table cannot be used, or has no label of this model.
    """
    columns = remembered_columns(served.summary)
    examples = read_examples(str(table), columns)
    taxonomy = served.taxonomy
    fits = [all(path in taxonomy for path in paths) for paths in examples.labels]
    kept = [i for i, fit in enumerate(fits) if fit and len(examples.texts[i]) <= most_characters]
    if not kept:
        raise DataError(f"No row of {str(table)!r} has a label that the model {served.name!r} knows.")
    if len(kept) > MOST:
        drawn = np.random.default_rng(0).choice(len(kept), size=MOST, replace=False)
        kept = [kept[i] for i in np.sort(drawn).tolist()]
    return examples.select(kept)


def remembered_columns(summary: Mapping[str, Any]) -> Columns:
    """Give the columns of the table that a model was trained on; where it does not know them, ``text`` and ``path``.

    >>> remembered_columns({"columns": {"text": ["name"], "labels": ["category", "subcategory"]}}).label_columns
    ('category', 'subcategory')
    """
    stored = summary.get("columns")
    known = {field.name for field in fields(Columns)} - {"id", "group"}
    kept = {name: value for name, value in (stored.items() if isinstance(stored, dict) else ()) if name in known}
    given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()}
    columns = Columns(**given)
    return columns if columns.has_labels else replace(columns, path="path")


def _answers(examples: Examples, rows: Sequence[dict[str, Any]]) -> Iterator[Answer]:
    for text, true, row in zip(examples.texts, examples.labels, rows, strict=True):
        found = row.get("paths") or []
        paths = tuple(tuple(level["name"] for level in entry["levels"]) for entry in found)
        yield Answer(text, true, paths, float(found[0]["probability"]) if found else 0.0)
