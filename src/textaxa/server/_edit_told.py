"""An edited taxonomy as the page shows it: its nodes with what happened to them, and what a new version will mean.

An `Edited` comes in; lists for JSON and plain sentences go out.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.taxonomy import Edited

SHOWN = 5
"""Names that a sentence lists at most."""


def node_lines(edited: Edited) -> list[dict[str, Any]]:
    """Give a line for every node of the edited taxonomy, in node order."""
    new = edited.taxonomy
    counts, changes = new.children.counts.tolist(), edited.changes
    depth, ends = new.depth.tolist(), new.is_terminal.tolist()
    lines = []
    for node, (name, parent) in enumerate(zip(new.names, new.parent.tolist(), strict=True)):
        line = {
            "id": node,
            "key": edited.keys[node],
            "name": name,
            "parent": None if parent < 0 else parent,
            "depth": depth[node],
            "terminal": ends[node],
            "children": counts[node],
            "description": new.descriptions[node],
            "changed": list(changes[node]),
        }
        if changes[node]:
            line["was"] = [list(edited.old.path(old)) for old, _ in edited.sources[node]]
        if new.codes is not None:
            line["code"] = new.codes[node]
        if new.parents.counts[node] > 1:
            line["parents"] = new.parents.row(node).tolist()
        lines.append(line)
    return lines


def preview(edited: Edited, folder: Path, below: NDArray[np.int64] | None) -> dict[str, Any]:
    """Give what a new version of the model will mean.

    Parameters
    ----------
    edited
        The taxonomy, and which node became which.
    folder
        The model's.
    below
        Training rows below every old node, (N,); None where that is not known.
    """
    counts, diff = edited.mapping.counts, edited.diff
    return {
        "counts": diff.counts,
        "rows": [list(row) for row in diff.rows()],
        "nodes": counts,
        "texts": _texts(edited, below),
        "void": _void(edited, folder) if edited.diff else [],
        "words": list(_words(edited)),
    }


def _texts(edited: Edited, below: NDArray[np.int64] | None) -> int | None:
    """Give how many training rows have a label that is gone, merged or split."""
    if below is None:
        return None
    old, mapping = edited.old, edited.mapping
    merged = {link.old for node in mapping.kinds["merged"] for link in mapping.sources(node)}
    touched = merged | set(mapping.kinds["split"]) | set(mapping.kinds["removed"])
    outermost = [node for node in touched if not touched & (set(old.ancestors.row(node).tolist()) - {node})]
    return int(below[outermost].sum()) if outermost else 0


def _words(edited: Edited) -> Iterable[str]:
    """Give what happens to the categories, in plain sentences."""
    new, mapping = edited.taxonomy, edited.mapping
    kinds = {kind: [new.path(node) for node in nodes] for kind, nodes in mapping.kinds.items() if kind != "removed"}
    parts = {node for node, how in enumerate(edited.changes) if "split" in how}
    kept = len(kinds["kept"])
    yield f"{kept:,} {_categories(kept)} as {'it is' if kept == 1 else 'they are'}."
    if moved := [*kinds["renamed"], *kinds["moved"]]:
        yield f"Renamed or moved, with all that they learned: {_listed(moved)}."
    if kinds["merged"]:
        yield f"Merged, with what each part learned: {_listed(kinds['merged'])}."
    fresh = [new.path(node) for node in sorted(parts | set(mapping.kinds["new"]))]
    if fresh:
        yield f"New: {_listed(fresh)}. They start from their names and descriptions; a few texts each make them better."
    if removed := [edited.old.path(node) for node in mapping.kinds["removed"]]:
        yield f"Removed: {_listed(removed)}. Their texts go to the category above, where there is one."


def _categories(count: int) -> str:
    return "category stays" if count == 1 else "categories stay"


def _listed(paths: list[tuple[str, ...]]) -> str:
    shown = ", ".join(" > ".join(path) for path in paths[:SHOWN])
    return shown if len(paths) <= SHOWN else f"{shown} and {len(paths) - SHOWN:,} more"


def _void(edited: Edited, folder: Path) -> list[str]:
    """Give what will not hold any more, as far as the model has it; saving tells it exactly."""
    told = []
    changed = not edited.mapping.is_identity
    if changed and (folder / "calibration.json").is_file():
        told.append("Probabilities were calibrated with the old categories. Calibrate anew: textaxa calibrate.")
    if (changed or edited.diff.terminals) and (folder / "held_out.json").is_file():
        told.append("Promises (accuracy targets) rest on texts labelled with the old categories. Calibrate anew.")
    if (folder / "onnx").is_dir():
        told.append("The export for fast prediction is not carried over. Export anew: textaxa export.")
    return told
