"""A text as the embeddings of its tokens, and the encoder run on other embeddings in their place.

In come an encoder and a text, out go the embeddings, those of a text without words, and where each token stands. The
encoders' own code is run, so whatever they do with embeddings (positions, pooling, windows) is done here too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from textaxa.encoders import Encoder, Tokens, TokenStates, TransformerEncoder
from textaxa.encoders._static import StaticEncoder
from textaxa.encoders._word_vectors import SPECIAL

Features = torch.Tensor | TokenStates
"""What a head reads: text vectors (B, D), or states of tokens (B, L, D) with their mask."""


@dataclass(frozen=True)
class Embedded:
    """A text of W pieces with L tokens.

    Attributes
    ----------
    vectors
        Embeddings (W, L, D).
    baseline
        Those of the text without its words (W, L, D); special tokens are as in ``vectors``.
    features
        Runs the encoder on embeddings (S, W, L, D) of S versions of the text.
    start, end
        Where each token stands in the text, int (W, L), ``end`` exclusive; both 0 for special tokens.
    """

    vectors: torch.Tensor
    baseline: torch.Tensor
    features: Callable[[torch.Tensor], Features]
    start: NDArray[np.int64]
    end: NDArray[np.int64]

    @property
    def tokens(self) -> int:
        """How many tokens one version costs."""
        return self.vectors.shape[0] * self.vectors.shape[1]


def embedded(encoder: Encoder, text: str, *, reads: str, average: torch.Tensor) -> Embedded:
    """Give the embeddings of a text.

    Parameters
    ----------
    encoder
        In evaluation mode.
    text
        The text.
    reads
        ``vectors`` or ``tokens``, as the head has it.
    average
        Mean text vector of the training rows (D,): stands for no word where the encoder has no better.
    """
    pieces = encoder.tokenise([text])[0]
    tokens = encoder.collate([pieces])
    start, end = np.zeros((2, *tokens.input_ids.shape), dtype=np.int64)
    for row, places in enumerate(encoder.tokenise.places(text)):
        for column, (first, last) in enumerate(places):
            start[row, column], end[row, column] = first, last
    of = _of_layer if isinstance(encoder, TransformerEncoder) else _of_table
    return Embedded(*of(_Reader(encoder, reads), tokens, torch.from_numpy(end > 0), average), start, end)


class _Reader(nn.Module):
    """An encoder that gives what a head reads."""

    def __init__(self, encoder: Encoder, reads: str) -> None:
        super().__init__()
        self.encoder = encoder
        self.reads = reads

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, text_of: torch.Tensor) -> Features:
        run = self.encoder if self.reads == "vectors" else self.encoder.states
        found: Features = run(input_ids, attention_mask, text_of)
        return found


_Way = tuple[torch.Tensor, torch.Tensor, Callable[[torch.Tensor], Features]]
"""Embeddings, baseline, and what runs the encoder on such: as in `Embedded`."""


def _of_layer(reader: _Reader, tokens: Tokens, is_word: torch.Tensor, average: torch.Tensor) -> _Way:
    """Put embeddings in place of what a transformer's embedding layer gives; no words are padding tokens.

    Of five baselines (padding, unknown and mask tokens, zeros, the mean embedding) padding was the most faithful on
    validation rows of open-apps: deleting the three words that argued most took twice as much off the log-odds as with
    mask tokens, and fewer points were enough.
    """
    del average
    encoder: Any = reader.encoder
    layer, tokenizer = encoder.backbone.get_input_embeddings(), encoder.tokenise.tokenizer
    known = (tokenizer.pad_token_id, tokenizer.mask_token_id, tokenizer.unk_token_id, encoder.tokenise.padding)
    nothing = next(token for token in known if token is not None)
    without = tokens.input_ids.masked_fill(is_word.to(encoder.device), nothing)
    with torch.no_grad():
        vectors, baseline = (layer(ids) for ids in (tokens.input_ids, without))

    def features(given: torch.Tensor) -> Features:
        hook = layer.register_forward_hook(lambda *_: given.flatten(0, 1))
        try:
            return reader(*_repeated(tokens, len(given)))  # type: ignore[no-any-return]
        finally:
            hook.remove()

    return vectors, baseline, features


def _of_table(reader: _Reader, tokens: Tokens, is_word: torch.Tensor, average: torch.Tensor) -> _Way:
    """Give every token a row of its own in the table of vectors that the encoder looks tokens up in.

    No words are vectors of length 0. Where a static encoder normalises, 0 has no direction and scores would jump there:
    then they are tokens of the average text, or padding where there is none.
    """
    del is_word
    encoder: Any = reader.encoder
    ids, mask = tokens.input_ids, tokens.attention_mask
    static = isinstance(encoder, StaticEncoder)
    first = encoder.unknown + 1 if static else len(SPECIAL)
    table = encoder.vectors.detach() if static else torch.cat([torch.zeros_like(encoder.unknown), encoder.unknown])
    if static:
        mask = mask * (ids != encoder.unknown)
    else:
        table = torch.cat([table.detach(), encoder.vectors])
    vectors = nn.functional.embedding(ids, table)
    none = torch.zeros_like(vectors[0, 0])
    if static and not average.any():  # features are not scaled, as without training rows: heads may normalise them
        none = table[encoder.tokenise.padding]
    elif static and encoder.config.get("normalize"):
        none = average
    baseline = none.expand_as(vectors)

    def features(given: torch.Tensor) -> Features:
        rows = given.flatten(0, 2)
        above = rows.new_zeros(first if static else 0, rows.shape[1])
        own = first + torch.arange(len(rows), device=rows.device).view(-1, ids.shape[1])
        alike = _repeated(Tokens(ids, mask, tokens.text_of), len(given))
        replaced = {"encoder.vectors": torch.cat([above, rows])}
        found: Features = torch.func.functional_call(reader, replaced, (own, *alike[1:]))
        return found

    return vectors, baseline, features


def _repeated(tokens: Tokens, versions: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Give the tokens of one text as those of several texts that are alike."""
    pieces = len(tokens.input_ids)
    text_of = torch.arange(versions, device=tokens.text_of.device).repeat_interleave(pieces)
    return tokens.input_ids.repeat(versions, 1), tokens.attention_mask.repeat(versions, 1), text_of
