"""From ``node_proba`` to paths. Knows no model: what comes in is an array (B, N), what goes out are predictions."""

from textaxa.decoding._paths import decode_multi, top_paths
from textaxa.decoding._prediction import Prediction
from textaxa.decoding._proba import terminal_proba
from textaxa.decoding._thresholds import FIXED, check_thresholds, choose_thresholds, fitted_thresholds

__all__ = [
    "FIXED",
    "Prediction",
    "check_thresholds",
    "choose_thresholds",
    "decode_multi",
    "fitted_thresholds",
    "terminal_proba",
    "top_paths",
]
