"""The head ``linear`` carried over: sparse rows of options, and label texts as the n-grams that they hold."""

from typing import Any

import numpy as np
from scipy import sparse

from textaxa.linear import LinearModel
from textaxa.linear._classifiers import ALWAYS, NEVER, SCORED, Weights
from textaxa.linear._margins import MarginScales
from textaxa.linear._options import OnePath, Options, options_of
from textaxa.migration._keys import Key, end_keys, node_keys
from textaxa.migration._label_start import direction, size_of
from textaxa.migration._plan import Planner, Row
from textaxa.taxonomy import NodeMapping, Taxonomy, label_texts

_STEEP, _THRESHOLD = 1.0, 0.1
"""Length of a new row, and where it begins to win; for vectors of length 1, of n-grams, whose cosines are smaller than
those of text vectors."""


def option_keys(taxonomy: Taxonomy, options: Options, arrangement: str) -> list[Key]:
    """Give what the options of a linear model stand for."""
    if not isinstance(options, OnePath):
        return node_keys(taxonomy)
    flat = end_keys(taxonomy)
    if arrangement == "flat":
        return flat
    ways = _way_keys(taxonomy)
    return ways if arrangement == "per-parent" else [*ways, *flat]


def _way_keys(taxonomy: Taxonomy) -> list[Key]:
    """Number the ways as `textaxa.linear` does: parent by parent its children, then "ends here"."""
    children: list[list[int]] = [[] for _ in range(len(taxonomy) + 1)]
    for node, above in enumerate(taxonomy.parent.tolist()):
        children[above + 1].append(node)
    keys: list[Key] = []
    for above, nodes in enumerate(children):
        keys += [("way", above - 1, node) for node in nodes]
        if above and nodes and taxonomy.is_terminal[above - 1]:
            keys.append(("stop", above - 1))
    return keys


def migrated_linear(model: LinearModel, mapping: NodeMapping, rows: np.ndarray) -> tuple[LinearModel, list[list[Row]]]:
    """Give a linear model for the new taxonomy, and the plan of its rows; vocabulary and encoder are shared."""
    own: Any = model.settings.head_settings
    options = options_of(mapping.new, model.task, own.arrangement)
    before = option_keys(mapping.old, model.options, own.arrangement)
    after = option_keys(mapping.new, options, own.arrangement)
    plan = Planner(mapping, [before], rows, chooses=model.task == "single").plan(after)
    labels = _unit(model.features(label_texts(mapping.new)))
    weights = _carried(model.weights, plan, labels)
    scales = _levels(model.scales, int(options.level.max()) + 1, both=own.arrangement == "both")
    changed = LinearModel(mapping.new, model.settings, model.features, weights, scales, options=options)
    return changed, [plan]


def _unit(vectors: sparse.csr_matrix) -> sparse.csr_matrix:
    """Bring rows to length 1; an empty one, whose words nobody has seen, stays 0."""
    length = np.sqrt(np.asarray(vectors.multiply(vectors).sum(1)).ravel())
    return sparse.csr_matrix(sparse.diags_array(1 / np.maximum(length, 1e-12)) @ vectors, dtype=np.float32)


def _carried(old: Weights, plan: list[Row], labels: sparse.csr_matrix) -> Weights:
    mix = sparse.csr_matrix(
        (
            np.array([share for row in plan for _, _, share in row.sources], dtype=np.float32),
            np.array([place for row in plan for _, place, _ in row.sources], dtype=np.int64),
            np.cumsum([0, *(len(row.sources) for row in plan)]),
        ),
        (len(plan), old.matrix.shape[0]),
    )
    matrix, bias = sparse.csr_matrix(mix @ old.matrix), np.asarray(mix @ old.bias, dtype=np.float32)
    state = np.array([_state(old, row) for row in plan], dtype=np.int8)
    own: dict[int, Any] = {}
    lengths = _Lengths(matrix, plan)
    for at, row in enumerate(plan):
        if len(row.sources) > 1:
            shares = np.array([share for _, _, share in row.sources])
            bias[at] -= float((shares * np.log(shares)).sum())
        if row.from_text and labels[int(row.key[-1])].nnz:
            own[at], bias[at] = _started(row, at, (matrix, bias), lengths(row), labels)
            state[at] = SCORED
    if own:
        pieces = [own.get(at, matrix[at]) for at in range(len(plan))]
        matrix = sparse.csr_matrix(sparse.vstack(pieces, format="csr"), dtype=np.float32)
    if (state == NEVER).all():
        state[:] = SCORED
    matrix.sort_indices()
    return Weights(matrix, bias, state)


def _state(old: Weights, row: Row) -> int:
    states = [int(old.state[place]) for _, place, _ in row.sources]
    if not states or SCORED in states:
        return SCORED if states else NEVER
    return ALWAYS if ALWAYS in states else NEVER


class _Lengths:
    """How long the rows are that were trained beside a row; worked out once for those that stand together."""

    def __init__(self, matrix: sparse.csr_matrix, plan: list[Row]) -> None:
        self._matrix, self._known = matrix, dict[tuple[int, ...], float]()
        self._trained = [at for at, row in enumerate(plan) if row.sources]

    def __call__(self, row: Row) -> float:
        beside = row.base if len(row.base) > 1 else ()
        if beside not in self._known:
            self._known[beside] = _mean_length(self._matrix[list(beside) or self._trained]) or 1.0
        return self._known[beside]


def _started(
    row: Row, at: int, rows: tuple[sparse.csr_matrix, np.ndarray], length: float, labels: sparse.csr_matrix
) -> tuple[sparse.csr_matrix, float]:
    matrix, bias = rows
    base = list(row.base)
    times, shift = size_of(row, length, 1, steep=_STEEP, threshold=_THRESHOLD)
    start = matrix[at] if row.sources else _mean(matrix[base]) if base else sparse.csr_matrix((1, matrix.shape[1]))
    first = float(bias[at]) if row.sources else float(bias[base].mean()) if base else 0.0
    found = start + times * direction(labels, int(row.key[-1]), row.against)
    return sparse.csr_matrix(found, dtype=np.float32), first + shift


def _mean(rows: sparse.csr_matrix) -> sparse.csr_matrix:
    return sparse.csr_matrix(rows.mean(axis=0))


def _mean_length(rows: sparse.csr_matrix) -> float:
    """Give the mean length of rows around their mean, without making them dense."""
    if not rows.shape[0]:
        return 0.0
    mean = np.asarray(rows.mean(axis=0)).ravel() if rows.shape[0] > 1 else np.zeros(rows.shape[1])
    squares = np.asarray(rows.multiply(rows).sum(1)).ravel() - 2 * np.asarray(rows @ mean).ravel() + mean @ mean
    return float(np.sqrt(np.maximum(squares, 0)).mean())


def _levels(scales: MarginScales, n_levels: int, *, both: bool) -> MarginScales:
    """Give a line a level; new levels have that of the deepest one. With both arrangements the last is the flat one."""
    lines = scales.lines
    if both:
        tree = lines[:-1][np.minimum(np.arange(n_levels - 1), len(lines) - 2)]
        return MarginScales(np.concatenate([tree, lines[-1:]]))
    return MarginScales(lines[np.minimum(np.arange(n_levels), len(lines) - 1)])
