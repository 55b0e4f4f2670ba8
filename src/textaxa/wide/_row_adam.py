"""Adam with one second moment a row: the optimizer of a wide head, which steps one group of rows at a time."""

import numpy as np

from textaxa.wide._head import WideHead
from textaxa.wide._rows import Float32, Int64

KEPT_MEANS, KEPT_SQUARES = 0.9, 0.999
"""Adam's usual shares."""
_TINY = 1e-12


class RowAdam:
    """The state of the optimizer. The bias counts as the weight of a feature that is always ``typical``.

    Parameters
    ----------
    head
        The head, with float32 rows that can be written.
    rate
        By how many nats a step moves the logit of a text of average length at most.
    typical
        Root mean square of a feature.
    """

    def __init__(self, head: WideHead, rate: float, typical: float) -> None:
        self._rows: Float32 = head.rows.values  # type: ignore[assignment]
        self._bias = head.rows.bias
        self._typical = max(typical, _TINY)
        # A step of this size in every weight of a row moves the logit of a text by at most the learning rate.
        self._rate = rate / (self._typical * head.rows.width)
        # Memory of zeros is taken when it is first written, so groups that are never seen take none.
        self._means, self._bias_means = np.zeros_like(self._rows), np.zeros_like(self._bias)
        self._squares = np.zeros_like(self._bias)
        self._group_steps = np.zeros(head.options.n_groups, dtype=np.int64)
        self._row_steps = np.zeros(len(self._bias), dtype=np.int32)

    def step(self, group: int, own: slice, of_rows: Float32, of_bias: Float32) -> None:
        """Move the rows of one whole group against their gradient, which is used up."""
        self._group_steps[group] += 1
        steps = int(self._group_steps[group])
        means, bias_means, squares = self._means[own], self._bias_means[own], self._squares[own]
        of_bias = of_bias * self._typical
        new = (np.einsum("sd,sd->s", of_rows, of_rows) + of_bias * of_bias) / (of_rows.shape[1] + 1)
        squares += (1 - KEPT_SQUARES) * (new - squares)
        of_rows -= means
        of_rows *= 1 - KEPT_MEANS
        means += of_rows
        bias_means += (1 - KEPT_MEANS) * (of_bias - bias_means)
        rate = self._rate / (1 - KEPT_MEANS**steps)
        by_row = rate / (np.sqrt(squares / (1 - KEPT_SQUARES**steps)) + _TINY)
        np.multiply(means, by_row[:, None], out=of_rows)
        self._rows[own] -= of_rows
        self._bias[own] -= by_row * self._typical * bias_means

    def step_some(self, places: Int64, of_rows: Float32, of_bias: Float32) -> None:
        """Move some rows, each named once, against their gradient; every row counts its own steps."""
        self._row_steps[places] += 1
        steps = self._row_steps[places]
        of_bias = of_bias * self._typical
        new = (np.einsum("sd,sd->s", of_rows, of_rows) + of_bias * of_bias) / (of_rows.shape[1] + 1)
        squares = self._squares[places]
        squares += (1 - KEPT_SQUARES) * (new - squares)
        means, bias_means = self._means[places], self._bias_means[places]
        means += (1 - KEPT_MEANS) * (of_rows - means)
        bias_means += (1 - KEPT_MEANS) * (of_bias - bias_means)
        self._squares[places], self._means[places], self._bias_means[places] = squares, means, bias_means
        rate = self._rate / (1 - np.power(KEPT_MEANS, steps))
        by_row = (rate / (np.sqrt(squares / (1 - np.power(KEPT_SQUARES, steps))) + _TINY)).astype(np.float32)
        self._rows[places] -= means * by_row[:, None]
        self._bias[places] -= by_row * self._typical * bias_means
