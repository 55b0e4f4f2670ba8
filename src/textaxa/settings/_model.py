"""All settings of one model together."""

from dataclasses import dataclass, field

from textaxa.settings._encoder import EncoderSettings
from textaxa.settings._schema import Checked
from textaxa.settings._training import TrainingSettings


@dataclass(frozen=True)
class ModelSettings:
    """Everything that was chosen for a model: enough to train it again on the same rows."""

    task: str
    head: str
    head_settings: Checked
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
