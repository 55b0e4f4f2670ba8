"""Models side by side that answer many requests at once: what stands behind every door of the service.

A `Service` is made of model folders; an `Ask` comes in, `Answered` goes out. Rows are exactly what
``textaxa predict --format jsonl`` adds to the same texts. Light, and without HTTP: `textaxa.server._app` has the doors.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa._suggest import did_you_mean
from textaxa.answers import Cells
from textaxa.data._cells import has_surrogate
from textaxa.decisions import Choice
from textaxa.errors import ConfigError
from textaxa.server._batcher import Batcher, Job
from textaxa.server._errors import Closing, TimedOut, UnknownModel
from textaxa.server._served import (
    Engine,
    Served,
    Way,
    check_has_nodes,
    most_probable,
    raised,
    serve_folder,
    version_of,
)
from textaxa.server._settings import ServerSettings

PLAIN = Choice()
"""The most probable path."""


@dataclass(frozen=True)
class Ask:
    """Texts, and how they shall be answered.

    Attributes
    ----------
    texts
        At least one; blank ones get no path.
    model
        Its name. None: the default.
    choice
        As in `textaxa.predict`; without ``costs``.
    set_coverage
        Add a set of paths of which one is the true one with this probability.
    nodes
        How many of the most probable nodes of each text are told, too.
    """

    texts: tuple[str, ...]
    model: str | None = None
    choice: Choice = PLAIN
    set_coverage: float | None = None
    nodes: int = 0


@dataclass(frozen=True)
class Answered:
    """The answers to an `Ask`.

    Attributes
    ----------
    model, version
        What answered.
    rows
        One a text: what ``textaxa predict --format jsonl`` adds to it.
    promise
        What is promised about them: accuracy, confidence, scope, and a sentence that says it.
    nodes
        The most probable nodes of each text, (id, probability), most probable first; none of a blank text. None where
        they were not asked for, or the model searches and never knows them all.
    """

    model: str
    version: str
    rows: list[dict[str, Any]]
    promise: dict[str, Any] | None
    nodes: list[list[tuple[int, float]]] | None


class Service:
    """Models side by side, which answer texts of many requests together.

    All methods but the constructor are called in one event loop. A request whose task is cancelled is forgotten: what
    of it was not computed yet never is.

    Parameters
    ----------
    models
        Names and folders; the first is the default.
    settings
        Of which sizes, times and limits of the queue are read.
    runtime
        As in `textaxa.load_model`.

    Attributes
    ----------
    names : tuple of str
        The names of the models.
    default : str
        The model that answers where none is named.

    Raises
    ------
    ConfigError, MissingExtraError, ModelFileError
        A model cannot be read, or there is none.
    """

    def __init__(self, models: Mapping[str, Path], settings: ServerSettings, runtime: str = "auto") -> None:
        if not models:
            raise ConfigError("There is no model to serve. Name the folder of one.")
        self._settings, self._runtime = settings, runtime
        self._batcher = Batcher(
            max_batch_tokens=settings.max_batch_tokens,
            max_wait=settings.max_wait_ms / 1000,
            max_queue_tokens=settings.max_queue_tokens,
        )
        self._served: dict[str, Served] = {}
        for name, folder in models.items():
            self._take(serve_folder(name, Path(folder), runtime))
        self.names = tuple(self._served)
        self.default = self.names[0]
        self._reloading = asyncio.Lock()
        self._working_out = ThreadPoolExecutor(max_workers=1, thread_name_prefix="textaxa-promise")
        self._active, self._closing, self._nobody = 0, False, asyncio.Event()

    @property
    def on_batch(self) -> Callable[[str, int, int, float], None]:
        """Called after every computation with the model's name, texts, tokens (about) and seconds."""
        return self._batcher.on_batch

    @on_batch.setter
    def on_batch(self, called: Callable[[str, int, int, float], None]) -> None:
        self._batcher.on_batch = called

    def get(self, name: str | None = None) -> Served:
        """Give the version of a model that answers now.

        Raises
        ------
        UnknownModel
            There is no model of that name.
        """
        found = self._served.get(self.default if name is None else name)
        if found is None:
            raise UnknownModel(f"There is no model {name!r} here.{did_you_mean(str(name), self.names)}")
        return found

    def depth(self) -> dict[str, int]:
        """Give how many ``texts`` and about how many ``tokens`` wait to be computed."""
        return self._batcher.depth()

    async def start(self) -> None:
        """Begin to answer."""
        self._closing = False
        self._batcher.start()

    async def close(self, drain: float = 30.0) -> None:
        """Take no more, answer what was taken, and end.

        Parameters
        ----------
        drain
            Seconds for the answers; what is not answered by then gets `Closing`.
        """
        self._closing = True
        self._nobody.clear()
        if self._active:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._nobody.wait(), drain)
        await self._batcher.end()
        self._working_out.shutdown(wait=False, cancel_futures=True)

    async def classify(self, ask: Ask) -> Answered:
        """Answer texts.

        Raises
        ------
        ConfigError, DataError
            The choice contradicts itself or the model; a promise cannot be kept.
        Closing, ComputeFailed, ModelChanged, TimedOut, TooBusy, UnknownModel
            They are not answered.
        """
        served = self.get(ask.model)
        async with self._taken():
            way = await self._way(served, ask.choice, ask.set_coverage)
            texts = [readable(text) for text in ask.texts]
            asked = [text for text in texts if text]
            told = bool(ask.nodes) and not way.engine.searches
            answer = partial(_with_nodes, way, ask.nodes) if told else _plain(way)
            found = iter(await self._computed(served, way.engine, answer, asked))
        blank = (way.nothing, []) if told else way.nothing
        every = [next(found) if text else blank for text in texts]
        cells = [one[0] for one in every] if told else every
        return Answered(
            model=served.name,
            version=served.version,
            rows=[dict(zip(way.columns, values, strict=True)) for values in cells],
            promise=way.promise,
            nodes=[one[1] for one in every] if told else None,
        )

    async def node_proba(self, name: str | None, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give P(text belongs under node) as float32 (B, N), computed together with the texts of requests.

        Raises
        ------
        ConfigError
            The model searches, and never knows the probability of every node.
        Closing, ComputeFailed, TimedOut, TooBusy, UnknownModel
            They are not answered.
        """
        served = self.get(name)
        check_has_nodes(served.model)
        if not texts:
            return np.empty((0, len(served.taxonomy)), dtype=np.float32)
        async with self._taken():
            return np.stack(await self._computed(served, served.engine, list, [readable(text) for text in texts]))

    async def reload(self, name: str | None = None, folder: Path | None = None) -> dict[str, str]:
        """Load models from their folders beside those that answer, then let the new ones answer.

        A request is answered by one version throughout; the old one goes when its last text is answered.

        Parameters
        ----------
        name
            Which model. None: all, or with a folder the default.
        folder
            From where it is served from now on. None: from where it was.

        Returns
        -------
        Names and versions. A version that is served already stays as it is.

        Raises
        ------
        ConfigError, MissingExtraError, ModelFileError
            A folder cannot be read; all models of before go on.
        UnknownModel
            There is no model of that name.
        """
        async with self._reloading:
            names = self.names if name is None and folder is None else (self.get(name).name,)
            fresh = [await asyncio.to_thread(self._fresh, self._served[one], folder) for one in names]
            for served in fresh:
                self._take(served)
            return {served.name: served.version for served in fresh}

    def _fresh(self, old: Served, folder: Path | None) -> Served:
        place = old.folder if folder is None else Path(folder)
        if place == old.folder and version_of(place) == old.version:
            return old
        return serve_folder(old.name, place, self._runtime)

    def _take(self, served: Served) -> None:
        self._served[served.name] = served
        if served.speed:
            self._batcher.know_speed(served.name, served.speed / 100, 0.01)  # what was measured took so long

    @asynccontextmanager
    async def _taken(self) -> AsyncIterator[None]:
        """Count a request among those that are answered before the end, and stop it when its time is over."""
        if self._closing:
            raise Closing
        self._active += 1
        try:
            async with asyncio.timeout(self._settings.timeout):
                yield
        except TimeoutError as error:
            raise TimedOut(self._settings.timeout) from error
        finally:
            self._active -= 1
            if not self._active:
                self._nobody.set()

    async def _way(self, served: Served, choice: Choice, set_coverage: float | None) -> Way:
        """Give a way of answering; a new one is worked out beside the event loop."""
        if choice.costs is not None:
            raise ConfigError("A service takes no costs of wrong answers. Leave them out, or use textaxa predict.")
        known = served.known_way(choice, set_coverage)
        if known is not None:
            return known
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._working_out, served.work_out, choice, set_coverage)
        served.keep_way(choice, set_coverage, found)
        return raised(found)

    async def _computed(self, served: Served, engine: Engine, answer: Any, texts: Sequence[str]) -> list[Any]:
        """Give an answer a text, in its turn."""
        if not texts:
            return []
        future: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        job = Job(engine, answer, texts, served.sizes(texts), future)
        self._batcher.add(job)
        try:
            return await future
        finally:
            if future.cancelled():
                self._batcher.drop(job)


def readable(text: str) -> str:
    """Give a text as `textaxa predict` reads it: without spaces around it, and halves of characters replaced.

    >>> readable("  chess ")
    'chess'
    """
    text = text.strip()
    if text.isascii() or not has_surrogate(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _plain(way: Way) -> Any:
    """Give what makes answers: of texts where the model searches, else of node probabilities."""
    return way.answers if way.engine.searches else way.answers.of


def _with_nodes(way: Way, count: int, proba: NDArray[np.float32]) -> list[tuple[Cells, list[tuple[int, float]]]]:
    return list(zip(way.answers.of(proba), most_probable(proba, count), strict=True))
