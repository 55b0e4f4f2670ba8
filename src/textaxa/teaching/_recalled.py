"""What a head has learned, as vectors: for when no training row is at hand that could be remembered.

A head and nodes come in; for each node a short vector that the head is sure of goes out, or its label text's vector.
Taught rows then have something to stand back for. It is a poor substitute: real rows lie where texts lie.
"""

from collections.abc import Sequence
from typing import Any

import torch

from textaxa.labels import reads_labels

_LENGTH = 10.0
"""The squared length of a vector costs this many times less than a nat of surprise. On validation rows of hwu64 with
ten texts for each hidden leaf, vectors ten times as long kept the other texts 1 to 3 points worse, and the label texts
themselves 2."""

_STEPS = 40


def recalled(head: Any, targets: torch.Tensor, nodes: Sequence[int], *, like: torch.Tensor) -> torch.Tensor:
    """Give a scaled vector for every target, (B, D): argmin over x of loss(x) + |x|^2 / (2 · 10).

    A head that scores by cosine does not care for lengths; there the label texts stand in.

    Parameters
    ----------
    head
        A trained head that reads text vectors; it is left as it is.
    targets
        As the head wants them, (B,) or (B, N).
    nodes
        The nodes that they stand for, (B,).
    like
        Scaled text vectors (…, D).
    """
    if not nodes or reads_labels(head):
        return head.label_vectors[list(nodes)] if nodes else like[:0]
    vectors = torch.zeros(len(targets), like.shape[1], device=like.device, requires_grad=True)
    optimizer = torch.optim.LBFGS([vectors], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        surprise = head.loss(head(vectors, targets, 1.0), targets) * len(targets)
        total: torch.Tensor = surprise + (vectors**2).sum() / (2 * _LENGTH)
        torch.autograd.backward(total)
        return total

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return vectors.detach()
