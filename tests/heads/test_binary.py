"""The max-constraint, its loss and its memory; what a single-path task makes of yes-or-no answers."""

import itertools

import numpy as np
import pytest
import torch
from heads.taxonomies import KINDS

from textaxa.heads import build_head
from textaxa.heads._multilabel_losses import LOSSES
from textaxa.heads.binary import BinarySettings, MaxConstraint, closed_counts
from textaxa.taxonomy import Taxonomy

WIDTH = 8


def make(taxonomy: Taxonomy, task: str = "multi", counts=None, **settings):
    torch.manual_seed(2)
    settings = BinarySettings(dropout=0.0, **settings)
    return build_head("binary", taxonomy, WIDTH, task=task, settings=settings, counts=counts).eval()


def closed(taxonomy: Taxonomy, n: int) -> torch.Tensor:
    rng = np.random.default_rng(4)
    targets = torch.zeros(n, len(taxonomy))
    for row in range(n):
        for node in rng.integers(0, len(taxonomy), 2):
            targets[row, taxonomy.ancestors.row(int(node)).tolist()] = 1
    return targets


@pytest.mark.parametrize("kind", KINDS)
def test_a_node_gets_the_largest_score_at_or_below_it(kind):
    taxonomy = KINDS[kind]
    scores = torch.randn(30, len(taxonomy))
    expected = torch.stack(
        [scores[:, taxonomy.descendants.row(n).tolist()].amax(1) for n in range(len(taxonomy))], dim=1
    )
    torch.testing.assert_close(MaxConstraint(taxonomy)(scores), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_that_of_the_paper(kind):
    """-sum of y ln(max over true D of h) + (1 - y) ln(1 - max over D of h), D the nodes at or below: slow NumPy."""
    taxonomy = KINDS[kind]
    head = make(taxonomy)
    features, truth = torch.randn(12, WIDTH), closed(taxonomy, 12)
    scores = head(features)
    h, y = torch.sigmoid(scores.detach().double()).numpy(), truth.numpy()
    expected = 0.0
    for row, node in itertools.product(range(12), range(len(taxonomy))):
        below = taxonomy.descendants.row(node).tolist()
        best = max(y[row, below] * h[row, below]) if y[row, node] else max(h[row, below])
        expected -= np.log(best if y[row, node] else 1 - best)
    assert head.loss(scores, truth).item() == pytest.approx(expected / 12, rel=1e-5)


def test_a_wrong_child_earns_nothing_for_its_true_parent():
    taxonomy = KINDS["two levels"]
    wrong, right = taxonomy.index(("A", "x")), taxonomy.index(("A", "y"))
    truth = torch.zeros(1, len(taxonomy))
    truth[0, taxonomy.ancestors.row(right).tolist()] = 1
    scores = torch.full((1, len(taxonomy)), -4.0)
    scores[0, wrong] = 3.0  # it alone holds the parent's constrained score up
    scores.requires_grad_()
    make(taxonomy).loss(scores, truth).backward()
    assert scores.grad[0, wrong] > 0.9  # only pushed down; a max over all children would also have pulled it up
    assert scores.grad[0, taxonomy.ancestors.row(right).tolist()].sum() < -1.9


def test_probabilities_of_several_paths_are_the_largest_below():
    taxonomy = KINDS["dag"]
    head = make(taxonomy)
    with torch.no_grad():
        scores = head(torch.randn(9, WIDTH))
        proba = head.node_proba(scores)
    own = torch.sigmoid(scores)
    for node in range(len(taxonomy)):
        torch.testing.assert_close(proba[:, node], own[:, taxonomy.descendants.row(node).tolist()].amax(1))


def test_cut_trains_without_the_constraint_and_lowers_children():
    taxonomy = KINDS["dag"]
    head = make(taxonomy, coherence="cut")
    scores, truth = head(torch.randn(9, WIDTH)).detach(), closed(taxonomy, 9)
    plain = torch.nn.functional.binary_cross_entropy_with_logits(scores, truth, reduction="none").sum(1).mean()
    torch.testing.assert_close(head.loss(scores, truth), plain)
    own = torch.sigmoid(scores)
    for node in range(len(taxonomy)):
        lowest = own[:, taxonomy.ancestors.row(node).tolist()].amin(1)
        torch.testing.assert_close(head.node_proba(scores)[:, node], lowest)


@pytest.mark.parametrize("kind", ["uneven depth", "labels at inner nodes", "dag"])
@pytest.mark.parametrize("coherence", ["max", "cut"])
def test_one_path_is_independent_answers_given_that_they_are_a_path(kind, coherence):
    """Against the definition: all 2^N answers, those that are no closure of a terminal struck out."""
    taxonomy = KINDS[kind]
    head = make(taxonomy, "single", coherence=coherence)
    with torch.no_grad():
        scores = head(torch.randn(4, WIDTH))
        found = head.node_proba(scores).numpy()
        constrained = (MaxConstraint(taxonomy)(scores) if coherence == "max" else scores).double()
    p = torch.sigmoid(constrained).numpy()
    paths = {
        tuple(np.isin(np.arange(len(taxonomy)), taxonomy.ancestors.row(int(t)).tolist())) for t in taxonomy.terminals
    }
    expected = np.zeros_like(p)
    for answers in itertools.product([False, True], repeat=len(taxonomy)):
        if answers in paths:
            chance = np.where(answers, p, 1 - p).prod(1)
            expected += chance[:, None] * np.array(answers)
    expected /= sum(np.where(answers, p, 1 - p).prod(1) for answers in paths)[:, None]
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_one_path_is_trained_on_the_closure_of_its_terminal():
    taxonomy = KINDS["dag"]
    single, several = make(taxonomy, "single"), make(taxonomy)
    scores, targets = torch.randn(7, len(taxonomy)), torch.arange(7) % len(taxonomy.terminals)
    truth = torch.zeros(7, len(taxonomy))
    for row, terminal in enumerate(targets):
        truth[row, taxonomy.ancestors.row(int(taxonomy.terminals[terminal])).tolist()] = 1
    torch.testing.assert_close(single.loss(scores, targets), several.loss(scores, truth))


def test_counts_of_terminals_become_those_of_nodes():
    taxonomy = KINDS["labels at inner nodes"]
    counts = np.arange(1, len(taxonomy.terminals) + 1)
    expected = np.zeros(len(taxonomy))
    for terminal, count in zip(taxonomy.terminals, counts, strict=True):
        expected[taxonomy.ancestors.row(int(terminal)).tolist()] += count
    np.testing.assert_array_equal(closed_counts(taxonomy, counts), expected)


def test_training_starts_at_the_share_of_rows():
    taxonomy = KINDS["two levels"]
    head = make(taxonomy, "single", counts=np.array([70, 10, 18, 0]))
    bias = torch.sigmoid(head.classifier.bias).detach().numpy()
    np.testing.assert_allclose(bias, np.array([81, 19, 71, 11, 19, 1]) / 100, atol=1e-6)


def test_memory_grows_with_nodes_and_edges_not_with_their_square():
    """What autograd keeps for the constrained loss of B texts: a few times B (N + E), a hundredth of B N^2."""

    def kept(n_top: int) -> tuple[int, int]:
        taxonomy = Taxonomy.from_paths(
            [(f"a{i}", f"b{j}", f"c{k}") for i in range(n_top) for j in (0, 1) for k in (0, 1)]
        )
        constraint, size = MaxConstraint(taxonomy), 0
        scores = torch.randn(4, len(taxonomy), requires_grad=True)
        truth = closed(taxonomy, 4)

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            nonlocal size
            size += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            constraint.in_training(scores, truth).sum().backward()
        return size, len(taxonomy)

    size, n = kept(200)
    assert n == 1400
    assert size < 20 * 4 * n
    larger, n_larger = kept(400)
    assert larger / size == pytest.approx(n_larger / n, rel=0.05)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("coherence", ["max", "cut"])
@pytest.mark.parametrize("task", ["single", "multi"])
def test_learns_with_every_loss(task, coherence, loss):
    taxonomy = KINDS["dag"]
    truth = torch.eye(len(taxonomy.terminals)).repeat(8, 1)
    targets = torch.arange(len(taxonomy.terminals)).repeat(8)
    nodes = torch.zeros(len(targets), len(taxonomy))
    for row, terminal in enumerate(targets):
        nodes[row, taxonomy.ancestors.row(int(taxonomy.terminals[terminal])).tolist()] = 1
    counts = np.full(len(taxonomy.terminals), 8) if task == "single" else nodes.sum(0).numpy()
    head = make(taxonomy, task, counts=counts, loss=loss, coherence=coherence).train()
    features = torch.nn.functional.pad(truth, (0, WIDTH - truth.shape[1]))
    optimizer = torch.optim.Adam(head.parameters(), lr=0.1)
    for _ in range(150):
        optimizer.zero_grad()
        head.loss(head(features), targets if task == "single" else nodes).backward()
        optimizer.step()
    with torch.no_grad():
        found = head.eval().node_proba(head(features)) >= 0.5
    assert (found == (nodes > 0)).all()
