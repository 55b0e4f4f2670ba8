"""``textaxa optimise``: a trained model and labelled rows in, a faster model of the same answers out."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from textaxa._extras import require
from textaxa.answers import opened
from textaxa.data import Examples, read_examples
from textaxa.data._writers import write_text
from textaxa.errors import ConfigError, DataError
from textaxa.jobs._listener import Interrupted, Listener, nobody
from textaxa.jobs._model import columns_for

if TYPE_CHECKING:
    from textaxa.optimising import Bar, Material, Point, Rows

MAX_LOSS = 0.3
"""Points of accuracy that may be lost, where nothing else is said."""

FEWEST = 40
"""Labelled rows below which a loss of points could not be told from chance at all."""

SECONDS = 120.0
"""For teaching one network, where nothing else is said."""

ROUNDS = 3

_PLOTS = (".svg", ".html")


@dataclass(frozen=True)
class Parts:
    """How many rows did what.

    Attributes
    ----------
    fitting
        Cheaper models were fitted on them.
    choosing
        They chose what is tried, thresholds and scales.
    proving
        They chose nothing before candidates were measured on them.
    """

    fitting: int
    choosing: int
    proving: int


@dataclass(frozen=True)
class OptimiseResult:
    """The frontier, and what was chosen of it.

    Attributes
    ----------
    points
        All candidates, the fastest first; the given model is among them.
    metric
        What the score is: ``path accuracy``, with several paths ``F1 of a row's nodes``.
    rows
        How many rows did what.
    max_loss, confidence
        What was asked for.
    out
        The folder of the chosen one; None where none was asked for, or nothing faster was good enough.
    seconds
        How long it all took.
    """

    points: "list[Point]"
    metric: str
    rows: Parts
    max_loss: float
    confidence: float | None
    out: Path | None
    seconds: float

    @property
    def chosen(self) -> "Point":
        """The chosen point: the given model itself where nothing faster was good enough."""
        return next(point for point in self.points if point.chosen)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values."""
        plain = {"metric": self.metric, "rows": vars(self.rows), "max_loss": self.max_loss}
        points = [dict(vars(point)) for point in self.points]
        out = None if self.out is None else str(self.out)
        return {**plain, "confidence": self.confidence, "points": points, "out": out, "seconds": self.seconds}


def optimise(
    model: str | Path,
    table: Any,
    out: str | Path | None = None,
    *,
    train: Any = None,
    unlabelled: Any = None,
    columns: dict[str, Any] | None = None,
    max_loss: float = MAX_LOSS,
    confidence: float | None = None,
    candidates: Sequence[str] | None = None,
    quick: bool = False,
    seconds: float = SECONDS,
    rounds: int = ROUNDS,
    seed: int = 0,
    plot: str | Path | None = None,
    input_format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    overwrite: bool = False,
    listener: Listener = nobody,
) -> OptimiseResult:
    """Look for less work that gives the same answers, and save the fastest that is good enough as a model folder.

    Parameters
    ----------
    model
        The folder of a model with an encoder. It is left as it is.
    table
        Labelled rows that the model has not seen. A half of them, drawn at random, chooses; the other half proves.
    out
        Where the chosen model is written. Left out: nothing is written.
    train
        The rows that the model was trained on: cheaper models are fitted on them. Left out: a half of ``table`` is set
        aside for it.
    unlabelled
        More texts: cheaper models learn from the given model's answers to them, too.
    columns
        Fields of `textaxa.data.Columns`; what is not given is as in training.
    max_loss
        Points of accuracy (with several paths of F1) that may be lost on the labelled rows.
    confidence
        Prove with this confidence that no more is lost; for 95 % it takes ``300 / max_loss`` proving rows and more.
        Left out: what is lost on the choosing and on the proving rows must not be more, which proves less.
    candidates
        What is tried, of `textaxa.optimising.KINDS`; left out: all but ``vocabulary``.
    quick
        Leave out what has to be taught: layers and static.
    seconds
        For teaching one network, at most; there are up to four.
    rounds
        How often candidates are timed.
    seed
        Of the draw of the rows, and of what is fitted.
    plot
        Where to draw the frontier: ``.svg``, or ``.html`` with the table beside it.
    input_format, encoding, delimiter
        How the tables are written, where that cannot be told from themselves.
    overwrite
        Replace ``out`` if it is there.
    listener
        Is told ``{"event": "doing", "what": …}``.

    Raises
    ------
    ConfigError
        The output is there, a candidate is not known, or the model has nothing that could be made faster.
    DataError
        A table cannot be used, or has too few rows.
    Interrupted
        Ctrl-C; nothing was written.
    MissingExtraError
        The extra ``export`` is not installed.
    """
    _check(out, plot, max_loss=max_loss, confidence=confidence, overwrite=overwrite)
    for package in ("onnx", "onnxruntime"):
        require(package, extra="export")
    from textaxa.exporting import check_exportable
    from textaxa.optimising import QUICK, STANDARD, Bar, Material, check_kinds

    kinds = tuple(candidates or (QUICK if quick else STANDARD))
    check_kinds(kinds)
    began = time.monotonic()
    ready = opened(model)
    check_exportable(ready)
    how: dict[str, Any] = {"format": input_format, "encoding": encoding, "delimiter": delimiter}
    labelled = _labelled(ready, table, columns or {}, how)
    fitted = None if train is None else _labelled(ready, train, columns or {}, how)
    fitting, choosing, proving = _parted(labelled, fitted, seed)
    more = [] if unlabelled is None else _texts(ready, unlabelled, columns or {}, how)
    tell = lambda what: listener({"event": "doing", "what": what})  # noqa: E731
    try:
        with TemporaryDirectory(prefix="textaxa-optimise-", ignore_cleanup_errors=True) as scratch:
            material = Material(ready, fitting, choosing, more, Path(scratch), seconds, seed, tell)
            bar = Bar(max_loss, confidence)
            points, saved = _found(material, proving, bar, kinds, rounds=rounds, out=out)
    except KeyboardInterrupt:
        raise Interrupted("Stopped; nothing was written.") from None
    parts = Parts(len(fitting), len(choosing), len(proving))
    took = time.monotonic() - began
    result = OptimiseResult(points, metric_of(ready), parts, max_loss, confidence, saved, took)
    if plot is not None:
        _draw(result, Path(plot))
    return result


def metric_of(model: Any) -> str:
    """Name what a row is scored by."""
    return "F1 of a row's nodes" if model.task == "multi" else "path accuracy"


def _check(
    out: str | Path | None, plot: str | Path | None, *, max_loss: float, confidence: float | None, overwrite: bool
) -> None:
    """Refuse before the work what could only be refused after it."""
    if not 0 <= max_loss < 100:
        raise ConfigError(f"max_loss = {max_loss}: points of accuracy lie between 0 and 100.")
    if confidence is not None and not 0.5 <= confidence < 1:
        raise ConfigError(f"confidence = {confidence}: it must lie between 0.5 and 1, such as 0.95.")
    if out is not None and Path(out).exists() and not overwrite:
        raise ConfigError(f"{str(out)!r} is already there. Name another folder, or add --overwrite to replace it.")
    if plot is not None and Path(plot).suffix.lower() not in _PLOTS:
        raise ConfigError(f"The plot {str(plot)!r} must end with {' or '.join(_PLOTS)}.")
    if plot is not None and not Path(plot).absolute().parent.is_dir():
        raise ConfigError(f"There is no folder for the plot {str(plot)!r}. Make it, or name another.")


def _labelled(model: Any, table: Any, given: dict[str, Any], how: dict[str, Any]) -> Examples:
    wanted = columns_for(model, given, labels=True)
    if not wanted.has_labels:
        raise ConfigError("No label columns are known. Give --labels category,subcategory, --path or --paths.")
    return read_examples(table, wanted, taxonomy=model.taxonomy, **how)


def _texts(model: Any, table: Any, given: dict[str, Any], how: dict[str, Any]) -> list[str]:
    """Read the texts of a table, blank ones left out."""
    from textaxa.data import iterate_rows, text_of

    columns = columns_for(model, given, labels=False)
    with iterate_rows(table, **how) as stream:
        stream.require(columns.text_columns)
        found = [text_of(row, columns) for _, row in stream]
    return [text for text in dict.fromkeys(found) if text]


def _parted(labelled: Examples, fitted: Examples | None, seed: int) -> "tuple[Rows, Rows, Rows]":
    """Give the rows that fit, choose and prove."""
    from textaxa.optimising import Rows

    if len(labelled) < FEWEST:
        raise DataError(
            f"{labelled.source}: {len(labelled):,} rows are too few: a loss could not be told from chance. At least "
            f"{FEWEST} are needed, and thousands are better."
        )
    rows = Rows(list(labelled.texts), list(labelled.labels))
    order = np.random.default_rng(seed).permutation(len(rows))
    if fitted is None:
        fit, order = np.sort(order[: len(order) // 2]), order[len(order) // 2 :]
        fitting = rows.taken(fit)
    else:
        fitting = Rows(list(fitted.texts), list(fitted.labels))
    middle = len(order) // 2
    return fitting, rows.taken(np.sort(order[:middle])), rows.taken(np.sort(order[middle:]))


def _found(
    material: "Material", proving: "Rows", bar: "Bar", kinds: tuple[str, ...], *, rounds: int, out: str | Path | None
) -> "tuple[list[Point], Path | None]":
    from textaxa.optimising import Search, save_candidate

    found = Search(material, proving, kinds=kinds, max_loss=bar.max_loss)
    points, candidate = found.points(bar, rounds=rounds)
    if out is None or candidate.kind == "given":
        return points, None
    chosen = next(point for point in points if point.chosen)
    rows = {"choosing_rows": len(material.choosing), "proving_rows": len(proving)}
    told = {"metric": metric_of(material.model), **rows, **bar.told(), **chosen.told()}
    material.tell(f"saving {chosen.name}")
    return points, save_candidate(candidate, Path(out), told, scratch=material.scratch)


def _draw(result: OptimiseResult, file: Path) -> None:
    from textaxa.optimising import page, svg

    picture = svg(result.points, result.metric)
    text = picture if file.suffix.lower() == ".svg" else page(result.points, result.metric, picture)
    write_text(file, text + "\n", overwrite=True)
