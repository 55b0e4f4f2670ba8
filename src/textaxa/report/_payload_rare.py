"""How leaves with few training rows fare."""

from typing import Any

import numpy as np

from textaxa.evaluation import NodeTable
from textaxa.report._material import Material, number, shown

BANDS = (0, 1, 5, 10, 30, 100)
"""Training rows from which on a band begins."""

RARE = 30
"""Below this many training rows a node counts as rare: about where a few more rows still change much."""

SHOWN = 25


def rare_nodes(material: Material, table: NodeTable) -> dict[str, Any] | None:
    """Give scores by number of training rows, and the rare leaves with most missed texts; None without such numbers.

    Returns
    -------
    ``bands``: from, to (None: no end), nodes, texts and mean recall over the nodes with texts. ``rows``: the nodes.
    ``rare``: how many there are.
    """
    rows = material.training_rows
    if rows is None:
        return None
    nodes = np.flatnonzero(material.taxonomy.is_leaf)
    counts = rows[nodes]
    rare = nodes[counts < RARE]
    missed = table.support[rare] - table.right[rare]
    worst = rare[np.lexsort((rare, -table.support[rare], -missed))]
    return {
        "limit": RARE,
        "rare": len(rare),
        "of": len(nodes),
        "bands": _bands(table, nodes, counts),
        "rows": [_row(table, node, int(rows[node])) for node in worst[table.support[worst] > 0][:SHOWN].tolist()],
    }


def _bands(table: NodeTable, nodes: Any, counts: Any) -> list[dict[str, Any]]:
    band = np.searchsorted(BANDS, counts, side="right") - 1
    found = []
    for i, first in enumerate(BANDS):
        inside = nodes[band == i]
        tested = inside[table.support[inside] > 0]
        if len(inside):
            found.append(
                {
                    "from": first,
                    "to": BANDS[i + 1] - 1 if i + 1 < len(BANDS) else None,
                    "nodes": len(inside),
                    "texts": int(table.support[inside].sum()),
                    "recall": number(table.recall[tested].mean()) if len(tested) else None,
                    "f1": number(table.f1[tested].mean()) if len(tested) else None,
                }
            )
    return found


def _row(table: NodeTable, node: int, count: int) -> dict[str, Any]:
    return {
        "path": shown(table.path[node]),
        "rows": count,
        "support": int(table.support[node]),
        "recall": number(table.recall[node]),
        "precision": number(table.precision[node]) if table.predicted[node] else None,
        "f1": number(table.f1[node]),
    }
