"""What every encoder offers, and the part that is the same for all: many texts in batches of like length."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import nn

from textaxa._pieces import Pieces, Work, batches_by_length
from textaxa._windows import tokenised
from textaxa.encoders._tokens import TextTokeniser, Tokens, TokenStates
from textaxa.settings import EncoderSettings


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """Switch dropout off for a while. Where it is off already, nothing is walked through: one text waits for that."""
    if not module.training:
        yield
        return
    module.eval()
    try:
        yield
    finally:
        module.train()


class Encoder(nn.Module):
    """Texts to vectors, or to the states of their tokens.

    Attributes
    ----------
    width, state_width : int
        Features of a text vector, D, and of a token's state.
    tokenise
        Cuts texts into pieces of token ids.
    settings : EncoderSettings
        With ``pooling`` resolved: never ``auto``.
    work : Work
        What it has encoded so far at prediction.
    """

    width: int
    state_width: int
    tokenise: TextTokeniser
    settings: EncoderSettings

    def __init__(self) -> None:
        super().__init__()
        self.work = Work()

    @property
    def device(self) -> torch.device:
        """The device on which the weights are."""
        return next(self.parameters()).device

    @abstractmethod
    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, text_of: torch.Tensor) -> torch.Tensor:
        """Encode pieces (W, L) of B texts to text vectors (B, D)."""

    @abstractmethod
    def states(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, text_of: torch.Tensor) -> TokenStates:
        """Give the states of B texts, (B, L, D) with a mask (B, L)."""

    @abstractmethod
    def freeze_below(self, trainable_layers: int) -> None:
        """Let only the top layers learn, or refuse."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write everything that is needed to load it again."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Give the vectors of texts as a float32 array (B, D), in order, without gradients."""
        features = np.empty((len(texts), self.width), dtype=np.float32)
        for rows, pieces in tokenised(texts, self.tokenise):
            features[rows] = self.encode_pieces(pieces)
        return features

    @torch.inference_mode()
    def encode_pieces(self, pieces: Sequence[Pieces]) -> np.ndarray:
        """Give the vectors of tokenised texts, float32 (B, D): batched by length, so that little work is padding."""
        features = np.empty((len(pieces), self.width), dtype=np.float32)
        with evaluating(self):
            for rows, tokens in self.batches(pieces):
                vectors = self(tokens.input_ids, tokens.attention_mask, tokens.text_of)
                features[rows] = vectors.float().cpu().numpy()
                self.count([pieces[row] for row in rows])
        return features

    def flop(self, lengths: Sequence[int]) -> float:  # noqa: ARG002 - of those that only look vectors up
        """Give the useful floating-point operations over pieces of these lengths; 0 where they are not known."""
        return 0.0

    def count(self, pieces: Sequence[Pieces]) -> None:
        """Count texts that were encoded in ``work``."""
        lengths = [len(piece) for text in pieces for piece in text]
        self.work.add(lengths, self.flop(lengths))

    def batches(self, pieces: Sequence[Pieces]) -> Iterator[tuple[list[int], Tokens]]:
        """Give row numbers and their padded tokens, batch by batch, rows of like length together."""
        for rows in batches_by_length(pieces):
            yield rows, self.collate([pieces[row] for row in rows])

    def collate(self, pieces: Sequence[Pieces]) -> Tokens:
        """Pad pieces to one batch on the encoder's device."""
        tokens = self.tokenise.collate(pieces)
        return Tokens(*(t.to(self.device) for t in (tokens.input_ids, tokens.attention_mask, tokens.text_of)))
