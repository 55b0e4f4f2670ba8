"""`check_taxonomy`: everything that is wrong or odd about a taxonomy, in one report.

Faults that keep a file from being a taxonomy are errors, each kind one finding with its rows. What can be used but is
probably not meant are warnings, what is worth knowing notes; those are looked for in `textaxa.taxonomy._oddities`.
"""

import os
from collections.abc import Iterable, Mapping
from typing import IO, Any

import numpy as np

from textaxa._report import Finding, Report, first_examples
from textaxa.errors import TaxonomyError
from textaxa.taxonomy._build import Graph
from textaxa.taxonomy._draft import END, INNER, TOP, Draft, NodeRecord, draft_records
from textaxa.taxonomy._faults import KINDS, Fault
from textaxa.taxonomy._files import read_draft
from textaxa.taxonomy._formats import Columns, Options, source_name
from textaxa.taxonomy._oddities import oddities
from textaxa.taxonomy._paths import DEFAULT_SEPARATOR, Path
from textaxa.taxonomy._taxonomy import Taxonomy

_LEVELS_SHOWN = 8
"""Levels whose number of nodes a report gives."""


def check_taxonomy(
    source: Taxonomy | str | os.PathLike[str] | IO[Any] | Iterable[NodeRecord],
    *,
    format: str | None = None,
    separator: str = DEFAULT_SEPARATOR,
    columns: Columns | None = None,
    language: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    counts: Mapping[Path, int] | None = None,
) -> Report:
    """Give everything that is wrong or odd about a taxonomy, a file or records, in one go.

    ======================  ========  ============================================================================
    finding                 severity  what
    ======================  ========  ============================================================================
    ``cycle``               error     nodes that are their own ancestors
    ``orphan``              error     parents that do not exist
    ``duplicate-sibling``   error     two children of one name
    …                       error     codes given twice, blank names, ragged rows, whatever else the format can break
    ``unknown-label``       error     texts (``counts``) at paths that are not in the taxonomy
    ``alike-siblings``      warning   siblings that differ only in case, spaces, punctuation width or Unicode form
    ``separator-in-name``   warning   names that would fall apart when a path is written in one line
    ``unsplit-paths``       warning   a flat taxonomy whose names look like whole paths
    ``odd-characters``      warning   control or invisible characters, outer or doubled spaces
    ``no-texts``            warning   nodes without texts (``counts``) at or below them
    ``only-child``          warning   nodes with one child at which no label ends: a level that decides nothing
    ``same-name``           note      one name in several branches: fine, nodes are known by their path
    ``repeated-row``        note      rows that say again what an earlier row said
    ======================  ========  ============================================================================

    Parameters
    ----------
    source
        A taxonomy, the name of a file or an open file, or records.
    format, columns, language, encoding, delimiter
        As in `read_taxonomy`, for files.
    separator
        What stands between the names of a path, in the file and in the report.
    counts
        How many texts end at each path, to find nodes without texts.

    Raises
    ------
    TaxonomyError
        The file cannot be read at all: it is not there, empty, in another encoding, or of another format.

    Examples
    --------
    >>> records = [NodeRecord("1", ("2",), "A"), NodeRecord("2", ("1",), "B"), NodeRecord("3", ("4",), "C")]
    >>> report = check_taxonomy(records)
    >>> [finding.kind for finding in report.errors]
    ['orphan', 'cycle']
    """
    options = Options("the taxonomy", separator, columns, language, delimiter)
    draft = _draft(source, format, options, encoding)
    if not draft.names and not draft.faults:
        raise TaxonomyError(f"{draft.source}: there are no nodes. A taxonomy needs at least one path.")
    graph = Graph(draft)
    faults = [*draft.faults, *graph.faults()]
    findings = [*_errors(faults), *oddities(graph, separator)]
    if counts is not None and not faults:
        findings += _texts(Taxonomy(graph.parts(sort=False)), counts, separator)
    return Report(draft.source, tuple(findings), _facts(graph))


def _draft(source: Any, format: str | None, options: Options, encoding: str | None) -> Draft:
    if isinstance(source, Taxonomy):
        return _as_draft(source, "the taxonomy")
    if isinstance(source, str | os.PathLike) or hasattr(source, "read"):
        named = Options(**{**vars(options), "source": source_name(source)})
        read = read_draft(source, format, named, encoding)
        return _as_draft(read, named.source) if isinstance(read, Taxonomy) else read
    return draft_records(source)


def _as_draft(taxonomy: Taxonomy, source: str) -> Draft:
    tops = np.flatnonzero(taxonomy.depth == 1)
    return Draft(
        source=source,
        names=list(taxonomy.names),
        children=[*tops.tolist(), *taxonomy.parents.row_ids.tolist()],
        parents=[*[TOP] * len(tops), *taxonomy.parents.indices.tolist()],
        descriptions={i: text for i, text in enumerate(taxonomy.descriptions) if text},
        terminal=np.where(taxonomy.is_terminal, END, INNER).tolist(),
        codes=list(taxonomy.codes) if taxonomy.codes is not None else None,
    )


def _errors(faults: list[Fault]) -> list[Finding]:
    """One finding for each kind of fault, in the order in which the kinds first came."""
    by_kind: dict[str, list[Fault]] = {}
    for fault in faults:
        by_kind.setdefault(fault.kind, []).append(fault)
    return [
        Finding(
            kind,
            "error",
            f"{KINDS[kind].headline} ({len(found)}).",
            len(found),
            first_examples(fault.message.rstrip(".") for fault in found),
            KINDS[kind].cure,
        )
        for kind, found in by_kind.items()
    ]


def _texts(taxonomy: Taxonomy, counts: Mapping[Path, int], separator: str) -> list[Finding]:
    own = np.zeros(len(taxonomy), dtype=np.int64)
    unknown = []
    for path, count in counts.items():
        node = taxonomy.find(path)
        if node is None:
            unknown.append(f"{separator.join(path)} ({count})")
        else:
            own[node] += count
    below = np.zeros(len(taxonomy), dtype=np.int64)
    np.add.at(below, taxonomy.ancestors.indices, np.repeat(own, taxonomy.ancestors.counts))
    empty = np.flatnonzero(below == 0).tolist()
    findings = []
    if unknown:
        message = f"Labels of the texts are not in the taxonomy ({len(unknown)})."
        advice = "Correct the labels, or add the nodes."
        findings.append(Finding("unknown-label", "error", message, len(unknown), first_examples(unknown), advice))
    if empty:
        message = f"Nodes have no texts at or below them ({len(empty)} of {len(taxonomy)})."
        advice = "Find texts for them, or leave them out: what has no example is learned from its name at best."
        shown = first_examples(separator.join(taxonomy.path(node)) for node in empty)
        findings.append(Finding("no-texts", "warning", message, len(empty), shown, advice))
    return findings


def _facts(graph: Graph) -> tuple[tuple[str, str], ...]:
    sizes = np.bincount(graph.depth)[1:].tolist()
    shown = " + ".join(f"{size:,}" for size in sizes[:_LEVELS_SHOWN]) + (" + …" if len(sizes) > _LEVELS_SHOWN else "")
    leaves = int((graph.kids.counts == 0).sum())
    return (
        ("nodes", f"{graph.n:,}"),
        ("levels", f"{len(sizes)} ({shown})" if sizes else "0"),
        ("leaves", f"{leaves:,}"),
        ("kind", "DAG" if graph.has_several_parents else "tree"),
    )
