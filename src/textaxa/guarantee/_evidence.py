"""What held-out rows say about a model: the probabilities of its claims, and which of them were right.

A *claim* is a node that might be answered for a text. In a single-path task these are the nodes of the most probable
path, from the top level down; in a several-paths task all nodes that are probable at all. No text is kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa._sparse import take
from textaxa.decoding._proba import Probabilities, check_node_proba, terminal_proba
from textaxa.errors import DataError, ModelFileError
from textaxa.guarantee._climb import best_chains
from textaxa.taxonomy import Taxonomy

LEAST = 0.02
"""Claims of a several-paths task below this probability are not kept: no promise worth making needs them."""

MOST_ROWS = 20_000
"""Of more held-out rows an even sample is kept: it says as much, and the file stays small."""

_FORMAT = {"tuning": bool, "start": int, "node": int, "proba": float, "right": bool, "surest": float, "truth": float}


@dataclass(frozen=True)
class Evidence:
    """What n held-out rows say; C claims, row after row.

    Attributes
    ----------
    task
        ``single`` or ``multi``.
    tuning
        Rows that helped to choose something about the model (epoch, calibration, thresholds); the others chose nothing,
        so a promise may rest on them. bool (n,)
    start
        Where each row's claims start; int64 (n + 1,).
    node, proba, right
        Of each claim: the node, its probability, and whether the text does belong under it. (C,)
    surest
        The largest probability of a terminal (single) or of a top-level node (multi); float64 (n,).
    truth
        The probability of the true terminal (single), or the smallest one of a true node (multi); float64 (n,).
    """

    task: str
    tuning: NDArray[np.bool_]
    start: NDArray[np.int64]
    node: NDArray[np.int64]
    proba: NDArray[np.float64]
    right: NDArray[np.bool_]
    surest: NDArray[np.float64]
    truth: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.tuning)

    @property
    def row(self) -> NDArray[np.int64]:
        """The row of each claim, (C,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.start))

    @property
    def levels_below(self) -> NDArray[np.int64]:
        """How many claims of the same row come after each claim, (C,): in a single-path task the levels below it."""
        return self.start[1:][self.row] - 1 - np.arange(len(self.node))

    def select(self, rows: NDArray[np.bool_]) -> "Evidence":
        """Give the evidence of some of the rows."""
        claims = np.repeat(rows, np.diff(self.start))
        start = np.concatenate([[0], np.cumsum(np.diff(self.start)[rows])])
        return Evidence(
            task=self.task,
            tuning=self.tuning[rows],
            start=start,
            node=self.node[claims],
            proba=self.proba[claims],
            right=self.right[claims],
            surest=self.surest[rows],
            truth=self.truth[rows],
        )

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {"task": self.task, **{name: getattr(self, name).tolist() for name in _FORMAT}}


def collect_evidence(
    taxonomy: Taxonomy,
    true_nodes: Sequence[Sequence[int]],
    node_proba: ArrayLike,
    *,
    task: str,
    tuning: ArrayLike | None = None,
    seed: int = 0,
) -> Evidence:
    """Give what held-out rows say about a model.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    true_nodes
        The ends of the true paths of each row; n lists.
    node_proba
        P(the text belongs under node n), (n, N), as the model gives it for new texts: calibrated, where it is.
    task
        ``single`` or ``multi``.
    tuning
        Which rows helped to choose something about the model; bool (n,). Left out: a quarter of the rows, drawn at
        random, is set aside for that.
    seed
        Of this draw.

    Raises
    ------
    DataError
        The numbers of rows differ; ``node_proba`` has another shape, or values that are not finite.
    """
    proba = check_node_proba(taxonomy, node_proba)
    if len(true_nodes) != len(proba):
        raise DataError(f"There are true nodes of {len(true_nodes)} texts, but node_proba has {len(proba)} rows.")
    rng = np.random.default_rng(seed)
    marked = rng.permutation(len(proba)) < len(proba) // 4 if tuning is None else np.asarray(tuning, dtype=np.bool_)
    if len(proba) > MOST_ROWS:
        kept = np.sort(rng.permutation(len(proba))[:MOST_ROWS])
        proba, marked, true_nodes = proba[kept], marked[kept], [true_nodes[i] for i in kept.tolist()]
    row, node = (_single_claims if task == "single" else _multi_claims)(taxonomy, proba)
    text = np.repeat(np.arange(len(true_nodes)), [len(nodes) for nodes in true_nodes])
    end = np.concatenate([np.empty(0, np.int64), *(np.asarray(nodes, np.int64) for nodes in true_nodes)])
    pair, above = take(taxonomy.ancestors, end)
    true = np.unique(text[pair] * len(taxonomy) + above)
    start = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(proba)))])
    claimed = proba[row, node].astype(np.float64)
    if task == "single":  # of a path's nodes none is above one before it; rounding may say otherwise
        claimed = _falling(claimed, start)
    return Evidence(
        task=task,
        tuning=marked,
        start=start,
        node=node,
        proba=claimed,
        right=np.isin(row * len(taxonomy) + node, true),
        surest=surest_of(taxonomy, proba, task),
        truth=_truth(taxonomy, proba, text, end, task),
    )


def surest_of(taxonomy: Taxonomy, proba: Probabilities, task: str) -> NDArray[np.float64]:
    """Give the largest probability of a terminal (single) or of a top-level node (multi) of every text, (B,)."""
    of_text = terminal_proba(taxonomy, proba) if task == "single" else proba[:, taxonomy.level_slice(1)]
    return np.asarray(of_text.max(axis=1, initial=0.0), dtype=np.float64)


def _single_claims(taxonomy: Taxonomy, proba: Probabilities) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    chains = best_chains(taxonomy, proba)
    row, level = np.nonzero(chains >= 0)
    return row, chains[row, level].astype(np.int64)


def _multi_claims(taxonomy: Taxonomy, proba: Probabilities) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    del taxonomy
    row, node = np.nonzero(proba >= LEAST)
    return row, node


def _falling(proba: NDArray[np.float64], start: NDArray[np.int64]) -> NDArray[np.float64]:
    found = proba.copy()
    for level in range(1, int(np.diff(start).max(initial=0))):
        at = start[:-1][np.diff(start) > level] + level
        found[at] = np.minimum(found[at], found[at - 1])
    return found


def _truth(
    taxonomy: Taxonomy, proba: Probabilities, text: NDArray[np.int64], end: NDArray[np.int64], task: str
) -> NDArray[np.float64]:
    if task == "single":
        column = np.full(len(taxonomy), -1)
        column[taxonomy.terminals] = np.arange(len(taxonomy.terminals))
        of_end = terminal_proba(taxonomy, proba)[text, column[end]]
    else:
        of_end = proba[text, end]
    found = np.ones(len(proba))
    np.minimum.at(found, text, of_end.astype(np.float64))
    return found


def evidence_from_dict(taxonomy: Taxonomy, stored: Any) -> Evidence:
    """Read what `Evidence.to_dict` gave.

    Raises
    ------
    ModelFileError
        It is something else, or does not fit the taxonomy.
    """
    if not isinstance(stored, Mapping) or stored.keys() != {"task", *_FORMAT}:
        raise ModelFileError(f"The evidence of held-out rows must hold task, {', '.join(_FORMAT)}, and nothing else.")
    arrays = {name: _array(stored[name], kind, name) for name, kind in _FORMAT.items()}
    found = Evidence(task=stored["task"], **arrays)
    n, claims = len(found), len(found.node)
    fits = (
        found.task in ("single", "multi")
        and len(found.start) == n + 1
        and found.start[0] == 0
        and found.start[-1] == claims
        and bool((np.diff(found.start) >= 0).all())
        and len(found.proba) == len(found.right) == claims
        and len(found.surest) == len(found.truth) == n
        and bool(((found.node >= 0) & (found.node < len(taxonomy))).all())
        and all(_is_probability(values) for values in (found.proba, found.surest, found.truth))
    )
    if not fits:
        raise ModelFileError("The evidence of held-out rows does not fit itself or the taxonomy: it is damaged.")
    return found


def _array(values: Any, kind: type, name: str) -> NDArray[Any]:
    allowed = (int, float) if kind is float else (kind,)
    if not isinstance(values, list) or not all(type(value) in allowed for value in values):
        raise ModelFileError(f"The evidence of held-out rows is damaged: {name} is not a list of {kind.__name__}.")
    try:
        return np.array(values, dtype=np.int64 if kind is int else np.float64 if kind is float else np.bool_)
    except OverflowError as error:
        raise ModelFileError(f"The evidence of held-out rows is damaged: {name} holds a huge number.") from error


def _is_probability(values: NDArray[np.float64]) -> bool:
    return bool(((values >= 0) & (values <= 1 + 1e-6)).all())
