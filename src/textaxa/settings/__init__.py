"""Settings of encoder and training, with default, bounds and reason, and how settings are declared.

The settings of a head stand in the head's own file (`textaxa.heads`). Light: no PyTorch here.
"""

from textaxa.settings._encoder import EncoderSettings
from textaxa.settings._model import ModelSettings
from textaxa.settings._schema import Checked, Rule, build, defaults, rules, setting
from textaxa.settings._training import TrainingSettings

__all__ = [
    "Checked",
    "EncoderSettings",
    "ModelSettings",
    "Rule",
    "TrainingSettings",
    "build",
    "defaults",
    "rules",
    "setting",
]
