"""A model: encoder, head and taxonomy in one object, with what is worth knowing about how it came about."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from textaxa._pieces import Work
from textaxa.calibration import Calibration
from textaxa.decisions import Choice, Decider
from textaxa.decoding import Prediction
from textaxa.encoders import Encoder, Pieces, TokenStates
from textaxa.encoders._encoder import evaluating
from textaxa.guarantee import Evidence
from textaxa.settings import ModelSettings
from textaxa.taxonomy import Taxonomy

_CONSTANT = 1e-4
"""Features that vary less than this over the training rows count as constant; what is left is rounding."""

_HEAD_BATCH = 1024
"""Texts whose node probabilities are computed at a time."""


def read_width(encoder: Any, head: Any) -> int:
    """Give the width of what a head, or a head's class, reads of an encoder: text vectors or the states of tokens."""
    return int(encoder.width if head.reads == "vectors" else encoder.state_width)


class FeatureScale(nn.Module):
    """Brings features to zero mean and unit variance, as training rows had them before training.

    Heads start from nothing, and how fast they learn depends on the scale of what they read: without this, four epochs
    of fine-tuning end below a frozen encoder. Features that all point in one direction (multilingual E5) are set right,
    too.
    """

    mean: torch.Tensor
    inverse_deviation: torch.Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("inverse_deviation", torch.ones(width))

    def fit(self, features: np.ndarray) -> None:
        """Take mean and deviation from training features (B, D), or from states of tokens (tokens, D)."""
        self.mean.copy_(torch.from_numpy(features.mean(0)))
        deviation = features.std(0)
        deviation[deviation < _CONSTANT] = 1.0  # else any other value of it would outweigh all the rest
        self.inverse_deviation.copy_(torch.from_numpy(1 / deviation))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Scale features (B, D), or token states (B, L, D)."""
        return (features - self.mean) * self.inverse_deviation


class Model(nn.Module):
    """Encoder, feature scale and head over one taxonomy.

    Attributes
    ----------
    taxonomy : Taxonomy
        Its nodes are the columns of ``node_proba``.
    settings : ModelSettings
        What was chosen.
    summary : dict
        What is known about training: rows, counts, validation scores, versions. JSON-able.
    thresholds : float64 array (N,), or None
        In a several-paths task, from which probability on each node is an answer; None: 0.5 for all.
    calibration : Calibration, or None
        What node probabilities go through before anyone sees them.
    evidence : Evidence, or None
        What held-out rows say about the model: promises rest on it.
    """

    def __init__(
        self,
        taxonomy: Taxonomy,
        encoder: Encoder,
        head: Any,
        settings: ModelSettings,
        summary: dict[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.taxonomy = taxonomy
        self.encoder = encoder
        self.scale = FeatureScale(read_width(encoder, head))
        self.head = head
        self.settings = settings
        self.summary: dict[str, Any] = summary or {}
        self.thresholds: np.ndarray | None = None
        self.calibration: Calibration | None = None
        self.evidence: Evidence | None = None

    @property
    def task(self) -> str:
        """``single`` (one path a text) or ``multi``."""
        return self.settings.task

    @property
    def work(self) -> Work:
        """What its encoder has done at prediction so far."""
        return self.encoder.work

    def node_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Give P(text belongs under node) as float32 (B, N), columns in ``taxonomy.nodes`` order; coherent."""
        if self.head.reads == "vectors":
            return self.node_proba_of(self.encoder.encode(texts))
        return self.node_proba_of_pieces(self.encoder.tokenise(texts))

    def node_proba_of_pieces(self, pieces: Sequence[Pieces]) -> np.ndarray:
        """Give node probabilities (B, N) for texts that were tokenised before."""
        if self.head.reads == "vectors":
            return self.node_proba_of(self.encoder.encode_pieces(pieces))
        return self._node_proba_of_states(pieces)

    @torch.inference_mode()
    def _node_proba_of_states(self, pieces: Sequence[Pieces]) -> np.ndarray:
        proba = np.empty((len(pieces), len(self.taxonomy)), dtype=np.float32)
        with evaluating(self), evaluating(self.encoder):
            for rows, tokens in self.encoder.batches(pieces):
                states, mask = self.encoder.states(tokens.input_ids, tokens.attention_mask, tokens.text_of)
                scores = self.head(TokenStates(self.scale(states), mask))
                proba[rows] = self.head.node_proba(scores).float().cpu().numpy()
                self.encoder.count([pieces[row] for row in rows])
        return self._calibrated(proba)

    @torch.inference_mode()
    def node_proba_of(self, features: np.ndarray) -> np.ndarray:
        """Give node probabilities (B, N) for text vectors (B, D) that were computed before."""
        proba = np.empty((len(features), len(self.taxonomy)), dtype=np.float32)
        with evaluating(self):
            for start in range(0, len(features), _HEAD_BATCH):
                part = torch.from_numpy(features[start : start + _HEAD_BATCH]).to(self.scale.mean.device)
                proba[start : start + _HEAD_BATCH] = self.head.node_proba(self.head(self.scale(part))).cpu().numpy()
        return self._calibrated(proba)

    def _calibrated(self, proba: np.ndarray) -> np.ndarray:
        return proba if self.calibration is None else self.calibration(proba)

    def predict(self, texts: Sequence[str], *, top: int = 1) -> list[list[Prediction]]:
        """Give the predicted paths of each text, most probable first; in a several-paths task all that pass."""
        return self.decode(self.node_proba(texts), top=top)

    def decode(self, node_proba: np.ndarray, *, top: int = 1) -> list[list[Prediction]]:
        """Turn node probabilities (B, N) into predictions; `textaxa.decisions.Decider` does it in other ways."""
        return Decider(self, Choice(top=top))(node_proba)
