"""Which node of one version of a taxonomy is which node of the other.

By code where both have codes, by path, and then by the likeness of what is left over below the same parents.
"""

import difflib
from collections import Counter
from collections.abc import Collection

import numpy as np

from textaxa.taxonomy._taxonomy import Taxonomy

_ALIKE = 0.6
"""Share of letters that two names have in common from which one may be the other renamed; difflib's own choice."""

_SAME_CHILDREN = 0.5
"""Share of children (common ones among all) from which two nodes may be the same renamed."""

_MAX_LEFT = 100
"""Left-over siblings that are compared with each other; each with each takes time."""

_ROOT = -1


def match_nodes(
    old: Taxonomy,
    new: Taxonomy,
    *,
    settled: Collection[int] = (),
    targets: Collection[int] = (),
    fresh: Collection[int] = (),
) -> dict[int, int]:
    """Give the new node of every old one that is still there, ascending by old node.

    Of a map that a person wrote: ``settled`` old nodes are matched by nobody else, ``targets`` are not guessed to be
    something renamed or moved (by code or path they may still be what they were), ``fresh`` new nodes match nothing.
    """
    matcher = _Matcher(old, new)
    matcher.settled, matcher.taken = set(settled), set(fresh)
    matcher.by_code()
    matcher.by_path()
    matcher.taken |= set(targets)
    matcher.below(matcher.open_pairs())
    matcher.by_unique_name()
    return dict(sorted(matcher.match.items()))


def has_own_codes(taxonomy: Taxonomy) -> bool:
    """Whether a taxonomy has codes that mean something; writers number nodes from 1 where there are none."""
    codes = taxonomy.codes
    return codes is not None and any(code != str(number) for number, code in enumerate(codes, start=1))


class _Matcher:
    def __init__(self, old: Taxonomy, new: Taxonomy) -> None:
        self.old, self.new = old, new
        self.match: dict[int, int] = {}
        self.taken: set[int] = set()
        self.settled: set[int] = set()

    def _pair(self, before: int, after: int) -> bool:
        """Match two nodes if neither is matched yet."""
        if before in self.match or before in self.settled or after in self.taken:
            return False
        self.match[before] = after
        self.taken.add(after)
        return True

    def by_code(self) -> None:
        """Match what has the same code."""
        if (
            self.old.codes is None
            or self.new.codes is None
            or not (has_own_codes(self.old) and has_own_codes(self.new))
        ):
            return
        nodes = {code: node for node, code in enumerate(self.new.codes)}
        for before, code in enumerate(self.old.codes):
            if code in nodes:
                self._pair(before, nodes[code])

    def by_path(self) -> None:
        """Match what has the same canonical path."""
        left = [node for node in range(len(self.old)) if node not in self.match]
        # Paths of all nodes in a row are cheaper than as many single ones.
        paths = self.old.nodes if len(left) == len(self.old) else map(self.old.path, left)
        for before, path in zip(left, paths, strict=True):
            after = self.new.find(path)
            if after is not None:
                self._pair(before, after)

    def open_pairs(self) -> list[tuple[int, int]]:
        """Give the matched pairs, the root among them, below which something is left over on both sides."""
        olds = _parents_of(self.old, [node for node in range(len(self.old)) if node not in self.match])
        news = _parents_of(self.new, [node for node in range(len(self.new)) if node not in self.taken])
        pairs = [(_ROOT, _ROOT), *self.match.items()]
        return [(before, after) for before, after in pairs if before in olds and after in news]

    def below(self, pairs: list[tuple[int, int]]) -> None:
        """Match what is left over below matched parents: by name, by children, by likeness of names."""
        while pairs:
            before, after = pairs.pop()
            olds = [node for node in _below(self.old, before) if node not in self.match]
            news = [node for node in _below(self.new, after) if node not in self.taken]
            if olds and news:
                pairs.extend(self._siblings(olds, news))

    def _siblings(self, olds: list[int], news: list[int]) -> list[tuple[int, int]]:
        by_name = {self.new.names[node]: node for node in news}
        named = [(node, by_name[self.old.names[node]]) for node in olds if self.old.names[node] in by_name]
        found = [pair for pair in named if self._pair(*pair)]
        olds = [node for node in olds if node not in self.match]
        news = [node for node in news if node not in self.taken]
        if len(olds) <= _MAX_LEFT and len(news) <= _MAX_LEFT:
            likely = sorted((-self._likeness(a, b), a, b) for a in olds for b in news)
            found += [(a, b) for likeness, a, b in likely if likeness < 0 and self._pair(a, b)]
        return found

    def _likeness(self, before: int, after: int) -> float:
        """Give how likely two nodes below the same parent are one renamed, 0 for no reason to think so."""
        mine = {self.old.names[node] for node in self.old.children.row(before).tolist()}
        theirs = {self.new.names[node] for node in self.new.children.row(after).tolist()}
        shared = len(mine & theirs) / len(mine | theirs) if mine | theirs else 0.0
        names = difflib.SequenceMatcher(
            None, self.old.names[before].casefold(), self.new.names[after].casefold()
        ).ratio()
        return (shared if shared >= _SAME_CHILDREN else 0.0) + (names if names >= _ALIKE else 0.0)

    def by_unique_name(self) -> None:
        """Match, as moved, what has a name that occurs once in each version; and then what lies below."""
        once = {name for name, count in Counter(self.old.names).items() if count == 1}
        nodes: dict[str, int | None] = {}
        for node, name in enumerate(self.new.names):
            if name in once:
                nodes[name] = None if name in nodes else node
        for before, name in enumerate(self.old.names):
            after = nodes.get(name)
            if after is not None and self._pair(before, after):
                self.below([(before, after)])


def _parents_of(taxonomy: Taxonomy, nodes: list[int]) -> set[int]:
    """Give all parents of some nodes, ascending; that of the top level, whose nodes come first, is the root."""
    above: set[int] = set(taxonomy.parents.rows(np.asarray(nodes, dtype=np.int64)).tolist())
    return above | {_ROOT} if nodes and taxonomy.parent[nodes[0]] == _ROOT else above


def _below(taxonomy: Taxonomy, node: int) -> list[int]:
    children: list[int] = (taxonomy.level(1) if node == _ROOT else taxonomy.children.row(node)).tolist()
    return children
