"""Heads on an encoder: rows of weights, or label vectors, learn from text vectors; a penalty holds them.

Vectors of texts, their targets and weights come in; a copy of the head with moved rows goes out. The problem is smooth
and small, so that a few steps of L-BFGS over all rows at once find what thousands of small steps would.
"""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from textaxa.errors import ConfigError
from textaxa.heads import HEADS, head_class
from textaxa.labels import reads_labels
from textaxa.model import Model

HELD = 0.1
"""Penalty on the squared distance of a trained row from where it was (loss in nats, features of unit variance)."""

NEW = 0.01
"""Penalty of a row that no training text has reached. Both chosen on validation rows of hwu64, open-apps, newsgroups20
and amazon3 with hidden leaves and ten texts each: a tenth of it moved more and was no better, ten times held too much.
"""

FREE = 1e-3
"""The bias of such a row is held this many times less than its weights: it says how often a node is right, of which a
name knows nothing. (Held as the weights are, 20 instead of 34 % of the texts of trec's hidden leaves were right, and 43
instead of 62 % of newsgroups20's; it costs the other texts a point. Validation rows.)"""

STILL = 100.0
"""Penalty of the other trained rows where a text may have several paths: yes-or-no answers need not make room for each
other, and thresholds were fitted to these probabilities. (fdroid, validation rows, hidden leaves taught: 11 % of the
other texts' sets of paths exactly right with 0.1, 24 % with 100 and before.)"""

STEPS = 60
"""Steps of L-BFGS at most; most of the time the loss stands still after 40."""


def can_be_taught(head: str) -> bool:
    """Tell whether a head has rows that stand for nodes and read text vectors."""
    kind = head_class(head)
    return kind.reads == "vectors" and (reads_labels(kind) or hasattr(kind, "output_rows"))


def refuse_others(head: str) -> None:
    """Refuse a head whose nodes cannot be told apart in its weights."""
    if can_be_taught(head):
        return
    able = ", ".join(name for name in HEADS if name == "linear" or can_be_taught(name))
    raise ConfigError(
        f"The head {head!r} has no weights of its own for each node, so a few texts cannot teach it without the rest. "
        f"Train it anew with these texts (textaxa train), or use one of: {able}."
    )


def taught_network(
    model: Model, features: torch.Tensor, targets: torch.Tensor, weights: np.ndarray, *, held: np.ndarray
) -> Model:
    """Give a model whose head has learned from these rows; encoder and feature scale are shared with the given one.

    Parameters
    ----------
    model
        A trained model.
    features
        Text vectors by its encoder, scaled, (B, D).
    targets
        As its head wants them, (B,) or (B, N).
    weights
        What each row counts, (B,); they sum to 1.
    held
        Penalty of the rows of each node, (N,): `HELD`, `NEW` where no training text has reached it, or `STILL`.
    """
    device = model.scale.mean.device
    changed = Model(model.taxonomy, model.encoder, copy.deepcopy(model.head), model.settings, dict(model.summary))
    changed.scale = model.scale
    changed.to(device).eval()  # as at prediction: no dropout, and a level is fed what it will be fed
    wanted = [parameter.requires_grad for parameter in changed.head.parameters()]
    changed.head.requires_grad_(False)
    rows = _LabelRows(changed.head, held) if reads_labels(changed.head) else _Rows(changed.head, held)
    _minimise(rows, changed.head, features, targets.to(device), weights)
    rows.keep()
    for parameter, learns in zip(changed.head.parameters(), wanted, strict=True):
        parameter.requires_grad_(learns)
    return changed


def _minimise(rows: Any, head: Any, features: torch.Tensor, targets: torch.Tensor, weights: np.ndarray) -> None:
    parts = _parts(weights, features.device)
    optimizer = torch.optim.LBFGS(rows.parameters, max_iter=STEPS, line_search_fn="strong_wolfe", tolerance_grad=1e-5)

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        total: torch.Tensor = rows.penalty()
        for some, weight in parts:
            scores = head(features[some], targets[some], 1.0, **rows.how)
            total = total + weight * head.loss(scores, targets[some])
        torch.autograd.backward(total)
        return total

    optimizer.step(loss)  # type: ignore[no-untyped-call]


def _parts(weights: np.ndarray, device: torch.device) -> list[tuple[torch.Tensor, float]]:
    """Part the rows by weight, for heads give the mean loss of rows that count the same; few weights differ."""
    rounded = np.array([float(f"{weight:.3g}") for weight in weights])
    found = []
    for weight in np.unique(rounded):
        some = np.flatnonzero(rounded == weight)
        found.append((torch.from_numpy(some).to(device), float(weights[some].sum())))
    return found


class _Rows:
    """Rows of linear layers with their biases, each standing for a node."""

    def __init__(self, head: Any, held: np.ndarray) -> None:
        self.how: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {}
        self.parameters: list[torch.Tensor] = []
        self._held: list[torch.Tensor] = []
        for layer, nodes in head.output_rows():
            own = torch.from_numpy(held[np.asarray(nodes)]).to(layer.bias)
            biases = torch.where(own < HELD, own * FREE, own)
            self.parameters += [layer.weight.requires_grad_(), layer.bias.requires_grad_()]
            self._held += [own[:, None], biases]
        self._start = [parameter.detach().clone() for parameter in self.parameters]

    def penalty(self) -> torch.Tensor:
        """Give half the weighted squared distance from the start."""
        parts = zip(self.parameters, self._start, self._held, strict=True)
        return torch.stack([(held * (now - start) ** 2).sum() for now, start, held in parts]).sum() / 2

    def keep(self) -> None:
        """Nothing is left to do: the layers themselves were moved."""


class _LabelRows:
    """Label vectors, moved by multiples of their length: then a step changes logits as much as that of a row does."""

    def __init__(self, head: Any, held: np.ndarray) -> None:
        self._head = head
        self._start = head.label_vectors.clone()
        self._length = self._start.norm(dim=1, keepdim=True)
        self._moved = torch.zeros_like(self._start, requires_grad=True)
        self._held = torch.from_numpy(held).to(self._start)[:, None]
        self.parameters = [self._moved]
        self.how = {"encode": lambda nodes: self._now()[nodes]}

    def _now(self) -> torch.Tensor:
        now: torch.Tensor = self._start + self._length * self._moved
        return now

    def penalty(self) -> torch.Tensor:
        """Give half the weighted squared distance from the start."""
        penalty: torch.Tensor = (self._held * self._moved**2).sum() / 2
        return penalty

    @torch.no_grad()
    def keep(self) -> None:
        """Store the moved vectors in the head."""
        self._head.label_vectors.copy_(self._now())
