"""The label texts of a taxonomy as vectors, scaled as text vectors are."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from textaxa.model import Model
from textaxa.taxonomy import label_texts

LABEL_WORDS = 48
"""Words that are read of a label text where the head has no setting for it: a path and a sentence or two."""


def reads_labels(head: Any) -> bool:
    """Tell whether a head, or its class, scores nodes by their label texts."""
    return bool(getattr(head, "reads_labels", False))


class LabelVectors:
    """Encodes the label texts of a model's taxonomy with the model's encoder and feature scale, as they are when asked.

    Parameters
    ----------
    model
        Its head's setting ``label_words`` says how much of a text is read.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self.texts = label_texts(
            model.taxonomy, words=getattr(model.settings.head_settings, "label_words", LABEL_WORDS)
        )
        self._pieces = model.encoder.tokenise(self.texts)

    def encode(self, nodes: torch.Tensor) -> torch.Tensor:
        """Give the vectors of nodes (K,) with gradient, (K, D): for a step of training."""
        encoder = self._model.encoder
        tokens = encoder.collate([self._pieces[node] for node in nodes.tolist()])
        vectors: torch.Tensor = self._model.scale(encoder(tokens.input_ids, tokens.attention_mask, tokens.text_of))
        return vectors

    @torch.no_grad()
    def of(self, nodes: Sequence[int]) -> torch.Tensor:
        """Give the vectors of nodes without gradient, (K, D), as prediction sees them: no dropout."""
        raw = self._model.encoder.encode_pieces([self._pieces[node] for node in nodes])
        return self._scaled(raw)

    def all(self) -> torch.Tensor:
        """Give the vectors of all nodes without gradient, (N, D)."""
        return self.of(range(len(self.texts)))

    def store(self) -> None:
        """Let the head have the vectors of all nodes; prediction then needs no label text."""
        self._model.head.label_vectors.copy_(self.all())

    def _scaled(self, raw: np.ndarray) -> torch.Tensor:
        scale = self._model.scale
        vectors: torch.Tensor = scale(torch.from_numpy(raw).to(scale.mean.device))
        return vectors
