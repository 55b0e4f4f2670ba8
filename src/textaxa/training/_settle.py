"""What comes after training: calibration and thresholds on validation rows, and evidence on rows that chose nothing.

A trained model and its validation rows come in; the model then decides with what is fitted here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from textaxa.calibration import fit_calibration
from textaxa.data._label_nodes import label_nodes
from textaxa.decoding import fitted_thresholds
from textaxa.evaluation import hierarchical_f1
from textaxa.guarantee import collect_evidence
from textaxa.taxonomy import Path as LabelPath

Labels = Sequence[Sequence[LabelPath]]
Rows = tuple[Sequence[str], Labels]
Proba = Callable[[Sequence[str]], np.ndarray]

FEWEST = 20
"""With fewer rows than this on each side nothing could be promised, so that all of them choose."""

_CELLS = 250_000_000
"""Rows × nodes of float32 held at once: 1 GB. Of more rows, an even sample."""


@dataclass(frozen=True)
class HeldOut:
    """Validation rows in two parts.

    Attributes
    ----------
    choosing
        Those that choose epoch, calibration and thresholds.
    proving
        Those that choose nothing, so that promises may rest on them; None where there are too few.
    """

    choosing: Rows
    proving: Rows | None


def parted(valid: Rows, share: float, *, seed: int) -> HeldOut:
    """Set aside a share of the validation rows, drawn at random, to prove promises with."""
    n = len(valid[0])
    proving = round(share * n)
    if min(proving, n - proving) < FEWEST:
        return HeldOut(valid, None)
    order = np.random.default_rng(seed).permutation(n)
    return HeldOut(_taken(valid, np.sort(order[proving:])), _taken(valid, np.sort(order[:proving])))


def _taken(rows: Rows, wanted: np.ndarray) -> Rows:
    return [rows[0][i] for i in wanted], [rows[1][i] for i in wanted]


def settle(model: Any, held_out: HeldOut, proba_of: Proba) -> dict[str, float]:
    """Give a model its calibration, its thresholds and its evidence; give the scores of the choosing rows with them.

    Parameters
    ----------
    model
        A trained model without any of them.
    held_out
        Rows that it was not trained on.
    proba_of
        Gives the model's uncalibrated node probabilities (B, N) of texts.
    """
    training, taxonomy = model.settings.training, model.taxonomy
    choosing = _sample(held_out.choosing, len(taxonomy))
    nodes, raw = label_nodes(taxonomy, choosing[1]), proba_of(choosing[0])
    model.calibration = fit_calibration(
        taxonomy, nodes, raw, task=model.task, method=training.calibration, seed=training.seed
    )
    proba = model.calibration(raw)
    if model.task == "multi":
        model.thresholds = fitted_thresholds(taxonomy, training.threshold, nodes, proba)
    if held_out.proving is not None:
        proving = _sample(held_out.proving, len(taxonomy))
        proven = model.calibration(proba_of(proving[0]))
        model.evidence = collect_evidence(
            taxonomy,
            [*nodes, *label_nodes(taxonomy, proving[1])],
            np.concatenate([proba, proven]),
            task=model.task,
            tuning=np.arange(len(nodes) + len(proven)) < len(nodes),
            seed=training.seed,
        )
    return _scores(model, nodes, proba)


def _sample(rows: Rows, n_nodes: int) -> Rows:
    step = -(-len(rows[0]) * n_nodes // _CELLS)
    return (rows[0][::step], rows[1][::step]) if step > 1 else rows


def _scores(model: Any, nodes: list[list[int]], proba: np.ndarray) -> dict[str, float]:
    found = [[prediction.node for prediction in row] for row in model.decode(proba)]
    right = sum(set(a) == set(b) for a, b in zip(nodes, found, strict=True))
    f1 = float(hierarchical_f1(model.taxonomy, nodes, found))
    return {"hierarchical_f1": f1, "path_accuracy": right / len(nodes)}
