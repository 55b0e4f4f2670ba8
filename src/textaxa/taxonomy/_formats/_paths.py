"""``paths``: a CSV with a ``path`` column (``Games > Sports``). ``lines``: plain text with a path a line.

``levels``: a CSV with one column a level, empty below the level at which a path ends.

The CSVs may have the columns ``description`` and ``terminal``, and list any nodes: those above them come by themselves.
A listed node is a terminal unless its row says no. They keep names, descriptions (not ``lines``) and terminals of
trees, not codes.
"""

from collections.abc import Iterator
from typing import IO

from textaxa.errors import TaxonomyError
from textaxa.taxonomy._draft import END, INNER, Draft, Trie
from textaxa.taxonomy._faults import Fault
from textaxa.taxonomy._formats._format import Options, as_terminal, preorder, refuse_outer_spaces
from textaxa.taxonomy._formats._table import Table, cell, write_rows
from textaxa.taxonomy._paths import Path, check_separator, format_path, parse_path
from textaxa.taxonomy._taxonomy import Taxonomy

_ABOUT = ("description", "terminal")
_MANY_LEVELS = 1_000
"""Columns of a levels file; a deeper taxonomy would be mostly empty cells."""


def read_paths(text: str, options: Options) -> Draft:
    """Draft the tree of a path column."""
    check_separator(options.separator)
    reader = _Reader(options)
    table = Table(text, options)
    at_path, *about = table.roles(("path", *_ABOUT), options.columns, needed=1)
    for row, cells in table.rows(reader.draft):
        reader.line(cell(cells, at_path), row, cell(cells, about[0]), cell(cells, about[1]))
    return reader.draft


def read_lines(text: str, options: Options) -> Draft:
    """Draft the tree of plain text with a path a line; lines that begin with # are comments."""
    check_separator(options.separator)
    reader = _Reader(options)
    for row, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.startswith("#"):
            reader.line(line, row)
    return reader.draft


def read_levels(text: str, options: Options) -> Draft:
    """Draft the tree of label columns."""
    reader = _Reader(options)
    table = Table(text, options)
    at_levels, (at_description, at_terminal) = _level_columns(table, options)
    for row, cells in table.rows(reader.draft):
        names = [cells[at] for at in at_levels]
        depth = next((level for level, name in enumerate(names) if not name), len(names))
        if depth == 0 or any(names[depth:]):
            below = next((name for name in names[depth:] if name), None)
            missing = table.header[at_levels[depth]]
            what = f"has {below!r} but no {missing!r} above it" if below else f"has no {missing!r}"
            reader.fault("child-without-parent", f"Row {row} {what}.", row)
            continue
        reader.path(tuple(names[:depth]), row, cell(cells, at_description), cell(cells, at_terminal))
    return reader.draft


def _level_columns(table: Table, options: Options) -> tuple[list[int], list[int | None]]:
    if options.columns is not None and not isinstance(options.columns, str | list | tuple):
        raise TaxonomyError("For label columns, columns is a list of their names from the top level down.")
    about = table.roles(_ABOUT, None, needed=0)
    if options.columns is None:
        return [at for at, name in enumerate(table.header) if name and at not in about], about
    names = [options.columns] if isinstance(options.columns, str) else list(options.columns)
    levels = [table.column(name) for name in names]
    if not levels:
        raise TaxonomyError("columns is empty. Name the label columns from the top level down.")
    return levels, [None if at in levels else at for at in about]


class _Reader:
    """Puts paths with what their rows say about them into one draft."""

    def __init__(self, options: Options) -> None:
        self.draft = Draft(source=options.source, rows=[])
        self._trie = Trie(self.draft)
        self._separator = options.separator
        self._listed: dict[int, int] = {}

    def fault(self, kind: str, message: str, row: int) -> None:
        self.draft.faults.append(Fault(kind, message, row))

    def line(self, text: str, row: int, description: str = "", terminal: str = "") -> None:
        try:
            path = parse_path(text, self._separator)
        except TaxonomyError as error:
            self.fault("bad-path", f"Row {row}: {error}", row)
        else:
            self.path(path, row, description, terminal)

    def path(self, path: Path, row: int, description: str, terminal: str) -> None:
        node = self._trie.add(path, row)
        draft = self.draft
        if node in self._listed:
            draft.repeats.append(row)
        first = self._listed.setdefault(node, row)
        try:
            said = as_terminal(terminal)
        except ValueError as error:
            self.fault("terminal", f"Row {row}: {error}.", row)
            return
        if said is False:
            draft.terminal[node] = max(draft.terminal[node], INNER)
        else:
            draft.terminal[node] = END
        if description and draft.descriptions.setdefault(node, description) != description:
            message = f"Row {row} describes {path!r} otherwise than row {first}."
            self.fault("two-descriptions", message, row)


def write_paths(taxonomy: Taxonomy, file: IO[str], options: Options) -> None:
    """Write the terminals and the described nodes as a path column."""
    refuse_outer_spaces(taxonomy)
    check_separator(options.separator)
    rows = ([format_path(path, options.separator), *about] for path, about in _listed(taxonomy))
    write_rows(file, _headed(["path", *_about(taxonomy)], rows), options)


def write_lines(taxonomy: Taxonomy, file: IO[str], options: Options) -> None:
    """Write the terminals as a path a line."""
    refuse_outer_spaces(taxonomy)
    check_separator(options.separator)
    for node in preorder(taxonomy):
        if taxonomy.is_terminal[node]:
            line = format_path(taxonomy.path(node), options.separator)
            if "\n" in line or "\r" in line or line.startswith("#"):
                raise TaxonomyError(f"{line!r} cannot stand as one line of plain text. Write format='codes'.")
            file.write(line + "\n")


def write_levels(taxonomy: Taxonomy, file: IO[str], options: Options) -> None:
    """Write the terminals and the described nodes as label columns."""
    refuse_outer_spaces(taxonomy)
    width = taxonomy.n_levels
    if width > _MANY_LEVELS:
        raise TaxonomyError(f"The taxonomy has {width} levels, too many for columns. Write it as format='codes'.")
    rows = ([*path, *[""] * (width - len(path)), *about] for path, about in _listed(taxonomy))
    levels = [f"level_{level}" for level in range(1, width + 1)]
    write_rows(file, _headed([*levels, *_about(taxonomy)], rows), options)


def _headed(header: list[str], rows: Iterator[list[str]]) -> Iterator[list[str]]:
    yield header
    yield from rows


def _about(taxonomy: Taxonomy) -> list[str]:
    used = (any(taxonomy.descriptions), _lists_inner(taxonomy))
    return [name for name, is_used in zip(_ABOUT, used, strict=True) if is_used]


def _lists_inner(taxonomy: Taxonomy) -> bool:
    """Whether nodes are listed (for their descriptions) at which no label ends."""
    ends = taxonomy.is_terminal.tolist()
    return any(text and not end for text, end in zip(taxonomy.descriptions, ends, strict=True))


def _listed(taxonomy: Taxonomy) -> Iterator[tuple[Path, list[str]]]:
    about = _about(taxonomy)
    ends = taxonomy.is_terminal.tolist()
    for node in preorder(taxonomy):
        description = taxonomy.descriptions[node]
        if ends[node] or description:
            said = {"description": description, "terminal": "yes" if ends[node] else "no"}
            yield taxonomy.path(node), [said[name] for name in about]
