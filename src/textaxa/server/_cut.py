"""Answers down to a level: a row of the full path in, a row that ends where it was asked to end out."""

from typing import Any

ASKED = "depth asked"
"""Why a path that was cut does not go on."""


def cut(row: dict[str, Any], depth: int, separator: str) -> dict[str, Any]:
    """Give a row whose paths end at a level at the latest; each has the probability of the node at which it ends.

    Paths that are the same down to there become one.

    >>> levels = [{"name": "Games", "probability": 0.9}, {"name": "Sports", "probability": 0.6}]
    >>> path = {"path": "Games > Sports", "probability": 0.6, "levels": levels}
    >>> row = {"path": "Games > Sports", "probability": 0.6, "depth": 2, "stopped": "leaf", "paths": [path]}
    >>> found = cut(row, 1, " > ")
    >>> found["path"], found["probability"], found["depth"], found["stopped"]
    ('Games', 0.9, 1, 'depth asked')
    """
    if all(len(path["levels"]) <= depth for path in row["paths"]):
        return row
    paths = _distinct([_shortened(path, depth, separator) for path in row["paths"]])
    found = {**row, "paths": paths}
    if "path" not in row:
        return found
    if len(row["paths"][0]["levels"]) > depth:
        found |= {"depth": depth, "stopped": ASKED}
        if "because" in row:
            found["because"] = ASKED
    return found | _ranked(row, paths)


def _shortened(path: dict[str, Any], depth: int, separator: str) -> dict[str, Any]:
    levels = path["levels"][:depth]
    if len(levels) == len(path["levels"]):
        return path
    written = separator.join(level["name"] for level in levels)
    return {**path, "path": written, "probability": levels[-1]["probability"], "levels": levels}


def _distinct(paths: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out paths that an earlier one has become, too; names tell, since a separator could stand in a name."""
    first = {tuple(level["name"] for level in path["levels"]): path for path in reversed(paths)}
    return sorted(first.values(), key=paths.index)


def _ranked(row: dict[str, Any], paths: list[dict[str, Any]]) -> dict[str, Any]:
    """Give ``path, probability, path_2, …`` anew; ranks that are gone are None."""
    named = [name for name in row if name == "path" or name.startswith("path_")]
    ranked: dict[str, Any] = {}
    for rank, name in enumerate(named):
        found = paths[rank] if rank < len(paths) else {}
        ranked |= {name: found.get("path"), name.replace("path", "probability"): found.get("probability")}
    return ranked
