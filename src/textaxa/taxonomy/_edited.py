"""`Edited`: a taxonomy after edits, which node became which, and what changed."""

from dataclasses import dataclass
from functools import cached_property

from textaxa.taxonomy._diff import Diff, diff_matched
from textaxa.taxonomy._mapping import Link, NodeMapping
from textaxa.taxonomy._taxonomy import Taxonomy


@dataclass(frozen=True)
class Edited:
    """A taxonomy after edits.

    Attributes
    ----------
    old, taxonomy
        Before and after.
    same
        Nodes that are still themselves, whatever their name and place: (old id, new id), ascending.
    sources
        For every new node the old nodes whose texts it gets, with their shares (0 to 1]: itself, what was merged into
        it, what it is a part of. Empty for added nodes.
    keys
        A number for every new node that stays the same when edits are added: its old id, or one above all of those.
    """

    old: Taxonomy
    taxonomy: Taxonomy
    same: tuple[tuple[int, int], ...]
    sources: tuple[tuple[tuple[int, float], ...], ...]
    keys: tuple[int, ...]

    @cached_property
    def mapping(self) -> NodeMapping:
        """Which node became which, for a model that is migrated."""
        links = [Link(old, new, share) for new, olds in enumerate(self.sources) for old, share in olds]
        return NodeMapping(self.old, self.taxonomy, tuple(sorted(links)))

    @cached_property
    def diff(self) -> Diff:
        """What changed; exact, because the edits say which node is which."""
        return diff_matched(self.old, self.taxonomy, dict(self.same))

    @cached_property
    def changes(self) -> tuple[tuple[str, ...], ...]:
        """What happened to every new node: ``added``, ``split`` (a part), ``merged``, ``renamed``, ``moved``, …"""
        before = {new: old for old, new in self.same}
        told: list[list[str]] = [[] for _ in range(len(self.taxonomy))]
        for new, olds in enumerate(self.sources):
            if new not in before:
                told[new].append("split" if olds else "added")
            elif len(olds) > 1:
                told[new].append("merged")
        of = self.diff
        kinds = {"renamed": of.renamed, "moved": of.moved, "described": of.described, "terminal": of.terminals}
        for kind, changed in kinds.items():
            for change in changed:
                told[self.taxonomy.index(change.new)].append(kind)
        return tuple(map(tuple, told))
