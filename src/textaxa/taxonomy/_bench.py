"""`Bench`: the nodes and edges of a taxonomy while edits change them; in the end it becomes an `Edited`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from textaxa._suggest import did_you_mean
from textaxa.errors import TaxonomyError
from textaxa.taxonomy._build import build
from textaxa.taxonomy._draft import END, INNER, TOP, Draft
from textaxa.taxonomy._edited import Edited
from textaxa.taxonomy._edits import told
from textaxa.taxonomy._match import has_own_codes
from textaxa.taxonomy._paths import Path
from textaxa.taxonomy._taxonomy import Taxonomy


@dataclass(eq=False)
class Bench:
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
    def of(cls, taxonomy: Taxonomy) -> "Bench":
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
                place = f"below {told(path[:level])}" if level else "at the top level"
                raise TaxonomyError(
                    f"There is no node {name!r} {place} (for {told(path)}).{did_you_mean(name, below)} "
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
            place = f"below {told(self.path(parent))}" if parent != TOP else "at the top level"
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
