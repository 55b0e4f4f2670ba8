"""Label texts as unit vectors, for the nodes that need one.

A node's vector is the mean of three: of its path with its description, of its own name with it, and of the name alone.
The path tells "query" below "alarm" from "query" below "music"; but on five levels of long names it leaves no room for
what is the node's own (naics2017, validation rows: twice as many texts of new nodes are found with the three).
"""

from collections.abc import Callable, Sequence

import numpy as np

from textaxa.migration._plan import Row
from textaxa.taxonomy import Taxonomy, label_texts

Encode = Callable[[Sequence[str]], np.ndarray]
"""Gives the scaled vectors (B, D) of texts."""

_WORDS = 48
"""Words that are read of a label text, as elsewhere."""


def needed(plans: Sequence[Sequence[Row]]) -> list[int]:
    """Give the nodes of the new taxonomy whose label texts the rows of some plans ask for, ascending."""
    found: set[int] = set()
    for row in (row for plan in plans for row in plan if row.from_text):
        found |= {int(row.key[-1]), *row.against}
    return sorted(found)


def unit_labels(taxonomy: Taxonomy, nodes: Sequence[int], encode: Encode) -> np.ndarray:
    """Give unit vectors of label texts, float32 (N, D); rows of nodes that are not asked for are 0."""
    names, descriptions, paths = taxonomy.names, taxonomy.descriptions, label_texts(taxonomy, words=_WORDS)
    own = [f"{names[n]}: {descriptions[n]}" if descriptions[n] else names[n] for n in nodes]
    texts = [paths[n] for n in nodes], [" ".join(text.split()[:_WORDS]) for text in own], [names[n] for n in nodes]
    unit = _unit(np.sum([_unit(_encoded(one, encode)) for one in texts], axis=0))
    found = np.zeros((len(taxonomy), unit.shape[1]), dtype=np.float32)
    found[list(nodes)] = unit
    return found


def _encoded(texts: Sequence[str], encode: Encode) -> np.ndarray:
    """Encode each text once: names come again and again."""
    distinct = list(dict.fromkeys(texts))
    place = {text: at for at, text in enumerate(distinct)}
    vectors: np.ndarray = encode(distinct)[[place[text] for text in texts]]
    return vectors


def _unit(vectors: np.ndarray) -> np.ndarray:
    unit: np.ndarray = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit
