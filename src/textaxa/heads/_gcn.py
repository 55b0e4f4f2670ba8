"""The hierarchy GCN of HiAGM: every node takes messages from its children, its parents and itself, through gates."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from textaxa.encoders._dropout import dropped
from textaxa.heads._levels import added_at
from textaxa.heads._structure import edges_of
from textaxa.taxonomy import Taxonomy


class HierarchyGCN(nn.Module):
    """One layer over all nodes at once, sparse over the E edges.

    For node k with children c and parents p, s the logistic function::

        up   = sum over c of a_kc v_c + b_up(k)              a starts at 1
        down = sum over p of a_kp v_p + b_down(k)            a starts at the prior P(k | p)
        h_k  = ReLU(s(w_up v_k + g_up(k)) up + s(w_down v_k + g_down(k)) down + s(w_self v_k + g_self(k)) v_k)

    The edge weights a are learned, as in the released code. There is no matrix from features to features.

    Source: HiAGM (Zhou et al., ACL 2020), Hierarchy-GCN. The bias b is added once a direction, as in the
    released code, not once a neighbour: else it would weigh 90 times as much at a node with 90 children. Dropout is
    drawn once, on the sum.
    """

    def __init__(self, taxonomy: Taxonomy, width: int, *, priors: np.ndarray, dropout: float) -> None:
        super().__init__()
        edges = edges_of(taxonomy)
        n_nodes = len(taxonomy)
        self.dropout = dropout
        self.register_buffer("_parent", torch.from_numpy(edges.parent), persistent=False)
        self.register_buffer("_child", torch.from_numpy(edges.child), persistent=False)
        self.up_weight = nn.Parameter(torch.ones(len(edges)))
        self.down_weight = nn.Parameter(torch.from_numpy(priors).float())
        self.up_bias = nn.Parameter(torch.zeros(n_nodes, width))
        self.down_bias = nn.Parameter(torch.zeros(n_nodes, width))
        self.gate_weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(3, width)))
        self.gate_bias = nn.Parameter(torch.zeros(n_nodes, 3))

    def forward(self, nodes: torch.Tensor) -> torch.Tensor:
        """Turn node features (N, B, d) into such that know their neighbours, (N, B, d)."""
        parent, child = self.get_buffer("_parent"), self.get_buffer("_child")
        gates = torch.sigmoid(F.linear(nodes, self.gate_weight) + self.gate_bias[:, None])
        up_gate, down_gate, self_gate = gates.split(1, dim=2)
        up = _along(nodes, self.up_weight, self.up_bias, child, parent)
        down = _along(nodes, self.down_weight, self.down_bias, parent, child)
        messages = torch.addcmul(torch.addcmul(self_gate * nodes, up_gate, up), down_gate, down)
        return torch.relu(dropped(messages, self.dropout, training=self.training))


def _along(
    nodes: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, source: torch.Tensor, target: torch.Tensor
) -> torch.Tensor:
    """Sum the weighted features (N, B, d) of the edges' sources into their targets, and add the bias; (N, B, d)."""
    sent = weight[:, None, None] * nodes.index_select(0, source)
    return added_at(bias[:, None].expand_as(nodes), target, sent, dim=0)
