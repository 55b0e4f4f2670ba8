"""What a head offers, and how one is made for a taxonomy."""

from typing import Any, Protocol

import numpy as np
import torch

from textaxa.errors import ConfigError
from textaxa.heads import check_task, head_class
from textaxa.settings import Checked
from textaxa.taxonomy import Taxonomy


class Head(Protocol):
    """What a head offers. ``scores`` are its own affair; ``node_proba`` is what the rest of textaxa reads.

    Attributes
    ----------
    Settings : type
        Its settings: a frozen dataclass.
    tasks : tuple of str
        ``single`` (one path a text), ``multi`` (several), or both.
    reads : str
        ``vectors``: features are text vectors (B, D). ``tokens``: features are `textaxa.encoders.TokenStates`, states
        (B, L, D) with a mask (B, L).
    reads_labels : bool, optional
        True for a head that scores nodes by their label texts: it has a buffer ``label_vectors`` (N, D), and its
        forward takes ``encode`` (`textaxa.heads.label_text`).
    output_rows : method, optional
        For a head with the setting ``init``: which rows of which weights stand for which nodes.
    """

    Settings: type[Checked]
    tasks: tuple[str, ...]
    reads: str
    task: str

    def __call__(self, features: Any, targets: torch.Tensor | None = None, progress: float = 0.0) -> Any:
        """Score features. Targets are given in training only."""

    def loss(self, scores: Any, targets: torch.Tensor) -> torch.Tensor:
        """Give the scalar training loss in nats."""

    def node_proba(self, scores: Any) -> torch.Tensor:
        """Give coherent node probabilities (B, N)."""

    def end_epoch(self) -> None:
        """Take note that an epoch is over."""


def build_head(
    name: str,
    taxonomy: Taxonomy,
    width: int,
    *,
    task: str,
    settings: Any = None,
    counts: np.ndarray | None = None,
) -> Any:
    """Make an untrained head.

    Parameters
    ----------
    name
        A key of :data:`textaxa.heads.HEADS`.
    taxonomy
        Its nodes are the columns of ``node_proba``.
    width
        Features of a text vector, D.
    task
        ``single`` (one path a text) or ``multi``.
    settings
        The settings of that head; left out, its defaults.
    counts
        Training rows of each terminal (T,) in a single-path task, of each node (N,) in a several-paths task: class
        weights and priors are made of them.

    Raises
    ------
    ConfigError
        The head does not know the task, or the level weights do not fit the taxonomy's depth.
    """
    kind = head_class(name)
    settings = settings or kind.Settings()
    check_task(name, task)
    weights = getattr(settings, "level_weights", "equal")
    if not isinstance(weights, str) and len(weights) != taxonomy.n_levels:
        raise ConfigError(
            f"level_weights has {len(weights)} numbers, but the taxonomy has {taxonomy.n_levels} levels: "
            "give one a level."
        )
    return kind(taxonomy, width, task=task, settings=settings, counts=counts)
