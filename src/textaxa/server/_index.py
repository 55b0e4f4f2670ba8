"""Search in a taxonomy: names, codes and descriptions, whatever the case and the accents.

All names stand in one long string, folded; a search looks for the words in it. That takes a few bytes a character and
milliseconds a search, and needs no package.
"""

import unicodedata
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from textaxa.taxonomy import Taxonomy

CANDIDATES = 20_000
"""Nodes that have the rarest word of several and are looked at: some ten milliseconds."""

LONGEST = 2_000
"""Characters of a description that are searched."""

_END = "\n"
_APART = {"ß": "ss", "ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i"}
_UNMARKED = str.maketrans(_APART)


def folded(text: str) -> str:
    """Give a text without case and accents, blanks as single spaces.

    >>> folded("Ärzte  und\\tÉcoles"), folded("Straße") == folded("STRASSE")
    ('arzte und ecoles', True)
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.casefold())
        text = "".join(c for c in text if not unicodedata.combining(c)).translate(_UNMARKED)
    return " ".join(text.casefold().split())


class Field:
    """One text of every node, to be searched."""

    def __init__(self, texts: Iterable[str]) -> None:
        parts = [folded(text) for text in texts]
        self._text = _END + _END.join(parts) + _END
        self._starts = array("q", accumulate((len(part) + 1 for part in parts), initial=1))[:-1]

    def of(self, node: int) -> str:
        """Give a node's text, folded."""
        start = self._starts[node]
        return self._text[start : self._text.index(_END, start)]

    def find(self, wanted: str) -> Iterator[int]:
        """Give the nodes whose text, with a line feed before and after it, has this in it; ascending."""
        place = self._text.find(wanted)
        while place >= 0:
            node = bisect_right(self._starts, place + wanted.startswith(_END)) - 1
            yield node
            if node + 1 == len(self._starts):
                return
            place = self._text.find(wanted, self._starts[node + 1] - 1)


class SearchIndex:
    """Finds nodes of one taxonomy.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    more
        Names in other languages: node to name, one mapping a language.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Spiele", "Fußball"), ("Ärzte",)], descriptions={("Ärzte",): "Balls."})
    >>> index = SearchIndex(taxonomy)
    >>> index.find("FUSSBALL", 5), index.find("arzte", 5), index.find("spiele", 5)
    ([2], [1], [0])
    """

    def __init__(self, taxonomy: Taxonomy, more: Iterable[dict[int, str]] = ()) -> None:
        names = taxonomy.names
        fields = [Field(names)]
        fields += [Field(named.get(node, "") for node in range(len(names))) for named in more]
        if taxonomy.codes is not None:
            fields.append(Field(taxonomy.codes))
        self._names: Sequence[Field] = tuple(fields)
        has_descriptions = any(taxonomy.descriptions)
        self._descriptions = Field(text[:LONGEST] for text in taxonomy.descriptions) if has_descriptions else None

    @property
    def _fields(self) -> Iterator[Field]:
        yield from self._names
        if self._descriptions is not None:
            yield self._descriptions

    def find(self, query: str, limit: int) -> list[int]:
        """Give the nodes that fit, best first: the whole name, its beginning, that of a word in it, a part of it; then
        descriptions; then nodes that have all the words somewhere."""
        wanted = folded(query)
        if not wanted:
            return []
        found: dict[int, None] = {}
        for form in (f"{_END}{wanted}{_END}", f"{_END}{wanted}", f" {wanted}", wanted):
            for field in self._names:
                _add(found, field.find(form), limit)
        if self._descriptions is not None:
            _add(found, self._descriptions.find(wanted), limit)
        if len(words := wanted.split()) > 1:
            _add(found, self._with_all(words), limit)
        return list(found)

    def _with_all(self, words: Sequence[str]) -> Iterator[int]:
        """Give the nodes that have all words, in names, codes and description together."""
        longest = max(words, key=len)
        looked = 0
        for field in self._fields:
            for node in field.find(longest):
                looked += 1
                if looked > CANDIDATES:
                    return
                text = "\n".join(one.of(node) for one in self._fields)
                if all(word in text for word in words):
                    yield node


def _add(found: dict[int, None], nodes: Iterator[int], limit: int) -> None:
    for node in nodes:
        if len(found) >= limit:
            return
        found[node] = None
