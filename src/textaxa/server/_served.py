"""One version of a model, ready to answer: what is known about it, what computes it, and the ways of answering.

A folder comes in, a `Served` goes out. It stays as it is until nobody holds it; a newer version is another object.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from textaxa.answers import Answers, Cells, ResultRows, check_scores_all, computed_by, exact_runtime, opened, searches
from textaxa.decisions import Choice
from textaxa.errors import ConfigError, DataError, ModelFileError
from textaxa.guarantee import describe
from textaxa.server._batcher import Part
from textaxa.server._errors import ModelChanged
from textaxa.taxonomy import DEFAULT_SEPARATOR

WAYS_KEPT = 64
"""Ways of answering that are kept for each version: promises take a second to work out. Others are worked out anew."""

_CHARACTERS_PER_TOKEN = 4
"""Bytes of UTF-8 a token, roughly; only the queue and the size of batches depend on it."""

_FRAME = 2
"""Special tokens around a text."""

_WARM_WORDS = (3, 12, 48)
"""Texts of so many words are answered once when a model is loaded: engines prepare themselves at their first texts."""

_DIGITS = 12
"""Of the sum by which a version is known."""


@dataclass(frozen=True)
class Can:
    """What can be asked of a model.

    Attributes
    ----------
    promise
        An accuracy, a coverage, or which texts belong nowhere: there is evidence to rest it on.
    nodes
        The probability of every node.
    """

    promise: bool
    nodes: bool


class Engine:
    """A model in memory, which computes texts of several requests together.

    Numbers of one text are those that `textaxa predict` gives, up to the last of six digits: products of floats are
    summed in another order in a larger batch. Exports with 8-bit weights are scaled by the largest number of their
    batch, so there a text's probabilities depend a little on what it is computed with; `textaxa predict` has the same.

    Parameters
    ----------
    name
        Under which it is served.
    model
        Anything that `textaxa.load_model` gives.
    """

    def __init__(self, name: str, model: Any) -> None:
        self.name, self.model = name, model
        self.searches = searches(model)

    def compute(self, parts: Sequence[Part]) -> list[list[Any]]:
        """Give an answer a text, for each part."""
        if not self.searches:
            proba = self.model.node_proba([text for part in parts for text in part.texts])
            return [part.job.answer(rows) for part, rows in zip(parts, _split(proba, parts), strict=True)]
        found: dict[int, list[Any]] = {}
        for answer in dict.fromkeys(part.job.answer for part in parts):
            these = [part for part in parts if part.job.answer is answer]
            cells = answer([text for part in these for text in part.texts])
            found |= {id(part): rows for part, rows in zip(these, _split(cells, these), strict=True)}
        return [found[id(part)] for part in parts]


def _split(rows: Any, parts: Sequence[Part]) -> list[Any]:
    """Give each part its own of the rows of all."""
    ends = np.cumsum([part.stop - part.start for part in parts]).tolist()
    return [rows[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


@dataclass(frozen=True)
class Way:
    """A way of answering.

    Attributes
    ----------
    engine
        What computes.
    answers
        Makes the values of the answers.
    columns
        Their names.
    nothing
        The values of a text that is blank.
    """

    engine: Engine
    answers: Answers
    columns: tuple[str, ...]
    nothing: Cells

    @property
    def promise(self) -> dict[str, Any] | None:
        """What is promised about the answers, as JSON can hold it."""
        found = self.answers.promise
        if found is None:
            return None
        return {
            "accuracy": found.accuracy,
            "confidence": found.confidence,
            "scope": found.scope,
            "text": describe(found),
        }


Found = Way | ConfigError | DataError


@dataclass
class Served:
    """One version of a model.

    Attributes
    ----------
    name
        Under which it is served.
    folder
        Where it was read.
    version
        Changes whenever the folder does.
    engine
        What computes it.
    loaded
        When (UTC).
    speed
        Tokens a second, as measured on its first texts.
    """

    name: str
    folder: Path
    version: str
    engine: Engine
    runtime: str
    loaded: datetime = field(default_factory=lambda: datetime.now(UTC))
    speed: float = 0.0
    _ways: "OrderedDict[Hashable, Found]" = field(default_factory=OrderedDict)
    _exact: Engine | None = None

    @property
    def model(self) -> Any:
        """The model."""
        return self.engine.model

    @property
    def taxonomy(self) -> Any:
        """Its taxonomy."""
        return self.model.taxonomy

    @property
    def task(self) -> str:
        """``single``: one path a text; ``multi``: several."""
        return str(self.model.task)

    @property
    def summary(self) -> dict[str, Any]:
        """What is known about its training."""
        found: dict[str, Any] = self.model.summary
        return found

    @property
    def separator(self) -> str:
        """What stands between the names of a path."""
        return self._column("separator", DEFAULT_SEPARATOR)

    @property
    def can(self) -> Can:
        """What can be asked of it."""
        evidence = self.model.evidence
        promise = evidence is not None and bool((~evidence.tuning).any())
        return Can(promise=promise, nodes=not self.engine.searches)

    def known_way(self, choice: Choice, set_coverage: float | None) -> Way | None:
        """Give a way of answering that is kept.

        Raises
        ------
        ConfigError, DataError
            It is known that there is none.
        """
        found = self._ways.get((choice, set_coverage))
        if found is None:
            return None
        self._ways.move_to_end((choice, set_coverage))
        return raised(found)

    def keep_way(self, choice: Choice, set_coverage: float | None, found: Found) -> None:
        """Keep what `work_out` gave."""
        self._ways[choice, set_coverage] = found
        while len(self._ways) > WAYS_KEPT:
            self._ways.popitem(last=False)

    def work_out(self, choice: Choice, set_coverage: float | None) -> Found:
        """Work out a way of answering, or why there is none: it contradicts itself or the model, or lacks evidence.

        It may take seconds; one at a time.

        Raises
        ------
        MissingExtraError, ModelFileError
            A part of the model is needed that cannot be read.
        ModelChanged
            It needs a part of the folder, and that holds another version by now.
        """
        try:
            return self._way(choice, set_coverage)
        except (ConfigError, DataError) as error:
            return error

    def sizes(self, texts: Sequence[str]) -> list[int]:
        """Give about how many tokens texts have; of those that a model does not read by tokens, a quarter of bytes."""
        found = [_FRAME + len(text.encode()) // _CHARACTERS_PER_TOKEN for text in texts]
        if not hasattr(self.model, "work"):
            return found
        encoder = self.model.settings.encoder
        most = encoder.max_length * (encoder.max_windows if encoder.long_text == "windows" else 1)
        return [min(size, most) for size in found]

    def warm_up(self) -> None:
        """Answer a few texts, and measure how fast that is."""
        found = self.work_out(Choice(), None)
        self.keep_way(Choice(), None, found)
        way = raised(found)
        for words in _WARM_WORDS:
            texts = [" ".join(["text"] * words)]
            started = time.perf_counter()
            way.answers(texts)
            self.speed = sum(self.sizes(texts)) / max(1e-6, time.perf_counter() - started)

    def _way(self, choice: Choice, set_coverage: float | None) -> Way:
        promising = set_coverage is not None or choice.accuracy is not None or choice.outside is not None
        engine = self._exact_engine() if promising else self.engine
        model = engine.model
        rows = ResultRows(
            (),
            several=model.task == "multi",
            top=min(choice.top, len(model.taxonomy.terminals)),
            nested=True,
            separator=self.separator,
            paths_separator=self._column("paths_separator", ";"),
            because=choice.accuracy is not None or choice.outside is not None,
            sets=set_coverage is not None,
        )
        return Way(engine, Answers(model, choice, set_coverage, rows), rows.added, rows.cells(None))

    def _exact_engine(self) -> Engine:
        """Give what computes the numbers on which promises rest: the same, but for 8-bit weights and bf16."""
        if self._exact is None:
            runtime = exact_runtime(self.folder, self.runtime)
            known = computed_by(self.model) == "ONNX Runtime (fp32)" and runtime == "onnx"
            if known or runtime == self.runtime or not self.can.promise:
                self._exact = self.engine
            else:
                self._exact = Engine(self.name, opened(self.folder, runtime=runtime))
            if version_of(self.folder) != self.version:
                self._exact = None
                raise ModelChanged(self.name)
        return self._exact

    def _column(self, name: str, otherwise: str) -> str:
        columns = self.summary.get("columns")
        found = columns.get(name) if isinstance(columns, dict) else None
        return found if isinstance(found, str) and found else otherwise


def serve_folder(name: str, folder: Path, runtime: str) -> Served:
    """Load a model, and let it answer its first texts.

    Raises
    ------
    ConfigError, MissingExtraError, ModelFileError
        It cannot be read, or not with this runtime.
    """
    version = version_of(folder)
    model = opened(folder, runtime=runtime)
    if version_of(folder) != version:
        raise ModelFileError(f"{folder} was replaced while it was read. Reload the model once more.")
    served = Served(name, folder, version, Engine(name, model), runtime)
    served.warm_up()
    return served


def version_of(folder: Path) -> str:
    """Give the version of a model folder: the sum of its ``config.json``, which holds those of the other files.

    Raises
    ------
    ModelFileError
        There is no such file.
    """
    try:
        return hashlib.sha256((folder / "config.json").read_bytes()).hexdigest()[:_DIGITS]
    except OSError as error:
        raise ModelFileError(
            f"{folder} has no config.json that can be read ({error.strerror or error}), so it is no textaxa model. "
            "Check the path, or train one: textaxa train"
        ) from error


def most_probable(proba: np.ndarray, count: int) -> list[list[tuple[int, float]]]:
    """Give the most probable nodes of each text with their probabilities, most probable first, from (B, N).

    >>> most_probable(np.array([[0.25, 0.75, 0.5]]), 2)
    [[(1, 0.75), (2, 0.5)]]
    """
    count = min(count, proba.shape[1])
    order = np.argsort(-proba, axis=1, kind="stable")[:, :count]
    values = np.take_along_axis(proba, order, axis=1)
    return [
        [(node, round(p, 6)) for node, p in zip(*row, strict=True)]
        for row in zip(order.tolist(), values.tolist(), strict=True)
    ]


def check_has_nodes(model: Any) -> None:
    """Refuse what needs the probability of every node, where the model computes only some.

    Raises
    ------
    ConfigError
        It searches.
    """
    check_scores_all(model, "Explaining", "Train a model with another head.")


def raised(found: Found) -> Way:
    """Give a way of answering, or raise why there is none."""
    if isinstance(found, Way):
        return found
    raise type(found)(str(found))  # a new one: tracebacks of a kept one would grow
