"""A trained model as ONNX files, which `textaxa.runtime` reads without PyTorch.

A model comes in; the ``onnx/`` part of its folder goes out, and a measure of how far its numbers are from those of
PyTorch. Needs the extra ``export``.
"""

from textaxa.exporting._export import (
    as_bf16,
    as_int8,
    check_exportable,
    largest_difference,
    probe_texts,
    read_export,
    write_onnx,
)

__all__ = [
    "as_bf16",
    "as_int8",
    "check_exportable",
    "largest_difference",
    "probe_texts",
    "read_export",
    "write_onnx",
]
