"""Taxonomy files: which format a file has, reading one to a `Taxonomy`, writing one."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from textaxa._suggest import did_you_mean
from textaxa.errors import TaxonomyError
from textaxa.taxonomy._arrays import ABOUT
from textaxa.taxonomy._build import build
from textaxa.taxonomy._draft import Draft
from textaxa.taxonomy._formats import FORMATS, Columns, Options, Source, read_text, source_name, write_text
from textaxa.taxonomy._formats._annif import is_csv_header, is_tsv
from textaxa.taxonomy._formats._table import Table
from textaxa.taxonomy._paths import DEFAULT_SEPARATOR
from textaxa.taxonomy._stored import FORMAT as STORED
from textaxa.taxonomy._taxonomy import Taxonomy

_BY_SUFFIX = {
    ".yaml": "yaml",
    ".yml": "yaml",
    ".json": "json",
    ".ttl": "skos",
    ".rdf": "skos",
    ".xml": "skos",
    ".nt": "skos",
    ".skos": "skos",
}
_SYNTAX = {".ttl": "turtle", ".rdf": "xml", ".xml": "xml", ".nt": "nt"}
_TABLES = frozenset({"codes", "paths", "levels"})


def read_taxonomy(
    source: Source,
    *,
    format: str | None = None,
    separator: str = DEFAULT_SEPARATOR,
    columns: Columns | None = None,
    language: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sort: bool = False,
) -> Taxonomy:
    """Give the taxonomy that a file holds.

    ============  ===========================================================  ==============================
    format        what the file looks like                                     chosen by itself for
    ============  ===========================================================  ==============================
    ``codes``     CSV ``code,parent,name[,description][,terminal]``; DAGs by   ``.csv``/``.tsv`` with columns
                  a row for each parent of a node                              ``code``, ``parent``, ``name``
    ``paths``     CSV with a column ``path``                                   … with a column ``path``
    ``levels``    CSV with a column for every level                            … otherwise
    ``lines``     plain text, a path a line                                    ``.txt`` without tabs
    ``indented``  plain text, a tab for every level                            ``.txt`` with tabs
    ``yaml``      names inside names                                           ``.yaml``, ``.yml``
    ``json``      the same; also ``taxonomy.json`` of a model                  ``.json``
    ``skos``      RDF; several ``broader`` make a DAG (extra ``skos``)         ``.ttl``, ``.rdf``, ``.nt``
    ``annif``     ``<URI>`` tab label, or CSV with ``uri`` and ``label_en``;   the first two by their first line
                  SKOS, with URIs as codes
    ============  ===========================================================  ==============================

    Labels may end at leaves, at the nodes that ``paths``, ``lines`` and ``levels`` list, and where a ``terminal``
    column or key says yes (or, in those, does not say no); `Taxonomy.with_terminals` changes that.

    Parameters
    ----------
    source
        A file name or an open file; or a folder: a model's, or one that `Taxonomy.to_arrays` wrote.
    format
        One of the above; None to choose by suffix and header.
    separator
        What stands between two names of a path.
    columns
        For ``levels`` the label columns from the top down; for ``codes`` and ``paths`` a mapping from what a column
        means to what it is called, ``{"code": "NAICS", "name": "Title", "parent": "Parent"}``.
    language
        For ``skos``: the language of names and descriptions; where it lacks, one without language, English, or any.
    encoding
        None for UTF-8 (UTF-16 where the file says so).
    delimiter
        None to find it in the header.
    sort
        Order siblings by name instead of as in the file.

    Raises
    ------
    TaxonomyError
        With all faults of the file at once, each with its row.
    MissingExtraError
        The format is ``skos`` and rdflib is not installed.
    """
    options = Options(source_name(source), separator, columns, language, delimiter)
    read = read_draft(source, format, options, encoding)
    return read if isinstance(read, Taxonomy) else Taxonomy(build(read, sort=sort))


def read_draft(source: Source, format: str | None, options: Options, encoding: str | None = None) -> Draft | Taxonomy:
    """Give what a file holds, faults and all; a taxonomy where the file is a stored one."""
    suffix = Path(options.source).suffix.lower()
    name = _checked(format) if format is not None else None
    if isinstance(source, str | os.PathLike) and Path(source).is_dir():
        return _of_folder(Path(source))
    text = read_text(source, encoding)
    if not text.strip():
        raise TaxonomyError(f"{options.source} is empty. A taxonomy needs at least one node.")
    name = name or _BY_SUFFIX.get(suffix) or _by_content(text, suffix, options)
    if name == "json" and f'"{STORED}"' in text[:200]:
        return _stored(text, options.source)
    details = {"syntax": _SYNTAX.get(suffix), "delimiter": options.delimiter or ("\t" if suffix == ".tsv" else None)}
    return FORMATS[name].read(text, Options(**{**vars(options), **details}))


def _checked(name: str) -> str:
    if name not in FORMATS:
        raise TaxonomyError(f"There is no format {name!r}.{did_you_mean(name, FORMATS)} Formats: {', '.join(FORMATS)}.")
    return name


def _by_content(text: str, suffix: str, options: Options) -> str:
    if is_tsv(text):
        return "annif"
    if suffix == ".txt":
        return "indented" if "\n\t" in text else "lines"
    header = {name.casefold() for name in Table(text, options).header}
    if is_csv_header(header):
        return "annif"
    if isinstance(options.columns, Mapping):
        header |= set(options.columns)
    if {"code", "parent", "name"} <= header:
        return "codes"
    return "paths" if "path" in header else "levels"


def _of_folder(folder: Path) -> Taxonomy:
    """Give the taxonomy of a model's folder, or of a folder of arrays."""
    file, arrays = folder / "taxonomy.json", folder / "taxonomy.arrays"
    if file.is_file():
        return _stored(read_text(file, None), str(file))
    for one in (arrays, folder):
        if (one / ABOUT).is_file():
            return Taxonomy.from_arrays(one)
    raise TaxonomyError(
        f"{folder} is a folder, and neither a model's nor a taxonomy's: there is no taxonomy.json, taxonomy.arrays or "
        f"{ABOUT} in it. Name the taxonomy's file."
    )


def _stored(text: str, source: str) -> Taxonomy:
    try:
        return Taxonomy.from_dict(json.loads(text))
    except (json.JSONDecodeError, RecursionError) as error:
        raise TaxonomyError(f"{source} is not complete JSON ({error}).") from error
    except TaxonomyError as error:
        raise TaxonomyError(f"{source}: {error}") from error


def write_taxonomy(
    taxonomy: Taxonomy,
    target: Source,
    *,
    format: str | None = None,
    separator: str = DEFAULT_SEPARATOR,
    language: str | None = None,
    overwrite: bool = False,
) -> None:
    """Write a taxonomy to a file that `read_taxonomy` reads back. A failed write leaves nothing behind.

    Parameters
    ----------
    taxonomy
        What to write. A DAG goes into ``codes`` or ``skos``; the others hold trees.
    target
        A file name, or a file open for writing text.
    format
        As in `read_taxonomy`; None to choose by suffix (``.csv`` and ``.tsv``: ``codes``, ``.txt``: ``indented``).
        ``codes``, ``yaml``, ``json`` and ``skos`` keep everything; ``paths``, ``levels`` and ``indented`` leave out
        codes, ``lines`` descriptions too. ``skos`` orders siblings by code.
    separator
        For ``paths`` and ``lines``: what to put between two names.
    language
        For ``skos``: the language tag of names and descriptions.
    overwrite
        Replace the file where it exists.

    Raises
    ------
    TaxonomyError
        The target exists or cannot be written, or the format cannot hold this taxonomy (a DAG, a name with the
        separator, a line break in indented text, too many levels).
    """
    source = source_name(target)
    suffix = Path(source).suffix.lower()
    name = _checked(format) if format is not None else _by_suffix(source, suffix)
    if not FORMATS[name].holds_dags and not taxonomy.is_tree:
        raise TaxonomyError(
            f"The taxonomy has nodes with several parents, which {name} cannot hold. Write codes or skos."
        )
    options = Options(source, separator, None, language, "\t" if suffix == ".tsv" else None, _SYNTAX.get(suffix))
    write_text(target, lambda file: FORMATS[name].write(taxonomy, file, options), overwrite=overwrite)


def _by_suffix(source: str, suffix: str) -> str:
    name = {".csv": "codes", ".tsv": "codes", ".txt": "indented", **_BY_SUFFIX}.get(suffix)
    if name is None:
        raise TaxonomyError(
            f"The format to write {source} in is not clear from its suffix. Say format=…: {', '.join(FORMATS)}."
        )
    return name
