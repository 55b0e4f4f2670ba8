"""What both HiAGM heads share: the settings, the choice of the structure encoder, the flat classifier, the loss."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from textaxa.errors import ConfigError
from textaxa.heads._gcn import HierarchyGCN
from textaxa.heads._levels import ClosedTargets, ParentCut, PathSoftmax
from textaxa.heads._structure import edges_of, node_counts, transition_priors
from textaxa.heads._tree_lstm import BiTreeLSTM
from textaxa.settings import setting
from textaxa.taxonomy import Taxonomy

_RATE_WIDTH = 4096
"""At the recipe's rate of the head a classifier over this many node features learns fast and steadily: found on TREC
and open-apps, where the smaller steps of 384 are not enough for 8 epochs."""

_MOST_WEIGHTS = 10**9
"""Weights of the classifier, 4 GB; training takes four times as much."""


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
    stores W / c with c = 4096 / (N d), at most 1, which changes nothing but the size of the steps.
    """

    def __init__(self, taxonomy: Taxonomy, width: int, penalty: float) -> None:
        super().__init__()
        n_nodes = len(taxonomy)
        if n_nodes * n_nodes * width > _MOST_WEIGHTS:
            raise ConfigError(
                f"HiAGM scores {n_nodes:,} nodes by {n_nodes:,} x {n_nodes:,} x {width} weights, for which there is no "
                "memory to spare: it is meant for some hundred nodes. Use another head, or a smaller node_width."
            )
        self.penalty = penalty
        self.scale = min(1.0, _RATE_WIDTH / (n_nodes * width))
        bound = min(n_nodes * width, _RATE_WIDTH) ** -0.5
        self.weight = nn.Parameter(torch.empty(n_nodes, n_nodes * width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(n_nodes))
        self.register_buffer("_laplacian", _laplacian(taxonomy), persistent=False)

    def forward(self, nodes: torch.Tensor) -> torch.Tensor:
        """Turn node features (B, N, d) into logits (B, N)."""
        return self.scale * F.linear(nodes.flatten(1), self.weight) + self.bias

    def regularisation(self) -> torch.Tensor:
        """Give the penalty: half the squared distance of every child's row to its parent's, summed over edges.

        The sum is the quadratic form w'Lw with L the Laplacian of the edges, and its gradient 2 Lw: one sparse product
        serves for both.
        """
        if self.penalty == 0:
            return self.weight.new_zeros(())
        with torch.no_grad(), torch.autocast(self.weight.device.type, enabled=False):
            pull = torch.sparse.mm(self.get_buffer("_laplacian"), self.weight)
        twice = self.penalty * self.scale**2 * torch.dot(self.weight.flatten(), pull.flatten())
        return twice - twice.detach() / 2


def _laplacian(taxonomy: Taxonomy) -> torch.Tensor:
    """Give the Laplacian of the edges, sparse (N, N): neighbours of every node on its diagonal, -1 for every edge."""
    edges, n = edges_of(taxonomy), len(taxonomy)
    ends = np.concatenate([edges.parent, edges.child])
    rows = np.concatenate([np.arange(n), ends])
    columns = np.concatenate([np.arange(n), edges.child, edges.parent])
    values = np.concatenate([np.bincount(ends, minlength=n), -np.ones(len(ends))]).astype(np.float32)
    places = torch.from_numpy(np.stack([rows, columns]))
    # The device is said for those who only want to know the shapes of a head, and make it where there is no memory.
    made = torch.sparse_coo_tensor(places, torch.from_numpy(values), (n, n), check_invariants=True, device="cpu")
    return made.coalesce()


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
