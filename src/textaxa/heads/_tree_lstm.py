"""The bidirectional Tree-LSTM of HiAGM, level by level: all nodes of a level and all texts of a batch in one step."""

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from textaxa.encoders._dropout import dropped
from textaxa.heads._levels import added_at
from textaxa.heads._structure import edges_of
from textaxa.taxonomy import Taxonomy


class BiTreeLSTM(nn.Module):
    """A child-sum Tree-LSTM from the leaves up beside a Tree-LSTM from the top down; their states side by side.

    Both are the same cell over edges j → k, which carry a learned weight p: upwards it starts at 1, downwards at the
    prior P(child | parent), s the logistic function::

        h~ = sum over j of p_jk h_j
        i, o, u = s, s, tanh of (W x_k + U h~ + b)
        f_j = s(W_f x_k + U_f p_jk h_j + b_f)
        c_k = i u + sum over j of f_j p_jk c_j               h_k = o tanh(c_k)

    Downwards a node with several parents (DAG) takes their sum, weighted by the prior.

    Source: HiAGM (Zhou et al., ACL 2020), Bidirectional Tree-LSTM, after Tai et al. (ACL 2015). The
    released code stores the downward prior transposed, so that nothing reaches a child at first; here it does.
    """

    def __init__(self, taxonomy: Taxonomy, width: int, *, priors: np.ndarray, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.up = TreeLSTM(taxonomy, width, width - width // 2, weights=np.ones(len(priors)), down=False)
        self.down = TreeLSTM(taxonomy, width, width // 2, weights=priors, down=True)

    def forward(self, nodes: torch.Tensor) -> torch.Tensor:
        """Turn node features (N, B, d) into such that know their descendants and ancestors, (N, B, d)."""
        states = torch.cat([self.up(nodes), self.down(nodes)], dim=2)
        return dropped(states, self.dropout, training=self.training)


class TreeLSTM(nn.Module):
    """One direction: states flow along the edges, level after level."""

    steps: Any

    def __init__(self, taxonomy: Taxonomy, width: int, memory: int, *, weights: np.ndarray, down: bool) -> None:
        super().__init__()
        self.down = down
        self.weight = nn.Parameter(torch.from_numpy(weights).float())
        self.input_gates = nn.Linear(width, 3 * memory)
        self.input_forget = nn.Linear(width, memory)
        self.state_gates = nn.Parameter(_uniform(3 * memory, memory))
        self.state_forget = nn.Parameter(_uniform(memory, memory))
        self.steps = nn.ModuleList(_steps(taxonomy, down=down))
        fed = [step.fed_nodes for step in self.steps]
        self.register_buffer("_fed", torch.from_numpy(np.concatenate(fed)), persistent=False)

    def forward(self, nodes: torch.Tensor) -> torch.Tensor:
        """Turn node features (N, B, d) into states (N, B, memory)."""
        gates_of = self._by_step(self.input_gates(nodes))
        forgets = self.input_forget(nodes.index_select(0, self.get_buffer("_fed")))
        forget_of = forgets.split([len(step.fed_nodes) for step in self.steps])
        hidden: list[torch.Tensor] = []
        cells: list[torch.Tensor] = []
        for step, gates, forget in zip(self.steps, gates_of, forget_of, strict=True):
            h, c = self._step(step, gates, forget, hidden, cells)
            hidden.append(h)
            cells.append(c)
        return torch.cat(hidden if self.down else hidden[::-1])

    def _by_step(self, values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Cut (N, …) by levels, in the order in which they are computed."""
        sizes = [step.n_nodes for step in self.steps]
        return values.split(sizes) if self.down else values.split(sizes[::-1])[::-1]

    def _step(
        self,
        step: "_Step",
        gates: torch.Tensor,
        forget: torch.Tensor,
        hidden: list[torch.Tensor],
        cells: list[torch.Tensor],
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Compute hidden and cell states (n, B, memory) of a level from those of the levels before."""
        kept = None
        if len(step.fed_nodes):
            weight = step.edge_weights(self.weight).to(gates.dtype)
            before, cell = step.senders(hidden), step.senders(cells)
            gates = step.added(gates, self._state_gates(step, before, weight))
            from_before = step.by_edge(F.linear(before, self.state_forget))
            forget = torch.addcmul(step.to_edges(forget), weight, from_before)
            kept = step.summed(torch.sigmoid(forget) * weight * step.by_edge(cell))
        i, o, u = gates.chunk(3, dim=2)
        c = torch.sigmoid(i) * torch.tanh(u)
        if kept is not None:
            c = step.added(c, kept)
        return torch.sigmoid(o) * torch.tanh(c), c

    def _state_gates(self, step: "_Step", before: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Give U h~ of the fed nodes. Where senders are fewer the product comes before the sum, which is the same."""
        if len(before) < len(step.fed_nodes):
            return step.summed(weight * step.by_edge(F.linear(before, self.state_gates)))
        return F.linear(step.summed(weight * step.by_edge(before)), self.state_gates)


class _Step(nn.Module):
    """The index arrays of one level: which nodes of the levels before feed which of its own.

    An index that would only say 0, 1, 2, … is None, which saves a copy of the values.
    """

    _fed: torch.Tensor | None
    _of_target: torch.Tensor | None
    _of_source: torch.Tensor | None
    _senders: torch.Tensor | None

    def __init__(
        self, nodes: slice, edges: np.ndarray, target: np.ndarray, source: np.ndarray, sizes_before: list[int]
    ) -> None:
        """``target``: node ids; ``source``: positions among all nodes of the levels before, in computed order."""
        super().__init__()
        self.n_nodes = nodes.stop - nodes.start
        self.fed_nodes, of_target = np.unique(target, return_inverse=True)
        senders, of_source = np.unique(source, return_inverse=True)
        ends = np.cumsum([0, *sizes_before])
        self.first = int(np.searchsorted(ends, senders[0], "right")) - 1 if len(senders) else 0
        n_near = int(ends[-1] - ends[self.first])
        self._index("_edges", edges)
        self._index("_fed", _unless_all(self.fed_nodes - nodes.start, self.n_nodes))
        self._index("_of_target", _unless_all(of_target, len(self.fed_nodes)))
        self._index("_of_source", _unless_all(of_source, len(senders)))
        self._index("_senders", _unless_all(senders - ends[self.first], n_near))

    def _index(self, name: str, values: np.ndarray | None) -> None:
        self.register_buffer(name, None if values is None else torch.from_numpy(values), persistent=False)

    def edge_weights(self, weight: torch.Tensor) -> torch.Tensor:
        """Take those of this level's E' edges from all (E,), as (E', 1, 1)."""
        return weight.index_select(0, self.get_buffer("_edges"))[:, None, None]

    def senders(self, computed: list[torch.Tensor]) -> torch.Tensor:
        """Take the states of the nodes that feed this level, (S, B, m), from those of the levels before."""
        near = computed[self.first :]
        return _select(near[0] if len(near) == 1 else torch.cat(near), self._senders)

    def by_edge(self, of_senders: torch.Tensor) -> torch.Tensor:
        """Bring what belongs to senders (S, B, m) to the edges, (E', B, m)."""
        return _select(of_senders, self._of_source)

    def to_edges(self, of_fed: torch.Tensor) -> torch.Tensor:
        """Bring what belongs to fed nodes (F, B, m) to the edges, (E', B, m)."""
        return _select(of_fed, self._of_target)

    def summed(self, of_edges: torch.Tensor) -> torch.Tensor:
        """Sum what belongs to edges (E', B, m) into the fed nodes, (F, B, m), in full precision: they may be many."""
        if self._of_target is None:
            return of_edges
        full = torch.promote_types(of_edges.dtype, torch.float32)
        sums = of_edges.new_zeros(len(self.fed_nodes), *of_edges.shape[1:], dtype=full)
        return added_at(sums, self._of_target, of_edges.to(full), dim=0).to(of_edges.dtype)

    def added(self, level: torch.Tensor, of_fed: torch.Tensor) -> torch.Tensor:
        """Add to the nodes of this level (n, B, m) what the fed ones among them got (F, B, m)."""
        return level + of_fed if self._fed is None else added_at(level, self._fed, of_fed.to(level.dtype), dim=0)


def _steps(taxonomy: Taxonomy, *, down: bool) -> list[_Step]:
    """Make the step of every level, in the order in which levels are computed."""
    edges = edges_of(taxonomy)
    source, target = (edges.parent, edges.child) if down else (edges.child, edges.parent)
    levels = [taxonomy.level_slice(level) for level in range(1, taxonomy.n_levels + 1)]
    if not down:
        levels.reverse()
    sizes = [nodes.stop - nodes.start for nodes in levels]
    position = np.empty(len(taxonomy), dtype=np.int64)
    position[np.concatenate([np.arange(nodes.start, nodes.stop) for nodes in levels])] = np.arange(len(taxonomy))
    steps = []
    for i, nodes in enumerate(levels):
        here = np.flatnonzero((target >= nodes.start) & (target < nodes.stop))
        steps.append(_Step(nodes, here, target[here], position[source[here]], sizes[:i]))
    return steps


def _unless_all(index: np.ndarray, size: int) -> np.ndarray | None:
    """Give the index, or None where it is 0, 1, 2, … up to ``size``."""
    return None if np.array_equal(index, np.arange(size)) else index.astype(np.int64)


def _select(values: torch.Tensor, index: torch.Tensor | None) -> torch.Tensor:
    return values if index is None else values.index_select(0, index)


def _uniform(rows: int, columns: int) -> torch.Tensor:
    """Give a matrix as `torch.nn.Linear` starts with."""
    bound = max(1, columns) ** -0.5
    return torch.empty(rows, columns).uniform_(-bound, bound)
