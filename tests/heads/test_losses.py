"""The losses against plain NumPy."""

import numpy as np
import pytest
import torch
from heads.taxonomies import KINDS

from textaxa.heads import build_head, head_settings
from textaxa.heads._losses import LevelWeights, class_weights
from textaxa.heads.chained import ChainedSettings
from textaxa.heads.flat import FlatSettings
from textaxa.heads.per_level import PerLevelSettings

RNG = np.random.default_rng(0)


def log_softmax(x: np.ndarray) -> np.ndarray:
    return x - np.log(np.exp(x).sum(1, keepdims=True))


def test_flat_loss_with_smoothing_and_class_weights():
    taxonomy = KINDS["uneven depth"]
    counts = np.array([10, 1, 4, 5])
    settings = FlatSettings(dropout=0.0, label_smoothing=0.2, class_weights="balanced")
    head = build_head("flat", taxonomy, 8, task="single", settings=settings, counts=counts)
    targets = RNG.integers(0, 4, 20)
    features = torch.randn(20, 8)
    scores = head(features)
    logs = log_softmax(scores.detach().double().numpy())
    weight = (20 / (4 * counts))[targets]  # scikit-learn's "balanced"
    expected = np.mean(weight * (0.8 * -logs[np.arange(20), targets] + 0.2 * -logs.mean(1)))
    assert head.loss(scores, torch.from_numpy(targets)).item() == pytest.approx(expected, rel=1e-5)


def test_balanced_weights_are_those_of_scikit_learn():
    from sklearn.utils.class_weight import compute_class_weight

    rows = np.repeat([0, 1, 2], [50, 3, 7])
    ours = class_weights("balanced", np.bincount(rows))
    np.testing.assert_allclose(ours, compute_class_weight("balanced", classes=np.arange(3), y=rows))


def test_effective_number_weights():
    counts = np.array([1, 10, 1000, 0])
    raw = (1 - 0.999) / (1 - 0.999 ** counts[:3])
    ours = class_weights("effective", counts)
    np.testing.assert_allclose(ours[:3] / ours[0], raw / raw[0])
    assert (ours[:3] * counts[:3]).sum() == pytest.approx(counts.sum())
    assert ours[3] == 1


@pytest.mark.parametrize("kind", ["uneven depth", "labels at inner nodes", "dag"])
def test_level_loss_is_the_weighted_sum_of_cross_entropies(kind):
    taxonomy = KINDS[kind]
    weights = tuple(range(1, taxonomy.n_levels + 1))
    settings = PerLevelSettings(dropout=0.0, level_weights=weights)
    head = build_head("per-level", taxonomy, 8, task="single", settings=settings)
    targets = RNG.integers(0, len(taxonomy.terminals), 15)
    scores = head(torch.randn(15, 8))
    expected = 0.0
    for level in range(1, taxonomy.n_levels + 1):
        ended = [int(t) for t in taxonomy.terminals if taxonomy.depth[t] < level]
        classes = [*map(int, taxonomy.level(level)), *ended]
        proba = np.exp(log_softmax(scores[level - 1].detach().double().numpy()))
        losses = []
        for row, position in enumerate(targets):
            terminal = int(taxonomy.terminals[position])
            above = [n for n in taxonomy.ancestors.row(terminal) if taxonomy.depth[n] == level]
            true = [terminal] if taxonomy.depth[terminal] < level else above
            losses.append(-np.log(sum(proba[row, classes.index(int(n))] for n in true)))
        expected += level * np.mean(losses)
    assert head.loss(scores, torch.from_numpy(targets)).item() == pytest.approx(expected, rel=1e-5)


def test_several_paths_loss_is_binary_cross_entropy_summed_over_nodes():
    taxonomy = KINDS["two levels"]
    settings = ChainedSettings(dropout=0.0, label_smoothing=0.1)
    head = build_head("chained", taxonomy, 8, task="multi", settings=settings).eval()
    targets = RNG.integers(0, 2, (12, len(taxonomy))).astype(np.float32)
    scores = head(torch.randn(12, 8))
    p = 1 / (1 + np.exp(-torch.cat(scores, 1).detach().double().numpy()))
    t = targets * 0.9 + 0.05
    expected = -(t * np.log(p) + (1 - t) * np.log(1 - p)).sum(1).mean()
    assert head.loss(scores, torch.from_numpy(targets)).item() == pytest.approx(expected, rel=1e-5)


def test_uncertainty_weights_follow_kendall():
    weights = LevelWeights("uncertainty", 2)
    with torch.no_grad():
        weights.log_variance.copy_(torch.tensor([0.5, -1.0]))
    losses = torch.tensor([2.0, 3.0])
    expected = np.exp(-0.5) * 2 + 0.25 + np.exp(1.0) * 3 - 0.5
    assert weights(losses).item() == pytest.approx(expected, rel=1e-6)


def test_dynamic_weights_follow_the_rate_of_descent():
    weights = LevelWeights("dwa", 2).train()
    for losses in ([4.0, 4.0], [2.0, 4.0]):
        assert weights(torch.tensor(losses)).item() == pytest.approx(sum(losses))  # equal until two epochs are known
        weights.end_epoch()
    rate = np.exp(np.array([0.5, 1.0]) / 2)
    np.testing.assert_allclose(weights.weights.numpy(), 2 * rate / rate.sum(), rtol=1e-6)


def test_dynamic_weights_survive_saving():
    weights = LevelWeights("dwa", 2).train()
    for losses in ([4.0, 4.0], [2.0, 4.0]):
        weights(torch.tensor(losses))
        weights.end_epoch()
    other = LevelWeights("dwa", 2)
    other.load_state_dict(weights.state_dict())
    torch.testing.assert_close(other.weights, weights.weights)
    torch.testing.assert_close(other.last_epoch, weights.last_epoch)


@pytest.mark.parametrize("name", ["flat", "per-level", "cascade", "chained"])
def test_class_weights_raise_the_rare_class(name):
    """With a rare and a frequent class that the features cannot tell apart, balancing lifts the rare one to a half."""
    taxonomy = KINDS["two levels"]
    counts = np.array([90, 10, 0, 0])
    targets = torch.from_numpy(np.repeat([0, 1], [90, 10]))
    features = torch.ones(100, 4)

    def rare(kind: str) -> float:
        torch.manual_seed(0)
        settings = head_settings(name)(dropout=0.0, class_weights=kind)
        head = build_head(name, taxonomy, 4, task="single", settings=settings, counts=counts)
        optimizer = torch.optim.Adam(head.parameters(), lr=0.05)
        for _ in range(150):
            optimizer.zero_grad()
            head.loss(head(features, targets), targets).backward()
            optimizer.step()
        with torch.no_grad():
            proba = head.eval().node_proba(head(features[:1]))
        return proba[0, int(taxonomy.terminals[1])].item()

    assert rare("none") == pytest.approx(0.1, abs=0.05)
    assert rare("balanced") == pytest.approx(0.5, abs=0.1)
