"""``label-text``: a node's weights are what the encoder reads in its name, path and description.

Text and label texts pass the same encoder and feature scale; the untrained head scores by their cosine, so it works
without a training row, and for nodes that came after training. Who encodes the label texts, and when, is the affair of
`textaxa.labels`: this module holds the vectors (``label_vectors``) and is told how to get fresh ones (``encode``).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from textaxa.heads import _settings
from textaxa.heads._label_space import AlongPaths, Projection, draw
from textaxa.heads._levels import NodeSums, ParentCut
from textaxa.heads._losses import class_weights
from textaxa.settings import Checked, setting
from textaxa.taxonomy import Taxonomy

_MAX_SCALE = 100.0
"""Bound of the cosine's factor, as in CLIP (Radford et al. 2021, section 2.5): past it training gets unsteady."""

_ENCODED = 128
"""Up to this many nodes, a step of training reads all label texts anew. That is the dear part of it: on open-apps, 74
nodes of 23 tokens cost four times as much as a batch of 32 texts of 20."""

_SAMPLED = 64
"""Nodes or terminals drawn in a step beside the true ones where there are more, and ``negatives`` does not say."""

_YES = 0.35
"""Several paths a text, no training rows: the cosine at which a node is as likely as not. On 200 validation rows of
open-apps with the packaged encoder half of the true labels are above it, and 3 % of the others."""

Encode = Callable[[torch.Tensor], torch.Tensor]
"""Nodes (K,) to scaled vectors of their label texts (K, D), with gradient."""


@dataclass(frozen=True)
class LabelTextSettings(Checked):
    """``label-text``: nodes are scored by what their names, paths and descriptions say."""

    projection: str = setting(
        "own",
        "What text and label vectors pass before they are compared; starts as the identity. own: a matrix each; "
        "shared: one matrix for both; none.",
        choices=("own", "shared", "none"),
    )
    cosine_scale: float = setting(
        20.0,
        "The cosine of text and label is multiplied by this at the start; learned, at most 100. Encoders of sentences, "
        "the packaged one among them, were trained with 20.",
        at_least=1,
        at_most=99,
    )
    parent_weight: float = setting(
        0.25,
        "Share of a node's score that is its parent's, at the start; learned. Small, because the label text of a node "
        "names its parents already.",
        at_least=0.01,
        at_most=0.9,
    )
    negatives: int = setting(
        0,
        "Nodes (one path a text: terminals) drawn in each step beside the true ones, with a correction. 0: all; 64 "
        "where the encoder is trained and there are more than 128 nodes, whose texts it would have to read each time.",
        at_least=0,
    )
    label_words: int = setting(48, "Words that are read of a label text: path and description.", at_least=1)
    dropout: float = _settings.dropout()
    class_weights: str = _settings.class_weights()


class LabelScores(NamedTuple):
    """Logits (B, C); in a step that draws, also which of all columns they are and how many each stands for, (C,)."""

    logits: torch.Tensor
    columns: torch.Tensor | None = None
    standing_for: torch.Tensor | None = None


class LabelTextHead(nn.Module):
    """scale · cos(text, label), smoothed down the path; softmax over terminals, or a sigmoid a node. Both tasks.

    S(n) = (1 - w) · scale · cos(text, n) + w · mean of S over the parents of n, with w learned in (0, 1): so scores of
    short and long paths have the same size.

    Source: label embeddings from names as in HGCLR and HPT, scored as in CLIP; the drawn softmax weighs drawn negatives
    with the number of classes that each stands for (importance sampling, Bengio & Senécal 2008).
    """

    Settings = LabelTextSettings
    tasks = ("single", "multi")
    reads = "vectors"
    reads_labels = True

    label_vectors: torch.Tensor

    def __init__(
        self, taxonomy: Taxonomy, width: int, *, task: str, settings: LabelTextSettings, counts: np.ndarray | None
    ) -> None:
        super().__init__()
        self.settings = settings
        self.task = task
        self.register_buffer("label_vectors", F.normalize(torch.randn(len(taxonomy), width), dim=1))
        self.dropout = nn.Dropout(settings.dropout)
        n_projections = {"none": 0, "shared": 1, "own": 2}[settings.projection]
        self.projections = nn.ModuleList(Projection(width) for _ in range(n_projections))
        self.raw_scale = nn.Parameter(torch.tensor(_inverse_sigmoid(settings.cosine_scale / _MAX_SCALE)))
        self.raw_parent_weight = nn.Parameter(torch.tensor(_inverse_sigmoid(settings.parent_weight)))
        self.smoothing = AlongPaths(taxonomy)
        self.coherent = NodeSums(taxonomy) if task == "single" else ParentCut(taxonomy)
        classes = taxonomy.terminals if task == "single" else np.arange(len(taxonomy))
        self._constant("_nodes", np.asarray(classes, dtype=np.int64))
        known = np.zeros(len(classes)) if counts is None else counts
        self._constant("_weights", class_weights(settings.class_weights, known).astype(np.float32))
        if task == "multi":
            self._constant("_level", np.asarray(taxonomy.depth, dtype=np.int64) - 1)
            self.bias = nn.Parameter(_first_bias(taxonomy, settings.cosine_scale, counts))

    def _constant(self, name: str, values: np.ndarray) -> None:
        self.register_buffer(name, torch.from_numpy(values), persistent=False)

    def forward(
        self,
        features: torch.Tensor,
        targets: torch.Tensor | None = None,
        progress: float = 0.0,
        *,
        encode: Encode | None = None,
    ) -> LabelScores:
        """Score text vectors (B, D): logits over terminals (B, T), or over nodes (B, N).

        Parameters
        ----------
        features
            Scaled text vectors (B, D).
        targets
            The truth, given in training only: the true classes are always among those that are drawn.
        progress
            Not read.
        encode
            Encodes label texts with gradient; left out, the stored ``label_vectors`` are used.
        """
        del progress
        columns, standing_for = self._draw(targets, encode is not None) if self.training else (None, None)
        wanted = self.get_buffer("_nodes") if columns is None else self.get_buffer("_nodes")[columns]
        nodes = self.smoothing.closure(wanted)
        vectors = encode(nodes) if encode is not None else self.label_vectors[nodes]
        labels = F.normalize(_through(self.projections[-1:], vectors.float()), dim=1)
        labels = self.smoothing(labels, nodes, torch.sigmoid(self.raw_parent_weight))
        text = F.normalize(_through(self.projections[:1], self.dropout(features).float()), dim=1)
        scale = _MAX_SCALE * torch.sigmoid(self.raw_scale)
        with torch.autocast(text.device.type, enabled=False):  # bf16 would round 20 cos(…) to steps of 0.06
            logits = scale * (text @ labels[torch.searchsorted(nodes, wanted)].T)
        if self.task == "multi":
            logits = logits + self.bias[self.get_buffer("_level")[wanted]]
        return LabelScores(logits, columns, standing_for)

    def _draw(self, targets: torch.Tensor | None, encoding: bool) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        """Draw classes for one step, ascending, with how many each stands for; None for all of them."""
        n_classes = len(self.get_buffer("_nodes"))
        wide = encoding and len(self.label_vectors) > _ENCODED
        negatives = self.settings.negatives or (_SAMPLED if wide else 0)
        if targets is None or not negatives:
            return None, None
        true = targets.unique() if self.task == "single" else targets.any(0).nonzero()[:, 0]
        return draw(true, n_classes, negatives)

    def loss(self, scores: LabelScores, targets: torch.Tensor) -> torch.Tensor:
        """Give the mean loss in nats: cross-entropy over terminals, or the sum of the nodes' binary cross-entropies.

        Where classes were drawn, the sum over the others is estimated: the single-path loss is then a little low.
        """
        logits, columns, standing_for = scores
        weights = self.get_buffer("_weights")
        if self.task == "single":
            shift = 0.0 if standing_for is None else standing_for.log()
            column = targets if columns is None else torch.searchsorted(columns, targets)
            losses = F.cross_entropy(logits.float() + shift, column, reduction="none")
            return (weights[targets] * losses).mean()
        if columns is not None:
            targets, weights = targets[:, columns], weights[columns]
        losses = F.binary_cross_entropy_with_logits(
            logits.float(), targets, standing_for, pos_weight=weights, reduction="none"
        )
        return losses.sum(1).mean()

    def node_proba(self, scores: LabelScores) -> torch.Tensor:
        """Give coherent node probabilities (B, N)."""
        logits = scores.logits.float()
        proba: torch.Tensor = self.coherent(torch.softmax(logits, dim=1) if self.task == "single" else logits)
        return proba

    def end_epoch(self) -> None:
        """Nothing changes between epochs but the label vectors, which the training step stores."""


def _through(projections: nn.ModuleList, vectors: torch.Tensor) -> torch.Tensor:
    for projection in projections:
        vectors = projection(vectors)
    return vectors


def _inverse_sigmoid(share: float) -> float:
    return math.log(share / (1 - share))


def _first_bias(taxonomy: Taxonomy, scale: float, counts: np.ndarray | None) -> torch.Tensor:
    """Give the bias of every level: the log-odds of a node there in the training rows, or the cosine `_YES` without."""
    if counts is None or not counts.any():
        return torch.full((taxonomy.n_levels,), -scale * _YES)
    levels = [counts[taxonomy.level_slice(level)] for level in range(1, taxonomy.n_levels + 1)]
    rows = levels[0].sum()  # not less than there are: every row has a node of the top level
    means = np.array([level.mean() for level in levels]).clip(0.5)
    share = (means / (rows + 1)).clip(max=0.5)
    return torch.from_numpy(np.log(share / (1 - share))).float()
