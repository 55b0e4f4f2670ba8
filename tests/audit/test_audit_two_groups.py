"""Categories in two groups: two clouds are told with their words, one cloud is not."""

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="groups need the extra train")

from textaxa.audit import two_groups

LABEL = (("Home", "Bath"),)


def _texts(n: int, *words: str) -> list[str]:
    return [f"{words[i % len(words)]} number {i}" for i in range(n)]


def _vectors(n: int, gap: float) -> np.ndarray:
    side = np.arange(n) // 2 % 2
    return np.random.default_rng(0).normal(0, 0.1, (n, 12)) + np.outer(side, np.eye(12)[0]) * gap + np.eye(12)[1] * 3


@pytest.mark.parametrize("gap", [3.0, 0.0])
def test_two_clouds_are_told_and_one_is_not(gap):
    n = 100
    texts = [("shower gel" if i // 2 % 2 else "towel cotton") + f" {i}" for i in range(n)]
    found = two_groups(texts, [LABEL] * n, _vectors(n, gap).astype(np.float32))
    if not gap:
        assert found == ()
        return
    (one,) = found
    assert (one.path, one.rows, one.share) == (LABEL[0], 100, 0.5)
    assert {frozenset(words) for words in one.words} == {frozenset({"shower", "gel"}), frozenset({"towel", "cotton"})}
    assert "Split it" in one.sentence


def test_without_vectors_words_are_counted():
    n = 120
    texts = [f"{'gel shower soap' if i // 2 % 2 else 'towel cotton linen'} {'abcdefg'[i % 7]}x" for i in range(n)]
    (one,) = two_groups(texts, [LABEL] * n)
    assert one.distance > 6


@pytest.mark.parametrize("labels", [[LABEL] * 20, [(("A",), ("B",))] * 100, []])
def test_few_rows_and_several_paths_say_nothing(labels):
    assert two_groups(_texts(len(labels), "a", "b"), labels) == ()


def test_equal_texts_do_no_harm():
    assert two_groups(["same"] * 80, [LABEL] * 80) == ()
