"""``hiagm-tp``: the text's features are handed to every node and travel through the taxonomy (text propagation)."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from textaxa.heads import _hiagm, _settings
from textaxa.heads._hiagm import NodeClassifier, NodeScoring, structure_encoder
from textaxa.settings import Checked, setting
from textaxa.taxonomy import Taxonomy


@dataclass(frozen=True)
class HiagmTPSettings(Checked):
    """``hiagm-tp``: every node gets its own view of the text, and nodes tell their neighbours."""

    structure: str = _hiagm.structure()
    node_width: int = setting(
        64,
        "Features of a node, d; 300 in the paper. The head has N d D + N^2 d weights for N nodes and D text features: "
        "64 is as accurate on small tables at a fifth of the time.",
        at_least=2,
        at_most=8192,
    )
    priors: bool = _hiagm.priors()
    dropout: float = _settings.dropout()
    node_dropout: float = _hiagm.node_dropout()
    recursive_regularisation: float = _hiagm.recursive_regularisation()


class HiagmTPHead(nn.Module):
    """Text vector → Linear D → N d → structure encoder → Linear N d → N. Single- and several-path tasks.

    Source: HiAGM (Zhou et al., ACL 2020), HiAGM-TP. The released code drops half of the logits in
    training, which this does not; nor half of the nodes' features, but a tenth of the text vector.
    """

    Settings = HiagmTPSettings
    tasks = ("single", "multi")
    reads = "vectors"

    def __init__(
        self, taxonomy: Taxonomy, width: int, *, task: str, settings: HiagmTPSettings, counts: np.ndarray | None
    ) -> None:
        super().__init__()
        self.settings = settings
        self.task = task
        self.scoring = NodeScoring(taxonomy, task)
        self.dropout = nn.Dropout(settings.dropout)
        self.classifier = NodeClassifier(taxonomy, settings.node_width, settings.recursive_regularisation)
        self.transform = nn.Linear(width, len(taxonomy) * settings.node_width)
        self.structure = structure_encoder(taxonomy, settings.node_width, task=task, settings=settings, counts=counts)

    def forward(
        self, features: torch.Tensor, targets: torch.Tensor | None = None, progress: float = 0.0
    ) -> torch.Tensor:
        """Score text vectors (B, D): logits (B, N)."""
        del targets, progress
        nodes = self.transform(self.dropout(features)).view(features.shape[0], -1, self.settings.node_width)
        by_node = nodes.transpose(0, 1).contiguous()  # nodes first, so that a level is one block of memory
        return self.classifier(self.structure(by_node).transpose(0, 1))

    def loss(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Give the loss of a batch in nats, recursive regularisation included."""
        return self.scoring.loss(scores, targets) + self.classifier.regularisation()

    def node_proba(self, scores: torch.Tensor) -> torch.Tensor:
        """Give coherent node probabilities (B, N)."""
        return self.scoring.node_proba(scores)

    def end_epoch(self) -> None:
        """Nothing changes between epochs."""
