"""Texts with their labels, as training and evaluation want them.

Comes in: any table that `iterate_rows` reads, and the mapping of its columns. Goes out: `Examples`; or one `DataError`
with all faults of the table.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from textaxa.data._annif import ANNIF
from textaxa.data._cells import HALF_PAIR, HALF_PAIR_CURE, has_surrogate
from textaxa.data._columns import Columns, labels_of, text_of
from textaxa.data._exports import why_left_out
from textaxa.data._faults import Faults
from textaxa.data._label_codes import LabelCodes
from textaxa.data._stream import RowStream, iterate_rows
from textaxa.errors import DataError, TaxonomyError
from textaxa.taxonomy import DEFAULT_SEPARATOR, Path

if TYPE_CHECKING:
    from textaxa.taxonomy import Taxonomy


@dataclass(frozen=True)
class Examples:
    """Texts with their labels.

    Attributes
    ----------
    texts
        Never blank; no spaces around them.
    labels
        The paths of each text, at least one each; all empty where no label columns were named.
    rows
        The number of each row, as `RowStream` counts: the line of a CSV, TSV or JSON lines file (the first row of a
        CSV is on line 2), the row of a Parquet file from 1, the index of an object in Python from 0.
    groups
        The group of each row, empty where its cell is; None where no group column was named.
    ids
        The id of each row, all different; None where no id column was named.
    source
        What the table is called in messages.
    unit
        What `rows` count: ``"line"``, ``"row"`` or ``"index"``.
    left_out
        How many rows of a labelling tool's export have no label, by the reason: ``not labelled``, ``skipped``,
        ``annotators disagree``; or of a corpus of Annif: ``no subject of the taxonomy``. They are not among the rows.
    """

    texts: list[str]
    labels: list[tuple[Path, ...]]
    rows: list[int]
    groups: list[str] | None = None
    ids: list[str] | None = None
    source: str = "the table"
    unit: str = "row"
    left_out: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.texts)

    def select(self, indices: Sequence[int]) -> "Examples":
        """Give the examples at these positions, in this order."""
        return Examples(
            [self.texts[i] for i in indices],
            [self.labels[i] for i in indices],
            [self.rows[i] for i in indices],
            None if self.groups is None else [self.groups[i] for i in indices],
            None if self.ids is None else [self.ids[i] for i in indices],
            self.source,
            self.unit,
        )


def read_examples(
    source: Any,
    columns: Columns,
    *,
    taxonomy: "Taxonomy | None" = None,
    format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> Examples:
    """Give all texts and labels of a table.

    Parameters
    ----------
    source, format, encoding, delimiter
        As `iterate_rows` takes them.
    columns
        Which columns hold what. Without label columns, only texts are read.
    taxonomy
        Labels that are not in it are faults. A label that is no path of it but the code of one of its nodes becomes
        the path of that node. Subjects of a corpus of Annif that are not in it are left out, as Annif does.

    Raises
    ------
    DataError
        The table cannot be opened, a column is missing, or rows cannot be used. All faults of the rows are in one
        error: the first ten and the total.

    Examples
    --------
    >>> rows = [{"text": "Play chess", "path": "Games > Chess"}, {"text": "Edit photos", "path": "Photo"}]
    >>> read_examples(rows, Columns(path="path")).labels
    [(('Games', 'Chess'),), (('Photo',),)]
    """
    with iterate_rows(source, format=format, encoding=encoding, delimiter=delimiter, collect_faults=True) as stream:
        stream.require(columns.needed)
        examples = _collect(stream, columns, taxonomy)
    stream.faults.raise_if_any()
    if not len(examples):
        raise DataError(_no_rows(stream.source, examples.left_out))
    return examples


def require_two_classes(examples: Examples) -> None:
    """Make sure that there is something to tell apart.

    Raises
    ------
    DataError
        All rows have the same label.

    Examples
    --------
    >>> require_two_classes(  # doctest: +ELLIPSIS
    ...     Examples(["Chess", "Go"], [(("Games",),), (("Games",),)], [2, 3], source="apps.csv")
    ... )
    Traceback (most recent call last):
    textaxa.errors.DataError: apps.csv: all 2 rows have the label 'Games', so there is nothing to ...
    """
    distinct = set(examples.labels)
    if len(distinct) < 2:
        label = "; ".join(DEFAULT_SEPARATOR.join(path) for labels in distinct for path in labels)
        raise DataError(
            f"{examples.source}: all {len(examples):,} rows have the label {label!r}, so there is nothing to tell "
            "apart. Add rows with other labels, or name another label column."
        )


def _collect(stream: RowStream, columns: Columns, taxonomy: "Taxonomy | None") -> Examples:
    texts: list[str] = []
    labels: list[tuple[Path, ...]] = []
    rows: list[int] = []
    groups: list[str] = []
    seen_ids: dict[str, int] = {}
    # Rows share few labels: one object each keeps a table of millions of rows small.
    shared: dict[tuple[Path, ...], tuple[Path, ...]] = {}
    unknown: dict[tuple[Path, ...], tuple[str, ...]] = {}
    left_out: Counter[str] = Counter()
    codes = LabelCodes(taxonomy, subjects=stream.format == ANNIF)
    for number, row in stream:
        if reason := why_left_out(stream.format, row, columns.label_columns):
            left_out[reason] += 1
            continue
        text = checked_text(row, columns, number, stream.faults)
        found = checked_labels(row, columns, number, stream.faults)
        if found not in shared:
            shared[found] = meant = codes(found)
            unknown[found] = unknown_labels(meant, taxonomy)
        if found and not shared[found]:
            left_out[NO_SUBJECT] += 1
            continue
        for message in unknown[found]:
            stream.faults.add(number, "unknown-label", message, cure=UNKNOWN_CURE)
        if columns.id:
            check_id(row, columns.id, number, seen_ids, stream.faults)
        if columns.group:
            groups.append(checked_cell(row, columns.group, number, stream.faults))
        texts.append(text)
        labels.append(shared[found])
        rows.append(number)
    ids = list(seen_ids) if columns.id else None
    grouped = groups if columns.group else None
    return Examples(texts, labels, rows, grouped, ids, stream.source, stream.unit, dict(left_out))


def _no_rows(source: str, left_out: dict[str, int]) -> str:
    if not left_out:
        return f"{source} has a header but no rows. Was it written to the end?"
    counts = ", ".join(f"{count:,} {reason}" for reason, count in left_out.items())
    return f"{source} has no row with a label ({counts}). Label some texts, hand the answers in, and export again."


def checked_text(row: dict[str, Any], columns: Columns, number: int, faults: Faults) -> str:
    """Give the text of a row, noting what is wrong with it."""
    names = ", ".join(columns.text_columns)
    try:
        text = text_of(row, columns)
    except DataError as error:
        _add(faults, number, "not-text", error)
        return ""
    if not text:
        faults.add(
            number, "blank-text", f"the text ({names}) is blank", cure="Remove rows without a text, or fill them in."
        )
    elif has_surrogate(text):
        faults.add(number, "broken-text", f"the text has {HALF_PAIR}", cure=HALF_PAIR_CURE)
    return text


def checked_labels(row: dict[str, Any], columns: Columns, number: int, faults: Faults) -> tuple[Path, ...]:
    """Give the labels of a row, noting what is wrong with them."""
    if not columns.has_labels:
        return ()
    try:
        found = labels_of(row, columns)
    except DataError as error:
        _add(faults, number, "bad-label", error)
        return ()
    if not found:
        names = ", ".join(columns.label_columns[:1] if columns.labels else columns.label_columns)
        faults.add(number, "no-label", f"there is no label ({names} is empty)", cure=_NO_LABEL_CURE)
    return found


def unknown_labels(labels: tuple[Path, ...], taxonomy: "Taxonomy | None") -> tuple[str, ...]:
    """Give what is to be said of the labels that the taxonomy does not have."""
    if taxonomy is None:
        return ()
    messages = []
    for path in labels:
        try:
            taxonomy.index(path)
        except TaxonomyError as error:
            messages.append(str(error).rstrip("."))
    return tuple(messages)


def check_id(row: dict[str, Any], column: str, number: int, seen: dict[str, int], faults: Faults) -> None:
    """Note an id that is empty or that an earlier row has."""
    value = checked_cell(row, column, number, faults)
    if not value:
        faults.add(number, "no-id", f"the id ({column}) is empty", cure="Give every row an id, or name no id column.")
    elif value in seen:
        message = f"the id {value!r} is already on {faults.unit} {seen[value]}"
        faults.add(number, "duplicate-id", message, cure="Give every row its own id, or name no id column.")
    seen.setdefault(value, number)


def checked_cell(row: dict[str, Any], column: str, number: int, faults: Faults) -> str:
    """Give a cell as text, noting where it is none."""
    try:
        return text_of(row, Columns(text=(column,)))
    except DataError as error:
        _add(faults, number, "not-text", error)
        return ""


def _add(faults: Faults, number: int, kind: str, error: DataError) -> None:
    """Note what the cell's error says: its first sentence is what was found, the others are the cure."""
    message, _, cure = str(error).partition(". ")
    faults.add(number, kind, message, cure=cure)


NO_SUBJECT = "no subject of the taxonomy"

_NO_LABEL_CURE = (
    "Every row needs a label: fill it in, leave such rows out, or name the label columns from the top level down."
)
UNKNOWN_CURE = "Correct the label, or add it to the taxonomy."
