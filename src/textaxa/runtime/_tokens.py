"""Texts to pieces of token ids with the tokenizers library alone: the same ids as `textaxa.encoders` gives."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from textaxa._extras import require
from textaxa._pieces import Cutter, Pieces, tokenizer_faults
from textaxa.errors import ModelFileError
from textaxa.runtime._layout import Layout
from textaxa.settings import EncoderSettings

_AT_ONCE = 1024
"""Texts tokenised at a time: enough for every thread, and the library's offsets of no more texts are in memory."""


class RuntimeTokeniser:
    """Cuts texts into pieces of at most ``max_length`` tokens.

    Raises
    ------
    MissingExtraError
        tokenizers is not installed.
    ModelFileError
        The tokenizer's file is damaged.
    """

    def __init__(self, file: Path, layout: Layout, settings: EncoderSettings) -> None:
        library = require("tokenizers", extra="runtime")
        try:
            with tokenizer_faults():
                self._tokenizer = library.Tokenizer.from_file(str(file))
        except ModelFileError as error:
            raise ModelFileError(f"{file} is damaged: {error} Export the model again.") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.cutter = Cutter(settings, prefix=layout.prefix, suffix=layout.suffix)

    def __call__(self, texts: Sequence[str]) -> list[Pieces]:
        """Give the pieces of every text, in order."""
        found: list[Pieces] = []
        for start in range(0, len(texts), _AT_ONCE):
            cut = [self.cutter.text(text) for text in texts[start : start + _AT_ONCE]]
            with tokenizer_faults():
                encoded = self._tokenizer.encode_batch_fast(cut, add_special_tokens=False)
            found += [self.cutter.pieces(one.ids) for one in encoded]
        return found


def padded(pieces: Sequence[Pieces], padding: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Pad the pieces of a batch of B texts to one length.

    Returns
    -------
    ``input_ids`` and ``attention_mask``, int64 (W, L), and how many pieces each text has, int64 (B,).
    """
    flat = [piece for text in pieces for piece in text]
    input_ids = np.full((len(flat), max([1, *map(len, flat)])), padding, dtype=np.int64)
    attention_mask = np.zeros_like(input_ids)
    for row, piece in enumerate(flat):
        input_ids[row, : len(piece)] = piece
        attention_mask[row, : len(piece)] = 1
    per_text = np.array([len(text) for text in pieces], dtype=np.int64)
    return {"input_ids": input_ids, "attention_mask": attention_mask}, per_text
