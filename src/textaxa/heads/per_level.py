"""``per-level``: one independent linear classifier a level on the text vector; the levels' losses are added.

The multi-label multi-class recipe: the levels share the encoder and nothing else. They may disagree; the coherent
probabilities come from the product over the levels of each path that the taxonomy allows.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from textaxa.heads import _settings
from textaxa.heads._scoring import Logits, OutputRows, scoring
from textaxa.settings import Checked
from textaxa.taxonomy import Taxonomy


@dataclass(frozen=True)
class PerLevelSettings(Checked):
    """``per-level``: one independent linear classifier a level on the text vector."""

    init: str = _settings.init()
    dropout: float = _settings.dropout()
    label_smoothing: float = _settings.label_smoothing()
    class_weights: str = _settings.class_weights()
    level_weights: str | tuple[float, ...] = _settings.level_weights()
    several_paths_loss: str = _settings.several_paths_loss()


class PerLevelHead(nn.Module):
    """Linear (D → C_l) for each level l. Single- and several-path tasks.

    Source: independent heads on a shared encoder, as in the local variant of HYDRA (EMNLP 2025).
    """

    Settings = PerLevelSettings
    tasks = ("single", "multi")
    reads = "vectors"

    def __init__(
        self, taxonomy: Taxonomy, width: int, *, task: str, settings: PerLevelSettings, counts: np.ndarray | None
    ) -> None:
        super().__init__()
        self.settings = settings
        self.task = task
        self.scoring = scoring(taxonomy, task, settings, counts)
        self.dropout = nn.Dropout(settings.dropout)
        self.classifiers = nn.ModuleList(nn.Linear(width, size) for size in self.scoring.sizes)

    def forward(self, features: torch.Tensor, targets: torch.Tensor | None = None, progress: float = 0.0) -> Logits:
        """Score text vectors (B, D): logits (B, C_l) for each level. Targets and progress change nothing here."""
        del targets, progress
        features = self.dropout(features)
        return [classifier(features) for classifier in self.classifiers]

    def loss(self, scores: Logits, targets: torch.Tensor) -> torch.Tensor:
        """Give the mean loss in nats, levels combined by their weights."""
        return self.scoring.loss(scores, targets)

    def node_proba(self, scores: Logits) -> torch.Tensor:
        """Give coherent node probabilities (B, N)."""
        return self.scoring.node_proba(scores)

    def output_rows(self) -> OutputRows:
        """Tell which rows of which weights stand for which nodes, for ``init = label-names``."""
        return list(zip(self.classifiers, self.scoring.class_nodes, strict=True))

    def end_epoch(self) -> None:
        """Let the level weights take the finished epoch into account."""
        self.scoring.level_weights.end_epoch()
