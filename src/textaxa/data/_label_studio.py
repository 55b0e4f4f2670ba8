"""Exports of Label Studio as rows: JSON, JSON-MIN and CSV.

Comes in: the objects of an export. Goes out: one row a task, with the task's data and three more columns: ``path``
(the one path, a list of names), ``paths`` (all paths), and ``labelling`` (``labelled``, ``not labelled``, ``skipped``,
``annotators disagree``). Predictions and drafts are no labels.

Source: "Label Studio Task Format" and "Taxonomy" in the documentation of Label Studio; ``value.taxonomy`` is a list of
paths, each a list of names from the top level down.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from textaxa.data._faults import Faults
from textaxa.data._votes import NOT_LABELLED, SKIPPED, Vote, outcome

Object = dict[str, Any]
Rows = Iterator[tuple[int, Object]]

ADDED = ("path", "paths", "labelling")
"""Columns of the answers. A column of the data that has such a name becomes ``input_…``, as in `textaxa predict`."""

ESCAPED = "json:"
"""Before a name that XML cannot hold: the rest is the name as a JSON string. `label_studio_config` writes such ones."""

_BOOKKEEPING = ("annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement", "history")
_EXPORT = "Export again from Label Studio as JSON, JSON-MIN or CSV."
_ONE_CONTROL = "Leave one <Taxonomy> in the labelling interface, or remove the results of the others from the export."


def is_task(found: Mapping[str, Any]) -> bool:
    """Tell whether an object is a task as in the JSON export, or in a file for import."""
    return isinstance(found.get("data"), dict) and any(key in found for key in ("annotations", "predictions"))


def is_small_task(found: Mapping[str, Any]) -> bool:
    """Tell whether an object is a row of JSON-MIN."""
    return "annotation_id" in found and any(_taxonomy_of_cell(value) is not None for value in found.values())


def read_tasks(objects: Sequence[tuple[int, Object]], faults: Faults) -> Rows:
    """Give one row a task of the JSON export.

    Raises
    ------
    DataError
        An object is no task, or its result is damaged (where faults are not collected).
    """
    for number, task in objects:
        if not isinstance(task.get("data"), dict):
            faults.add(number, "not-a-task", "the object has no 'data': it is not a task of Label Studio", cure=_EXPORT)
            continue
        try:
            labels, labelling = _of_annotations(_annotations(task))
        except _DamagedError as error:
            faults.add(number, "bad-result", f"task {task.get('id', '?')}: {error}", cure=error.cure)
            continue
        yield number, answered(task["data"], labels, labelling)


def read_small_rows(objects: Sequence[tuple[int, Object]], faults: Faults) -> Rows:
    """Give one row a task of JSON-MIN or CSV, where every annotation has a row of its own.

    Raises
    ------
    DataError
        There are several columns of paths, or none (where faults are not collected).
    """
    controls = dict.fromkeys(key for _, row in objects for key, cell in row.items() if _taxonomy_of_cell(cell))
    if len(controls) != 1:
        what = f"the results of {len(controls)} controls ({', '.join(controls)})" if controls else "no column of paths"
        faults.add(None, "no-taxonomy", what, cure=_ONE_CONTROL if controls else _EXPORT)
        return
    (control,) = controls
    tasks: dict[Any, list[tuple[int, Object]]] = {}
    for number, row in objects:
        tasks.setdefault(row.get("id", ("row", number)), []).append((number, row))
    for rows in tasks.values():
        votes = [
            Vote(row.get("annotator"), _cleaned(_taxonomy_of_cell(row.get(control)) or []), str(row.get("updated_at")))
            for _, row in rows
        ]
        number, first = rows[0]
        data = {key.removeprefix("_data_"): v for key, v in first.items() if key not in (control, *_BOOKKEEPING)}
        yield number, answered(data, *outcome(votes))


def answered(data: Mapping[str, Any], labels: Sequence[Any], labelling: str) -> Object:
    """Give a task's data with its labels beside it."""
    row = {(f"input_{key}" if key in ADDED else key): value for key, value in data.items()}
    paths = [list(path) if isinstance(path, tuple) else path for path in labels]
    return (
        row
        | {"path": (paths[0] if len(paths) == 1 else paths) or None, "paths": paths or None}
        | {"labelling": labelling}
    )


class _DamagedError(Exception):
    def __init__(self, message: str, cure: str = _EXPORT) -> None:
        super().__init__(message)
        self.cure = cure


def _annotations(task: Object) -> list[Object]:
    found = task.get("annotations", task.get("completions")) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise _DamagedError("'annotations' is not a list of annotations")
    return found


def _of_annotations(annotations: Sequence[Object]) -> tuple[tuple[Any, ...], str]:
    done = [one for one in annotations if not (one.get("was_cancelled") or one.get("skipped"))]
    labels, labelling = outcome([_vote(one) for one in done])
    if labelling == NOT_LABELLED and len(done) < len(annotations):
        return labels, SKIPPED
    return labels, labelling


def _vote(annotation: Object) -> Vote:
    who = annotation.get("completed_by")
    when = str(annotation.get("updated_at") or annotation.get("created_at") or "")
    annotator = who.get("id", who.get("email")) if isinstance(who, dict) else who
    return Vote(annotator, _paths_of(annotation.get("result") or []), when, bool(annotation.get("ground_truth")))


def _paths_of(result: Any) -> tuple[Any, ...]:
    """Give the paths of an annotation; those of ``<Choices>`` where there is no ``<Taxonomy>``."""
    if not isinstance(result, list) or not all(isinstance(one, dict) for one in result):
        raise _DamagedError("'result' is not a list of results")
    for kind in ("taxonomy", "choices"):
        found = [one for one in result if isinstance(one.get("value"), dict) and kind in one["value"]]
        controls = dict.fromkeys(str(one.get("from_name")) for one in found)
        if len(controls) > 1:
            raise _DamagedError(f"results of {len(controls)} controls ({', '.join(controls)})", _ONE_CONTROL)
        if found:
            return _cleaned([path for one in found for path in _listed(one["value"][kind])])
    return ()


def _listed(paths: Any) -> list[Any]:
    if not isinstance(paths, list):
        raise _DamagedError(f"a {type(paths).__name__} where a list of paths belongs")
    return paths


def _cleaned(paths: Sequence[Any]) -> tuple[Any, ...]:
    """Give each path once; of a path and one that goes on from it, the longer: a ticked child may tick its parent."""
    found = list(dict.fromkeys(_path(path) for path in paths if path))
    return tuple(path for path in found if not any(_goes_on(other, path) for other in found))


def _path(path: Any) -> Any:
    if isinstance(path, str):
        return _name(path)
    if isinstance(path, list) and all(isinstance(name, str) for name in path):
        return tuple(map(_name, path))
    raise _DamagedError(f"{str(path)[:40]!r} is not a path, which is a list of names")


def _goes_on(longer: Any, path: Any) -> bool:
    both = isinstance(longer, tuple) and isinstance(path, tuple)
    return both and len(longer) > len(path) and longer[: len(path)] == path


def _name(name: str) -> str:
    if not name.startswith(ESCAPED):
        return name
    try:
        found = json.loads(name[len(ESCAPED) :])
    except ValueError:
        return name
    return found if isinstance(found, str) else name


def _taxonomy_of_cell(cell: Any) -> list[Any] | None:
    """Give the paths in a cell of JSON-MIN or CSV, ``[{"taxonomy": [["Games", "Sports"]]}]``; None: it has none."""
    if isinstance(cell, str) and cell.startswith("[") and '"taxonomy"' in cell:
        try:
            cell = json.loads(cell)
        except ValueError:
            return None
    if not isinstance(cell, list) or not cell or not all(isinstance(one, dict) and "taxonomy" in one for one in cell):
        return None
    return [path for one in cell for path in (one["taxonomy"] if isinstance(one["taxonomy"], list) else ())]
