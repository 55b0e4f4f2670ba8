"""Small random taxonomies with true labels and node probabilities, and slow plain versions of what calibration does."""

import numpy as np
from hypothesis import strategies as st

from textaxa.calibration import Calibration
from textaxa.calibration._calibration import space_of
from textaxa.calibration._maps import Bent, Curve, Curves, Lines
from textaxa.taxonomy import NodeRecord, Taxonomy


@st.composite
def taxonomies(draw, max_nodes=12):
    """Trees and DAGs of uneven depth, with labels at some inner nodes."""
    n = draw(st.integers(1, max_nodes))
    several = draw(st.booleans())
    records = []
    for i in range(n):
        parents = draw(st.lists(st.integers(0, i - 1), max_size=3 if several else 1, unique=True)) if i else []
        terminal = draw(st.sampled_from([None, True]))
        records.append(NodeRecord(f"c{i}", tuple(f"c{p}" for p in parents), f"n{i}", "", terminal))
    return Taxonomy.from_records(records)


@st.composite
def generators(draw):
    return np.random.default_rng(draw(st.integers(0, 2**32 - 1)))


def above(taxonomy, node):
    """The node and all its ancestors, by walking up."""
    found = {node}
    for parent in taxonomy.parents.row(node).tolist():
        found |= above(taxonomy, parent)
    return found


def node_proba_of(taxonomy, exact):
    """Node probabilities from P(exactly terminal t), (B, T)."""
    proba = np.zeros((len(exact), len(taxonomy)))
    for column, terminal in enumerate(taxonomy.terminals.tolist()):
        for node in above(taxonomy, terminal):
            proba[:, node] += exact[:, column]
    return proba


def single_proba(taxonomy, generator, n):
    """Coherent float32 probabilities, some of them exactly 0 or 1."""
    exact = generator.dirichlet(np.full(len(taxonomy.terminals), 0.3), size=n)
    exact[exact < 1e-3] = 0
    exact /= exact.sum(axis=1, keepdims=True)
    return node_proba_of(taxonomy, exact).astype(np.float32)


def multi_proba(taxonomy, generator, n):
    """Float32 probabilities of which no child is above a parent, some exactly 0 or 1."""
    proba = np.round(generator.beta(0.5, 0.5, size=(n, len(taxonomy))), generator.integers(1, 6)).astype(np.float32)
    for node in range(len(taxonomy)):
        for parent in taxonomy.parents.row(node).tolist():
            proba[:, node] = np.minimum(proba[:, node], proba[:, parent])
    return proba


def probabilities(taxonomy, task, generator, n):
    return (single_proba if task == "single" else multi_proba)(taxonomy, generator, n)


def random_calibration(taxonomy, task, method, generator):
    """A calibration with parameters far from those that change nothing."""
    space = space_of(taxonomy, task, method)
    n_levels = len(space.levels)
    if method in ("vector", "isotonic", "venn-abers"):
        curves = tuple(_random_curve(generator) for _ in range(n_levels))
        bent = Bent(curves, generator.normal(0, 1, space.n))
        return Calibration(
            taxonomy, task, method, bent if method == "vector" else Curves(curves, logs=task == "single")
        )
    scale = np.exp(generator.normal(0, 1, n_levels)).clip(0.05, 20)
    if method == "temperature":
        return Calibration(taxonomy, task, method, Lines(scale))
    return Calibration(taxonomy, task, method, Lines(scale, generator.uniform(-20, -5, n_levels)))


def _random_curve(generator):
    x = np.unique(np.concatenate([[-27.0, 27.0], generator.normal(0, 4, 6).clip(-26, 26)]))
    return Curve(x, np.sort(generator.normal(0, 4, len(x)).clip(-27, 27)))


def slow_single(taxonomy, change, row_exact):
    """Calibrate one text by a `Lines` map on a tree, decision by decision: node probabilities.

    ``row_exact`` is P(exactly terminal t) (T,), all above 0.
    """
    exact = dict(zip(taxonomy.terminals.tolist(), row_exact, strict=True))
    result = np.zeros(len(taxonomy))

    def mass(node):
        return exact.get(node, 0.0) + sum(mass(child) for child in taxonomy.children.row(node).tolist())

    def descend(options, end_mass, arriving, level):
        total = end_mass + sum(mass(option) for option in options)
        powers = {
            option: max(mass(option) / total, np.exp(change.floor[level])) ** change.scale[level] for option in options
        }
        end = max(end_mass / total, np.exp(change.floor[level])) ** change.scale[level] if end_mass else 0.0
        for option in options:
            result[option] = arriving * powers[option] / (end + sum(powers.values()))
            below = taxonomy.children.row(option).tolist()
            if below:
                descend(below, exact.get(option, 0.0), result[option], level + 1)

    descend(taxonomy.level(1).tolist(), 0.0, 1.0, 0)
    return result
