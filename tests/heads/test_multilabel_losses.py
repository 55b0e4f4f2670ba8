"""The losses of yes-or-no answers against plain, slow NumPy."""

import math

import numpy as np
import pytest
import torch
from heads.taxonomies import KINDS

from textaxa.errors import ConfigError
from textaxa.heads import build_head, head_settings
from textaxa.heads._multilabel_losses import (
    LOSSES,
    NodeLoss,
    asymmetric_loss,
    distribution_balanced_loss,
    focal_loss,
    row_share,
    zero_bounded_loss,
)

RNG = np.random.default_rng(7)
LOGITS = RNG.normal(0, 3, (20, 6))
TARGETS = (RNG.random((20, 6)) < 0.3).astype(np.float64)
TARGETS[0] = 0  # a text without a true node
TARGETS[1] = 1
WEIGHTS = np.array([1.0, 0.5, 2.0, 1.0, 3.0, 0.1])
SHARE = np.array([0.5, 0.02, 0.9, 0.1, 0.3, 0.001])


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def slow_zero_bounded(z, y, w):
    positive = sum(w[i] * math.exp(-z[i]) for i in range(len(z)) if y[i])
    negative = sum(math.exp(z[i]) for i in range(len(z)) if not y[i])
    return math.log(1 + positive) + math.log(1 + negative)


def slow_focal(z, y, w):
    loss = 0.0
    for i in range(len(z)):
        right = sigmoid(z[i]) if y[i] else 1 - sigmoid(z[i])
        loss += (w[i] if y[i] else 1) * (1 - right) ** 2 * -math.log(right)
    return loss


def slow_asymmetric(z, y, w):
    loss = 0.0
    for i in range(len(z)):
        p = sigmoid(z[i])
        shifted = max(p - 0.05, 0)
        loss += -w[i] * math.log(p) if y[i] else -(shifted**4) * math.log(1 - shifted)
    return loss


def slow_distribution_balanced(z, y, w):
    """As Huang et al. lay it out: shift the logits, scale negatives, weigh, focus; n_i is proportional to the share."""
    loss = 0.0
    for i in range(len(z)):
        of_text = sum(y[j] / SHARE[j] for j in range(len(z)))
        r = (1 / SHARE[i]) / of_text if of_text else math.inf
        weight = 0.1 + (sigmoid(10 * (r - 0.9)) if r < 50 else 1.0)
        bias = -math.log(1 / SHARE[i] - 1) * 0.05
        shifted = z[i] + bias
        if y[i]:
            p = sigmoid(shifted)
            loss += w[i] * weight * (1 - p) ** 2 * -math.log(p)
        else:
            p = sigmoid(2 * shifted)
            loss += weight / 2 * p**2 * -math.log(1 - p)
    return loss


def tensors():
    return torch.from_numpy(LOGITS), torch.from_numpy(TARGETS), torch.from_numpy(WEIGHTS)


@pytest.mark.parametrize(
    ("ours", "slow"),
    [
        (zero_bounded_loss, slow_zero_bounded),
        (focal_loss, slow_focal),
        (asymmetric_loss, slow_asymmetric),
        (lambda *a: distribution_balanced_loss(*a, torch.from_numpy(SHARE)), slow_distribution_balanced),
    ],
    ids=["zmlce", "focal", "asymmetric", "distribution-balanced"],
)
def test_equals_the_slow_transcription(ours, slow):
    expected = [slow(z, y, WEIGHTS) for z, y in zip(LOGITS, TARGETS, strict=True)]
    np.testing.assert_allclose(ours(*tensors()).numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("kind", LOSSES)
def test_stays_finite_with_its_gradient_at_extreme_logits(kind):
    logits = torch.tensor([[80.0, -80.0, 0.0], [-80.0, 80.0, 0.0], [200.0, 200.0, -200.0]], requires_grad=True)
    targets = torch.tensor([[1.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    loss = NodeLoss(kind, np.array([5, 1, 0]), 10)(logits, targets)
    assert torch.isfinite(loss).all()
    loss.sum().backward()
    assert torch.isfinite(logits.grad).all()
    assert (loss[1:] > 1).all()  # sure and wrong is dear under every loss


@pytest.mark.parametrize("kind", LOSSES)
def test_the_gradient_pulls_true_nodes_up_and_others_down(kind):
    logits = torch.from_numpy(RNG.normal(0, 1, (20, 6))).requires_grad_()
    targets = torch.from_numpy(TARGETS)
    NodeLoss(kind, np.array([50, 5, 20, 8, 9, 3]), 100)(logits, targets).sum().backward()
    assert (logits.grad[targets > 0] < 0).all()
    assert (logits.grad[targets == 0] > 0).all()


def test_zero_bounded_spends_its_effort_on_the_worst():
    logits = torch.tensor([[-3.0, 1.0, 2.0, -4.0]], requires_grad=True)
    zero_bounded_loss(logits, torch.tensor([[1.0, 1.0, 0.0, 0.0]]), torch.ones(4)).sum().backward()
    up, easy, down, far = logits.grad[0].abs().tolist()
    assert up > 10 * easy
    assert down > 10 * far


def test_asymmetric_forgets_negatives_below_the_margin():
    loss = asymmetric_loss(torch.tensor([[-3.0]]), torch.tensor([[0.0]]), torch.ones(1))
    assert loss.item() == 0  # sigmoid(-3) = 0.047


def test_distribution_balanced_weighs_the_rare_one_of_two_that_come_together():
    """A frequent node that comes with a rare one counts for less than alone: that is what it is for."""
    share, weights = torch.tensor([0.5, 0.01]), torch.ones(2)
    alone = distribution_balanced_loss(torch.tensor([[0.0, -9.0]]), torch.tensor([[1.0, 0.0]]), weights, share)
    logits = torch.zeros(1, 2, requires_grad=True)
    distribution_balanced_loss(logits, torch.ones(1, 2), weights, share).sum().backward()
    assert logits.grad[0, 0].abs() < 0.2 * logits.grad[0, 1].abs()
    assert alone.item() > 0


def test_row_share_is_never_zero_or_one():
    np.testing.assert_allclose(row_share(np.array([0, 8, 4]), 8), [0.1, 0.9, 0.5])
    np.testing.assert_allclose(row_share(np.zeros(2), 0), 0.5)


def test_positive_weights_enter_every_loss():
    counts = np.array([90, 10])
    targets = torch.tensor([[0.0, 1.0]])
    for kind in LOSSES:
        plain = NodeLoss(kind, counts, 100)(torch.zeros(1, 2), targets)
        weighted = NodeLoss(kind, counts, 100, weighting="balanced")(torch.zeros(1, 2), targets)
        assert weighted.item() > 1.05 * plain.item(), kind


def test_smoothing_is_refused_where_it_would_do_nothing():
    with pytest.raises(ConfigError, match=r"label_smoothing = 0\.1 does nothing to the loss 'focal'"):
        NodeLoss("focal", np.zeros(3), 0, smoothing=0.1)


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("name", ["per-level", "cascade", "chained"])
def test_level_heads_train_on_the_loss_that_was_chosen(name, kind):
    taxonomy = KINDS["labels at inner nodes"]
    counts = np.arange(1, len(taxonomy) + 1)[::-1].copy()
    settings = head_settings(name)(dropout=0.0, several_paths_loss=kind)
    head = build_head(name, taxonomy, 8, task="multi", settings=settings, counts=counts).eval()
    targets = torch.zeros(5, len(taxonomy))
    for row in range(5):
        targets[row, taxonomy.ancestors.row(row).tolist()] = 1
    scores = head(torch.randn(5, 8))
    expected, start = 0.0, 0
    rows = float(counts[np.asarray(taxonomy.level(1))].sum())
    for logits in scores:
        part = slice(start, start + logits.shape[1])
        expected += NodeLoss(kind, counts[part], rows)(logits, targets[:, part]).mean().item()
        start = part.stop
    assert head.loss(scores, targets).item() == pytest.approx(expected, rel=1e-5)
