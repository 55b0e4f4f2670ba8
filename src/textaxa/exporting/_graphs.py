"""What is traced: encoder with pooling, and feature scale with head, each as one module of tensors in, tensor out."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from textaxa.encoders._static import StaticEncoder
from textaxa.encoders._transformer import TransformerEncoder, pool
from textaxa.model import Model


class TransformerGraph(nn.Module):
    """Token ids and mask (W, L) to vectors of pieces (W, D)."""

    def __init__(self, encoder: TransformerEncoder) -> None:
        super().__init__()
        self.backbone = encoder.backbone
        self.pooling = encoder.settings.pooling

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Encode and pool."""
        states = self.backbone(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return pool(states, attention_mask, self.pooling)


class StaticGraph(nn.Module):
    """Token ids and mask (W, L) to the means of known tokens' vectors (W, D)."""

    def __init__(self, encoder: StaticEncoder) -> None:
        super().__init__()
        self.vectors = encoder.vectors
        self.unknown = encoder.unknown

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """Look up and average; a piece without a known token gets zeros."""
        real = (attention_mask.bool() & (input_ids != self.unknown)).to(self.vectors.dtype)
        sums = (nn.functional.embedding(input_ids, self.vectors) * real[..., None]).sum(1)
        return sums / real.sum(1, keepdim=True).clamp_min(1)


class HeadGraph(nn.Module):
    """Text vectors (B, D) to node probabilities (B, N)."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.scale = model.scale
        self.head = model.head
        self.n_nodes = len(model.taxonomy)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Scale, score, and make coherent."""
        proba: torch.Tensor = self.head.node_proba(self.head(self.scale(features)))
        return proba.reshape(-1, self.n_nodes)  # so that the width stands in the file, where the reader checks it


def encoder_graph(encoder: Any) -> nn.Module:
    """Give what is traced of an encoder."""
    return StaticGraph(encoder) if isinstance(encoder, StaticEncoder) else TransformerGraph(encoder)


@contextmanager
def plain_attention(encoder: Any) -> Iterator[None]:
    """Let a transformer attend by plain products while it is traced: ONNX Runtime finds and fuses only those."""
    backbone = getattr(encoder, "backbone", None)
    if backbone is None:
        yield
        return
    before = backbone.config._attn_implementation
    backbone.set_attn_implementation("eager")
    try:
        yield
    finally:
        backbone.set_attn_implementation(before)
