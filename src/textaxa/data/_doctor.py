"""The doctor of a table: everything that is wrong or odd about texts and labels, in one report, before any training.

Comes in: a table, its columns, and, where there are, a taxonomy and a table to validate on. Goes out: a `Report` with
counts, row numbers and advice. Nothing stops at the first fault.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from textaxa._report import MAX_EXAMPLES, Finding, Report
from textaxa.data._annif import ANNIF
from textaxa.data._columns import Columns
from textaxa.data._examples import NO_SUBJECT, UNKNOWN_CURE, check_id, checked_labels, checked_text, unknown_labels
from textaxa.data._exports import why_left_out
from textaxa.data._faults import Faults
from textaxa.data._label_checks import LabelCounts
from textaxa.data._label_codes import LabelCodes
from textaxa.data._places import Check, Places, SeenRow, counted
from textaxa.data._stream import RowStream, iterate_rows
from textaxa.data._text_checks import BrokenCharacters, TextLengths, TwinTexts
from textaxa.errors import DataError
from textaxa.taxonomy import Path, Taxonomy

_FAULTS = {
    "bad-label": "the label cannot be read",
    "blank-text": "the text is blank",
    "broken-row": "the row cannot be read",
    "broken-text": "the text has half of a character",
    "duplicate-id": "the id is that of an earlier row",
    "no-id": "the id is empty",
    "no-label": "there is no label",
    "not-an-object": "the line is no JSON object",
    "not-json": "the line is no JSON",
    "not-text": "a cell holds something that is no text",
    "nul-byte": "the row has a NUL byte",
    "ragged-row": "the row has another number of cells than the header",
    "unknown-label": "the label is not in the taxonomy",
}
"""What the faults of rows mean, where many are told as one finding."""


def check_examples(
    source: Any,
    columns: Columns,
    *,
    taxonomy: Taxonomy | None = None,
    valid: Any = None,
    max_length: int = 256,
    format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> Report:
    """Give everything that is wrong or odd about a table of texts.

    Parameters
    ----------
    source, format, encoding, delimiter
        As `iterate_rows` takes them; they hold for ``valid`` too.
    columns
        Which columns hold what. Without label columns, only texts are checked.
    taxonomy
        Labels outside it are errors.
    valid
        The table to validate or test on, with the same columns: texts that are in both tables, and labels that are
        only there, are found.
    max_length
        How many tokens of a text are read.

    Raises
    ------
    DataError
        The table cannot be opened, or a column is missing. Faults of its rows are findings.

    Examples
    --------
    >>> texts, labels = ("Chess", "chess", " ", "Go"), ("Games", "Sports", "Sports", "Games")
    >>> rows = [{"text": text, "label": label} for text, label in zip(texts, labels)]
    >>> report = check_examples(rows, Columns(path="label"))
    >>> [finding.kind for finding in report.findings]
    ['blank-text', 'conflicting-labels', 'few-rows', 'imbalance']
    """
    twins, lengths, labels = TwinTexts(), TextLengths(max_length), LabelCounts(columns, taxonomy)
    checks: tuple[Check, ...] = (twins, lengths, BrokenCharacters(), labels)
    options = {"format": format, "encoding": encoding, "delimiter": delimiter}
    with iterate_rows(source, **options, collect_faults=True) as stream:
        stream.require(columns.needed)
        broken = Places()
        left_out: Counter[str] = Counter()
        n_rows = 0
        for row in _seen(stream, columns, taxonomy, broken, left_out):
            n_rows += 1
            if row.text:
                for check in checks:
                    check.see(row)
    findings = [*_of_faults(stream.faults), *_unreadable(broken), *_no_rows(stream, n_rows)]
    for check in checks:
        findings.extend(check.findings())
    facts = [("rows", f"{n_rows:,}"), *_left_out(left_out), *lengths.facts(), *labels.facts()]
    if valid is not None:
        more = _check_valid(valid, columns, options, twins=twins, labels=labels)
        findings.extend(more.findings)
        facts.extend(more.facts)
    return Report(stream.source, tuple(findings), tuple(facts))


def _seen(
    stream: RowStream, columns: Columns, taxonomy: Taxonomy | None, broken: Places, left_out: Counter[str]
) -> Iterator[SeenRow]:
    """Give the rows that can be read, noting their faults; a file that breaks off ends there.

    Rows of a labelling tool's export that have no label yet are counted and left out, as in training.
    """
    ids: dict[str, int] = {}
    codes = LabelCodes(taxonomy, subjects=stream.format == ANNIF)
    unknown: dict[tuple[Path, ...], tuple[str, ...]] = {}
    try:
        for number, row in stream:
            if reason := why_left_out(stream.format, row, columns.label_columns):
                left_out[reason] += 1
                continue
            text = checked_text(row, columns, number, stream.faults)
            labels = checked_labels(row, columns, number, stream.faults)
            if columns.id:
                check_id(row, columns.id, number, ids, stream.faults)
            meant = codes(labels)
            if labels and not meant:
                left_out[NO_SUBJECT] += 1
                continue
            if labels not in unknown:
                unknown[labels] = unknown_labels(meant, taxonomy)
            for message in unknown[labels]:
                stream.faults.add(number, "unknown-label", message, cure=UNKNOWN_CURE)
            yield SeenRow(f"{stream.unit} {number}", text, meant)
    except DataError as error:
        broken.add(str(error))


def _left_out(counts: Counter[str]) -> list[tuple[str, str]]:
    told = ", ".join(f"{count:,} {reason}" for reason, count in counts.items())
    return [("left out", told)] if told else []


def _of_faults(faults: Faults) -> list[Finding]:
    return [
        Finding(
            kind,
            "error",
            f"{counted(fault.count, 'row')}: {_FAULTS.get(kind, kind)}.",
            fault.count,
            tuple(fault.places[:MAX_EXAMPLES]),
            " ".join(fault.cures),
        )
        for kind, fault in faults.kinds.items()
    ]


def _unreadable(broken: Places) -> list[Finding]:
    return [
        Finding("unreadable", "error", message, advice="The rows after it were not checked.")
        for message in broken.first
    ]


def _no_rows(stream: RowStream, n_rows: int) -> list[Finding]:
    if n_rows or stream.faults.total:
        return []
    return [
        Finding("no-rows", "error", f"{stream.source} has a header but no rows.", advice="Was it written to the end?")
    ]


def _check_valid(
    valid: Any, columns: Columns, options: dict[str, str | None], *, twins: TwinTexts, labels: LabelCounts
) -> Report:
    """Compare the table to validate on with the one to train on."""
    both, new, broken = Places(), Places(), Places()
    n_rows = 0
    with iterate_rows(valid, **options, collect_faults=True) as stream:
        stream.require(columns.needed)
        for row in _seen(stream, columns, None, broken, Counter()):
            n_rows += 1
            if row.text and (twin := twins.twin_of(row.text)):
                both.add(f"{row.place} = {twin}")
            for path in row.labels:
                if path not in labels.rows:
                    new.add(f"{row.place}: {path!r}")
    faulty = [
        Finding(f"valid-{f.kind}", f.severity, f"{stream.source}: {f.message}", f.count, f.examples, f.advice)
        for f in (*_of_faults(stream.faults), *_unreadable(broken), *_no_rows(stream, n_rows))
    ]
    findings = [
        *faulty,
        *both.finding(
            "leak",
            "warning",
            f"the text of {stream.source} is also in the table to train on",
            "Scores on such rows are too good. Remove them from one of the tables.",
        ),
        *new.finding(
            "unseen-label",
            "warning",
            f"the label of {stream.source} is not in the table to train on",
            "Such a row can never be predicted right. Add rows of the class, or take it out.",
        ),
    ]
    return Report(stream.source, tuple(findings), (("rows to validate on", f"{n_rows:,}"),))
