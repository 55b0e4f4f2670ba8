"""The levels of a taxonomy as classes to be scored, and the way back from level scores to coherent probabilities.

Every text has one class at every level: at level l the nodes of depth l, and for each terminal that is shallower the
class "the path has ended there". So all paths have the same number of factors, whatever their length.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - the name that PyTorch code uses

from textaxa.taxonomy import Taxonomy


class LevelClasses(nn.Module):
    """The classes of every level, and which of them each terminal belongs to.

    Attributes
    ----------
    sizes : list[int]
        Number of classes C_l of each level.
    class_nodes : list of int arrays (C_l,)
        The node that each class stands for: a node of that depth, or a shallower terminal that the path has ended at.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        super().__init__()
        terminals = np.asarray(taxonomy.terminals)
        depth = np.asarray(taxonomy.depth)
        self.class_nodes: list[np.ndarray] = []
        for level in range(1, taxonomy.n_levels + 1):
            ended = terminals[depth[terminals] < level]
            nodes = np.asarray(taxonomy.level(level))
            self.class_nodes.append(np.concatenate([nodes, ended]))
            members = _members(taxonomy, level, nodes, ended)
            self.register_buffer(f"_members_{level}", torch.from_numpy(members), persistent=False)
        self.sizes = [len(nodes) for nodes in self.class_nodes]

    def members(self, level: int) -> torch.Tensor:
        """Give the classes of each terminal at a level (0 = top), int64 (T, K), K = 1 on a tree; -1 fills up rows."""
        return self.get_buffer(f"_members_{level + 1}")

    def log_proba(self, level: int, logits: torch.Tensor) -> torch.Tensor:
        """Turn the logits of a level (B, C_l) into the log-probability of each terminal's class there, (B, T)."""
        members = self.members(level)
        logs = F.log_softmax(logits.float(), dim=1)
        if members.shape[1] == 1:
            return logs[:, members[:, 0]]
        per_class = logs[:, members.clamp_min(0)].masked_fill(members < 0, -torch.inf)
        return torch.logsumexp(per_class, dim=2)

    def one_hot(self, level: int, terminals: torch.Tensor) -> torch.Tensor:
        """Give the true classes of a level as a distribution (B, C_l); several ancestors in a DAG share it evenly."""
        rows = self.members(level)[terminals]
        real = (rows >= 0).float()
        target = real.new_zeros(len(terminals), self.sizes[level])
        return target.scatter_add_(1, rows.clamp_min(0), real / real.sum(1, keepdim=True))


class NodeSums(nn.Module):
    """From terminal probabilities to node probabilities: a node's is the sum over the terminals at or below it."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        super().__init__()
        self.n_nodes = len(taxonomy)
        rows = [taxonomy.ancestors.row(int(t)) for t in taxonomy.terminals]
        position = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        self.register_buffer("_terminal", torch.from_numpy(position), persistent=False)
        self.register_buffer("_node", torch.from_numpy(np.concatenate(rows).astype(np.int64)), persistent=False)

    def forward(self, terminal_proba: torch.Tensor) -> torch.Tensor:
        """Sum (B, T) to (B, N). Adding more terms never lowers a float sum, so a child is never above its parent."""
        sums = terminal_proba.new_zeros(terminal_proba.shape[0], self.n_nodes)
        sums = added_at(sums, self._terminal_nodes(), terminal_proba[:, self.get_buffer("_terminal")])
        return sums.clamp_(max=1.0)

    def _terminal_nodes(self) -> torch.Tensor:
        return self.get_buffer("_node")


def path_proba(classes: LevelClasses, nodes: NodeSums, logits: Sequence[torch.Tensor]) -> torch.Tensor:
    """Combine level logits to coherent ``node_proba`` (B, N): the product over levels, normalised over terminals."""
    joint = torch.stack([classes.log_proba(level, scores) for level, scores in enumerate(logits)]).sum(0)
    return nodes(torch.softmax(joint, dim=1))


class ParentCut(nn.Module):
    """Coherence in a several-paths task: a node's sigmoid is cut to the smallest among its ancestors' and its own."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        super().__init__()
        self.slices = [slice(int(nodes[0]), int(nodes[-1]) + 1) for nodes in map(taxonomy.level, _levels(taxonomy))]
        for level, nodes in enumerate(map(taxonomy.level, _levels(taxonomy))):
            parents = padded([taxonomy.parents.row(int(node)) for node in nodes])
            self.register_buffer(f"_parents_{level}", torch.from_numpy(parents), persistent=False)

    def forward(self, node_logits: torch.Tensor) -> torch.Tensor:
        """Turn the logits of all nodes (B, N) into coherent ``node_proba`` (B, N)."""
        own = torch.sigmoid(node_logits.float())
        levels = [own[:, self.slices[0]]]
        for level, nodes in enumerate(self.slices[1:], start=1):
            parents = self.get_buffer(f"_parents_{level}")
            above = torch.cat(levels, dim=1)[:, parents.clamp_min(0)].masked_fill(parents < 0, 1.0).amin(2)
            levels.append(torch.minimum(own[:, nodes], above))
        return torch.cat(levels, dim=1)


class PathSoftmax(nn.Module):
    """Coherence in a single-path task for heads that score every node: independent yes-or-no answers, given that the
    true ones are one allowed path.

    Where node n is true with odds exp(z_n), independently of the others, the probability that exactly the closure of
    terminal t is true is proportional to exp(sum of z over that closure): a softmax over terminals.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        super().__init__()
        self.n_terminals = len(taxonomy.terminals)
        self.nodes = NodeSums(taxonomy)

    def terminal_logits(self, node_logits: torch.Tensor) -> torch.Tensor:
        """Sum node logits (B, N) over the closure of each terminal, (B, T)."""
        sums = node_logits.new_zeros(node_logits.shape[0], self.n_terminals, dtype=torch.float32)
        node, terminal = self.nodes.get_buffer("_node"), self.nodes.get_buffer("_terminal")
        return added_at(sums, terminal, node_logits[:, node].float())

    def forward(self, node_logits: torch.Tensor) -> torch.Tensor:
        """Turn node logits (B, N) into coherent ``node_proba`` (B, N)."""
        return self.nodes(torch.softmax(self.terminal_logits(node_logits), dim=1))


class ClosedTargets(nn.Module):
    """The true nodes of terminals, closed under ancestors, as targets of a yes-or-no answer a node."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        super().__init__()
        rows = [taxonomy.ancestors.row(int(t)) for t in taxonomy.terminals]
        self.register_buffer("_closure", torch.from_numpy(padded(rows)), persistent=False)
        self.n_nodes = len(taxonomy)

    def forward(self, terminals: torch.Tensor) -> torch.Tensor:
        """Give 1 for the true nodes of terminal positions (B,), else 0; float32 (B, N)."""
        nodes = self.get_buffer("_closure")[terminals]
        targets = torch.zeros(len(terminals), self.n_nodes + 1, device=nodes.device)
        return targets.scatter_(1, nodes.where(nodes >= 0, self.n_nodes), 1.0)[:, : self.n_nodes]


def _levels(taxonomy: Taxonomy) -> range:
    return range(1, taxonomy.n_levels + 1)


def _members(taxonomy: Taxonomy, level: int, nodes: np.ndarray, ended: np.ndarray) -> np.ndarray:
    """Find the classes of each terminal at one level: its ancestors of that depth, or the class where it has ended."""
    class_of = {int(node): i for i, node in enumerate(np.concatenate([nodes, ended]))}
    depth = np.asarray(taxonomy.depth)
    rows = []
    for terminal in map(int, taxonomy.terminals):
        ancestors = taxonomy.ancestors.row(terminal)
        here = [terminal] if depth[terminal] < level else ancestors[depth[ancestors] == level]
        rows.append([class_of[int(node)] for node in here])
    return padded(rows)


def added_at(into: torch.Tensor, index: torch.Tensor, values: torch.Tensor, *, dim: int = 1) -> torch.Tensor:
    """Add values to a tensor, along one dimension each at its index: ``index_add``, also for an export.

    The export to ONNX refuses ``index_add`` where an index comes twice; ``scatter_add`` does the same there.
    """
    if not torch.onnx.is_in_onnx_export():
        return into.index_add(dim, index, values)
    shape = [1] * values.ndim
    shape[dim] = -1
    return into.scatter_add(dim, index.view(shape).expand_as(values), values)


def padded(rows: Sequence[Sequence[int] | np.ndarray]) -> np.ndarray:
    """Stack rows of unequal length as int64 (R, K), filled up with -1."""
    table = np.full((len(rows), max([1, *map(len, rows)])), -1, dtype=np.int64)
    for i, row in enumerate(rows):
        table[i, : len(row)] = row
    return table
