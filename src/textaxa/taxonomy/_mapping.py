"""`NodeMapping`: which nodes of an old taxonomy became which nodes of a new one, many to many.

Two taxonomies and, where there is one, what a person says about some nodes come in; links from old nodes to new ones,
each with its share of the old node's texts, go out. Nodes that nobody spoke of are matched as `diff_taxonomies` does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from textaxa.errors import TaxonomyError
from textaxa.taxonomy._match import match_nodes
from textaxa.taxonomy._paths import Path, format_path
from textaxa.taxonomy._taxonomy import Taxonomy

NOBODY = -1
"""In a link that a person gave: no old node (the new one is new), or no new node (the old one is gone)."""

ROUNDING = 0.01
"""By how much the shares of an old node may miss 1: tables write 0.33 three times."""

KINDS = ("kept", "renamed", "moved", "merged", "split", "new", "removed")
"""What may become of a node."""


class Link(NamedTuple):
    """Texts of an old node that belong under a new one.

    Attributes
    ----------
    old, new
        Node ids; `NOBODY` (-1) for a node that is new, or gone.
    share
        Share of the old node's texts, in (0, 1].
    """

    old: int
    new: int
    share: float = 1.0


Given = Link | tuple[Path, Path] | tuple[Path, Path, float]


@dataclass(frozen=True, eq=False)
class NodeMapping:
    """Links between the nodes of two taxonomies. Made by `map_nodes` or `read_mapping`.

    Attributes
    ----------
    old, new
        The taxonomies.
    links
        Ascending by old node, then new node. An old node without a link is gone, a new one without is new.

    Examples
    --------
    >>> old = Taxonomy.from_paths([("Games", "Cards"), ("Games", "Boards"), ("Tools",)])
    >>> new = Taxonomy.from_paths([("Games", "Cards & boards"), ("Tools",), ("Travel",)])
    >>> mapping = map_nodes(old, new, [(("Games", "Cards"), ("Games", "Cards & boards")),
    ...                                (("Games", "Boards"), ("Games", "Cards & boards"))])
    >>> {kind: len(nodes) for kind, nodes in mapping.kinds.items() if nodes}
    {'kept': 2, 'merged': 1, 'new': 1}
    """

    old: Taxonomy
    new: Taxonomy
    links: tuple[Link, ...]

    def __post_init__(self) -> None:
        for link in self.links:
            if not (0 <= link.old < len(self.old) and 0 <= link.new < len(self.new) and 0 < link.share <= 1):
                raise TaxonomyError(
                    f"{link} does not fit taxonomies of {len(self.old)} and {len(self.new)} nodes. Links are node ids "
                    "with a share above 0 and at most 1: map_nodes makes them of paths."
                )

    @cached_property
    def _of_old(self) -> list[list[Link]]:
        found: list[list[Link]] = [[] for _ in range(len(self.old))]
        for link in self.links:
            found[link.old].append(link)
        return found

    @cached_property
    def _of_new(self) -> list[list[Link]]:
        found: list[list[Link]] = [[] for _ in range(len(self.new))]
        for link in self.links:
            found[link.new].append(link)
        return found

    def links_of(self, old: int) -> Sequence[Link]:
        """Give the links of an old node; none where it is gone."""
        return self._of_old[old]

    def sources(self, new: int) -> Sequence[Link]:
        """Give the links to a new node; none where it is new."""
        return self._of_new[new]

    @cached_property
    def heirs(self) -> tuple[int, ...]:
        """The new node that gets the texts of every old one, the likeliest of several; of a removed one its parent's.

        -1 where nothing above a removed node is left.
        """
        found: list[int] = []
        for node in range(len(self.old)):  # parents come before children
            links = self._of_old[node]
            above = int(self.old.parent[node])
            found.append(max(links, key=lambda link: link.share).new if links else found[above] if above >= 0 else -1)
        return tuple(found)

    @cached_property
    def is_identity(self) -> bool:
        """Whether every node is one node of the other taxonomy, and nothing but names, codes and order changed."""
        return not any(self.kinds[kind] for kind in ("moved", "merged", "split", "new", "removed"))

    @cached_property
    def kinds(self) -> dict[str, tuple[int, ...]]:
        """What became of the nodes: new node ids by kind, but for ``split`` and ``removed``, which list old ones."""
        found: dict[str, list[int]] = {kind: [] for kind in KINDS}
        found["removed"] = [node for node in range(len(self.old)) if not self._of_old[node]]
        found["split"] = [node for node in range(len(self.old)) if len(self._of_old[node]) > 1]
        for node in range(len(self.new)):
            links = self._of_new[node]
            if not links:
                found["new"].append(node)
            elif len(links) > 1:
                found["merged"].append(node)
            elif len(self._of_old[links[0].old]) == 1:
                found[self._alone(links[0])].append(node)
        return {kind: tuple(nodes) for kind, nodes in found.items()}

    @property
    def counts(self) -> dict[str, int]:
        """How many nodes there are of each kind."""
        return {kind: len(nodes) for kind, nodes in self.kinds.items()}

    def _alone(self, link: Link) -> str:
        """Tell what became of a node that is one node before and after."""
        if self._parents_before(link.old) != set(self.new.parents.row(link.new).tolist()):
            return "moved"
        return "kept" if self.old.names[link.old] == self.new.names[link.new] else "renamed"

    def _parents_before(self, old: int) -> set[int]:
        """Give what the parents of an old node are now; one that is no single node any more counts as -2."""
        links = [self._of_old[parent] for parent in self.old.parents.row(old).tolist()]
        return {one[0].new if len(one) == 1 else -2 for one in links}


def map_nodes(old: Taxonomy, new: Taxonomy, links: Iterable[Given] = ()) -> NodeMapping:
    """Give the mapping of two taxonomies.

    Parameters
    ----------
    old, new
        The taxonomies.
    links
        What is known: `Link` of node ids, or ``(old path, new path)`` with a share behind. An old node without a new
        one (``Link(node, -1)``) is gone, and the other way round new. What is listed replaces any guess about the old
        node; all others are matched by code, path, place and name, as in `diff_taxonomies`.

    Raises
    ------
    TaxonomyError
        An unknown path; shares of a node that do not sum to 1; a link given twice; a branch turned upside down.
    """
    given = [_as_link(old, new, one) for one in links]
    faults = [fault for _, fault in mapping_faults(old, new, given)]
    if faults:
        raise TaxonomyError(" ".join(faults[:10]))
    return _mapped(old, new, given)


def _mapped(old: Taxonomy, new: Taxonomy, given: Sequence[Link]) -> NodeMapping:
    settled = {link.old for link in given if link.old >= 0}
    fresh = {link.new for link in given if link.old < 0}
    targets = {link.new for link in given if link.new >= 0}
    matched = match_nodes(old, new, settled=settled, targets=targets, fresh=fresh)
    known = [link for link in given if link.old >= 0 and link.new >= 0]
    return NodeMapping(old, new, tuple(sorted([*known, *(Link(a, b) for a, b in matched.items())])))


def _as_link(old: Taxonomy, new: Taxonomy, given: Given) -> Link:
    if isinstance(given, Link):
        return given
    before, after, *share = given
    return Link(
        old.index(before) if before else NOBODY, new.index(after) if after else NOBODY, *(float(s) for s in share)
    )


def mapping_faults(old: Taxonomy, new: Taxonomy, given: Sequence[Link]) -> list[tuple[int, str]]:
    """Give what is wrong with links that a person gave: which of them (its position), and what to say."""
    faults: list[tuple[int, str]] = []
    seen: dict[tuple[int, int], int] = {}
    shares: dict[int, list[int]] = {}
    for at, link in enumerate(given):
        if (link.old, link.new) in seen:
            faults.append((at, f"{_name(old, link.old)} to {_name(new, link.new)} is listed twice."))
        seen[link.old, link.new] = at
        if not 0 < link.share <= 1:
            faults.append((at, f"The share {link.share:g} of {_name(old, link.old)} is not above 0 and at most 1."))
        if link.old >= 0:
            shares.setdefault(link.old, []).append(at)
    for node, rows in shares.items():
        total = sum(given[at].share for at in rows)
        if abs(total - 1) > ROUNDING:
            faults.append((rows[-1], f"The shares of {_name(old, node)} sum to {total:.3g}, not to 1."))
    return faults + _upside_down(old, new, given)


def _upside_down(old: Taxonomy, new: Taxonomy, given: Sequence[Link]) -> list[tuple[int, str]]:
    """Find links that put a node below what used to lie below it: the branch would go round in a circle."""
    first = {link.old: (at, link.new) for at, link in enumerate(given) if link.old >= 0 and link.new >= 0}
    faults = []
    for node, (at, after) in first.items():
        above = set(old.ancestors.row(node).tolist()) & first.keys() - {node}
        for ancestor in sorted(above):
            place = first[ancestor][1]
            if place != after and after in new.ancestors.row(place).tolist():
                faults.append(
                    (at, f"{_name(old, ancestor)} lay above {_name(old, node)}, but the map turns them upside down.")
                )
    return faults


def _name(taxonomy: Taxonomy, node: int) -> str:
    return repr(format_path(taxonomy.path(node), " > ")) if node >= 0 else "nothing"
