"""The conditional head against plain NumPy: every way to every node is walked one by one."""

import numpy as np
import pytest
import torch
from heads.taxonomies import KINDS

from textaxa.heads import build_head
from textaxa.heads._choices import log_softmax_by_group
from textaxa.heads.conditional import ConditionalSettings
from textaxa.taxonomy import Taxonomy

WIDTH = 5
ROOT = -1


def make(taxonomy: Taxonomy, task: str = "single", counts=None, **settings):
    torch.manual_seed(2)
    settings = ConditionalSettings(dropout=0.0, **settings)
    head = build_head("conditional", taxonomy, WIDTH, task=task, settings=settings, counts=counts)
    torch.nn.init.normal_(head.classifier.weight)
    return head.eval()


def choices(taxonomy: Taxonomy, node: int) -> list[tuple[str, int]]:
    """Give what can be chosen at a node: its children, and to end here."""
    if node == ROOT:
        return [("to", int(top)) for top in taxonomy.level(1)]
    children = [("to", int(child)) for child in taxonomy.children.row(node)]
    return [*children, ("end", node)] if children and taxonomy.is_terminal[node] else children


def column_of(taxonomy: Taxonomy) -> dict[tuple[int, tuple[str, int]], int]:
    """Say which logit stands for which choice: edges by child and then parent, then the ends."""
    edges = [
        (parent, ("to", child))
        for child in range(len(taxonomy))
        for parent in (map(int, taxonomy.parents.row(child)) if len(taxonomy.parents.row(child)) else [ROOT])
    ]
    inner = [int(t) for t in taxonomy.terminals if len(taxonomy.children.row(int(t)))]
    return {key: i for i, key in enumerate([*edges, *((node, ("end", node)) for node in inner)])}


def brute_force(taxonomy: Taxonomy, logits: np.ndarray) -> dict[int, float]:
    """Give P(the path ends exactly at each terminal) by walking every path from the root."""
    column, exact = column_of(taxonomy), {int(t): 0.0 for t in taxonomy.terminals}

    def walk(node: int, probability: float) -> None:
        options = choices(taxonomy, node)
        if not options:
            exact[node] += probability
            return
        odds = np.exp([logits[column[node, option]] for option in options])
        for option, share in zip(options, odds / odds.sum(), strict=True):
            if option[0] == "end":
                exact[node] += probability * share
            else:
                walk(option[1], probability * share)

    walk(ROOT, 1.0)
    return exact


@pytest.mark.parametrize("kind", KINDS)
def test_one_path_is_the_product_down_every_way(kind):
    taxonomy = KINDS[kind]
    head, features = make(taxonomy), torch.randn(4, WIDTH)
    with torch.no_grad():
        logits = head(features)
        found = head.node_proba(logits).numpy()
        losses = [head.choices.losses(logits, torch.full((4,), t)).numpy() for t in range(len(taxonomy.terminals))]
    for row in range(4):
        exact = brute_force(taxonomy, logits[row].double().numpy())
        assert sum(exact.values()) == pytest.approx(1)
        for node in range(len(taxonomy)):
            below = [t for t in exact if node in taxonomy.ancestors.row(t)]
            assert found[row, node] == pytest.approx(sum(exact[t] for t in below), abs=1e-6)
        for position, terminal in enumerate(map(int, taxonomy.terminals)):
            assert losses[position][row] == pytest.approx(-np.log(exact[terminal]), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_several_paths_are_shares_of_the_smallest_parent(kind):
    taxonomy = KINDS[kind]
    head, features = make(taxonomy, "multi"), torch.randn(4, WIDTH)
    with torch.no_grad():
        logits = head(features)
        found = head.node_proba(logits).numpy()
    share = 1 / (1 + np.exp(-logits.double().numpy()))
    for row in range(4):
        expected: list[float] = []
        for node in range(len(taxonomy)):
            above = [expected[parent] for parent in taxonomy.parents.row(node)]
            expected.append(share[row, node] * min([1.0, *above]))
        np.testing.assert_allclose(found[row], expected, atol=1e-6)


def test_a_node_is_not_asked_for_where_a_parent_is_false():
    taxonomy = KINDS["two levels"]
    head = make(taxonomy, "multi")
    targets = torch.zeros(1, len(taxonomy))
    targets[0, [taxonomy.index(("A",)), taxonomy.index(("A", "x"))]] = 1
    features = torch.randn(1, WIDTH)
    head.zero_grad()
    head.loss(head(features), targets).backward()
    asked = head.classifier.weight.grad.abs().sum(1) > 0
    expected = [path == ("B",) or path[0] == "A" for path in taxonomy.nodes]
    assert asked.tolist() == expected


def test_logit_adjustment_is_for_training_alone_and_has_the_priors_of_siblings():
    taxonomy = KINDS["labels at inner nodes"]
    counts = np.arange(1, len(taxonomy.terminals) + 1) * 3
    plain, adjusted = make(taxonomy, counts=counts), make(taxonomy, counts=counts, logit_adjustment=1.5)
    features, targets = torch.randn(6, WIDTH), torch.arange(6) % len(taxonomy.terminals)
    with torch.no_grad():
        torch.testing.assert_close(plain.node_proba(plain(features)), adjusted.node_proba(adjusted(features)))
        assert plain.loss(plain(features), targets) != adjusted.loss(adjusted(features), targets)
    shift = adjusted.get_buffer("_shift").numpy() / 1.5
    here = dict(zip(map(int, taxonomy.terminals), counts, strict=True))
    for (parent, option), column in column_of(taxonomy).items():
        rows = {}
        for other in choices(taxonomy, parent):
            below = [t for t in here if other[1] in taxonomy.ancestors.row(t)]
            rows[other] = (here[other[1]] if other[0] == "end" else sum(here[t] for t in below)) + 1
        assert shift[column] == pytest.approx(np.log(rows[option] / sum(rows.values())), abs=1e-6)


def test_large_logits_do_not_overflow_and_groups_do_not_touch_each_other():
    logits = torch.tensor([[1000.0, 1001.0, -2000.0, -2000.0, 3.0]], requires_grad=True)
    group = torch.tensor([0, 0, 3, 3, 2])
    found = log_softmax_by_group(logits, group, 4)
    expected = torch.tensor([[-1.313262, -0.313262, -0.693147, -0.693147, 0.0]])
    torch.testing.assert_close(found.detach(), expected, atol=1e-4, rtol=0)
    found[0, 0].backward()
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad[0, 2:] == 0).all()
