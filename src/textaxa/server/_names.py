"""Names of nodes in other languages: tables and SKOS files in, the rows of an answer with labels out.

A node is known by its path or its code, and stays what it is: a name in another language stands beside it, as
``label``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textaxa.data import iterate_rows
from textaxa.errors import ConfigError
from textaxa.server._problems import Refused
from textaxa.taxonomy import Path as LabelPath
from textaxa.taxonomy import Taxonomy
from textaxa.taxonomy._formats import Options, read_text
from textaxa.taxonomy._formats._skos import names_by_language

if TYPE_CHECKING:
    from textaxa.server._served import Served

SKOS = {".ttl": "turtle", ".rdf": "xml", ".xml": "xml", ".nt": "nt"}
KEYS = ("path", "code")
LONGEST_LANGUAGE = 35
"""Characters of a language's name, as in BCP 47."""


@dataclass(frozen=True)
class Named:
    """The names of one taxonomy's nodes in one language, as far as they are known.

    Attributes
    ----------
    language
        As it was asked for.
    taxonomy
        The taxonomy.
    names
        Node to name.
    separator
        Between the names of a path.
    """

    language: str
    taxonomy: Taxonomy
    names: Mapping[int, str]
    separator: str = " > "

    def label(self, node: int) -> str:
        """Give the name of a node; its own one where there is no other."""
        return self.names.get(node) or self.taxonomy.path(node)[-1]

    def labels(self, path: Sequence[str]) -> list[str]:
        """Give the names along a path; a node that the taxonomy does not have keeps its own."""
        nodes = (self.taxonomy.find(tuple(path[: level + 1])) for level in range(len(path)))
        return [own if node is None else self.label(node) for own, node in zip(path, nodes, strict=True)]

    def rows(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Give answers with a ``label`` beside the path and name of every entry of ``paths``."""
        return [dict(row) | {"paths": [self._entry(entry) for entry in row.get("paths") or []]} for row in rows]

    def _entry(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        levels = entry.get("levels") or []
        labels = self.labels([level["name"] for level in levels])
        told = [dict(level) | {"label": label} for level, label in zip(levels, labels, strict=True)]
        return dict(entry) | {"label": self.separator.join(labels), "levels": told}


class Names:
    """All names in other languages that a service was given.

    Examples
    --------
    >>> Names({"de": {("path", "Games"): "Spiele"}}).all_languages
    ('de',)
    """

    def __init__(self, tables: Mapping[str, Mapping[tuple[str, str], str]]) -> None:
        self._tables = {language.lower(): dict(table) for language, table in tables.items()}
        self._made: dict[tuple[str, str, str], Named] = {}

    @classmethod
    def read(cls, files: Iterable[tuple[str, Path]]) -> "Names":
        """Read tables and SKOS files.

        Parameters
        ----------
        files
            Pairs of a language and its file: a table with the columns ``path`` or ``code``, and ``name``. With the
            language left empty: a table with one column a language, or a SKOS file with labels in several.

        Raises
        ------
        ConfigError
            A column is missing, or a language has no name.
        DataError, TaxonomyError
            A file cannot be read.
        """
        tables: dict[str, dict[tuple[str, str], str]] = {}
        for language, file in files:
            for found, names in _read(language, Path(file)).items():
                tables.setdefault(found.lower(), {}).update(names)
        return cls(tables)

    @property
    def all_languages(self) -> tuple[str, ...]:
        """The languages of which names were given."""
        return tuple(sorted(self._tables))

    def languages(self, served: "Served") -> tuple[str, ...]:
        """Give the languages in which at least one node of a model has a name."""
        return tuple(language for language in self.all_languages if self._named(served, language).names)

    def named(self, served: "Served", language: str) -> Named:
        """Give a model's names in a language; of ``de-AT``, those of ``de`` where there are no others.

        Raises
        ------
        Refused
            With status 422 and the languages that are known.
        """
        known = self.languages(served)
        wanted = language.lower()
        for one in (wanted, wanted.split("-")[0]):
            if one in known:
                return self._named(served, one)
        told = (
            f"Known: {', '.join(known)}." if known else "The service was given no names in other languages (--names)."
        )
        message = (
            f"Names in the language {language[:LONGEST_LANGUAGE]!r} are not known for the model {served.name!r}. {told}"
        )
        raise Refused(422, "unknown_language", message, where=["language"])

    def _named(self, served: "Served", language: str) -> Named:
        key = served.name, served.version, language
        if key not in self._made:
            old = [one for one in self._made if one[0] == served.name and one[1] != served.version]
            for one in old:
                self._made.pop(one, None)
            names = _nodes(served.taxonomy, self._tables[language], served.separator)
            self._made[key] = Named(language, served.taxonomy, names, served.separator)
        return self._made[key]


def _read(language: str, file: Path) -> dict[str, dict[tuple[str, str], str]]:
    if syntax := SKOS.get(file.suffix.lower()):
        found = names_by_language(read_text(file, None), Options(str(file), syntax=syntax))
        wanted = {language.lower()} if language else set(found)
        return {one: {("code", code): name for code, name in found.get(one, {}).items()} for one in wanted}
    with iterate_rows(str(file)) as stream:
        key = next((name for name in KEYS if name in stream.columns), None)
        languages = _columns(language, list(stream.columns), key, file)
        tables: dict[str, dict[tuple[str, str], str]] = {one: {} for one in languages}
        for _, row in stream:
            for one, column in languages.items():
                if (name := str(row.get(column) or "").strip()) and (cell := str(row.get(key or "") or "").strip()):
                    tables[one][key or "", cell] = name
    return tables


def _columns(language: str, columns: list[str], key: str | None, file: Path) -> dict[str, str]:
    """Give the column of each language."""
    if key is None:
        raise ConfigError(
            f"{str(file)!r} has no column 'path' or 'code', so it does not say which nodes its names are of. Its "
            f"columns are {', '.join(map(repr, columns))}. Name one of them so."
        )
    others = [name for name in columns if name not in KEYS]
    if language:
        column = next((name for name in ("name", language) if name in others), others[0] if len(others) == 1 else None)
        if column is None:
            raise ConfigError(f"{str(file)!r} has no column 'name' with the names in {language!r}. Name it so.")
        return {language: column}
    if not others or others == ["name"]:
        raise ConfigError(
            f"{str(file)!r} does not say which language its names are in. Write --names LANGUAGE={file}, or give the "
            "column the name of the language."
        )
    return {name: name for name in others}


def _nodes(taxonomy: Taxonomy, table: Mapping[tuple[str, str], str], separator: str) -> dict[int, str]:
    """Give the names by node; what the taxonomy does not have is left out."""
    codes: dict[str, int] = {}
    if taxonomy.codes is not None and any(kind == "code" for kind, _ in table):
        codes = {code: node for node, code in enumerate(taxonomy.codes)}
    found: dict[int, str] = {}
    for (kind, value), name in table.items():
        node = codes.get(value) if kind == "code" else taxonomy.find(_path(taxonomy, value, separator))
        if node is not None:
            found[node] = name
    return found


def _path(taxonomy: Taxonomy, value: str, separator: str) -> LabelPath:
    """Give a path of one string; a name that has the separator in it is found as it is."""
    if (value,) in taxonomy:
        return (value,)
    return tuple(name.strip() for name in f" {value} ".split(separator))
