"""What makes two texts the same, and an order that depends on nothing but the texts.

Comes in: a text. Goes out: its key, sixteen bytes, the same for texts that differ only in case and spaces.
"""

import unicodedata
from hashlib import blake2b

KEY_BYTES = 16
"""128 bits: a clash among a billion texts has a chance of one in 10^20."""


def text_key(text: str) -> bytes:
    """Give the key of a text; case, kinds of spaces and composed accents do not count.

    Examples
    --------
    >>> text_key("Play  chess") == text_key(" play CHESS")
    True
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    words = " ".join(text.casefold().split())
    return blake2b(words.encode("utf-8", "surrogatepass"), digest_size=KEY_BYTES).digest()


def seeded(key: bytes, seed: int) -> bytes:
    """Give a key that orders texts at random, another order for every seed."""
    return blake2b(key, digest_size=KEY_BYTES, key=str(seed).encode()).digest()
