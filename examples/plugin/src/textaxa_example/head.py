"""The head ``two-layer``: one hidden layer, one softmax over the ends of labels, sums for the nodes above."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from textaxa.heads.parts import NodeSums
from textaxa.settings import Checked, setting
from textaxa.taxonomy import Taxonomy


@dataclass(frozen=True)
class TwoLayerSettings(Checked):
    """What ``[head]`` of a configuration file takes; the help and the bounds are shown and checked by textaxa."""

    hidden: int = setting(64, "Width of the hidden layer.", at_least=1)
    dropout: float = setting(0.1, "Share of hidden values dropped in training.", at_least=0, at_most=0.9)


class TwoLayerHead(nn.Module):
    """Linear (D → H), GELU, linear (H → T), softmax. One path a text."""

    Settings = TwoLayerSettings
    tasks = ("single",)
    reads = "vectors"

    def __init__(
        self, taxonomy: Taxonomy, width: int, *, task: str, settings: TwoLayerSettings, counts: np.ndarray | None
    ) -> None:
        super().__init__()
        del counts  # rows of each class, for heads that weigh them
        self.settings, self.task = settings, task
        self.hidden = nn.Linear(width, settings.hidden)
        self.dropout = nn.Dropout(settings.dropout)
        self.output = nn.Linear(settings.hidden, len(taxonomy.terminals))
        self.nodes = NodeSums(taxonomy)

    def forward(
        self, features: torch.Tensor, targets: torch.Tensor | None = None, progress: float = 0.0
    ) -> torch.Tensor:
        """Score text vectors (B, D): logits (B, T)."""
        del targets, progress  # for heads that are fed with the truth while they train
        return self.output(self.dropout(F.gelu(self.hidden(features))))

    def loss(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Give the mean cross-entropy in nats against terminal positions (B,)."""
        return F.cross_entropy(scores.float(), targets)

    def node_proba(self, scores: torch.Tensor) -> torch.Tensor:
        """Give coherent node probabilities (B, N)."""
        return self.nodes(torch.softmax(scores.float(), dim=1))

    def end_epoch(self) -> None:
        """Nothing changes between epochs."""
