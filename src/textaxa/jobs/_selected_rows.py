"""From chosen texts to the files that labellers get: a table, or tasks of Label Studio or records of Argilla.

Every input column is kept. Added are ``rank``, ``chosen`` (``unsure``, ``diverse`` or ``random``), ``reason`` in words
and, with a model, its ``suggestion`` and ``probability``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from textaxa.answers._result_rows import DIGITS, _new_names
from textaxa.data import Columns, text_of, write_rows
from textaxa.data._argilla_records import argilla_record, argilla_settings
from textaxa.data._label_studio_tasks import is_plain_key, label_studio_config, label_studio_task
from textaxa.data._writers import write_text
from textaxa.decoding import Prediction
from textaxa.errors import ConfigError
from textaxa.taxonomy import Taxonomy

UNSURE, DIVERSE, RANDOM = "unsure", "diverse", "random"
ADDED = ("rank", "chosen", "reason", "suggestion", "probability")
TOOLS = ("label-studio", "argilla")

SHOWN = "text"
"""The key under which Label Studio finds the text, where no column holds just it."""


@dataclass(frozen=True)
class Selected:
    """A text to label.

    Attributes
    ----------
    number
        Its row number in the table.
    row
        The row.
    text
        Its text.
    chosen, reason
        Why: in one word, and in words.
    suggested
        What the model says; empty without one.
    """

    number: int
    row: Mapping[str, Any]
    text: str
    chosen: str
    reason: str
    suggested: Sequence[Prediction] = ()


@dataclass(frozen=True)
class Target:
    """Where the chosen rows go, and what the files need to know.

    Attributes
    ----------
    output
        The file of the rows.
    format
        ``csv``, ``tsv``, ``jsonl``, ``parquet``, ``label-studio`` or ``argilla``.
    columns
        Of the text, and the separators of paths.
    input_columns
        All columns of the table.
    taxonomy
        Which paths annotators choose from; a table needs none.
    task
        ``single`` or ``multi``.
    with_model
        Whether rows have suggestions.
    """

    output: str
    format: str
    columns: Columns
    input_columns: tuple[str, ...]
    taxonomy: Taxonomy | None
    task: str
    with_model: bool
    overwrite: bool = False
    names: dict[str, str] = field(default_factory=dict)

    @property
    def added(self) -> tuple[str, ...]:
        """The columns that are added."""
        return columns_added(with_model=self.with_model)

    @property
    def files(self) -> tuple[str, ...]:
        """The files that will be written, the rows first."""
        if self.format not in TOOLS:
            return (self.output,)
        beside = ".config.xml" if self.format == "label-studio" else ".settings.json"
        return self.output, str(Path(self.output).with_suffix(beside))


def columns_added(*, with_model: bool) -> tuple[str, ...]:
    """Give the columns that are added."""
    return ADDED if with_model else ADDED[:3]


def renamed(input_columns: Sequence[str], added: Sequence[str]) -> dict[str, str]:
    """Give the input columns that get another name, because an added one has theirs."""
    names = _new_names(input_columns, added)
    return {name: names[name] for name in input_columns if name in names}


def check_target(target: Target) -> None:
    """Make sure that the files can be written, before any work is done.

    Raises
    ------
    ConfigError
        A file is there already; a labelling tool's files on standard output, or without a taxonomy.
    """
    if target.format in TOOLS:
        if target.output == "-":
            raise ConfigError(f"Files for {target.format} are two, so they need a name. Give one with -o.")
        if target.taxonomy is None:
            raise ConfigError(
                f"Annotators in {target.format} choose from a taxonomy, and none is known. Give a model, or the "
                "taxonomy's file (--taxonomy)."
            )
    for file in target.files:
        if file != "-" and Path(file).exists() and not target.overwrite:
            raise ConfigError(f"The output {file!r} is already there. Name another file, or add --overwrite.")


def write_selected(target: Target, chosen: Sequence[Selected]) -> None:
    """Write the files.

    Raises
    ------
    DataError
        A file cannot be written.
    """
    if target.format == "label-studio":
        _write_label_studio(target, chosen)
    elif target.format == "argilla":
        _write_argilla(target, chosen)
    else:
        columns = (*(target.names.get(name, name) for name in target.input_columns), *target.added)
        with write_rows(target.output, format=target.format, overwrite=target.overwrite, columns=columns) as writer:
            writer.write([_cells(target, rank, one) for rank, one in enumerate(chosen, start=1)])


def _cells(target: Target, rank: int, one: Selected) -> dict[str, Any]:
    kept = {target.names.get(name, name): value for name, value in one.row.items()}
    added = {"rank": rank, "chosen": one.chosen, "reason": one.reason}
    return kept | added | (_suggestion(target, one.suggested) if target.with_model else {})


def _suggestion(target: Target, found: Sequence[Prediction]) -> dict[str, Any]:
    columns = target.columns
    between = f"{columns.paths_separator.strip()} " if columns.paths_separator.strip() else columns.paths_separator
    chances = [round(float(one.probability), DIGITS) for one in found]
    return {
        "suggestion": between.join(columns.separator.join(one.path) for one in found),
        "probability": chances[0] if len(chances) == 1 else between.join(map(str, chances)),
    }


def _write_label_studio(target: Target, chosen: Sequence[Selected]) -> None:
    key = _shown_key(target)
    tasks = []
    for rank, one in enumerate(chosen, start=1):
        data = _cells(target, rank, one)
        chance = min((float(found.probability) for found in one.suggested), default=None)
        data.setdefault(key, one.text)
        score = None if chance is None else round(chance, DIGITS)
        tasks.append(label_studio_task(data, [found.path for found in one.suggested], probability=score))
    output, config = target.files
    write_text(config, label_studio_config(_known(target), task=target.task, shown=key), overwrite=target.overwrite)
    write_text(output, _json(tasks), overwrite=target.overwrite)


def _shown_key(target: Target) -> str:
    """Give the key of the text in a task's data: the text column, or a new one where the text is made of several."""
    text = target.columns.text_columns
    if len(text) == 1 and target.columns.template is None and is_plain_key(text[0]) and text[0] not in target.names:
        return text[0]
    return _free(SHOWN, target.input_columns)


def _write_argilla(target: Target, chosen: Sequence[Selected]) -> None:
    separator = target.columns.separator
    (only, *more), template = target.columns.text_columns, target.columns.template
    lines = []
    for rank, one in enumerate(chosen, start=1):
        cells = _cells(target, rank, one)
        if not more and template is None:
            cells.pop(only if only == SHOWN else "", None)  # the field holds it already
        lines.append(
            argilla_record(
                str(one.row.get(target.columns.id) if target.columns.id else one.number),
                one.text,
                {key: value for key, value in cells.items() if key not in ("suggestion", "probability")},
                [found.path for found in one.suggested],
                probability=[round(float(found.probability), DIGITS) for found in one.suggested],
                task=target.task,
                separator=separator,
            )
        )
    output, settings = target.files
    asked = argilla_settings(_known(target), task=target.task, separator=separator)
    write_text(settings, _json(asked), overwrite=target.overwrite)
    write_text(output, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), overwrite=True)


def _known(target: Target) -> Taxonomy:
    if target.taxonomy is None:
        raise ConfigError("No taxonomy is known, so annotators have nothing to choose from. Give --taxonomy.")
    return target.taxonomy


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name = f"shown_{name}"
    return name


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, default=str) + "\n"


def text_of_row(row: Mapping[str, Any], columns: Columns) -> str:
    """Give a row's text, halves of surrogate pairs replaced: no tokenizer and no XML takes them."""
    return text_of(row, columns).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
