"""YAML as plain values, safe against hostile files; and nested nodes as YAML.

Read from the parser's events instead of through ``safe_load``, for four reasons: names stay the text that stands in
the file (``No`` and ``2017`` are names, not False and a number); repeated keys are seen; every name knows its row; and
depth needs no recursion, and is bounded. Anchors, aliases and tags are refused, so nothing is built or multiplied.
"""

import json
import re
from typing import IO, Any

import yaml

from textaxa.errors import TaxonomyError
from textaxa.taxonomy._formats._format import preorder
from textaxa.taxonomy._formats._json import Mapping, about
from textaxa.taxonomy._taxonomy import Taxonomy

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_PLAIN = re.compile(r"[^\W\d_][^\W_]*(?:[ ][^\W_]+)*")
_WORDS = frozenset({"yes", "no", "true", "false", "null", "on", "off", "y", "n"})
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_DEEPEST = 1_000
"""Collections inside collections. The parser's time grows with the square of the depth: minutes at 100,000."""

_LONGEST_KEY = 500
"""Characters of a name used as a key; YAML stops at 1,024 bytes."""


class Text(str):
    """A text that knows its row."""

    __slots__ = ("row",)
    row: int | None


def parse_yaml(text: str, source: str) -> Any:
    """Give the values of a YAML text: `Mapping`, lists, `Text` and None."""
    builder = _Builder(source)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        place = f"row {_row(error.problem_mark)}" if error.problem_mark else "the file"
        raise TaxonomyError(f"{source}: {place} is not YAML ({error.problem}).") from error
    except yaml.YAMLError as error:
        raise TaxonomyError(f"{source} is not YAML ({' '.join(str(error).split())}).") from error
    return builder.root


class _Builder:
    """Values from parser events, with a stack of open collections."""

    def __init__(self, source: str) -> None:
        self.root: Any = None
        self._source = source
        self._open: list[list[Any]] = []
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        row = _row(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise TaxonomyError(
                    f"{self._source}: row {row} begins a second YAML document. Keep one taxonomy a file."
                )
        elif anchor := getattr(event, "anchor", None):
            raise TaxonomyError(
                f"{self._source}: row {row} has a YAML anchor or alias ({anchor!r}), which is not read. Write it out; "
                "a node with several parents belongs in a codes CSV."
            )
        elif isinstance(event, yaml.NodeEvent):
            self._node(event, row)
        elif isinstance(event, yaml.SequenceEndEvent):
            self._put(self._open.pop())
        elif isinstance(event, yaml.MappingEndEvent):
            flat = self._open.pop()
            self._put(Mapping(list(zip(map(self._key, flat[::2]), flat[1::2], strict=True))))

    def _node(self, event: Any, row: int) -> None:
        if event.tag not in {None, "!", "tag:yaml.org,2002:str"}:
            raise TaxonomyError(
                f"{self._source}: row {row} has the YAML tag {event.tag!r}, which is not read. Leave it out."
            )
        if isinstance(event, yaml.ScalarEvent):
            self._put(_scalar(event, row))
        elif len(self._open) == _DEEPEST:
            raise TaxonomyError(
                f"{self._source}: row {row} nests deeper than {_DEEPEST} brackets or indents. Use a codes CSV."
            )
        else:
            self._open.append([])

    def _put(self, value: Any) -> None:
        if self._open:
            self._open[-1].append(value)
        else:
            self.root = value

    def _key(self, key: Any) -> Text:
        if isinstance(key, Text):
            return key
        raise TaxonomyError(f"{self._source}: a YAML key is {'empty' if key is None else 'a collection'}, not a name.")


def _row(mark: Any) -> int:
    return int(mark.line) + 1


def _scalar(event: Any, row: int) -> Text | None:
    if event.implicit[0] and event.value in _NULL:
        return None
    text = Text(event.value)
    text.row = row
    return text


def write_yaml(taxonomy: Taxonomy, file: IO[str], *, full: bool) -> None:
    """Write nested nodes; ``full`` as a list of objects, else as a mapping of names."""
    full = full or max(map(len, taxonomy.names)) > _LONGEST_KEY
    leaf, depth = taxonomy.is_leaf.tolist(), taxonomy.depth.tolist()
    for node in preorder(taxonomy):
        indent = "  " * (depth[node] - 1)
        if full:
            _write_object(taxonomy, node, file, indent * 2, has_children=not leaf[node])
        else:
            description = taxonomy.descriptions[node]
            file.write(f"{indent}{_quoted(taxonomy.names[node])}:{' ' + _quoted(description) if description else ''}\n")


def _write_object(taxonomy: Taxonomy, node: int, file: IO[str], indent: str, *, has_children: bool) -> None:
    lead = f"{indent}- "
    for key, value in about(taxonomy, node).items():
        file.write(f"{lead}{key}: {'true' if value is True else _quoted(value)}\n")
        lead = f"{indent}  "
    if has_children:
        file.write(f"{lead}children:\n")


def _quoted(text: str) -> str:
    """Give a text as a YAML scalar that any YAML reader takes for a text."""
    if _PLAIN.fullmatch(text) and text.casefold() not in _WORDS:
        return text
    # JSON strings are YAML strings, but for a few characters that YAML wants escaped.
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))
