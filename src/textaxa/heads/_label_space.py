"""What `textaxa.heads.label_text` is made of: projections, the mix of a node with its parents, drawn classes."""

from itertools import pairwise

import torch
from torch import nn

from textaxa.heads._levels import padded
from textaxa.taxonomy import Taxonomy


class Projection(nn.Module):
    """x + A x / sqrt(D) with A zero at first, so that the plain cosine is what it starts as and decays to.

    Without the root the optimizer's equal steps in all D^2 weights would forget in a few rows what the encoder knows
    (100 of the validation rows of open-apps, frozen encoder: 29 % of the paths right instead of 41 %).
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width, bias=False)
        self.reach = width**-0.5
        nn.init.zeros_(self.linear.weight)

    def forward(self, vectors: torch.Tensor) -> torch.Tensor:
        """Project (…, D)."""
        projected: torch.Tensor = vectors + self.reach * self.linear(vectors)
        return projected


class AlongPaths(nn.Module):
    """Mixes the vector of each node with that of its parents, from the top level down."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        super().__init__()
        for name, rows in (("_parents", taxonomy.parents), ("_ancestors", taxonomy.ancestors)):
            self.register_buffer(name, torch.from_numpy(padded(list(rows))), persistent=False)
        starts = [taxonomy.level_slice(level).start for level in range(1, taxonomy.n_levels + 1)]
        self.register_buffer("_starts", torch.tensor([*starts, len(taxonomy)]), persistent=False)

    def closure(self, nodes: torch.Tensor) -> torch.Tensor:
        """Give some nodes with all their ancestors, ascending, each once."""
        found = self.get_buffer("_ancestors")[nodes].unique()
        return found[found >= 0]

    def forward(self, vectors: torch.Tensor, nodes: torch.Tensor, parent_weight: torch.Tensor) -> torch.Tensor:
        """Mix vectors (K, D) of nodes (K,) that a closure gave; the top level stays as it is."""
        parents = self.get_buffer("_parents")[nodes]
        real = (parents >= 0).to(vectors.dtype)
        share = (real / real.sum(1, keepdim=True).clamp_min(1)).unsqueeze(2)
        above = torch.searchsorted(nodes, parents.clamp_min(0))
        ends = torch.searchsorted(nodes, self.get_buffer("_starts")).tolist()
        top = vectors[: ends[1]]
        mixed = torch.lerp(top, top, parent_weight)  # as it is; with a gradient of 0 where there is no other level
        for start, end in pairwise(ends[1:]):
            over = (mixed[above[start:end]] * share[start:end]).sum(1)
            mixed = torch.cat([mixed, torch.lerp(vectors[start:end], over, parent_weight)])
        return mixed


def draw(true: torch.Tensor, n_classes: int, negatives: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Draw classes at random beside the true ones; each drawn one stands for its share of those that were not true.

    Parameters
    ----------
    true
        Classes that are always among them, each once.
    n_classes
        How many classes there are.
    negatives
        How many are drawn; where fewer are left, all of those.

    Returns
    -------
    The classes ascending, int64 (C,), and how many each stands for, float32 (C,).
    """
    others = torch.ones(n_classes, dtype=torch.bool, device=true.device)
    others[true] = False
    rest = others.nonzero()[:, 0]
    drawn = rest[torch.randperm(len(rest), device=rest.device)[:negatives]]
    columns, order = torch.cat([true, drawn]).sort()
    standing_for = torch.ones(len(columns), device=true.device)
    standing_for[len(true) :] = len(rest) / max(1, len(drawn))
    return columns, standing_for[order]
