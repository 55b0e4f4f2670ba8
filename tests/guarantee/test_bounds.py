"""The bounds against SciPy, exact sums and simulation."""

import numpy as np
import pytest
from scipy import stats

from textaxa.guarantee._bounds import answers_needed, batch_rate, binomial_tail, mean_loss_tail

RATES = (0.01, 0.05, 0.1, 0.5)


@pytest.mark.parametrize("rate", RATES)
def test_the_binomial_tail_is_scipys(rate):
    trials = np.repeat([1, 7, 60, 1000, 20_000], 5)
    successes = (trials * np.tile([0, 0.01, 0.05, 0.2, 1], 5)).astype(np.int64)
    np.testing.assert_allclose(
        binomial_tail(successes, trials, rate), stats.binom.cdf(successes, trials, rate), rtol=1e-8, atol=1e-12
    )


@pytest.mark.parametrize(("rate", "error"), [(0.05, 0.025), (0.1, 0.2)])
def test_the_rate_for_a_batch_is_the_largest_that_keeps_it(rate, error):
    batch = np.array([1, 9, 10, 150, 4096, 4097, 50_000])
    found = batch_rate(rate, error, batch)
    exceeded = stats.binom.sf(np.floor(rate * batch + 1e-9), batch, found)
    assert (exceeded <= error + 1e-9).all()
    more = stats.binom.sf(np.floor(rate * batch + 1e-9), batch, found + 2e-6)
    exact = (batch <= 4096) & (found < rate - 1e-5)
    assert (more[exact] > error).all(), "the largest, not just one"
    assert exact.sum() >= 4
    assert (np.diff(found[[1, 3, 4, 6]]) > 0).all()


def test_an_empty_batch_allows_anything():
    assert batch_rate(0.05, 0.05, np.array([0]))[0] == pytest.approx(0.05, abs=1e-6)


def test_no_trials_prove_nothing():
    empty = np.empty(0, np.int64)
    assert len(binomial_tail(empty, empty, 0.1)) == 0
    assert binomial_tail(np.array([0]), np.array([0]), 0.1)[0] == 1
    assert mean_loss_tail(np.array([0.0]), np.array([0]), 0.1)[0] == 1


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.3])
def test_mean_losses_at_the_border_are_rarely_called_safe(rate):
    rng = np.random.default_rng(0)
    losses = rng.beta(rate, 1 - rate, (4000, 200))  # spread out as far as they can be with this mean
    p = mean_loss_tail(losses.sum(1), np.full(4000, 200), rate)
    assert (p <= 0.05).mean() <= 0.05
    assert (mean_loss_tail(losses.sum(1) * 0, np.full(4000, 200), rate) <= 0.05).all()


def test_answers_needed_is_the_first_number_that_proves_it():
    for mistakes, rate, error in ((0.0, 0.05, 0.05), (0.01, 0.05, 0.05), (0.03, 0.05, 0.01)):
        needed = answers_needed(mistakes, rate, error)
        at = np.array([needed, needed - 1])
        p = binomial_tail(np.ceil(mistakes * at).astype(np.int64), at, rate)
        assert p[0] <= error < p[1]
    assert answers_needed(0.05, 0.05, 0.05) is None
