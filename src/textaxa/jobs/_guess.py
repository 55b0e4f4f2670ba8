"""Guess what the columns of a table mean, from their names and the first rows.

What comes in: column names and some rows. What goes out: the settings of the section ``data`` that `init` writes down
for the user to check. A guess is only ever written into a file that a person reads before it is used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textaxa.data._cells import is_blank

TEXT_WORDS = ("text", "description", "body", "content", "abstract", "review", "question", "summary", "message", "query")
TITLE_WORDS = ("title", "name", "headline", "subject")
LABEL_WORDS = ("category", "label", "class", "level", "genre", "topic", "intent", "department", "section", "kind")
PATH_WORDS = ("path", "taxonomy", "breadcrumb", "hierarchy")
SEPARATORS = (" > ", " / ", " | ", " :: ", ">", "|", "/")

MIN_TEXT_LENGTH = 20
"""Cells of fewer characters on average are names or codes, not texts to classify."""

MAX_DISTINCT_SHARE = 0.5
"""A label column repeats itself: with more distinct values than this share of the rows it is something else."""

MIN_PATH_SHARE = 0.3
"""Labels may end at the top level, so not every cell of a path column has a separator; but this share has."""


@dataclass(frozen=True)
class Profile:
    """What the first rows say about one column."""

    name: str
    filled: int
    distinct: int
    mean_length: float
    separator: str | None
    lists: bool
    nested: bool
    example: str

    def named_like(self, words: Sequence[str]) -> bool:
        """Tell whether one of the words is part of the column's name."""
        return any(word in self.name.casefold() for word in words)

    @property
    def repeats(self) -> bool:
        """Tell whether values come back often enough for a label."""
        return 0 < self.distinct <= max(2, MAX_DISTINCT_SHARE * self.filled)


def profile(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[Profile]:
    """Describe every column by the rows at hand."""
    return [_profile_of(name, [row.get(name) for row in rows]) for name in columns]


def guess_data(profiles: Sequence[Profile]) -> dict[str, Any]:
    """Guess the text and label columns, as the configuration's section ``data`` names them.

    Examples
    --------
    >>> rows = [{"text": f"A longer sentence, number {i}", "category": "AB"[i % 2]} for i in range(8)]
    >>> guess_data(profile(["text", "category"], rows))
    {'text': ['text'], 'labels': ['category']}
    """
    labels = _guess_labels(profiles)
    taken = {name for value in labels.values() for name in ([value] if isinstance(value, str) else value)}
    text = _guess_text([p for p in profiles if p.name not in taken])
    return {"text": text, **labels} if text else dict(labels)


def _profile_of(name: str, values: Sequence[Any]) -> Profile:
    filled = [value for value in values if _is_filled(value)]
    texts = [value if isinstance(value, str) else str(value) for value in filled]
    lists = bool(filled) and all(isinstance(value, list | tuple) for value in filled)
    return Profile(
        name=name,
        filled=len(filled),
        distinct=len(set(texts)),
        mean_length=sum(map(len, texts)) / max(1, len(texts)),
        separator=None if lists else _common_separator(texts),
        lists=lists,
        nested=lists and any(isinstance(item, list | tuple) or _has_separator(item) for v in filled for item in v),
        example=texts[0] if texts else "",
    )


def _is_filled(value: Any) -> bool:
    return not is_blank(value) and str(value) != "[]"


def _common_separator(texts: Sequence[str]) -> str | None:
    for separator in SEPARATORS:
        if texts and sum(separator in text for text in texts) >= MIN_PATH_SHARE * len(texts):
            return separator
    return None


def _has_separator(item: Any) -> bool:
    return isinstance(item, str) and " > " in item


def _guess_labels(profiles: Sequence[Profile]) -> dict[str, Any]:
    levels = [p for p in profiles if p.named_like(LABEL_WORDS) and p.repeats and not p.lists and not p.separator]
    if len(levels) > 1:
        return {"labels": [p.name for p in _from_the_top(levels)]}
    for p in profiles:
        if p.lists and p.nested:
            return {"paths": [p.name]}
        if p.lists and p.named_like((*PATH_WORDS, *LABEL_WORDS)):
            return {"path": p.name}
        if p.separator and p.repeats and p.named_like((*PATH_WORDS, *LABEL_WORDS)):
            return {"path": p.name, "separator": p.separator}
    if levels:
        return {"labels": [levels[0].name]}
    return {"path": named[0].name} if (named := [p for p in profiles if p.named_like(PATH_WORDS) and p.repeats]) else {}


def _from_the_top(levels: Sequence[Profile]) -> list[Profile]:
    """Order level columns: as in the table where that goes from few values to many, else by their number of values."""
    counts = [p.distinct for p in levels]
    return list(levels) if counts == sorted(counts) else sorted(levels, key=lambda p: p.distinct)


def _guess_text(profiles: Sequence[Profile]) -> list[str]:
    texts = [p for p in profiles if p.named_like(TEXT_WORDS) and p.filled and not p.lists]
    if not texts:
        long = [p for p in profiles if p.mean_length >= MIN_TEXT_LENGTH and " " in p.example]
        texts = sorted(long, key=lambda p: -p.mean_length)[:1]
    titles = [p for p in profiles if p.named_like(TITLE_WORDS) and p.filled and p not in texts and not p.lists]
    return [p.name for p in (*titles[:1], *texts[:1])]
