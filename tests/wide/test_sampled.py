"""Sampled softmax: what is drawn is unbiased, only drawn rows move, and a head of many siblings learns all the same."""

import numpy as np

from textaxa.taxonomy import Taxonomy
from textaxa.wide import WideHead, WideTraining, fit_wide
from textaxa.wide._row_adam import RowAdam
from textaxa.wide._sampled import draw

LEAVES = 1500
FLAT = Taxonomy.from_paths([(f"leaf {i}",) for i in range(LEAVES)])


def test_the_sum_over_what_is_drawn_is_expected_to_be_that_of_all():
    random = np.random.default_rng(0)
    logits, chosen = random.standard_normal(400), np.array([3, 77, 3])
    sums = []
    for _ in range(4000):
        some = draw(chosen, 400, 40, random)
        assert some.places[some.taken].tolist() == chosen.tolist()
        sums.append(np.exp(logits[some.places] + some.log_weight).sum())
    assert len(np.unique(some.places)) == len(some.places)
    np.testing.assert_allclose(np.mean(sums), np.exp(logits).sum(), rtol=0.02)


def test_all_options_are_there_when_all_are_drawn():
    some = draw(np.array([0, 1]), 2, 50, np.random.default_rng(0))
    assert some.places.tolist() == [0, 1]
    assert some.log_weight.tolist() == [0, 0]


def test_a_step_on_some_rows_is_a_step_on_the_group():
    random = np.random.default_rng(0)
    one, other = WideHead.zeros(FLAT, 8), WideHead.zeros(FLAT, 8)
    whole, some = RowAdam(one, 0.5, 1.0), RowAdam(other, 0.5, 1.0)
    order = random.permutation(LEAVES)
    for _ in range(3):
        of_rows, of_bias = random.standard_normal((LEAVES, 8)), random.standard_normal(LEAVES)
        some.step_some(order, of_rows[order].astype(np.float32), of_bias[order].astype(np.float32))
        whole.step(0, slice(0, LEAVES), of_rows.astype(np.float32), of_bias.astype(np.float32))
    np.testing.assert_allclose(other.rows.values, one.rows.values, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(other.rows.bias, one.rows.bias, rtol=1e-3, atol=1e-6)


def test_a_head_of_many_siblings_learns_against_few_of_them():
    random = np.random.default_rng(0)
    meanings = random.standard_normal((LEAVES, 48)).astype(np.float32)

    def texts(n):
        leaves = random.integers(LEAVES, size=n)
        return meanings[leaves] + random.standard_normal((n, 48)).astype(np.float32), leaves

    train, held = texts(15_000), texts(600)
    right = {}
    for negatives in (150, LEAVES):
        head = WideHead.zeros(FLAT, 48)
        fit = fit_wide(head, *train, training=WideTraining(epochs=4, negatives=negatives, batch_size=256))
        assert fit.losses[-1] < 0.5 * fit.losses[0]
        right[negatives] = np.mean(head.search(held[0]).nodes[:, 0] == held[1])
    assert right[LEAVES] > 0.6
    assert right[150] > 0.9 * right[LEAVES]


def test_rows_that_no_text_takes_stay_where_names_put_them():
    random = np.random.default_rng(0)
    head = WideHead.zeros(FLAT, 8)
    head.rows.values[:] = random.standard_normal(head.rows.values.shape)
    before = head.rows.values.copy()
    labels = random.integers(100, size=500)
    features = random.standard_normal((500, 8)).astype(np.float32)
    fit_wide(head, features, labels, training=WideTraining(epochs=2, negatives=50, keep_unseen=True))
    np.testing.assert_array_equal(head.rows.values[100:], before[100:])
    assert (head.rows.values[np.unique(labels)] != before[np.unique(labels)]).any(axis=1).all()
