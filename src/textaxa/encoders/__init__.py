"""Text to features. Needs the extra ``train``."""

from textaxa.encoders._packaged import packaged_minilm
from textaxa.encoders._tokens import Pieces, TextTokeniser, Tokens, TokenStates, length_of
from textaxa.encoders._transformer import TransformerEncoder, load_encoder

__all__ = [
    "Pieces",
    "TextTokeniser",
    "TokenStates",
    "Tokens",
    "TransformerEncoder",
    "length_of",
    "load_encoder",
    "packaged_minilm",
]
