"""JSON lines as rows: one object a line, in constant memory.

Comes in: the lines of a file. Goes out: pairs of line number and row; or a fault that names the line.
"""

import json
from collections.abc import Iterator
from typing import Any

from textaxa.data._faults import Faults
from textaxa.data._lines import Lines
from textaxa.errors import DataError

_DECODER = json.JSONDecoder(parse_constant=lambda name: None if name == "NaN" else float(name))
"""Reads what Python writes for a missing number, ``NaN``, as missing; JSON proper has no such word."""

_CURE = 'Every line must be one JSON object, such as {"text": "…"}.'


def read_json_lines(lines: Lines, faults: Faults) -> Iterator[tuple[int, dict[str, Any]]]:
    """Give the rows of JSON lines, blank lines left out.

    Raises
    ------
    DataError
        The text is empty, or one JSON array instead of lines.
    """
    empty = True
    for line in lines:
        stripped = line.strip()
        if not stripped:
            continue
        if empty and stripped.startswith("["):
            raise DataError(
                f"{faults.source} begins with '[': it is one JSON array, not JSON lines (one object a line). "
                "Convert it with: jq -c '.[]' old.json > new.jsonl"
            )
        empty = False
        row = _row(stripped, lines.number, faults)
        if row is not None:
            yield lines.number, row
    if empty:
        raise DataError(f"{faults.source} is empty: it has no rows. Was it written to the end?")


def _row(line: str, number: int, faults: Faults) -> dict[str, Any] | None:
    try:
        row = _DECODER.decode(line)
    except json.JSONDecodeError as error:
        cause = "a NUL byte" if "\0" in line else f"not JSON ({error.msg} at character {error.colno})"
        faults.add(number, "not-json", f"{cause}: {line[:40]!r}", cure=_CURE)
        return None
    except ValueError:
        faults.add(number, "not-json", "a number with thousands of digits", cure="Write it as text, in quotes.")
        return None
    except RecursionError:
        faults.add(number, "not-json", "lists nested too deep", cure=_CURE)
        return None
    if not isinstance(row, dict):
        faults.add(number, "not-an-object", f"a JSON {type(row).__name__}, not an object", cure=_CURE)
        return None
    return row
