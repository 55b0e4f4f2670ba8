"""What the doctor looks for in texts: twins, texts over the length limit, characters that were lost on the way."""

import re
from array import array

import numpy as np

from textaxa._report import Finding
from textaxa.data._keys import text_key
from textaxa.data._places import Places, SeenRow, share
from textaxa.taxonomy import Path

FAR_OVER = 2.0
"""A text of twice the limit loses half of its words to ``long_text = head``."""

HUGE = 1_000_000
"""Characters. No description is as long as ten novels' chapters: a quote was left open, or a file sits in a cell."""

MANY_LONG = 0.1
"""Share of far too long texts from which a warning is due: from there on the limit is felt in the accuracy."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_MOJIBAKE = re.compile("Ã[\x80-\xbf]|Â[\xa0-\xbf]|â€|ï¿½")


def estimated_tokens(text: str) -> int:
    """Give about how many tokens a text has.

    Four Latin letters a token and two tokens for three other characters: within a third of the WordPiece and byte-pair
    tokenizers of the usual encoders, and it needs none of them.

    Examples
    --------
    >>> estimated_tokens("Build your club and play matches")
    8
    """
    if text.isascii():
        return len(text) // 4
    narrow = sum(map(str.isascii, text))
    return narrow // 4 + (len(text) - narrow) * 2 // 3


class TwinTexts:
    """Texts that occur more than once, with the same labels or with others."""

    def __init__(self) -> None:
        self._seen: dict[bytes, tuple[str, tuple[Path, ...]]] = {}
        self._same = Places()
        self._other = Places()

    def see(self, row: SeenRow) -> None:
        """Look at one row."""
        key = text_key(row.text)
        first, labels = self._seen.setdefault(key, (row.place, row.labels))
        if first == row.place:
            return
        where = f"{row.place} = {first}"
        if set(labels) == set(row.labels):
            self._same.add(where)
        else:
            self._other.add(where)

    def twin_of(self, text: str) -> str | None:
        """Give the first row with this text, or None."""
        found = self._seen.get(text_key(text))
        return found[0] if found else None

    def findings(self) -> list[Finding]:
        """Give what was found."""
        return [
            *self._other.finding(
                "conflicting-labels",
                "warning",
                "the text is in another row with another label",
                "A model cannot be right on both. Correct one label, or give both rows both paths (--paths).",
            ),
            *self._same.finding(
                "duplicate-text",
                "warning",
                "the text is in another row with the same label (case and spaces aside)",
                "Training keeps such rows on one side of the split; remove them unless the counts are meant.",
            ),
        ]


class TextLengths:
    """How long texts are, and which are far over the limit."""

    def __init__(self, max_length: int) -> None:
        self.lengths = array("Q")
        self._max_length = max_length
        self._far = Places()
        self._huge = Places()

    def see(self, row: SeenRow) -> None:
        """Look at one row."""
        self.lengths.append(len(row.text))
        if len(row.text) > HUGE:
            self._huge.add(f"{row.place}: {len(row.text):,} characters")
        if estimated_tokens(row.text) > FAR_OVER * self._max_length:
            self._far.add(row.place)

    def findings(self) -> list[Finding]:
        """Give what was found."""
        total = len(self.lengths)
        return [
            *self._huge.finding(
                "huge-text",
                "warning",
                f"the text has over {HUGE:,} characters",
                "Look whether a quote is left open there, or a whole file was put into the cell.",
            ),
            *self._far.finding(
                "long-text",
                "warning" if self._far.count > MANY_LONG * total else "note",
                f"the text ({share(self._far.count, total)} of all) has over {FAR_OVER:g} times the "
                f"{self._max_length} tokens "
                "that are read, by estimate",
                "Only the beginning is read. Raise max_length, or read more with long_text = head+tail or windows.",
            ),
        ]

    def facts(self) -> tuple[tuple[str, str], ...]:
        """Give the lengths as one line."""
        if not self.lengths:
            return ()
        median, high = np.percentile(np.frombuffer(self.lengths, dtype=np.uint64), [50, 95])
        return (
            ("text length", f"median {median:,.0f} characters, 95% up to {high:,.0f}, longest {max(self.lengths):,}"),
        )


class BrokenCharacters:
    """Characters that no one wrote: control characters, and the marks of a wrong encoding."""

    def __init__(self) -> None:
        self._control = Places()
        self._lost = Places()
        self._mojibake = Places()

    def see(self, row: SeenRow) -> None:
        """Look at one row."""
        if found := _CONTROL.search(row.text):
            self._control.add(f"{row.place}: U+{ord(found[0]):04X}")
        if row.text.isascii():
            return
        if "\ufffd" in row.text:
            self._lost.add(row.place)
        if found := _MOJIBAKE.search(row.text):
            around = row.text[max(0, found.start() - 10) : found.end() + 10]
            self._mojibake.add(f"{row.place}: {around!r}")

    def findings(self) -> list[Finding]:
        """Give what was found."""
        return [
            *self._control.finding(
                "control-character",
                "warning",
                "the text has a control character",
                "It comes from a damaged copy or from another program's markup. Remove it.",
            ),
            *self._lost.finding(
                "replacement-character",
                "warning",
                "the text has the replacement character U+FFFD",
                "Characters were lost when the file was written with a wrong encoding. Export it again as UTF-8.",
            ),
            *self._mojibake.finding(
                "mojibake",
                "warning",
                "the text looks like UTF-8 that was read as Western Windows text",
                "If --encoding is given, leave it out; else the file was written that way: export it again as UTF-8.",
            ),
        ]
