"""One recipe for training, on the Hugging Face Trainer. Needs the extra ``train``."""

from textaxa.training._callbacks import Listener
from textaxa.training._train import resolved, train_model

__all__ = ["Listener", "resolved", "train_model"]
