"""The head that reads label texts: the cosine it starts as, drawn negatives, gradients, scores along the path."""

import numpy as np
import pytest
import torch
from heads.taxonomies import KINDS
from torch.nn import functional as F  # noqa: N812

from textaxa.heads import build_head
from textaxa.heads._label_space import AlongPaths, draw
from textaxa.heads.label_text import LabelScores, LabelTextSettings
from textaxa.taxonomy import Taxonomy, label_texts

WIDTH = 12
WIDE = Taxonomy.from_paths([(f"top {i % 7}", f"node {i}") for i in range(60)])


def make(taxonomy, task="single", counts=None, **settings):
    torch.manual_seed(3)
    settings = LabelTextSettings(**{"dropout": 0.0, **settings})
    return build_head("label-text", taxonomy, WIDTH, task=task, settings=settings, counts=counts)


def smoothed_by_hand(taxonomy, scores, weight):
    """S(n) = (1 - w) s(n) + w mean of S over the parents, node by node."""
    found = np.zeros_like(scores)
    for node in range(len(taxonomy)):
        parents = taxonomy.parents.row(node)
        found[:, node] = scores[:, node]
        if len(parents):
            found[:, node] = (1 - weight) * scores[:, node] + weight * found[:, parents].mean(1)
    return found


class TestLabelTexts:
    def test_path_and_description(self):
        taxonomy = Taxonomy.from_paths([("A", "b"), ("C",)], descriptions={("A", "b"): "All of b, and more."})
        assert label_texts(taxonomy) == ["A", "C", "A > b: All of b, and more."]
        assert label_texts(taxonomy, words=4) == ["A", "C", "A > b: All"]

    def test_a_node_of_a_dag_has_its_canonical_path(self):
        taxonomy = KINDS["dag"]
        assert label_texts(taxonomy) == [" > ".join(path) for path in taxonomy.nodes]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", ["single", "multi"])
def test_the_untrained_head_is_the_cosine_along_the_path(kind, task):
    taxonomy = KINDS[kind]
    head = make(taxonomy, task, cosine_scale=30.0, parent_weight=0.4).eval()
    features = torch.randn(5, WIDTH)
    with torch.no_grad():
        logits = head(features).logits.double().numpy()
    text, labels = features.numpy(), head.label_vectors.numpy()
    cosine = (text @ labels.T) / np.linalg.norm(text, axis=1)[:, None] / np.linalg.norm(labels, axis=1)
    expected = smoothed_by_hand(taxonomy, 30 * cosine, 0.4)
    expected = expected[:, taxonomy.terminals] if task == "single" else expected + -30 * 0.35
    np.testing.assert_allclose(logits, expected, atol=1e-4)


@pytest.mark.parametrize("projection", ["own", "shared", "none"])
def test_projections_by_hand(projection):
    head = make(WIDE, projection=projection, parent_weight=0.2).eval()
    for parameter in head.projections.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    matrices = [np.eye(WIDTH) + p.linear.weight.detach().double().numpy() / WIDTH**0.5 for p in head.projections]
    features = torch.randn(4, WIDTH)
    text, labels = features.double().numpy(), head.label_vectors.double().numpy()
    if matrices:
        text, labels = text @ matrices[0].T, labels @ matrices[-1].T
    assert len(matrices) == {"own": 2, "shared": 1, "none": 0}[projection]
    cosine = (text @ labels.T) / np.linalg.norm(text, axis=1)[:, None] / np.linalg.norm(labels, axis=1)
    with torch.no_grad():
        found = head(features).logits.numpy()
    np.testing.assert_allclose(found, smoothed_by_hand(WIDE, 20 * cosine, 0.2)[:, WIDE.terminals], atol=1e-4)


def test_some_nodes_are_mixed_as_all_are():
    taxonomy = KINDS["dag"]
    along = AlongPaths(taxonomy)
    vectors, weight = torch.randn(len(taxonomy), WIDTH), torch.tensor(0.3)
    everything = along(vectors, torch.arange(len(taxonomy)), weight)
    for wanted in ([6], [2, 4], [0], [5, 6]):
        nodes = along.closure(torch.tensor(wanted))
        assert set(nodes.tolist()) == set(np.concatenate([taxonomy.ancestors.row(n) for n in wanted]).tolist())
        torch.testing.assert_close(along(vectors[nodes], nodes, weight), everything[nodes])


def test_the_scale_is_bounded_and_learns():
    head = make(WIDE, cosine_scale=5.0).train()
    targets = torch.zeros(4, dtype=torch.long)
    head.loss(head(head.label_vectors[WIDE.terminals[[0] * 4]], targets), targets).backward()
    assert head.raw_scale.grad < 0, "right answers ask for a larger factor"
    torch.nn.init.constant_(head.raw_scale, 50.0)
    with torch.no_grad():
        assert head.eval()(torch.randn(3, WIDTH)).logits.abs().max() <= 100.001


class TestDrawnNegatives:
    @pytest.mark.parametrize("task", ["single", "multi"])
    @pytest.mark.parametrize("extra", [0, 10])
    def test_as_many_as_there_are_is_the_full_loss(self, task, extra):
        size = len(WIDE.terminals) if task == "single" else len(WIDE)
        full, drawn = make(WIDE, task).train(), make(WIDE, task, negatives=size + extra).train()
        features = torch.randn(6, WIDTH)
        targets = torch.arange(6) if task == "single" else (torch.rand(6, len(WIDE)) < 0.1).float()
        losses = [head.loss(head(features, targets), targets) for head in (full, drawn)]
        torch.testing.assert_close(*losses)

    def test_the_estimated_sum_over_all_terminals_is_unbiased(self):
        """Importance weights are right: over many draws the mean of the estimated partition sum is the sum itself."""
        head = make(WIDE, negatives=8, cosine_scale=5.0).train()
        features, targets = torch.randn(3, WIDTH), torch.tensor([0, 4, 9])
        with torch.no_grad():
            exact = make(WIDE, cosine_scale=5.0).train()(features, targets).logits.exp().sum(1)
            sums = []
            for _ in range(3000):
                logits, columns, standing_for = head(features, targets)
                assert len(columns) == 11
                assert {0, 4, 9} <= set(columns.tolist())
                sums.append((logits.exp() * standing_for).sum(1))
        estimates = torch.stack(sums)
        error = estimates.std(0) / len(sums) ** 0.5
        assert ((estimates.mean(0) - exact).abs() < 4 * error).all()
        assert (error < 0.02 * exact).all()

    def test_the_drawn_loss_of_several_paths_is_unbiased(self):
        features, targets = torch.randn(3, WIDTH), torch.zeros(3, len(WIDE))
        targets[:, [0, 7]] = 1.0
        head = make(WIDE, "multi", negatives=9).train()
        with torch.no_grad():
            exact = make(WIDE, "multi").train()
            exact = exact.loss(exact(features, targets), targets)
            losses = torch.stack([head.loss(head(features, targets), targets) for _ in range(3000)])
        assert abs(losses.mean() - exact) < 4 * losses.std() / 3000**0.5

    def test_drawn_classes_stand_for_the_others(self):
        columns, standing_for = draw(torch.tensor([3, 5]), 20, 6)
        assert columns.tolist() == sorted(columns.tolist())
        assert len(set(columns.tolist())) == 8
        by_class = dict(zip(columns.tolist(), standing_for.tolist(), strict=True))
        assert by_class.pop(3) == by_class.pop(5) == 1
        assert list(by_class.values()) == [3.0] * 6

    def test_prediction_never_draws(self):
        head = make(WIDE, negatives=2).eval()
        assert head(torch.randn(2, WIDTH)).logits.shape == (2, len(WIDE.terminals))
        assert head(torch.randn(2, WIDTH), torch.tensor([0, 1])).columns is None

    def test_a_learning_encoder_reads_few_labels_of_many(self):
        wide = Taxonomy.from_paths([(f"t{i // 30}", f"n{i}") for i in range(600)])
        asked = []

        def encode(nodes):
            asked.append(nodes)
            return torch.ones(len(nodes), WIDTH)

        targets = torch.tensor([0, 599])
        make(wide).train()(torch.randn(2, WIDTH), targets, encode=encode)
        assert 66 <= len(asked[0]) <= 66 + 20
        assert {int(wide.terminals[0]), int(wide.terminals[599]), 0, 19} <= set(asked[0].tolist())
        small = make(WIDE).train()
        small(torch.randn(2, WIDTH), torch.tensor([0, 1]), encode=encode)
        assert asked[1].tolist() == list(range(len(WIDE)))


@pytest.mark.parametrize("task", ["single", "multi"])
@pytest.mark.parametrize("negatives", [0, 5])
def test_gradient_reaches_the_label_texts(task, negatives):
    head = make(WIDE, task, negatives=negatives).train()
    table = torch.randn(len(WIDE), WIDTH, requires_grad=True)
    targets = torch.tensor([2, 3])
    if task == "multi":
        targets = torch.zeros(2, len(WIDE))
        targets[:, [1, 8]] = 1
    head.loss(head(torch.randn(2, WIDTH), targets, encode=lambda nodes: table[nodes]), targets).backward()
    touched = table.grad.abs().sum(1) > 0
    if negatives:
        assert touched.sum() < len(WIDE)
    else:
        assert touched.all()
    true = WIDE.ancestors.row(int(WIDE.terminals[2])) if task == "single" else [1, 8]
    assert touched[[int(node) for node in true]].all()


def test_class_weights_count():
    counts = np.ones(len(WIDE.terminals), dtype=np.int64)
    counts[0] = 50
    head = make(WIDE, counts=counts, class_weights="balanced").train()
    scores = LabelScores(torch.zeros(1, len(WIDE.terminals)))
    common, rare = (head.loss(scores, torch.tensor([i])) for i in (0, 1))
    torch.testing.assert_close(rare / common, torch.tensor(50.0))


def test_several_paths_start_at_the_share_of_rows_of_each_level():
    taxonomy = KINDS["two levels"]
    head = make(taxonomy, "multi", counts=np.array([60, 40, 30, 30, 20, 20]))
    shares = torch.sigmoid(head.bias).tolist()
    assert shares == pytest.approx([50 / 101, 25 / 101], abs=1e-4)


def test_texts_like_their_label_get_it():
    """Zero-shot by construction: features near a label's vector; chance is 1 in 60."""
    head = make(WIDE).eval()
    truth = torch.arange(len(WIDE.terminals))
    features = head.label_vectors[WIDE.terminals.tolist()] + 0.05 * torch.randn(60, WIDTH)
    with torch.no_grad():
        found = head(F.normalize(features, dim=1)).logits.argmax(1)
    assert (found == truth).float().mean() > 0.8


def test_mixed_precision_keeps_near_labels_apart():
    head = make(WIDE).train()
    features, targets = torch.randn(4, WIDTH), torch.arange(4)
    exact = head(features, targets).logits
    with torch.autocast("cpu", torch.bfloat16):
        mixed = head(features, targets, encode=lambda nodes: head.label_vectors[nodes])
        head.loss(mixed, targets).backward()
    assert mixed.logits.dtype == torch.float32
    torch.testing.assert_close(mixed.logits, exact, atol=1e-4, rtol=1e-4)
    assert torch.isfinite(head.projections[0].linear.weight.grad).all()
