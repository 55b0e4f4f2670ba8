"""A smaller vocabulary: rows of the token embeddings that no text needs are left out. The file shrinks, speed stays.

Tokens that occur in the texts stay, and all single characters, so that a word that was not seen is cut into smaller
pieces instead of becoming unknown. Texts made of seen tokens are cut as before: of the longest matches that the
tokenizer looks for, those that were found before are still there, and no new ones are.
"""

import json
from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch

from textaxa.encoders import TransformerEncoder
from textaxa.errors import ConfigError
from textaxa.model import Model
from textaxa.optimising._lengths import with_encoder

_INSIDE = "##"


def pruned(model: Model, texts: Sequence[str]) -> Model:
    """Give a copy of a model that knows only the tokens of these texts; the head is shared.

    Raises
    ------
    ConfigError
        The tokenizer is of another kind than WordPiece.
    """
    encoder: Any = model.encoder
    stored = _stored(encoder)
    kept = _kept(encoder, stored, texts)
    backbone = deepcopy(encoder.backbone)
    old = backbone.get_input_embeddings().weight.detach()
    embeddings = torch.nn.Embedding(len(kept), old.shape[1], padding_idx=kept.index(int(encoder.tokenise.padding)))
    embeddings.weight.data.copy_(old[kept])
    backbone.set_input_embeddings(embeddings)
    backbone.config.vocab_size = len(kept)
    tokenizer = _tokenizer(encoder.tokenise.tokenizer, _renumbered(stored, kept))
    return with_encoder(model, TransformerEncoder(backbone, tokenizer, encoder.settings))


def _stored(encoder: Any) -> dict[str, Any]:
    tokenizer = getattr(getattr(encoder, "tokenise", None), "tokenizer", None)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    stored: dict[str, Any] = json.loads(backend.to_str()) if backend is not None else {"model": {}}
    if stored["model"].get("type") != "WordPiece" or not isinstance(encoder, TransformerEncoder):
        raise ConfigError(
            "The vocabulary of this encoder cannot be made smaller: only WordPiece vocabularies can, as of BERT and "
            "MiniLM. Leave vocabulary out."
        )
    return stored


def _kept(encoder: Any, stored: dict[str, Any], texts: Sequence[str]) -> list[int]:
    """Give the old numbers of the tokens that stay, ascending."""
    seen = {token for pieces in encoder.tokenise(texts) for piece in pieces for token in piece}
    letters = {number for token, number in stored["model"]["vocab"].items() if len(token.removeprefix(_INSIDE)) == 1}
    special = {one["id"] for one in stored["added_tokens"]} | {int(encoder.tokenise.padding)}
    return sorted(seen | letters | special)


def _renumbered(stored: dict[str, Any], kept: list[int]) -> dict[str, Any]:
    """Give a tokenizer's JSON with only these tokens, numbered anew."""
    new = {number: i for i, number in enumerate(kept)}
    vocabulary = {token: new[number] for token, number in stored["model"]["vocab"].items() if number in new}
    added = [{**one, "id": new[one["id"]]} for one in stored["added_tokens"]]
    frame = deepcopy(stored["post_processor"])
    for one in (frame or {}).get("special_tokens", {}).values():
        one["ids"] = [new[number] for number in one["ids"]]
    for name in ("cls", "sep"):
        if frame and isinstance(frame.get(name), list):
            frame[name][1] = new[frame[name][1]]
    model = {**stored["model"], "vocab": vocabulary}
    return {**stored, "model": model, "added_tokens": added, "post_processor": frame}


def _tokenizer(old: Any, stored: dict[str, Any]) -> Any:
    from tokenizers import Tokenizer  # noqa: PLC0415 - a second of import that only this step needs
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    backend = Tokenizer.from_str(json.dumps(stored))
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, model_max_length=old.model_max_length, **old.special_tokens_map
    )
