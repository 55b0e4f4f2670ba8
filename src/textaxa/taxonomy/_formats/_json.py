"""JSON as plain values that remember repeated keys, and nested nodes as JSON."""

import json
from typing import IO, Any

from textaxa.errors import TaxonomyError
from textaxa.taxonomy._taxonomy import Taxonomy


class Mapping(dict[Any, Any]):
    """A mapping that also knows its entries in order, with the repeated keys that a dict forgets."""

    def __init__(self, pairs: list[tuple[Any, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = pairs


def parse_json(text: str, source: str) -> Any:
    """Give the values of a JSON text; objects are `Mapping`."""
    try:
        return json.loads(text, object_pairs_hook=Mapping)
    except json.JSONDecodeError as error:
        raise TaxonomyError(
            f"{source}: row {error.lineno} is not JSON ({error.msg}, character {error.colno})."
        ) from error
    except RecursionError as error:
        raise TaxonomyError(f"{source}: the JSON is nested too deep to be read. Use a codes CSV.") from error


def write_json(taxonomy: Taxonomy, file: IO[str], *, full: bool) -> None:
    """Write nested nodes; ``full`` as objects with all that is known of a node, else as a mapping of names."""
    root = _objects(taxonomy) if full else _mapping(taxonomy)
    file.write(json.dumps(root, indent=2, ensure_ascii=False))
    file.write("\n")


def _mapping(taxonomy: Taxonomy) -> dict[str, Any]:
    root: dict[str, Any] = {}
    holders: dict[int, dict[str, Any]] = {-1: root}
    leaf = taxonomy.is_leaf.tolist()
    for node, (name, parent) in enumerate(zip(taxonomy.names, taxonomy.parent.tolist(), strict=True)):
        if leaf[node]:
            holders[parent][name] = taxonomy.descriptions[node] or None
        else:
            holders[parent][name] = holders[node] = {}
    return root


def _objects(taxonomy: Taxonomy) -> list[dict[str, Any]]:
    objects = [about(taxonomy, node) for node in range(len(taxonomy))]
    top: list[dict[str, Any]] = []
    for node, parent in enumerate(taxonomy.parent.tolist()):
        (objects[parent].setdefault("children", []) if parent >= 0 else top).append(objects[node])
    return top


def about(taxonomy: Taxonomy, node: int) -> dict[str, Any]:
    """Give what there is to say about one node, without its children."""
    said: dict[str, Any] = {"name": taxonomy.names[node]}
    if taxonomy.codes is not None:
        said["code"] = taxonomy.codes[node]
    if taxonomy.descriptions[node]:
        said["description"] = taxonomy.descriptions[node]
    if taxonomy.is_terminal[node] and not taxonomy.is_leaf[node]:
        said["terminal"] = True
    return said
