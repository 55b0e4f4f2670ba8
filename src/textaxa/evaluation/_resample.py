"""How sure a number is: metrics on bootstrap resamples of the texts, and intervals from them."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from textaxa.evaluation._scores import scores
from textaxa.evaluation._statistics import Statistics

Floats = NDArray[np.float64]

# Weights held at once, in numbers: 4 million float64 are 32 MB.
CHUNK = 4_000_000

_QUANTILES = (0.025, 0.975)

_VISITS = 2_000_000_000
"""Numbers that are summed up for the macro-F1s of all resamples: some 20 seconds. Above, they get fewer resamples."""

_FEWEST = 200
"""But never fewer than these, of which the 5th from either end bounds the interval."""


def bootstrap(
    systems: Sequence[Statistics], *, seed: int, n_resamples: int, with_macro: bool, with_area: bool
) -> list[dict[str, Floats]]:
    """Give every metric of every system on the same resamples of the texts, each of shape (n_resamples,).

    With very many distinct pairs of label sets (some 100,000 with several paths each) the macro-F1s, which need counts
    of every node, are made on the first resamples only, at least 200; on the others they are NaN.
    """
    found: list[list[dict[str, Floats]]] = [[] for _ in systems]
    n_texts, done = len(systems[0].group), 0
    width = 3 * systems[0].n_supported if with_macro else 1
    alike = [_distinct_rows(system.columns) for system in systems]
    with_nodes = [_macro_resamples(system) if with_macro else 0 for system in systems]
    for draws in drawn_texts(n_texts, seed=seed, n_resamples=n_resamples, width=width):
        for system, (columns, place), limit, parts in zip(systems, alike, with_nodes, found, strict=True):
            weights = np.empty((len(draws), len(system.columns)))
            of_rows = np.empty((len(draws), len(columns)))
            for row, of_row, drawn in zip(weights, of_rows, draws, strict=True):
                row[:] = np.bincount(system.group[drawn], minlength=len(row))
                of_row[:] = np.bincount(place, row, minlength=len(of_row))
            sums = np.hstack([of_rows @ columns, per_text_sums(system.per_text, draws)])
            nodes = system.node_sums(weights) if done < limit else None
            parts.append(scores(system, sums, nodes, with_area=with_area))
        done += len(draws)
    return [_joined(parts) for parts in found]


def _macro_resamples(system: Statistics) -> int:
    return max(_FEWEST, _VISITS // max(1, system.counts.visits))


def _distinct_rows(columns: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Give the distinct rows, and which of them each row is.

    Rows are told apart by a weighted sum, since sorting whole rows would take seconds; where two different rows share
    one, which is all but impossible, all rows count as distinct.
    """
    key = columns @ np.random.default_rng(0).random(columns.shape[1])
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    if (columns[first][place] == columns).all():
        return columns[first], place
    return columns, np.arange(len(columns))


def _joined(parts: Sequence[dict[str, Floats]]) -> dict[str, Floats]:
    names = max(parts, key=len)
    size = {id(part): len(part["path_accuracy"]) for part in parts}
    return {name: np.concatenate([part.get(name, np.full(size[id(part)], np.nan)) for part in parts]) for name in names}


def drawn_texts(n_texts: int, *, seed: int, n_resamples: int, width: int = 1) -> Iterator[NDArray[np.int64]]:
    """Give the texts of every resample, some resamples at once; each of shape (some, n_texts)."""
    generator = np.random.default_rng(seed)
    step = max(1, CHUNK // max(n_texts, width))
    for start in range(0, n_resamples, step):
        yield generator.integers(0, n_texts, size=(min(step, n_resamples - start), n_texts))


def per_text_sums(per_text: Floats, draws: NDArray[np.int64]) -> Floats:
    """Give the sums of every column (n_texts, K) over the texts of each resample, (some, K)."""
    sums = np.empty((len(draws), per_text.shape[1]))
    for i, column in enumerate(per_text.T):
        # Most often every text is the same here (all coherent, all with an area): then nothing needs to be drawn.
        same = (column == column[0]).all()
        sums[:, i] = column[0] * len(column) if same else np.ascontiguousarray(column)[draws].sum(axis=1)
    return sums


def quantiles(resampled: Floats) -> tuple[float, float]:
    """Give the 2.5 % and the 97.5 % point."""
    low, high = np.quantile(resampled, _QUANTILES)
    return float(low), float(high)


def interval(name: str, value: float, resampled: Floats) -> tuple[float, float]:
    """Give the 95 % interval of a metric from its values on the resamples.

    Percentiles of the bootstrap (Efron & Tibshirani 1993, chapter 13). A macro-F1 is biased in resamples, where nodes
    with few texts lose them all or get them several times; its percentiles are moved by the difference between the
    value and the resamples' mean, so that the interval lies around the value.
    """
    defined = resampled[~np.isnan(resampled)]
    if not len(defined):
        return value, value
    low, high = np.quantile(defined, _QUANTILES)
    if "macro" in name:
        moved = value - defined.mean()
        low, high = np.clip([low + moved, high + moved], 0.0, 1.0)
    return float(low), float(high)
