"""The choices that ``conditional`` learns: which child given the parent, or yes or no given that the parents are true.

Logits of choices come in; losses, or coherent node probabilities, go out.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from textaxa.heads._levels import NodeSums, added_at, padded
from textaxa.taxonomy import Taxonomy


class SiblingChoices(nn.Module):
    """One path a text: the choices below each node, and the root. A choice is an edge, or "ends here" at a node."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        super().__init__()
        n_parents = [max(1, len(taxonomy.parents.row(node))) for node in range(len(taxonomy))]
        child = np.repeat(np.arange(len(taxonomy)), n_parents)
        parent = np.concatenate([_or_root(taxonomy.parents.row(node)) for node in range(len(taxonomy))])
        ends = np.array([t for t in taxonomy.terminals if len(taxonomy.children.row(int(t)))], dtype=np.int64)
        self.size = len(child) + len(ends)
        self.n_nodes = len(taxonomy)
        self.nodes = NodeSums(taxonomy)
        self._closure = [taxonomy.ancestors.row(int(t)) for t in taxonomy.terminals]
        self.choice_nodes = np.concatenate([child, ends])
        self._is_end = np.arange(self.size) >= len(child)
        self.register_buffer("_group", torch.from_numpy(np.concatenate([parent, ends]) + 1), persistent=False)
        for name, value in self._routes(taxonomy, child, ends).items():
            self.register_buffer(name, torch.from_numpy(value), persistent=False)
        self.is_tree = bool(taxonomy.is_tree)
        self.n_levels = taxonomy.n_levels

    def _routes(self, taxonomy: Taxonomy, child: np.ndarray, ends: np.ndarray) -> dict[str, np.ndarray]:
        """Find the choices on the way to each terminal: of a tree all at once, of a DAG level by level."""
        end_of = {int(node): len(child) + i for i, node in enumerate(ends)}
        ending = [[end_of[int(t)]] if int(t) in end_of else [] for t in taxonomy.terminals]
        routes = {"_ending": padded(ending)[:, 0], "_terminals": np.asarray(taxonomy.terminals, dtype=np.int64)}
        if taxonomy.is_tree:
            pairs = [[*map(int, row), *end] for row, end in zip(self._closure, ending, strict=True)]
            routes["_pair_terminal"] = np.repeat(np.arange(len(pairs)), [len(pair) for pair in pairs])
            routes["_pair_choice"] = np.concatenate([np.asarray(pair, dtype=np.int64) for pair in pairs])
            return routes
        depth = np.asarray(taxonomy.depth)[child]
        return routes | {f"_edges_{level}": np.flatnonzero(depth == level) for level in range(1, taxonomy.n_levels + 1)}

    def log_prior(self, counts: np.ndarray) -> np.ndarray:
        """Give the log of each choice's share among the training rows of its parent, smoothed by one, (C,)."""
        below = np.zeros(self.n_nodes)
        here = np.zeros(self.n_nodes)
        for closure, terminal, count in zip(self._closure, self.get_buffer("_terminals").tolist(), counts, strict=True):
            below[closure] += count
            here[terminal] = count
        rows = np.where(self._is_end, here[self.choice_nodes], below[self.choice_nodes]) + 1.0
        group = self.get_buffer("_group").numpy()
        return np.log(rows / np.bincount(group, weights=rows)[group])

    def losses(self, logits: torch.Tensor, terminals: torch.Tensor) -> torch.Tensor:
        """Give -log P(exactly the true terminal) of each text (B,)."""
        return -self._log_proba(logits).gather(1, terminals[:, None])[:, 0]

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        """Turn the logits of choices (B, C) into ``node_proba`` (B, N)."""
        return self.nodes(self._log_proba(logits).exp())

    def _log_proba(self, logits: torch.Tensor) -> torch.Tensor:
        """Give the log-probability that the path ends exactly at each terminal, (B, T)."""
        chosen = log_softmax_by_group(logits, self.get_buffer("_group"), self.n_nodes + 1)
        if not self.is_tree:
            return self._dag_log_proba(chosen)
        sums = chosen.new_zeros(chosen.shape[0], len(self._closure))
        return added_at(sums, self.get_buffer("_pair_terminal"), chosen[:, self.get_buffer("_pair_choice")])

    def _dag_log_proba(self, chosen: torch.Tensor) -> torch.Tensor:
        """Add probabilities over the ways to a node, from the top level down. Column 0 of ``reached`` is the root."""
        group, child = self.get_buffer("_group"), torch.from_numpy(self.choice_nodes).to(chosen.device)
        reached = torch.zeros(chosen.shape[0], 1, device=chosen.device)
        for level in range(1, self.n_levels + 1):
            edges = self.get_buffer(f"_edges_{level}")
            into = child[edges] + 1 - reached.shape[1]
            ways = reached[:, group[edges]] + chosen[:, edges]
            top = ways.new_full((ways.shape[0], int(into.max()) + 1), -torch.inf)
            top = top.scatter_reduce(1, into.expand_as(ways), ways.detach(), "amax")
            sums = added_at(torch.zeros_like(top), into, torch.exp(ways - top[:, into]))
            reached = torch.cat([reached, sums.log() + top], dim=1)
        ending = self.get_buffer("_ending")
        ends_here = chosen[:, ending.clamp_min(0)].masked_fill(ending < 0, 0.0)
        return reached[:, self.get_buffer("_terminals") + 1] + ends_here


class ParentGiven(nn.Module):
    """Several paths a text: each node is a yes or no, given that all its parents are true."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        super().__init__()
        self.size = len(taxonomy)
        self.choice_nodes = np.arange(self.size)
        parents = padded([taxonomy.parents.row(node) for node in range(len(taxonomy))])
        self.register_buffer("_parents", torch.from_numpy(parents), persistent=False)
        self.slices = [slice(int(nodes[0]), int(nodes[-1]) + 1) for nodes in _levels(taxonomy)]

    def log_prior(self, counts: np.ndarray) -> np.ndarray:
        """Give the log-odds of each node among the training rows of its parents, smoothed by one, (N,).

        The rows of a top-level node's parent, all rows, are not known; those of the top level together stand for them.
        """
        parents = self.get_buffer("_parents").numpy()
        everything = counts[self.slices[0]].sum()
        given = np.where(parents < 0, np.inf, counts[np.maximum(parents, 0)]).min(1)
        given = np.where(np.isinf(given), everything, given)
        return np.log((counts + 1.0) / (np.maximum(given - counts, 0) + 1.0))

    def losses(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Give the binary cross-entropy of each text (B,), summed over the nodes whose parents are all true."""
        parents = self.get_buffer("_parents")
        given = targets[:, parents.clamp_min(0)].masked_fill(parents < 0, 1.0).amin(2)
        return (given * F.binary_cross_entropy_with_logits(logits, targets, reduction="none")).sum(1)

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        """Turn node logits (B, N) into ``node_proba`` (B, N): each is its share of the smallest parent's."""
        share = torch.sigmoid(logits)
        levels = [share[:, self.slices[0]]]
        for nodes in self.slices[1:]:
            parents = self.get_buffer("_parents")[nodes]
            above = torch.cat(levels, dim=1)[:, parents.clamp_min(0)].masked_fill(parents < 0, 1.0).amin(2)
            levels.append(share[:, nodes] * above)
        return torch.cat(levels, dim=1)


def log_softmax_by_group(logits: torch.Tensor, group: torch.Tensor, n_groups: int) -> torch.Tensor:
    """Give the log-softmax of logits (B, C) within each group of columns; ``group`` (C,) int64."""
    top = logits.new_full((logits.shape[0], n_groups), -torch.inf)
    top = top.scatter_reduce(1, group.expand_as(logits), logits.detach(), "amax")
    shifted = logits - top[:, group]
    sums = added_at(torch.zeros_like(top), group, shifted.exp())
    return shifted - sums.log()[:, group]


def _or_root(parents: np.ndarray) -> np.ndarray:
    """Give the parents of a node; those of the top level have the root, -1."""
    return np.asarray(parents if len(parents) else [-1], dtype=np.int64)


def _levels(taxonomy: Taxonomy) -> list[np.ndarray]:
    return [np.asarray(taxonomy.level(level)) for level in range(1, taxonomy.n_levels + 1)]
