"""Texts to token ids: what is read of a long text, and how pieces of a batch are padded together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from textaxa.settings import EncoderSettings

_CHARACTERS_PER_TOKEN = 32
"""A text is cut to this many characters a token before it is tokenised. Real texts have 2 to 6, so nothing that would
be read is lost, while a text of 5 MB costs no more than one of 10 kB."""

_WINDOW_OVERLAP = 0.25
"""Neighbouring windows share at least this part, so that a phrase at a border is read whole at least once."""

Pieces = tuple[tuple[int, ...], ...]
"""The token ids of one text, special tokens included: one piece, or several overlapping windows."""


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
    """

    def __init__(self, tokenizer: Any, settings: EncoderSettings) -> None:
        self.tokenizer = tokenizer
        self.settings = settings
        self.prefix, self.suffix = _frame(tokenizer)
        self.room = settings.max_length - len(self.prefix) - len(self.suffix)
        self.padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0

    def __call__(self, texts: Sequence[str]) -> list[Pieces]:
        """Give the pieces of every text, in order."""
        if not texts:
            return []
        encoded = self.tokenizer(
            [self._cut(text) for text in texts],
            add_special_tokens=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
        )["input_ids"]
        return [tuple(self._framed(piece) for piece in self._pieces(ids)) for ids in encoded]

    def places(self, text: str) -> tuple[tuple[tuple[int, int], ...], ...]:
        """Give where the tokens of a text's pieces stand in it: start, and end exclusive; (0, 0) for special tokens."""
        cut = self._cut(text)
        moved = len(text) - len(cut)
        border = len(cut) // 2 if moved and self.settings.long_text == "head+tail" else len(cut)
        found = [(start, end) if end <= border else (start + moved, end + moved) for start, end in self._offsets(cut)]
        before, after = ((0, 0),) * len(self.prefix), ((0, 0),) * len(self.suffix)
        pieces = self._pieces(list(range(len(found))))
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

    def _cut(self, text: str) -> str:
        limit = self.settings.max_length * _CHARACTERS_PER_TOKEN
        if self.settings.long_text == "windows" or len(text) <= 2 * limit:
            return text
        return text[:limit] if self.settings.long_text == "head" else f"{text[:limit]} {text[-limit:]}"

    def _pieces(self, ids: list[int]) -> list[list[int]]:
        if len(ids) <= self.room:
            return [ids]
        if self.settings.long_text == "head":
            return [ids[: self.room]]
        if self.settings.long_text == "head+tail":
            tail = self.room // 2
            return [ids[: self.room - tail] + ids[len(ids) - tail :]]
        return [ids[start : start + self.room] for start in self._window_starts(len(ids))]

    def _window_starts(self, length: int) -> list[int]:
        """Spread windows evenly from the first token to the last; as few as overlap by at least a quarter."""
        stride = max(1, int(self.room * (1 - _WINDOW_OVERLAP)))
        count = min(self.settings.max_windows, 1 + -(-(length - self.room) // stride))
        last = length - self.room
        return [round(i * last / max(1, count - 1)) for i in range(count)]

    def _framed(self, ids: list[int]) -> tuple[int, ...]:
        return (*self.prefix, *ids, *self.suffix)

    def collate(self, pieces: Sequence[Pieces]) -> Tokens:
        """Pad the pieces of a batch of texts to the longest among them."""
        flat = [piece for text in pieces for piece in text]
        longest = max([1, *map(len, flat)])
        input_ids = torch.full((len(flat), longest), self.padding, dtype=torch.long)
        attention_mask = torch.zeros((len(flat), longest), dtype=torch.long)
        for row, piece in enumerate(flat):
            input_ids[row, : len(piece)] = torch.tensor(piece, dtype=torch.long)
            attention_mask[row, : len(piece)] = 1
        text_of = torch.repeat_interleave(torch.arange(len(pieces)), torch.tensor([len(text) for text in pieces]))
        return Tokens(input_ids, attention_mask, text_of)


def length_of(pieces: Pieces) -> int:
    """Give the number of tokens that a text costs, over all its pieces."""
    return sum(map(len, pieces))


def _frame(tokenizer: Any) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Find the special tokens that a tokenizer puts before and after a text."""
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    full = tokenizer("a")["input_ids"]
    for start in range(len(full) - len(bare) + 1):
        if full[start : start + len(bare)] == bare:
            return tuple(full[:start]), tuple(full[start + len(bare) :])
    return (), ()
