"""Predictions as a step of somebody's own pipeline: a Ray dataset or a Spark frame in, the same with paths out."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

from textaxa._extras import require
from textaxa.answers import Answers, opened
from textaxa.data import iterate_rows, text_of
from textaxa.decisions import Choice
from textaxa.distributed._storage import model_folder
from textaxa.errors import ConfigError
from textaxa.jobs._model import columns_for
from textaxa.jobs._prediction_run import result_rows

ROWS = 4096
"""Rows that are answered together: enough to sort texts by length into full batches."""


class FrameScorer:
    """Answers pandas frames of one table. Made once a worker; the model is loaded then.

    Parameters
    ----------
    model
        Address of the model folder.
    text
        The text column; None: as the model was trained.
    choice
        How answers are made.
    runtime
        As in `textaxa.load_model`.
    """

    def __init__(self, model: str, text: str | None, choice: Choice, runtime: str) -> None:
        self._stack = ExitStack()
        folder = self._stack.enter_context(model_folder(model))
        promising = choice.accuracy is not None or choice.outside is not None
        self._model = opened(folder, runtime=runtime, exact=promising)
        self._columns = columns_for(self._model, {"text": text}, labels=False)
        self._choice = choice
        self._answers: Answers | None = None

    def __call__(self, frame: Any) -> Any:
        """Give a frame with the columns that `textaxa.predict` adds."""
        pandas = require("pandas", extra="ray")
        with iterate_rows(frame) as stream:
            stream.require(self._columns.text_columns)
            texts = [text_of(row, self._columns) for _, row in stream]
        answers = self._answers_for(tuple(map(str, frame.columns)))
        asked = list(dict.fromkeys(text for text in texts if text))
        found: Mapping[str, Any] = dict(zip(asked, answers(asked), strict=True))
        cells = [found.get(text) or answers.rows.cells(None) for text in texts]
        added = pandas.DataFrame(cells, columns=list(answers.rows.added), index=frame.index)
        added = added.astype({"depth": "Int64"}) if "depth" in added else added
        return pandas.concat([frame.rename(columns=answers.rows.renamed), added], axis=1)

    def _answers_for(self, columns: tuple[str, ...]) -> Answers:
        if self._answers is None:
            rows = result_rows(self._model, columns, self._columns, self._choice, set_coverage=None, nested=False)
            self._answers = Answers(self._model, self._choice, None, rows)
        return self._answers

    @property
    def added(self) -> tuple[str, ...]:
        """The columns that are added."""
        return self._answers_for(()).rows.added


def ray_predictions(
    dataset: Any,
    model: str | os.PathLike[str],
    *,
    text: str | None = None,
    choice: Choice | None = None,
    runtime: str = "auto",
    workers: int = 1,
) -> Any:
    """Add predicted paths to a Ray dataset, lazily.

    Parameters
    ----------
    dataset
        A ``ray.data.Dataset``.
    model
        Folder or address of the model; every worker reads it.
    text
        The text column. None: as the model was trained.
    choice
        How answers are made.
    runtime
        As in `textaxa.load_model`.
    workers
        Actors, each with a model of its own and one core.

    Returns
    -------
    A ``ray.data.Dataset`` with the columns that `textaxa.predict` adds.

    Raises
    ------
    MissingExtraError
        Ray is not installed.
    """
    data = require("ray.data", extra="ray")
    return dataset.map_batches(
        FrameScorer,
        fn_constructor_args=(os.fspath(model), text, choice or Choice(), runtime),
        batch_format="pandas",
        batch_size=ROWS,
        compute=data.ActorPoolStrategy(size=workers),
        num_cpus=1,
    )


def spark_predictions(
    frame: Any,
    model: str | os.PathLike[str],
    *,
    text: str | None = None,
    choice: Choice | None = None,
    runtime: str = "auto",
) -> Any:
    """Add predicted paths to a Spark frame, lazily.

    Parameters
    ----------
    frame
        A ``pyspark.sql.DataFrame``.
    model, text, choice, runtime
        As in `ray_predictions`.

    Returns
    -------
    A ``pyspark.sql.DataFrame`` with the columns that `textaxa.predict` adds.

    Raises
    ------
    ConfigError
        The frame has a column that results need.
    MissingExtraError
        pyspark is not installed.
    """
    types = require("pyspark.sql.types", extra="spark")
    given = os.fspath(model), text, choice or Choice(), runtime
    added = FrameScorer(*given).added  # a wrong folder or choice is told now, not in an hour
    taken = sorted(set(added) & set(frame.columns))
    if taken:
        raise ConfigError(
            f"The frame has a column {taken[0]!r}, which the result needs. Rename it: "
            f"withColumnRenamed({taken[0]!r}, …)."
        )
    schema = types.StructType(
        frame.schema.fields + [types.StructField(name, _spark_type(name, types)) for name in added]
    )

    def answer(frames: Iterator[Any]) -> Iterator[Any]:
        scorer = FrameScorer(*given)
        yield from map(scorer, frames)

    return frame.mapInPandas(answer, schema)


def _spark_type(name: str, types: Any) -> Any:
    if name == "depth":
        return types.LongType()
    return types.DoubleType() if name.startswith("probability") else types.StringType()
