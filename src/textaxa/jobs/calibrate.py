"""``textaxa calibrate``: labelled rows that a model has not seen make its probabilities and its promises sound."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textaxa.answers import opened, searches
from textaxa.data import read_examples
from textaxa.decisions import promises_of
from textaxa.errors import ConfigError, DataError
from textaxa.guarantee import Promise
from textaxa.jobs._model import columns_for

if TYPE_CHECKING:
    from textaxa.model import Model

FEWEST = 20
"""Rows below which neither a calibration nor a promise would be worth anything."""

PROVING_SHARE = 0.7
"""Share of the rows that only prove: a calibration needs fewer rows than a promise."""


@dataclass(frozen=True)
class CalibrateResult:
    """What the rows made of the model.

    Attributes
    ----------
    model
        The model, calibrated.
    out
        Its folder.
    rows, proving
        Rows read, and how many of them prove promises; the others chose the calibration.
    method
        The calibration that was chosen.
    log_loss
        Cross-validated log loss in nats: before, and with the chosen calibration. None where there were too few rows.
    promises
        By accuracy: the promise at 95 % confidence, or why there is none.
    """

    model: "Model"
    out: Path
    rows: int
    proving: int
    method: str
    log_loss: tuple[float, float] | None
    promises: dict[float, Promise | str]


def calibrate(
    model: str | Path,
    table: Any,
    out: str | Path | None = None,
    *,
    columns: dict[str, Any] | None = None,
    method: str = "auto",
    proving_share: float = PROVING_SHARE,
    seed: int = 0,
    input_format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    overwrite: bool = False,
) -> CalibrateResult:
    """Calibrate a model on labelled rows that it has not seen, and let promises rest on them.

    Parameters
    ----------
    model
        The folder of a model.
    table
        Anything that `textaxa.data.read_examples` reads. No row of it may have been trained on, or the promises are
        worth nothing; that cannot be checked here.
    out
        Where the calibrated model is written. Left out: the model itself is replaced, whole or not at all.
    columns
        Fields of `textaxa.data.Columns`; what is not given is as in training.
    method
        One of `textaxa.calibration.METHODS`, or ``auto``.
    proving_share
        Share of the rows that choose nothing and prove promises, in [0, 0.9].
    seed
        Of the draw of these rows.
    input_format, encoding, delimiter
        How the table is written, where that cannot be told from itself.
    overwrite
        Replace ``out`` if it is there.

    Raises
    ------
    ConfigError
        The output is there, a setting is out of bounds, or no label columns are known.
    DataError
        The table cannot be used, or has fewer than 20 rows.
    ModelFileError
        The model cannot be read or written.
    """
    from textaxa.persistence import save_model
    from textaxa.training import parted, settle

    target = Path(model if out is None else out)
    if out is not None and target.exists() and not overwrite:
        raise ConfigError(f"{str(target)!r} is already there. Name another folder, or add --overwrite to replace it.")
    ready = opened(model)
    how: dict[str, Any] = {"format": input_format, "encoding": encoding, "delimiter": delimiter}
    wanted = columns_for(ready, columns or {}, labels=True)
    if not wanted.has_labels:
        raise ConfigError("No label columns are known. Give --labels category,subcategory, --path or --paths.")
    examples = read_examples(table, wanted, taxonomy=ready.taxonomy, **how)
    if len(examples) < FEWEST:
        raise DataError(
            f"{examples.source}: {len(examples)} rows are too few to calibrate on; at least {FEWEST} are needed, and "
            "for a promise of 95% accuracy hundreds."
        )
    training = replace(ready.settings.training, calibration=method, promise_share=proving_share, seed=seed)
    ready.settings = replace(ready.settings, training=training)
    held_out = parted((examples.texts, examples.labels), proving_share, seed=seed)
    if searches(ready):
        ready.settle(held_out.choosing, held_out.proving)  # type: ignore[operator]
    else:
        ready.calibration, ready.evidence = None, None
        settle(ready, held_out, ready.node_proba)
    ready.summary["calibrated_on"] = len(examples)
    # The weights are the same, so what was exported of them still holds.
    part = Path(model) / "onnx" if "onnx" in ready.summary else None
    save_model(ready, target, onnx=part)
    proving = len(held_out.proving[0]) if held_out.proving else 0
    return CalibrateResult(ready, target, len(examples), proving, *_calibrated(ready), promises_of(ready))


def _calibrated(model: "Model") -> tuple[str, tuple[float, float] | None]:
    chosen = model.calibration
    if chosen is None:
        return "none", None
    scores = chosen.scores
    known = "none" in scores and chosen.method in scores
    return chosen.method, (scores["none"], scores[chosen.method]) if known else None
