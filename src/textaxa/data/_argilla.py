"""Exports of Argilla 2 as rows: ``dataset.records.to_json(…)``, and ``to_list(flatten=True)`` written as JSON.

Comes in: records. Goes out: one row a record, with its fields and metadata and the same three columns as for Label
Studio (``path``, ``paths``, ``labelling``). Suggestions are no labels.

Responses that are drafts or were discarded do not count. `to_json` leaves the status of responses out; there, only
records that Argilla calls ``completed`` count.

Source: "Importing and exporting datasets and records" in the documentation of Argilla 2.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from textaxa.data._faults import Faults
from textaxa.data._label_studio import Object, Rows, answered
from textaxa.data._votes import NOT_LABELLED, SKIPPED, Vote, outcome

OUR_QUESTIONS = ("path", "paths")
"""Names of the question that `argilla_settings` asks; of several questions, this one is read."""

_EXPORT = "Export again with dataset.records.to_json('labelled.json')."
_RESPONSES = ".responses"


def is_record(found: Mapping[str, Any]) -> bool:
    """Tell whether an object is a record, nested or flat."""
    nested = isinstance(found.get("fields"), dict) and ("responses" in found or "suggestions" in found)
    return nested or ("_server_id" in found and any(key.endswith((_RESPONSES, ".suggestion")) for key in found))


def read_records(objects: Sequence[tuple[int, Object]], faults: Faults) -> Rows:
    """Give one row a record.

    Raises
    ------
    DataError
        An object is no record, or has several questions of labels (where faults are not collected).
    """
    for number, record in objects:
        flat = not isinstance(record.get("fields"), dict)
        if flat and "_server_id" not in record:
            faults.add(number, "not-a-record", "the object has no 'fields': it is no record of Argilla", cure=_EXPORT)
            continue
        questions = _flat_questions(record) if flat else _questions(record)
        name = _question(questions)
        if name is None and questions:
            what = f"labels of {len(questions)} questions ({', '.join(questions)})"
            faults.add(number, "several-questions", what, cure="Leave one question in the export.")
            continue
        data = _flat_data(record) if flat else {**(record.get("metadata") or {}), **record["fields"]}
        yield number, answered(data, *_outcome(questions.get(name or "", []), record.get("status")))


def _question(questions: Mapping[str, Any]) -> str | None:
    if len(questions) == 1:
        return next(iter(questions))
    return next((name for name in OUR_QUESTIONS if name in questions), None)


def _questions(record: Object) -> dict[str, list[Object]]:
    """Give the responses of every question whose values are labels."""
    responses = record.get("responses") or {}
    found = {
        name: [one for one in given if isinstance(one, dict)]
        for name, given in (responses.items() if isinstance(responses, dict) else ())
        if isinstance(given, list)
    }
    return {name: given for name, given in found.items() if given and all(_labels(one.get("value")) for one in given)}


def _flat_questions(record: Object) -> dict[str, list[Object]]:
    found: dict[str, list[Object]] = {}
    for key, values in record.items():
        if not key.endswith(_RESPONSES) or not isinstance(values, list):
            continue
        users = record.get(f"{key}.users") or [None] * len(values)
        states = record.get(f"{key}.status") or [None] * len(values)
        given = [
            {"value": value, "user_id": user, "status": state}
            for value, user, state in zip(values, users, states, strict=False)
        ]
        if given and all(_labels(one["value"]) for one in given):
            found[key.removesuffix(_RESPONSES)] = given
    return found


def _flat_data(record: Object) -> Object:
    """Give the fields and the metadata of a flat record: what is no part of a question and not Argilla's own."""
    own = {"status", "_server_id", "score"}
    asked = (".responses", ".responses.users", ".responses.status", ".suggestion", ".suggestion.score")
    return {
        key: value
        for key, value in record.items()
        if key not in own and not key.endswith((*asked, ".suggestion.agent"))
    }


def _outcome(responses: Sequence[Object], status: Any) -> tuple[tuple[Any, ...], str]:
    done = [one for one in responses if _counts(one, status)]
    labels, labelling = outcome([Vote(one.get("user_id"), _labels(one.get("value"))) for one in done])
    discarded = any(one.get("status") == "discarded" for one in responses)
    return labels, SKIPPED if labelling == NOT_LABELLED and discarded else labelling


def _counts(response: Object, record_status: Any) -> bool:
    status = response.get("status")
    return status == "submitted" if status is not None else record_status in (None, "completed")


def _labels(value: Any) -> tuple[str, ...]:
    """Give the labels of a response; none for the answer to a question of another kind."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(dict.fromkeys(value))
    return ()
