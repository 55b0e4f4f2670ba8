"""``codes``: a CSV with ``code,parent,name[,description][,terminal]``, one row a node, as statistics offices publish.

An empty parent is the top level. A node with several parents has a row for each (a DAG). Keeps everything.
"""

from collections.abc import Iterator
from operator import itemgetter
from typing import IO, NamedTuple

from textaxa.taxonomy._draft import TOP, UNKNOWN, Draft, NodeRecord, draft_records
from textaxa.taxonomy._formats._format import Options, as_terminal, refuse_outer_spaces, says_terminal
from textaxa.taxonomy._formats._table import Table, write_rows
from textaxa.taxonomy._taxonomy import Taxonomy

ROLES = ("code", "parent", "name", "description", "terminal")


class _Columns(NamedTuple):
    """The rows of a codes file, column by column; a million short lists would cost more than the reading itself."""

    rows: list[int]
    codes: list[str]
    parents: list[str]
    names: list[str]
    descriptions: list[str]
    terminals: list[str]


def read(text: str, options: Options) -> Draft:
    """Draft the taxonomy of a codes file."""
    faults = Draft()
    columns = _columns(Table(text, options), faults, options)
    return _of_tree(columns, faults, options) or _of_records(columns, faults, options)


def _columns(table: Table, faults: Draft, options: Options) -> _Columns:
    *needed, at_description, at_terminal = table.roles(ROLES, options.columns, needed=3)
    three = itemgetter(*needed)
    found = _Columns([], [], [], [], [], [])
    for row, cells in table.rows(faults):
        code, parent, name = three(cells)
        found.rows.append(row)
        found.codes.append(code)
        found.parents.append(parent)
        found.names.append(name)
        if at_description is not None:
            found.descriptions.append(cells[at_description])
        if at_terminal is not None:
            found.terminals.append(cells[at_terminal])
    return found


def _of_tree(columns: _Columns, faults: Draft, options: Options) -> Draft | None:
    """Draft at once what is as it should be: a row a node, codes once, parents there. None where something is not."""
    n = len(columns.codes)
    nodes = dict(zip(columns.codes, range(n), strict=True))
    if faults.faults or "" in nodes or len(nodes) != n:
        return None
    nodes[""] = TOP
    parents = list(map(nodes.get, columns.parents))
    known = {value: _terminal(value, 0, faults) for value in set(columns.terminals)}
    if None in parents or faults.faults:
        faults.faults.clear()  # told again, with their rows, by who looks at them one by one
        return None
    says = {value: UNKNOWN if said is None else int(said) for value, said in known.items()}
    return Draft(
        source=options.source,
        names=columns.names,
        children=list(range(n)),
        parents=[parent for parent in parents if parent is not None],
        descriptions={node: said for node, said in enumerate(columns.descriptions) if said},
        terminal=[says[value] for value in columns.terminals] or [UNKNOWN] * n,
        codes=columns.codes,
        rows=list(columns.rows),
    )


def _of_records(columns: _Columns, faults: Draft, options: Options) -> Draft:
    """Draft what has faults, or nodes with several parents, row by row."""
    records: dict[str, NodeRecord] = {}
    clashing: list[NodeRecord] = []
    for record in _records(columns, faults):
        first = records.setdefault(record.code, record)
        if first is record:
            continue
        if _further_parent(first, record):
            records[record.code] = first._replace(parents=(*first.parents, *record.parents))
        else:
            clashing.append(record)
    draft = draft_records([*records.values(), *clashing], source=options.source)
    draft.faults[:0] = sorted(faults.faults, key=lambda fault: fault.row or 0)
    return draft


def _further_parent(first: NodeRecord, again: NodeRecord) -> bool:
    """Whether a second row of a code says no more than that the node has another parent."""
    is_new = first.parents and again.parents and again.parents[0] not in first.parents
    return bool(is_new) and again.name == first.name and again.description in {"", first.description}


def _records(columns: _Columns, faults: Draft) -> Iterator[NodeRecord]:
    n = len(columns.rows)
    described = columns.descriptions or [""] * n
    rest: list[str | None] = list(columns.terminals) or [None] * n
    for row, code, parent, name, description, end in zip(*columns[:4], described, rest, strict=True):
        if not code:
            faults.fault("blank-code", f"The code of {name!r} in row {row} is empty.", row)
            continue
        terminal = None if end is None else _terminal(end, row, faults)
        yield NodeRecord(code, (parent,) if parent else (), name, description, terminal, row)


def _terminal(value: str, row: int, faults: Draft) -> bool | None:
    try:
        return as_terminal(value)
    except ValueError as error:
        faults.fault("terminal", f"Row {row}: {error}.", row)
        return None


def write(taxonomy: Taxonomy, file: IO[str], options: Options) -> None:
    """Write every node, parents first; nodes without codes are numbered from 1."""
    refuse_outer_spaces(taxonomy)
    write_rows(file, _rows(taxonomy), options)


def _rows(taxonomy: Taxonomy) -> Iterator[list[str]]:
    described, ends = any(taxonomy.descriptions), says_terminal(taxonomy)
    codes = taxonomy.codes or tuple([str(number) for number in range(1, len(taxonomy) + 1)])
    yield [role for role, used in zip(ROLES, (True, True, True, described, ends), strict=True) if used]
    is_end = taxonomy.is_terminal.tolist()
    indptr, parents = taxonomy.parents.indptr.tolist(), taxonomy.parents.indices.tolist()
    for node, (code, name, description) in enumerate(zip(codes, taxonomy.names, taxonomy.descriptions, strict=True)):
        about = ([description] if described else []) + ([("yes" if is_end[node] else "no")] if ends else [])
        above = parents[indptr[node] : indptr[node + 1]]
        yield [code, codes[above[0]] if above else "", name, *about]
        for parent in above[1:]:
            yield [code, codes[parent], name, *[""] * len(about)]
