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
from textaxa.encoders._textrcnn import TextRCNN
from textaxa.encoders._word_vectors import SPECIAL
from textaxa.errors import ConfigError

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

    Raises
    ------
    ConfigError
        The encoder is none of PyTorch.
    """
    if type(encoder) not in _WAYS:
        raise ConfigError(
            f"A model on {type(encoder).__name__} cannot be explained: it gives no gradients by token. Explain the "
            "model that it was made from."
        )
    pieces = encoder.tokenise([text])[0]
    tokens = encoder.collate([pieces])
    start, end = np.zeros((2, *tokens.input_ids.shape), dtype=np.int64)
    for row, places in enumerate(encoder.tokenise.places(text)):
        for column, (first, last) in enumerate(places):
            start[row, column], end[row, column] = first, last
    of = _WAYS[type(encoder)]
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


def _of_static(reader: _Reader, tokens: Tokens, is_word: torch.Tensor, average: torch.Tensor) -> _Way:
    """Put rows of a table in place of token vectors; no words are vectors of length 0.

    Where the encoder normalises, 0 has no direction and scores would jump there: then they are tokens of the average
    text. Without training rows there is none, and heads may normalise: then they are padding tokens.
    """
    del is_word
    encoder: Any = reader.encoder
    known = tokens.attention_mask * (tokens.input_ids != encoder.unknown)
    table = encoder.vectors.detach()
    none = torch.zeros_like(table[0])
    if not average.any():
        none = table[encoder.tokenise.padding]
    elif encoder.config.get("normalize"):
        none = average
    vectors = nn.functional.embedding(tokens.input_ids, table)
    first = encoder.unknown + 1  # the number of no token may be that of the unknown one, which is left out
    features = _run_rows(reader, Tokens(tokens.input_ids, known, tokens.text_of), first=first, rows_before=first)
    return vectors, none.expand_as(vectors), features


def _of_textrcnn(reader: _Reader, tokens: Tokens, is_word: torch.Tensor, average: torch.Tensor) -> _Way:
    """Put rows of a table in place of word vectors; no words are vectors of length 0, as padding has."""
    del is_word, average
    encoder: Any = reader.encoder
    table = torch.cat([torch.zeros_like(encoder.unknown), encoder.unknown, encoder.vectors]).detach()
    vectors = nn.functional.embedding(tokens.input_ids, table)
    return vectors, torch.zeros_like(vectors), _run_rows(reader, tokens, first=len(SPECIAL), rows_before=0)


def _run_rows(reader: _Reader, tokens: Tokens, *, first: int, rows_before: int) -> Callable[[torch.Tensor], Features]:
    """Give what runs an encoder that looks tokens up in its table ``vectors``: every place gets a row of its own.

    Parameters
    ----------
    reader, tokens
        The encoder, and the text.
    first
        Number of the first place's token.
    rows_before
        Rows of the table before that token's.
    """

    def features(given: torch.Tensor) -> Features:
        rows = given.flatten(0, 2)
        own = first + torch.arange(len(rows), device=rows.device).view(-1, given.shape[2])
        table = torch.cat([rows.new_zeros(rows_before, rows.shape[1]), rows])
        arguments = (own, *_repeated(tokens, len(given))[1:])
        found: Features = torch.func.functional_call(reader, {"encoder.vectors": table}, arguments)
        return found

    return features


_WAYS: dict[type[Encoder], Callable[..., _Way]] = {
    TransformerEncoder: _of_layer,
    StaticEncoder: _of_static,
    TextRCNN: _of_textrcnn,
}


def _repeated(tokens: Tokens, versions: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Give the tokens of one text as those of several texts that are alike."""
    pieces = len(tokens.input_ids)
    text_of = torch.arange(versions, device=tokens.text_of.device).repeat_interleave(pieces)
    return tokens.input_ids.repeat(versions, 1), tokens.attention_mask.repeat(versions, 1), text_of
