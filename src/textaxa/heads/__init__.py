"""Features to node probabilities, and the loss. One readable file a head. Needs the extra ``train``."""

from typing import Any, Protocol

import numpy as np
import torch

from textaxa.errors import ConfigError
from textaxa.heads.cascade import CascadeHead
from textaxa.heads.chained import ChainedHead
from textaxa.heads.flat import FlatHead
from textaxa.heads.per_level import PerLevelHead
from textaxa.settings import MULTI_PATH_HEADS, HeadSettings
from textaxa.taxonomy import Taxonomy

__all__ = ["HEADS", "CascadeHead", "ChainedHead", "FlatHead", "Head", "PerLevelHead", "build_head"]


class Head(Protocol):
    """What a head offers. ``scores`` are its own affair; ``node_proba`` is what the rest of textaxa reads."""

    task: str

    def __call__(self, features: torch.Tensor, targets: torch.Tensor | None = None, progress: float = 0.0) -> Any:
        """Score text vectors (B, D)."""

    def loss(self, scores: Any, targets: torch.Tensor) -> torch.Tensor:
        """Give the scalar training loss in nats."""

    def node_proba(self, scores: Any) -> torch.Tensor:
        """Give coherent node probabilities (B, N)."""

    def end_epoch(self) -> None:
        """Take note that an epoch is over."""


HEADS: dict[str, Any] = {
    "flat": FlatHead,
    "per-level": PerLevelHead,
    "cascade": CascadeHead,
    "chained": ChainedHead,
}


def build_head(
    name: str,
    taxonomy: Taxonomy,
    width: int,
    *,
    task: str,
    settings: HeadSettings,
    counts: np.ndarray | None = None,
) -> Any:
    """Make an untrained head.

    Parameters
    ----------
    name
        A key of :data:`HEADS`.
    taxonomy
        Its nodes are the columns of ``node_proba``.
    width
        Features of a text vector, D.
    task
        ``single`` (one path a text) or ``multi``.
    settings
        The settings of that head.
    counts
        Training rows of each terminal (T,) in a single-path task, of each node (N,) in a several-paths task; needed
        for class weights only.

    Raises
    ------
    ConfigError
        The head does not know the task, or the level weights do not fit the taxonomy's depth.
    """
    if task == "multi" and name not in MULTI_PATH_HEADS:
        raise ConfigError(
            f"The head {name!r} gives one path a text, but rows with several paths were found. "
            f"Use one of: {', '.join(MULTI_PATH_HEADS)}."
        )
    weights = getattr(settings, "level_weights", "equal")
    if not isinstance(weights, str) and len(weights) != taxonomy.n_levels:
        raise ConfigError(
            f"level_weights has {len(weights)} numbers, but the taxonomy has {taxonomy.n_levels} levels: "
            "give one a level."
        )
    return HEADS[name](taxonomy, width, task=task, settings=settings, counts=counts)
