"""Near-duplicates: what is found is near, what is near is found, and a template is one group."""

import numpy as np
import pytest

pytest.importorskip("datasketch", reason="near-duplicates need the extra audit")

from textaxa.audit import near_duplicates
from textaxa.audit._near_duplicates import shingles
from textaxa.errors import ConfigError

WORDS = "record your runs on a map and share them with friends who like maps plans and long routes"


def test_a_changed_word_is_near_and_another_text_is_not():
    photos = "Edit photos on the road, with filters"
    texts = [f"{photos} and frames", "A football game", f"{photos} & frames"]
    (found,) = near_duplicates(texts, ["a", "b", "c"], similarity=0.7)
    assert (found.rows, found.conflict) == ((0, 2), True)
    assert 0.7 <= found.similarity < 1


def test_case_spaces_and_accents_do_not_count():
    (found,) = near_duplicates(["Café  für alle", "CAFE\u0301 FÜR ALLE"], ["a", "a"])
    assert (found.similarity, found.conflict) == (1.0, False)


def test_conflicts_come_first():
    texts = ["one text of the first kind"] * 2 + ["another text altogether"] * 2
    found = near_duplicates(texts, ["a", "a", "a", "b"])
    assert [(group.rows, group.conflict) for group in found] == [((2, 3), True), ((0, 1), False)]


def test_every_pair_of_a_text_and_its_near_copy_is_found_and_none_below_the_limit():
    rng = np.random.default_rng(0)
    texts = []
    for number in range(40):
        words = rng.choice(WORDS.split(), 30)
        texts.append(" ".join([*words, str(number)]))
        texts.append(" ".join([*words, str(number), "new"]))
    found = near_duplicates(texts, list(range(80)))
    assert {group.rows for group in found} == {(2 * i, 2 * i + 1) for i in range(40)}
    for group in found:
        one, other = (shingles(texts[row]) for row in group.rows)
        assert group.similarity == pytest.approx(len(one & other) / len(one | other))
        assert group.similarity >= 0.8


def test_a_template_is_one_group():
    template = "This app of the week records your runs on a map and shares them with all of your friends: "
    (found,) = near_duplicates([f"{template}{number}" for number in range(300)], [0] * 300)
    assert len(found.rows) == 300


@pytest.mark.parametrize("texts", [[], ["a"], ["", "ab"], ["日本語", "中文"], ["\ud800", "b"]])
def test_short_and_odd_texts_do_no_harm(texts):
    assert near_duplicates(texts, list(range(len(texts)))) == ()


@pytest.mark.parametrize("similarity", [0, -1, 1.5])
def test_an_impossible_similarity_is_told(similarity):
    with pytest.raises(ConfigError, match="must be in"):
        near_duplicates(["a"], ["b"], similarity=similarity)
