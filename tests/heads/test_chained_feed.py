"""What the child level of ``chained`` sees of its parent level."""

import itertools
import math

import pytest
import torch
from heads.taxonomies import KINDS

from textaxa.heads import build_head
from textaxa.heads.cascade import CascadeSettings
from textaxa.heads.chained import ChainedSettings, true_share

TAXONOMY = KINDS["two levels"]
WIDTH = 6
TARGETS = torch.tensor([0, 1, 2, 3] * 250)
FEATURES = torch.randn(1000, WIDTH, generator=torch.Generator().manual_seed(5))


def fed(*, progress=0.0, train=True, targets=TARGETS, task="single", **settings) -> torch.Tensor:
    """Give what the second level's classifier is handed beside the text."""
    torch.manual_seed(0)
    head = build_head("chained", TAXONOMY, WIDTH, task=task, settings=ChainedSettings(dropout=0.0, **settings))
    head.train(train)
    seen: list[torch.Tensor] = []
    head.classifiers[1].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    head(FEATURES, targets, progress)
    text, parent = seen[0][:, :WIDTH], seen[0][:, WIDTH:]
    torch.testing.assert_close(text, FEATURES)
    return parent


def predicted(**settings) -> torch.Tensor:
    return fed(train=False, targets=None, **settings)


TRUTH = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]] * 250)


def test_true_feeds_the_true_parent():
    torch.testing.assert_close(fed(feed="true"), TRUTH)


def test_masked_hides_the_parent_in_the_stated_share_of_rows():
    rows = fed(feed="masked", mask_rate=0.3)
    hidden = (rows == 0).all(1)
    assert hidden.float().mean().item() == pytest.approx(0.3, abs=0.05)
    torch.testing.assert_close(rows[~hidden], TRUTH[~hidden])


def test_predicted_feeds_the_own_softmax_in_training_too():
    rows = fed(feed="predicted")
    torch.testing.assert_close(rows, predicted())
    torch.testing.assert_close(rows.sum(1), torch.ones(1000))


@pytest.mark.parametrize("feed", ["true", "masked", "predicted", "scheduled"])
def test_prediction_never_sees_the_truth(feed):
    torch.testing.assert_close(fed(feed=feed, train=False), predicted())


def test_scheduled_goes_from_true_to_predicted():
    def share(progress: float) -> float:
        rows = fed(feed="scheduled", schedule_share=0.5, progress=progress)
        return (rows == TRUTH).all(1).float().mean().item()

    assert share(0.0) == 1.0
    assert share(0.25) == pytest.approx(0.5, abs=0.05)
    assert share(0.5) == 0.0
    assert share(1.0) == 0.0


def test_the_curves_fall_from_one_to_zero():
    for curve in ("linear", "inverse-sigmoid"):
        values = [true_share(i / 20, curve) for i in range(21)]
        assert values[0] == pytest.approx(1, abs=0.01)
        assert values[-1] == 0
        assert all(a >= b for a, b in itertools.pairwise(values))


def test_detach_stops_the_gradient_of_the_child_in_the_parent():
    def gradient(detach: bool) -> float:
        torch.manual_seed(0)
        settings = ChainedSettings(feed="predicted", detach=detach, level_weights=(0.0, 1.0), dropout=0.0)
        head = build_head("chained", TAXONOMY, WIDTH, task="single", settings=settings)
        head.loss(head(FEATURES, TARGETS), TARGETS).backward()
        return head.classifiers[0].weight.grad.abs().sum().item()

    assert gradient(detach=True) == 0
    assert gradient(detach=False) > 0


def test_logits_are_log_probabilities_and_the_truth_is_a_sure_one():
    logs = predicted(fed_as="logits")
    torch.testing.assert_close(logs.exp(), predicted())
    true = fed(feed="true", fed_as="logits")
    torch.testing.assert_close(true.exp(), 0.95 * TRUTH + 0.05 / 2)


def test_several_paths_feed_sigmoids():
    targets = torch.zeros(1000, len(TAXONOMY))
    targets[:, [0, 2]] = 1
    torch.testing.assert_close(fed(feed="true", targets=targets, task="multi"), targets[:, :2])
    logits = fed(feed="true", fed_as="logits", targets=targets, task="multi")
    torch.testing.assert_close(torch.sigmoid(logits), 0.95 * targets[:, :2] + 0.05 * (1 - targets[:, :2]))
    assert math.isfinite(logits.sum().item())


@pytest.mark.parametrize("task", ["single", "multi"])
def test_an_embedding_is_the_expected_one(task):
    torch.manual_seed(0)
    settings = ChainedSettings(dropout=0.0, feed="predicted", fed_as="embedding", fed_width=3)
    head = build_head("chained", TAXONOMY, WIDTH, task=task, settings=settings)
    seen: list[torch.Tensor] = []
    head.classifiers[1].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    scores = head(FEATURES)
    proba = torch.softmax(scores[0], 1) if task == "single" else torch.sigmoid(scores[0])
    assert seen[0].shape == (1000, WIDTH + 3)
    torch.testing.assert_close(seen[0][:, WIDTH:], proba @ head.feeds[0].embedding.weight.T)


def test_nothing_fed_is_per_level():
    torch.manual_seed(3)
    chained = build_head("chained", TAXONOMY, WIDTH, task="single", settings=ChainedSettings(feed="nothing"))
    torch.manual_seed(3)
    per_level = build_head("per-level", TAXONOMY, WIDTH, task="single")
    for a, b in zip(chained.eval()(FEATURES), per_level.eval()(FEATURES), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("form", ["probabilities", "logits", "embedding"])
@pytest.mark.parametrize("task", ["single", "multi"])
def test_cascade_passes_on_nothing_but_the_stated_form(form, task):
    torch.manual_seed(0)
    settings = CascadeSettings(dropout=0.0, fed_as=form, fed_width=3)
    head = build_head("cascade", TAXONOMY, WIDTH, task=task, settings=settings)
    seen: list[torch.Tensor] = []
    head.classifiers[1].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    logits = head(FEATURES)[0]
    proba = torch.softmax(logits, 1) if task == "single" else torch.sigmoid(logits)
    expected = {"logits": lambda: logits, "probabilities": lambda: proba}.get(
        form, lambda: proba @ head.feeds[0].embedding.weight.T
    )()
    torch.testing.assert_close(seen[0], expected)
