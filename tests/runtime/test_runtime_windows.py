"""Texts are tokenised ahead in a thread: every row once, numbers as alone, errors where they belong, no thread left."""

import threading
import time

import numpy as np
import pytest
from heads.taxonomies import KINDS
from runtime.runtime_cases import TEXTS, exported, make_model

from textaxa._windows import CHUNK, tokenised

TREE = KINDS["labels at inner nodes"]


def pieces_of(texts):
    return [((len(text),),) for text in texts]


def threads():
    return [one for one in threading.enumerate() if one.name.startswith("textaxa-tokenise")]


@pytest.mark.parametrize("count", [0, 1, CHUNK, CHUNK + 1, 5 * CHUNK + 3])
def test_every_row_comes_once_with_its_own_pieces_and_long_texts_first(count):
    texts = ["x" * int(n) for n in np.random.default_rng(0).integers(0, 90, count)]
    chunks = list(tokenised(texts, pieces_of))
    rows = [row for chunk, _ in chunks for row in chunk]
    assert sorted(rows) == list(range(count))
    for chunk, pieces in chunks:
        assert pieces == pieces_of([texts[row] for row in chunk])
        assert len(chunk) <= CHUNK
    if count > CHUNK:
        assert [len(texts[row]) for row in rows] == sorted(map(len, texts), reverse=True)
    assert not threads()


def test_few_texts_need_no_thread():
    seen = []
    list(tokenised(["a"] * 9, lambda texts: seen.append(threading.current_thread()) or pieces_of(texts)))
    assert seen == [threading.main_thread()]


def test_what_waits_is_bounded():
    begun = []

    def slow(texts):
        begun.append(len(texts))
        return pieces_of(texts)

    chunks = tokenised(["a"] * 20 * CHUNK, slow)
    next(chunks)
    time.sleep(0.05)
    assert len(begun) <= 4
    chunks.close()
    assert not threads()


def test_an_error_while_tokenising_comes_to_the_caller():
    def broken(texts):
        if "bad" in texts:
            raise ValueError("this text")
        return pieces_of(texts)

    with pytest.raises(ValueError, match="this text"):
        list(tokenised(["longer"] * 2 * CHUNK + ["bad"] + ["a"] * CHUNK, broken))
    assert not threads()


def test_ctrl_c_while_computing_ends_the_thread():
    def interrupted():
        for _ in tokenised(["a"] * 9 * CHUNK, pieces_of):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not threads()


def test_many_texts_get_the_numbers_of_each_alone(tmp_path):
    model = make_model(tmp_path / "tiny", TREE)
    light = exported(model, tmp_path)
    many = [f"{TEXTS[i % len(TEXTS)]} {i % 40}" for i in range(2 * CHUNK + 7)]
    for one in (light, model):
        together = one.node_proba(many)
        for row in (0, 1, CHUNK, len(many) - 1):
            np.testing.assert_allclose(together[row], one.node_proba([many[row]])[0], atol=1e-5)
    np.testing.assert_allclose(light.node_proba(many), together, atol=1e-5)
