"""The pool: the best rows whatever the blocks, duplicates once, random rows that are really random."""

import numpy as np
import pytest

from textaxa.selection import Pool

TEXTS = [f"text number {i}" for i in range(60)]
WORTH = np.random.default_rng(0).permutation(60) / 60


def filled(size: int, **options) -> Pool:
    pool = Pool(5, most=8, **options)
    for start in range(0, 60, size):
        rows = np.arange(start, min(60, start + size))
        pool.add(rows, [TEXTS[i] for i in rows], WORTH[rows], rows * 10)
    return pool


@pytest.mark.parametrize("size", [1, 7, 60])
def test_the_most_worthwhile_rows_are_kept_with_what_belongs_to_them(size):
    rows, blocks = filled(size).candidates()
    assert sorted(rows) == sorted(np.argsort(-WORTH)[:8])
    assert (np.concatenate([block[0] for block in blocks]) == rows * 10).all()


def test_blocks_do_not_change_random_rows_and_no_row_is_both():
    pools = [filled(size, random=3, seed=4) for size in (1, 7, 60)]
    drawn = [pool.random_rows() for pool in pools]
    assert drawn[0] == drawn[1] == drawn[2]
    assert len(drawn[0]) == 3
    for pool in pools:
        rows, _ = pool.candidates()
        assert not set(rows.tolist()) & set(drawn[0])
        assert set(np.argsort(-WORTH)[:8].tolist()) <= set(rows.tolist()) | set(drawn[0])


def test_random_rows_do_not_depend_on_worth_and_every_row_has_its_chance():
    hits = np.zeros(60)
    for seed in range(600):
        hits[filled(60, random=3, seed=seed).random_rows()] += 1
    assert hits.mean() == 30
    assert hits.min() > 10
    assert abs(np.corrcoef(hits, WORTH)[0, 1]) < 0.4


def test_ties_are_broken_by_the_seed_and_not_by_the_order():
    def kept(order, seed):
        pool = Pool(5, most=8, seed=seed)
        pool.add(np.array(order), [TEXTS[i] for i in order], np.ones(60))
        return set(pool.candidates()[0].tolist())

    assert kept(list(range(60)), 1) == kept(list(range(59, -1, -1)), 1)
    assert kept(list(range(60)), 1) != kept(list(range(60)), 2)


def test_duplicates_and_labelled_texts_are_passed_over():
    pool = Pool(5)
    pool.exclude("Known already")
    assert pool.fresh(["one", " ONE ", "known  already", "two"]) == [0, 3]
    assert pool.fresh(["Two", "three"]) == [1]
    assert pool.duplicates == 3
