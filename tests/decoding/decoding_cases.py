"""Small random taxonomies with node probabilities, and slow plain versions of what decoding does."""

import numpy as np
from hypothesis import strategies as st

from textaxa.taxonomy import NodeRecord, Taxonomy


@st.composite
def taxonomies(draw, max_nodes=12, dag=None):
    """Trees and DAGs of uneven depth, with labels at some inner nodes."""
    n = draw(st.integers(1, max_nodes))
    several = draw(st.booleans()) if dag is None else dag
    records = []
    for i in range(n):
        parents = draw(st.lists(st.integers(0, i - 1), max_size=3 if several else 1, unique=True)) if i else []
        terminal = draw(st.sampled_from([None, True]))
        records.append(NodeRecord(f"c{i}", tuple(f"c{p}" for p in parents), f"n{i}", "", terminal))
    return Taxonomy.from_records(records)


@st.composite
def coherent_cases(draw, max_texts=5):
    """A taxonomy, P(exactly terminal t) of some texts, and the node probabilities that follow from it."""
    taxonomy = draw(taxonomies())
    n_texts = draw(st.integers(1, max_texts))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    exact = generator.dirichlet(np.full(len(taxonomy.terminals), 0.5), size=n_texts)
    return taxonomy, exact, node_proba_of(taxonomy, exact)


def above(taxonomy, node):
    """The node and all its ancestors, by walking up."""
    found = {node}
    for parent in taxonomy.parents.row(node).tolist():
        found |= above(taxonomy, parent)
    return found


def node_proba_of(taxonomy, exact):
    proba = np.zeros((len(exact), len(taxonomy)))
    for column, terminal in enumerate(taxonomy.terminals.tolist()):
        for node in above(taxonomy, terminal):
            proba[:, node] += exact[:, column]
    return proba


def slow_terminal_proba(taxonomy, row):
    """The definition, one text and one terminal at a time, deepest terminals first."""
    found = {}
    for t in sorted(taxonomy.terminals.tolist(), key=lambda node: -int(taxonomy.depth[node])):
        below = [d for d in found if d != t and t in above(taxonomy, d)]
        found[t] = max(min(max(row[t], 0.0), 1.0) - sum(found[d] for d in below), 0.0)
    return [found[t] for t in taxonomy.terminals.tolist()]


@st.composite
def tied_cases(draw, max_nodes=8, max_texts=4):
    """As `coherent_cases`, with few different probabilities, so that many answers are equally good."""
    taxonomy = draw(taxonomies(max_nodes))
    n_texts, n_terminals = draw(st.integers(1, max_texts)), len(taxonomy.terminals)
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    exact = np.stack([generator.multinomial(8, np.full(n_terminals, 1 / n_terminals)) / 8 for _ in range(n_texts)])
    return taxonomy, exact, node_proba_of(taxonomy, exact)


def first_best(values):
    """The first of the largest values, where those that differ by rounding are equal."""
    return next(i for i, value in enumerate(values) if value >= max(values) - 1e-10)
