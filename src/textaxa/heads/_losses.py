"""What the heads share of their losses: cross-entropy over a level, weights of classes, weights of levels."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

_EFFECTIVE_BETA = 0.999
"""Cui et al. 2019 try 0.9 to 0.9999; 0.999 lets a class count as seen often from about 1,000 rows on."""

_DWA_TEMPERATURE = 2.0
"""Liu et al. 2019, section 3.3."""


def class_weights(kind: str, counts: np.ndarray) -> np.ndarray:
    """Weigh classes by their training counts (C,), so that the mean weight of a training row is 1.

    ``balanced`` is inverse to the count; ``effective`` inverse to the effective number of rows
    (1 - beta^n) / (1 - beta). A class without rows weighs 1: no row of it is ever seen.

    Source: Cui et al., Class-Balanced Loss Based on Effective Number of Samples, CVPR 2019, equation 2.
    """
    seen = counts > 0
    weights = np.ones(len(counts))
    if kind == "none" or not seen.any():
        return weights
    n = counts[seen].astype(np.float64)
    weights[seen] = 1 / n if kind == "balanced" else (1 - _EFFECTIVE_BETA) / (1 - _EFFECTIVE_BETA**n)
    weights[seen] *= n.sum() / (weights[seen] * n).sum()
    return weights


def smoothed(loss: torch.Tensor, logits: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Mix a loss (B,) with the cross-entropy to the even distribution over all classes of the logits (B, C)."""
    if smoothing == 0:
        return loss
    even = -F.log_softmax(logits.float(), dim=1).mean(1)
    return (1 - smoothing) * loss + smoothing * even


def binary_loss(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Give the binary cross-entropy of each text (B,), in nats, summed over the nodes of a level.

    ``weights`` (C,) multiply the positive terms; smoothing moves the targets towards one half.
    """
    targets = targets * (1 - smoothing) + smoothing / 2
    return F.binary_cross_entropy_with_logits(logits.float(), targets, pos_weight=weights, reduction="none").sum(1)


class LevelWeights(nn.Module):
    """Adds the losses of the levels to one number.

    ``equal``: the plain sum. Numbers: a weighted sum. ``uncertainty``: exp(-s) L + s / 2 with a learned s a level
    (Kendall et al. 2018, equation 10, with s the log of the variance). ``dwa``: weights softmax(r / 2) times the number
    of levels, where r is a level's loss in the last epoch over that in the one before (Liu et al. 2019, equation 7).
    """

    weights: torch.Tensor
    epoch_sum: torch.Tensor
    last_epoch: torch.Tensor

    def __init__(self, kind: str | tuple[float, ...], n_levels: int) -> None:
        super().__init__()
        self.kind = kind if isinstance(kind, str) else "fixed"
        self.batch_weight = 1.0
        """What this process's rows weigh in the mean over several processes; the training step sets it."""
        fixed = torch.ones(n_levels) if isinstance(kind, str) else torch.tensor(kind)
        self.register_buffer("weights", fixed)
        if self.kind == "uncertainty":
            self.log_variance = nn.Parameter(torch.zeros(n_levels))
        if self.kind == "dwa":
            self.register_buffer("epoch_sum", torch.zeros(n_levels))
            self.register_buffer("last_epoch", torch.zeros(n_levels))

    def forward(self, losses: torch.Tensor) -> torch.Tensor:
        """Combine level losses (n_levels,) to a scalar."""
        if self.kind == "uncertainty":
            return (torch.exp(-self.log_variance) * losses + self.log_variance / 2).sum()
        if self.kind == "dwa" and self.training:
            self.epoch_sum += self.batch_weight * losses.detach()
        return (self.weights * losses).sum()

    @torch.no_grad()
    def end_epoch(self) -> None:
        """Take the finished epoch into account; only ``dwa`` changes anything."""
        if self.kind != "dwa":
            return
        if self.last_epoch.any():
            rate = self.epoch_sum / self.last_epoch.clamp_min(1e-12)
            self.weights.copy_(len(rate) * torch.softmax(rate / _DWA_TEMPERATURE, dim=0))
        self.last_epoch.copy_(self.epoch_sum)
        self.epoch_sum.zero_()
