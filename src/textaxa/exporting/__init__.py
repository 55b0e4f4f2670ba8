"""A trained model as ONNX files, which `textaxa.runtime` reads without PyTorch.

A model comes in; the ``onnx/`` part of its folder goes out, and a measure of how far its numbers are from those of
PyTorch. Needs the extra ``export``.
"""

from textaxa.exporting._export import check_exportable, largest_difference, probe_texts, write_onnx

__all__ = ["check_exportable", "largest_difference", "probe_texts", "write_onnx"]
