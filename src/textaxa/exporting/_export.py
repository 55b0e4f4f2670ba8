"""Writes the ``onnx/`` part of a model folder, and measures how far its numbers are from PyTorch's."""

import warnings
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from textaxa.encoders._static import StaticEncoder
from textaxa.encoders._transformer import TransformerEncoder, sizes_of
from textaxa.errors import ConfigError
from textaxa.exporting._graphs import HeadGraph, encoder_graph, plain_attention
from textaxa.exporting._optimise import fuse, quantise
from textaxa.model import Model
from textaxa.runtime import Layout, RuntimeModel
from textaxa.runtime._layout import ENCODER, HEAD, TOKENIZER, read_layout
from textaxa.taxonomy import format_path

_ENCODER_OPSET = 17
"""The last with ReduceMean as the fusions of onnxruntime.transformers know it."""

_HEAD_OPSET = 18
"""The first in which ScatterElements takes the largest, as the heads `binary` and `conditional` need."""

_MOST_BYTES = 1_900_000_000
"""An ONNX file without data outside it holds at most 2 GB."""

_PROBES = 32


def check_exportable(model: Any) -> None:
    """Refuse a model that cannot be exported, before anything is done.

    Raises
    ------
    ConfigError
        Saying why, and what to use instead.
    """
    name = model.settings.head
    if not isinstance(model, Model) and not _searches(model):
        raise ConfigError(f"The head {name!r} is a whole model and predicts as it is: it needs no export.")
    if not _searches(model) and model.head.reads != "vectors":
        raise ConfigError(
            f"The head {name!r} reads the states of tokens, which cannot be exported yet. It predicts with PyTorch; "
            "the other heads can be exported."
        )
    encoder = model.encoder
    if not isinstance(encoder, TransformerEncoder | StaticEncoder):
        raise ConfigError(
            "The encoder textrcnn cuts texts into words in its own way and cannot be exported. It predicts with "
            "PyTorch; transformers and static encoders can be exported."
        )
    if not hasattr(encoder.tokenise.tokenizer, "backend_tokenizer"):
        raise ConfigError(
            f"The tokenizer {type(encoder.tokenise.tokenizer).__name__} is written in Python, so ONNX Runtime has none "
            "to go with it. Use an encoder whose folder has a tokenizer.json."
        )
    weights = model.encoder if _searches(model) else model
    size = sum(one.numel() * one.element_size() for one in weights.parameters())
    if size > _MOST_BYTES:
        raise ConfigError(
            f"The model has {size / 1e9:.1f} GB of weights; an ONNX file holds 2 GB. Use a smaller encoder."
        )


def _searches(model: Any) -> bool:
    """Tell whether a model keeps its head as rows that are searched: then only the encoder is exported."""
    return bool(getattr(model, "searches", False))


def write_onnx(model: Model, folder: Path, *, fused: bool = True) -> None:
    """Write the ``onnx/`` part of a model folder, in fp32.

    Parameters
    ----------
    model
        A model that `check_exportable` lets pass.
    folder
        An empty folder; it becomes ``onnx/``. Files of an earlier call are replaced.
    fused
        Fuse operators of a transformer, where the optimiser of ONNX Runtime finds them: same numbers, faster.

    Raises
    ------
    MissingExtraError
        The extra ``export`` is not installed.
    """
    encoder: Any = model.encoder
    (encoder if _searches(model) else model).eval()
    with plain_attention(encoder):
        tokens = torch.ones(2, 5, dtype=torch.long)
        mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])  # padding, or the mask would be traced away
        inputs = {"input_ids": tokens, "attention_mask": mask}
        _trace(encoder_graph(encoder), inputs, "vectors", folder / ENCODER, opset=_ENCODER_OPSET, rows="W", columns="L")
    if not _searches(model):
        features = {"features": torch.zeros(2, encoder.width)}
        _trace(HeadGraph(model), features, "node_proba", folder / HEAD, opset=_HEAD_OPSET)
    if fused and isinstance(encoder, TransformerEncoder):
        fuse(folder / ENCODER, encoder.backbone.config)
    tokenizer = encoder.tokenise.tokenizer.backend_tokenizer
    (folder / TOKENIZER).write_text(tokenizer.to_str(), encoding="utf-8")
    _layout(encoder).write(folder)


def _layout(encoder: Any) -> Layout:
    sizes = sizes_of(encoder.backbone.config) if isinstance(encoder, TransformerEncoder) else {}
    return Layout(
        precision="fp32",
        width=encoder.width,
        padding=int(encoder.tokenise.padding),
        prefix=tuple(map(int, encoder.tokenise.prefix)),
        suffix=tuple(map(int, encoder.tokenise.suffix)),
        normalise=isinstance(encoder, StaticEncoder) and bool(encoder.config.get("normalize")),
        layers=sizes.get("layers", 0),
        feed_forward=sizes.get("feed_forward", 0),
    )


def as_int8(folder: Path) -> None:
    """Store the encoder's weights of an ``onnx/`` folder as 8-bit integers, one scale a column; the head stays."""
    quantise(folder / ENCODER)
    replace(read_layout(folder), precision="int8").write(folder)


def as_bf16(folder: Path) -> None:
    """Allow the encoder of an ``onnx/`` folder to be computed in bf16; its files stay as they are, in fp32."""
    replace(read_layout(folder), precision="bf16").write(folder)


def read_export(model: Model, folder: Path, *, engine: str = "onnx") -> RuntimeModel:
    """Read an ``onnx/`` folder that was just written, with everything else as the model has it.

    Parameters
    ----------
    model
        The model that was exported.
    folder
        The folder.
    engine
        What computes the encoder: ``onnx`` or ``openvino``.
    """
    if _searches(model):
        searching: Any = copy(model)
        searching.encoder = RuntimeModel(folder, model.taxonomy, model.settings, engine=engine, head=False)
        return searching
    found = RuntimeModel(folder, model.taxonomy, model.settings, model.summary, engine=engine)
    found.thresholds, found.calibration, found.evidence = model.thresholds, model.calibration, model.evidence
    return found


def _trace(
    graph: nn.Module,
    inputs: dict[str, torch.Tensor],
    output: str,
    file: Path,
    *,
    opset: int,
    rows: str = "B",
    columns: str | None = None,
) -> None:
    """Trace a module to an ONNX file whose rows, and columns where named, may be of any number."""
    free = {0: rows} if columns is None else {0: rows, 1: columns}
    with warnings.catch_warnings():
        # Of the tracer about shapes that are constant for a taxonomy, and of PyTorch about this exporter's age: the
        # newer one writes graphs in which ONNX Runtime finds no attention to fuse.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph.eval(),
            tuple(inputs.values()),
            str(file),
            dynamo=False,
            opset_version=opset,
            input_names=list(inputs),
            output_names=[output],
            dynamic_axes={**dict.fromkeys(inputs, free), output: {0: rows}},
        )


def probe_texts(model: Model) -> list[str]:
    """Give a few texts of different lengths on which an export can be compared: names of the taxonomy, put together."""
    paths = [format_path(model.taxonomy.path(int(node))) for node in model.taxonomy.terminals[:_PROBES]]
    return ["", "?", *(" ".join(paths[: 1 + i]) for i in range(len(paths)))]


def largest_difference(model: Model, exported: RuntimeModel, texts: Sequence[str]) -> float:
    """Give the largest difference of a node probability between PyTorch and an export, before any calibration.

    A calibration may have steps (isotonic), on which two sums that differ by a rounding end far apart. Of a model that
    searches, the largest difference of a scaled feature: its head is the same.
    """
    if _searches(model):
        pair: Any = (model, exported)
        torch_vectors, onnx_vectors = (one.vectors(texts) for one in pair)
        return float(np.abs(torch_vectors - onnx_vectors).max(initial=0.0))
    torch_proba, onnx_proba = (_uncalibrated(one).node_proba(texts) for one in (model, exported))
    return float(np.abs(torch_proba - onnx_proba).max(initial=0.0))


def _uncalibrated(model: Any) -> Any:
    bare = copy(model)
    bare.calibration = None
    return bare
