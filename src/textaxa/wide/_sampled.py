"""Sampled softmax: a group of very many siblings is trained against some of them, drawn anew for every step."""

from dataclasses import dataclass

import numpy as np

from textaxa.wide._rows import Float32, Int64

SAMPLED_FROM = 4
"""Groups of more than so many times the negatives are sampled; of smaller ones the whole softmax costs little more."""
BATCH = 256
"""Texts that share the options drawn for a step."""


@dataclass(frozen=True)
class Drawn:
    """Options of one group, K of its S: those that the texts of a step take, and some drawn among the others.

    Attributes
    ----------
    places
        The options, 0 to S - 1, each once; ``int64 (K,)``.
    log_weight
        What is added to their logits, so that the sum of their exponentials is expected to be that of all S: 0 for
        those that are taken, log of how many each drawn one stands for else; float32 (K,).
    taken
        The place in ``places`` of the option that each text takes, ``int64 (n,)``.
    """

    places: Int64
    log_weight: Float32
    taken: Int64


def draw(chosen: Int64, size: int, negatives: int, random: np.random.Generator) -> Drawn:
    """Draw options to train against.

    Parameters
    ----------
    chosen
        The option that each text takes, (n,).
    size
        Options of the group, S.
    negatives
        How many to draw; drawn twice or taken by a text, an option counts once.
    random
        Where chance comes from.

    Source: sampled softmax with corrected logits, Bengio and Senecal (2008), drawn uniformly, the batch's own options
    always among them.
    """
    own, taken = np.unique(chosen, return_inverse=True)
    others = np.setdiff1d(random.integers(size, size=negatives), own)
    each = np.log(max(1, size - len(own)) / max(1, len(others)))
    weight = np.concatenate([np.zeros(len(own)), np.full(len(others), each)]).astype(np.float32)
    return Drawn(np.concatenate([own, others]), weight, np.asarray(taken, dtype=np.int64))
