"""Losses of yes-or-no answers: logits and truth of some nodes (B, C) in, one number a text (B,) out.

Each sums over the nodes, so that a text weighs the same whatever the loss. All but the first leave label smoothing out.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from textaxa.errors import ConfigError
from textaxa.heads._losses import binary_loss, class_weights

_FOCUS = 2.0
"""Lin et al. 2017, section 5.1: 2 works best of 0 to 5. Their alpha is left out: ``class_weights`` does its work."""

_NEGATIVE_FOCUS, _MARGIN = 4.0, 0.05
"""Gamma- and m of Ridnik et al. 2021; their gamma+ is 0, so positives stand as they are."""

_FLOOR, _STEEPNESS, _CENTRE = 0.1, 10.0, 0.9
"""Alpha, beta and mu of the weight of a node, as Huang et al. 2021 have them for text (Reuters-21578)."""

_BIAS_SHARE, _NEGATIVE_SCALE = 0.05, 2.0
"""Kappa and lambda, from the same place."""


def zero_bounded_loss(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Give log(1 + sum of exp(-z) over true nodes) + log(1 + sum of exp(z) over the others), (B,), in nats.

    It asks that every true node scores above 0 and every other below, and spends its effort on the worst ones, so that
    many easy negatives do not drown a few positives. ``weights`` (C,) multiply the terms of true nodes.

    Source: the zero-bounded multi-label cross-entropy of HPT (Wang et al., EMNLP 2022).
    """
    zero = logits.new_zeros(len(logits), 1)
    true = targets > 0
    positive = (torch.log(weights) - logits).masked_fill(~true, -torch.inf)
    negative = logits.masked_fill(true, -torch.inf)
    return torch.logsumexp(torch.cat([zero, positive], 1), 1) + torch.logsumexp(torch.cat([zero, negative], 1), 1)


def focal_loss(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Give the binary cross-entropy with each term times (1 - P(the right answer)) ** 2, summed over nodes, (B,).

    Source: Lin et al., Focal Loss for Dense Object Detection, ICCV 2017, equation 4.
    """
    positive = torch.sigmoid(-logits) ** _FOCUS * F.softplus(-logits)
    negative = torch.sigmoid(logits) ** _FOCUS * F.softplus(logits)
    return torch.where(targets > 0, weights * positive, negative).sum(1)


def asymmetric_loss(logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Give the focal loss that looks away from easy negatives only, summed over nodes, (B,).

    A negative's probability p counts as max(p - 0.05, 0), to the power 4; positives are not focused. Negatives below
    5 % drop out altogether.

    Source: Ridnik et al., Asymmetric Loss For Multi-Label Classification, ICCV 2021.
    """
    positive = F.softplus(-logits)
    shifted = (torch.sigmoid(logits) - _MARGIN).clamp_min(0)
    # log1p(-p) of the shifted p has no pole: p is at most 0.95.
    negative = -(shifted**_NEGATIVE_FOCUS) * torch.log1p(-shifted)
    return torch.where(targets > 0, weights * positive, negative).sum(1)


def distribution_balanced_loss(
    logits: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor, share: torch.Tensor
) -> torch.Tensor:
    """Give the focal loss re-weighted for labels that come together, lenient with negatives, summed over nodes, (B,).

    ``share`` (C,) is the share of training rows at each node, inside (0, 1). A node weighs
    0.1 + sigmoid(10 (r - 0.9)), where r is its inverse share over the sum of the inverse shares of the text's true
    nodes. Logits are shifted by 0.05 times the node's log-odds, and negatives are scored at twice the logit with half
    the weight.

    Source: Wu et al., Distribution-Balanced Loss, ECCV 2020, with the constants for text of Huang et
    al., EMNLP 2021 (their loss is half of this one).
    """
    inverse = 1 / share
    of_text = (targets * inverse).sum(1, keepdim=True)
    ratio = inverse / of_text.clamp_min(torch.finfo(inverse.dtype).tiny)  # a text without a true node here: very large
    rebalanced = _FLOOR + torch.sigmoid(_STEEPNESS * (ratio - _CENTRE))
    shifted = logits + _BIAS_SHARE * torch.logit(share)
    positive = torch.sigmoid(-shifted) ** _FOCUS * F.softplus(-shifted)
    scaled = _NEGATIVE_SCALE * shifted
    negative = torch.sigmoid(scaled) ** _FOCUS * F.softplus(scaled) / _NEGATIVE_SCALE
    return (rebalanced * torch.where(targets > 0, weights * positive, negative)).sum(1)


LOSSES = ("bce", "zmlce", "focal", "asymmetric", "distribution-balanced")


class NodeLoss(nn.Module):
    """The loss of a group of nodes, chosen by name.

    Parameters
    ----------
    kind
        One of ``LOSSES``.
    counts
        Training rows at each node, (C,); None where nothing will be trained.
    rows
        Training rows in all.
    weighting
        How positives are weighed: see `textaxa.heads._losses.class_weights`.
    smoothing
        Moves the targets of ``bce`` towards one half.

    Raises
    ------
    ConfigError
        Smoothing is asked for with another loss than ``bce``.
    """

    def __init__(
        self, kind: str, counts: np.ndarray, rows: float, *, weighting: str = "none", smoothing: float = 0.0
    ) -> None:
        super().__init__()
        if smoothing and kind != "bce":
            raise ConfigError(
                f"label_smoothing = {smoothing} does nothing to the loss {kind!r}, which has no smoothed form. Set it "
                "to 0, or use the loss 'bce'."
            )
        self.kind = kind
        self.smoothing = smoothing
        weights = torch.from_numpy(class_weights(weighting, counts)).float()
        self.register_buffer("_weights", weights, persistent=False)
        self.register_buffer("_share", torch.from_numpy(row_share(counts, rows)).float(), persistent=False)

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Give the loss of each text (B,) from logits and truth, 0 or 1, (B, C)."""
        logits, weights = logits.float(), self.get_buffer("_weights")
        if self.kind == "bce":
            return binary_loss(logits, targets, weights, self.smoothing)
        if self.kind == "zmlce":
            return zero_bounded_loss(logits, targets, weights)
        if self.kind == "distribution-balanced":
            return distribution_balanced_loss(logits, targets, weights, self.get_buffer("_share"))
        return (focal_loss if self.kind == "focal" else asymmetric_loss)(logits, targets, weights)


def row_share(counts: np.ndarray, rows: float) -> np.ndarray:
    """Give the share of training rows at each node, (C,), with one row more of each kind so that none is 0 or 1."""
    return (np.minimum(counts, rows) + 1) / (rows + 2)
