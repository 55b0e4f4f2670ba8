"""Every setting of textaxa, with its default, its bounds and its reason. Light: no PyTorch here."""

from textaxa.settings._encoder import EncoderSettings
from textaxa.settings._heads import (
    HEAD_SETTINGS,
    MULTI_PATH_HEADS,
    CascadeSettings,
    ChainedSettings,
    FlatSettings,
    HeadSettings,
    PerLevelSettings,
)
from textaxa.settings._schema import Rule, build, defaults, rules
from textaxa.settings._training import TrainingSettings

__all__ = [
    "HEAD_SETTINGS",
    "MULTI_PATH_HEADS",
    "CascadeSettings",
    "ChainedSettings",
    "EncoderSettings",
    "FlatSettings",
    "HeadSettings",
    "PerLevelSettings",
    "Rule",
    "TrainingSettings",
    "build",
    "defaults",
    "rules",
]
