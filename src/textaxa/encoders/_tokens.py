"""Texts to token ids: what is read of a long text, and how pieces of a batch are padded together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from textaxa._pieces import Cutter, Pieces, frame_of, tokenizer_faults
from textaxa.errors import ModelFileError
from textaxa.settings import EncoderSettings


@dataclass(frozen=True)
class Tokens:
    """Pieces of several texts, padded to one length.

    Shapes: ``input_ids`` and ``attention_mask`` (W, L) int64, ``text_of`` (W,) int64, with W >= B pieces.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    text_of: torch.Tensor


class TokenStates(NamedTuple):
    """What an encoder gives to the heads that attend: states (B, L, D) float32, and a mask (B, L), True where real."""

    states: torch.Tensor
    mask: torch.Tensor


class TextTokeniser:
    """Cuts texts into pieces of at most ``max_length`` tokens.

    The special tokens of a tokenizer are found by asking it, so that any model's own frame ([CLS] … [SEP], <s> … </s>,
    none at all) is put around every piece.

    Attributes
    ----------
    known : int, or None
        How many token ids the encoder has vectors for, where that is known: others are refused.
    """

    def __init__(self, tokenizer: Any, settings: EncoderSettings) -> None:
        self.tokenizer = tokenizer
        self.settings = settings
        self.prefix, self.suffix = _frame(tokenizer)
        self.cutter = Cutter(settings, prefix=self.prefix, suffix=self.suffix)
        self.known: int | None = None
        self.padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0

    def __call__(self, texts: Sequence[str]) -> list[Pieces]:
        """Give the pieces of every text, in order."""
        if not texts:
            return []
        with tokenizer_faults():
            encoded = self.tokenizer(
                [self.cutter.text(text) for text in texts],
                add_special_tokens=False,
                return_attention_mask=False,
                return_token_type_ids=False,
                verbose=False,
            )["input_ids"]
        return [self.cutter.pieces(ids) for ids in encoded]

    def places(self, text: str) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Give where the tokens of a text's pieces stand in it: start, and end exclusive; (0, 0) for special tokens."""
        cut = self.cutter.text(text)
        moved = len(text) - len(cut)
        border = len(cut) // 2 if moved and self.settings.long_text == "head+tail" else len(cut)
        found = [(start, end) if end <= border else (start + moved, end + moved) for start, end in self._offsets(cut)]
        before, after = ((0, 0),) * len(self.prefix), ((0, 0),) * len(self.suffix)
        pieces = self.cutter.bare_pieces(list(range(len(found))))
        return tuple((*before, *(found[i] for i in piece), *after) for piece in pieces)

    def _offsets(self, text: str) -> list[tuple[int, int]]:
        """Give where the tokens of a text stand; those of a tokenizer that does not know are looked for in turn."""
        options: dict[str, Any] = {"add_special_tokens": False, "verbose": False}
        if getattr(self.tokenizer, "is_fast", True):
            encoded = self.tokenizer([text], return_offsets_mapping=True, **options)
            return [(int(start), int(end)) for start, end in encoded["offset_mapping"][0]]
        found, done = [], 0
        for token in self.tokenizer.convert_ids_to_tokens(self.tokenizer([text], **options)["input_ids"][0]):
            letters = token.removeprefix("##").strip("\u2581 ").lower()
            start = text.lower().find(letters, done) if letters else -1
            if start < 0:
                found.append((done, done))
            else:
                done = start + len(letters)
                found.append((start, done))
        return found

    def collate(self, pieces: Sequence[Pieces]) -> Tokens:
        """Pad the pieces of a batch of texts to the longest among them."""
        flat = [piece for text in pieces for piece in text]
        longest = max([1, *map(len, flat)])
        input_ids = torch.full((len(flat), longest), self.padding, dtype=torch.long)
        attention_mask = torch.zeros((len(flat), longest), dtype=torch.long)
        for row, piece in enumerate(flat):
            input_ids[row, : len(piece)] = torch.tensor(piece, dtype=torch.long)
            attention_mask[row, : len(piece)] = 1
        check_known(input_ids, self.known)
        text_of = torch.repeat_interleave(torch.arange(len(pieces)), torch.tensor([len(text) for text in pieces]))
        return Tokens(input_ids, attention_mask, text_of)


def check_known(ids: torch.Tensor, known: int | None) -> None:
    """Refuse token ids of any shape of which one has no vector: on a GPU looking it up would end the process.

    Raises
    ------
    ModelFileError
        There is one.
    """
    if known is not None and ids.numel() and int(ids.max()) >= known:
        raise ModelFileError(
            f"The tokenizer gives the token id {int(ids.max()):,}, but the encoder has vectors for {known:,}: their "
            "files are of two models, or damaged. Get the whole folder again."
        )


def _frame(tokenizer: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Find the special tokens that a tokenizer puts before and after a text."""
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    full = tokenizer("a")["input_ids"]
    return frame_of(bare, full)
