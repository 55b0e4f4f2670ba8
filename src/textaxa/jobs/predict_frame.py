"""``textaxa.predict_frame``: a table in memory in, a table of the same kind out, with the answers as columns."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textaxa.answers import Answers, Cells, ResultRows, opened
from textaxa.data import Columns, iterate_rows, text_of
from textaxa.decisions import Choice
from textaxa.errors import ConfigError
from textaxa.frames import Added, FrameKind, kind_of, splits_of
from textaxa.frames._added import Type
from textaxa.jobs._model import columns_for
from textaxa.jobs._prediction_run import result_rows

if TYPE_CHECKING:
    from textaxa.model import Model

BLOCK = 2048
"""Rows answered at a time: enough to sort texts by length into full batches."""


def predict_frame(
    model: "Model | str | Path",
    frame: Any,
    *,
    text: str | Sequence[str] | None = None,
    template: str | None = None,
    choice: Choice | None = None,
    set_coverage: float | None = None,
    separator: str | None = None,
    runtime: str = "auto",
) -> Any:
    """Give a frame with the predicted path of each row beside its columns.

    One path a text: the columns ``path``, ``probability``, ``depth`` and ``stopped`` are added, with ``top`` also
    ``path_2`` and so on. Several paths: ``paths`` and ``probabilities``, which hold lists. A column of the frame that
    has such a name is kept as ``input_path`` and so on. A row without a text gets no path, and ``no text`` in
    ``stopped``.

    Parameters
    ----------
    model
        A model, the folder of one, or a trained `HierarchicalTextClassifier`.
    frame
        A pandas or polars frame, an Arrow table, a `datasets.Dataset` or ``DatasetDict``, or a list of mappings: the
        same comes back. What else offers Arrow streams (a DuckDB relation) comes back as an Arrow table.
    text, template
        The text columns; not given: those that the model was trained on. Only these are read.
    choice
        How answers are made: the number of paths, a decoder, or a promise.
    set_coverage
        Add the column ``set``: lists of paths, of which one is the true one with this probability.
    separator
        Between the names of a path; not given: as in training.
    runtime
        As in `textaxa.load_model`.

    Raises
    ------
    ConfigError
        The choice contradicts itself or the model.
    DataError
        It is no frame, lacks the text column, or a text is none.

    Examples
    --------
    >>> from textaxa import HierarchicalTextClassifier, predict_frame
    >>> texts, labels = ["play chess", "edit photos"] * 5, [("Games", "Chess"), ("Photo",)] * 5
    >>> classifier = HierarchicalTextClassifier(head="linear").fit(texts, labels)
    >>> predict_frame(classifier, [{"id": 7, "text": "chess"}])[0]["path"]
    'Games > Chess'
    """
    choice = choice or Choice()
    if choice.top < 1:
        raise ConfigError(f"top = {choice.top} paths were asked for: it must be at least 1.")
    promising = set_coverage is not None or choice.accuracy is not None or choice.outside is not None
    ready = opened(getattr(model, "model_", model), runtime=runtime, exact=promising)
    columns = columns_for(ready, {"text": text, "template": template, "separator": separator}, labels=False)

    def one(table: Any) -> Any:
        return _FrameAnswers(ready, columns, choice, set_coverage).joined(*kind_of(table))

    splits = splits_of(frame)
    return one(frame) if splits is None else type(frame)({name: one(split) for name, split in splits.items()})


_TYPES: dict[str, Type] = {"depth": "count", "probabilities": "numbers", "paths": "texts", "set": "texts"}


class _FrameAnswers:
    """Answers for one frame: its column names say which of ours must make way."""

    def __init__(self, model: Any, columns: Columns, choice: Choice, set_coverage: float | None) -> None:
        self._model, self._columns, self._choice, self._coverage = model, columns, choice, set_coverage
        self._several = model.task == "multi"

    def joined(self, frame: Any, kind: FrameKind) -> Any:
        """Give the frame with its answers."""
        rows = self._rows(kind.columns(frame), nested=False)
        answers = self._answered(self._texts(frame, kind))
        added = Added(answers, {name: _type(name) for name in answers}, rows.renamed)
        return kind.add(frame, added)

    def _texts(self, frame: Any, kind: FrameKind) -> list[str]:
        needed = [name for name in self._columns.text_columns if name in kind.columns(frame)]
        read = kind.select(frame, needed) if needed else frame
        with iterate_rows(read) as stream:
            stream.require(self._columns.text_columns)
            return [text_of(row, self._columns) for _, row in stream]

    def _answered(self, texts: list[str]) -> dict[str, list[Any]]:
        """Give the columns of the answers. Equal texts are answered once a block."""
        rows = self._rows((), nested=self._several or self._coverage is not None)
        answers = Answers(self._model, self._choice, self._coverage, rows)
        cells: list[Cells] = []
        for start in range(0, len(texts), BLOCK):
            block = texts[start : start + BLOCK]
            different = list(dict.fromkeys(filter(None, block)))
            found = dict(zip(different, answers(different), strict=True)) | {"": rows.cells(None)}
            cells.extend(found[text] for text in block)
        by_column = list(zip(*cells, strict=True)) or [()] * len(rows.added)
        columns = {name: list(values) for name, values in zip(rows.added, by_column, strict=True)}
        return self._listed(columns)

    def _listed(self, columns: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Make lists of names and numbers of the nested predictions of a several-path task; else leave them out."""
        nested = columns.pop("paths", None)
        if nested is None or not self._several:
            return columns
        paths, probable = ([[one[key] for one in row] for row in nested] for key in ("path", "probability"))
        return {"paths": paths, "probabilities": probable, **columns}

    def _rows(self, names: Sequence[str], *, nested: bool) -> ResultRows:
        return result_rows(self._model, names, self._columns, self._choice, set_coverage=self._coverage, nested=nested)


def _type(name: str) -> Type:
    return "number" if name.startswith("probability") else _TYPES.get(name, "text")
