"""How level scores are trained and read: the part that ``per-level``, ``cascade`` and ``chained`` have in common.

A head only says how the logits of each level come about. What those logits are scored against, and how they become
coherent probabilities, depends on the task alone and lives here: softmax levels for one path, sigmoid levels for
several.
"""

from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from textaxa.heads._levels import LevelClasses, NodeSums, ParentCut, path_proba
from textaxa.heads._losses import LevelWeights, class_weights, smoothed
from textaxa.heads._multilabel_losses import NodeLoss
from textaxa.taxonomy import Taxonomy

Logits = list[torch.Tensor]
"""One tensor (B, C_l) a level."""

OutputRows = list[tuple[Any, np.ndarray]]
"""Layers whose first D columns read the text vector, and the node that each of their rows stands for, (rows,)."""


class LevelSettings(Protocol):
    """What the scoring reads of a head's settings."""

    @property
    def label_smoothing(self) -> float:
        """Share of the target spread evenly over the classes of a level."""

    @property
    def class_weights(self) -> str:
        """``none``, ``balanced`` or ``effective``."""

    @property
    def level_weights(self) -> str | tuple[float, ...]:
        """``equal``, ``uncertainty``, ``dwa``, or a number a level."""


class SeveralPathsSettings(LevelSettings, Protocol):
    """What `scoring` reads besides."""

    @property
    def several_paths_loss(self) -> str:
        """One of `textaxa.heads._multilabel_losses.LOSSES`."""


class SinglePathScoring(nn.Module):
    """One path a text. Targets are positions in ``taxonomy.terminals``, int64 (B,)."""

    task = "single"

    def __init__(self, taxonomy: Taxonomy, settings: LevelSettings, counts: np.ndarray | None) -> None:
        super().__init__()
        self.classes = LevelClasses(taxonomy)
        self.nodes = NodeSums(taxonomy)
        self.sizes = self.classes.sizes
        self.class_nodes = self.classes.class_nodes
        self.smoothing = settings.label_smoothing
        self.level_weights = LevelWeights(settings.level_weights, len(self.sizes))
        for level in range(len(self.sizes)):
            weights = self._terminal_weights(level, settings.class_weights, counts)
            self.register_buffer(f"_weights_{level}", weights, persistent=False)

    def _terminal_weights(self, level: int, kind: str, counts: np.ndarray | None) -> torch.Tensor:
        """Give the class weight that a row of each terminal has at a level, (T,)."""
        members = self.classes.members(level)
        if kind == "none" or counts is None:
            return torch.ones(len(members))
        share = self.classes.one_hot(level, torch.arange(len(members))).double().numpy()
        return torch.from_numpy(share @ class_weights(kind, counts @ share)).float()

    def loss(self, logits: Logits, targets: torch.Tensor) -> torch.Tensor:
        """Give the mean loss of a batch in nats, the levels combined by their weights."""
        return self.level_weights(torch.stack([self._level_loss(i, x, targets) for i, x in enumerate(logits)]))

    def _level_loss(self, level: int, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        losses = -self.classes.log_proba(level, logits).gather(1, targets[:, None])[:, 0]
        return (self.get_buffer(f"_weights_{level}")[targets] * smoothed(losses, logits, self.smoothing)).mean()

    def truth(self, level: int, targets: torch.Tensor) -> torch.Tensor:
        """Give the true classes of a level as probabilities (B, C_l)."""
        return self.classes.one_hot(level, targets)

    @staticmethod
    def proba(logits: torch.Tensor) -> torch.Tensor:
        """Give the probabilities of a level (B, C_l)."""
        return torch.softmax(logits, dim=1)

    def node_proba(self, logits: Logits) -> torch.Tensor:
        """Give coherent node probabilities (B, N)."""
        return path_proba(self.classes, self.nodes, logits)


class MultiPathScoring(nn.Module):
    """Several paths a text. Targets are the nodes that are true, closed under ancestors, float32 (B, N)."""

    task = "multi"

    def __init__(
        self, taxonomy: Taxonomy, settings: LevelSettings, counts: np.ndarray | None, *, loss: str = "bce"
    ) -> None:
        super().__init__()
        self.cut = ParentCut(taxonomy)
        self.sizes = [s.stop - s.start for s in self.cut.slices]
        self.class_nodes = [np.arange(s.start, s.stop) for s in self.cut.slices]
        self.level_weights = LevelWeights(settings.level_weights, len(self.sizes))
        known = np.zeros(len(taxonomy)) if counts is None else counts
        # A text with two top-level nodes counts twice; what reads the number (a share of rows) is blind to that little.
        self.rows = float(known[self.cut.slices[0]].sum())
        how: dict[str, Any] = {"weighting": settings.class_weights, "smoothing": settings.label_smoothing}
        self.losses = nn.ModuleList(NodeLoss(loss, known[nodes], self.rows, **how) for nodes in self.cut.slices)

    def loss(self, logits: Logits, targets: torch.Tensor) -> torch.Tensor:
        """Give the mean loss of a batch in nats, the levels combined by their weights."""
        return self.level_weights(torch.stack([self._level_loss(i, x, targets) for i, x in enumerate(logits)]))

    def _level_loss(self, level: int, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = self.losses[level](logits, self.truth(level, targets))
        return loss.mean()

    def truth(self, level: int, targets: torch.Tensor) -> torch.Tensor:
        """Give the true nodes of a level as probabilities 0 and 1, (B, C_l)."""
        return targets[:, self.cut.slices[level]]

    @staticmethod
    def proba(logits: torch.Tensor) -> torch.Tensor:
        """Give the probabilities of a level (B, C_l)."""
        return torch.sigmoid(logits)

    def node_proba(self, logits: Logits) -> torch.Tensor:
        """Give coherent node probabilities (B, N)."""
        return self.cut(torch.cat(logits, dim=1))


Scoring = SinglePathScoring | MultiPathScoring


def scoring(taxonomy: Taxonomy, task: str, settings: SeveralPathsSettings, counts: np.ndarray | None) -> Scoring:
    """Choose the scoring of a task: ``single`` or ``multi``."""
    if task == "single":
        return SinglePathScoring(taxonomy, settings, counts)
    return MultiPathScoring(taxonomy, settings, counts, loss=settings.several_paths_loss)


def hidden_rows(values: torch.Tensor, share: float) -> torch.Tensor:
    """Set a random share of the rows (B, C) to zero."""
    kept = torch.rand(len(values), 1, device=values.device) >= share
    return values * kept
