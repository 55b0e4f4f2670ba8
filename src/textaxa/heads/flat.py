"""``flat``: one softmax over the terminals. The baseline that every hierarchy-aware head has to beat.

The hierarchy enters only afterwards: a node's probability is the sum over the terminals at or below it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from textaxa.heads import _settings
from textaxa.heads._levels import NodeSums
from textaxa.heads._losses import class_weights, smoothed
from textaxa.heads._scoring import OutputRows
from textaxa.settings import Checked
from textaxa.taxonomy import Taxonomy


@dataclass(frozen=True)
class FlatSettings(Checked):
    """``flat``: one softmax over the terminals; a node's probability is the sum over the terminals below it."""

    init: str = _settings.init()
    dropout: float = _settings.dropout()
    label_smoothing: float = _settings.label_smoothing()
    class_weights: str = _settings.class_weights()


class FlatHead(nn.Module):
    """Linear (D → T), softmax, sums. Single-path tasks only.

    Source: the usual classifier on a text vector; summing up is the leaf-softmax baseline of Plaud et al. (CoNLL 2024).
    """

    Settings = FlatSettings
    tasks = ("single",)
    reads = "vectors"

    def __init__(
        self, taxonomy: Taxonomy, width: int, *, task: str, settings: FlatSettings, counts: np.ndarray | None
    ) -> None:
        super().__init__()
        self.settings = settings
        self.task = task
        self.dropout = nn.Dropout(settings.dropout)
        self.terminals = taxonomy.terminals
        self.classifier = nn.Linear(width, len(self.terminals))
        self.nodes = NodeSums(taxonomy)
        known = np.zeros(len(taxonomy.terminals)) if counts is None else counts
        weights = torch.from_numpy(class_weights(settings.class_weights, known)).float()
        self.register_buffer("_weights", weights, persistent=False)

    def forward(
        self, features: torch.Tensor, targets: torch.Tensor | None = None, progress: float = 0.0
    ) -> torch.Tensor:
        """Score text vectors (B, D): logits over terminals (B, T). Targets and progress change nothing here."""
        del targets, progress
        return self.classifier(self.dropout(features))

    def loss(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Give the mean cross-entropy in nats against terminal positions (B,)."""
        losses = F.cross_entropy(scores.float(), targets, reduction="none")
        weights = self.get_buffer("_weights")[targets]
        return (weights * smoothed(losses, scores, self.settings.label_smoothing)).mean()

    def node_proba(self, scores: torch.Tensor) -> torch.Tensor:
        """Give coherent node probabilities (B, N)."""
        return self.nodes(torch.softmax(scores.float(), dim=1))

    def output_rows(self) -> OutputRows:
        """Tell which rows of which weights stand for which nodes, for ``init = label-names``."""
        return [(self.classifier, self.terminals)]

    def end_epoch(self) -> None:
        """Nothing changes between epochs."""
