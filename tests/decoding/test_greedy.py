"""Top-down greedy decoding against a walk, one text and one node at a time."""

import numpy as np
import pytest
from decoding_cases import coherent_cases, tied_cases
from hypothesis import given, settings
from hypothesis import strategies as st

from textaxa.decoding import greedy_paths, top_paths
from textaxa.errors import ConfigError
from textaxa.taxonomy import Taxonomy

SHOP = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools", "Clocks"), ("Tools",)])


def slow_walk(taxonomy, row, exact, threshold):
    column = {node: i for i, node in enumerate(taxonomy.terminals.tolist())}
    node = max(taxonomy.level(1).tolist(), key=lambda n: (row[n], -n))
    while not taxonomy.is_leaf[node]:
        child = max(taxonomy.children.row(node).tolist(), key=lambda n: (row[n], -n))
        stays = node in column and exact[column[node]] >= row[child]
        if stays or (threshold is not None and row[child] < threshold[child]):
            break
        node = child
    return node


@given(st.one_of(coherent_cases(), tied_cases()), st.one_of(st.none(), st.floats(0.05, 1)), st.booleans())
@settings(deadline=None)
def test_greedy_walks_down(case, threshold, a_node):
    taxonomy, exact, node_proba = case
    needed = None if threshold is None else np.full(len(taxonomy), threshold)
    if needed is not None and a_node:
        needed = needed ** np.arange(1, len(taxonomy) + 1)
    found = greedy_paths(taxonomy, node_proba, needed if a_node else threshold)
    for row, truth, (prediction,) in zip(node_proba, exact, found, strict=True):
        assert prediction.node == slow_walk(taxonomy, row, truth.round(15), needed)
    assert found == [greedy_paths(taxonomy, row[None], needed if a_node else threshold)[0] for row in node_proba]


def test_a_threshold_a_level():
    a_level = np.array([0.4, 0.6])[SHOP.depth - 1]
    proba = [[0.8, 0.2, 0.5, 0.3, 0.1]]
    [[found]] = greedy_paths(SHOP, proba, a_level)
    assert (found.path, found.stopped, found.path_probability) == (("Games",), "not sure enough", 0.0)
    [[found]] = greedy_paths(SHOP, proba, 0.5)
    assert (found.path, found.path_probability) == (("Games", "Sports"), 0.5)


def test_the_top_level_is_always_answered():
    [[found]] = greedy_paths(SHOP, [[0.3, 0.2, 0.2, 0.1, 0.1]], 0.9)
    assert found.path == ("Games",)


def test_it_misses_what_the_most_probable_path_finds():
    taxonomy = Taxonomy.from_paths([("A", "x"), ("A", "y"), ("A", "z"), ("B",)])
    proba = [[0.6, 0.4, 0.2, 0.2, 0.2]]
    assert greedy_paths(taxonomy, proba)[0][0].path == ("A", "x")
    assert top_paths(taxonomy, proba)[0][0].path == ("B",)


def test_no_texts_and_bad_thresholds():
    assert greedy_paths(SHOP, np.empty((0, 5))) == []
    with pytest.raises(ConfigError, match="threshold"):
        greedy_paths(SHOP, np.full((1, 5), 0.5), 0.0)
