"""Thresholds of fast paths and the intervals of losses, against slow versions and by simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textaxa.guarantee._control import NEVER, Wanted
from textaxa.optimising._fast_paths import is_proven, joined, net_threshold, pairs, proven_threshold
from textaxa.optimising._material import Candidate
from textaxa.optimising._measure import Measured, in_turn, loss_interval, row_scores
from textaxa.taxonomy import Taxonomy


def measured(score, confidence=None, seconds=1.0):
    score = np.asarray(score, dtype=np.float64)
    return Measured(score, np.zeros(len(score)) if confidence is None else np.asarray(confidence, float), seconds)


bits = st.lists(st.integers(0, 1), min_size=8, max_size=8)
levels = st.lists(st.sampled_from([0.2, 0.4, 0.6, 0.8]), min_size=8, max_size=8)


@settings(max_examples=150, deadline=None)
@given(bits, bits, levels, st.sampled_from([0.0, 0.125, 0.3]))
def test_the_net_threshold_is_that_of_trying_one_after_the_other(base, cheap, confidence, max_loss):
    base, small, big = np.array(base, float), measured(cheap, confidence), measured(base)
    found, best = net_threshold(base, small, big, max_loss), NEVER
    for threshold in sorted(set(confidence), reverse=True):
        lost = (base - joined(small, big, threshold).score).mean()
        if lost > max_loss + 1e-9:
            break
        best = threshold
    assert found == best


@settings(max_examples=60, deadline=None)
@given(bits, bits, levels)
def test_the_proven_threshold_is_the_last_of_those_that_pass_one_after_the_other(base, cheap, confidence):
    base, small, big = np.array(base, float), measured(cheap, confidence), measured(base)
    wanted, best = Wanted(0.4, 0.2), NEVER
    for threshold in sorted(set(confidence), reverse=True):
        if not is_proven(base, joined(small, big, threshold).score, wanted, task="single"):
            break
        best = threshold
    found = proven_threshold(base, small, big, wanted, task="single")
    assert (0.0 if best == min(confidence) else best) == found


def test_what_is_proven_holds_as_often_as_was_promised():
    """Of many draws of rows, hardly more than the error give a threshold at which too much is truly lost."""
    rng, wanted, failed = np.random.default_rng(0), Wanted(0.05, 0.2), 0
    for _ in range(400):
        confidence = rng.random(200)
        lost = rng.random(200) < 0.3 * (1 - confidence)  # at threshold t the true loss is 0.15 (1 - t)²
        base, small = np.ones(200), measured(~lost, confidence)
        threshold = proven_threshold(base, small, measured(base), wanted, task="single")
        failed += threshold < 1 and 0.15 * (1 - threshold) ** 2 > wanted.rate
    assert 0.02 < failed / 400 < 0.25


def test_gains_do_not_help_to_prove_and_too_few_rows_prove_nothing():
    base = np.array([1.0] * 50 + [0.0] * 50)
    swapped = 1 - base
    assert not is_proven(base, swapped, Wanted(0.1, 0.05), task="single")
    assert is_proven(base, base, Wanted(0.1, 0.05), task="single")
    assert not is_proven(base, base, Wanted(0.003, 0.05), task="single")
    small = measured(swapped, np.linspace(0, 1, 100))
    assert proven_threshold(base, small, measured(base), Wanted(0.003, 0.05), task="single") == NEVER


def test_pairs_are_of_a_cheap_and_a_strong_model_the_fastest_first():
    base = np.ones(40)
    confidence = np.linspace(0.5, 1, 40)
    quick = measured([0] * 10 + [1] * 30, confidence, seconds=0.1)
    quicker = measured([0] * 20 + [1] * 20, confidence, seconds=0.05)
    names = [Candidate(name, "x", "", None) for name in ("big", "quick", "quicker")]
    tried = list(zip(names, (measured(base, seconds=10.0), quick, quicker), strict=True))
    found = pairs(tried, base, max_loss=0.0, most=5)
    assert [(small.name, big.name) for small, big, _ in found] == [("quick", "big"), ("quicker", "big")]
    assert found[0][2] == pytest.approx(confidence[10])
    assert len(pairs(tried, base, max_loss=0.0, most=1)) == 1
    assert pairs(tried[:1], base, max_loss=0.0, most=5) == []


def test_the_interval_of_a_loss_holds_the_truth_about_as_often_as_it_says():
    rng, held = np.random.default_rng(1), 0
    for _ in range(600):
        draw = rng.random(150)
        before, after = (draw < 0.9).astype(float), ((draw < 0.84) | (draw > 0.98)).astype(float)
        _, low, high = loss_interval(before, after)
        held += low <= 0.04 <= high
    assert 0.92 < held / 600 < 0.985


def test_the_interval_is_that_of_the_published_formula():
    before, after = np.array([1.0] * 7 + [0] * 3), np.array([1.0] * 4 + [0] * 4 + [1] * 2)
    gained, lost, rows = 2 + 0.5, 3 + 0.5, 10 + 2
    spread = np.sqrt((lost + gained) - (lost - gained) ** 2 / rows) / rows
    mean, low, high = loss_interval(before, after)
    assert mean == pytest.approx(0.1)
    assert (low, high) == pytest.approx(
        ((lost - gained) / rows - 1.96 * spread, (lost - gained) / rows + 1.96 * spread)
    )


def test_rows_of_several_paths_are_scored_by_their_nodes():
    taxonomy = Taxonomy.from_paths([("A", "a"), ("A", "b"), ("B",)])
    a, b, other = (taxonomy.index(path) for path in [("A", "a"), ("A", "b"), ("B",)])
    found = row_scores(taxonomy, [[a], [a, other], [b]], [[a], [a], []], single=False)
    assert found.tolist() == pytest.approx([1.0, 2 * 2 / 5, 0.0])


def test_models_are_timed_in_turn():
    calls = []

    class Clock:
        def __init__(self, name):
            self.name = name

        def node_proba(self, texts):
            calls.append((self.name, len(texts)))

    times = in_turn([Clock("a"), Clock("b")], ["x"] * 50, rounds=2)
    assert calls == [("a", 32), ("b", 32), ("a", 50), ("b", 50), ("a", 50), ("b", 50)]
    assert all(seconds >= 0 for seconds in times)
