"""What is odd about a taxonomy without being wrong: each search gives at most one finding.

In comes the graph of a draft, which may have faults; out come warnings and notes.
"""

import re
import unicodedata
from collections.abc import Iterator

import numpy as np

from textaxa._report import MAX_EXAMPLES, Finding, first_examples
from textaxa.taxonomy._build import Graph, numbered
from textaxa.taxonomy._csr import Int64
from textaxa.taxonomy._draft import END, TOP, in_row
from textaxa.taxonomy._paths import splits

_PATH_MARKS = (" > ", "::", "/", "|", ">", "\\", " - ", ";")
"""What paths are often written with."""

_MOSTLY = 0.8
"""Share of the names of a flat taxonomy with a mark above which they look like unsplit paths."""

_LONG_PATH = 8
"""Longer paths are shown with their middle left out."""

_ODD = re.compile(r"^\s|\s$|\s\s|[\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u202a-\u202e\u2060\ufeff\ufffd]")

_IN_A_LINE = 300
"""Names that are looked at together; fewer cost more calls, more are looked at again for one odd name among them."""


def oddities(graph: Graph, separator: str) -> Iterator[Finding]:
    """Give the warnings and notes about a graph."""
    places = Places(graph, separator)
    for search in (_alike_siblings, _separator_in_name, _unsplit_paths, _odd_characters, _only_children, _same_names):
        found = search(graph, places)
        if found is not None:
            yield found
    if repeats := graph.draft.repeats:
        message = f"Rows say again what an earlier row said ({len(repeats)})."
        yield Finding(
            "repeated-row",
            "note",
            message,
            len(repeats),
            first_examples(f"row {row}" for row in repeats),
            "No harm is done.",
        )


class Places:
    """How a report calls nodes: by their path, and row where known."""

    def __init__(self, graph: Graph, separator: str) -> None:
        self.separator = separator
        self._draft = graph.draft
        self._parent = np.full(graph.n, TOP, dtype=np.int64)
        # Written backwards, so that the first listed parent stays.
        self._parent[graph.child[::-1]] = graph.parent[::-1]

    def path(self, node: int) -> str:
        """Give the path of a node through first listed parents (cut where they go round in a circle)."""
        names, seen = [], set()
        at = node
        while at != TOP and at not in seen:
            seen.add(at)
            names.append(self._draft.names[at])
            at = int(self._parent[at])
        if len(names) > _LONG_PATH:
            names[3:-3] = ["…"]
        return self.separator.join(reversed(names)) + in_row(self._draft.row(node))


def _normal(name: str) -> str:
    """A name without what a reader overlooks: case, spaces, Unicode form, width, invisible characters."""
    if name.isascii():
        return "".join(name.lower().split())
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(folded.translate(_INVISIBLE).split())


_INVISIBLE = dict.fromkeys([0xAD, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF])


def _alike_siblings(graph: Graph, places: Places) -> Finding | None:
    names = graph.draft.names
    exact = graph.name_ids
    normal_of = {name: _normal(name) for name in dict.fromkeys(names)}
    normal = numbered([normal_of[name] for name in names])
    key = (graph.parent + 1) * (int(normal.max(initial=0)) + 1) + normal[graph.child]
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(key[order]) != 0]) if len(order) else np.empty(0, np.int64)
    groups = []
    for group in _several(order, starts):
        nodes = graph.child[group].tolist()
        # Names that are quite the same are an error, told elsewhere.
        different: dict[int, int] = {}
        for node in nodes:
            different.setdefault(int(exact[node]), node)
        if len(different) > 1:
            groups.append(list(different.values()))
    if not groups:
        return None
    shown = (" and ".join(f"{places.path(node)!r}" for node in nodes) for nodes in groups)
    message = f"Siblings differ only in case, spaces or the form of their characters ({len(groups)})."
    advice = "Merge them if they are the same; texts are split between them now."
    return Finding("alike-siblings", "warning", message, len(groups), first_examples(shown), advice)


def _several(order: Int64, starts: Int64) -> Iterator[Int64]:
    """The groups of more than one, without a look at each of a million groups of one."""
    ends = np.append(starts[1:], len(order))
    for group in np.flatnonzero(ends - starts > 1).tolist():
        yield order[starts[group] : ends[group]]


def _separator_in_name(graph: Graph, places: Places) -> Finding | None:
    # What splits a name is in it, but for spaces at the ends; "in" alone is several times quicker than `splits`.
    sure = places.separator.strip()
    names = enumerate(graph.draft.names)
    found = [node for node, name in names if sure in name and splits(name, places.separator)]
    if not found:
        return None
    message = f"Names contain the separator {places.separator!r} ({len(found)})."
    advice = "Rename them or choose another separator: a path with them cannot be written in one line and read back."
    return Finding("separator-in-name", "warning", message, len(found), first_examples(map(places.path, found)), advice)


def _unsplit_paths(graph: Graph, places: Places) -> Finding | None:
    names = graph.draft.names
    if graph.depth.max(initial=0) != 1 or len(names) < 2:
        return None
    for mark in _PATH_MARKS:
        found = [node for node, name in enumerate(names) if mark in name.strip()]
        if len(found) >= _MOSTLY * len(names):
            message = f"There is one level only, and {len(found)} of {len(names)} names contain {mark!r}."
            advice = f"If these are paths, name the separator: separator={mark!r}."
            return Finding(
                "unsplit-paths", "warning", message, len(found), first_examples(map(places.path, found)), advice
            )
    return None


def _odd_characters(graph: Graph, _: Places) -> Finding | None:
    found = list(_with_odd_characters(graph.draft.names))
    if not found:
        return None
    message = f"Names have outer or doubled spaces, control or invisible characters ({len(found)})."
    shown = (f"{graph.draft.names[node]!a}{in_row(graph.draft.row(node))}" for node in found)
    advice = "Clean them: labels must match to the letter."
    return Finding("odd-characters", "warning", message, len(found), first_examples(shown), advice)


def _with_odd_characters(names: list[str]) -> Iterator[int]:
    """Search names one by one only among the few hundred that, written in one line, are not all fine."""
    for start in range(0, len(names), _IN_A_LINE):
        some = names[start : start + _IN_A_LINE]
        line = f"|{'|'.join(some)}|"
        if line.isprintable() and not any(mark in line for mark in ("  ", "| ", " |", "\ufffd")):
            continue
        yield from (start + at for at, name in enumerate(some) if _ODD.search(name))


def _only_children(graph: Graph, places: Places) -> Finding | None:
    ends = np.asarray(graph.draft.terminal, dtype=np.int64) == END
    found = np.flatnonzero((graph.kids.counts == 1) & ~ends & (graph.depth > 0)).tolist()
    if not found:
        return None
    message = f"Nodes have a single child, and no label ends at them ({len(found)})."
    advice = "Such a level decides nothing. Merge the two, unless siblings are to come."
    return Finding("only-child", "warning", message, len(found), first_examples(map(places.path, found)), advice)


def _same_names(graph: Graph, places: Places) -> Finding | None:
    number = graph.name_ids
    order = np.argsort(number, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(number[order]) != 0]) if len(order) else np.empty(0, np.int64)
    sizes = np.diff(np.append(starts, len(order)))
    several = np.flatnonzero(sizes > 1)
    if not several.size:
        return None
    shown = []
    for group in several[:MAX_EXAMPLES].tolist():
        nodes = order[starts[group] : starts[group] + min(int(sizes[group]), 3)].tolist()
        more = f" and {int(sizes[group]) - 3} more" if sizes[group] > 3 else ""
        shown.append(f"{', '.join(map(places.path, nodes))}{more}")
    message = f"Names stand in several places ({several.size})."
    advice = "That is fine: nodes are known by their whole path."
    return Finding("same-name", "note", message, int(several.size), tuple(shown), advice)
