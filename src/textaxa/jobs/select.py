"""``textaxa select``: a table of unlabelled texts in, those to label next out, for a table or a labelling tool."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textaxa.answers import check_scores_all, opened
from textaxa.data import Columns, RowStream, iterate_rows
from textaxa.data._exports import TOOLS
from textaxa.data._formats import checked_format, format_of_suffix, suffix_of, unknown_suffix
from textaxa.data._votes import LABELLED
from textaxa.errors import ConfigError, DataError
from textaxa.jobs._choosers import ColdChooser, ModelChooser, Reasons
from textaxa.jobs._listener import Interrupted, Listener, nobody
from textaxa.jobs._model import columns_for, columns_of
from textaxa.jobs._selected_rows import (
    RANDOM,
    Selected,
    Target,
    check_target,
    columns_added,
    renamed,
    text_of_row,
    write_selected,
)
from textaxa.jobs.predict import BLOCK, STANDARD
from textaxa.taxonomy import Taxonomy, read_taxonomy

if TYPE_CHECKING:
    from textaxa.model import Model

Block = list[tuple[int, dict[str, Any]]]
Chooser = ColdChooser | ModelChooser

TASKS = ("single", "multi")


@dataclass(frozen=True)
class SelectResult:
    """What was chosen.

    Attributes
    ----------
    files
        The files that were written, the rows first.
    chosen
        How many rows were chosen, the random ones among them.
    random
        How many of them were drawn at random.
    rows
        How many rows the table has.
    blank, duplicates, labelled
        How many of them have no text, the text of an earlier row, or a label already.
    renamed
        Input columns that were renamed because results need their names.
    seconds
        How long it took, without loading the model.
    """

    files: tuple[str, ...]
    chosen: int
    random: int
    rows: int
    blank: int
    duplicates: int
    labelled: int
    renamed: dict[str, str]
    seconds: float


def select(
    table: Any,
    output: str | Path = STANDARD,
    *,
    model: "Model | str | Path | None" = None,
    taxonomy: Taxonomy | str | Path | None = None,
    n: int = 200,
    random_share: float = 0.0,
    seed: int = 0,
    task: str = "single",
    labelled: Any = None,
    text: str | Sequence[str] | None = None,
    template: str | None = None,
    id: str | None = None,
    separator: str | None = None,
    format: str | None = None,
    input_format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    overwrite: bool = False,
    listener: Listener = nobody,
) -> SelectResult:
    """Choose the texts that are worth labelling next, and write them for those who label.

    With a model, texts are chosen about which it is unsure (the margin between the two best paths is small), rather of
    classes with few training rows, and unlike each other. Without one, texts that are unlike each other.

    Parameters
    ----------
    table
        The unlabelled texts: anything that `textaxa.data.iterate_rows` reads. Rows of a labelling tool's export that
        are labelled already are passed over.
    output
        The file to write; ``"-"`` is standard output (tables only).
    model
        A model, or the folder of one; None: nothing has been trained yet.
    taxonomy
        What annotators choose from, where there is no model: a taxonomy or its file. Tables need none.
    n
        How many.
    random_share
        The share of them that is drawn at random from all texts, and marked so: accuracy measured on hard texts is no
        estimate for all texts, on these it is. In [0, 1].
    seed
        The same seed, table and model choose the same texts.
    task
        Without a model: whether annotators choose one path a text (``single``) or several (``multi``).
    labelled
        A table of texts that are labelled already: they are passed over.
    text, template, id, separator
        The columns and the separator of paths; not given: as in training.
    format
        ``csv``, ``tsv``, ``jsonl``, ``parquet``, ``label-studio`` or ``argilla``; not given: by the output's ending.
    input_format, encoding, delimiter
        How the input is written, where that cannot be told from itself.
    overwrite
        Replace outputs that are there.
    listener
        Is told ``{"event": "rows", "rows": n, "share": share of the input or None}`` after every block.

    Raises
    ------
    ConfigError
        An output is there; ``n`` or ``random_share`` is out of range; a labelling tool's files without a taxonomy.
    DataError
        The table cannot be read, or has no text to choose.
    """
    _check(n, random_share, task)
    how: dict[str, Any] = {"format": input_format, "encoding": encoding, "delimiter": delimiter}
    ready = None if model is None else opened(model)
    check_scores_all(ready, "A selection of texts", "Leave --model out, or use one with another head, such as linear.")
    columns = _columns(ready, {"text": text, "template": template, "id": id, "separator": separator})
    with iterate_rows(table, **how) as stream:
        stream.require(columns.needed)
        target = _target(
            str(output), format, stream, columns=columns, model=ready, taxonomy=taxonomy, task=task, overwrite=overwrite
        )
        check_target(target)
        began = time.monotonic()
        n_random = round(n * random_share)
        chooser = ColdChooser(n, n_random, seed) if ready is None else ModelChooser(ready, n, n_random, seed)
        if labelled is not None:
            _exclude(chooser, labelled, columns)
        try:
            tally = _read(stream, columns, chooser, listener, keep=not _can_be_read_again(table))
        except KeyboardInterrupt:
            raise Interrupted("Stopped; nothing was written.") from None
    reasons = chooser.choose()
    if not reasons:
        raise DataError(_nothing(stream.source, tally, chooser.pool.duplicates))
    rows = tally.kept or _fetched(table, how, reasons)
    write_selected(target, _selected(ready, columns, rows, reasons))
    return SelectResult(
        files=target.files,
        chosen=len(reasons),
        random=sum(chosen == RANDOM for chosen, _ in reasons.values()),
        rows=tally.rows,
        blank=tally.blank,
        duplicates=chooser.pool.duplicates,
        labelled=tally.labelled,
        renamed=target.names,
        seconds=time.monotonic() - began,
    )


@dataclass
class _Tally:
    rows: int = 0
    blank: int = 0
    labelled: int = 0
    kept: dict[int, dict[str, Any]] = field(default_factory=dict)


def _read(stream: RowStream, columns: Columns, chooser: Chooser, listener: Listener, *, keep: bool) -> _Tally:
    """Show all rows to the chooser, block by block; keep them where the table cannot be read again."""
    tally = _Tally()
    for block in _blocks(stream):
        numbers, texts = _texts(block, columns, stream, tally)
        fresh = chooser.pool.fresh(texts)
        if fresh:
            chooser.add([numbers[i] for i in fresh], [texts[i] for i in fresh])
        if keep:
            tally.kept.update(block)
        listener({"event": "rows", "rows": tally.rows, "share": stream.progress()})
    return tally


def _texts(block: Block, columns: Columns, stream: RowStream, tally: _Tally) -> tuple[list[int], list[str]]:
    """Give the numbers and texts of the rows that may be chosen, and count the others."""
    found: dict[int, str] = {}
    for number, row in block:
        tally.rows += 1
        if stream.format in TOOLS and row.get("labelling") == LABELLED:
            tally.labelled += 1
        elif text := _text(row, number, columns, stream):
            found[number] = text
        else:
            tally.blank += 1
    return list(found), list(found.values())


def _text(row: Mapping[str, Any], number: int, columns: Columns, stream: RowStream) -> str:
    try:
        return text_of_row(row, columns)
    except DataError as error:
        raise DataError(f"{stream.source}, {stream.unit} {number}: {error}") from error


def _blocks(stream: RowStream) -> Iterator[Block]:
    block: Block = []
    for row in stream:
        block.append(row)
        if len(block) == BLOCK:
            yield block
            block = []
    if block:
        yield block


def _can_be_read_again(table: Any) -> bool:
    """Tell whether a table gives its rows a second time; standard input and open files do not."""
    if isinstance(table, str | Path):
        return str(table) != STANDARD and Path(table).is_file()
    return not isinstance(table, Iterator) and not hasattr(table, "read")


def _fetched(table: Any, how: Mapping[str, Any], reasons: Reasons) -> dict[int, dict[str, Any]]:
    """Read the chosen rows, which were not kept."""
    with iterate_rows(table, **how) as stream:
        return {number: row for number, row in stream if number in reasons}


def _selected(
    model: "Model | None", columns: Columns, rows: Mapping[int, dict[str, Any]], reasons: Reasons
) -> list[Selected]:
    texts = [text_of_row(rows[number], columns) for number in reasons]
    suggested: Sequence[Any] = [()] * len(texts) if model is None else model.predict(texts)
    return [
        Selected(number, rows[number], text, *why, suggested=paths)
        for (number, why), text, paths in zip(reasons.items(), texts, suggested, strict=True)
    ]


def _exclude(chooser: Chooser, labelled: Any, columns: Columns) -> None:
    """Pass over the texts of a table that is labelled already; of an export, of what is labelled in it."""
    with iterate_rows(labelled) as stream:
        stream.require(columns.text_columns)
        for number, row in stream:
            if stream.format in TOOLS and row.get("labelling") != LABELLED:
                continue
            if text := _text(row, number, columns, stream):
                chooser.pool.exclude(text)


def _columns(model: "Model | None", given: Mapping[str, Any]) -> Columns:
    if model is not None:
        return columns_for(model, dict(given), labels=False)
    return columns_of({name: value for name, value in given.items() if value is not None})


def _target(
    output: str,
    format: str | None,
    stream: RowStream,
    *,
    columns: Columns,
    model: "Model | None",
    taxonomy: Taxonomy | str | Path | None,
    task: str,
    overwrite: bool,
) -> Target:
    format = checked_format(format, also=TOOLS) or _format_for(output, stream)
    if model is not None:
        known: Taxonomy | None = model.taxonomy
    elif isinstance(taxonomy, str | Path):
        known = read_taxonomy(taxonomy, separator=columns.separator)
    else:
        known = taxonomy
    names = renamed(stream.columns, columns_added(with_model=model is not None))
    task = task if model is None else model.task
    return Target(output, format, columns, stream.columns, known, task, model is not None, overwrite, names)


def _format_for(output: str, stream: RowStream) -> str:
    if output == STANDARD:
        return stream.format if stream.format in ("csv", "tsv", "jsonl") else "csv"
    found = format_of_suffix(suffix_of(output))
    if found is None:
        raise unknown_suffix(output, option="--format")
    return found


def _check(n: int, random_share: float, task: str) -> None:
    if n < 1:
        raise ConfigError(f"n = {n} texts were asked for: it must be at least 1.")
    if not 0 <= random_share <= 1:
        raise ConfigError(f"random_share = {random_share} is not a share: it must be in [0, 1], for example 0.2.")
    if task not in TASKS:
        raise ConfigError(f"task = {task!r} is not known. Known: {', '.join(TASKS)}.")


def _nothing(source: str, tally: _Tally, duplicates: int) -> str:
    why = f"{tally.blank:,} without a text, {tally.labelled:,} labelled, {duplicates:,} of a text that is known"
    return f"{source} has no text to choose: of its {tally.rows:,} rows are {why}. Give a table of unlabelled texts."
