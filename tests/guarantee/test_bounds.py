"""The bounds against SciPy, exact sums and simulation."""

import numpy as np
import pytest
from scipy import stats

from textaxa.guarantee._bounds import answers_needed, binomial_tail, mean_loss_tail, next_batch_tail

RATES = (0.01, 0.05, 0.1, 0.5)


@pytest.mark.parametrize("rate", RATES)
def test_the_binomial_tail_is_scipys(rate):
    trials = np.repeat([1, 7, 60, 1000, 20_000], 5)
    successes = (trials * np.tile([0, 0.01, 0.05, 0.2, 1], 5)).astype(np.int64)
    np.testing.assert_allclose(
        binomial_tail(successes, trials, rate), stats.binom.cdf(successes, trials, rate), rtol=1e-8, atol=1e-12
    )


@pytest.mark.parametrize("rate", RATES)
def test_the_next_batch_is_scipys_hypergeometric(rate):
    trials = np.repeat([1, 7, 60, 1000], 4)
    successes = (trials * np.tile([0, 0.02, 0.1, 0.5], 4)).astype(np.int64)
    batch = np.full(len(trials), 400)
    allowed = int(rate * 400)
    marked = successes + allowed + 1
    expected = stats.hypergeom.cdf(successes, trials + batch, marked, trials)
    np.testing.assert_allclose(next_batch_tail(successes, trials, rate, batch), expected, rtol=1e-8, atol=1e-12)


def test_a_batch_too_small_to_hold_a_mistake_proves_nothing():
    assert next_batch_tail(np.array([0]), np.array([50]), 0.05, np.array([0]))[0] == 1


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
