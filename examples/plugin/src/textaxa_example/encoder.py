"""The encoder ``hashed-words``: every word is hashed to one of some vectors, which are learned; a text is their mean.

``hashed-words`` has 4096 vectors, ``hashed-words:512`` has 512. It needs no download and no vocabulary.
"""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from zlib import crc32

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from textaxa.encoders import Encoder, TextTokeniser, TokenStates
from textaxa.errors import ConfigError
from textaxa.settings import EncoderSettings

NAME = "hashed-words"
WIDTH = 64


class HashTokenizer:
    """Gives the numbers of words, from 1 on; 0 pads. It is called as tokenizers of transformers are."""

    pad_token_id = 0

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, texts: Any, **options: Any) -> dict[str, Any]:
        """Give ``input_ids`` of one text, or of several; there are no special tokens that options could ask for."""
        del options
        if isinstance(texts, str):
            return {"input_ids": self._ids(texts)}
        return {"input_ids": [self._ids(text) for text in texts]}

    def _ids(self, text: str) -> list[int]:
        words = re.findall(r"\w+", text.lower())
        return [1 + crc32(word.encode("utf-8", "replace")) % self.size for word in words]


class HashedWords(Encoder):
    """Hashed words → learned vectors → their mean, (B, D). ``untrained`` lets the recipe train longer."""

    def __init__(self, settings: EncoderSettings, size: int, *, untrained: bool) -> None:
        super().__init__()
        self.settings = replace(settings, pooling="mean")
        self.tokenise = TextTokeniser(HashTokenizer(size), self.settings)
        self.width = self.state_width = WIDTH
        self.untrained = untrained
        self.vectors = nn.Embedding(size + 1, WIDTH, padding_idx=0)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, text_of: torch.Tensor) -> torch.Tensor:
        """Encode pieces (W, L) of B texts to text vectors (B, D)."""
        n_texts = int(text_of.max()) + 1
        sums = self.vectors(input_ids).sum(1)
        counts = attention_mask.sum(1).to(sums.dtype)
        total = sums.new_zeros(n_texts, self.width).index_add_(0, text_of, sums)
        return total / counts.new_zeros(n_texts).index_add_(0, text_of, counts).clamp_min(1)[:, None]

    def states(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, text_of: torch.Tensor) -> TokenStates:
        """Refuse: the heads that attend need an encoder that knows where words stand."""
        del input_ids, attention_mask, text_of
        raise ConfigError(f"{NAME} gives no states of tokens. Choose a head that reads text vectors.")

    def freeze_below(self, trainable_layers: int) -> None:
        """Refuse: there are no layers."""
        raise ConfigError(f"trainable_layers = {trainable_layers} cannot be used with {NAME}: it has no layers.")

    def save(self, folder: Path) -> None:
        """Write config.json, whose ``model_type`` brings textaxa back here, and the vectors."""
        folder.mkdir(parents=True, exist_ok=True)
        config = {"model_type": NAME, "size": self.vectors.num_embeddings - 1}
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        save_file({"vectors": self.vectors.weight.detach().cpu().contiguous()}, folder / "model.safetensors")


def load_hashed_words(settings: EncoderSettings, name: str) -> HashedWords:
    """Load it: untrained by its name, trained from a folder that `HashedWords.save` wrote."""
    if settings.frozen and not Path(name).is_dir():
        raise ConfigError(f"frozen = true cannot be used with {NAME}: it starts from nothing and has to be trained.")
    try:
        if not Path(name).is_dir():
            return HashedWords(settings, int(name.partition(":")[2] or 4096), untrained=True)
        config = json.loads((Path(name) / "config.json").read_text(encoding="utf-8"))
        encoder = HashedWords(settings, int(config["size"]), untrained=False)
        encoder.vectors.load_state_dict({"weight": load_file(Path(name) / "model.safetensors")["vectors"]})
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise ConfigError(f"The encoder {name!r} could not be loaded: {error}") from error
    return encoder
