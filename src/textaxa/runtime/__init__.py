"""Prediction without PyTorch: the ``onnx/`` part of a model folder, computed by ONNX Runtime.

`textaxa.export` writes that part; here it is read and run, with NumPy, onnxruntime and tokenizers alone (the extra
``runtime``). A `RuntimeModel` answers as `textaxa.Model` does. ::

    model/onnx/
    ├── runtime.json     precision, special tokens, sizes
    ├── tokenizer.json   as the tokenizers library writes it
    ├── encoder.onnx     token ids and mask (W, L) to vectors of pieces (W, D)
    └── head.onnx        text vectors (B, D) to node probabilities (B, N): feature scale and head

Read with suspicion: an ONNX file with external data, or with operators that are not ONNX Runtime's own, is refused.
"""

from textaxa.runtime._layout import FOLDER, FORMAT_VERSION, Layout, is_exported, is_installed
from textaxa.runtime._model import RuntimeModel, read_runtime_model

__all__ = [
    "FOLDER",
    "FORMAT_VERSION",
    "Layout",
    "RuntimeModel",
    "is_exported",
    "is_installed",
    "read_runtime_model",
]
