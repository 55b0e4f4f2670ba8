"""Beam search over sibling groups: all texts of a batch go down the taxonomy together.

At each level the texts are put in the order of the groups that they reached, so that a group's rows are read once and
meet all of them in one product; what follows works on whole arrays.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textaxa.wide._options import ROOT, Options
from textaxa.wide._rows import Float32, Int64, Rows

Bools = NDArray[np.bool_]
_NOWHERE = np.float32(-np.inf)
_PROBE = 3
"""A narrow beam goes first where it is so many times narrower than the wide one: it must cost less than it saves."""
_ROUNDING = np.float32(1e-3)
"""Nats by which a log-probability may differ from itself in another product."""


@dataclass(frozen=True)
class Choices:
    """Log-probabilities of the options of P pairs of text and group, given that the text belongs under the group.

    Attributes
    ----------
    log_proba
        float32, nats; the options of the first pair, then of the second, and so on.
    option
        ``int64``; the number of each option.
    begins
        ``int64 (P + 1,)``; where each pair's options begin.
    """

    log_proba: Float32
    option: Int64
    begins: Int64


def choices(options: Options, rows: Rows, features: Float32, text: Int64, group: Int64) -> Choices:
    """Score the options of pairs of text and group, (P,) each, in the order given; at least one pair."""
    first = options.start[group]
    sizes = options.start[group + 1] - first
    order = np.argsort(first, kind="stable")
    products, offset = rows.products(features[text[order]], first[order], sizes[order])
    begins = np.zeros(len(text) + 1, dtype=np.int64)
    np.cumsum(sizes, out=begins[1:])
    from_sorted = np.empty_like(first)
    from_sorted[order] = offset
    # Where each logit lies in the sorted products, and which option it is of, are ranges; both begin at a pair's first.
    step = np.arange(begins[-1])
    logits = products[step + np.repeat(from_sorted - begins[:-1], sizes)]
    option = step + np.repeat(first - begins[:-1], sizes)
    if rows.scale is not None:
        logits *= rows.scale[option]
    logits += rows.bias[option]
    return Choices(_log_softmax(logits, begins[:-1], sizes), option, begins)


def _log_softmax(logits: Float32, begins: Int64, sizes: Int64) -> Float32:
    """Give the log-softmax of ranges of logits; every range has at least one."""
    logits -= np.repeat(np.maximum.reduceat(logits, begins), sizes)
    sums = np.add.reduceat(np.exp(logits), begins)
    logits -= np.repeat(np.log(sums), sizes)
    return logits


@dataclass(frozen=True)
class Best:
    """The best ends of paths of B texts so far: log-probabilities and options (B, k), the best comes first.

    ``lost`` (B,) is the largest log-probability of the nodes that were left out. Filled in place.
    """

    log_proba: Float32
    option: Int64
    lost: Float32

    @classmethod
    def none(cls, n_texts: int, k: int) -> "Best":
        empty = np.full((n_texts, k), _NOWHERE, dtype=np.float32)
        return cls(empty, np.full((n_texts, k), -1), np.full(n_texts, _NOWHERE, dtype=np.float32))

    def add(self, text: Int64, log_proba: Float32, option: Int64) -> None:
        """Take in candidates (texts, M) of some texts; those that are none have -inf."""
        k = self.option.shape[1]
        columns, _ = largest(log_proba, k)
        values = np.concatenate([self.log_proba[text], np.take_along_axis(log_proba, columns, 1)], axis=1)
        found = np.concatenate([self.option[text], np.take_along_axis(option, columns, 1)], axis=1)
        # Of equally probable ends the first option comes first, whatever the order in which they were met.
        order = np.lexsort((found, -values), axis=1)[:, :k]
        self.log_proba[text] = np.take_along_axis(values, order, 1)
        self.option[text] = np.take_along_axis(found, order, 1)


def largest(table: Float32, k: int) -> tuple[Int64, Float32]:
    """Give the columns of the ``k`` largest values of each row, in no order, and the largest other one (or -inf)."""
    n, width = table.shape
    if k >= width:
        return np.broadcast_to(np.arange(width), table.shape), np.full(n, _NOWHERE, dtype=np.float32)
    order = np.argpartition(table, width - k - 1, axis=1)
    others = np.take_along_axis(table, order[:, width - k - 1 : width - k], 1)
    return order[:, width - k :], others[:, 0]


def search_block(options: Options, rows: Rows, features: Float32, *, k: int, width: int) -> Best:
    """Find the best ends of paths of some texts (B, D) with a beam of ``width`` nodes a level.

    A narrow beam goes first: what is less probable than the ends that it finds need not be looked at by the wide one.
    The answer is that of the wide beam alone. Where it finds less than the narrow one, which a beam may, it goes again.
    """
    floor = np.full(len(features), _NOWHERE, dtype=np.float32)
    if _PROBE * k > width:
        return _beam(options, rows, features, floor, k=k, width=width)
    floor = _beam(options, rows, features, floor, k=k, width=k).log_proba[:, -1] - _ROUNDING
    best = _beam(options, rows, features, floor, k=k, width=width)
    again = np.flatnonzero(best.log_proba[:, -1] < floor)
    if len(again):
        whole = _beam(options, rows, features[again], np.full_like(floor[again], _NOWHERE), k=k, width=width)
        best.log_proba[again], best.option[again], best.lost[again] = whole.log_proba, whole.option, whole.lost
    return best


def _beam(options: Options, rows: Rows, features: Float32, floor: Float32, *, k: int, width: int) -> Best:
    """Search with a beam, leaving out nodes whose log-probability is below their text's ``floor`` (B,)."""
    n_texts = len(features)
    best = Best.none(n_texts, k)
    text = np.arange(n_texts)
    group = np.full(n_texts, ROOT, dtype=np.int64)
    above = np.zeros(n_texts, dtype=np.float32)
    while len(text):
        scored = choices(options, rows, features, text, group)
        sizes = np.diff(scored.begins)
        log_proba = scored.log_proba + np.repeat(above, sizes)
        text, group, above = _next(options, best, _table(text, scored, log_proba), floor, width)
    return best


@dataclass(frozen=True)
class _Table:
    """The candidates of some texts (n,) side by side: log-probabilities and options (n, M), else -inf."""

    text: Int64
    log_proba: Float32
    option: Int64


def _table(text: Int64, scored: Choices, log_proba: Float32) -> _Table:
    """Lay the candidates of each text side by side; pairs come in the order of texts."""
    first = np.flatnonzero(np.diff(text, prepend=-1))
    begins = scored.begins[first]
    counts = np.diff(begins, append=scored.begins[-1])
    most = int(counts.max())
    if (counts == most).all():
        return _Table(text[first], log_proba.reshape(-1, most), scored.option.reshape(-1, most))
    cell = np.arange(len(log_proba)) + np.repeat(np.arange(len(first)) * most - begins, counts)
    table = np.full(len(first) * most, _NOWHERE, dtype=np.float32)
    option = np.zeros(len(first) * most, dtype=np.int64)
    table[cell], option[cell] = log_proba, scored.option
    return _Table(text[first], table.reshape(-1, most), option.reshape(-1, most))


def _next(options: Options, best: Best, found: _Table, floor: Float32, width: int) -> tuple[Int64, Int64, Float32]:
    """Take in the ends among the candidates, and give the pairs to go on with, in the order of texts."""
    text, table, option = found.text, found.log_proba, found.option
    below = options.below[option]
    inner = below >= 0
    if not inner.all():
        best.add(text, np.where(inner, _NOWHERE, table), option)
        table = np.where(inner, table, _NOWHERE)
    columns, lost = largest(table, width)
    best.lost[text] = np.maximum(best.lost[text], lost)
    kept = np.take_along_axis(table, columns, 1)
    # A node can be left where the k-th best path is already more probable: nothing below is more probable than it.
    least = np.maximum(best.log_proba[text, -1], floor[text])
    row, column = np.nonzero((kept > _NOWHERE) & (kept >= least[:, None]))
    column, kept = columns[row, column], kept[row, column]
    return text[row], below[row, column].astype(np.int64), kept
