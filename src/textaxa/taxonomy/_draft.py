"""A taxonomy as it was read, before anything is known to be right: nodes, edges, and the faults met on the way.

Every way in (paths, records, files, a stored dictionary) makes a `Draft`; `textaxa.taxonomy._build` makes the arrays of
a `Taxonomy` of it, or refuses with all its faults at once; `check_taxonomy` makes a `Report` of the same faults.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from textaxa.errors import TaxonomyError
from textaxa.taxonomy._faults import KINDS, Fault
from textaxa.taxonomy._paths import Path, as_path

TOP = -1
"""The parent of a node at the top level."""

MAX_SHOWN = 10
"""An error shows so many faults of a file, and the total."""

UNKNOWN, INNER, END = -1, 0, 1
"""Whether labels may end at a node: not said (then only at leaves), no, yes."""


class NodeRecord(NamedTuple):
    """One node of a taxonomy as a file gives it. (A tuple, because a million of them must be cheap.)

    Attributes
    ----------
    code
        What other records call this node.
    parents
        Codes of its parents; empty at the top level; several make the taxonomy a DAG.
    name
        What stands in paths.
    description
        What belongs here, for people and for heads that read it.
    terminal
        Whether a label may end here. None: only if the node turns out a leaf. A leaf always is a terminal.
    row
        Where it stood in the file, for messages.
    """

    code: str
    parents: tuple[str, ...]
    name: str
    description: str = ""
    terminal: bool | None = None
    row: int | None = None


@dataclass(eq=False)
class Draft:
    """Nodes and edges as read. Node ids are positions in ``names``."""

    source: str = "the taxonomy"
    names: list[str] = field(default_factory=list)
    children: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    """Edges are pairs (child, parent) in listed order; the parent of a top-level node is `TOP`. A node whose parents
    are unknown has no edge, and a fault."""
    descriptions: dict[int, str] = field(default_factory=dict)
    terminal: list[int] = field(default_factory=list)
    codes: list[str] | None = None
    rows: list[int | None] | None = None
    faults: list[Fault] = field(default_factory=list)
    repeats: list[int | None] = field(default_factory=list)
    """Rows that say again what an earlier row said; no fault, but worth a note."""

    def add(self, name: str, parent: int, *, terminal: int = UNKNOWN, row: int | None = None) -> int:
        """Add a node below ``parent`` (or `TOP`) and give its id."""
        node = len(self.names)
        self.names.append(name)
        self.terminal.append(terminal)
        self.children.append(node)
        self.parents.append(parent)
        if self.rows is not None:
            self.rows.append(row)
        return node

    def fault(self, kind: str, message: str, row: int | None = None) -> None:
        """Note a fault."""
        self.faults.append(Fault(kind, message, row))

    def row(self, node: int) -> int | None:
        """The row of a node in its file, where known."""
        return self.rows[node] if self.rows is not None else None

    def label(self, node: int) -> str:
        """How messages call a node: name, code and row, as far as known."""
        code = f" (code {self.codes[node]!r})" if self.codes is not None else ""
        return f"{self.names[node]!r}{code}{in_row(self.row(node))}"

    def refuse(self, faults: Iterable[Fault] = ()) -> None:
        """Raise one `TaxonomyError` with the faults, or return where there are none."""
        found = [*self.faults, *faults]
        if not found:
            return
        if len(found) == 1:
            raise TaxonomyError(f"{self.source}: {found[0].message} {KINDS[found[0].kind].cure}")
        shown = "\n".join(f"- {fault.message}" for fault in found[:MAX_SHOWN])
        first = f" The first {MAX_SHOWN}:" if len(found) > MAX_SHOWN else ""
        kinds = dict.fromkeys(fault.kind for fault in found[:MAX_SHOWN])
        cures = " ".join(KINDS[kind].cure for kind in kinds)
        raise TaxonomyError(f"{self.source} has {len(found)} faults.{first}\n{shown}\n{cures}")


def in_row(row: int | None) -> str:
    """Give ``' in row 7'``, or nothing where the row is not known."""
    return f" in row {row}" if row is not None else ""


class Trie:
    """Adds whole paths to a draft; every prefix becomes a node, once."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self._nodes: dict[tuple[int, str], int] = {}

    def add(self, path: Path, row: int | None = None) -> int:
        """Give the node of ``path``, made where it is new."""
        node = TOP
        for name in path:
            key = (node, name)
            found = self._nodes.get(key)
            if found is None:
                found = self._nodes[key] = self.draft.add(name, node, row=row)
            node = found
        return node

    def find(self, path: Path) -> int | None:
        """Give the node of ``path``, or None."""
        node: int | None = TOP
        for name in path:
            node = self._nodes.get((node, name)) if node is not None else None
        return node


def draft_paths(paths: Iterable[Path], descriptions: Mapping[Path, str] | None, *, terminal: int) -> Draft:
    """Draft a tree from its paths; ``terminal`` is what is said of the end of every path."""
    draft = Draft()
    trie = Trie(draft)
    if isinstance(paths, str):
        as_path(paths)
    for path in paths:
        draft.terminal[trie.add(as_path(path))] = terminal
    for path, description in (descriptions or {}).items():
        node = trie.find(as_path(path))
        if node is None:
            draft.fault("unknown-path", f"A description is given for {path!r}, which is not among the paths.")
        elif description:
            draft.descriptions[node] = description
    return draft


def draft_records(records: Iterable[NodeRecord], *, source: str = "the taxonomy") -> Draft:
    """Draft a tree or DAG from its records, whose order is free: a parent may come after its children."""
    draft = Draft(source=source, codes=[], rows=[])
    known = list(records)
    nodes: dict[str, int] = {}
    listed = [record for record in known if _register(draft, record, nodes)]
    for node, record in enumerate(listed):
        _link(draft, node, record, nodes)
    return draft


def _register(draft: Draft, record: NodeRecord, nodes: dict[str, int]) -> bool:
    if wrong := _wrong_types(record):
        row = getattr(record, "row", None)  # what is no record has none
        draft.fault("wrong-type", f"{wrong}{in_row(row)}.", row)
        return False
    first = nodes.setdefault(record.code, len(draft.names))
    if first != len(draft.names):
        message = f"The code {record.code!r}{in_row(record.row)} is taken by {draft.label(first)}."
        draft.fault("duplicate-code", message, record.row)
        return False
    draft.names.append(record.name)
    draft.terminal.append(UNKNOWN if record.terminal is None else int(record.terminal))
    if draft.codes is not None:
        draft.codes.append(record.code)
    if draft.rows is not None:
        draft.rows.append(record.row)
    if record.description:
        draft.descriptions[first] = record.description
    return True


def _link(draft: Draft, node: int, record: NodeRecord, nodes: dict[str, int]) -> None:
    if not record.parents:
        draft.children.append(node)
        draft.parents.append(TOP)
    for code in record.parents:
        parent = nodes.get(code)
        if parent is None:
            message = f"{draft.label(node)} names the parent {code!r}, which is not in the taxonomy."
            draft.fault("orphan", message, record.row)
            continue
        draft.children.append(node)
        draft.parents.append(parent)


def _wrong_types(record: NodeRecord) -> str | None:
    if type(record) is NodeRecord and type(record.code) is type(record.name) is type(record.description) is str:
        return _wrong_rest(record)
    if not isinstance(record, NodeRecord):
        return f"{record!r} is not a NodeRecord"
    for field_name in ("code", "name", "description"):
        value = getattr(record, field_name)
        if not isinstance(value, str):
            return f"The {field_name} {value!r} is {type(value).__name__}, not text,"
    return _wrong_rest(record)


def _wrong_rest(record: NodeRecord) -> str | None:
    if not isinstance(record.parents, tuple | list):
        return f"The parents {record.parents!r} of {record.name!r} are not a tuple of codes"
    if not record.code.strip():
        return f"The code of {record.name!r} is blank"
    return None
