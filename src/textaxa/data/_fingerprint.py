"""A name for rows by what they hold: the same rows have the same one, in whatever file and format they stand."""

import hashlib
import json
from collections.abc import Sequence

from textaxa.taxonomy import Path


def rows_fingerprint(texts: Sequence[str], labels: Sequence[Sequence[Path]]) -> str:
    """Give a SHA-256 in hexadecimal of texts and their labels, in their order.

    Examples
    --------
    >>> one = rows_fingerprint(["chess club"], [[("Games", "Board")]])
    >>> one == rows_fingerprint(["chess club"], [(["Games", "Board"],)]), one == rows_fingerprint([], [])
    (True, False)
    """
    digest = hashlib.sha256()
    for text, paths in zip(texts, labels, strict=True):
        digest.update(json.dumps([text, paths]).encode("ascii"))  # half a character is escaped, too
    return digest.hexdigest()
