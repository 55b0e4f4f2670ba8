"""``skos``: RDF with SKOS concepts (Turtle, RDF/XML, N-Triples), as thesauri and statistics offices publish.

``broader`` and ``narrower`` are the edges (several broader concepts make a DAG), ``prefLabel`` the name, ``definition``
or else ``scopeNote`` the description, ``notation`` the code where every concept has one of its own, else the URI.
Siblings come in the order of their codes. Needs rdflib, the extra ``skos``.
"""

import re
from typing import IO, Any
from urllib.parse import quote

from textaxa._extras import require
from textaxa.errors import TaxonomyError
from textaxa.taxonomy._draft import Draft, NodeRecord, draft_records
from textaxa.taxonomy._formats._format import Options, refuse_outer_spaces
from textaxa.taxonomy._taxonomy import Taxonomy

_BASE = "urn:textaxa:concept:"
_SCHEME = "urn:textaxa:scheme"
_ENTITY = re.compile(r"<!ENTITY\s+([^>]*)>?")
_URI = re.compile(r"(?:https?://|urn:)[^\s<>\"{}|\\^`]+")
_HARMLESS = re.compile(r"""[\w.-]+\s+("[^"&%<]{0,1000}"|'[^'&%<]{0,1000}')\s*""")
_TERMINAL = "urn:textaxa:terminal"
"""Said of inner concepts at which a label may end; SKOS has no word for it."""


def read(text: str, options: Options, *, by_uri: bool = False) -> Draft:
    """Draft the tree or DAG of an RDF text.

    Parameters
    ----------
    by_uri
        Take URIs for codes whatever notations there are, leave out deprecated concepts and let labels end everywhere:
        the way of `textaxa.taxonomy._formats._annif`.
    """
    graph = _parse(text, options)
    skos = _skos()
    concepts = _concepts(graph, skos)
    if by_uri:
        concepts -= _deprecated(graph)
    if not concepts:
        raise TaxonomyError(f"{options.source}: there are no SKOS concepts. Is it SKOS, and complete?")
    codes = {concept: str(concept) for concept in concepts} if by_uri else _codes(graph, skos, concepts)
    broader = _broader(graph, skos)
    if by_uri:
        broader = {concept: parents & concepts for concept, parents in broader.items()}
    records, faults = [], Draft()
    for concept in sorted(concepts, key=lambda concept: natural(codes[concept])):
        name = _text(graph, concept, skos.prefLabel, options.language)
        if not name:
            faults.fault("no-label", f"The concept {concept} has no prefLabel.")
        parents = sorted((codes.get(parent, str(parent)) for parent in broader.get(concept, ())), key=natural)
        description = _text(graph, concept, skos.definition, options.language) or _text(
            graph, concept, skos.scopeNote, options.language
        )
        is_end = by_uri or _said_terminal(graph, concept)
        records.append(NodeRecord(codes[concept], tuple(parents), name or str(concept), description, is_end or None))
    draft = draft_records(records, source=options.source)
    draft.faults[:0] = faults.faults
    draft.rows = None
    return draft


def names_by_language(text: str, options: Options) -> dict[str, dict[str, str]]:
    """Give the prefLabels of an RDF text: language to code to name. Those without a language are left out."""
    graph = _parse(text, options)
    skos = _skos()
    concepts = _concepts(graph, skos)
    names: dict[str, dict[str, str]] = {}
    for concept, code in _codes(graph, skos, concepts).items():
        for literal in sorted(graph.objects(concept, skos.prefLabel), key=str):
            language = (getattr(literal, "language", None) or "").lower()
            if language and str(literal).strip():
                names.setdefault(language, {}).setdefault(code, str(literal).strip())
    return names


def _parse(text: str, options: Options) -> Any:
    graph = require("rdflib", extra="skos").Graph()
    syntax = options.syntax or ("xml" if text.lstrip().startswith(("<?xml", "<rdf:", "<!DOCTYPE")) else "turtle")
    if syntax == "xml":
        _refuse_entities(text, options.source)
    try:
        graph.parse(data=text, format=syntax, publicID="urn:textaxa:document")
    except Exception as error:  # every rdflib parser raises errors of its own, without a common base
        reason = " ".join(str(error).split())[:300]
        raise TaxonomyError(f"{options.source} cannot be read as RDF ({syntax}): {reason}") from error
    return graph


def _refuse_entities(text: str, source: str) -> None:
    """Let only short plain entities through, as for namespaces; nested ones multiply, external ones read files."""
    for declared in _ENTITY.findall(text):
        if not _HARMLESS.fullmatch(declared):
            raise TaxonomyError(
                f"{source} cannot be read as RDF: its XML entity {declared[:60]!r} refers to others or to a file, "
                "or is very long. Write it out."
            )


def _skos() -> Any:
    return require("rdflib.namespace", extra="skos").SKOS


def _concepts(graph: Any, skos: Any) -> set[Any]:
    rdf_type = require("rdflib.namespace", extra="skos").RDF.type
    typed = set(graph.subjects(rdf_type, skos.Concept))
    linked = {subject for edge in (skos.broader, skos.narrower) for subject in graph.subjects(edge, None)}
    named = {target for edge in (skos.broader, skos.narrower) for target in graph.objects(None, edge)}
    return typed | linked | {target for target in named if (target, skos.prefLabel, None) in graph}


def _codes(graph: Any, skos: Any, concepts: set[Any]) -> dict[Any, str]:
    notations = {concept: str(graph.value(concept, skos.notation, any=True) or "").strip() for concept in concepts}
    if all(notations.values()) and len(set(notations.values())) == len(concepts):
        return notations
    return {concept: str(concept) for concept in concepts}


def _broader(graph: Any, skos: Any) -> dict[Any, set[Any]]:
    broader: dict[Any, set[Any]] = {}
    for child, parent in graph.subject_objects(skos.broader):
        broader.setdefault(child, set()).add(parent)
    for parent, child in graph.subject_objects(skos.narrower):
        broader.setdefault(child, set()).add(parent)
    return broader


def _deprecated(graph: Any) -> set[Any]:
    owl = require("rdflib.namespace", extra="skos").OWL
    return {concept for concept, said in graph.subject_objects(owl.deprecated) if str(said).lower() in ("true", "1")}


def _text(graph: Any, concept: Any, kind: Any, language: str | None) -> str:
    """Give the literal in the wanted language; else without language, in English, or in the first language there is."""
    literals = [literal for literal in graph.objects(concept, kind) if str(literal).strip()]
    if not literals:
        return ""
    return str(min(literals, key=lambda literal: (_rank(literal, language), str(literal)))).strip()


def _rank(literal: Any, language: str | None) -> tuple[int, str]:
    tongue = (getattr(literal, "language", None) or "").lower()
    wanted = (language or "").lower()
    if wanted and (tongue == wanted or tongue.startswith(f"{wanted}-")):
        return (0 if tongue == wanted else 1), tongue
    if not tongue:
        return 2, tongue
    return (3 if tongue.split("-")[0] == "en" else 4), tongue


def _said_terminal(graph: Any, concept: Any) -> bool:
    value = graph.value(concept, require("rdflib", extra="skos").URIRef(_TERMINAL), any=True)
    return value is not None and str(value) == "true"


def natural(code: str) -> tuple[tuple[int, int, str], ...]:
    """Give a key by which 2 comes before 10, and 1.2 before 1.10."""
    pieces = re.findall(r"[0-9]+|[^0-9]+", code)
    # Numbers compare by their number of digits first: int() refuses very long ones.
    return tuple(
        (0, len(piece.lstrip("0")), piece.lstrip("0")) if piece[0] in "0123456789" else (1, 0, piece)
        for piece in pieces
    )


def write(taxonomy: Taxonomy, file: IO[str], options: Options) -> None:
    """Write every node as a concept; nodes without codes are numbered from 1."""
    refuse_outer_spaces(taxonomy)
    rdflib = require("rdflib", extra="skos")
    skos, rdf_type = _skos(), require("rdflib.namespace", extra="skos").RDF.type
    graph, scheme = rdflib.Graph(), rdflib.URIRef(_SCHEME)
    graph.add((scheme, rdf_type, skos.ConceptScheme))
    codes = taxonomy.codes or tuple([str(number) for number in range(1, len(taxonomy) + 1)])
    # Codes that are URIs stay what they are: others know the concepts by them.
    are_uris = all(_URI.fullmatch(code) for code in codes)
    concepts = [rdflib.URIRef(code if are_uris else _BASE + quote(code, safe="")) for code in codes]
    language = options.language
    for node, concept in enumerate(concepts):
        graph.add((concept, rdf_type, skos.Concept))
        graph.add((concept, skos.inScheme, scheme))
        if not are_uris:
            graph.add((concept, skos.notation, rdflib.Literal(codes[node])))
        graph.add((concept, skos.prefLabel, rdflib.Literal(taxonomy.names[node], lang=language)))
        if taxonomy.descriptions[node]:
            graph.add((concept, skos.definition, rdflib.Literal(taxonomy.descriptions[node], lang=language)))
        for parent in taxonomy.parents.row(node).tolist():
            graph.add((concept, skos.broader, concepts[parent]))
        if taxonomy.depth[node] == 1:
            graph.add((concept, skos.topConceptOf, scheme))
        if taxonomy.is_terminal[node] and not taxonomy.is_leaf[node]:
            graph.add((concept, rdflib.URIRef(_TERMINAL), rdflib.Literal("true")))
    file.write(graph.serialize(format=options.syntax or "turtle"))
