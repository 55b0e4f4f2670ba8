"""Paths that come with a request: looked up in the taxonomy of the model that is asked."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textaxa.errors import TaxonomyError
from textaxa.server._problems import Refused
from textaxa.taxonomy import Path

if TYPE_CHECKING:
    from textaxa.server._served import Served


def known_path(served: "Served", names: Sequence[str], field: str) -> Path:
    """Give a path that the model's taxonomy has.

    Raises
    ------
    Refused
        With status 422 and the nearest name: there is no such node.
    """
    path = tuple(names)
    try:
        served.taxonomy.index(path)
    except TaxonomyError as error:
        raise Refused(422, "unknown_path", str(error), where=[field]) from error
    return path
