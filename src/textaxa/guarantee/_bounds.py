"""How surprising it would be to see so few mistakes if the true rate of mistakes were too high: p-values, vectorised.

Counts of mistakes and answers come in, P(so few or fewer | the rate is ``rate``) goes out.
"""

from functools import lru_cache
from math import e

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

_CELLS = 2_000_000
"""Terms of binomial sums held at once: 16 MB."""


def binomial_tail(successes: Counts, trials: Counts, rate: float) -> Floats:
    """Give P(X <= successes) of a binomial X with so many trials; each of shape (K,).

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
    size = max(1, _CELLS // (int(successes.max(initial=0)) + 1))
    for start in range(0, len(within), size):
        rows = within[start : start + size]
        found[rows] = _tails(successes[rows], trials[rows], rate, log_factorial)
    return found


def _tails(successes: Counts, trials: Counts, rate: float, log_factorial: Floats) -> Floats:
    k = np.arange(int(successes.max()) + 1)
    rest = np.maximum(trials[:, None] - k, 0)
    log_ways = log_factorial[trials][:, None] - log_factorial[k] - log_factorial[rest]
    terms = np.exp(log_ways + k * np.log(rate) + rest * np.log1p(-rate))
    total: Floats = np.where(k <= successes[:, None], terms, 0.0).sum(axis=1)
    return np.minimum(total, 1.0)


def next_batch_tail(successes: Counts, trials: Counts, rate: float, batch: Counts) -> Floats:
    """Give a p-value of "among the next ``batch`` trials more than ``rate`` will be successes"; each of shape (K,).

    Were there just one more than allowed, all trials together would hold ``successes + floor(rate * batch) + 1``, and
    any of them would be as likely to lie among the observed ones: a hypergeometric tail. With ever larger batches it
    becomes `binomial_tail`.

    >>> next_batch_tail(np.array([0]), np.array([59]), 0.05, np.array([1_000_000])).round(4).tolist()
    [0.0485]
    """
    found = np.ones(len(trials))
    allowed = np.floor(rate * batch + 1e-9).astype(np.int64)
    total, marked = trials + batch, successes + allowed + 1
    possible = np.flatnonzero((batch > 0) & (successes < trials) & (allowed < batch))
    log_factorial = _log_factorials(int(total.max(initial=1)))
    size = max(1, _CELLS // (int(successes.max(initial=0)) + 1))
    for start in range(0, len(possible), size):
        rows = possible[start : start + size]
        found[rows] = _hypergeometric(successes[rows], trials[rows], marked[rows], total[rows], log_factorial)
    return found


def _hypergeometric(successes: Counts, trials: Counts, marked: Counts, total: Counts, log_factorial: Floats) -> Floats:
    def log_choose(n: Counts, k: Counts) -> Floats:
        inside = (k >= 0) & (k <= n)
        chosen = np.where(inside, k, 0)
        ways = log_factorial[n] - log_factorial[chosen] - log_factorial[n - chosen]
        return np.where(inside, ways, -np.inf)

    k = np.arange(int(successes.max()) + 1)[None]
    drawn, plain = trials[:, None], (total - marked)[:, None]
    ways = log_choose(np.broadcast_to(marked[:, None], (len(trials), k.shape[1])), k + 0 * drawn)
    others = log_choose(np.broadcast_to(plain, ways.shape), drawn - k)
    terms = np.exp(ways + others - log_choose(total, trials)[:, None])
    total_of: Floats = np.where(k <= successes[:, None], terms, 0.0).sum(axis=1)
    return np.minimum(total_of, 1.0)


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
    with np.errstate(divide="ignore", invalid="ignore"):
        divergence = np.where(below > 0, below * np.log(below / rate), 0.0)
        divergence += (1 - below) * np.log((1 - below) / (1 - rate))
    hoeffding = np.exp(-trials * divergence)
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
