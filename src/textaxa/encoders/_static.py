"""Static token vectors as an encoder: a text is the mean of its tokens' vectors. Thousands of texts a second."""

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F  # noqa: N812

from textaxa._pieces import Pieces, tokenizer_faults
from textaxa._quiet import quiet_transformers
from textaxa.encoders._asked import UNREADABLE
from textaxa.encoders._distil import distilled, write_static
from textaxa.encoders._encoder import Encoder
from textaxa.encoders._packaged import packaged_minilm
from textaxa.encoders._tokens import TextTokeniser, TokenStates, check_known
from textaxa.errors import ConfigError
from textaxa.settings import EncoderSettings

_TEXTS = 4096
"""Texts whose vectors are looked up at a time."""

_FILES = ("config.json", "tokenizer.json", "model.safetensors")


class StaticEncoder(Encoder):
    """A vector a token, the mean of them for a text. The vectors are trained along, or left as they are if frozen.

    It reads and writes the folders of model2vec. Unknown tokens are left out; special tokens are not added.

    Attributes
    ----------
    width, state_width : int
        Features of a vector, D.
    settings : EncoderSettings
        With ``pooling`` resolved: ``mean``.
    untrained : bool
        True: trained along, token vectors want the recipe of encoders that start from nothing, since a text moves only
        the few that it holds. (TREC, 1,200 rows: 1e-3 and more over 15 epochs far above 1e-4 over 3.)
    """

    untrained = True

    def __init__(
        self, vectors: torch.Tensor, tokenizer: Any, config: dict[str, Any], settings: EncoderSettings
    ) -> None:
        super().__init__()
        self.vectors = nn.Parameter(vectors)
        self.config = config
        self.settings = settings
        self.tokenise = TextTokeniser(tokenizer, settings)
        self.tokenise.known = len(vectors)
        self.unknown = -1 if tokenizer.unk_token_id is None else int(tokenizer.unk_token_id)
        self.width: int = vectors.shape[1]
        self.state_width = self.width

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, text_of: torch.Tensor) -> torch.Tensor:
        """Encode pieces (W, L) of B texts to text vectors (B, D); the vectors of a text's windows are averaged."""
        real = self._known(input_ids, attention_mask).to(self.vectors.dtype)
        sums = F.embedding_bag(input_ids, self.vectors, mode="sum", per_sample_weights=real)
        return self._of_texts(sums / real.sum(1, keepdim=True).clamp_min(1), text_of)

    @torch.inference_mode()
    def encode_pieces(self, pieces: Sequence[Pieces]) -> np.ndarray:
        """Give the vectors of tokenised texts, float32 (B, D): tokens side by side, so that nothing is padded."""
        features = np.empty((len(pieces), self.width), dtype=np.float32)
        for start in range(0, len(pieces), _TEXTS):
            part = slice(start, start + _TEXTS)
            features[part] = self._means(pieces[part]).float().cpu().numpy()
        self.count(pieces)
        return features

    def _means(self, texts: Sequence[Pieces]) -> torch.Tensor:
        """Give the vectors of texts (B, D)."""
        pieces = list(chain.from_iterable(texts))
        ends = np.cumsum([0, *map(len, pieces)])
        ids = np.fromiter(chain.from_iterable(pieces), dtype=np.int64, count=ends[-1])
        check_known(torch.from_numpy(ids), len(self.vectors))
        known = ids != self.unknown
        starts = np.concatenate([[0], np.cumsum(known)])[ends[:-1]]
        given = (torch.from_numpy(array).to(self.device) for array in (ids[known], starts))
        # A piece without a known token has mean 0.
        means = F.embedding_bag(next(given), self.vectors, next(given), mode="mean")
        per_text = torch.tensor([len(text) for text in texts], device=self.device)
        return self._of_texts(means, torch.repeat_interleave(torch.arange(len(texts), device=self.device), per_text))

    def _of_texts(self, pieces: torch.Tensor, text_of: torch.Tensor) -> torch.Tensor:
        """Average the vectors of pieces (W, D) text by text, to (B, D); of length 1 where the model has them so."""
        per_text = torch.bincount(text_of)
        if len(per_text) < len(pieces):
            joined = pieces.new_zeros(len(per_text), self.width).index_add_(0, text_of, pieces)
            pieces = joined / per_text[:, None]
        return F.normalize(pieces) if self.config.get("normalize") else pieces

    def states(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, text_of: torch.Tensor) -> TokenStates:
        """Give the token vectors of B texts, (B, L, D) with a mask (B, L); the windows of a text follow each other.

        Where a text has no known token, its first place counts as real and holds zeros.
        """
        real = self._known(input_ids, attention_mask)
        states = F.embedding(input_ids, self.vectors) * real[..., None]
        per_text = torch.bincount(text_of)
        if len(per_text) < len(states):
            pad = nn.utils.rnn.pad_sequence
            parts = ([part.flatten(0, 1) for part in of.split(per_text.tolist())] for of in (states, real))
            states, real = (pad(part, batch_first=True) for part in parts)
        nothing = ~real.any(1)
        return TokenStates(states, torch.cat([real[:, :1] | nothing[:, None], real[:, 1:]], dim=1))

    def _known(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return attention_mask.bool() & (input_ids != self.unknown)

    def freeze_below(self, trainable_layers: int) -> None:
        """Refuse: there are no layers of which a part could stay as it is.

        Raises
        ------
        ConfigError
            Always.
        """
        raise ConfigError(
            f"trainable_layers = {trainable_layers} cannot be used with a static encoder: it has no layers. Leave it "
            "empty, or set frozen = true."
        )

    def save(self, folder: Path) -> None:
        """Write config.json, tokenizer.json and model.safetensors, as model2vec does."""
        tokenizer = self.tokenise.tokenizer.backend_tokenizer
        write_static(folder, self.vectors.detach().cpu().numpy(), tokenizer, self.config)


def load_static(settings: EncoderSettings, name: str) -> StaticEncoder:
    """Load a static model: ``static``, ``static:TRANSFORMER``, or the folder or Hugging Face name of a model2vec model.

    ``static`` is made of the packaged MiniLM at its first use, and ``static:TRANSFORMER`` of another transformer.

    Raises
    ------
    MissingExtraError
        The packaged MiniLM is asked for and not installed.
    ConfigError
        The model cannot be found or read, or the pooling is another than the mean.
    """
    if settings.pooling not in ("auto", "mean"):
        raise ConfigError(
            f"pooling = {settings.pooling} cannot be used with a static encoder: a text is the mean of its tokens' "
            "vectors. Use auto or mean."
        )
    if name.partition(":")[0] == "static":
        name = str(distilled(name.partition(":")[2] or str(packaged_minilm())))
    try:
        config_file, tokenizer_file, weights_file = (_file(name, file) for file in _FILES)
        config = dict(json.loads(config_file.read_text(encoding="utf-8")))
        tokenizer = _tokenizer(tokenizer_file)
        vectors = _vectors(load_file(weights_file), len(tokenizer))
    except UNREADABLE as error:
        raise ConfigError(f"The static encoder {name!r} could not be loaded: {error}") from error
    return StaticEncoder(vectors, tokenizer, config, replace(settings, pooling="mean"))


def _file(name: str, file: str) -> Path:
    if Path(name).is_dir():
        return Path(name) / file
    from transformers.utils import cached_file  # noqa: PLC0415 - only Hugging Face names need it

    return Path(cached_file(name, file))


def _tokenizer(file: Path) -> Any:
    """Read a tokenizer that cuts, pads and frames nothing: what is read of a text is the settings' affair."""
    from tokenizers import Tokenizer  # noqa: PLC0415 - a second of import that only this step needs
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    stored = json.loads(file.read_text(encoding="utf-8"))
    unknown = stored["model"].get("unk_token")
    if unknown is None and stored["model"].get("unk_id") is not None:
        unknown = stored["model"]["vocab"][stored["model"]["unk_id"]][0]
    nothing = {"truncation": None, "padding": None, "post_processor": None}
    with tokenizer_faults():
        backend = Tokenizer.from_str(json.dumps({**stored, **nothing}))
    with quiet_transformers():
        return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token=unknown)


def _vectors(tensors: dict[str, torch.Tensor], n_tokens: int) -> torch.Tensor:
    """Give one vector a token, float32 (V, D): shared ones are copied, and the tokens' own weights multiplied in."""
    vectors = tensors["embeddings"].float()
    for name in tensors.keys() & {"mapping", "weights"}:
        if tensors[name].shape != (n_tokens,):
            raise ValueError(f"its {name} is {tuple(tensors[name].shape)}, but its tokenizer has {n_tokens} tokens.")
    if "mapping" in tensors:
        vectors = vectors[tensors["mapping"].long()]
    if "weights" in tensors:
        vectors = vectors * tensors["weights"].float()[:, None]
    if vectors.ndim != 2 or len(vectors) != n_tokens:
        raise ValueError(f"it has vectors of shape {tuple(vectors.shape)}, but its tokenizer has {n_tokens} tokens.")
    if not torch.isfinite(vectors).all():
        raise ValueError("it holds values that are not finite.")
    return vectors.contiguous()
