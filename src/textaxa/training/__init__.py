"""One recipe for training, on the Hugging Face Trainer. Needs the extra ``train``."""

from typing import TYPE_CHECKING, Any

from textaxa.training._settle import parted, settle
from textaxa.training._start import Listener, train_model

if TYPE_CHECKING:
    from textaxa.training._train import resolved

__all__ = ["Listener", "parted", "resolved", "settle", "train_model"]


def __getattr__(name: str) -> Any:
    if name != "resolved":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from textaxa.training import _train  # noqa: PLC0415 - this is what keeps PyTorch out of the rest

    return _train.resolved
