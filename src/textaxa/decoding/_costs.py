"""What wrong answers cost: read from a table, or given as a matrix. Out comes the expected cost of every answer.

Only the pairs that differ from the default are kept, so a taxonomy of 100,000 nodes has no table of answers by truths.
"""

from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa.data import iterate_rows
from textaxa.data._faults import Faults
from textaxa.decoding._closure import Floats, above, below, set_sizes, shared_nodes
from textaxa.errors import ConfigError, TaxonomyError
from textaxa.taxonomy import DEFAULT_SEPARATOR, Taxonomy, parse_path

COLUMNS = ("predicted", "true", "cost")

_MOST_PAIRS = 20_000_000
"""Pairs of answer and truth that lines may speak of, 480 MB: a line about two branches speaks of all their pairs."""

_DENSE = 16
"""From one pair in so many on, a product of matrices is faster than single pairs, and a table of all small enough."""

_GATHERED = 4_000_000
"""Products of probability and cost held at once, 32 MB."""


@dataclass(frozen=True, eq=False)
class Costs:
    """What answering a node costs when the truth is a terminal: a default, and the pairs that differ from it.

    Attributes
    ----------
    taxonomy
        The taxonomy whose nodes these are.
    default
        Cost of every wrong answer that no pair speaks of; None: the tree distance, in edges (`min_risk_paths`).
    predicted
        The answered node of each pair, int64 (P,); pairs ascend, and none comes twice.
    true
        The true node of each pair, a terminal; int64 (P,).
    cost
        What that costs; float64 (P,).
    """

    taxonomy: Taxonomy
    default: float | None = None
    predicted: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    true: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    cost: Floats = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        if self.default is not None and not _is_cost(self.default):
            raise ConfigError(f"default = {self.default!r} is no cost: a cost is a number from 0 on.")
        keys = np.asarray(self.predicted) * len(self.taxonomy) + self.true
        terminal = self.taxonomy.is_terminal[self.true]
        if not (terminal.all() and (np.diff(keys) > 0).all() and len(keys) == len(self.cost)):
            raise ConfigError(
                "The pairs of costs are not in order, one comes twice, or a true node is no terminal. Make costs with "
                "read_costs, or give a matrix."
            )

    def of(self, predicted: ArrayLike, true: ArrayLike) -> Floats:
        """Give the cost of each pair of an answered node and a true terminal; shape (Q,).

        Examples
        --------
        >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
        >>> Costs(taxonomy).of([2, 0, 2], [3, 3, 1]).tolist()
        [2.0, 1.0, 3.0]
        """
        answer, truth = np.asarray(predicted, dtype=np.int64), np.asarray(true, dtype=np.int64)
        cost = self._default_of(answer, truth)
        width = len(self.taxonomy)
        keys, wanted = self.predicted * width + self.true, answer * width + truth
        order = np.argsort(keys)
        place = np.minimum(np.searchsorted(keys, wanted, sorter=order), max(0, len(keys) - 1))
        if len(keys):
            said = keys[order[place]] == wanted
            cost[said] = self.cost[order[place[said]]]
        return cost

    def expected(self, exact: Floats) -> Floats:
        """Give the expected cost of answering each node, (R, N), from P(the label is exactly terminal t), (R, T)."""
        cost = self._default_expected(exact)
        if not len(self.cost):
            return cost
        extra = self.cost - self._default_of(self.predicted, self.true)
        column = np.searchsorted(self.taxonomy.terminals, self.true)
        if len(extra) * _DENSE >= exact.shape[1] * len(self.taxonomy):
            table = np.zeros((exact.shape[1], len(self.taxonomy)))
            table[column, self.predicted] = extra
            return cost + exact @ table
        answers, starts = np.unique(self.predicted, return_index=True)
        rows = max(1, _GATHERED // len(extra))
        for start in range(0, len(exact), rows):
            products = exact[start : start + rows, column] * extra
            cost[start : start + rows, answers] += np.add.reduceat(products, starts, axis=1)
        return cost

    def _default_of(self, answer: NDArray[np.int64], truth: NDArray[np.int64]) -> Floats:
        if self.default is not None:
            return np.where(answer == truth, 0.0, self.default)
        sizes = set_sizes(self.taxonomy)
        shared = shared_nodes(self.taxonomy, answer, truth)
        return (sizes[answer] + sizes[truth] - 2 * shared).astype(np.float64)

    def _default_expected(self, exact: Floats) -> Floats:
        taxonomy, mass = self.taxonomy, exact.sum(axis=1, keepdims=True)
        if self.default is not None:
            cost = np.repeat(mass, len(taxonomy), axis=1)
            cost[:, taxonomy.terminals] -= exact
            return cost * self.default
        sizes = set_sizes(taxonomy)
        depth = exact @ sizes[taxonomy.terminals][:, None]
        return np.asarray(mass * sizes + depth - 2 * above(taxonomy, below(taxonomy, exact)))


def cost_matrix(taxonomy: Taxonomy, matrix: ArrayLike) -> Costs:
    """Give the costs of a matrix (N, T): a row an answered node, a column a terminal.

    Raises
    ------
    ConfigError
        Its shape is another one, or it holds something that is not a finite number from 0 on.
    """
    values = np.asarray(matrix)
    shape = (len(taxonomy), len(taxonomy.terminals))
    if values.shape != shape or values.dtype.kind not in "fiu":
        raise ConfigError(
            f"The costs have the shape {values.shape} and the type {values.dtype}. A matrix of costs has a row for "
            f"every node and a column for every terminal of the taxonomy, here numbers of the shape {shape}."
        )
    if not (np.isfinite(values) & (values >= 0)).all():
        raise ConfigError("The costs hold numbers below 0 or numbers that are not finite. A cost is 0 or more.")
    answer, column = np.divmod(np.arange(values.size), shape[1])
    return Costs(taxonomy, 0.0, answer, taxonomy.terminals[column].astype(np.int64), values.ravel().astype(np.float64))


def read_costs(
    source: Any, taxonomy: Taxonomy, *, separator: str = DEFAULT_SEPARATOR, default: float | None = None
) -> Costs:
    """Give the costs that a table states, with the columns ``predicted``, ``true`` and ``cost``.

    A line speaks of whole branches, so that a few lines say what matters:

    - ``Games,Tools,10``: every answer at or below ``Games`` costs 10 where the truth is at or below ``Tools``.
    - ``Games,Games > Sports,0.5``, an answer on the way to the truth: to stop at exactly ``Games`` costs 0.5 where the
      truth is at or below ``Games > Sports``.
    - ``Games > Sports,Games,3``, an answer below: every answer at or below ``Games > Sports`` costs 3 where the truth
      is another one at or below ``Games``.

    Where several lines speak of one pair, the one with the deepest predicted node counts, and of these the one with the
    deepest true node; in a DAG, of equally deep ones the later line.

    Parameters
    ----------
    source
        A file name, or anything else that `textaxa.data.iterate_rows` reads.
    taxonomy
        The taxonomy, which must have all the paths.
    separator
        Between the names of a path.
    default
        Cost of the wrong answers that no line speaks of. None: the tree distance, in edges.

    Returns
    -------
    The costs.

    Raises
    ------
    DataError
        The table cannot be read, a column is missing, or lines have faults: paths that are not in the taxonomy, costs
        that are no numbers from 0 on, pairs given twice. All are told at once.
    ConfigError
        ``default`` is no number from 0 on; the lines speak of more than 20 million pairs.

    Examples
    --------
    >>> taxonomy = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    >>> costs = read_costs([{"predicted": "Tools", "true": "Games", "cost": 9}], taxonomy)
    >>> sports, cards, tools = (taxonomy.index(path) for path in [("Games", "Sports"), ("Games", "Cards"), ("Tools",)])
    >>> costs.of([tools, tools, sports], [sports, cards, cards]).tolist()
    [9.0, 9.0, 2.0]
    """
    Costs(taxonomy, default)  # a default that is none is told before the table is read
    lines = _read_lines(source, taxonomy, separator)
    pairs = [_pairs(taxonomy, predicted, true) for predicted, true, _ in lines]
    total = sum(len(answers) * len(truths) for answers, truths in pairs)
    if total > _MOST_PAIRS:
        raise ConfigError(
            f"The costs speak of {total:,} pairs of answer and truth, and {_MOST_PAIRS:,} are possible. Leave out "
            "lines about the largest branches, and say with `default` what all other mistakes cost."
        )
    return _laid_out(taxonomy, default, lines, pairs)


def _is_cost(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value >= 0


Line = tuple[int, int, float]
Pairs = tuple[NDArray[np.int32], NDArray[np.int32]]


def _read_lines(source: Any, taxonomy: Taxonomy, separator: str) -> list[Line]:
    """Give (predicted node, true node, cost) of every line, in the order of the table."""
    found: dict[tuple[int, int], tuple[float, int]] = {}
    with iterate_rows(source, collect_faults=True) as stream:
        stream.require(COLUMNS)
        reader = _LineReader(taxonomy, separator, stream.faults)
        for number, row in stream:
            line = reader.read(number, row)
            if line is None:
                continue
            predicted, true, cost = line
            if (predicted, true) in found:
                first = found[predicted, true][1]
                message = f"the pair of {stream.unit} {first} is given again"
                stream.faults.add(number, "repeated-pair", message, cure="Keep one of the lines.")
            found.setdefault((predicted, true), (cost, number))
    stream.faults.raise_if_any()
    return [(predicted, true, cost) for (predicted, true), (cost, _) in found.items()]


class _LineReader:
    """Reads single lines; what is wrong with them goes to the faults."""

    def __init__(self, taxonomy: Taxonomy, separator: str, faults: Faults) -> None:
        self._taxonomy = taxonomy
        self._separator = separator
        self._faults = faults

    def read(self, number: int, row: dict[str, Any]) -> Line | None:
        """Give (predicted node, true node, cost), or None where the line has a fault."""
        predicted, true = (self._node(number, name, row.get(name)) for name in COLUMNS[:2])
        cost = self._cost(number, row.get("cost"))
        return None if predicted is None or true is None or cost is None else (predicted, true, cost)

    def _node(self, number: int, column: str, value: Any) -> int | None:
        try:
            return self._taxonomy.index(parse_path("" if value is None else str(value), self._separator))
        except TaxonomyError as error:
            self._faults.add(number, f"{column}-path", f"{column}: {str(error).rstrip('.')}", cure=_PATH_CURE)
            return None

    def _cost(self, number: int, value: Any) -> float | None:
        try:
            cost = float(value)
        except (TypeError, ValueError):
            cost = -1.0
        if _is_cost(cost):
            return cost
        self._faults.add(number, "cost", f"the cost {value!r} is no number from 0 on", cure=_COST_CURE)
        return None


_PATH_CURE = "Write paths as in the taxonomy, with its separator between two names."
_COST_CURE = "Write costs as numbers with a point, for example 2.5."


def _pairs(taxonomy: Taxonomy, predicted: int, true: int) -> Pairs:
    """Give the answers and the truths that a line speaks of: every answer with every truth."""
    truths = taxonomy.descendants.row(true)
    truths = truths[taxonomy.is_terminal[truths]]
    if predicted in taxonomy.ancestors.row(true):
        return np.array([predicted], dtype=np.int32), truths
    answers = taxonomy.descendants.row(predicted)
    return answers, truths[~np.isin(truths, answers)]


def _laid_out(taxonomy: Taxonomy, default: float | None, lines: list[Line], pairs: list[Pairs]) -> Costs:
    """Give the costs of single pairs; of several lines that speak of one, the most specific comes last and stays."""
    order = sorted(range(len(lines)), key=lambda i: (taxonomy.depth[lines[i][0]], taxonomy.depth[lines[i][1]], i))
    keys = [np.empty(0, dtype=np.int64)]
    costs = [np.empty(0)]
    for i in order:
        answers, truths = pairs[i]
        keys.append((answers[:, None].astype(np.int64) * len(taxonomy) + truths).ravel())
        costs.append(np.full(len(keys[-1]), lines[i][2]))
    key, cost = np.concatenate(keys)[::-1], np.concatenate(costs)[::-1]
    single, first = np.unique(key, return_index=True)
    predicted, true = np.divmod(single, len(taxonomy))
    return Costs(taxonomy, default, predicted, true, cost[first])
