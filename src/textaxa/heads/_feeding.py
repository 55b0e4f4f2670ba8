"""What a level passes on to the level below it: its output, or in training the truth, in one of three forms.

Level logits, or true classes, come in; the tensor that the next level reads goes out.
"""

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from textaxa.heads._scoring import Scoring
from textaxa.settings import setting

FORMS = ("probabilities", "logits", "embedding")

_SURE = 0.95
"""Where the truth is fed as logits it counts as predicted with this probability: a one-hot has no finite log."""


def fed_as(default: str) -> Any:
    """Declare the setting ``fed_as``."""
    return setting(
        default,
        "The parent level's output as probabilities (bounded, like the one-hot truth); as logits, which keep more of "
        "what the parent level found unlikely; or as the expected embedding of its classes, fed_width numbers however "
        "many classes there are.",
        choices=FORMS,
    )


def fed_width() -> Any:
    """Declare the setting ``fed_width``."""
    return setting(64, "With fed_as = embedding: numbers of a class embedding.", at_least=1, at_most=8192)


class Feed(nn.Module):
    """Turns the output of one level (B, C_l) into what the next level reads, (B, ``width``)."""

    def __init__(self, scoring: Scoring, level: int, *, form: str, width: int, normalised: bool = True) -> None:
        super().__init__()
        self.normalised = normalised  # as the truth has to be, where it is fed too; a level of one class is lost so
        self.scoring = (scoring,)  # a tuple: the head holds the module, and its buffers are saved once
        self.level = level
        self.form = form
        classes = scoring.sizes[level]
        self.width = width if form == "embedding" else classes
        self.embedding = nn.Linear(classes, width, bias=False) if form == "embedding" else None

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        """Give the level's own output in its form."""
        (scoring,) = self.scoring
        if self.form == "logits":
            return F.log_softmax(logits, dim=1) if scoring.task == "single" and self.normalised else logits
        return self._embedded(scoring.proba(logits))

    def true(self, targets: torch.Tensor) -> torch.Tensor:
        """Give the truth in the same form."""
        (scoring,) = self.scoring
        truth = scoring.truth(self.level, targets)
        if self.form != "logits":
            return self._embedded(truth)
        if scoring.task == "single":
            return torch.log(_SURE * truth + (1 - _SURE) / truth.shape[1])
        return (2 * truth - 1) * math.log(_SURE / (1 - _SURE))

    def _embedded(self, proba: torch.Tensor) -> torch.Tensor:
        return proba if self.embedding is None else self.embedding(proba)
