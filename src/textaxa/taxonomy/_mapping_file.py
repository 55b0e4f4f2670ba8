"""A map of nodes as a file: a table with the columns ``old``, ``new`` and, if wanted, ``share``.

Nodes are named by path or code. Correspondence tables as those of NACE Rev. 2 to 2.1 come so, once their columns are
called old and new.
"""

from pathlib import Path as File

from textaxa._suggest import did_you_mean
from textaxa.errors import TaxonomyError
from textaxa.taxonomy._draft import MAX_SHOWN, Draft
from textaxa.taxonomy._formats import Options, read_text
from textaxa.taxonomy._formats._table import Table, cell
from textaxa.taxonomy._mapping import NOBODY, Link, NodeMapping, _mapped, mapping_faults
from textaxa.taxonomy._paths import DEFAULT_SEPARATOR, parse_path
from textaxa.taxonomy._taxonomy import Taxonomy

_PARTLY = ("ex ", "ex. ", "part of ")
"""Before a code, in correspondence tables: only a part of the class is meant. Several rows say so already."""


def read_mapping(
    source: str | File, old: Taxonomy, new: Taxonomy, *, separator: str = DEFAULT_SEPARATOR, encoding: str | None = None
) -> NodeMapping:
    """Read a map of nodes; nodes that it does not list are matched as `textaxa.taxonomy.map_nodes` does.

    Parameters
    ----------
    source
        A table with the columns ``old`` and ``new``, one row a link, each a path or a code. An old node with several
        rows is split, a new one with several is merged. An old node whose ``new`` is empty is gone, a new one whose
        ``old`` is empty is new. A column ``share`` says which share of the old node's texts takes each way; left out,
        or left empty for all rows of a node, they share evenly. Marks of a part (``ex 47.91``, ``47.91*``) do no harm.
    old, new
        The taxonomies.
    separator
        Between the names of a path.
    encoding
        Of the file, where that cannot be told from itself.

    Raises
    ------
    TaxonomyError
        With all faults and their rows: unknown nodes, shares that do not sum to 1, a link given twice, a branch turned
        upside down.
    """
    options = Options(source=str(source), separator=separator)
    table = Table(read_text(source, encoding), options)
    draft = Draft(source=str(source))
    before, after, share = table.roles(("old", "new", "share"), None, needed=2)
    faults: list[tuple[int, str]] = []
    rows: list[int] = []
    found: list[tuple[int, int, str]] = []
    for row, cells in table.rows(draft):
        try:
            ends = _node(cell(cells, before), old, separator), _node(cell(cells, after), new, separator)
        except TaxonomyError as error:
            faults.append((row, str(error)))
            continue
        rows.append(row)
        found.append((*ends, cell(cells, share)))
    faults += [(fault.row or 0, fault.message) for fault in draft.faults]
    links, wrong = _links(found)
    faults += [(rows[at], message) for at, message in [*wrong, *mapping_faults(old, new, links)]]
    if faults:
        raise TaxonomyError(_told(str(source), faults))
    return _mapped(old, new, links)


def _node(text: str, taxonomy: Taxonomy, separator: str) -> int:
    if not text:
        return NOBODY
    for name in dict.fromkeys((text, _whole(text))):
        if taxonomy.codes is not None and name in taxonomy.codes:
            return taxonomy.codes.index(name)
        node = taxonomy.find(parse_path(name, separator))
        if node is not None:
            return node
    if separator in text or taxonomy.codes is None:
        taxonomy.index(parse_path(text, separator))
    known = [*(taxonomy.codes or ()), *(path[0] for path in taxonomy.nodes if len(path) == 1)]
    raise TaxonomyError(f"{text!r} is no code and no path of the taxonomy.{did_you_mean(text, known)}")


def _whole(text: str) -> str:
    """Give a code without the mark that only a part of it is meant."""
    for mark in _PARTLY:
        if text.casefold().startswith(mark):
            return text[len(mark) :].strip()
    return text.rstrip("*").strip() or text


def _links(found: list[tuple[int, int, str]]) -> tuple[list[Link], list[tuple[int, str]]]:
    """Turn rows into links, those without a share sharing evenly."""
    ways: dict[int, list[str]] = {}
    for old, _, share in found:
        ways.setdefault(old, []).append(share)
    links, faults = [], []
    for at, (old, new, share) in enumerate(found):
        said = ways[old]
        value = 1.0 if old == NOBODY else 1 / len(said)
        if share and old != NOBODY:
            try:
                value = float(share.rstrip("%")) / (100 if share.endswith("%") else 1)
            except ValueError:
                faults.append((at, f"The share {share!r} is no number."))
        elif old != NOBODY and any(said):
            faults.append((at, "This row has no share, but others of the same old node have one."))
        if old == NOBODY and new == NOBODY:
            faults.append((at, "Neither an old nor a new node is named."))
        links.append(Link(old, new, value))
    return links, faults


def _told(source: str, faults: list[tuple[int, str]]) -> str:
    lines = [f"- row {row}: {message}" for row, message in sorted(faults)[:MAX_SHOWN]]
    first = f" The first {MAX_SHOWN}:" if len(faults) > MAX_SHOWN else ""
    return f"{source} has {len(faults)} faults.{first}\n" + "\n".join(lines) + "\nMend these rows, or leave them out."
