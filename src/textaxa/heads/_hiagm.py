"""What both HiAGM heads share: the settings, the choice of the structure encoder, the flat classifier, the loss."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from textaxa.heads._gcn import HierarchyGCN
from textaxa.heads._levels import ClosedTargets, ParentCut, PathSoftmax
from textaxa.heads._structure import edges_of, node_counts, transition_priors
from textaxa.heads._tree_lstm import BiTreeLSTM
from textaxa.settings import setting
from textaxa.taxonomy import Taxonomy

_RATE_WIDTH = 384
"""The recipe's rate of the head suits linear classifiers over about so many features."""


def structure() -> Any:
    """Declare ``structure``."""
    return setting(
        "gcn",
        "How nodes learn of each other. gcn: from parents and children, in one step; tree-lstm: along whole paths, up "
        "and down; slower.",
        choices=("gcn", "tree-lstm"),
    )


def priors() -> Any:
    """Declare ``priors``."""
    return setting(
        True,
        "Edges down start at the share of the parent's training rows that the child has. Off: all children of a parent "
        "alike.",
    )


def node_dropout() -> Any:
    """Declare ``node_dropout``."""
    return setting(0.05, "Share of the structure encoder's output dropped in training.", at_least=0, at_most=0.95)


def recursive_regularisation() -> Any:
    """Declare ``recursive_regularisation``."""
    return setting(
        1e-6,
        "Weight of the penalty that pulls a child's classifier row to its parent's (Gopal and Yang 2013). 0: none.",
        at_least=0,
    )


def structure_encoder(
    taxonomy: Taxonomy, width: int, *, task: str, settings: Any, counts: np.ndarray | None
) -> nn.Module:
    """Make the structure encoder that the settings name: node features (N, B, d) to the same shape."""
    rows = node_counts(taxonomy, task, counts) if settings.priors else np.zeros(len(taxonomy))
    known: dict[str, Callable[..., nn.Module]] = {"gcn": HierarchyGCN, "tree-lstm": BiTreeLSTM}
    return known[settings.structure](
        taxonomy, width, priors=transition_priors(taxonomy, rows), dropout=settings.node_dropout
    )


class NodeClassifier(nn.Module):
    """One linear layer from the features of all nodes to the logits of all nodes: W (N, N d).

    A layer this wide would jump about at the recipe's rate: every step moves each of its N d weights by the rate. So it
    stores W / c with c = 384 / (N d), at most 1, which changes nothing but the size of the steps.
    """

    def __init__(self, taxonomy: Taxonomy, width: int, penalty: float) -> None:
        super().__init__()
        edges = edges_of(taxonomy)
        n_nodes = len(taxonomy)
        self.penalty = penalty
        self.scale = min(1.0, _RATE_WIDTH / (n_nodes * width))
        bound = min(n_nodes * width, _RATE_WIDTH) ** -0.5
        self.weight = nn.Parameter(torch.empty(n_nodes, n_nodes * width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(n_nodes))
        self.register_buffer("_parent", torch.from_numpy(edges.parent), persistent=False)
        self.register_buffer("_child", torch.from_numpy(edges.child), persistent=False)
        neighbours = np.bincount(np.concatenate([edges.parent, edges.child]), minlength=n_nodes)
        self.register_buffer("_neighbours", torch.from_numpy(neighbours).float(), persistent=False)

    def forward(self, nodes: torch.Tensor) -> torch.Tensor:
        """Turn node features (B, N, d) into logits (B, N)."""
        return self.scale * F.linear(nodes.flatten(1), self.weight) + self.bias

    def regularisation(self) -> torch.Tensor:
        """Give the penalty: half the squared distance of every child's row to its parent's, summed over edges."""
        if self.penalty == 0:
            return self.weight.new_zeros(())
        weight = self.penalty * self.scale**2
        with torch.no_grad():
            pull = self._pull()
        twice = weight * torch.dot(self.weight.flatten(), pull.flatten())
        return twice - twice.detach() / 2  # the sum is a quadratic form w'Lw, its gradient 2 Lw: one product for both

    def _pull(self) -> torch.Tensor:
        """Sum over each node's neighbours how far its row is from theirs (N, N d): the graph's Laplacian times W."""
        parent, child = self.get_buffer("_parent"), self.get_buffer("_child")
        pull = self.get_buffer("_neighbours")[:, None] * self.weight
        pull.index_add_(0, parent, self.weight.index_select(0, child), alpha=-1)
        return pull.index_add_(0, child, self.weight.index_select(0, parent), alpha=-1)


class NodeScoring(nn.Module):
    """Yes or no for every node: the loss, and coherent probabilities."""

    def __init__(self, taxonomy: Taxonomy, task: str) -> None:
        super().__init__()
        self.task = task
        self.closed = ClosedTargets(taxonomy) if task == "single" else None
        self.coherent: nn.Module = PathSoftmax(taxonomy) if task == "single" else ParentCut(taxonomy)

    def loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Give the binary cross-entropy in nats, summed over nodes, mean over texts."""
        if self.closed is not None:
            targets = self.closed(targets)
        return F.binary_cross_entropy_with_logits(logits.float(), targets, reduction="none").sum(1).mean()

    def node_proba(self, logits: torch.Tensor) -> torch.Tensor:
        """Give coherent node probabilities (B, N)."""
        return self.coherent(logits)
