"""What edits do to a taxonomy: `apply_edits` gives the new taxonomy, and which node became which.

Edits work one after the other on a `_Bench`, nodes and edges that can be changed; in the end it becomes a `Taxonomy`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from textaxa._suggest import did_you_mean
from textaxa.errors import TaxonomyError
from textaxa.taxonomy._build import build
from textaxa.taxonomy._diff import Diff, diff_matched
from textaxa.taxonomy._draft import END, INNER, TOP, Draft
from textaxa.taxonomy._edits import Add, Describe, Edit, Merge, Move, Part, Remove, Rename, SetTerminal, Split
from textaxa.taxonomy._mapping import Link, NodeMapping
from textaxa.taxonomy._match import has_own_codes
from textaxa.taxonomy._paths import DEFAULT_SEPARATOR, Path
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


def apply_edits(taxonomy: Taxonomy, edits: Iterable[Edit]) -> Edited:
    """Give the taxonomy after edits, one after the other, and which node became which.

    Where the taxonomy has codes of its own, new nodes get one, too. Order of siblings is kept.

    Raises
    ------
    TaxonomyError
        An edit is not possible: its node is not there, a sibling has the name, a node would lie below itself, nothing
        would be left. The message says which edit, and what to do.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sport"), ("Games", "Cards"), ("Tools", "Maps")])
    >>> edited = apply_edits(taxonomy, [
    ...     Rename(("Games", "Sport"), "Sports"), Add(("Travel",)), Move(("Tools", "Maps"), ("Travel",)),
    ...     Remove(("Tools",)),
    ... ])
    >>> list(edited.taxonomy.nodes)
    [('Games',), ('Travel',), ('Games', 'Sports'), ('Games', 'Cards'), ('Travel', 'Maps')]
    >>> print(edited.diff.to_text())
    removed: Tools
    added: Travel
    renamed: Games > Sport -> Games > Sports
    moved: Tools > Maps -> Travel > Maps
    """
    listed = list(edits)
    bench = _Bench.of(taxonomy)
    for number, edit in enumerate(listed, start=1):
        try:
            _DO[type(edit)](bench, edit)
        except TaxonomyError as error:
            if len(listed) == 1:
                raise
            raise TaxonomyError(f"Edit {number}: {error}") from error
    return bench.built(taxonomy)


@dataclass(eq=False)
class _Bench:
    """Nodes and edges that can be changed. Nodes are keys: ids of the old taxonomy, and above them new ones."""

    names: dict[int, str]
    descriptions: dict[int, str]
    terminal: dict[int, bool]
    codes: dict[int, str] | None
    parents: dict[int, list[int]]
    children: dict[int, list[int]]
    sources: dict[int, dict[int, float]]
    next_key: int
    taken: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, taxonomy: Taxonomy) -> "_Bench":
        n = len(taxonomy)
        parents, children = taxonomy.parents, taxonomy.children
        codes = dict(enumerate(taxonomy.codes)) if taxonomy.codes is not None and has_own_codes(taxonomy) else None
        return cls(
            names=dict(enumerate(taxonomy.names)),
            descriptions=dict(enumerate(taxonomy.descriptions)),
            terminal=dict(enumerate(taxonomy.is_terminal.tolist())),
            codes=codes,
            parents={node: parents.row(node).tolist() or [TOP] for node in range(n)},
            children={TOP: taxonomy.level(1).tolist(), **{node: children.row(node).tolist() for node in range(n)}},
            sources={node: {node: 1.0} for node in range(n)},
            next_key=n,
            taken=set(codes.values()) if codes else set(),
        )

    # --- looking

    def find(self, path: Path) -> int:
        """Give the node at a path, by any of its ways; `TOP` for the empty one."""
        node = TOP
        for level, name in enumerate(path):
            below = {self.names[child]: child for child in self.children[node]}
            if name not in below:
                place = f"below {_told(path[:level])}" if level else "at the top level"
                raise TaxonomyError(
                    f"There is no node {name!r} {place} (for {_told(path)}).{did_you_mean(name, below)} "
                    "Paths are those after the edits before."
                )
            node = below[name]
        return node

    def path(self, node: int) -> Path:
        names: list[str] = []
        while node != TOP:
            names.append(self.names[node])
            node = self.parents[node][0]
        return tuple(reversed(names))

    def above(self, node: int) -> set[int]:
        """Give a node and everything above it."""
        found, waiting = set(), [node]
        while waiting:
            node = waiting.pop()
            if node not in found:
                found.add(node)
                waiting += self.parents.get(node, [])
        return found

    def check_free(self, name: str, parent: int, besides: Iterable[int] = ()) -> None:
        """Refuse a name that a sibling has."""
        others = set(besides)
        if any(self.names[child] == name and child not in others for child in self.children[parent]):
            place = f"below {_told(self.path(parent))}" if parent != TOP else "at the top level"
            raise TaxonomyError(
                f"There is a node {name!r} {place} already, and siblings cannot have the same name. Choose another "
                "name, or merge the two."
            )

    # --- changing

    def new(self, name: str, parents: Sequence[int], description: str = "", code: str | None = None) -> int:
        """Make a node that no parent lists yet."""
        node, self.next_key = self.next_key, self.next_key + 1
        self.names[node], self.descriptions[node], self.terminal[node] = name, description, True
        self.parents[node], self.children[node], self.sources[node] = list(parents), [], {}
        self._give_code(node, code)
        return node

    def _give_code(self, node: int, code: str | None) -> None:
        if self.codes is None:
            if code is not None:
                raise TaxonomyError(f"The code {code!r} is given, but this taxonomy has no codes. Leave it out.")
            return
        if code in self.taken:
            raise TaxonomyError(f"The code {code!r} is taken by another node. Choose another one, or leave it out.")
        number = node
        while code is None or code in self.taken:
            code, number = f"new-{number}", number + 1
        self.codes[node] = code
        self.taken.add(code)

    def put(self, node: int, parent: int, position: int | None = None) -> None:
        siblings = self.children[parent]
        siblings.insert(len(siblings) if position is None else position, node)

    def detach(self, node: int) -> None:
        """Take a node away from all its parents."""
        for parent in self.parents[node]:
            self.children[parent].remove(node)

    def forget(self, node: int) -> None:
        """Remove a detached node, and below it what has no other parent."""
        waiting = [node]
        while waiting:
            gone = waiting.pop()
            for child in self.children.pop(gone):
                self.parents[child].remove(gone)
                if not self.parents[child]:
                    waiting.append(child)
            for values in (self.names, self.descriptions, self.terminal, self.parents, self.sources):
                del values[gone]
            if self.codes is not None:
                self.taken.discard(self.codes.pop(gone))

    def swap_parent(self, node: int, old: int, new: Sequence[int]) -> None:
        """Replace one parent of a node by others; those that it has already are not added, nor is the top to others."""
        left = [parent for parent in self.parents[node] if parent != old]
        left += [parent for parent in new if parent not in left]
        self.parents[node] = [parent for parent in left if parent != TOP] or [TOP]

    # --- the end

    def built(self, old: Taxonomy) -> Edited:
        if not self.names:
            raise TaxonomyError("No node would be left. A taxonomy needs at least one; add one first.")
        order = self._order()
        taxonomy, keys = self._taxonomy(old, order)
        new_id = {key: node for node, key in enumerate(keys)}
        return Edited(
            old,
            taxonomy,
            tuple((key, new_id[key]) for key in range(len(old)) if key in new_id),
            tuple(tuple(sorted(self.sources[key].items())) for key in keys),
            tuple(keys),
        )

    def _order(self) -> list[int]:
        """Give the nodes so that siblings come as listed."""
        order: dict[int, None] = {}
        waiting = list(reversed(self.children[TOP]))
        while waiting:
            node = waiting.pop()
            if node not in order:
                order[node] = None
                waiting += reversed(self.children[node])
        return list(order)

    def _taxonomy(self, old: Taxonomy, order: list[int]) -> tuple[Taxonomy, list[int]]:
        """Give the taxonomy, and the key of every node in its order; keys travel as codes."""
        at = {key: place for place, key in enumerate(order)}
        draft = Draft(
            source="the edited taxonomy",
            names=[self.names[key] for key in order],
            descriptions={at[key]: self.descriptions[key] for key in order if self.descriptions[key]},
            terminal=[END if self.terminal[key] else INNER for key in order],
            codes=[str(key) for key in order],
        )
        for key in order:
            for parent in self.parents[key]:
                draft.children.append(at[key])
                draft.parents.append(at.get(parent, TOP))
        parts = build(draft)
        keys = [int(code) for code in parts.codes or ()]
        return Taxonomy(replace(parts, codes=self._codes(old, keys))), keys

    def _codes(self, old: Taxonomy, keys: list[int]) -> tuple[str, ...] | None:
        if self.codes is not None:
            return tuple(self.codes[key] for key in keys)
        return None if old.codes is None else tuple(str(number) for number in range(1, len(keys) + 1))


def _told(path: Path) -> str:
    return DEFAULT_SEPARATOR.join(path) or "the top level"


def _add(bench: _Bench, edit: Add) -> None:
    parent = bench.find(edit.path[:-1])
    bench.check_free(edit.path[-1], parent)
    bench.put(bench.new(edit.path[-1], [parent], edit.description, edit.code), parent, edit.position)


def _rename(bench: _Bench, edit: Rename) -> None:
    node = bench.find(edit.path)
    for parent in bench.parents[node]:
        bench.check_free(edit.name, parent, [node])
    bench.names[node] = edit.name


def _describe(bench: _Bench, edit: Describe) -> None:
    bench.descriptions[bench.find(edit.path)] = edit.description


def _set_terminal(bench: _Bench, edit: SetTerminal) -> None:
    node = bench.find(edit.path)
    if not bench.children[node] and not edit.terminal:
        raise TaxonomyError(f"{_told(edit.path)} has no children, and labels always may end at such a node. Add one.")
    bench.terminal[node] = edit.terminal


def _move(bench: _Bench, edit: Move) -> None:
    node, to = bench.find(edit.path), bench.find(edit.to)
    before = bench.find(edit.path[:-1])
    if node in bench.above(to):
        raise TaxonomyError(
            f"{_told(edit.path)} cannot go below {_told(edit.to)}, which is itself or lies below it: nodes would go "
            "round in a circle. Choose another place, or move that one out first."
        )
    if to != before and to in bench.parents[node]:
        raise TaxonomyError(f"{_told(edit.path)} lies below {_told(edit.to)} already. Choose another place.")
    if to == TOP and len(bench.parents[node]) > 1:
        raise TaxonomyError(
            f"{_told(edit.path)} has other parents, too, and a node of the top level has none. Move it below one of "
            "them first, or choose another place."
        )
    bench.check_free(bench.names[node], to, [node])
    bench.children[before].remove(node)
    # In its place among the parents: of equally deep ones the first is the canonical one.
    bench.parents[node] = [to if parent == before else parent for parent in bench.parents[node]]
    bench.put(node, to, edit.position)


def _merge(bench: _Bench, edit: Merge) -> None:
    into = bench.find(edit.into)
    found = [bench.find(path) for path in edit.paths]
    nodes = [node for node in dict.fromkeys(found) if node != into]
    if not nodes:
        raise TaxonomyError(f"{_told(edit.into)} would be merged into itself. Name another node to merge.")
    for node in nodes:
        if node in bench.names:  # merging children of one name may have taken it along
            _join(bench, node, into)


def _join(bench: _Bench, node: int, into: int) -> None:
    """Make a node part of another."""
    if node in bench.above(into):
        raise TaxonomyError(
            f"{_told(bench.path(node))} cannot become part of {_told(bench.path(into))}, which lies below it. Merge "
            "the other way round, or move that one out first."
        )
    bench.detach(node)
    bench.parents[node] = []
    for child in list(bench.children[node]):
        _hand_over(bench, child, node, into)
    for old, share in bench.sources[node].items():
        bench.sources[into][old] = min(1.0, bench.sources[into].get(old, 0.0) + share)
    bench.terminal[into] = bench.terminal[into] or bench.terminal[node]
    bench.forget(node)


def _hand_over(bench: _Bench, child: int, node: int, into: int) -> None:
    """Put a child of a node below another, or make it part of the child of the same name there."""
    twin = next((one for one in bench.children[into] if bench.names[one] == bench.names[child]), None)
    if twin is not None and twin != child:
        _join(bench, child, twin)
        return
    bench.children[node].remove(child)
    if twin is None:
        bench.put(child, into)
    bench.swap_parent(child, node, [into])


def _split(bench: _Bench, edit: Split) -> None:
    node = bench.find(edit.path)
    if edit.to == "children":
        for part in edit.into:
            bench.check_free(part.name, node)
        for part in edit.into:
            # They start anew: the node itself stays and keeps what it has learned.
            bench.put(bench.new(part.name, [node], part.description), node)
        bench.terminal[node] = False
        return
    _split_in_place(bench, node, edit)


def _new_part(bench: _Bench, node: int, part: Part, parents: list[int], parts: int) -> int:
    new = bench.new(part.name, parents, part.description)
    bench.sources[new] = {old: share / parts for old, share in bench.sources[node].items()}
    return new


def _split_in_place(bench: _Bench, node: int, edit: Split) -> None:
    if bench.children[node]:
        raise TaxonomyError(
            f"{_told(edit.path)} has children, which would have no place. Split it to children, or move its children "
            "first."
        )
    parents = list(bench.parents[node])
    for parent in parents:
        for part in edit.into:
            bench.check_free(part.name, parent, [node])
    new = [_new_part(bench, node, part, parents, len(edit.into)) for part in edit.into]
    for parent in parents:
        place = bench.children[parent].index(node)
        bench.children[parent][place : place + 1] = new
    bench.forget(node)


def _remove(bench: _Bench, edit: Remove) -> None:
    node = bench.find(edit.path)
    if edit.children == "lift":
        _lift(bench, node)
    bench.detach(node)
    bench.parents[node] = []
    bench.forget(node)
    if not bench.names:
        raise TaxonomyError(
            f"Without {_told(edit.path)} no node would be left, and a taxonomy needs one. Add another one first."
        )


def _lift(bench: _Bench, node: int) -> None:
    """Put the children of a node to where it is."""
    children, parents = list(bench.children[node]), list(bench.parents[node])
    for parent in parents:
        for child in children:
            bench.check_free(bench.names[child], parent, [node, child])
    for child in children:
        bench.swap_parent(child, node, parents)
    for parent in parents:
        place = bench.children[parent].index(node)
        lifted = [child for child in children if parent in bench.parents[child]]
        siblings = [one for one in bench.children[parent][:place] if one not in lifted]
        rest = [one for one in bench.children[parent][place:] if one not in lifted]
        bench.children[parent] = [*siblings, *lifted, *rest]
    bench.children[node] = []


_DO: dict[type[Edit], Callable[[_Bench, Any], None]] = {
    Add: _add,
    Rename: _rename,
    Describe: _describe,
    SetTerminal: _set_terminal,
    Move: _move,
    Merge: _merge,
    Split: _split,
    Remove: _remove,
}
