"""``yaml`` and ``json``: nodes inside nodes, in the short form or with everything said.

Short: a mapping of names to what lies below (a mapping, a list of names, a text that describes the leaf, or nothing).
Full: a list of objects with ``name`` and, where needed, ``code``, ``description``, ``terminal``, ``children``. Both
forms may be mixed. Keeps everything that trees have.
"""

from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from textaxa._suggest import nearest
from textaxa.errors import TaxonomyError
from textaxa.taxonomy._draft import END, INNER, TOP, UNKNOWN, Draft, in_row
from textaxa.taxonomy._formats._format import FALSE, TRUE, Options, refuse_outer_spaces, says_terminal
from textaxa.taxonomy._formats._json import parse_json, write_json
from textaxa.taxonomy._taxonomy import Taxonomy

_KEYS = ("name", "code", "description", "terminal", "children")
_DEEPEST = 200
"""Levels that the writers nest. JSON and YAML readers, ours and others', give up at several hundred brackets."""


def read_yaml(text: str, options: Options) -> Draft:
    """Draft the tree of nested YAML."""
    from textaxa.taxonomy._formats._yaml import parse_yaml  # noqa: PLC0415 - slow to import, and few files are YAML

    return _read(parse_yaml(text, options.source), options)


def read_json(text: str, options: Options) -> Draft:
    """Draft the tree of nested JSON."""
    return _read(parse_json(text, options.source), options)


def _read(value: Any, options: Options) -> Draft:
    reader = _Reader(options)
    if not isinstance(value, dict | list):
        raise TaxonomyError(f"{options.source}: nested nodes are a mapping or a list, not {_called(value)}.")
    stack: list[tuple[Any, int]] = [(value, TOP)]
    while stack:
        stack.extend(reader.read(*stack.pop()))
    reader.finish()
    return reader.draft


class _Reader:
    """Adds the children of one node at a time, so that depth needs no recursion."""

    def __init__(self, options: Options) -> None:
        self.draft = Draft(source=options.source, rows=[])
        self._codes: dict[int, str] = {}

    def read(self, value: Any, parent: int) -> Iterator[tuple[Any, int]]:
        """Add the nodes of ``value`` below ``parent``; give what lies below each of them."""
        if value is None:
            return
        if isinstance(value, dict):
            for name, below in _pairs(value):
                yield from self._entry(name, below, parent)
        elif isinstance(value, list):
            for item in value:
                yield from self._item(item, parent)
        else:
            self._fault("wrong-type", f"The children of {self._place(parent)} are {_called(value)}, not nodes", value)

    def _item(self, item: Any, parent: int) -> Iterator[tuple[Any, int]]:
        if isinstance(item, dict) and isinstance(item.get("name"), str):
            yield from self._object(item, parent)
        elif isinstance(item, dict):
            yield from self.read(item, parent)
        elif isinstance(item, str):
            self._add(item, parent)
        else:
            self._fault("wrong-type", f"Below {self._place(parent)} stands {_called(item)} where a name belongs", item)

    def _entry(self, name: Any, below: Any, parent: int) -> Iterator[tuple[Any, int]]:
        node = self._add(name, parent)
        if isinstance(below, str):
            self.draft.descriptions[node] = str(below).strip()
        else:
            yield below, node

    def _object(self, item: dict[str, Any], parent: int) -> Iterator[tuple[Any, int]]:
        node = self._add(item["name"], parent)
        seen = set()
        for key, value in _pairs(item):
            if key not in _KEYS:
                near = nearest(str(key), _KEYS)
                hint = f" (did you mean {near!r}?)" if near else ""
                self._fault("unknown-key", f"{self._place(node)} has the key {str(key)!r}{hint}", key)
            elif key in seen:
                self._fault("duplicate-key", f"{self._place(node)} has the key {str(key)!r} twice", key)
            elif key == "children":
                yield value, node
            elif value is not None:
                self._about(node, str(key), value)
            seen.add(str(key))

    def _about(self, node: int, key: str, value: Any) -> None:
        if key == "terminal":
            said = value if isinstance(value, bool) else _truth(value)
            if said is None:
                self._fault(
                    "terminal", f"The terminal of {self._place(node)} is {_called(value)}, neither yes nor no", value
                )
            else:
                self.draft.terminal[node] = END if said else INNER
        elif not isinstance(value, str):
            self._fault("wrong-type", f"The {key} of {self._place(node)} is {_called(value)}, not text", value)
        elif key == "code":
            self._codes[node] = value.strip()
        elif key == "description" and value.strip():
            self.draft.descriptions[node] = value.strip()

    def _add(self, name: str, parent: int) -> int:
        return self.draft.add(str(name).strip(), parent, terminal=UNKNOWN, row=getattr(name, "row", None))

    def _place(self, node: int) -> str:
        return "the root" if node == TOP else self.draft.label(node)

    def _fault(self, kind: str, message: str, value: Any) -> None:
        row = getattr(value, "row", None)
        self.draft.fault(kind, f"{message}{in_row(row)}.", row)

    def finish(self) -> None:
        """Take over the codes: all nodes have one of their own, or none has."""
        draft, codes = self.draft, self._codes
        if not codes:
            return
        owner: dict[str, int] = {}
        for node in range(len(draft.names)):
            code = codes.get(node, "")
            if not code:
                draft.fault("blank-code", f"{draft.label(node)} has no code, but other nodes have.", draft.row(node))
            elif owner.setdefault(code, node) != node:
                message = f"The code {code!r} of {draft.label(node)} is taken by {draft.label(owner[code])}."
                draft.fault("duplicate-code", message, draft.row(node))
        draft.codes = [codes.get(node, "") for node in range(len(draft.names))]


def _pairs(mapping: dict[Any, Any]) -> Iterator[tuple[Any, Any]]:
    """The entries of a mapping as they stand in the file, repeated keys included."""
    yield from getattr(mapping, "pairs", mapping.items())


def _truth(value: Any) -> bool | None:
    folded = value.strip().casefold() if isinstance(value, str) else ""
    return True if folded in TRUE else False if folded in FALSE else None


def _called(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return f"{value!r}" if not isinstance(value, str) else f"the text {str(value)!r}"


def write_nested_yaml(taxonomy: Taxonomy, file: IO[str], _: Options) -> None:
    """Write the nodes as YAML."""
    from textaxa.taxonomy._formats._yaml import write_yaml  # noqa: PLC0415 - as above

    _check(taxonomy, "yaml")
    write_yaml(taxonomy, file, full=_needs_full_form(taxonomy))


def write_nested_json(taxonomy: Taxonomy, file: IO[str], _: Options) -> None:
    """Write the nodes as JSON."""
    _check(taxonomy, "json")
    write_json(taxonomy, file, full=_needs_full_form(taxonomy))


def _check(taxonomy: Taxonomy, name: str) -> None:
    refuse_outer_spaces(taxonomy)
    if taxonomy.n_levels > _DEEPEST:
        raise TaxonomyError(
            f"The taxonomy has {taxonomy.n_levels} levels; {name} that nests deeper than {_DEEPEST} cannot be read by "
            "most programs. Write it as format='codes'."
        )


def _needs_full_form(taxonomy: Taxonomy) -> bool:
    described = np.fromiter(map(bool, taxonomy.descriptions), np.bool_, len(taxonomy))
    return taxonomy.codes is not None or says_terminal(taxonomy) or bool((described & ~taxonomy.is_leaf).any())
