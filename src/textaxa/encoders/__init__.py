"""Text to features. Needs the extra ``train``."""

from textaxa._pieces import Pieces, length_of
from textaxa.encoders._encoder import Encoder
from textaxa.encoders._load import ENCODERS, load_encoder
from textaxa.encoders._packaged import packaged_minilm
from textaxa.encoders._tokens import TextTokeniser, Tokens, TokenStates
from textaxa.encoders._transformer import TransformerEncoder

__all__ = [
    "ENCODERS",
    "Encoder",
    "Pieces",
    "TextTokeniser",
    "TokenStates",
    "Tokens",
    "TransformerEncoder",
    "length_of",
    "load_encoder",
    "packaged_minilm",
]
