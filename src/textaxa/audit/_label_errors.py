"""Likely label errors, ranked: rows whose given path is improbable to models that have not seen them.

In come true nodes and out-of-sample node probabilities; out go `LabelError`s, most suspicious first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa.audit._neighbours import Neighbours, checked_vectors
from textaxa.audit._several import Found, several_paths_errors
from textaxa.audit._suspicion import Suspects, single_path_suspects
from textaxa.data._label_nodes import terminal_positions
from textaxa.decoding import decode_multi, terminal_proba
from textaxa.decoding._proba import check_node_proba
from textaxa.errors import DataError
from textaxa.taxonomy import Path, Taxonomy

Kind = Literal["wrong branch", "wrong leaf"]
Change = Literal["replace", "deeper", "shallower", "remove", "add"]

WRONG_BRANCH: Kind = "wrong branch"
WRONG_LEAF: Kind = "wrong leaf"


@dataclass(frozen=True)
class LabelError:
    """A label that is likely wrong.

    Attributes
    ----------
    row
        Position of the row.
    given
        Its path as given; empty where a path is missing (several paths a row).
    suggested
        The path that would fit better; empty where a path is only likely wrong (several paths a row).
    kind
        ``"wrong branch"`` where the top levels disagree, ``"wrong leaf"`` where the branch is right.
    change
        ``"replace"``; ``"deeper"`` where the suggested path goes on below the given one, ``"shallower"`` where it stops
        above; with several paths a row ``"remove"`` and ``"add"``.
    score
        In [0, 1]; comparable within a table, no probability.
    given_proba, suggested_proba
        What the models hold the two for, in [0, 1], each level set to its temperature; 0 where there is no such path.
    confident
        Whether the suggested path is as probable here as it is, in the mean, on its own rows (the confident joint of
        confident learning); where a path is likely wrong, whether it is as improbable as on rows without it.
    """

    row: int
    given: Path
    suggested: Path
    kind: Kind
    change: Change
    score: float
    given_proba: float
    suggested_proba: float
    confident: bool


def label_errors(
    taxonomy: Taxonomy,
    true_nodes: Sequence[Sequence[int]],
    node_proba: ArrayLike,
    *,
    task: str | None = None,
    vectors: ArrayLike | None = None,
) -> tuple[LabelError, ...]:
    """Give the labels that are likely wrong, most suspicious first.

    Every row is there for which another path is more probable than the given one: many more than there are errors.
    Look at them from the top, and stop where they are right.

    Parameters
    ----------
    taxonomy
        The taxonomy, with N nodes.
    true_nodes
        The ends of the given paths of every row, as node numbers; B rows.
    node_proba
        P(the text belongs under node n), shape (B, N), of models that were not trained on the row.
    task
        ``"single"`` or ``"multi"``. Left out: several paths a row where any row has several.
    vectors
        Text vectors (B, D): the labels of the most similar texts are then counted as evidence, too (one path a row).

    Raises
    ------
    DataError
        Rows without a label, nodes that are not in the taxonomy or at which no label may end, another shape of
        ``node_proba`` or ``vectors``, or values that are not finite.

    Notes
    -----
    Source: confident learning (Northcutt, Jiang & Chuang 2021): out-of-sample self-confidence, compared with that of
    the other rows of its class. It differs in that the probability is taken apart along the path and every level is set
    to its own temperature first, in that a label is judged only down to the level at which its node has two rows, and
    in that the best other path counts, too. See `textaxa.audit._suspicion`.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Games", "Cards"), ("Games", "Sports"), ("Tools",)])
    >>> proba = [[0.9, 0.1, 0.8, 0.1], [0.9, 0.1, 0.1, 0.8], [0.1, 0.9, 0.05, 0.05], [0.8, 0.2, 0.7, 0.1]] * 3
    >>> true = [[2], [3], [1], [2]] * 2 + [[2], [2], [1], [1]]
    >>> for error in label_errors(taxonomy, true, proba):
    ...     print(error.row, error.kind, error.given, error.suggested)
    9 wrong leaf ('Games', 'Cards') ('Games', 'Sports')
    11 wrong branch ('Tools',) ('Games', 'Cards')
    """
    nodes = checked_nodes(taxonomy, true_nodes)
    proba = check_node_proba(taxonomy, node_proba)
    _check_rows(nodes, proba)
    if not nodes:
        return ()
    if several_paths(nodes, task):
        found = several_paths_errors(taxonomy, nodes, proba)
        return tuple(_several_error(taxonomy, nodes[one[0]], one) for one in found)
    return _single_errors(taxonomy, suspects_of(taxonomy, nodes, proba, vectors=vectors))


def suspects_of(
    taxonomy: Taxonomy,
    true_nodes: Sequence[Sequence[int]],
    node_proba: ArrayLike,
    *,
    vectors: ArrayLike | None = None,
) -> Suspects:
    """Give score and best other terminal of all rows, each with one path; as `label_errors` ranks them.

    Raises
    ------
    DataError
        As `label_errors`.
    """
    proba = terminal_proba(taxonomy, node_proba)
    given = terminal_positions(taxonomy, true_nodes)
    neighbours = None if vectors is None else Neighbours(checked_vectors(vectors, len(given)))
    return single_path_suspects(taxonomy, given, proba, neighbours)


def given_and_found(
    taxonomy: Taxonomy, nodes: Sequence[Sequence[int]], node_proba: ArrayLike, *, task: str | None = None
) -> Iterator[tuple[set[int], set[int]]]:
    """Give, row by row, the ends of the given paths and those that the models would give.

    Raises
    ------
    DataError
        ``node_proba`` has another shape, another number of rows, or values that are not finite.
    """
    proba = check_node_proba(taxonomy, node_proba)
    _check_rows(nodes, proba)
    if several_paths(nodes, task):
        decoded = decode_multi(taxonomy, proba)
        return ((set(row), {one.node for one in found}) for row, found in zip(nodes, decoded, strict=True))
    best = taxonomy.terminals[terminal_proba(taxonomy, proba).argmax(axis=1)]
    return ((set(row), {int(node)}) for row, node in zip(nodes, best, strict=True))


def several_paths(nodes: Sequence[Sequence[int]], task: str | None) -> bool:
    """Tell whether a row can have several paths: as said, or where any has."""
    return task == "multi" if task is not None else any(len(row) > 1 for row in nodes)


def _check_rows(nodes: Sequence[Sequence[int]], proba: NDArray[np.floating]) -> None:
    if len(proba) != len(nodes):
        raise DataError(
            f"There are labels of {len(nodes)} rows, but probabilities of {len(proba)}. They must be of the same rows."
        )


def checked_nodes(taxonomy: Taxonomy, true_nodes: Sequence[Sequence[int]]) -> list[list[int]]:
    """Give the nodes of every row as plain numbers.

    Raises
    ------
    DataError
        A row has no label, or a node is not in the taxonomy.
    """
    nodes = [[int(node) for node in row] for row in true_nodes]
    for row, found in enumerate(nodes):
        if not found:
            raise DataError(f"Row {row} has no label, so there is nothing to doubt. Leave such rows out.")
        if min(found) < 0 or max(found) >= len(taxonomy):
            raise DataError(f"Row {row}: the nodes are {found}, but the taxonomy has nodes 0 to {len(taxonomy) - 1}.")
    return nodes


def _single_errors(taxonomy: Taxonomy, suspects: Suspects) -> tuple[LabelError, ...]:
    confident = suspects.confident
    rows = np.flatnonzero(suspects.disagrees & (suspects.score > 0))
    rows = rows[np.argsort(-suspects.score[rows], kind="stable")]
    given, suggested = (taxonomy.terminals[one[rows]] for one in (suspects.given, suspects.suggested))
    common = taxonomy.lca(given, suggested)
    return tuple(
        LabelError(
            int(row),
            taxonomy.path(int(a)),
            taxonomy.path(int(b)),
            WRONG_BRANCH if above < 0 else WRONG_LEAF,
            "deeper" if above == a else "shallower" if above == b else "replace",
            float(suspects.score[row]),
            float(suspects.given_proba[row]),
            float(suspects.suggested_proba[row]),
            bool(confident[row]),
        )
        for row, a, b, above in zip(rows, given, suggested, common, strict=True)
    )


def _several_error(taxonomy: Taxonomy, nodes: list[int], found: Found) -> LabelError:
    row, given, suggested, score, given_proba, suggested_proba, confident = found
    at = suggested if given < 0 else given
    others = [node for node in nodes if node != given]
    branch_is_right = bool(others) and bool((taxonomy.lca(np.array(others), at) >= 0).any())
    return LabelError(
        row,
        () if given < 0 else taxonomy.path(given),
        () if suggested < 0 else taxonomy.path(suggested),
        WRONG_LEAF if branch_is_right else WRONG_BRANCH,
        "add" if given < 0 else "remove",
        score,
        given_proba,
        suggested_proba,
        confident,
    )
