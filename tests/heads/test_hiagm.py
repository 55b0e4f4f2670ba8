"""hiagm-tp and hiagm-la: the paper's equations, gradients where they belong, learning from token states."""

import numpy as np
import pytest
import torch
from heads.taxonomies import KINDS
from heads.test_structure import arrays, logistic, slow_gcn, slow_tree_lstm

from textaxa.encoders import TokenStates
from textaxa.errors import ConfigError
from textaxa.heads import build_head, head_settings
from textaxa.taxonomy import Taxonomy

D, TEXTS, LENGTH = 6, 4, 7
STRUCTURES = ["gcn", "tree-lstm"]
NAMES = ["hiagm-tp", "hiagm-la"]
CASES = [(name, structure) for name in NAMES for structure in STRUCTURES]


def make(name: str, kind: str, *, task: str = "single", counts: np.ndarray | None = None, width: int = D, **settings):
    torch.manual_seed(1)
    if name == "hiagm-tp":
        settings = {"node_width": 4, **settings}
    chosen = head_settings(name)(**{"dropout": 0.0, "node_dropout": 0.0, **settings})
    return build_head(name, KINDS[kind], width, task=task, settings=chosen, counts=counts)


def features(name: str, n: int = TEXTS, width: int = D):
    if name == "hiagm-tp":
        return torch.randn(n, width)
    mask = torch.arange(LENGTH) < torch.randint(1, LENGTH + 1, (n, 1))
    return TokenStates(torch.randn(n, LENGTH, width), mask)


def targets(kind: str, task: str, n: int) -> torch.Tensor:
    taxonomy, random = KINDS[kind], np.random.default_rng(4)
    terminals = random.integers(0, len(taxonomy.terminals), n)
    if task == "single":
        return torch.from_numpy(terminals)
    closed = torch.zeros(n, len(taxonomy))
    for row, node in enumerate(random.integers(0, len(taxonomy), n)):
        closed[row, taxonomy.ancestors.row(int(node)).astype(np.int64)] = 1
    return closed


def slow_structure(head, kind: str, nodes: np.ndarray) -> np.ndarray:
    if head.settings.structure == "gcn":
        return slow_gcn(kind, head.structure, nodes)
    parts = [slow_tree_lstm(kind, part, nodes) for part in (head.structure.up, head.structure.down)]
    return np.concatenate(parts, axis=2)


def slow_classifier(head, nodes: np.ndarray) -> np.ndarray:
    """One linear layer over the features of all nodes, one text after another, nodes (B, N, d)."""
    w = arrays(head.classifier)
    return np.stack([head.classifier.scale * w["weight"] @ text.reshape(-1) + w["bias"] for text in nodes])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_text_propagation_is_that_of_the_paper(structure, kind):
    head = make("hiagm-tp", kind, structure=structure).double().eval()
    texts = torch.randn(TEXTS, D, dtype=torch.float64)
    w, n, d = arrays(head.transform), len(KINDS[kind]), head.settings.node_width
    nodes = np.zeros((n, TEXTS, d))
    for b, text in enumerate(texts.numpy()):
        for k in range(n):
            nodes[k, b] = w["weight"][k * d : (k + 1) * d] @ text + w["bias"][k * d : (k + 1) * d]
    expected = slow_classifier(head, slow_structure(head, kind, nodes).transpose(1, 0, 2))
    np.testing.assert_allclose(head(texts).detach().numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("structure", STRUCTURES)
def test_label_attention_is_that_of_the_paper(structure, kind):
    head = make("hiagm-la", kind, structure=structure).double().eval()
    states, mask = features("hiagm-la")
    labels = slow_structure(head, kind, head.labels.detach().numpy()[:, None])[:, 0]
    read = np.zeros((TEXTS, len(KINDS[kind]), D))
    for b in range(TEXTS):
        keys = states[b][mask[b]].double().numpy()
        for k, label in enumerate(labels):
            weight = np.exp(keys @ label)
            read[b, k] = weight / weight.sum() @ keys
    found = head(TokenStates(states.double(), mask)).detach().numpy()
    np.testing.assert_allclose(found, slow_classifier(head, read), atol=1e-12)


@pytest.mark.parametrize("task", ["single", "multi"])
@pytest.mark.parametrize("kind", ["two levels", "dag", "uneven depth", "one node"])
def test_loss_is_cross_entropy_over_nodes_and_recursive_regularisation(kind, task):
    taxonomy = KINDS[kind]
    head = make("hiagm-tp", kind, task=task, recursive_regularisation=0.3).double()
    true = targets(kind, task, TEXTS)
    scores = head(torch.randn(TEXTS, D, dtype=torch.float64))
    p = logistic(scores.detach().numpy())
    expected = 0.0
    for b in range(TEXTS):
        if task == "single":
            own = set(taxonomy.ancestors.row(int(taxonomy.terminals[true[b]])).tolist())
        else:
            own = set(torch.nonzero(true[b])[:, 0].tolist())
        expected -= sum(np.log(p[b, k] if k in own else 1 - p[b, k]) for k in range(len(taxonomy))) / TEXTS
    rows = head.classifier.scale * arrays(head.classifier)["weight"]
    for child in range(len(taxonomy)):
        for parent in taxonomy.parents.row(child):
            expected += 0.3 / 2 * np.square(rows[parent] - rows[child]).sum()
    assert head.loss(scores, true).item() == pytest.approx(expected, rel=1e-5)


def test_the_gradient_of_the_regularisation_is_that_of_its_value():
    classifier = make("hiagm-tp", "dag", recursive_regularisation=1.0).double().classifier
    classifier.regularisation().backward()
    weight = classifier.weight
    for row, column in [(0, 0), (2, 5), (6, 1)]:
        values = []
        for step in (1e-4, -1e-4):
            with torch.no_grad():
                weight[row, column] += step
                values.append(classifier.regularisation().item())
                weight[row, column] -= step
        assert weight.grad[row, column].item() == pytest.approx((values[0] - values[1]) / 2e-4, rel=1e-5)


@pytest.mark.parametrize("task", ["single", "multi"])
@pytest.mark.parametrize(("name", "structure"), CASES)
def test_gradient_reaches_the_structure_encoder_and_the_labels(name, structure, task):
    """Fault 1 of the released code: attention over one key, so that labels and structure learn nothing."""
    kind = "two levels"
    head = make(name, kind, task=task, structure=structure)
    true = targets(kind, task, 32)
    head.loss(head(features(name, 32), true), true).backward()
    for label, parameter in head.named_parameters():
        assert torch.isfinite(parameter).all(), label
        assert parameter.grad is not None, label
        assert parameter.grad.abs().max() > 1e-7, label
    if name == "hiagm-la":
        assert (head.labels.grad.abs().sum(1) > 1e-7).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("task", ["single", "multi"])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_label_attention_is_coherent_and_ignores_padding(structure, task, kind):
    taxonomy = KINDS[kind]
    head = make("hiagm-la", kind, task=task, structure=structure).eval()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    states, mask = features("hiagm-la", 8)
    with torch.no_grad():
        proba = head.node_proba(head(TokenStates(states, mask)))
        padded = TokenStates(torch.cat([states, 9 * torch.ones(8, 3, D)], 1), torch.cat([mask, mask[:, :3] & False], 1))
        torch.testing.assert_close(head.node_proba(head(padded)), proba)
        rubbish = states.masked_fill(~mask[..., None], 7.0)
        torch.testing.assert_close(head.node_proba(head(TokenStates(rubbish, mask))), proba)
        alone = [head.node_proba(head(TokenStates(s[m][None], m[m][None]))) for s, m in zip(states, mask, strict=True)]
        torch.testing.assert_close(torch.cat(alone), proba, atol=1e-5, rtol=1e-5)
    assert proba.shape == (8, len(taxonomy))
    for node in range(len(taxonomy)):
        for parent in taxonomy.parents.row(node):
            assert (proba[:, node] <= proba[:, parent]).all()
    if task == "single" and taxonomy.is_tree:
        torch.testing.assert_close(proba[:, taxonomy.level_slice(1)].sum(1), torch.ones(8))


@pytest.mark.parametrize("task", ["single", "multi"])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_label_attention_learns_from_one_token_among_many(structure, task):
    """The class is told by one token at a random place; the others are noise. The mean of the tokens tells little."""
    kind, n = "labels at inner nodes", 200
    taxonomy, width = KINDS[kind], 16
    true = targets(kind, task, n)
    codes = 4 * torch.eye(width)
    code = true if task == "single" else torch.unique(true, dim=0, return_inverse=True)[1]
    states = 0.5 * torch.randn(n, 9, width)
    states[torch.arange(n), torch.randint(0, 6, (n,))] += codes[code]
    mask = torch.arange(9).expand(n, 9) < 6
    head = make("hiagm-la", kind, task=task, structure=structure, width=width)
    optimizer = torch.optim.AdamW(head.parameters(), lr=3e-3)
    for _ in range(150):
        loss = head.loss(head(TokenStates(states[:150], mask[:150]), true[:150]), true[:150])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        proba = head.node_proba(head(TokenStates(states[150:], mask[150:])))
    if task == "single":
        terminals = torch.from_numpy(taxonomy.terminals.astype(np.int64))
        wanted = torch.zeros(50, len(taxonomy))
        for row, terminal in enumerate(terminals[true[150:]]):
            wanted[row, taxonomy.ancestors.row(int(terminal)).astype(np.int64)] = 1
    else:
        wanted = true[150:]
    assert ((proba > 0.5) == wanted.bool()).float().mean() > 0.95


def test_the_priors_are_those_of_the_training_rows():
    counts = np.array([6, 2, 0, 5])
    down = make("hiagm-tp", "two levels", counts=counts).structure.down_weight
    np.testing.assert_allclose(down.detach().numpy(), [0.75, 0.25, 0, 1])
    even = make("hiagm-tp", "two levels", counts=counts, priors=False).structure.down_weight
    np.testing.assert_allclose(even.detach().numpy(), 0.5)
    tree = make("hiagm-la", "two levels", counts=counts, structure="tree-lstm").structure
    np.testing.assert_allclose(tree.down.weight.detach().numpy(), [0.75, 0.25, 0, 1])
    np.testing.assert_allclose(tree.up.weight.detach().numpy(), 1)


@pytest.mark.parametrize(("name", "structure"), CASES)
def test_saved_weights_hold_the_learned_priors(name, structure):
    """A model is loaded without training counts: all that they gave must be in the weights."""
    told = make(name, "dag", structure=structure, counts=np.arange(1, len(KINDS["dag"].terminals) + 1)).eval()
    untold = make(name, "dag", structure=structure).eval()
    untold.load_state_dict(told.state_dict())
    given = features(name)
    torch.testing.assert_close(untold(given), told(given))


@pytest.mark.parametrize(("name", "structure"), CASES)
def test_in_half_precision_scores_and_gradients_are_near_those_in_full(name, structure):
    """The recipe trains in bf16 where the processor has instructions for it."""
    head, given, true = (
        make(name, "two levels", structure=structure),
        features(name, 32),
        targets("two levels", "single", 32),
    )

    def run(half: bool) -> tuple[torch.Tensor, torch.Tensor]:
        head.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            scores = head(given)
            loss = head.loss(scores, true)
        loss.backward()
        return scores.detach().float(), torch.cat([p.grad.flatten().float() for p in head.parameters()])

    for half, full in zip(run(half=True), run(half=False), strict=True):
        assert (half - full).norm() < 0.03 * full.norm()


def test_a_taxonomy_that_is_too_large_is_refused_before_memory_is():
    taxonomy = Taxonomy.from_paths([(f"a{i}",) for i in range(20_000)])
    with pytest.raises(ConfigError, match=r"20,000 x 20,000 x 6 weights.*Use another head"):
        build_head("hiagm-la", taxonomy, D, task="multi")
