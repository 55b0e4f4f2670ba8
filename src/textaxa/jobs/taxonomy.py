"""``textaxa taxonomy show|check|convert|diff|edit``: a taxonomy's file looked at, checked, rewritten, changed."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from textaxa._report import Report
from textaxa.data import read_examples
from textaxa.errors import ConfigError
from textaxa.jobs._model import columns_of
from textaxa.taxonomy import (
    DEFAULT_SEPARATOR,
    Diff,
    Edited,
    Taxonomy,
    apply_edits,
    check_taxonomy,
    diff_taxonomies,
    read_edits,
    read_mapping,
    read_taxonomy,
    write_taxonomy,
)


def open_taxonomy(source: str | Path, *, format: str | None = None, separator: str = DEFAULT_SEPARATOR) -> Taxonomy:
    """Read a taxonomy from its file, or from a model's folder.

    Raises
    ------
    TaxonomyError
        It cannot be read; all faults are told together.
    """
    return read_taxonomy(source, format=format, separator=separator)


def check_taxonomy_file(
    source: str | Path,
    *,
    format: str | None = None,
    separator: str = DEFAULT_SEPARATOR,
    table: str | Path | None = None,
    columns: dict[str, Any] | None = None,
) -> Report:
    """Find the faults of a taxonomy's file, all in one report.

    Parameters
    ----------
    source
        A taxonomy's file, or a model's folder.
    format, separator
        How it is written, where that cannot be told from itself.
    table
        A table with labels: nodes without a text in it are found.
    columns
        Fields of `textaxa.data.Columns` for the table.

    Raises
    ------
    TaxonomyError
        It cannot be read as a taxonomy at all.
    DataError
        The table cannot be read.
    """
    counts = None if table is None else _counts(table, columns or {})
    return check_taxonomy(source, format=format, separator=separator, counts=counts)


def convert_taxonomy(
    source: str | Path,
    target: str | Path,
    *,
    format: str | None = None,
    to: str | None = None,
    separator: str = DEFAULT_SEPARATOR,
    language: str | None = None,
    overwrite: bool = False,
) -> Taxonomy:
    """Write a taxonomy in another format, and give it.

    Parameters
    ----------
    source, target
        A taxonomy's file, or a model's folder; and the file to write.
    format, to
        Their formats, where the names do not tell.
    separator
        Between the names of a path.
    language
        Of SKOS, and of vocabularies of Annif: whose names to take.
    overwrite
        Replace a target that is there.

    Raises
    ------
    TaxonomyError
        It cannot be read, the target is there, or its format cannot hold this taxonomy.
    """
    found = read_taxonomy(source, format=format, separator=separator, language=language)
    write_taxonomy(found, target, format=to, separator=separator, language=language, overwrite=overwrite)
    return found


def diff_taxonomy_files(
    old: str | Path, new: str | Path, *, map: str | Path | None = None, separator: str = DEFAULT_SEPARATOR
) -> Diff:
    """Give what changed from one taxonomy to another; each is a file or a model's folder.

    Parameters
    ----------
    old, new
        The taxonomies.
    map
        A table of ``old``, ``new`` and ``share``: what was split and merged.
    separator
        Between the names of a path.
    """
    before, after = open_taxonomy(old, separator=separator), open_taxonomy(new, separator=separator)
    mapping = None if map is None else read_mapping(map, before, after, separator=separator)
    return diff_taxonomies(before, after, mapping)


def edit_taxonomy(
    source: str | Path,
    edits: str | Path,
    target: str | Path,
    *,
    separator: str = DEFAULT_SEPARATOR,
    overwrite: bool = False,
) -> Edited:
    """Write a taxonomy as it is after the edits of a file, and give what changed.

    Raises
    ------
    TaxonomyError
        The taxonomy or the edits cannot be read, an edit is not possible, the target is there.
    """
    edited = apply_edits(open_taxonomy(source, separator=separator), read_edits(edits))
    write_taxonomy(edited.taxonomy, target, separator=separator, overwrite=overwrite)
    return edited


def _counts(table: str | Path, columns: dict[str, Any]) -> Counter[tuple[str, ...]]:
    """Count the rows of every label. Texts do not matter here, so a label column stands in for them."""
    labelled = columns_of(columns)
    if not labelled.has_labels:
        raise ConfigError("No label columns are named for the table. Give --labels, --path or --paths.")
    examples = read_examples(table, replace(labelled, text=labelled.label_columns[:1]))
    return Counter(path for labels in examples.labels for path in labels)
