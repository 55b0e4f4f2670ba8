"""``conditional``: which child, given the parent? A softmax among siblings, and the product along the path.

One path a text: each inner node, and the root, chooses among its children and, where a label may end there, "ends
here". Several paths: each node is a yes or no given that its parents are true. Coherent by construction, and each
choice learns from the texts of its own branch only.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from textaxa.heads import _settings
from textaxa.heads._choices import ParentGiven, SiblingChoices
from textaxa.heads._scoring import OutputRows
from textaxa.settings import Checked, setting
from textaxa.taxonomy import Taxonomy


@dataclass(frozen=True)
class ConditionalSettings(Checked):
    """``conditional``: softmax among siblings given the parent, product along the path."""

    logit_adjustment: float = setting(
        0.0,
        "Strength of logit adjustment: this times the log of each choice's share in the training rows is added to its "
        "logit, in training only. So rare children need not be beaten by their count; 1 aims at balanced accuracy "
        "(Menon et al. 2021).",
        at_least=0,
        at_most=5,
    )
    init: str = _settings.init()
    dropout: float = _settings.dropout()


class ConditionalHead(nn.Module):
    """Linear (D → one logit a choice). Single- and several-path tasks.

    In a DAG a node may be chosen from each of its parents; its probability is the sum over these (one path), and it is
    asked for where all parents are true (several paths).

    Source: conditional softmax and its logit adjustment, Plaud et al. (CoNLL 2024), section 3; their prior of an unseen
    choice is 1, here counts are smoothed by one.
    """

    Settings = ConditionalSettings
    tasks = ("single", "multi")
    reads = "vectors"

    def __init__(
        self, taxonomy: Taxonomy, width: int, *, task: str, settings: ConditionalSettings, counts: np.ndarray | None
    ) -> None:
        super().__init__()
        self.settings = settings
        self.task = task
        self.dropout = nn.Dropout(settings.dropout)
        self.choices = SiblingChoices(taxonomy) if task == "single" else ParentGiven(taxonomy)
        self.classifier = nn.Linear(width, self.choices.size)
        shift = torch.zeros(self.choices.size)
        if counts is not None:
            shift = settings.logit_adjustment * torch.from_numpy(self.choices.log_prior(counts)).float()
        self.register_buffer("_shift", shift, persistent=False)

    def forward(
        self, features: torch.Tensor, targets: torch.Tensor | None = None, progress: float = 0.0
    ) -> torch.Tensor:
        """Score text vectors (B, D): a logit for each choice (B, C). Targets and progress change nothing here."""
        del targets, progress
        return self.classifier(self.dropout(features))

    def loss(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Give the mean negative log-likelihood of the true paths in nats."""
        return self.choices.losses(scores.float() + self.get_buffer("_shift"), targets).mean()

    def node_proba(self, scores: torch.Tensor) -> torch.Tensor:
        """Give coherent node probabilities (B, N)."""
        return self.choices(scores.float())

    def output_rows(self) -> OutputRows:
        """Tell which rows of which weights stand for which nodes, for ``init = label-names``."""
        return [(self.classifier, self.choices.choice_nodes)]

    def end_epoch(self) -> None:
        """Nothing changes between epochs."""
