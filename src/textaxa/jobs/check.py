"""``textaxa check``: a table in, everything that would spoil training out, in one report."""

from pathlib import Path
from typing import Any

from textaxa._report import Report
from textaxa.data import Columns, check_examples
from textaxa.taxonomy import read_taxonomy


def check(
    table: Any,
    columns: Columns,
    *,
    valid: Any = None,
    taxonomy: str | Path | None = None,
    taxonomy_format: str | None = None,
    max_length: int = 256,
    input_format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> Report:
    """Look a table over before a model is trained on it.

    Parameters
    ----------
    table
        Anything that `textaxa.data.iterate_rows` reads.
    columns
        Which columns hold what.
    valid
        The table to validate or test on: texts that are in both, and labels that are only there, are found.
    taxonomy
        The taxonomy's file; labels outside it are found.
    max_length
        Length limit of the encoder in tokens; texts far over it are found.
    taxonomy_format, input_format, encoding, delimiter
        How the files are written, where that cannot be told from themselves.

    Raises
    ------
    DataError
        The table cannot be opened, or a column is missing.
    """
    known = None if taxonomy is None else read_taxonomy(taxonomy, format=taxonomy_format, separator=columns.separator)
    return check_examples(
        table,
        columns,
        taxonomy=known,
        valid=valid,
        max_length=max_length,
        format=input_format,
        encoding=encoding,
        delimiter=delimiter,
    )
