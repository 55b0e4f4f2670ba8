"""Predictions as a step of somebody's own pipeline: a Ray dataset or a Spark frame in, the same with paths out."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from textaxa._extras import require
from textaxa.answers import opened
from textaxa.decisions import Choice
from textaxa.distributed._storage import model_folder
from textaxa.errors import ConfigError
from textaxa.jobs._model import columns_for
from textaxa.jobs._prediction_run import result_rows
from textaxa.jobs.predict_frame import predict_frame

ROWS = 4096
"""Rows that are answered together: enough to sort texts by length into full batches."""


class FrameScorer:
    """Answers pandas frames. Made once a worker; the model is loaded then.

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
        self._text, self._choice = text, choice

    def __call__(self, frame: Any) -> Any:
        """Give a frame with the columns that `textaxa.predict_frame` adds."""
        return predict_frame(self._model, frame, text=self._text, choice=self._choice)

    @property
    def added(self) -> tuple[str, ...]:
        """The columns that are added."""
        columns = columns_for(self._model, {"text": self._text}, labels=False)
        return result_rows(self._model, (), columns, self._choice, set_coverage=None, nested=False).added


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
    A ``ray.data.Dataset`` with the columns that `textaxa.predict_frame` adds.

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
    A ``pyspark.sql.DataFrame`` with the columns that `textaxa.predict_frame` adds.

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
    if name in ("paths", "probabilities"):
        return types.ArrayType(types.StringType() if name == "paths" else types.DoubleType())
    return types.DoubleType() if name.startswith("probability") else types.StringType()
