"""Prediction without PyTorch: the ``onnx/`` part of a model folder, computed by ONNX Runtime or OpenVINO.

`textaxa.export` writes that part; here it is read and run, with NumPy, onnxruntime and tokenizers alone (the extra
``runtime``; with openvino, the extra ``openvino``). A `RuntimeModel` answers as `textaxa.Model` does. ::

    model/onnx/
    ├── runtime.json     precision, special tokens, sizes
    ├── tokenizer.json   as the tokenizers library writes it
    ├── encoder.onnx     token ids and mask (W, L) to vectors of pieces (W, D)
    └── head.onnx        text vectors (B, D) to node probabilities (B, N): feature scale and head

Read with suspicion: an ONNX file with external data, or with operators that are not ONNX Runtime's own, is refused.
"""

from textaxa.runtime._layout import FOLDER, FORMAT_VERSION, PRECISIONS, Layout, is_exported, is_installed, read_layout
from textaxa.runtime._model import ENGINES, RuntimeModel, read_runtime_model
from textaxa.runtime._openvino import computes_bf16, is_openvino_installed
from textaxa.runtime._threads import available_threads

__all__ = [
    "ENGINES",
    "FOLDER",
    "FORMAT_VERSION",
    "PRECISIONS",
    "Layout",
    "RuntimeModel",
    "available_threads",
    "computes_bf16",
    "is_exported",
    "is_installed",
    "is_openvino_installed",
    "read_layout",
    "read_runtime_model",
]
