"""The decoder ``leaf-only``: the most probable leaf, even where labels may end above it."""

import numpy as np
from numpy.typing import ArrayLike

from textaxa.decoding import Decoder, Prediction, PredictionMaker, check_node_proba
from textaxa.taxonomy import Taxonomy


def leaf_only(taxonomy: Taxonomy, node_proba: ArrayLike) -> list[list[Prediction]]:
    """Give one path a text, always down to a leaf. Node probabilities come in as (B, N)."""
    proba = check_node_proba(taxonomy, node_proba)
    leaves = np.flatnonzero(taxonomy.is_leaf)
    make = PredictionMaker(taxonomy).make
    return [[make(int(leaves[row[leaves].argmax()]), row)] for row in proba]


LEAF_ONLY = Decoder("the most probable leaf", (), leaf_only)
