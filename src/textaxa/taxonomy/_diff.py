"""`diff_taxonomies`: what happened to the nodes between two versions of a taxonomy.

Which node is which is settled in `textaxa.taxonomy._match`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from textaxa.taxonomy._mapping import NodeMapping
from textaxa.taxonomy._match import has_own_codes, match_nodes
from textaxa.taxonomy._paths import DEFAULT_SEPARATOR, Path
from textaxa.taxonomy._taxonomy import Taxonomy

_GONE, _ROOT = -2, -1
"""Stand for a parent that has no counterpart, and for the root."""

Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Change:
    """One node that is in both versions, but not as it was.

    Attributes
    ----------
    old, new
        Its path before and after.
    before, after
        What changed, in words: parents, description, or whether labels may end there.
    """

    old: Path
    new: Path
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Diff:
    """What changed from one taxonomy to another. Falsy where nothing did.

    Attributes
    ----------
    added, removed
        Paths of nodes that are only in the new, only in the old version.
    renamed
        Nodes with another name below the same parent.
    moved
        Nodes below another parent (in a DAG: other parents), perhaps renamed too. What lies below moves along and
        is not listed.
    described
        Nodes with another description.
    terminals
        Nodes at which labels may now end, or no more.
    recoded
        Nodes with another code.
    split, merged
        Links from nodes that became several, and to nodes that were several; a mapping tells them.
    """

    added: tuple[Path, ...] = ()
    removed: tuple[Path, ...] = ()
    renamed: tuple[Change, ...] = ()
    moved: tuple[Change, ...] = ()
    described: tuple[Change, ...] = ()
    terminals: tuple[Change, ...] = ()
    recoded: tuple[Change, ...] = ()
    split: tuple[Change, ...] = ()
    merged: tuple[Change, ...] = ()

    def __bool__(self) -> bool:
        return any(self.counts.values())

    @property
    def counts(self) -> dict[str, int]:
        """How many changes there are of each kind."""
        return {field.name: len(getattr(self, field.name)) for field in fields(self)}

    def rows(self, separator: str = DEFAULT_SEPARATOR) -> Iterator[tuple[str, str, str]]:
        """Give (what, before, after) for every change, ready for a table."""
        for path in self.removed:
            yield "removed", separator.join(path), ""
        for path in self.added:
            yield "added", "", separator.join(path)
        for what, changes in (("renamed", self.renamed), ("moved", self.moved)):
            for change in changes:
                yield what, separator.join(change.old), separator.join(change.new) + _in_brackets(change)
        for what, changes in (("split", self.split), ("merged", self.merged)):
            for change in changes:
                share = f" ({change.after})" if change.after else ""
                yield what, separator.join(change.old), separator.join(change.new) + share
        for what, changes in (("described", self.described), ("terminal", self.terminals), ("recoded", self.recoded)):
            for change in changes:
                yield (
                    what,
                    f"{separator.join(change.old)}: {change.before}",
                    f"{separator.join(change.new)}: {change.after}",
                )

    def to_dict(self) -> dict[str, Any]:
        """Give the changes as values that JSON can hold."""
        changes = {
            name: [
                {"old": list(change.old), "new": list(change.new), "before": change.before, "after": change.after}
                for change in getattr(self, name)
            ]
            for name in ("renamed", "moved", "described", "terminals", "recoded", "split", "merged")
        }
        return {
            "added": [list(path) for path in self.added],
            "removed": [list(path) for path in self.removed],
            **changes,
        }

    def to_text(self, separator: str = DEFAULT_SEPARATOR) -> str:
        """Give the changes as plain text, one line each."""
        lines = [
            f"{what}: {' -> '.join(side for side in (old, new) if side)}" for what, old, new in self.rows(separator)
        ]
        return "\n".join(lines) or "no differences"


def _in_brackets(change: Change) -> str:
    return f" (parents: {change.before} -> {change.after})" if change.before else ""


def diff_taxonomies(old: Taxonomy, new: Taxonomy, mapping: NodeMapping | None = None) -> Diff:
    """Give what happened to the nodes from ``old`` to ``new``; the order of siblings does not count.

    Nodes are the same that have the same code (where both versions have codes) or the same path. What is left over is
    taken as renamed where, below the same parent, most children or most letters of the name are the same; and as moved
    where its name occurs once in each version. Everything else is removed or added. A mapping, where there is one, says
    which node is which instead, and what was split and merged.

    Examples
    --------
    >>> old = Taxonomy.from_paths([("Games", "Sport"), ("Tools", "Maps")])
    >>> new = Taxonomy.from_paths([("Games", "Sports"), ("Travel", "Maps")])
    >>> print(diff_taxonomies(old, new).to_text())
    renamed: Tools -> Travel
    renamed: Games > Sport -> Games > Sports
    """
    if mapping is not None:
        return _mapped_diff(old, new, mapping)
    return diff_matched(old, new, match_nodes(old, new))


def _mapped_diff(old: Taxonomy, new: Taxonomy, mapping: NodeMapping) -> Diff:
    """Give the changes of nodes that are one before and after as ever, and beside them splits and merges."""
    alone = [link for link in mapping.links if len(mapping.links_of(link.old)) == len(mapping.sources(link.new)) == 1]
    found = diff_matched(old, new, {link.old: link.new for link in alone})
    split = [link for link in mapping.links if len(mapping.links_of(link.old)) > 1]
    merged = [link for link in mapping.links if len(mapping.sources(link.new)) > 1]
    return replace(
        found,
        added=tuple(new.path(node) for node in mapping.kinds["new"]),
        removed=tuple(old.path(node) for node in mapping.kinds["removed"]),
        split=tuple(Change(old.path(a), new.path(b), "", f"{share:.0%}") for a, b, share in split),
        merged=tuple(Change(old.path(a), new.path(b)) for a, b, _ in merged),
    )


def diff_matched(old: Taxonomy, new: Taxonomy, match: dict[int, int]) -> Diff:
    """Give what happened to the nodes where it is known which old node is which new one."""
    gone = [node for node in range(len(old)) if node not in match]
    kept = set(match.values())
    come = [node for node in range(len(new)) if node not in kept]
    renamed, moved = _places(old, new, match)
    return Diff(
        added=tuple(new.path(node) for node in come),
        removed=tuple(old.path(node) for node in gone),
        renamed=tuple(renamed),
        moved=tuple(moved),
        described=tuple(
            Change(old.path(a), new.path(b), old.descriptions[a] or "nothing", new.descriptions[b] or "nothing")
            for a, b in match.items()
            if old.descriptions[a] != new.descriptions[b]
        ),
        terminals=tuple(
            Change(old.path(a), new.path(b), _ends(old, a), _ends(new, b))
            for a, b in zip(*_different(match, old.is_terminal, new.is_terminal), strict=True)
        ),
        recoded=tuple(_recoded(old, new, match)),
    )


def _ends(taxonomy: Taxonomy, node: int) -> str:
    return "labels may end here" if taxonomy.is_terminal[node] else "labels end below"


def _recoded(old: Taxonomy, new: Taxonomy, match: dict[int, int]) -> Iterator[Change]:
    if not (has_own_codes(old) and has_own_codes(new)) or old.codes is None or new.codes is None:
        return
    for before, after in match.items():
        if old.codes[before] != new.codes[after]:
            yield Change(old.path(before), new.path(after), old.codes[before], new.codes[after])


def _places(old: Taxonomy, new: Taxonomy, match: dict[int, int]) -> tuple[list[Change], list[Change]]:
    """Give what was renamed and what was moved."""
    renamed, moved = [], []
    elsewhere = _elsewhere(old, new, match)
    for before, after in match.items():
        if before in elsewhere:
            moved.append(_moved(old, before, new, after))
        elif old.names[before] != new.names[after]:
            renamed.append(Change(old.path(before), new.path(after)))
    return renamed, moved


def _elsewhere(old: Taxonomy, new: Taxonomy, match: dict[int, int]) -> set[int]:
    """Give the matched old nodes that have other parents now."""
    to = np.full(len(old) + 1, _GONE, dtype=np.int64)
    to[list(match)], to[-1] = list(match.values()), _ROOT  # the last entry is that of the root, which stays
    likely, _ = _different(match, to[old.parent], new.parent)
    if not (old.is_tree and new.is_tree):
        several = np.flatnonzero(old.parents.counts > 1).tolist()
        likely = list({*likely, *several, *_different(match, old.parents.counts, new.parents.counts)[0]})
    return {
        before
        for before in likely
        if before in match
        and {match.get(parent, _GONE) for parent in old.parents.row(before).tolist()}
        != set(new.parents.row(match[before]).tolist())
    }


def _different(match: dict[int, int], olds: Numbers, news: Numbers) -> tuple[list[int], list[int]]:
    """Give the matched pairs, old ones and new ones, whose values differ."""
    before = np.fromiter(match, np.int64, len(match))
    after = np.fromiter(match.values(), np.int64, len(match))
    unlike = olds[before] != news[after]
    return before[unlike].tolist(), after[unlike].tolist()


def _moved(old: Taxonomy, before: int, new: Taxonomy, after: int) -> Change:
    if old.is_tree and new.is_tree:
        return Change(old.path(before), new.path(after))
    return Change(old.path(before), new.path(after), _parents(old, before), _parents(new, after))


def _parents(taxonomy: Taxonomy, node: int) -> str:
    return ", ".join(repr(taxonomy.names[parent]) for parent in taxonomy.parents.row(node).tolist()) or "the top level"
