"""``chained``, the reference model: text vector ⊕ parent level's output → child level's classifier.

In training the child level may be fed the true parent, which at prediction time it will not have; ``feed`` says how
that gap is handled. At prediction time it is always fed the predicted
output.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from textaxa.heads import _settings
from textaxa.heads._feeding import Feed, fed_as, fed_width
from textaxa.heads._scoring import Logits, OutputRows, hidden_rows, scoring
from textaxa.settings import Checked, setting
from textaxa.taxonomy import Taxonomy

_INVERSE_SIGMOID_STEEPNESS = 10.0
"""The share of true parents is 0.993 at the start and 0.007 at the end of the schedule, half in its middle."""


@dataclass(frozen=True)
class ChainedSettings(Checked):
    """``chained``: the text vector and the parent level's output together feed the child level's classifier."""

    feed: str = setting(
        "masked",
        "What the child level sees of its parent level in training. true: the true parent (teacher forcing; learns "
        "fast, but never sees its own mistakes); masked: the true parent, hidden in mask_rate of the rows, so that the "
        "text must be read too (HBGL); predicted: the parent level's own output, as at prediction time; scheduled: "
        "from true to predicted over schedule_share of the steps; nothing: the text alone, at prediction time too.",
        choices=("true", "masked", "predicted", "scheduled", "nothing"),
    )
    mask_rate: float = setting(0.5, "With feed = masked: share of rows whose parent is hidden.", at_least=0, at_most=1)
    schedule_curve: str = setting(
        "linear",
        "With feed = scheduled: how the share of true parents falls (Bengio et al. 2015).",
        choices=("linear", "inverse-sigmoid"),
    )
    schedule_share: float = setting(
        0.5, "With feed = scheduled: share of all steps over which it falls from 1 to 0.", at_least=0.01, at_most=1
    )
    detach: bool = setting(
        False,
        "With predicted output fed: stop the child's gradient there. Left open, the child's loss also teaches the "
        "parent.",
    )
    fed_as: str = fed_as("probabilities")
    fed_width: int = fed_width()
    init: str = _settings.init()
    dropout: float = _settings.dropout()
    label_smoothing: float = _settings.label_smoothing()
    class_weights: str = _settings.class_weights()
    level_weights: str | tuple[float, ...] = _settings.level_weights()
    several_paths_loss: str = _settings.several_paths_loss()


class ChainedHead(nn.Module):
    """Linear (D + what level l - 1 passes on → C_l) for each level l. Single- and several-path tasks.

    Source: the BERT + second classifier recipe; THMM (a node's MLP on [CLS] and the parent's hidden state); masked
    teacher forcing as in HBGL (Jiang et al., EMNLP 2022); scheduled sampling after Bengio et al. (NeurIPS 2015).
    """

    Settings = ChainedSettings
    tasks = ("single", "multi")
    reads = "vectors"

    def __init__(
        self, taxonomy: Taxonomy, width: int, *, task: str, settings: ChainedSettings, counts: np.ndarray | None
    ) -> None:
        super().__init__()
        self.settings = settings
        self.task = task
        self.scoring = scoring(taxonomy, task, settings, counts)
        self.dropout = nn.Dropout(settings.dropout)
        feeds = [
            Feed(self.scoring, level, form=settings.fed_as, width=settings.fed_width)
            for level in range(len(self.scoring.sizes) - 1 if settings.feed != "nothing" else 0)
        ]
        self.feeds = nn.ModuleList(feeds)
        fed_widths = [0, *(feed.width for feed in feeds), *[0] * len(self.scoring.sizes)]
        self.classifiers = nn.ModuleList(
            nn.Linear(width + fed, size) for fed, size in zip(fed_widths, self.scoring.sizes, strict=False)
        )

    def forward(self, features: torch.Tensor, targets: torch.Tensor | None = None, progress: float = 0.0) -> Logits:
        """Score text vectors (B, D): logits (B, C_l) for each level.

        Parameters
        ----------
        features
            Text vectors (B, D).
        targets
            The truth, given in training only; what of it is fed depends on ``feed``.
        progress
            Share of the training steps that are done, in [0, 1]; read by ``feed = scheduled``.
        """
        text = self.dropout(features)
        scores: Logits = []
        for level, classifier in enumerate(self.classifiers):
            feeds = level > 0 and len(self.feeds) > 0
            fed = [self._fed(self.feeds[level - 1], scores[-1], targets, progress)] if feeds else []
            scores.append(classifier(torch.cat([text, *fed], dim=1)))
        return scores

    def _fed(self, feed: Any, logits: torch.Tensor, targets: torch.Tensor | None, progress: float) -> torch.Tensor:
        """Choose what the next level sees of this one."""
        settings = self.settings
        if settings.detach:
            logits = logits.detach()
        if targets is None or not self.training or settings.feed == "predicted":
            return feed(logits)
        if settings.feed == "masked":
            return hidden_rows(feed.true(targets), settings.mask_rate)
        if settings.feed == "true":
            return feed.true(targets)
        share = true_share(progress / settings.schedule_share, settings.schedule_curve)
        from_truth = torch.rand(len(logits), 1, device=logits.device) < share
        return torch.where(from_truth, feed.true(targets), feed(logits))

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


def true_share(done: float, curve: str) -> float:
    """Give the share of rows that are fed the truth when a part ``done`` of the schedule is over; 0 from its end on.

    >>> true_share(0.25, "linear"), round(true_share(0.5, "inverse-sigmoid"), 2), true_share(1.0, "inverse-sigmoid")
    (0.75, 0.5, 0.0)
    """
    if done >= 1:
        return 0.0
    if curve == "linear":
        return 1.0 - done
    return 1.0 / (1.0 + math.exp(_INVERSE_SIGMOID_STEEPNESS * (done - 0.5)))
