"""What a format offers: a reader that makes a draft of text, a writer that makes text of a taxonomy."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

import numpy as np

from textaxa.errors import TaxonomyError
from textaxa.taxonomy._draft import Draft
from textaxa.taxonomy._paths import DEFAULT_SEPARATOR
from textaxa.taxonomy._taxonomy import Taxonomy

Columns = Sequence[str] | Mapping[str, str]


@dataclass(frozen=True)
class Options:
    """How to read or write a file, beyond its format."""

    source: str = "the taxonomy"
    separator: str = DEFAULT_SEPARATOR
    columns: Columns | None = None
    language: str | None = None
    delimiter: str | None = None
    syntax: str | None = None


@dataclass(frozen=True)
class Format:
    """One way to keep a taxonomy in a file."""

    name: str
    read: Callable[[str, Options], Draft]
    write: Callable[[Taxonomy, IO[str], Options], None]
    holds_dags: bool


def preorder(taxonomy: Taxonomy) -> Iterator[int]:
    """Give every node of a tree after its parent and before its next sibling; reading them back keeps sibling order."""
    stack = taxonomy.level(1)[::-1].tolist()
    while stack:
        node = stack.pop()
        yield node
        stack.extend(taxonomy.children.row(node)[::-1].tolist())


def says_terminal(taxonomy: Taxonomy) -> bool:
    """Whether a file must say at which inner nodes labels may end (leaves go without saying)."""
    return bool(np.any(taxonomy.is_terminal & ~taxonomy.is_leaf))


def refuse_outer_spaces(taxonomy: Taxonomy) -> None:
    """Refuse names whose outer spaces a reader would take off."""
    for name in taxonomy.names:
        if name != name.strip():
            raise TaxonomyError(
                f"The name {name!r} begins or ends with space, which would be lost in a file. Rename the node first."
            )


TRUE = frozenset({"yes", "true", "1", "y", "x"})
FALSE = frozenset({"no", "false", "0", "n"})


def as_terminal(value: str) -> bool | None:
    """Give what a ``terminal`` cell says; None where it is empty. ValueError where it is neither."""
    folded = value.strip().casefold()
    if not folded:
        return None
    if folded in TRUE:
        return True
    if folded in FALSE:
        return False
    raise ValueError(f"{value!r} under terminal is neither yes nor no")
