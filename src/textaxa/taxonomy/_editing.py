"""`apply_edits`: what each edit does to a taxonomy, and what is not possible, with cause and cure.

Edits work one after the other on a `Bench`, where nodes and edges can be changed; in the end it becomes a `Taxonomy`.
"""

from collections.abc import Callable, Iterable
from typing import Any

from textaxa.errors import TaxonomyError
from textaxa.taxonomy._bench import Bench
from textaxa.taxonomy._draft import TOP
from textaxa.taxonomy._edited import Edited
from textaxa.taxonomy._edits import Add, Describe, Edit, Merge, Move, Part, Remove, Rename, SetTerminal, Split, told
from textaxa.taxonomy._taxonomy import Taxonomy


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
    bench = Bench.of(taxonomy)
    for number, edit in enumerate(listed, start=1):
        try:
            _DO[type(edit)](bench, edit)
        except TaxonomyError as error:
            if len(listed) == 1:
                raise
            raise TaxonomyError(f"Edit {number}: {error}") from error
    return bench.built(taxonomy)


def _add(bench: Bench, edit: Add) -> None:
    parent = bench.find(edit.path[:-1])
    bench.check_free(edit.path[-1], parent)
    bench.put(bench.new(edit.path[-1], [parent], edit.description, edit.code), parent, edit.position)


def _rename(bench: Bench, edit: Rename) -> None:
    node = bench.find(edit.path)
    for parent in bench.parents[node]:
        bench.check_free(edit.name, parent, [node])
    bench.names[node] = edit.name


def _describe(bench: Bench, edit: Describe) -> None:
    bench.descriptions[bench.find(edit.path)] = edit.description


def _set_terminal(bench: Bench, edit: SetTerminal) -> None:
    node = bench.find(edit.path)
    if not bench.children[node] and not edit.terminal:
        raise TaxonomyError(f"{told(edit.path)} has no children, and labels always may end at such a node. Add one.")
    bench.terminal[node] = edit.terminal


def _move(bench: Bench, edit: Move) -> None:
    node, to = bench.find(edit.path), bench.find(edit.to)
    before = bench.find(edit.path[:-1])
    if node in bench.above(to):
        raise TaxonomyError(
            f"{told(edit.path)} cannot go below {told(edit.to)}, which is itself or lies below it: nodes would go "
            "round in a circle. Choose another place, or move that one out first."
        )
    if to != before and to in bench.parents[node]:
        raise TaxonomyError(f"{told(edit.path)} lies below {told(edit.to)} already. Choose another place.")
    if to == TOP and len(bench.parents[node]) > 1:
        raise TaxonomyError(
            f"{told(edit.path)} has other parents, too, and a node of the top level has none. Move it below one of "
            "them first, or choose another place."
        )
    bench.check_free(bench.names[node], to, [node])
    bench.children[before].remove(node)
    # In its place among the parents: of equally deep ones the first is the canonical one.
    bench.parents[node] = [to if parent == before else parent for parent in bench.parents[node]]
    bench.put(node, to, edit.position)


def _merge(bench: Bench, edit: Merge) -> None:
    into = bench.find(edit.into)
    found = [bench.find(path) for path in edit.paths]
    nodes = [node for node in dict.fromkeys(found) if node != into]
    if not nodes:
        raise TaxonomyError(f"{told(edit.into)} would be merged into itself. Name another node to merge.")
    for node in nodes:
        if node in bench.names:  # merging children of one name may have taken it along
            _join(bench, node, into)


def _join(bench: Bench, node: int, into: int) -> None:
    """Make a node part of another."""
    if node in bench.above(into):
        raise TaxonomyError(
            f"{told(bench.path(node))} cannot become part of {told(bench.path(into))}, which lies below it. Merge "
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


def _hand_over(bench: Bench, child: int, node: int, into: int) -> None:
    """Put a child of a node below another, or make it part of the child of the same name there."""
    twin = next((one for one in bench.children[into] if bench.names[one] == bench.names[child]), None)
    if twin is not None and twin != child:
        _join(bench, child, twin)
        return
    bench.children[node].remove(child)
    if twin is None:
        bench.put(child, into)
    bench.swap_parent(child, node, [into])


def _split(bench: Bench, edit: Split) -> None:
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


def _new_part(bench: Bench, node: int, part: Part, parents: list[int], parts: int) -> int:
    new = bench.new(part.name, parents, part.description)
    bench.sources[new] = {old: share / parts for old, share in bench.sources[node].items()}
    return new


def _split_in_place(bench: Bench, node: int, edit: Split) -> None:
    if bench.children[node]:
        raise TaxonomyError(
            f"{told(edit.path)} has children, which would have no place. Split it to children, or move its children "
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


def _remove(bench: Bench, edit: Remove) -> None:
    node = bench.find(edit.path)
    if edit.children == "lift":
        _lift(bench, node)
    bench.detach(node)
    bench.parents[node] = []
    bench.forget(node)
    if not bench.names:
        raise TaxonomyError(
            f"Without {told(edit.path)} no node would be left, and a taxonomy needs one. Add another one first."
        )


def _lift(bench: Bench, node: int) -> None:
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


_DO: dict[type[Edit], Callable[[Bench, Any], None]] = {
    Add: _add,
    Rename: _rename,
    Describe: _describe,
    SetTerminal: _set_terminal,
    Move: _move,
    Merge: _merge,
    Split: _split,
    Remove: _remove,
}
