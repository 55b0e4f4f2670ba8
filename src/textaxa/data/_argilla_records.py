"""Files for import into Argilla 2: settings of a data set, and records with the model's suggestion.

Comes in: a taxonomy, rows, and the paths that a model suggests. Goes out: plain values, which ``rg.Settings.from_json``
and ``rg.Record.from_dict`` take. Argilla has no tree of labels, so a label is a whole path: ``Games > Sports``.

Source: "rg.Settings", "rg.Record" and "rg.LabelQuestion" in the reference of Argilla 2; the limits stand in
"Server configuration".
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from textaxa.data._cells import is_missing
from textaxa.errors import DataError
from textaxa.taxonomy import DEFAULT_SEPARATOR, Path, Taxonomy

FIELD = "text"
FEWEST_LABELS, LONGEST_LABEL = 2, 500
MOST_LABELS = 500
"""Labels of a question that a server takes, unless its ARGILLA_LABEL_SELECTION_OPTIONS_MAX_ITEMS says more."""

_VISIBLE = 20
_FEWEST_VISIBLE = 3


def question_name(task: str) -> str:
    """Give the name of the question: ``path``, or ``paths`` where a text may have several."""
    return "paths" if task == "multi" else "path"


def argilla_settings(taxonomy: Taxonomy, *, task: str = "single", separator: str = DEFAULT_SEPARATOR) -> dict[str, Any]:
    """Give the settings of a data set: a field ``text``, and one question whose labels are the paths.

    Raises
    ------
    DataError
        A name contains the separator, a path is longer than Argilla allows, or there are fewer than two paths.

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy
    >>> settings = argilla_settings(Taxonomy.from_paths([("Games", "Sports"), ("Tools",)]))
    >>> [option["value"] for option in settings["questions"][0]["settings"]["options"]]
    ['Tools', 'Games > Sports']
    """
    labels = [path_label(taxonomy.path(int(node)), separator) for node in taxonomy.terminals]
    _check(labels)
    visible = min(len(labels), _VISIBLE) if len(labels) >= _FEWEST_VISIBLE else None
    name = question_name(task)
    asked: dict[str, Any] = {
        "type": "multi_label_selection" if task == "multi" else "label_selection",
        "options": [{"value": label, "text": label} for label in labels],
        "visible_options": visible,
    }
    return {
        "guidelines": "Choose the path that fits best." if task == "single" else "Choose every path that fits.",
        "fields": [{"name": FIELD, "title": "Text", "required": True, "settings": {"type": "text"}}],
        "questions": [{"name": name, "title": name.capitalize(), "required": True, "settings": asked}],
        "vectors": [],
        "metadata": [
            {"name": "rank", "title": "rank", "settings": {"type": "integer"}},
            {"name": "chosen", "title": "chosen", "settings": {"type": "terms"}},
        ],
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
    }


def argilla_record(
    identifier: str,
    text: str,
    metadata: Mapping[str, Any],
    suggested: Sequence[Path] = (),
    *,
    probability: Sequence[float] = (),
    task: str = "single",
    separator: str = DEFAULT_SEPARATOR,
    model: str = "textaxa",
) -> dict[str, Any]:
    """Give one record; cells of the row are its metadata, and come back with the export.

    Examples
    --------
    >>> record = argilla_record("7", "Chess", {"rank": 1}, [("Games", "Board")], probability=[0.7])
    >>> record["suggestions"]
    {'path': {'value': 'Games > Board', 'score': 0.7, 'agent': 'textaxa'}}
    """
    labels = [path_label(path, separator) for path in suggested]
    several = task == "multi"
    suggestion = (
        {
            "value": labels if several else labels[0],
            "score": list(probability) if several else probability[0],
            "agent": model,
        }
        if labels
        else None
    )
    return {
        "id": identifier,
        "fields": {FIELD: text},
        "metadata": {key: _plain(value) for key, value in metadata.items() if not is_missing(value)},
        "suggestions": {question_name(task): suggestion} if suggestion else {},
        "responses": {},
        "vectors": {},
    }


def path_label(path: Path, separator: str) -> str:
    """Give a path as one label.

    Raises
    ------
    DataError
        A name contains the separator, so the label could not be read back.
    """
    for name in path:
        if separator in f" {name} ":
            raise DataError(
                f"The name {name!r} contains the separator {separator!r}, so a label made of it could not be read "
                "back. Choose another separator (separator=…, --separator)."
            )
    return separator.join(path)


def _check(labels: Sequence[str]) -> None:
    if len(labels) < FEWEST_LABELS:
        raise DataError(f"Argilla asks for at least {FEWEST_LABELS} labels, and the taxonomy has {len(labels)} path.")
    for label in labels:
        if len(label) > LONGEST_LABEL:
            raise DataError(
                f"The path {label[:60]!r}… has {len(label)} characters, and Argilla takes {LONGEST_LABEL}. Shorten its "
                "names, or use Label Studio (--format label-studio)."
            )


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | float | str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)
