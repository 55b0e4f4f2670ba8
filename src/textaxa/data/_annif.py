"""Corpora of Annif as rows: TSV, CSV and JSON lines of short texts, and folders of documents.

Comes in: a file or a folder. Goes out: one row a document, with ``text``, what else is known of it (``document_id`` and
its metadata) and the same three columns as for labelling tools: ``path`` (the one subject), ``paths`` (all of them) and
``labelling``. A subject is its URI, or its label where the corpus has only labels; with a taxonomy whose codes are the
URIs it becomes a path (`textaxa.data._label_codes`).

==============================  ==================================================================
``texts.tsv``                   a line a document: text, tab, ``<URI> <URI>``
``texts.csv``                   columns ``text``, ``subject_uris``, perhaps ``document_id``, others
``texts.jsonl``                 ``{"text", "subjects": [{"uri"} or {"label"}], "metadata", …}``
folder of ``.txt``              beside each a ``.tsv`` (``<URI>``, tab, label) or ``.key`` (labels)
folder of ``.json``             one such object a file
==============================  ==================================================================

Source: "Document corpus formats" in the wiki of Annif; compared with what Annif 1.4 reads.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any

from textaxa.data._delimited import as_mappings, read_delimited
from textaxa.data._faults import Faults
from textaxa.data._files import open_file
from textaxa.data._jsonlines import read_json_lines
from textaxa.data._label_studio import ADDED, answered
from textaxa.data._lines import Lines
from textaxa.data._objects import Table
from textaxa.data._votes import LABELLED, NOT_LABELLED
from textaxa.errors import DataError

ANNIF = "annif"

Row = tuple[int, dict[str, Any]]

_BESIDE = (".tsv", ".key")
"""Files of a document's subjects, the first that is there counts."""

_SUBJECTS = "subject_uris"


def read_annif(lines: Lines, faults: Faults, *, suffix: str) -> Table:
    """Give the documents of a file.

    Raises
    ------
    DataError
        It is empty, or a CSV without the columns ``text`` and ``subject_uris``.
    """
    if not lines.begins_with(""):
        raise DataError(f"{faults.source} is empty: there are no documents. Was it written to the end?")
    if suffix == ".csv":
        return Table(faults.source, "line", None, None, _of_csv(lines, faults))
    rows = _of_objects(lines, faults) if lines.begins_with("{") else _of_tsv(lines, faults)
    return Table(faults.source, "line", None, None, rows)


def read_annif_folder(folder: FilePath, faults: Faults, *, encoding: str | None) -> Table:
    """Give the documents of a folder, in the order of their names.

    Raises
    ------
    DataError
        There are none.
    """
    files = [*sorted(folder.glob("*.txt")), *sorted(folder.glob("*.json"))]
    if not files:
        raise DataError(f"{folder} is a folder without documents: there is no .txt and no .json in it.")
    return Table(str(folder), "row", None, len(files), _of_folder(files, faults, encoding))


def _row(text: str, subjects: Sequence[str], about: Mapping[str, Any]) -> dict[str, Any]:
    own = {(f"input_{name}" if name == "text" else name): value for name, value in about.items()}
    labels = [(subject,) for subject in dict.fromkeys(subjects) if subject]
    return answered({"text": text} | own, labels, LABELLED if labels else NOT_LABELLED)


def _of_tsv(lines: Lines, faults: Faults) -> Iterator[Row]:  # noqa: ARG001 - every line is a document
    for line in lines:
        text, _, uris = line.rstrip("\r\n").partition("\t")
        if text.strip() or uris.strip():
            yield lines.number, _row(text, [_bare(uri) for uri in uris.split()], {})


def _of_csv(lines: Lines, faults: Faults) -> Iterator[Row]:
    columns, records = read_delimited(lines, faults, delimiter=None, default=",")
    if missing := [name for name in ("text", _SUBJECTS) if name not in columns]:
        raise DataError(
            f"{faults.source}: a corpus of Annif in CSV has the columns 'text' and {_SUBJECTS!r}; "
            f"{' and '.join(map(repr, missing))} is missing. Its columns are: {', '.join(map(repr, columns))}."
        )
    for number, row in as_mappings(columns, records):
        about = {name: value for name, value in row.items() if name not in ("text", _SUBJECTS)}
        yield number, _row(row["text"], [_bare(uri) for uri in (row[_SUBJECTS] or "").split()], about)


def _of_objects(lines: Lines, faults: Faults) -> Iterator[Row]:
    for number, found in read_json_lines(lines, faults):
        row = _of_object(found, number, faults)
        if row is not None:
            yield number, row


def _of_object(found: Mapping[str, Any], number: int, faults: Faults) -> dict[str, Any] | None:
    text, subjects, about = found.get("text", ""), found.get("subjects") or [], found.get("metadata") or {}
    if not isinstance(text, str) or not isinstance(about, dict) or not _are_subjects(subjects):
        what = "'text' is a text, 'metadata' an object, 'subjects' a list of objects with 'uri' or 'label'"
        faults.add(number, "not-a-document", "the object is no document of Annif", cure=f"In one, {what}.")
        return None
    known = {"document_id": found["document_id"]} if found.get("document_id") is not None else {}
    return _row(text, [one.get("uri") or one["label"] for one in subjects], known | about)


def _are_subjects(subjects: Any) -> bool:
    return isinstance(subjects, list) and all(
        isinstance(one, dict) and isinstance(one.get("uri") or one.get("label"), str) for one in subjects
    )


def _of_folder(files: Sequence[FilePath], faults: Faults, encoding: str | None) -> Iterator[Row]:
    for number, file in enumerate(files, start=1):
        text = _text(file, encoding)
        if file.suffix == ".txt":
            yield number, _row(text, _subjects_beside(file, encoding), {"document": file.stem})
            continue
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            faults.add(number, "not-json", f"{file.name} is not JSON ({error})", cure="Write it again.")
            continue
        row = _of_object(found if isinstance(found, dict) else {"text": None}, number, faults)
        if row is not None:
            yield number, {"document": file.stem} | row


def _subjects_beside(file: FilePath, encoding: str | None) -> list[str]:
    """Give the URIs of a ``.tsv`` beside a document (the label where there is none), or the labels of a ``.key``."""
    beside = next((place for ending in _BESIDE if (place := file.with_suffix(ending)).is_file()), None)
    if beside is None:
        return []
    cells = [line.split("\t") for line in _text(beside, encoding).splitlines() if line.strip()]
    return [_bare(row[0].strip()) or next(iter(row[1:]), "").strip() for row in cells]


def _text(file: FilePath, encoding: str | None) -> str:
    opened = open_file(file)
    try:
        return "".join(Lines(opened, encoding=encoding))
    finally:
        opened.close()


def _bare(uri: str) -> str:
    """Give a URI without angle brackets; nothing of ``<>``, which stands for a subject without a URI."""
    return uri[1:-1] if uri.startswith("<") and uri.endswith(">") else uri


__all__ = ["ADDED", "ANNIF", "read_annif", "read_annif_folder"]
