"""Taxonomies, and made-up probabilities of models that know the true label mostly."""

import numpy as np

from textaxa.taxonomy import NodeRecord, Taxonomy

TREE = Taxonomy.from_paths(
    [
        ("Games",),
        ("Games", "Cards"),
        ("Games", "Sports"),
        ("Games", "Sports", "Football"),
        ("Media", "Photo"),
        ("Media", "Video"),
        ("Money",),
    ]
)
DAG = Taxonomy.from_records(
    [
        NodeRecord("1", (), "Food"),
        NodeRecord("2", (), "Drinks"),
        NodeRecord("3", ("1", "2"), "Soup"),
        NodeRecord("4", ("1",), "Bread"),
        NodeRecord("5", ("3",), "Clear"),
        NodeRecord("6", ("3",), "Thick"),
    ]
)


def node_proba(taxonomy: Taxonomy, terminal_proba: np.ndarray) -> np.ndarray:
    """Give coherent node probabilities (B, N) of terminal probabilities (B, T)."""
    found = np.zeros((len(terminal_proba), len(taxonomy)))
    for column, node in enumerate(taxonomy.terminals):
        found[:, taxonomy.ancestors.row(int(node))] += terminal_proba[:, [column]]
    return found


def scored(taxonomy: Taxonomy, n: int, *, seed: int = 0, sharp: float = 4.0) -> tuple[np.ndarray, np.ndarray]:
    """Give true terminals (their columns, (n,)) and terminal probabilities (n, T) that mostly favour them."""
    rng = np.random.default_rng(seed)
    n_terminals = len(taxonomy.terminals)
    true = rng.integers(0, n_terminals, n)
    logits = rng.normal(size=(n, n_terminals))
    logits[np.arange(n), true] += sharp
    proba = np.exp(logits)
    return true, proba / proba.sum(axis=1, keepdims=True)


def node_lists(taxonomy: Taxonomy, columns: np.ndarray) -> list[list[int]]:
    return [[int(node)] for node in taxonomy.terminals[columns]]
