"""How surprising it would be to see so few mistakes if the true rate of mistakes were too high: p-values, vectorised.

Counts of mistakes and answers come in, P(so few or fewer | the rate is ``rate``) goes out.
"""

from collections.abc import Callable
from functools import lru_cache
from math import e

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

_CELLS = 2_000_000
"""Terms of binomial sums held at once: 16 MB."""


def binomial_tail(successes: Counts, trials: Counts, rate: float | Floats) -> Floats:
    """Give P(X <= successes) of a binomial X with so many trials; each of shape (K,), the rate one or (K,).

    At ``rate`` it is the p-value of "the true rate is above ``rate``", and inverting it gives the upper bound of
    Clopper & Pearson (Biometrika 1934).

    >>> binomial_tail(np.array([0, 1]), np.array([59, 59]), 0.05).round(4).tolist()
    [0.0485, 0.1991]
    """
    found = np.ones(len(trials))
    if not len(trials):
        return found
    log_factorial = _log_factorials(int(trials.max()))
    within = np.flatnonzero(successes < trials)
    rates = np.broadcast_to(np.asarray(rate, dtype=np.float64), len(trials))
    size = max(1, _CELLS // (int(successes.max(initial=0)) + 1))
    for start in range(0, len(within), size):
        rows = within[start : start + size]
        found[rows] = _tails(successes[rows], trials[rows], rates[rows, None], log_factorial)
    return found


def _tails(successes: Counts, trials: Counts, rate: Floats, log_factorial: Floats) -> Floats:
    k = np.arange(int(successes.max()) + 1)
    rest = np.maximum(trials[:, None] - k, 0)
    log_ways = log_factorial[trials][:, None] - log_factorial[k] - log_factorial[rest]
    with np.errstate(divide="ignore", invalid="ignore"):
        log_chance = np.where(k > 0, k * np.log(rate), 0.0)  # a rate of 0 allows no success
        terms = np.exp(log_ways + log_chance + rest * np.log1p(-rate))  # and a rate of 1 no failure
    total: Floats = np.where(k <= successes[:, None], terms, 0.0).sum(axis=1)
    return np.minimum(total, 1.0)


def batch_rate(rate: float, error: float, batch: Counts) -> Floats:
    """Give the true rates at which among the next ``batch`` trials hardly ever more than ``rate`` are successes.

    Parameters
    ----------
    rate
        The share that must not be exceeded, in (0, 1).
    error
        How often it may be exceeded all the same, in (0, 1).
    batch
        Sizes of batches, (K,).

    Returns
    -------
    The largest such rates, (K,): exact up to batches of 4,096, from Chernoff's bound above. They grow towards ``rate``.

    >>> batch_rate(0.05, 0.05, np.array([20, 400, 100_000])).round(4).tolist()
    [0.0181, 0.0354, 0.0483]
    """
    exact = batch <= _EXACT
    found = np.empty(len(batch))
    found[exact] = _exact_rates(rate, error)[batch[exact]]
    above = batch[~exact]
    found[~exact] = _bisected(
        lambda low: above * _divergence(rate, low) >= -np.log(error), np.zeros(len(above)), np.full(len(above), rate)
    )
    return found


_EXACT = 4096


@lru_cache(maxsize=16)
def _exact_rates(rate: float, error: float) -> Floats:
    """Give them for batches of 0 to 4,096."""
    batch = np.arange(_EXACT + 1)
    allowed = np.floor(rate * batch + 1e-9).astype(np.int64)
    return _bisected(
        lambda low: binomial_tail(allowed, batch, low) >= 1 - error, np.zeros(len(batch)), np.full(len(batch), rate)
    )


def _bisected(holds: Callable[[Floats], NDArray[np.bool_]], low: Floats, high: Floats) -> Floats:
    """Give the largest values for which something holds that holds below and not above; to a millionth."""
    for _ in range(20):
        middle = (low + high) / 2
        kept = holds(middle)
        low, high = np.where(kept, middle, low), np.where(kept, high, middle)
    return low


def _divergence(rate: float | Floats, true: float | Floats) -> Floats:
    """Give the Kullback-Leibler divergence of two coins, in nats."""
    with np.errstate(divide="ignore", invalid="ignore"):
        heads = np.where(np.asarray(rate) > 0, rate * np.log(rate / true), 0.0)
        return np.asarray(heads + (1 - rate) * np.log((1 - rate) / (1 - true)))


def _log_factorials(most: int) -> Floats:
    size = 1 << most.bit_length()  # few sizes, so that few tables are kept
    return _log_factorial_table(size)


@lru_cache(maxsize=4)
def _log_factorial_table(size: int) -> Floats:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, size + 1)))])


def mean_loss_tail(losses: Floats, trials: Counts, rate: float) -> Floats:
    """Give a p-value of "the mean loss is above ``rate``" for losses in [0, 1] that sum to ``losses``; each (K,).

    The smaller one of Hoeffding's and of Bentkus' bounds.

    Source: Bates et al., Distribution-Free, Risk-Controlling Prediction Sets, JACM 2021, section 3.1.
    """
    mean = np.divide(losses, trials, out=np.ones(len(trials)), where=trials > 0)
    below = np.minimum(mean, rate)
    hoeffding = np.exp(-trials * _divergence(below, rate))
    # Sums of rounded ratios may lie a hair above a whole number.
    bentkus = e * binomial_tail(np.ceil(losses - 1e-9).astype(np.int64), trials, rate)
    found: Floats = np.where(trials > 0, np.minimum(np.minimum(hoeffding, bentkus), 1.0), 1.0)
    return found


def answers_needed(mistake_rate: float, rate: float, error: float) -> int | None:
    """Give how many answers would be needed to show a rate below ``rate``, if mistakes go on as observed.

    Parameters
    ----------
    mistake_rate
        The observed share of mistakes.
    rate
        The share that is promised not to be exceeded, in (0, 1).
    error
        The p-value that is asked for, in (0, 1).

    Returns
    -------
    The number; None where the observed share is not below ``rate``, so that no number would do, or it is above 10
    million.

    >>> answers_needed(0.0, 0.05, 0.05), answers_needed(0.06, 0.05, 0.05)
    (59, None)
    """
    if mistake_rate >= rate:
        return None
    low, high = 0, 1
    while _p_value(mistake_rate, high, rate) > error:
        low, high = high, 2 * high
        if high > 10_000_000:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _p_value(mistake_rate, middle, rate) <= error else (middle, high)
    return high


def _p_value(mistake_rate: float, trials: int, rate: float) -> float:
    mistakes = int(np.ceil(mistake_rate * trials))
    return float(binomial_tail(np.array([mistakes]), np.array([trials]), rate)[0])
