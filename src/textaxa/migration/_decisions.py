"""What a model decides with after its taxonomy changed: calibration, thresholds, evidence, and what its card says.

What stays valid is carried. What rested on rows labelled in the old taxonomy is left out, and said to be void.
"""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from textaxa.calibration import Calibration
from textaxa.calibration._maps import Bent, Curves, Lines
from textaxa.guarantee import Evidence
from textaxa.heads._structure import node_counts
from textaxa.migration._plan import ends_of
from textaxa.taxonomy import NodeMapping

_OF_SCORES = ("best", "validation_table")
"""What a summary says about validation rows."""


def carry_decisions(old: Any, new: Any, mapping: NodeMapping) -> list[str]:
    """Give a migrated model what still holds of the old one's decisions; say what does not.

    Parameters
    ----------
    old, new
        The models; ``new`` is changed.
    mapping
        Which node became which.
    """
    void = []
    new.thresholds = thresholds_of(old.thresholds, mapping)
    if not getattr(old, "searches", False):
        new.calibration = calibration_of(old.calibration, mapping)
        if old.calibration is not None and new.calibration is None:
            void.append(
                "calibration: it was fitted to single nodes or levels that are others now, and is left out. "
                "Fit it again on rows labelled in the new taxonomy: textaxa calibrate"
            )
    if old.calibration is not None and new.calibration is not None and not mapping.is_identity:
        void.append(
            "calibration: kept as it was fitted before, which for new and changed nodes is a guess. "
            "Measure it: textaxa calibrate"
        )
    new.evidence = evidence_of(old.evidence, mapping)
    if old.evidence is not None and new.evidence is None:
        void.append(
            "promises: the held-out rows were labelled in the old taxonomy, so nothing can be promised with them. "
            "Cure: textaxa calibrate with rows labelled in the new taxonomy"
        )
    return void


def calibration_of(calibration: Calibration | None, mapping: NodeMapping) -> Calibration | None:
    """Give the calibration over the new taxonomy; None where it does not fit."""
    if calibration is None:
        return None
    change, same_levels = calibration.map, mapping.old.n_levels == mapping.new.n_levels
    fits = change is None or (same_levels and isinstance(change, Lines | Curves))
    if calibration.method == "temperature" and isinstance(change, Lines) and calibration.task == "single":
        fits = True  # one decision between all terminals, however many levels there are
    if isinstance(change, Bent):
        fits = mapping.is_identity and _in_order(mapping)
    return replace(calibration, taxonomy=mapping.new) if fits else None


def _in_order(mapping: NodeMapping) -> bool:
    same_ends = np.array_equal(mapping.old.is_terminal, mapping.new.is_terminal)
    return same_ends and all(link.old == link.new for link in mapping.links)


def evidence_of(evidence: Evidence | None, mapping: NodeMapping) -> Evidence | None:
    """Give the evidence with new node numbers where only names and order changed; else None."""
    if evidence is None or not mapping.is_identity or not _same_ends(mapping):
        return None
    return replace(evidence, node=np.asarray(mapping.heirs, dtype=np.int64)[evidence.node])


def _same_ends(mapping: NodeMapping) -> bool:
    return all(mapping.old.is_terminal[link.old] == mapping.new.is_terminal[link.new] for link in mapping.links)


def thresholds_of(thresholds: np.ndarray | None, mapping: NodeMapping) -> np.ndarray | None:
    """Give a threshold a new node: its own, the mean of merged ones, else its parent's, else the middle one."""
    if thresholds is None:
        return None
    found = np.empty(len(mapping.new))
    for node in range(len(mapping.new)):  # parents come before children
        sources = [link.old for link in mapping.sources(node)]
        parent = int(mapping.new.parent[node])
        inherited = found[parent] if parent >= 0 else np.median(thresholds)
        found[node] = np.mean(thresholds[sources]) if sources else inherited
    return found


def rows_below(model: Any) -> np.ndarray:
    """Give the training rows at or below every node of a model, (N,); 0 where they are not known."""
    counts, taxonomy = model.summary.get("counts"), model.taxonomy
    expected = len(taxonomy.terminals) if model.task == "single" else len(taxonomy)
    known = isinstance(counts, list) and len(counts) == expected
    return node_counts(taxonomy, model.task, np.asarray(counts, dtype=np.float64) if known else None)


def summary_of(model: Any, mapping: NodeMapping, void: list[str], version: str | None) -> dict[str, Any]:
    """Give what is still true of a summary, with a new entry in its history."""
    summary = {name: value for name, value in model.summary.items() if name not in _OF_SCORES}
    if isinstance(summary.get("counts"), list):
        summary["counts"] = _counts(model, mapping)
    if isinstance(summary.get("majority"), list):
        summary["majority"] = [path for path in map(_moved(mapping), summary["majority"]) if path]
    entry = {
        "date": datetime.now(UTC).date().isoformat(),
        "from_version": version,
        "counts": mapping.counts,
        "void": void,
        "best": model.summary.get("best") or {},
    }
    return summary | {"history": [*summary.get("history", []), entry]}


def _moved(mapping: NodeMapping) -> Any:
    def to(path: list[str]) -> list[str] | None:
        node = mapping.old.find(tuple(path))
        after = -1 if node is None else mapping.heirs[node]
        return None if after < 0 else list(mapping.new.path(after))

    return to


def _counts(model: Any, mapping: NodeMapping) -> list[int]:
    """Give the training rows of every terminal, or node, of the new taxonomy."""
    single = model.task == "single"
    old = model.taxonomy.terminals.tolist() if single else range(len(model.taxonomy))
    known = dict(zip(old, model.summary["counts"], strict=False)) if len(model.summary["counts"]) == len(old) else {}
    found = np.zeros(len(mapping.new))
    links = ends_of(mapping) if single else [(link.old, link.new, link.share) for link in mapping.links]
    for before, after, share in links:
        found[after] += known.get(before, 0) * share
    kept = found[mapping.new.terminals] if single else found
    return [round(float(count)) for count in kept]


def version_of(folder: str | Path | None) -> str | None:
    """Give a model folder's version: the first 12 hexadecimal digits of the sha256 of its ``config.json``."""
    file = None if folder is None else Path(folder) / "config.json"
    return None if file is None or not file.is_file() else hashlib.sha256(file.read_bytes()).hexdigest()[:12]
