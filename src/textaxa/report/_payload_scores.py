"""The numbers of the scores: overall, by level, by branch, by node, and the tiles of the tree map."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.evaluation import NodeTable
from textaxa.report._material import Material, cut, number, shown
from textaxa.taxonomy import Taxonomy

NODES = 3000
"""Nodes in the tables: a row takes some 250 bytes of the page. Those with the most texts come first."""

_OVERALL = {
    "path_accuracy": "Whole path right",
    "hierarchical.f1": "Hierarchical F1",
    "nodes.macro_f1_supported": "Macro-F1 over nodes with texts",
    "mistake_severity": "Mistake severity",
}

_LEVEL = ("accuracy", "micro_f1", "macro_f1")


def overall(material: Material) -> list[dict[str, Any]]:
    """Give the scores over all texts: of the model, and of the references beside it."""
    references = {name: one.values() for name, one in material.references.items()}
    return [
        _score(material, name)
        | {"title": title, "references": {who: number(values[name]) for who, values in references.items()}}
        for name, title in _OVERALL.items()
    ]


def levels(material: Material) -> list[dict[str, Any]]:
    """Give the scores of every level."""
    return [
        {"level": one.level, "n": one.n} | {name: _score(material, f"levels.{one.level}.{name}") for name in _LEVEL}
        for one in material.evaluation.levels
    ]


def _score(material: Material, name: str) -> dict[str, Any]:
    ends = (material.evaluation.intervals or {}).get(name)
    return {
        "name": name,
        "value": number(material.evaluation.values()[name]),
        "interval": None if ends is None else [number(end) for end in ends],
    }


def branch_of_nodes(taxonomy: Taxonomy) -> NDArray[np.int64]:
    """Give the top-level node above every node (of the canonical path), shape (N,)."""
    found = np.arange(len(taxonomy))
    for level in range(2, taxonomy.n_levels + 1):
        nodes = taxonomy.level(level)
        found[nodes] = found[taxonomy.parent[nodes]]
    return found


def branches(material: Material, table: NodeTable) -> dict[str, Any]:
    """Give the scores of every branch with its nodes.

    Returns
    -------
    ``rows``: the top-level nodes that are true or predicted in some text, those with the most texts first, each with
    the rows of its nodes. ``left_out``: nodes that are in no row; ``untested``: how many of all have no text.
    """
    taxonomy = material.taxonomy
    seen = (table.support > 0) | (table.predicted > 0)
    chosen = np.flatnonzero(seen)
    chosen = np.sort(chosen[np.argsort(-table.support[chosen], kind="stable")[:NODES]])
    branch = branch_of_nodes(taxonomy)
    right = _whole_path_right(material, branch)
    rows = []
    for top in chosen[taxonomy.depth[chosen] == 1].tolist():
        below = chosen[(branch[chosen] == top) & (chosen != top)]
        nodes = [_node_row(table, node) for node in below[np.lexsort((below, -table.support[below]))].tolist()]
        rows.append({**_node_row(table, top), "whole_path": right.get(top), "nodes": nodes})
    return {
        "rows": sorted(rows, key=lambda row: -row["support"]),
        "left_out": int(seen.sum()) - len(chosen),
        "untested": int((table.support == 0).sum()),
        "nodes": len(taxonomy),
    }


def _node_row(table: NodeTable, node: int) -> dict[str, Any]:
    row = {
        "node": node,
        "path": shown(table.path[node]),
        "name": cut(table.path[node][-1], 60),
        "support": int(table.support[node]),
        "predicted": int(table.predicted[node]),
    }
    for name in ("precision", "recall", "f1"):
        row[name] = number(getattr(table, name)[node])
    if not table.predicted[node]:
        row["precision"] = None  # of no answer, none was right or wrong
    if not table.support[node]:
        row["recall"] = None
    low, high = (table.intervals or {}).get("f1", (None, None))
    row["interval"] = None if low is None or high is None else [number(low[node]), number(high[node])]
    return row


def _whole_path_right(material: Material, branch: NDArray[np.int64]) -> dict[int, float | None]:
    """Give the share of each branch's texts whose answer is exactly the true one."""
    taxonomy = material.taxonomy
    count, hits = np.zeros(len(taxonomy)), np.zeros(len(taxonomy))
    for true, right in zip(material.true, material.is_right.tolist(), strict=True):
        tops = list({int(branch[node]) for node in true})
        count[tops] += 1
        hits[tops] += right
    found = np.divide(hits, count, out=np.full(len(count), np.nan), where=count > 0)
    return {int(top): number(found[top]) for top in np.flatnonzero(count)}


def tiles(material: Material, table: NodeTable) -> list[dict[str, Any]]:
    """Give the branches and the nodes right below them that have texts, for the tree map."""
    taxonomy, found = material.taxonomy, []
    exact = _exact_f1(material)
    for top in taxonomy.level(1).tolist():
        if table.support[top]:
            below = [node for node in taxonomy.children.row(top).tolist() if table.support[node]]
            own = int(table.support[top] - table.support[below].sum())
            children = [_tile(table, node, top) for node in below]
            if below and own > 0:  # labels that end at the branch itself
                own_tile = {"name": "(ends here)", "support": own, "f1": number(exact[top])}
                children.append(_tile(table, top, top) | own_tile)
            found.append(_tile(table, top, top) | ({"children": children} if children else {}))
    return found


def _exact_f1(material: Material) -> NDArray[np.float64]:
    """Give the F1 of every node as the end of a path, shape (N,): what is below it does not count."""
    n = len(material.taxonomy)
    shared = [set(a) & set(b) for a, b in zip(material.true, material.predicted, strict=True)]
    true, predicted, right = (_counted(rows, n) for rows in (material.true, material.predicted, shared))
    either = true + predicted
    found: NDArray[np.float64] = np.divide(2 * right, either, out=np.zeros(n), where=either > 0)
    return found


def _counted(rows: Iterable[Iterable[int]], n: int) -> NDArray[np.int64]:
    return np.bincount(np.fromiter((node for row in rows for node in row), np.int64), minlength=n)


def _tile(table: NodeTable, node: int, branch: int) -> dict[str, Any]:
    return {
        "name": cut(table.path[node][-1], 40),
        "path": shown(table.path[node]),
        "support": int(table.support[node]),
        "f1": number(table.f1[node]),
        "branch": branch,
    }
