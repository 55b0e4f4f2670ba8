"""``annif``: the vocabularies of Annif: TSV, CSV with a column a language, and SKOS whose codes are the concepts' URIs.

Documents name their subjects by URI, so URIs are the codes here, and a label may end at every node, as every concept
can be a subject. TSV and CSV have no hierarchy: all nodes lie on one level; what has no label is deprecated and left
out. In SKOS deprecated concepts are left out, too.

Source: "Subject vocabulary formats" in the wiki of Annif; compared with what Annif 1.4 reads.
"""

from collections.abc import Iterator
from typing import IO

from textaxa.errors import TaxonomyError
from textaxa.taxonomy._draft import Draft, NodeRecord, draft_records
from textaxa.taxonomy._formats import _skos
from textaxa.taxonomy._formats._format import Options, refuse_outer_spaces
from textaxa.taxonomy._formats._table import Table
from textaxa.taxonomy._taxonomy import Taxonomy

_LABEL = "label_"
_RDF = ("<?xml", "<rdf:", "<!DOCTYPE", "@prefix", "@base", "PREFIX", "BASE", "#")


def is_tsv(text: str) -> bool:
    """Tell whether a file's first line is a subject, ``<URI>`` and a tab."""
    first = text.lstrip("\ufeff \r\n").split("\n", 1)[0]
    return first.startswith("<") and ">\t" in first


def is_csv_header(header: set[str]) -> bool:
    """Tell whether a header, in lower case, is that of a vocabulary."""
    return "uri" in header and any(name.startswith(_LABEL) for name in header)


def read(text: str, options: Options) -> Draft:
    """Draft a vocabulary in any of its three forms."""
    if options.syntax or (text.lstrip().startswith(_RDF) and not is_tsv(text)):
        return _skos.read(text, options, by_uri=True)
    first = text.lstrip().split("\n", 1)[0].casefold()
    faults = Draft()
    records = list(_of_csv(text, options, faults) if "uri" in first and _LABEL in first else _of_tsv(text, faults))
    if not records and not faults.faults:
        raise TaxonomyError(f"{options.source}: there are no subjects. A line is a URI in <>, a tab, and a label.")
    draft = draft_records(records, source=options.source)
    draft.faults[:0] = faults.faults
    return draft


def _of_tsv(text: str, faults: Draft) -> Iterator[NodeRecord]:
    for row, line in enumerate(text.split("\n"), start=1):
        uri, *about = (cell.strip() for cell in line.strip("\r").split("\t"))
        if (not uri and not any(about)) or (not about and bare(uri) != uri):
            continue
        if not uri or not about:
            faults.fault("bad-path", f"Row {row} is not a URI, a tab and a label: {line.strip()[:60]!r}.", row)
        elif about[0]:
            yield NodeRecord(bare(uri), (), about[0], terminal=True, row=row)


def _of_csv(text: str, options: Options, faults: Draft) -> Iterator[NodeRecord]:
    table = Table(text, options)
    folded = [name.casefold() for name in table.header]
    labels = {name.removeprefix(_LABEL): at for at, name in enumerate(folded) if name.startswith(_LABEL)}
    wanted = (options.language or "").casefold()
    order = sorted(labels, key=lambda language: (language != wanted, language != "en"))
    for row, cells in table.rows(faults):
        name = next((cells[labels[language]] for language in order if cells[labels[language]]), "")
        if name:
            yield NodeRecord(bare(cells[folded.index("uri")]), (), name, terminal=True, row=row)


def bare(uri: str) -> str:
    """Give a URI without the angle brackets around it."""
    return uri[1:-1] if uri.startswith("<") and uri.endswith(">") else uri


def write(taxonomy: Taxonomy, file: IO[str], options: Options) -> None:  # noqa: ARG001 - as every writer
    """Write a line a node: its code as URI, a tab, its name; nodes without codes are numbered from 1.

    Raises
    ------
    TaxonomyError
        There is more than one level, which a list cannot hold.
    """
    refuse_outer_spaces(taxonomy)
    if taxonomy.n_levels > 1:
        raise TaxonomyError(
            f"The taxonomy has {taxonomy.n_levels} levels, and Annif's list of subjects has none. Write it as "
            "format='skos', which Annif reads, too."
        )
    codes = taxonomy.codes or tuple(f"urn:textaxa:concept:{number}" for number in range(1, len(taxonomy) + 1))
    for code, name in zip(codes, taxonomy.names, strict=True):
        if any(sign in code + name for sign in "\t\n\r"):
            raise TaxonomyError(f"{name!r} cannot stand on one line of a TSV. Write it as format='skos'.")
        file.write(f"<{code}>\t{name}\n")
