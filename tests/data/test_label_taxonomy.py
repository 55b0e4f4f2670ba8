"""The taxonomy of labels: the same whatever the order of the rows, and never without one of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textaxa.data import taxonomy_of_labels
from textaxa.errors import DataError
from textaxa.taxonomy import Taxonomy

NAMES = st.sampled_from(["Games", "Sports", "Tools", "Ä"])
LABELS = st.lists(st.lists(st.lists(NAMES, min_size=1, max_size=3).map(tuple), min_size=1, max_size=2), min_size=1)


@given(LABELS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(labels, random):
    shuffled = random.sample(labels, len(labels))
    assert taxonomy_of_labels(shuffled) == taxonomy_of_labels(labels)


@given(LABELS)
def test_every_label_can_be_the_answer(labels):
    paths = {path for one in labels for path in one}
    everything = Taxonomy.from_paths(sorted({path[:n] for path in paths for n in range(1, len(path) + 1)}))
    for taxonomy in (taxonomy_of_labels(labels), taxonomy_of_labels(labels, everything.with_terminals("leaves"))):
        assert all(taxonomy.is_terminal[taxonomy.index(path)] for path in paths)


def test_a_given_taxonomy_keeps_its_nodes_and_order():
    taxonomy = Taxonomy.from_paths([("Tools",), ("Games", "Sports")])
    found = taxonomy_of_labels([[("Games",)]], taxonomy)
    assert list(found.nodes) == list(taxonomy.nodes)
    assert found.is_terminal[found.index(("Games",))]


def test_labels_outside_a_given_taxonomy_are_told_together():
    labels = [[("Games",)], [("Ches", "Blitz")], *[[(f"No {i}",)] for i in range(10)]]
    with pytest.raises(DataError, match=r"^11 labels are not in the taxonomy: 'Ches > Blitz', .*'No 8' …\. Add these"):
        taxonomy_of_labels(labels, Taxonomy.from_paths([("Games",)]))
