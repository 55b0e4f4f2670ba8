"""One recipe for training, on the Hugging Face Trainer. Needs the extra ``train``."""

from textaxa.training._recipes import resolved
from textaxa.training._settle import parted, settle
from textaxa.training._start import Listener, check_trackers, train_model

__all__ = ["Listener", "check_trackers", "parted", "resolved", "settle", "train_model"]
