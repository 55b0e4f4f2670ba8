"""``cascade``: the text feeds the top level only; the output of each level runs through an MLP into the next.

The network of the question that this project was born from: two layers of output joined by an MLP, here for any depth.
All that a minor level knows of the text is what fits through the logits of the level above it, so it is the
narrowest of the heads; it is kept because people build it, and ought to see what it costs.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from textaxa.heads import _settings
from textaxa.heads._feeding import Feed, fed_as, fed_width
from textaxa.heads._scoring import Logits, scoring
from textaxa.settings import Checked, setting
from textaxa.taxonomy import Taxonomy


@dataclass(frozen=True)
class CascadeSettings(Checked):
    """``cascade``: the output of a level runs through an MLP into the next level; the text feeds only the first."""

    fed_as: str = fed_as("logits")
    fed_width: int = fed_width()
    hidden: int = setting(256, "Width of the MLP between two levels.", at_least=1, at_most=8192)
    dropout: float = _settings.dropout()
    label_smoothing: float = _settings.label_smoothing()
    class_weights: str = _settings.class_weights()
    level_weights: str | tuple[float, ...] = _settings.level_weights()
    several_paths_loss: str = _settings.several_paths_loss()


class CascadeHead(nn.Module):
    """Linear (D → C_1), then an MLP (what level l - 1 passes on → hidden → C_l) for each further level."""

    Settings = CascadeSettings
    tasks = ("single", "multi")
    reads = "vectors"

    def __init__(
        self, taxonomy: Taxonomy, width: int, *, task: str, settings: CascadeSettings, counts: np.ndarray | None
    ) -> None:
        super().__init__()
        self.settings = settings
        self.task = task
        self.scoring = scoring(taxonomy, task, settings, counts)
        self.dropout = nn.Dropout(settings.dropout)
        first, *others = self.scoring.sizes
        feeds = [
            Feed(self.scoring, level, form=settings.fed_as, width=settings.fed_width, normalised=False)
            for level in range(len(others))
        ]
        self.feeds = nn.ModuleList(feeds)
        self.classifiers = nn.ModuleList([nn.Linear(width, first)])
        for feed, size in zip(feeds, others, strict=True):
            hidden = nn.Linear(feed.width, settings.hidden)
            self.classifiers.append(nn.Sequential(hidden, nn.GELU(), nn.Linear(settings.hidden, size)))

    def forward(self, features: torch.Tensor, targets: torch.Tensor | None = None, progress: float = 0.0) -> Logits:
        """Score text vectors (B, D): logits (B, C_l) for each level. Targets and progress change nothing here."""
        del targets, progress
        first, *others = self.classifiers
        scores: Logits = [first(self.dropout(features))]
        for feed, classifier in zip(self.feeds, others, strict=True):
            scores.append(classifier(feed(scores[-1])))
        return scores

    def loss(self, scores: Logits, targets: torch.Tensor) -> torch.Tensor:
        """Give the mean loss in nats, levels combined by their weights."""
        return self.scoring.loss(scores, targets)

    def node_proba(self, scores: Logits) -> torch.Tensor:
        """Give coherent node probabilities (B, N)."""
        return self.scoring.node_proba(scores)

    def end_epoch(self) -> None:
        """Let the level weights take the finished epoch into account."""
        self.scoring.level_weights.end_epoch()
