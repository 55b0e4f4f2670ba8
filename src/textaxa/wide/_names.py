"""``init = label-names``: rows that start where the encoder sees the texts of their nodes, and a chance for the others.

Trained rows grow and soon outshout those that stayed where their names put them, so these get a bonus after training.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.taxonomy import label_texts
from textaxa.wide._head import WideHead
from textaxa.wide._rows import Float32, Int64
from textaxa.wide._scale import Scale

LABEL_WORDS = 48
"""Words that are read of a label text: a path and a sentence or two."""
_SHARPNESS = 20.0
"""The first logits are this many times the cosine of text and label; as other heads start."""
_BLOCK = 4096
_BONUSES = tuple(0.25 * i for i in range(1, 81))
_COST = 0.01
"""Share of validation texts that a chance for categories without training rows may cost."""


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


def favour_unseen(head: WideHead, ends: Int64, held: tuple[NDArray[Any], Int64], *, width: int) -> float:
    """Raise, in place, the bias of rows that no training text reached, by as much as little validation accuracy allows.

    Parameters
    ----------
    head
        A trained head, its biases of such rows 0.
    ends
        The terminals of the training texts, (B,).
    held
        Scaled vectors and terminals of validation texts, whose nodes may all be known: each bonus costs them something.
    width
        Of the beam.

    Returns
    -------
    The bonus, nats.

    Source: calibrated stacking, Chao et al. (ECCV 2016), a constant for unseen classes; here the largest of a few that
    costs at most one validation text in a hundred.
    """
    seen = np.zeros(len(head.options), dtype=np.bool_)
    paths = head.options.paths(head.taxonomy, np.unique(ends))
    seen[paths[paths >= 0]] = True
    unseen = np.flatnonzero(~seen)
    best = float(np.mean(head.search(held[0], width=width).nodes[:, 0] == held[1]))
    given = 0.0
    for bonus in _BONUSES:
        head.rows.bias[unseen] = bonus
        if np.mean(head.search(held[0], width=width).nodes[:, 0] == held[1]) < best - _COST:
            break
        given = bonus
    head.rows.bias[unseen] = given
    return given
