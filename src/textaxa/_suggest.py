"""The nearest known name to an unknown one, for error messages."""

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Give the known name most like ``name`` (case ignored), or None where nothing is near."""
    by_folded = {candidate.casefold(): candidate for candidate in known}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.5)
    return by_folded[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Give ``' Did you mean …?'``, or an empty string where nothing is near."""
    found = nearest(name, known)
    return f" Did you mean {found!r}?" if found else ""
