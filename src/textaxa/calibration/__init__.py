"""Node probabilities that mean what they say: fitted on validation rows, stored as JSON, applied with NumPy alone.

``node_proba`` (B, N) comes in, calibrated and coherent ``node_proba`` (B, N) goes out, each row for itself.
"""

from textaxa.calibration._calibration import METHODS, Calibration
from textaxa.calibration._fit import AUTO, fit_calibration
from textaxa.calibration._stored import calibration_from_dict

__all__ = ["AUTO", "METHODS", "Calibration", "calibration_from_dict", "fit_calibration"]
