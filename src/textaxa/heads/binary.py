"""``binary``: a yes-or-no answer a node, made coherent by the max-constraint.

The recipe of most of the literature on several-paths tasks, with the two things it usually lacks: answers that never
contradict the hierarchy, and losses for few positives among many nodes.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from textaxa._sparse import take
from textaxa.heads import _settings
from textaxa.heads._levels import ClosedTargets, PathSoftmax
from textaxa.heads._multilabel_losses import row_share
from textaxa.heads._scoring import MultiPathScoring, OutputRows
from textaxa.settings import Checked, setting
from textaxa.taxonomy import Taxonomy


@dataclass(frozen=True)
class BinarySettings(Checked):
    """``binary``: a sigmoid for every node, coherent by the max-constraint."""

    loss: str = _settings.node_loss("How the yes-or-no answers of the nodes are trained.")
    coherence: str = setting(
        "max",
        "How a node is kept from being above its parent. max: a node's score is the largest at or below it, in "
        "training too, so that evidence for a child counts for all above it (C-HMCNN, Giunchiglia and Lukasiewicz "
        "2020); cut: in prediction alone, a node gets at most its parents' score.",
        choices=("max", "cut"),
    )
    init: str = _settings.init()
    dropout: float = _settings.dropout()
    label_smoothing: float = _settings.label_smoothing()
    class_weights: str = _settings.class_weights()
    level_weights: str | tuple[float, ...] = _settings.level_weights()


class BinaryHead(nn.Module):
    """Linear (D → N), sigmoid, max-constraint. Single- and several-path tasks.

    In a single-path task the answers of the nodes are read as independent ones, given that the true ones are one
    allowed path: a softmax over terminals of the sum of the logits on the way there.

    Source: C-HMCNN (Giunchiglia and Lukasiewicz, NeurIPS 2020), max-constraint module (MCM) and loss
    (MCLoss), there over a dense N × N matrix of ancestors, here along the edges.
    """

    Settings = BinarySettings
    tasks = ("single", "multi")
    reads = "vectors"

    def __init__(
        self, taxonomy: Taxonomy, width: int, *, task: str, settings: BinarySettings, counts: np.ndarray | None
    ) -> None:
        super().__init__()
        self.settings = settings
        self.task = task
        if counts is not None and task == "single":
            counts = closed_counts(taxonomy, counts)
        self.scoring = MultiPathScoring(taxonomy, settings, counts, loss=settings.loss)
        self.closed = ClosedTargets(taxonomy) if task == "single" else None
        self.paths = PathSoftmax(taxonomy) if task == "single" else None
        self.constraint = MaxConstraint(taxonomy) if settings.coherence == "max" else None
        self.dropout = nn.Dropout(settings.dropout)
        self.classifier = nn.Linear(width, len(taxonomy))
        if counts is not None:
            self._start_at(torch.from_numpy(row_share(counts, self.scoring.rows)))

    @torch.no_grad()
    def _start_at(self, share: torch.Tensor) -> None:
        """Let every node start at its share of the rows: else the first steps only push thousands of nodes down.

        Source: Lin et al., ICCV 2017, section 3.3.
        """
        self.classifier.bias.copy_(torch.logit(share))

    def forward(
        self, features: torch.Tensor, targets: torch.Tensor | None = None, progress: float = 0.0
    ) -> torch.Tensor:
        """Score text vectors (B, D): logits (B, N). Targets and progress change nothing here."""
        del targets, progress
        return self.classifier(self.dropout(features))

    def loss(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Give the mean loss in nats, summed over the nodes of a text, levels combined by their weights."""
        truth = targets if self.closed is None else self.closed(targets)
        scores = scores.float()
        if self.constraint is not None:
            scores = self.constraint.in_training(scores, truth)
        return self.scoring.loss([scores[:, nodes] for nodes in self.scoring.cut.slices], truth)

    def node_proba(self, scores: torch.Tensor) -> torch.Tensor:
        """Give coherent node probabilities (B, N)."""
        scores = scores.float()
        if self.paths is not None:
            return self.paths(scores if self.constraint is None else self.constraint(scores))
        # The largest probability, not the probability of the largest score: equal scores may differ in the last bit
        # after a vectorised sigmoid.
        return self.scoring.cut(scores) if self.constraint is None else self.constraint(torch.sigmoid(scores))

    def output_rows(self) -> OutputRows:
        """Tell which rows of which weights stand for which nodes, for ``init = label-names``."""
        return [(self.classifier, np.arange(self.classifier.out_features))]

    def end_epoch(self) -> None:
        """Let the level weights take the finished epoch into account."""
        self.scoring.level_weights.end_epoch()


class MaxConstraint(nn.Module):
    """Gives every node the largest score at or below it, from the deepest level up along the edges.

    Memory is that of the scores and one number an edge, B (N + E): no N × N matrix of ancestors.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        super().__init__()
        self.slices = [taxonomy.level_slice(level) for level in range(1, taxonomy.n_levels + 1)]
        for level, nodes in enumerate(self.slices[:-1]):
            parent, child = take(taxonomy.children, np.arange(nodes.start, nodes.stop))
            self.register_buffer(f"_parent_{level}", torch.from_numpy(parent), persistent=False)
            below = torch.from_numpy(child.astype(np.int64) - nodes.stop)
            self.register_buffer(f"_child_{level}", below, persistent=False)

    def forward(self, scores: torch.Tensor) -> torch.Tensor:
        """Turn scores (B, N), logits or probabilities, into coherent ones (B, N)."""
        found = scores[:, self.slices[-1]]
        for level in range(len(self.slices) - 2, -1, -1):
            handed_up = found[:, self.get_buffer(f"_child_{level}")]
            parent = self.get_buffer(f"_parent_{level}").expand(scores.shape[0], -1)
            largest = scores[:, self.slices[level]].scatter_reduce(1, parent, handed_up, "amax")
            found = torch.cat([largest, found], dim=1)
        return found

    def in_training(self, scores: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Give the scores (B, N) that the loss reads: of a true node, the largest at or below it among true nodes.

        With the plain constraint, a wrong child could earn its true parent's reward (MCLoss).
        """
        true = truth > 0
        return torch.where(true, self(scores.masked_fill(~true, -torch.inf)), self(scores))


def closed_counts(taxonomy: Taxonomy, counts: np.ndarray) -> np.ndarray:
    """Turn training rows of each terminal (T,) into those at or below each node (N,)."""
    terminal, node = take(taxonomy.ancestors, taxonomy.terminals)
    return np.bincount(node, weights=counts[terminal], minlength=len(taxonomy))
