"""Rows of merged nodes that add up: the sum of two softmax classes is no linear row, so the nearest one is looked for.

On a sample of vectors (unlabelled texts where there are any, else the label texts of the old taxonomy) the logit that
would be exactly the sum of the old classes, log(exp z1 + exp z2 + …), is known. A ridge regression adds to the averaged
row what brings its logits nearest to that, texts that are probable there weighing most.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from textaxa.migration._network import Layer
from textaxa.migration._plan import Row

RIDGE = 0.3
"""Penalty in shares of the mean square of a feature times rows. Chosen on validation rows of open-apps: see
docs/living-taxonomy.md."""

_LEAST = 0.02
"""Weight of a text that has nothing to do with the merged node."""


@dataclass(frozen=True)
class Captured:
    """What each layer read and gave on the sample: lists of arrays (S, in) and (S, C)."""

    read: list[np.ndarray]
    gave: list[np.ndarray]


@torch.no_grad()
def captured(head: Any, layers: Sequence[Layer], vectors: np.ndarray) -> Captured:
    """Run a head on vectors (S, D), and keep what its layers read and gave."""
    read: list[np.ndarray] = []
    gave: list[np.ndarray] = []

    def keep(_module: Any, inputs: Any, output: torch.Tensor) -> None:
        read.append(inputs[0].float().cpu().numpy())
        gave.append(output.float().cpu().numpy())

    handles = [layer.linear.register_forward_hook(keep) for layer in layers]
    was_training = head.training
    try:
        head.eval()(torch.from_numpy(vectors).to(layers[0].linear.weight.device))
    finally:
        head.train(was_training)
        for handle in handles:
            handle.remove()
    return Captured(read, gave)


def add_up(
    plan: Sequence[Row], layer: Layer, read: np.ndarray, old: Captured, *, softmax: bool
) -> dict[int, tuple[float, float]]:
    """Refit the merged rows of a layer in place; give the root mean square error of their logits before and after.

    Parameters
    ----------
    plan, layer
        Of the new head.
    read
        What the layer read of the sample, (S, in).
    old
        What the old layers gave for it.
    softmax
        Whether classes compete; else each is a yes or no, and the merged one is yes where any of them is.
    """
    told: dict[int, tuple[float, float]] = {}
    for at, row in enumerate(plan):
        if len(row.sources) < 2 or not layer.text:
            continue
        logits = np.stack([old.gave[source][:, place] for source, place, _ in row.sources], axis=1)
        target = _summed(logits) if softmax else _any_of(logits)
        weight, bias = layer.linear.weight[at].detach().cpu().numpy(), layer.linear.bias[at].item()
        current = read @ weight + bias
        gap = target - current
        chances = 1 / (1 + np.exp(-np.clip(target - np.quantile(target, 0.9), -30, 30)))
        step, shift = _ridge(read[:, : layer.text], gap, _LEAST + chances)
        with torch.no_grad():
            layer.linear.weight[at, : layer.text] += torch.from_numpy(step).to(layer.linear.weight)
            layer.linear.bias[at] += shift
        after = gap - read[:, : layer.text] @ step - shift
        told[at] = (float(np.sqrt(np.mean(gap**2))), float(np.sqrt(np.mean(after**2))))
    return told


def _summed(logits: np.ndarray) -> np.ndarray:
    top = logits.max(1)
    total: np.ndarray = top + np.log(np.exp(logits - top[:, None]).sum(1))
    return total


def _any_of(logits: np.ndarray) -> np.ndarray:
    """Give the log-odds that any of several is true, as if they were independent: -log(exp(sum of softplus) - 1)."""
    none = np.logaddexp(0.0, logits).sum(1)
    return np.asarray(none + np.log1p(-np.exp(-np.maximum(none, 1e-12))))


def _ridge(vectors: np.ndarray, gap: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, float]:
    """Give weights (D,) and a constant that explain a gap (S,) best, in the smaller of both spaces."""
    mean, middle = np.average(vectors, axis=0, weights=weight), float(np.average(gap, weights=weight))
    root = np.sqrt(weight / weight.sum())[:, None]
    centred, rest = (vectors - mean) * root, (gap - middle)[:, None] * root
    penalty = RIDGE * float((centred**2).sum()) / vectors.shape[1]
    if len(vectors) < vectors.shape[1]:
        dual = centred @ centred.T + penalty * np.eye(len(vectors))
        step = (centred.T @ np.linalg.solve(dual, rest))[:, 0]
    else:
        primal = centred.T @ centred + penalty * np.eye(vectors.shape[1])
        step = np.linalg.solve(primal, centred.T @ rest)[:, 0]
    return step.astype(np.float32), middle - float(mean @ step)
