"""``textaxa reproduce``: a model is trained again from what its folder tells, and compared bit for bit."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textaxa._processes import launched
from textaxa.config import Config
from textaxa.data import Examples, rows_fingerprint
from textaxa.errors import ConfigError, DataError
from textaxa.heads import needs_encoder
from textaxa.jobs import _provenance as provenance
from textaxa.jobs import _several as together
from textaxa.jobs._interrupted import recorded_feedback, training_folder
from textaxa.jobs._listener import Interrupted, Listener, nobody
from textaxa.jobs._output import check_new_folder
from textaxa.jobs._record import Record, read_record
from textaxa.jobs.train import TrainResult, read_rows, require_packages, train_examples
from textaxa.persistence._compare import FileDifference, compare_folders
from textaxa.persistence._decisions import CALIBRATION, HELD_OUT, THRESHOLDS
from textaxa.taxonomy import Taxonomy

SCORES = ("path_accuracy", "hierarchical_f1")


@dataclass(frozen=True)
class Reproduced:
    """What came of training a model again.

    Attributes
    ----------
    same
        Whether every number is the same to the last bit.
    files
        How many files were compared.
    differences
        The files that differ.
    surroundings
        What is not as it was then: versions, processor, threads, …
    remarks
        What else may make a difference, or was left out.
    scores
        By their names, on the validation rows: then and now. Empty without validation rows.
    out
        Where the new model is kept; None where it is not.
    seconds
        How long training took.
    """

    same: bool
    files: int
    differences: tuple[FileDifference, ...]
    surroundings: tuple[str, ...]
    remarks: tuple[str, ...]
    scores: Mapping[str, tuple[float, float]]
    out: Path | None
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Give plain values, for JSON."""
        return {
            "same": self.same,
            "files": self.files,
            "differences": [vars(one) for one in self.differences],
            "surroundings": list(self.surroundings),
            "remarks": list(self.remarks),
            "scores": {name: {"then": then, "now": now} for name, (then, now) in self.scores.items()},
            "out": None if self.out is None else str(self.out),
            "seconds": round(self.seconds, 3),
        }


def reproduce(
    model: str | Path,
    *,
    table: str | None = None,
    valid: str | None = None,
    taxonomy: str | None = None,
    feedback: Sequence[str] = (),
    encoder: str | None = None,
    out: str | Path | None = None,
    overwrite: bool = False,
    resume: bool = False,
    listener: Listener = nobody,
) -> Reproduced | None:
    """Train a model again as its folder tells, on the same rows, and compare the two.

    On the same machine with the same versions every bit is the same. Elsewhere sums are rounded in another order, and
    the result tells by how much.

    Parameters
    ----------
    model
        The folder of a model that `textaxa.jobs.train` made. It is left as it is.
    table, valid, taxonomy, feedback, encoder
        Where the files are now; left out, where they were, seen from here. A model does not remember the folders of a
        machine, only names relative to where it was trained.
    out
        Keep the new model there; left out, it is removed.
    overwrite, resume
        As `textaxa.jobs.train.train` takes them; both need ``out``.
    listener
        Hears what training tells; and ``note``, for what is not as it was then.

    Returns
    -------
    What came of it; None in a process of several that is not the main one.

    Raises
    ------
    ConfigError
        The model tells nothing of its training, or was changed after it.
    DataError
        The rows or the taxonomy are not those of then.
    Interrupted
        Ctrl-C, after a checkpoint was written; the message says how to go on.
    """
    listener = listener if launched().main else nobody
    files: dict[str, Any] = {"table": table, "valid": valid, "taxonomy": taxonomy, "feedback": feedback}
    files["encoder"] = encoder
    record = read_record(Path(model)).with_files(**files)
    if out is None and (resume or overwrite or launched().world > 1):
        raise ConfigError("Nothing of it is kept without --out. Name a folder with --out.")
    with together.all_or_none(record.config):
        require_packages(record.config)
        if out is not None:
            check_new_folder(Path(out), overwrite=overwrite)
        rows = _rows(record, out=out, resume=resume)
    then = provenance.surroundings(record.summary)
    with _threads(record.config, then.get("threads")):
        for sentence in provenance.changed(then, provenance.surroundings_now(then)):
            listener({"event": "note", "text": sentence})
        with _place(Path(model), out) as place:
            how = {"overwrite": overwrite, "resume": resume}
            try:
                done = _train(record, rows, place, listener, **how)
            except Interrupted as stopped:
                raise Interrupted(_told(str(stopped), model, kept=out is not None)) from None
            if not launched().main:
                return None
            return _result(Path(model), record, done, kept=out is not None)


def _rows(record: Record, *, out: str | Path | None, resume: bool) -> tuple[Examples, Examples, Taxonomy, Any]:
    """Read the rows, and make sure that they are those of then."""
    data = record.config.data
    first = {str(Path(file).resolve()): count for file, count in zip(data.feedback, record.corrections, strict=True)}
    if resume and out is not None:
        first |= recorded_feedback(training_folder(Path(out)))
    rows = read_rows(record.config, data.columns(), first)
    for side, found, name in zip(provenance.SIDES, rows[:2], ("training", "validation"), strict=True):
        if rows_fingerprint(found.texts, found.labels) != record.rows[side]:
            then = record.summary.get("rows" if side == "training" else "valid_rows")
            raise DataError(
                f"{found.source}: these are not the {name} rows of then: {then} then, {len(found)} now"
                + (", with other texts or labels" if then == len(found) else "")
                + ". The table has changed, or is another one. Name the table as it was."
            )
    if rows[2].fingerprint != record.taxonomy:
        raise DataError("The taxonomy is not the one of then. Name its file as it was, with --taxonomy.")
    return rows


@contextmanager
def _threads(config: Config, then: Any) -> Iterator[None]:
    """Let PyTorch compute with as many threads as then: sums are rounded in the order in which they are added."""
    if not needs_encoder(config.head) or not isinstance(then, int) or not 1 <= then <= 1024:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(then)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _place(model: Path, out: str | Path | None) -> Iterator[Path]:
    """Give the folder of the new model; beside the old one where it goes away again."""
    if out is not None:
        yield Path(out)
        return
    parent = model.resolve().parent
    try:
        made = tempfile.TemporaryDirectory(prefix=f".{model.resolve().name}.again.", dir=parent)
    except OSError as error:
        raise ConfigError(f"{str(parent)!r} cannot be written ({error.strerror}). Name a folder with --out.") from error
    with made as folder:
        yield Path(folder) / "model"


def _train(
    record: Record,
    rows: tuple[Examples, Examples, Taxonomy, Any],
    place: Path,
    listener: Listener,
    **how: Any,
) -> TrainResult:
    training, valid, taxonomy, used = rows
    return train_examples(
        record.config, training, valid, taxonomy, place, references=False, feedback=used, listener=listener, **how
    )


def _told(stopped: str, model: str | Path, *, kept: bool) -> str:
    """Say after Ctrl-C how to go on; what was in a temporary folder is gone."""
    if not kept:
        return "Stopped; nothing was kept. With --out FOLDER it can be stopped and resumed."
    return stopped.replace("textaxa train", f"textaxa reproduce {model}")


def _result(model: Path, record: Record, done: TrainResult, *, kept: bool) -> Reproduced:
    after = (CALIBRATION, HELD_OUT, THRESHOLDS) if "calibrated_on" in record.summary else ()
    differences, files = compare_folders(model, done.out, leave_out=after)
    then, now = (provenance.surroundings(summary) for summary in (record.summary, done.model.summary))
    scores = [_scores(summary) for summary in (record.summary, done.model.summary)]
    return Reproduced(
        same=not differences,
        files=files,
        differences=tuple(differences),
        surroundings=tuple(provenance.changed(then, now)),
        remarks=record.remarks,
        scores={name: (value, scores[1][name]) for name, value in scores[0].items() if name in scores[1]},
        out=done.out if kept else None,
        seconds=done.seconds,
    )


def _scores(summary: Mapping[str, Any]) -> dict[str, float]:
    best = summary.get("best") or {}
    return {name: best[name] for name in SCORES if isinstance(best.get(name), int | float)}
