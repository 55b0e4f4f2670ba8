"""Labels as positions in a taxonomy: what every trainer makes of paths first. In come paths, out go node ids."""

from collections.abc import Sequence

import numpy as np

from textaxa.errors import DataError
from textaxa.taxonomy import Path, Taxonomy, format_path


def label_nodes(taxonomy: Taxonomy, labels: Sequence[Sequence[Path]]) -> list[list[int]]:
    """Give the nodes of the paths of every row.

    Raises
    ------
    DataError
        A path is not in the taxonomy.
    """
    known: dict[Path, int] = {}  # labels repeat, and one look-up is cheaper than one a level
    nodes = []
    for row, paths in enumerate(labels):
        for path in paths:
            if path not in known:
                known[path] = _node(taxonomy, path, row)
        nodes.append([known[path] for path in paths])
    return nodes


def terminal_positions(taxonomy: Taxonomy, nodes: Sequence[Sequence[int]]) -> np.ndarray:
    """Give the position in ``taxonomy.terminals`` of the one node of every row, int64 (B,).

    Raises
    ------
    DataError
        A label ends at an inner node at which the taxonomy lets no label end.
    """
    position = np.full(len(taxonomy), -1, dtype=np.int64)
    position[taxonomy.terminals] = np.arange(len(taxonomy.terminals))
    found = np.array([position[row[0]] for row in nodes], dtype=np.int64)
    for row in np.flatnonzero(found < 0)[:1]:
        raise DataError(
            f"Row {row}: the label {format_path(taxonomy.path(nodes[row][0]))!r} ends at an inner node at which the "
            "taxonomy lets no label end. Give a deeper label, or allow that node as a terminal."
        )
    return found


def _node(taxonomy: Taxonomy, path: Path, row: int) -> int:
    node = taxonomy.find(path)
    if node is None:
        raise DataError(
            f"Row {row}: the label {format_path(path)!r} is not in the taxonomy. "
            "Add the node to the taxonomy, or correct the label."
        )
    return int(node)
