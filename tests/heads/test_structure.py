"""The structure encoders of HiAGM against slow NumPy, written node by node from the paper's equations."""

import numpy as np
import pytest
import torch
from heads.taxonomies import KINDS

from textaxa.heads._gcn import HierarchyGCN
from textaxa.heads._structure import edges_of, node_counts, transition_priors
from textaxa.heads._tree_lstm import BiTreeLSTM, TreeLSTM

WIDTH, TEXTS = 5, 3
STRUCTURES = {"gcn": HierarchyGCN, "tree-lstm": BiTreeLSTM}


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def make(name: str, kind: str, *, dropout: float = 0.0) -> torch.nn.Module:
    """Make a structure encoder in double precision, its parameters moved away from where they start."""
    torch.manual_seed(2)
    taxonomy = KINDS[kind]
    priors = transition_priors(taxonomy, np.arange(len(taxonomy)) % 4)
    encoder = STRUCTURES[name](taxonomy, WIDTH, priors=priors, dropout=dropout).double()
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return encoder


def arrays(module: torch.nn.Module) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy() for name, value in module.named_parameters()}


def nodes_of(kind: str) -> torch.Tensor:
    return torch.randn(len(KINDS[kind]), TEXTS, WIDTH, dtype=torch.float64)


def edge_index(kind: str) -> dict[tuple[int, int], int]:
    edges = edges_of(KINDS[kind])
    return {(int(p), int(c)): e for e, (p, c) in enumerate(zip(edges.parent, edges.child, strict=True))}


def slow_gcn(kind: str, encoder: torch.nn.Module, nodes: np.ndarray) -> np.ndarray:
    taxonomy, at, w = KINDS[kind], edge_index(kind), arrays(encoder)
    out = np.zeros_like(nodes)
    for b in range(nodes.shape[1]):
        for k in range(len(taxonomy)):
            v = nodes[:, b]
            gate = [logistic(w["gate_weight"][d] @ v[k] + w["gate_bias"][k, d]) for d in range(3)]
            up = w["up_bias"][k] + sum(w["up_weight"][at[k, c]] * v[c] for c in taxonomy.children.row(k))
            down = w["down_bias"][k] + sum(w["down_weight"][at[p, k]] * v[p] for p in taxonomy.parents.row(k))
            out[k, b] = np.maximum(0, gate[0] * up + gate[1] * down + gate[2] * v[k])
    return out


def slow_tree_lstm(kind: str, encoder: TreeLSTM, nodes: np.ndarray) -> np.ndarray:
    """Compute hidden states node by node, by recursion."""
    taxonomy, at, w = KINDS[kind], edge_index(kind), arrays(encoder)

    def feeding(k: int) -> list[tuple[int, float]]:
        if encoder.down:
            return [(int(p), w["weight"][at[int(p), k]]) for p in taxonomy.parents.row(k)]
        return [(int(c), w["weight"][at[k, int(c)]]) for c in taxonomy.children.row(k)]

    def state(k: int, b: int) -> tuple[np.ndarray, np.ndarray]:
        x = nodes[k, b]
        memory = w["state_forget"].shape[0]
        before = [(p * h, p * c) for j, p in feeding(k) for h, c in [state(j, b)]]
        summed = sum((h for h, _ in before), np.zeros(memory))
        gates = w["input_gates.weight"] @ x + w["input_gates.bias"] + w["state_gates"] @ summed
        i, o, u = logistic(gates[:memory]), logistic(gates[memory : 2 * memory]), np.tanh(gates[2 * memory :])
        cell = i * u
        for h, c in before:
            f = w["input_forget.weight"] @ x + w["input_forget.bias"] + w["state_forget"] @ h
            cell = cell + logistic(f) * c
        return o * np.tanh(cell), cell

    return np.stack([[state(k, b)[0] for b in range(nodes.shape[1])] for k in range(len(taxonomy))])


@pytest.mark.parametrize("kind", KINDS)
def test_gcn_is_that_of_the_paper(kind):
    encoder, nodes = make("gcn", kind), nodes_of(kind)
    np.testing.assert_allclose(encoder(nodes).detach().numpy(), slow_gcn(kind, encoder, nodes.numpy()), atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("direction", ["up", "down"])
def test_tree_lstm_is_that_of_the_paper(kind, direction):
    encoder, nodes = getattr(make("tree-lstm", kind), direction), nodes_of(kind)
    found = encoder(nodes).detach().numpy()
    np.testing.assert_allclose(found, slow_tree_lstm(kind, encoder, nodes.numpy()), atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_both_directions_lie_side_by_side(kind):
    encoder, nodes = make("tree-lstm", kind), nodes_of(kind)
    found = encoder(nodes)
    assert found.shape == nodes.shape
    torch.testing.assert_close(found, torch.cat([encoder.up(nodes), encoder.down(nodes)], dim=2))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", STRUCTURES)
def test_the_gradient_is_that_of_the_function(name, kind):
    encoder, nodes = make(name, kind), nodes_of(kind)[:, :2].clone().requires_grad_()
    weights = list(encoder.parameters())

    def run(nodes: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(encoder, dict(zip(names, weights, strict=True)), nodes)

    names = [name for name, _ in encoder.named_parameters()]
    assert torch.autograd.gradcheck(run, (nodes, *weights), fast_mode=True)


@pytest.mark.parametrize("name", STRUCTURES)
def test_the_prior_reaches_the_children(name):
    """Fault 2 of the released code: at the start a child must feel its parent, by the prior of its edge."""
    taxonomy = KINDS["two levels"]
    priors = transition_priors(taxonomy, node_counts(taxonomy, "single", np.array([3, 1, 0, 5])))
    torch.manual_seed(0)
    nodes = torch.randn(len(taxonomy), 1, WIDTH, requires_grad=True)

    def felt(priors: np.ndarray, child: int) -> float:
        torch.manual_seed(1)
        encoder = STRUCTURES[name](taxonomy, WIDTH, priors=priors, dropout=0.0)
        if name == "gcn":  # no ReLU in the way
            encoder.down_bias.data += 5
        (gradient,) = torch.autograd.grad(encoder(nodes)[child].sum(), nodes)
        return float(gradient[taxonomy.parent[child]].abs().sum())

    assert felt(priors, 2) > 0
    assert felt(priors, 3) > 0
    assert felt(priors, 4) == 0  # P(z | B) of a child without rows is 0
    assert felt(np.full(4, 0.5), 4) > 0


@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_parameter_is_initialised(name, kind):
    """Fault 3 of the released code: memory that nobody filled. Two builds from one seed are equal, and finite."""
    taxonomy = KINDS[kind]
    priors = transition_priors(taxonomy, np.zeros(len(taxonomy)))

    def build() -> list[torch.Tensor]:
        torch.full((20_000,), torch.nan)  # so that fresh memory is not zero by chance
        torch.manual_seed(0)
        return list(STRUCTURES[name](taxonomy, 8, priors=priors, dropout=0.0).parameters())

    for first, second in zip(build(), build(), strict=True):
        assert torch.isfinite(first).all()
        assert (first.abs() < 2).all()
        assert torch.equal(first, second)


@pytest.mark.parametrize("kind", KINDS)
def test_priors_of_siblings_sum_to_one(kind):
    taxonomy = KINDS[kind]
    rows = node_counts(taxonomy, "single", np.arange(len(taxonomy.terminals)))
    priors, at = transition_priors(taxonomy, rows), edge_index(kind)
    for parent in range(len(taxonomy)):
        children = [int(c) for c in taxonomy.children.row(parent)]
        of_children = [priors[at[parent, c]] for c in children]
        total = sum(rows[c] for c in children)
        expected = [rows[c] / total if total else 1 / len(children) for c in children]
        np.testing.assert_allclose(of_children, expected)


def test_rows_of_nodes_are_those_at_and_below():
    taxonomy = KINDS["dag"]
    terminals = [int(t) for t in taxonomy.terminals]
    counts = np.arange(1, len(terminals) + 1)
    for node, rows in enumerate(node_counts(taxonomy, "single", counts)):
        below = [c for t, c in zip(terminals, counts, strict=True) if node in taxonomy.ancestors.row(t)]
        assert rows == sum(below)
    np.testing.assert_array_equal(node_counts(taxonomy, "multi", np.arange(len(taxonomy))), np.arange(len(taxonomy)))


@pytest.mark.parametrize("name", STRUCTURES)
def test_no_dense_matrix_of_nodes_by_nodes(name):
    """5,000 leaves under 50 nodes: the parameters grow with nodes and edges."""
    from textaxa.taxonomy import Taxonomy

    taxonomy = Taxonomy.from_paths([(f"a{i % 50}", f"b{i}") for i in range(5000)])
    encoder = STRUCTURES[name](taxonomy, 4, priors=np.ones(5000), dropout=0.0)
    assert sum(p.numel() for p in encoder.parameters()) < 20 * len(taxonomy)
    assert encoder(torch.randn(len(taxonomy), 1, 4)).shape == (len(taxonomy), 1, 4)


@pytest.mark.parametrize("name", STRUCTURES)
def test_dropout_only_in_training(name):
    encoder, nodes = make(name, "deep", dropout=0.5), nodes_of("deep").repeat(1, 100, 1)
    whole, dropped = encoder.eval()(nodes), encoder.train()(nodes)
    gone = (dropped == 0) & (whole != 0)
    assert gone.sum() / (whole != 0).sum() == pytest.approx(0.5, abs=0.03)
    torch.testing.assert_close(dropped[~gone], 2 * whole[~gone])
    torch.testing.assert_close(encoder.eval()(nodes), whole)


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_node_with_many_children_sums_them_in_full_in_half_precision(name):
    """In bf16 itself a sum of ones ends at 256."""
    from textaxa.taxonomy import Taxonomy

    taxonomy = Taxonomy.from_paths([("a", f"b{i}") for i in range(2000)])
    torch.manual_seed(0)
    encoder = STRUCTURES[name](taxonomy, 4, priors=np.full(2000, 1 / 2000), dropout=0.0)
    nodes = 0.05 * torch.rand(len(taxonomy), 1, 4) + 0.05
    full = encoder(nodes)
    with torch.autocast("cpu", torch.bfloat16):
        half = encoder(nodes.bfloat16())
    torch.testing.assert_close(half.float()[0], full[0], rtol=0.03, atol=0.03)
