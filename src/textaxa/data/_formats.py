"""The formats of tables, and which of them a file name means."""

from pathlib import PurePath

from textaxa._suggest import did_you_mean
from textaxa.errors import DataError

FORMATS: dict[str, tuple[str, ...]] = {
    "csv": (".csv",),
    "tsv": (".tsv", ".tab"),
    "jsonl": (".jsonl", ".ndjson", ".json"),
    "parquet": (".parquet", ".pq"),
}
"""The formats and the suffixes that stand for them; .gz, .xz and .bz2 may follow, but for Parquet."""

PACKED = (".gz", ".xz", ".bz2")
"""Suffixes of compressions, which say nothing about the format."""


def suffix_of(name: str) -> str:
    """Give the suffix that stands for a format, in lower case; empty where there is none.

    Examples
    --------
    >>> suffix_of("apps.CSV.gz"), suffix_of("apps")
    ('.csv', '')
    """
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes]
    if suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def format_of_suffix(suffix: str) -> str | None:
    """Give the format that a suffix stands for, or None."""
    return next((format for format, suffixes in FORMATS.items() if suffix in suffixes), None)


def checked_format(format: str | None, *, also: tuple[str, ...] = ()) -> str | None:
    """Give a format that was named, or None where none was; ``also`` are further names that are taken.

    Raises
    ------
    DataError
        There is no such format.
    """
    known = (*FORMATS, *also)
    if format is not None and format not in known:
        hint = did_you_mean(format, known)
        raise DataError(f"The format {format!r} is not known.{hint} Known: {', '.join(known)}.")
    return format


def unknown_suffix(name: str, *, option: str = "--input-format") -> DataError:
    """Give the error for a name that says no format."""
    suffix = suffix_of(name)
    found = f"{name} has the suffix {suffix!r}, which says no format" if suffix else f"{name} has no suffix"
    known = ", ".join(suffix for suffixes in FORMATS.values() for suffix in suffixes)
    return DataError(
        f"{found}. Name the format (format=…, {option}): {', '.join(FORMATS)}; or use a known suffix: {known}."
    )
