"""CSV and TSV as rows: the header, then the cells of every row, in constant memory.

Comes in: the lines of a file. Goes out: the column names and pairs of line number and cells; or a fault that names the
line: ragged rows, NUL bytes, a quote that is never closed, a delimiter that is not the one expected.
"""

import csv
from collections.abc import Iterator
from itertools import chain

from textaxa.data._faults import Faults
from textaxa.data._lines import Lines
from textaxa.errors import DataError

FIELD_LIMIT = 1 << 25
"""Longest field in characters (33 million): far over any text that is meant, and a bound on memory, four bytes a
character, where a quote is never closed."""

DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}

_SPELLINGS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|", "pipe": "|"}

Record = tuple[int, list[str]]


def read_delimited(
    lines: Lines, faults: Faults, *, delimiter: str | None, default: str
) -> tuple[tuple[str, ...], Iterator[Record]]:
    """Give the column names, and for every row its line and its cells, as many as there are columns.

    Raises
    ------
    DataError
        The text is empty, the header names a column twice, or another delimiter is in use.
    """
    used = _delimiter(delimiter, default)
    csv.field_size_limit(max(csv.field_size_limit(), FIELD_LIMIT))
    records = _records(lines, faults, used)
    start, header = next(records, (0, []))
    if not start:
        raise DataError(f"{faults.source} is empty: it has no header and no rows. Was it written to the end?")
    columns = _columns(header, faults.source)
    if delimiter is None and len(columns) == 1 and (likely := likely_delimiter(columns[0])):
        raise DataError(wrong_delimiter(faults.source, columns[0], likely))
    return columns, _whole(records, len(columns), faults)


def as_mappings(columns: tuple[str, ...], records: Iterator[Record]) -> Iterator[tuple[int, dict[str, str]]]:
    """Give rows as mappings from column name to cell."""
    return ((start, dict(zip(columns, record, strict=True))) for start, record in records)


def likely_delimiter(header: str) -> str | None:
    """Give the delimiter that the one cell of a header holds most often, or None where it holds none."""
    counts = {delimiter: header.count(delimiter) for delimiter in DELIMITERS}
    best = max(counts, key=lambda delimiter: counts[delimiter])
    return best if counts[best] else None


def wrong_delimiter(source: str, header: str, likely: str) -> str:
    """Say that a header is one cell because its delimiter is another one."""
    option = "tab" if likely == "\t" else f"'{likely}'"
    return (
        f"{source} has a single column {header[:80]!r}: its cells are probably separated by {DELIMITERS[likely]}. "
        f"Say so with --delimiter {option}."
    )


def _delimiter(given: str | None, default: str) -> str:
    delimiter = default if given is None else _SPELLINGS.get(given.lower(), given)
    if len(delimiter) != 1 or delimiter in '\r\n"\0':
        raise DataError(f"The delimiter {given!r} is not one character. Give a single one, for example ';', or 'tab'.")
    return delimiter


def _records(lines: Lines, faults: Faults, delimiter: str) -> Iterator[Record]:
    """Give every record that is not a blank line, with the number of the line on which it begins."""
    reader = csv.reader(chain.from_iterable(_without_nul(lines, faults)), delimiter=delimiter)
    while True:
        start = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "field limit" in str(error):
                raise DataError(_never_closed(faults.source, start)) from None
            faults.add(start, "broken-row", f"the row cannot be read ({error})", cure=_QUOTE_CURE)
            continue
        # The reader asks for a line beyond the last one only where a quote is still open.
        if lines.exhausted:
            raise DataError(_never_closed(faults.source, start))
        lines.number = reader.line_num
        if record:
            yield start, record


def _whole(records: Iterator[Record], expected: int, faults: Faults) -> Iterator[Record]:
    for start, record in records:
        if len(record) == expected:
            yield start, record
            continue
        message = f"{len(record)} {_cells(len(record))} where the header has {expected}"
        faults.add(start, "ragged-row", message, cure=_TOO_MANY if len(record) > expected else _TOO_FEW)


def _cells(count: int) -> str:
    return "cell" if count == 1 else "cells"


def _without_nul(lines: Lines, faults: Faults) -> Iterator[list[str]]:
    """Give the lines in lists; those with a NUL byte are told when their turn comes, not before."""
    done = 0
    for batch in lines.batches():
        if "\0" in "".join(batch):
            for number, line in enumerate(batch, start=done + 1):
                yield [_cleaned(line, number, faults)]
        else:
            yield batch
        done += len(batch)


def _cleaned(line: str, number: int, faults: Faults) -> str:
    if "\0" in line:
        faults.add(number, "nul-byte", f"a NUL byte at character {line.index(chr(0)) + 1}", cure=_NUL_CURE)
    return line.replace("\0", "")


def _columns(header: list[str], source: str) -> tuple[str, ...]:
    columns = tuple(name if name.strip() else f"column_{number}" for number, name in enumerate(header, start=1))
    for name in columns:
        if columns.count(name) > 1:
            raise DataError(f"{source} has two columns named {name!r}. Give every column its own name.")
    return columns


def _never_closed(source: str, line: int) -> str:
    return (
        f'{source}, line {line}: a quote (") is opened in this row and never closed, so everything after it became '
        f"one cell. "
        'Close it, or double the quotes that belong to the text ("").'
    )


_QUOTE_CURE = "Put texts with quotes, delimiters or line ends between quotes, and double the quotes inside them."
_TOO_MANY = "A delimiter inside a text without quotes is the usual cause of too many cells: put such texts in quotes."
_TOO_FEW = "A line end inside a text without quotes, or a row cut off, is the usual cause of too few cells."
_NUL_CURE = (
    "NUL bytes come from a damaged copy, or from UTF-16 read as UTF-8 (then: --encoding utf-16). "
    "Otherwise remove them: tr -d '\\000' < old > new."
)
