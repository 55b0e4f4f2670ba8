"""What a migration did: to which nodes, what is void, and which texts a person should look at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from textaxa.taxonomy import DEFAULT_SEPARATOR, NodeMapping


@dataclass(frozen=True)
class Suggestion:
    """Where the migrated model would put a text of a node that was split.

    Attributes
    ----------
    text
        Position of the text among those that were given.
    old, new
        The split node, and the part of it that the model suggests; -1 where it suggests none of them.
    probability
        Of that part, given that it is one of the parts.
    """

    text: int
    old: int
    new: int
    probability: float


@dataclass(frozen=True)
class MigrationReport:
    """What was done.

    Attributes
    ----------
    mapping
        Which node became which.
    head
        The model's head.
    void
        What does not hold any more, and its cure, a sentence each.
    notes
        What the head could not carry over, or only nearly.
    suggestions
        For texts of split nodes, where texts were given.
    fits
        For merged nodes whose rows were fitted: root mean square error of the logit against the exact sum, before and
        after, by new node.
    """

    mapping: NodeMapping
    head: str
    void: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    fits: dict[int, tuple[float, float]] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """How many nodes were kept, renamed, moved, merged, split, new and removed."""
        return self.mapping.counts

    def rows(self, separator: str = DEFAULT_SEPARATOR) -> Iterator[dict[str, Any]]:
        """Give a row a link, new node and removed node: what happened, old and new path, share, how it starts."""
        mapping = self.mapping
        kinds: dict[int, str] = {}
        for kind, nodes in mapping.kinds.items():
            if kind not in ("split", "removed"):
                kinds.update(dict.fromkeys(nodes, kind))
        split = set(mapping.kinds["split"])
        for link in mapping.links:
            kind = "split" if link.old in split else kinds[link.new]
            before, to = mapping.old.path(link.old), mapping.new.path(link.new)
            yield _row(kind, separator.join(before), separator.join(to), link.share)
        for node in mapping.kinds["new"]:
            yield _row("new", "", separator.join(mapping.new.path(node)), 1.0)
        for node in mapping.kinds["removed"]:
            heir = mapping.heirs[node]
            after = separator.join(mapping.new.path(heir)) if heir >= 0 else ""
            yield _row("removed", separator.join(mapping.old.path(node)), after, 1.0)

    def suggestion_rows(self, texts: Sequence[str], separator: str = DEFAULT_SEPARATOR) -> Iterator[dict[str, Any]]:
        """Give a row a suggestion, the least sure first, ready for a person."""
        for one in sorted(self.suggestions, key=lambda one: one.probability):
            yield {
                "text": texts[one.text],
                "old": separator.join(self.mapping.old.path(one.old)),
                "suggested": separator.join(self.mapping.new.path(one.new)) if one.new >= 0 else "",
                "probability": round(one.probability, 4),
            }

    def to_dict(self) -> dict[str, Any]:
        """Give it as values that JSON can hold."""
        return {
            "counts": self.counts,
            "head": self.head,
            "void": list(self.void),
            "notes": list(self.notes),
            "rows": list(self.rows()),
            "suggestions": len(self.suggestions),
        }


_START = {
    "kept": "as it was",
    "renamed": "as it was",
    "moved": "its own weights, among other siblings",
    "merged": "sum of its parts",
    "split": "the whole, told apart by label text",
    "new": "label text",
    "removed": "its texts go to the parent",
}


def _row(kind: str, old: str, new: str, share: float) -> dict[str, Any]:
    return {"what": kind, "old": old, "new": new, "share": round(share, 4), "start": _START[kind]}


def suggestions_of(mapping: NodeMapping, before: Sequence[Sequence[int]], proba: np.ndarray) -> tuple[Suggestion, ...]:
    """Give for every text that used to be at or below a split node which of its parts the model would choose.

    Parameters
    ----------
    mapping
        Which node became which.
    before
        The old nodes of every text.
    proba
        Node probabilities of the migrated model, (B, N).
    """
    found = []
    split = set(mapping.kinds["split"])
    for text, nodes in enumerate(before):
        closure = set(mapping.old.ancestors.rows(np.asarray(nodes, dtype=np.int64)).tolist()) if len(nodes) else set()
        for old in sorted(closure & split):
            parts = [link.new for link in mapping.links_of(old)]
            chances = proba[text, parts].astype(np.float64)
            total, best = float(chances.sum()), int(chances.argmax())
            sure = float(chances[best]) / total if total > 0 else 0.0
            found.append(Suggestion(text, old, parts[best] if total > 0 else -1, sure))
    return tuple(found)
