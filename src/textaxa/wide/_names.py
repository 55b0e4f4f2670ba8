"""``init = label-names``: rows that start where the encoder sees the texts of their nodes."""

from typing import Any

import numpy as np

from textaxa.taxonomy import label_texts
from textaxa.wide._head import WideHead
from textaxa.wide._rows import Float32
from textaxa.wide._scale import Scale

LABEL_WORDS = 48
"""Words that are read of a label text: a path and a sentence or two."""
_SHARPNESS = 20.0
"""The first logits are this many times the cosine of text and label; as other heads start."""
_BLOCK = 4096


def start_from_names(head: WideHead, encoder: Any, scale: Scale) -> None:
    """Set the rows of a head, in place, to the directions of their nodes' texts.

    Scaled vectors of D features have a length of about sqrt(D), so a row of length 20 / sqrt(D) makes logits of
    20 cos(text, label). "Ends here" at a node starts from the text of the node itself.
    """
    texts, options = label_texts(head.taxonomy, words=LABEL_WORDS), head.options
    length = np.float32(_SHARPNESS / np.sqrt(head.rows.width))
    for at in range(0, len(options), _BLOCK):
        nodes = options.node[at : at + _BLOCK]
        vectors: Float32 = scale(encoder.encode([texts[node] for node in nodes.tolist()]))
        norm = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
        head.rows.values[at : at + _BLOCK] = vectors * (length / norm)
