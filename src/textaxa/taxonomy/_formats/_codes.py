"""``codes``: a CSV with ``code,parent,name[,description][,terminal]``, one row a node, as statistics offices publish.

An empty parent is the top level. A node with several parents has a row for each (a DAG). Keeps everything.
"""

from collections.abc import Iterator
from operator import itemgetter
from typing import IO

from textaxa.taxonomy._draft import Draft, NodeRecord, draft_records
from textaxa.taxonomy._formats._format import Options, as_terminal, refuse_outer_spaces, says_terminal
from textaxa.taxonomy._formats._table import Table, cell, write_rows
from textaxa.taxonomy._taxonomy import Taxonomy

ROLES = ("code", "parent", "name", "description", "terminal")


def read(text: str, options: Options) -> Draft:
    """Draft the taxonomy of a codes file."""
    faults = Draft()
    records: dict[str, NodeRecord] = {}
    clashing: list[NodeRecord] = []
    for record in _records(Table(text, options), faults, options):
        first = records.setdefault(record.code, record)
        if first is record:
            continue
        if _further_parent(first, record):
            records[record.code] = first._replace(parents=(*first.parents, *record.parents))
        else:
            clashing.append(record)
    draft = draft_records([*records.values(), *clashing], source=options.source)
    draft.faults[:0] = faults.faults
    return draft


def _further_parent(first: NodeRecord, again: NodeRecord) -> bool:
    """Whether a second row of a code says no more than that the node has another parent."""
    is_new = first.parents and again.parents and again.parents[0] not in first.parents
    return bool(is_new) and again.name == first.name and again.description in {"", first.description}


def _records(table: Table, faults: Draft, options: Options) -> Iterator[NodeRecord]:
    *needed, at_description, at_terminal = table.roles(ROLES, options.columns, needed=3)
    three = itemgetter(*needed)
    for row, cells in table.rows(faults):
        code, parent, name = three(cells)
        if not code:
            faults.fault("blank-code", f"The code of {name!r} in row {row} is empty.", row)
            continue
        terminal = None if at_terminal is None else _terminal(cells[at_terminal], row, faults)
        yield NodeRecord(code, (parent,) if parent else (), name, cell(cells, at_description), terminal, row)


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
