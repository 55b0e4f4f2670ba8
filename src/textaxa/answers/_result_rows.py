"""From predictions to rows of a table: the columns that `predict` adds to each input row.

===================  =============================================================================
single-path task     ``path, probability, depth, stopped``; with ``top`` also ``path_2, probability_2``, …
several-path task    ``paths`` and ``probabilities``
JSONL, both          also ``paths: [{path, probability, levels: [{name, probability}]}]``
with a promise       also ``because``: why a path does not go on (single-path task)
with prediction sets also ``set``: the paths of which one is the true one; in JSONL a list
===================  =============================================================================

An input column of the same name is kept as ``input_path`` and so on: tables with their true labels in ``path`` are
just what one predicts on to compare.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from textaxa.decoding import Prediction
from textaxa.taxonomy import Path as LabelPath

NO_TEXT = "no text"
"""Why a row has no path: its text is blank. One blank row must not stop a million others."""

DIGITS = 6
"""Digits after the point of a written probability; float32 carries no more."""


class ResultRows:
    """Joins input rows and their predictions to output rows.

    Parameters
    ----------
    input_columns
        The columns that input rows have.
    several
        Whether the model gives several paths a text.
    top
        How many paths a single-path model was asked for.
    nested
        Whether the output can hold lists (JSONL).
    separator, paths_separator
        Between the names of a path, and between paths.
    because
        Whether to tell why a path does not go on.
    sets
        Whether there is a prediction set beside the path.
    """

    def __init__(
        self,
        input_columns: Sequence[str],
        *,
        several: bool,
        top: int,
        nested: bool,
        separator: str,
        paths_separator: str,
        because: bool = False,
        sets: bool = False,
    ) -> None:
        self.several = several
        self.top = top
        self.nested = nested
        self.because = because and not several
        self.sets = sets
        self.separator = separator
        self.paths_separator = f"{paths_separator.strip()} " if paths_separator.strip() else paths_separator
        self.added = self._added()
        self._names = _new_names(input_columns, self.added)
        self.renamed = {name: self._names[name] for name in input_columns if name in self._names}
        self.columns = (*(self.renamed.get(name, name) for name in input_columns), *self.added)

    def make(
        self, row: Mapping[str, Any], predictions: Sequence[Prediction] | None, found: Sequence[LabelPath] | None = None
    ) -> dict[str, Any]:
        """Give one output row.

        Parameters
        ----------
        row
            The input row.
        predictions
            Its paths; None where the row has no text.
        found
            Its prediction set.
        """
        return self.join(row, self.cells(predictions, found))

    def cells(
        self, predictions: Sequence[Prediction] | None, found: Sequence[LabelPath] | None = None
    ) -> tuple[Any, ...]:
        """Give the values of the added columns, in order, for the same predictions and set."""
        added = self._several(predictions) if self.several else self._single(predictions)
        if self.sets:
            written = [self.separator.join(path) for path in found or ()]
            added["set"] = written if self.nested else self.paths_separator.join(written)
        return tuple(map(added.get, self.added))

    def join(self, row: Mapping[str, Any], cells: Sequence[Any]) -> dict[str, Any]:
        """Give the output row of an input row and the values of the added columns."""
        kept = {self._names.get(name, name): value for name, value in row.items()}
        return kept | dict(zip(self.added, cells, strict=True))

    def _added(self) -> tuple[str, ...]:
        sets = ("set",) if self.sets else ()
        if self.several:
            return (("paths",) if self.nested else ("paths", "probabilities")) + sets
        because = ("because",) if self.because else ()
        further = (name for rank in range(2, self.top + 1) for name in (f"path_{rank}", f"probability_{rank}"))
        nested = ("paths",) if self.nested else ()
        return ("path", "probability", "depth", "stopped", *because, *further, *nested, *sets)

    def _single(self, predictions: Sequence[Prediction] | None) -> dict[str, Any]:
        values: dict[str, Any] = dict.fromkeys(self.added)
        values["stopped"] = NO_TEXT
        for rank, found in enumerate(predictions or (), start=1):
            suffix = "" if rank == 1 else f"_{rank}"
            values[f"path{suffix}"] = self._path(found)
            values[f"probability{suffix}"] = _rounded(found.probability)
        if predictions:
            values["depth"] = predictions[0].depth
            values["stopped"] = predictions[0].stopped
            if self.because:
                values["because"] = predictions[0].because
        if self.nested:
            values["paths"] = self.listed(predictions or ())
        return values

    def _several(self, predictions: Sequence[Prediction] | None) -> dict[str, Any]:
        found = [p for p in predictions or () if p.path]
        if self.nested:
            return {"paths": self.listed(found)}
        return {
            "paths": self.paths_separator.join(map(self._path, found)),
            "probabilities": self.paths_separator.join(f"{_rounded(p.probability)}" for p in found),
        }

    def listed(self, predictions: Iterable[Prediction]) -> list[dict[str, Any]]:
        """Give predictions as lists and mappings, with a probability for every level."""
        return [
            {
                "path": self._path(found),
                "probability": _rounded(found.probability),
                "levels": [{"name": name, "probability": _rounded(p)} for name, p in found.levels],
            }
            for found in predictions
            if found.path
        ]

    def _path(self, prediction: Prediction) -> str:
        return self.separator.join(prediction.path)


def _new_names(input_columns: Sequence[str], added: Sequence[str]) -> dict[str, str]:
    """Give the name that an input column gets whose own is needed for results, for each such name.

    All of them, since a row of JSON lines may have keys that the first rows did not have.
    """
    taken = {*input_columns, *added}
    names: dict[str, str] = {}
    for name in added:
        new = f"input_{name}"
        while new in taken:
            new = f"input_{new}"
        taken.add(new)
        names[name] = new
    return names


def _rounded(probability: float) -> float:
    return round(float(probability), DIGITS)
