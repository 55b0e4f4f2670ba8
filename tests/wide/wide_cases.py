"""Wide heads with random weights, and P(exactly each terminal) by walking down every path."""

import numpy as np
from decoding.decoding_cases import taxonomies
from hypothesis import strategies as st

from textaxa.wide import WideHead

WIDTH = 6


def random_head(taxonomy, seed, scale=1.0):
    head = WideHead.zeros(taxonomy, WIDTH)
    random = np.random.default_rng(seed)
    head.rows.values[:] = scale * random.standard_normal(head.rows.values.shape)
    head.rows.bias[:] = scale * random.standard_normal(len(head.rows))
    return head


@st.composite
def heads(draw, max_nodes=14, dag=None, max_texts=6):
    """A head over a tree or DAG of uneven depth, and features."""
    taxonomy, seed = draw(taxonomies(max_nodes, dag)), draw(st.integers(0, 2**32 - 1))
    features = np.random.default_rng(seed + 1).standard_normal((draw(st.integers(1, max_texts)), WIDTH))
    return random_head(taxonomy, seed), features.astype(np.float32)


def can_end(taxonomy, node):
    """Whether a label may end at or below a node on canonical ways."""
    return bool(taxonomy.is_terminal[node]) or any(
        can_end(taxonomy, c) for c in range(len(taxonomy)) if taxonomy.parent[c] == node
    )


def slow_options(taxonomy, node):
    """The options below a node: children by canonical parent, and the node itself for "ends here"."""
    children = [c for c in range(len(taxonomy)) if taxonomy.parent[c] == node and can_end(taxonomy, c)]
    stops = node >= 0 and bool(children) and bool(taxonomy.is_terminal[node])
    return children + [node] * stops


def slow_exact(head, features):
    """P(exactly t) of every terminal t, (B, N), one group at a time in float64."""
    taxonomy, weights = head.taxonomy, head.rows.as_float32(0, len(head.rows)).astype(np.float64)
    exact = np.zeros((len(features), len(taxonomy)))
    at = 0
    # Groups come in the order of their nodes, the root's first, so that a walk over the nodes meets the rows in order.
    reached = {-1: np.ones(len(features))}
    for node in range(-1, len(taxonomy)):
        options = slow_options(taxonomy, node)
        if node not in reached:
            continue
        if not options:
            exact[:, node] = reached[node]
            continue
        logits = (
            features.astype(np.float64) @ weights[at : at + len(options)].T + head.rows.bias[at : at + len(options)]
        )
        odds = np.exp(logits - logits.max(1, keepdims=True))
        share = odds / odds.sum(1, keepdims=True)
        for option, column in zip(options, share.T, strict=True):
            if option == node:
                exact[:, node] = reached[node] * column
            else:
                reached[option] = reached[node] * column
        at += len(options)
    assert at == len(head.rows)
    return exact
