"""Models to time, and what computes them: transformers' pipeline, PyTorch, and exports for ONNX Runtime and OpenVINO.

Weights of heads are random here: the time does not depend on them.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

MAX_LENGTH = 256
NAIVE_BATCH = 32

PIPELINE, UNSORTED, TORCH = "transformers pipeline", "PyTorch, unsorted batches of 32", "PyTorch"
FP32, INT8 = "ONNX Runtime fp32", "ONNX Runtime int8"
OPENVINO, BF16 = "OpenVINO fp32", "OpenVINO bf16"
EXPORTS = {FP32: ("fp32", "onnx"), INT8: ("int8", "onnx"), OPENVINO: ("fp32", "openvino"), BF16: ("bf16", "openvino")}

Way = Callable[[Sequence[str]], object]


def untrained(paths: Any) -> Any:
    """Give the packaged MiniLM with a chained head over a taxonomy of paths."""
    from textaxa.encoders import load_encoder
    from textaxa.heads import build_head, head_settings
    from textaxa.model import Model
    from textaxa.settings import EncoderSettings, ModelSettings
    from textaxa.taxonomy import Taxonomy

    taxonomy = Taxonomy.from_paths(dict.fromkeys(paths), sort=True)
    encoder = load_encoder(EncoderSettings(max_length=MAX_LENGTH))
    head = build_head("chained", taxonomy, encoder.width, task="single")
    settings = ModelSettings("single", "chained", head_settings("chained")(), encoder.settings)
    return Model(taxonomy, encoder, head, settings).eval()


def exports_here() -> list[str]:
    """Give the exports that this machine can compute: bf16 only where the processor has instructions for it."""
    from textaxa.runtime import computes_bf16, is_openvino_installed

    openvino = is_openvino_installed()
    can = {BF16: openvino and computes_bf16(), OPENVINO: openvino}
    return [way for way in EXPORTS if can.get(way, True)]


def exported(model: Any, way: str, scratch: Path) -> Any:
    """Give a model without PyTorch, made in a new folder below a scratch folder."""
    from textaxa.exporting import read_export

    precision, engine = EXPORTS[way]
    return read_export(model, _written(model, scratch / way, precision), engine=engine)


def saved(model: Any, place: Path, precision: str) -> Path:
    """Write a model folder with its export in a precision (``fp32``, ``int8``, ``bf16``)."""
    from textaxa.persistence import save_model

    return save_model(model, place / precision, onnx=_written(model, place / f"{precision}-onnx", precision))


def ways_here() -> dict[str, tuple[str, str]]:
    """Give PyTorch and the exports that pay on this machine: by name the precision and `load_model`'s runtime."""
    return {TORCH: ("fp32", "torch")} | {way: EXPORTS[way] for way in exports_here() if way != OPENVINO}


def _written(model: Any, part: Path, precision: str) -> Path:
    from textaxa.exporting import as_bf16, as_int8, write_onnx

    part.mkdir(parents=True)
    write_onnx(model, part)
    if precision != "fp32":
        {"int8": as_int8, "bf16": as_bf16}[precision](part)
    return part


def linear_model(split: Any, *, rows: int) -> Any:
    """Train `linear` on the first rows of a data set: of weights that are not trained none would be zero."""
    from textaxa.linear import LinearModel
    from textaxa.taxonomy import Taxonomy

    texts, labels = split.train
    taxonomy = Taxonomy.from_paths(dict.fromkeys(split.paths), sort=True)
    return LinearModel.fit(texts[:rows], labels[:rows], taxonomy)


def pipeline(n_classes: int) -> Way:
    """Give what most people run: a classifier of transformers, texts as they come, 32 at a time."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer
    from transformers import pipeline as of_transformers

    from textaxa.encoders import packaged_minilm

    folder = packaged_minilm()
    model = AutoModelForSequenceClassification.from_pretrained(folder, num_labels=n_classes)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    classify = of_transformers("text-classification", model=model, tokenizer=tokenizer, device=-1)
    how = {"batch_size": NAIVE_BATCH, "truncation": True, "max_length": MAX_LENGTH, "top_k": None}
    return lambda texts: classify(list(texts), **how)


def unsorted(model: Any) -> Way:
    """Give our model in PyTorch without batches of like length: texts as they come, 32 at a time."""

    def way(texts: Sequence[str]) -> object:
        return [model.node_proba(texts[start : start + NAIVE_BATCH]) for start in range(0, len(texts), NAIVE_BATCH)]

    return way
