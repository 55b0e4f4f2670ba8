"""The model folder: written atomically, read with suspicion.

A model is a folder of JSON, safetensors, a tokenizer and a card. Nothing in it can run code. ::

    model/
    ├── config.json          format version, settings, summary, sum of every other file but the card
    ├── taxonomy.json        where it has more than 50,000 nodes taxonomy.arrays/, which is mapped into memory
    ├── head.safetensors     feature scale and head
    ├── encoder/             an ordinary Hugging Face model folder
    ├── thresholds.json      several paths: from which probability on each node is an answer, if not from 0.5
    ├── calibration.json     what node probabilities go through
    ├── held_out.json        what held-out rows say about the model, for promises; no texts
    ├── onnx/                what predicts without PyTorch, if exported: `textaxa.runtime`
    └── README.md            the model card

A model with the head ``linear`` has no encoder; in place of these two it has ``linear.safetensors`` (the weights) and
``vocabulary.json`` (the n-grams).

`read_config`, `read_model_taxonomy`, `is_model_folder` and `verify` are light; saving and loading need the extra
``train``, which is imported when they are first asked for; of it PyTorch only where the model is a network, and for
prediction from ``onnx/`` nothing of it.
"""

from typing import TYPE_CHECKING, Any

from textaxa.persistence._config import FORMAT, FORMAT_VERSION, is_model_folder, read_config, read_model_taxonomy
from textaxa.persistence._files import verify

if TYPE_CHECKING:
    from textaxa.persistence._folder import load_model, save_model

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "is_model_folder",
    "load_model",
    "read_config",
    "read_model_taxonomy",
    "save_model",
    "verify",
]


def __getattr__(name: str) -> Any:
    if name not in ("load_model", "save_model"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from textaxa.persistence import _folder  # noqa: PLC0415 - this is what keeps PyTorch out of the rest

    return getattr(_folder, name)
