"""Model folders of random weights, exported in every precision: what a start, a size and a stage cost does not depend
on the weights."""

from pathlib import Path
from typing import Any

MAX_LENGTH = 256

TORCH, ONNX, INT8, OPENVINO = "PyTorch", "ONNX Runtime fp32", "ONNX Runtime int8", "OpenVINO bf16"
WAYS = {TORCH: ("fp32", "torch"), ONNX: ("fp32", "onnx"), INT8: ("int8", "onnx"), OPENVINO: ("bf16", "openvino")}
"""By name: the precision of the export, and `load_model`'s runtime."""


def ways_here() -> dict[str, tuple[str, str]]:
    """Give the ways that this machine has: OpenVINO in bf16 only where it and the instructions are there."""
    from textaxa.runtime import computes_bf16, is_openvino_installed

    bf16 = is_openvino_installed() and computes_bf16()
    return {name: how for name, how in WAYS.items() if name != OPENVINO or bf16}


def random_model(paths: Any, *, max_length: int = MAX_LENGTH) -> Any:
    """Give the packaged encoder with an untrained `chained` head over a taxonomy of paths."""
    from textaxa.encoders import load_encoder
    from textaxa.heads import build_head, head_settings
    from textaxa.model import Model
    from textaxa.settings import EncoderSettings, ModelSettings
    from textaxa.taxonomy import Taxonomy

    taxonomy = Taxonomy.from_paths(dict.fromkeys(paths), sort=True)
    encoder = load_encoder(EncoderSettings(max_length=max_length))
    head = build_head("chained", taxonomy, encoder.width, task="single")
    settings = ModelSettings("single", "chained", head_settings("chained")(), encoder.settings)
    return Model(taxonomy, encoder, head, settings).eval()


def saved(model: Any, place: Path, precision: str) -> Path:
    """Write a model folder with its export in a precision (``fp32``, ``int8``, ``bf16``)."""
    from textaxa.exporting import as_bf16, as_int8, write_onnx
    from textaxa.persistence import save_model

    part = place / f"{precision}-onnx"
    part.mkdir(parents=True)
    write_onnx(model, part)
    if precision != "fp32":
        {"int8": as_int8, "bf16": as_bf16}[precision](part)
    return save_model(model, place / precision, onnx=part)


def linear_model(split: Any, *, rows: int) -> Any:
    """Train `linear` on the first rows of a data set: of weights that are not trained none would be zero."""
    from textaxa.linear import LinearModel
    from textaxa.taxonomy import Taxonomy

    texts, labels = split.train
    taxonomy = Taxonomy.from_paths(dict.fromkeys(split.paths), sort=True)
    return LinearModel.fit(texts[:rows], labels[:rows], taxonomy)
