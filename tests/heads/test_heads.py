"""Every head on every kind of taxonomy: coherent, the same alone and in a batch, able to learn."""

import numpy as np
import pytest
import torch
from heads.taxonomies import KINDS

from textaxa.errors import ConfigError
from textaxa.heads import HEADS, build_head, head_class, head_settings
from textaxa.heads.cascade import CascadeSettings
from textaxa.heads.chained import ChainedSettings
from textaxa.heads.per_level import PerLevelSettings
from textaxa.taxonomy import Taxonomy

WIDTH = 12
VECTOR_HEADS = [head for head in HEADS if head_class(head).reads == "vectors"]
SINGLE_PATH_HEADS = [head for head in VECTOR_HEADS if "single" in head_class(head).tasks]
CASES = [(head, task) for head in VECTOR_HEADS for task in head_class(head).tasks]


def make(name: str, taxonomy: Taxonomy, task: str = "single", **settings):
    torch.manual_seed(1)
    head = build_head(name, taxonomy, WIDTH, task=task, settings=head_settings(name)(**settings))
    for parameter in head.parameters():  # far from uniform, so that a wrong sum shows
        torch.nn.init.normal_(parameter, std=0.4)
    return head.eval()


def node_proba(head, features: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        return head.node_proba(head(features)).numpy()


def random_targets(taxonomy: Taxonomy, task: str, n: int) -> torch.Tensor:
    rng = np.random.default_rng(3)
    if task == "single":
        return torch.from_numpy(rng.integers(0, len(taxonomy.terminals), n))
    targets = np.zeros((n, len(taxonomy)), dtype=np.float32)
    for row in range(n):
        for node in rng.integers(0, len(taxonomy), 2):
            targets[row, taxonomy.ancestors.row(int(node))] = 1
    return torch.from_numpy(targets)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "task"), CASES)
class TestEveryHead:
    def test_a_child_is_never_above_its_parent(self, name, task, kind):
        taxonomy = KINDS[kind]
        proba = node_proba(make(name, taxonomy, task), torch.randn(50, WIDTH))
        assert proba.shape == (50, len(taxonomy))
        assert proba.dtype == np.float32
        assert (proba >= 0).all()
        assert (proba <= 1).all()
        for node in range(len(taxonomy)):
            for parent in taxonomy.parents.row(node):
                assert (proba[:, node] <= proba[:, parent]).all()

    def test_the_same_alone_and_in_a_batch(self, name, task, kind):
        head = make(name, KINDS[kind], task)
        features = torch.randn(9, WIDTH)
        together = node_proba(head, features)
        alone = np.concatenate([node_proba(head, row[None]) for row in features])
        np.testing.assert_allclose(together, alone, atol=1e-5)

    def test_permuting_rows_permutes_the_answer(self, name, task, kind):
        head = make(name, KINDS[kind], task)
        features, order = torch.randn(9, WIDTH), torch.randperm(9)
        np.testing.assert_allclose(node_proba(head, features[order]), node_proba(head, features)[order], atol=1e-6)

    def test_every_parameter_gets_gradient(self, name, task, kind):
        taxonomy = KINDS[kind]
        head = make(name, taxonomy, task, **({"feed": "predicted"} if name == "chained" else {})).train()
        targets = random_targets(taxonomy, task, 64)
        head.loss(head(torch.randn(64, WIDTH), targets), targets).backward()
        for label, parameter in head.named_parameters():
            assert parameter.grad is not None, label
            assert torch.isfinite(parameter.grad).all(), label

    def test_training_lowers_the_loss(self, name, task, kind):
        taxonomy = KINDS[kind]
        torch.manual_seed(0)
        head = build_head(name, taxonomy, WIDTH, task=task, settings=head_settings(name)(dropout=0.0))
        targets = random_targets(taxonomy, task, 32)
        told = torch.nn.functional.one_hot(targets, WIDTH) if task == "single" else targets
        features = torch.zeros(32, WIDTH)
        features[:, : told.shape[1]] = told.float()  # the features tell the label: a head that can learn, does
        # At the others' rate four MLPs in a row (cascade on a deep taxonomy) jump about instead of learning.
        optimizer = torch.optim.Adam(head.parameters(), lr=0.01 if name == "cascade" else 0.05)
        losses = []
        for _ in range(300 if name == "cascade" else 120):
            loss = head.loss(head(features, targets), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        # Where there is one class, a softmax has nothing to be wrong about from the start; a yes-or-no answer has.
        assert losses[-1] < max(0.3 * losses[0], 1e-6)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if KINDS[kind].is_tree])
@pytest.mark.parametrize("name", SINGLE_PATH_HEADS)
def test_children_and_ends_here_sum_to_the_parent(name, kind):
    """P(ends here) is what is left of a node: not negative, and 0 where no label ends. Top levels sum to 1."""
    taxonomy = KINDS[kind]
    proba = node_proba(make(name, taxonomy), torch.randn(40, WIDTH)).astype(np.float64)
    np.testing.assert_allclose(proba[:, taxonomy.level(1)].sum(1), 1, atol=1e-5)
    for node in range(len(taxonomy)):
        children = taxonomy.children.row(node)
        if len(children):
            ends_here = proba[:, node] - proba[:, children].sum(1)
            assert (ends_here > -1e-5).all()
            if not taxonomy.is_terminal[node]:
                np.testing.assert_allclose(ends_here, 0, atol=1e-5)


def test_level_heads_by_hand():
    """Product over levels, normalised over terminals, against plain NumPy on an uneven tree with an inner label."""
    taxonomy = KINDS["labels at inner nodes"]
    head = make("per-level", taxonomy)
    features = torch.randn(5, WIDTH)
    with torch.no_grad():
        logits = [scores.double().numpy() for scores in head(features)]
    expected = np.zeros((5, len(taxonomy)))
    for row in range(5):
        joint = {}
        for terminal in taxonomy.terminals:
            path = taxonomy.path(int(terminal))
            score = 1.0
            for level in range(1, taxonomy.n_levels + 1):
                ended = [int(t) for t in taxonomy.terminals if taxonomy.depth[t] < level]
                classes = [*map(int, taxonomy.level(level)), *ended]
                odds = np.exp(logits[level - 1][row])
                own = taxonomy.index(path[:level]) if len(path) >= level else int(terminal)
                score *= odds[classes.index(own)] / odds.sum()
            joint[path] = score
        total = sum(joint.values())
        for path, score in joint.items():
            for depth in range(1, len(path) + 1):
                expected[row, taxonomy.index(path[:depth])] += score / total
    np.testing.assert_allclose(node_proba(head, features), expected, atol=1e-5)


def test_a_node_of_a_dag_counts_once_under_each_of_its_ancestors():
    taxonomy = KINDS["dag"]
    head = make("flat", taxonomy)
    features = torch.randn(4, WIDTH)
    with torch.no_grad():
        terminals = torch.softmax(head(features), dim=1).numpy()
    proba = node_proba(head, features)
    for node in range(len(taxonomy)):
        below = [i for i, t in enumerate(taxonomy.terminals) if node in taxonomy.ancestors.row(int(t))]
        np.testing.assert_allclose(proba[:, node], terminals[:, below].sum(1), atol=1e-6)


def test_several_paths_are_cut_to_the_smallest_parent():
    taxonomy = KINDS["dag"]
    head = make("per-level", taxonomy, "multi")
    features = torch.randn(6, WIDTH)
    with torch.no_grad():
        own = torch.sigmoid(torch.cat(head(features), dim=1)).numpy()
    expected = np.stack([own[:, taxonomy.ancestors.row(n)].min(1) for n in range(len(taxonomy))], axis=1)
    np.testing.assert_allclose(node_proba(head, features), expected, atol=1e-6)


def test_a_head_refuses_a_task_that_it_cannot_do():
    with pytest.raises(ConfigError, match=r"'flat' gives one path a text.*chained, per-level"):
        build_head("flat", KINDS["deep"], WIDTH, task="multi")


def test_level_weights_must_fit_the_depth():
    with pytest.raises(ConfigError, match=r"2 numbers.*5 levels"):
        build_head("chained", KINDS["deep"], WIDTH, task="single", settings=ChainedSettings(level_weights=(1.0, 2.0)))


def test_the_text_reaches_the_minor_level_of_cascade_only_through_the_major_logits():
    taxonomy = KINDS["two levels"]
    head = build_head("cascade", taxonomy, WIDTH, task="single", settings=CascadeSettings(dropout=0.0))
    features = torch.randn(1, WIDTH)
    blind = torch.linalg.svd(head.classifiers[0].weight)[2][-1]  # a direction that the major layer cannot see
    with torch.no_grad():
        before, after = head(features), head(features + 5 * blind)
    torch.testing.assert_close(before[1], after[1], atol=1e-4, rtol=1e-4)


def test_per_level_has_no_connection_between_levels():
    taxonomy = KINDS["two levels"]
    head = build_head("per-level", taxonomy, WIDTH, task="single", settings=PerLevelSettings())
    features = torch.randn(3, WIDTH)
    with torch.no_grad():
        before = head.eval()(features)[1]
        head.classifiers[0].weight.add_(1.0)
        after = head(features)[1]
    torch.testing.assert_close(before, after)
