"""The head ``label-text`` carried over: new and renamed nodes are read anew, nothing is trained.

Encoder (shared), feature scale, projections, temperature and parent weight are kept. A node whose text is the same
keeps its vector to the bit.
"""

from typing import Any

import torch

from textaxa.labels import LabelVectors
from textaxa.model import Model

_OF_THE_TAXONOMY = ("label_vectors", "bias")
"""What of the head's state depends on which nodes, or how many levels, there are."""


@torch.no_grad()
def read_anew(old: Model, new: Model) -> int:
    """Fill the head of ``new``, and give how many label texts had to be read."""
    _keep_weights(old.head, new.head)
    before = {text: node for node, text in enumerate(LabelVectors(old).texts)}
    vectors = LabelVectors(new)
    fresh = [node for node, text in enumerate(vectors.texts) if text not in before]
    same = [node for node, text in enumerate(vectors.texts) if text in before]
    new.head.label_vectors[same] = old.head.label_vectors[[before[vectors.texts[node]] for node in same]]
    if fresh:
        new.head.label_vectors[fresh] = vectors.of(fresh)
    return len(fresh)


def _keep_weights(old: Any, new: Any) -> None:
    """Copy what does not depend on the nodes. A level deeper than any before takes the bias of the deepest one."""
    kept = {name: value for name, value in old.state_dict().items() if name not in _OF_THE_TAXONOMY}
    new.load_state_dict({**new.state_dict(), **kept})
    if hasattr(old, "bias"):
        level = torch.arange(len(new.bias), device=old.bias.device).clamp_max(len(old.bias) - 1)
        new.bias.copy_(old.bias[level])
