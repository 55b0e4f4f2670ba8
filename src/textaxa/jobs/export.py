"""``textaxa export``: a trained model gets a part that predicts without PyTorch."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from textaxa._extras import require
from textaxa.answers import opened
from textaxa.data import Examples, read_examples
from textaxa.errors import ConfigError, ModelFileError
from textaxa.jobs._model import columns_for
from textaxa.runtime import PRECISIONS, computes_bf16

if TYPE_CHECKING:
    from textaxa.evaluation import Evaluation
    from textaxa.model import Model
    from textaxa.runtime import RuntimeModel

MAX_LOSS = 0.5
"""Points of accuracy that 8-bit weights or bf16 may cost on the validation rows, where nothing else is said."""

_TOLERANCE = 1e-4
"""Differences of fp32 probabilities that are rounding: operators in another order make 1e-6, a wrong trace 0.1."""


@dataclass(frozen=True)
class Measured:
    """What an export costs on labelled rows.

    Attributes
    ----------
    rows
        How many rows were scored.
    metric
        ``path accuracy``; with several paths a text ``hierarchical F1``.
    torch, onnx
        The score with PyTorch and with the export, in [0, 1].
    """

    rows: int
    metric: str
    torch: float
    onnx: float

    @property
    def loss(self) -> float:
        """Points (hundredths) lost; negative where the export is better."""
        return 100 * (self.torch - self.onnx)


@dataclass(frozen=True)
class ExportResult:
    """What was exported.

    Attributes
    ----------
    folder
        The model folder, which now has an ``onnx/`` part.
    precision
        ``fp32``, ``bf16`` or ``int8``.
    size
        Bytes of the ``onnx/`` part.
    fused
        Whether operators of the encoder could be fused. It gives the same numbers without, slower.
    difference
        Largest difference between a node probability of PyTorch and of the export in fp32, on a few texts.
    measured
        What it costs on validation rows; None where none were given.
    """

    folder: Path
    precision: str
    size: int
    fused: bool
    difference: float
    measured: Measured | None


def export(
    model: str | Path,
    *,
    precision: str = "fp32",
    valid: Any = None,
    columns: dict[str, Any] | None = None,
    max_loss: float = MAX_LOSS,
    force: bool = False,
    input_format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> ExportResult:
    """Write the ``onnx/`` part of a model folder, from which it predicts without PyTorch.

    Parameters
    ----------
    model
        The folder of a model. An export that it has is replaced.
    precision
        Of the encoder. ``fp32``: the numbers of PyTorch. ``int8``: weights as 8-bit integers, a quarter of the size,
        faster, and slightly other answers. ``bf16``: fp32 files that may be computed in bf16 where OpenVINO is
        installed and the processor has instructions for it, fastest there; in fp32 elsewhere.
    valid
        Labelled rows, anything that `textaxa.data.read_examples` reads, on which the change of accuracy is measured.
    columns
        Fields of `textaxa.data.Columns`; what is not given is as in training.
    max_loss
        Points of accuracy that may be lost on these rows.
    force
        Export all the same.
    input_format, encoding, delimiter
        How the table is written, where that cannot be told from itself.

    Raises
    ------
    ConfigError
        The model cannot be exported, or would lose more than ``max_loss``.
    DataError
        The table cannot be used.
    MissingExtraError
        The extra ``export`` is not installed.
    ModelFileError
        The model cannot be read or written.
    """
    if precision not in PRECISIONS:
        raise ConfigError(f"precision = {precision!r} is not known. It can be: {', '.join(PRECISIONS)}.")
    for package in ("onnx", "onnxruntime"):
        require(package, extra="export")
    if precision == "bf16" and valid is not None:
        _check_measurable(force=force)
    from textaxa.exporting import check_exportable
    from textaxa.persistence import save_model

    ready = opened(model)
    check_exportable(ready)
    how: dict[str, Any] = {"format": input_format, "encoding": encoding, "delimiter": delimiter}
    examples = None if valid is None else _labelled(ready, valid, columns or {}, how)
    with TemporaryDirectory(prefix="textaxa-export-") as scratch:
        part = Path(scratch)
        fused, difference = _written(ready, part)
        exported = _rounded(ready, part, precision)
        measured = None if examples is None else _measured(ready, exported, examples)
        if measured is not None and not force:
            _check_loss(measured, max_loss)
        size = sum(file.stat().st_size for file in part.iterdir())
        ready.summary["onnx"] = _remembered(precision, size, measured)
        folder = save_model(ready, model, onnx=part)
    return ExportResult(folder, precision, size, fused, difference, measured)


def _check_measurable(*, force: bool) -> None:
    """Refuse to measure bf16 where it would be fp32 that is measured.

    Raises
    ------
    ConfigError
        The processor has no instructions for bf16.
    MissingExtraError
        OpenVINO is not installed.
    """
    require("openvino", extra="openvino")
    if not computes_bf16() and not force:
        raise ConfigError(
            "This processor has no instructions for bf16 (AMX or AVX512-BF16), so what bf16 costs cannot be measured "
            "here. Export on a machine like that which will predict, or leave --valid out."
        )


def _written(model: "Model", part: Path) -> tuple[bool, float]:
    """Write the fp32 export; give whether it is fused, and the largest difference of its probabilities.

    Raises
    ------
    ConfigError
        It computes something else than PyTorch, fused or not.
    """
    from textaxa.exporting import largest_difference, probe_texts, read_export, write_onnx

    def difference(fused: bool) -> float:
        write_onnx(model, part, fused=fused)
        return largest_difference(model, read_export(model, part), probe_texts(model))

    try:
        if (found := difference(True)) < _TOLERANCE:
            return True, found
    except ModelFileError:  # the optimiser made something that cannot be run
        pass
    found = difference(False)
    _check_same(found)
    return False, found


def _rounded(model: "Model", part: Path, precision: str) -> "RuntimeModel":
    """Bring a written fp32 export to its precision, and read it as it will be computed."""
    from textaxa.exporting import as_bf16, as_int8, read_export

    if precision == "int8":
        as_int8(part)
    elif precision == "bf16":
        as_bf16(part)
    return read_export(model, part, engine="openvino" if precision == "bf16" and computes_bf16() else "onnx")


def _labelled(model: "Model", table: Any, given: dict[str, Any], how: dict[str, Any]) -> Examples:
    wanted = columns_for(model, given, labels=True)
    if not wanted.has_labels:
        raise ConfigError("No label columns are known. Give --labels category,subcategory, --path or --paths.")
    return read_examples(table, wanted, taxonomy=model.taxonomy, **how)


def _measured(model: "Model", exported: "RuntimeModel", examples: Examples) -> Measured:
    from textaxa.jobs._score import score_model

    scores = [score_model(one, examples.texts, examples.labels) for one in (model, exported)]  # type: ignore[arg-type]
    several = model.task == "multi"
    torch, onnx = (_score(one, several=several) for one in scores)
    return Measured(len(examples), "hierarchical F1" if several else "path accuracy", torch, onnx)


def _score(found: "Evaluation", *, several: bool) -> float:
    return found.hierarchical.f1 if several else found.path_accuracy


def _check_same(difference: float) -> None:
    if not difference < _TOLERANCE:  # also where it is not a number
        raise ConfigError(
            f"The export gives other probabilities than PyTorch: they differ by up to {difference:.2g}. This encoder "
            "has parts that the export does not know. Nothing was written; the model predicts with PyTorch as before."
        )


def _check_loss(measured: Measured, max_loss: float) -> None:
    if measured.loss > max_loss:
        raise ConfigError(
            f"The export loses {measured.loss:.2f} points of {measured.metric} on {measured.rows:,} rows "
            f"({measured.torch:.4f} with PyTorch, {measured.onnx:.4f} exported), more than the {max_loss:g} that are "
            "allowed. Nothing was written. Use --precision fp32, allow more with --max-loss, or add --force."
        )


def _remembered(precision: str, size: int, measured: Measured | None) -> dict[str, Any]:
    """Give what the model's summary keeps of the export."""
    kept: dict[str, Any] = {"precision": precision, "bytes": size}
    if measured is not None:
        kept["measured"] = {**vars(measured), "loss_points": measured.loss}
    return kept
