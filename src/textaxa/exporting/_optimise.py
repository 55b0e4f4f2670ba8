"""ONNX files made faster in place: fused operators, and weights as 8-bit integers."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from textaxa._extras import require
from textaxa.errors import ModelFileError


def fuse(file: Path, config: Any) -> None:
    """Fuse attention, norms and activations of a transformer, where the optimiser of ONNX Runtime finds them.

    Parameters
    ----------
    file
        The encoder's ONNX file, replaced.
    config
        The transformer's Hugging Face configuration.

    Raises
    ------
    ModelFileError
        The optimiser does not get along with this graph.
    """
    require("onnx", extra="export")
    optimizer = require("onnxruntime.transformers.optimizer", extra="export")
    heads, width = (getattr(config, name, 0) for name in ("num_attention_heads", "hidden_size"))
    how = {"model_type": "bert", "num_heads": heads, "hidden_size": width, "opt_level": 0}
    try:
        with _quiet():
            model = optimizer.optimize_model(str(file), **how)
    except Exception as error:  # the library raises nothing narrower
        raise ModelFileError(f"{file} could not be fused: {error}. Write it with fused=False.") from error
    model.save_model_to_file(str(file), use_external_data_format=False)


def quantise(file: Path) -> None:
    """Store weights as signed 8-bit integers with a scale a column; activations are quantised as they come.

    ``reduce_range`` keeps 7 bits: processors without VNNI add products of two 8-bit numbers in 16 bits, which overflow.
    Measured on MiniLM: cosine to fp32 .994 so, .959 with one scale a matrix and 8 bits.
    """
    onnx = require("onnx", extra="export")
    quantization = require("onnxruntime.quantization", extra="export")
    with _quiet():
        quantization.quantize_dynamic(
            str(file),
            str(file),
            weight_type=quantization.QuantType.QInt8,
            per_channel=True,
            reduce_range=True,
            # Of fused operators the quantiser cannot infer a type.
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep remarks of ONNX Runtime's tools off the screen: they speak to who maintains the tools."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
