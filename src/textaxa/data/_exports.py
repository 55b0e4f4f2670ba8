"""Exports of labelling tools: which tool wrote a file, and its rows.

Comes in: the lines of a JSON file, or the rows of a CSV. Goes out: rows as every other table gives them. An export is
read whole: who labels by hand has thousands of texts, not millions, and the answers on one text must be seen together.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textaxa.data._annif import ANNIF
from textaxa.data._argilla import is_record, read_records
from textaxa.data._faults import Faults
from textaxa.data._jsonlines import read_json_lines
from textaxa.data._label_studio import ADDED, Object, Rows, is_small_task, is_task, read_small_rows, read_tasks
from textaxa.data._lines import Lines
from textaxa.data._votes import LABELLED
from textaxa.errors import DataError

LABEL_STUDIO, ARGILLA = "label-studio", "argilla"

TOOLS = (LABEL_STUDIO, ARGILLA)
"""Formats that are read, each by its name; JSON of both is known by itself where it is one array."""

LOOKED_AT = 20
"""Objects that are looked at to tell the tool; the first tasks of an export may have no answer yet."""

UNIT = "row"


@dataclass(frozen=True)
class Export:
    """What a file of a labelling tool holds."""

    tool: str
    rows: Rows
    total: int


def read_export(lines: Lines, faults: Faults, *, tool: str | None) -> Export:
    """Give the rows of a JSON file: one array of objects, or one object a line.

    Parameters
    ----------
    lines
        The lines of the file.
    faults
        What is wrong with rows goes there.
    tool
        ``"label-studio"``, ``"argilla"``; None: told from the objects.

    Raises
    ------
    DataError
        It is not JSON, or an array of something else.
    """
    array = lines.begins_with("[")
    objects = _array(lines, faults, known=tool is not None) if array else list(read_json_lines(lines, faults))
    tool = tool or _tool_of(objects)
    if tool is None:
        raise DataError(_no_export(faults.source))
    if not objects:
        raise DataError(f"{faults.source} is empty: it has no rows. Were only labelled tasks exported?")
    return Export(tool, _reader(tool, objects)(objects, faults), len(objects))


def read_export_table(rows: Iterable[tuple[int, Object]], faults: Faults, *, tool: str) -> Rows:
    """Give the rows of a CSV or TSV that a labelling tool wrote.

    Raises
    ------
    DataError
        The tool writes no tables.
    """
    if tool != LABEL_STUDIO:
        raise DataError(
            f"{faults.source} is a table, but {tool} exports JSON. Leave --input-format away, or export it."
        )
    return read_small_rows(list(rows), faults)


def why_left_out(format: str | None, row: Mapping[str, Any], label_columns: Sequence[str]) -> str | None:
    """Give why a row of an export is no training row, or None where it is one, or comes from no labelling tool.

    An export holds texts that nobody has labelled yet; in any other table a row without a label is a fault.
    """
    if format not in (*TOOLS, ANNIF) or not label_columns or not set(label_columns) <= set(ADDED):
        return None
    labelling = row.get("labelling")
    return None if labelling == LABELLED else str(labelling)


def _reader(tool: str, objects: Sequence[tuple[int, Object]]) -> Callable[..., Rows]:
    if tool == ARGILLA:
        return read_records
    return read_small_rows if not any("data" in one for _, one in objects[:LOOKED_AT]) else read_tasks


def _array(lines: Lines, faults: Faults, *, known: bool) -> list[tuple[int, Object]]:
    text = "".join(lines)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        if not known:
            raise DataError(_no_export(faults.source)) from error
        what = f"{error.msg}, line {error.lineno}" if isinstance(error, json.JSONDecodeError) else "nested too deep"
        raise DataError(f"{faults.source} is not JSON ({what}). Was it written to the end? Export it again.") from error
    objects = []
    for number, one in enumerate(found, start=1):
        if isinstance(one, dict):
            objects.append((number, one))
        elif known:
            what = f"a JSON {type(one).__name__}, not an object"
            faults.add(number, "not-an-object", what, cure="An export is an array of objects.")
    return objects


def _tool_of(objects: Sequence[tuple[int, Object]]) -> str | None:
    seen: list[dict[str, Any]] = [one for _, one in objects[:LOOKED_AT]]
    if any(is_task(one) or is_small_task(one) for one in seen):
        return LABEL_STUDIO
    return ARGILLA if any(is_record(one) for one in seen) else None


def _no_export(source: str) -> str:
    return (
        f"{source} begins with '[': it is one JSON array, not JSON lines (one object a line). "
        "Convert it with: jq -c '.[]' old.json > new.jsonl. If it is an export of a labelling tool, name the tool: "
        f"--input-format {LABEL_STUDIO} or {ARGILLA}."
    )
