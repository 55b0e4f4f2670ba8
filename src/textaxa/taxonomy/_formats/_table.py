"""Delimited text as rows: delimiter found in the header, ragged rows told with their row numbers."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

from textaxa._suggest import did_you_mean
from textaxa.errors import TaxonomyError
from textaxa.taxonomy._draft import Draft
from textaxa.taxonomy._formats._format import Columns, Options

_DELIMITERS = (",", ";", "\t", "|")
_LONGEST_FIELD = 10_000_000
"""Characters of one field. The csv module's own bound, 131,072, is about a long description."""


class Table:
    """The rows of a delimited file with a header.

    ``rows`` gives (row number, cells stripped of outer spaces), the row number being the line of the file at which the
    row begins (the header is 1). Blank rows are left out; ragged ones become faults of the draft.
    """

    def __init__(self, text: str, options: Options) -> None:
        self._text = text
        self.delimiter = options.delimiter or find_delimiter(text)
        self.source = options.source
        self.header = self._read_header()

    def _reader(self) -> Iterator[tuple[int, list[str]]]:
        # A field may be long; the limit is the module's, so it is put back.
        reader = csv.reader(io.StringIO(self._text, newline=""), delimiter=self.delimiter)
        row = 1
        previous = csv.field_size_limit(_LONGEST_FIELD)
        try:
            for cells in reader:
                yield row, cells
                row = reader.line_num + 1
        except csv.Error as error:
            raise TaxonomyError(f"{self.source}: row {row} cannot be read as delimited text ({error}).") from error
        finally:
            csv.field_size_limit(previous)

    def _read_header(self) -> list[str]:
        header = [cell.strip() for cell in next(self._reader(), (1, []))[1]]
        if not any(header):
            raise TaxonomyError(
                f"{self.source}: there is no header in row 1. The file is empty, or begins with a blank row."
            )
        for name in header:
            if header.count(name) > 1 and name:
                raise TaxonomyError(f"{self.source}: the header names the column {name!r} twice.")
        return header

    def rows(self, draft: Draft) -> Iterator[tuple[int, list[str]]]:
        """Give the rows below the header."""
        width = len(self.header)
        rows = self._reader()
        next(rows)
        for row, cells in rows:
            if len(cells) == width:
                stripped = list(map(str.strip, cells))
                if any(stripped):
                    yield row, stripped
            elif any(cell.strip() for cell in cells):
                draft.fault("ragged-row", f"Row {row} has {len(cells)} cells, the header {width}.", row)

    def column(self, name: str) -> int:
        """Give the position of a column, or say which is nearest."""
        if name not in self.header:
            raise TaxonomyError(
                f"{self.source}: there is no column {name!r}.{did_you_mean(name, self.header)} "
                f"The columns are {', '.join(map(repr, self.header[:20]))}."
            )
        return self.header.index(name)

    def roles(self, roles: Sequence[str], columns: Columns | None, *, needed: int) -> list[int | None]:
        """Give the position of the column for each role; the first ``needed`` must be there."""
        named = _named(roles, columns)
        folded = [name.casefold() for name in self.header]
        found: list[int | None] = []
        for number, role in enumerate(roles):
            if role in named:
                found.append(self.column(named[role]))
            elif role in folded:
                found.append(folded.index(role))
            elif number < needed:
                found.append(self.column(role))
            else:
                found.append(None)
        return found


def _named(roles: Sequence[str], columns: Columns | None) -> dict[str, str]:
    if columns is None:
        return {}
    if not isinstance(columns, Mapping):
        return dict(zip(roles, [columns] if isinstance(columns, str) else columns, strict=False))
    for role in columns:
        if role not in roles:
            raise TaxonomyError(f"columns has no {role!r}.{did_you_mean(role, roles)} It can name: {', '.join(roles)}.")
    return dict(columns)


def find_delimiter(text: str) -> str:
    """Give the delimiter that the header uses most; a comma where it uses none."""
    header = text.lstrip("\r\n").split("\n", 1)[0]
    outside = "".join(header.split('"')[::2])
    best = max(_DELIMITERS, key=outside.count)
    return best if best in outside else ","


def write_rows(file: IO[str], rows: Iterator[Sequence[str]], options: Options) -> None:
    """Write rows as delimited text."""
    csv.writer(file, delimiter=options.delimiter or ",", lineterminator="\n").writerows(rows)


def cell(cells: list[str], position: int | None) -> str:
    """Give a cell, empty where there is no such column."""
    return cells[position] if position is not None else ""
