"""Texts to vectors: what is counted, how it is weighted, what is chosen for which texts."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from textaxa.errors import ConfigError, DataError
from textaxa.linear import LinearSettings, _counter
from textaxa.linear import _features as room
from textaxa.linear._features import Features, fit_features
from textaxa.linear._settings import resolved
from textaxa.taxonomy import Taxonomy

TEXTS = [
    "Football, football and a Club!",
    "photo and video: edit",
    "Übung macht den Meister",
    "C or R",
    "football club",
]
TAXONOMY = Taxonomy.from_paths([("A", "x"), ("A", "y"), ("B",)])


def chosen(texts=TEXTS, taxonomy=TAXONOMY, task="single", **settings) -> LinearSettings:
    return resolved(LinearSettings(**settings), texts, taxonomy, task=task)


def test_words_are_weighted_as_scikit_learn_does():
    features, vectors = fit_features(chosen(characters="off"), TEXTS, seed=0)
    how = {"ngram_range": (1, 2), "sublinear_tf": True, "token_pattern": r"(?u)\b\w+\b"}
    theirs = TfidfVectorizer(**how)
    expected = theirs.fit_transform(TEXTS)
    assert features.vocabulary == {"words": theirs.get_feature_names_out().tolist()}
    np.testing.assert_allclose(vectors.toarray(), expected.toarray(), rtol=1e-5)
    new = ["football photo of a club", "", "c"]
    np.testing.assert_allclose(features(new).toarray(), theirs.transform(new).toarray(), rtol=1e-5)
    assert vectors.dtype == np.float32


def test_characters_stand_beside_words_and_each_kind_has_length_one():
    features, vectors = fit_features(chosen(characters="within-words"), TEXTS, seed=0)
    words = len(features.vocabulary["words"])
    both = vectors.toarray()
    np.testing.assert_allclose(np.linalg.norm(both[:, :words], axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(both[:, words:], axis=1), 1, rtol=1e-5)
    assert features.width == both.shape[1]
    assert {len(term) for term in features.vocabulary["characters"]} == {2, 3, 4, 5}


def test_words_of_one_letter_count():
    features, _ = fit_features(chosen(characters="off", word_ngrams=1), TEXTS, seed=0)
    assert {"c", "r", "a", "übung"} <= set(features.vocabulary["words"])


def test_only_what_is_frequent_is_kept():
    features, _ = fit_features(chosen(characters="off", min_rows=2), TEXTS, seed=0)
    assert features.vocabulary["words"] == ["and", "club", "football"]
    features, _ = fit_features(chosen(characters="within-words", max_features=3), TEXTS, seed=0)
    assert [len(terms) for terms in features.vocabulary.values()] == [3, 3]


def test_a_kind_without_anything_is_left_out():
    features, vectors = fit_features(chosen(["!!", "?!", "!?"], characters="within-words"), ["!!", "?!", "!?"], seed=0)
    assert list(features.vocabulary) == ["characters"]
    assert vectors.shape == (3, features.width)


@pytest.mark.parametrize("texts", [["!!", "?"], [" ", "\n"]])
def test_nothing_to_count_is_told(texts):
    with pytest.raises(DataError, match="nothing that could be counted"):
        fit_features(chosen(texts, characters="off"), texts, seed=0)


def test_many_rows_are_counted_in_parts_and_from_a_sample(monkeypatch):
    texts = [f"word{i % 7} other{i % 3}" for i in range(100)]
    whole, expected = fit_features(chosen(texts, characters="off"), texts, seed=0)
    with monkeypatch.context() as patch:
        patch.setattr(_counter, "BLOCK", 9)
        np.testing.assert_array_equal(whole(texts).toarray(), expected.toarray())
    monkeypatch.setattr(room, "_COUNTED_CHARACTERS", {"words": 400, "characters": 400})
    sampled, vectors = fit_features(chosen(texts, characters="off"), texts, seed=0)
    assert 0 < sampled.width <= whole.width
    assert vectors.shape == (100, sampled.width)
    again, _ = fit_features(chosen(texts, characters="off"), texts, seed=0)
    assert again.vocabulary == sampled.vocabulary


def test_no_texts_at_all():
    features, _ = fit_features(chosen(), TEXTS, seed=0)
    assert features([]).shape == (0, features.width)


def test_the_vocabulary_alone_makes_the_same_features():
    features, vectors = fit_features(chosen(), TEXTS, seed=0)
    again = Features(chosen(), features.vocabulary, features.idf)
    np.testing.assert_array_equal(again(TEXTS).toarray(), vectors.toarray())


CHINESE = ["文本编辑器和笔记应用", "音乐播放器 iTunes", "数据库管理工具 MySQL 客户端"]
SHORT = ["what is the capital of France ?"]
LONG = ["a long description of an app. " * 20]


@pytest.mark.parametrize(
    ("texts", "characters", "lengths"),
    [
        (CHINESE, "across-words", (1, 3)),
        (["สวัสดีชาวโลก"], "across-words", (1, 3)),
        (["데이터베이스 관리 도구"], "within-words", (2, 5)),
        (SHORT, "within-words", (2, 5)),
        (LONG, "off", (2, 5)),
        (LONG * 2 + SHORT, "off", (2, 5)),
        ([""], "within-words", (2, 5)),
    ],
)
def test_characters_are_counted_where_they_help(texts, characters, lengths):
    found = chosen(texts)
    assert (found.characters, found.character_ngrams) == (characters, lengths)


def test_what_is_given_is_kept():
    found = chosen(LONG, characters="across-words", character_ngrams=(4,), min_rows=3, arrangement="flat")
    assert (found.characters, found.character_ngrams, found.min_rows, found.arrangement) == (
        "across-words",
        (4,),
        3,
        "flat",
    )
    features, _ = fit_features(chosen(characters="within-words", character_ngrams=(3,)), TEXTS, seed=0)
    assert {len(term) for term in features.vocabulary["characters"]} == {3}


def test_rare_n_grams_go_where_there_are_many_rows():
    assert chosen(["x"] * 999).min_rows == 1
    assert chosen(["x"] * 1000).min_rows == 2


def test_both_arrangements_where_that_is_cheap():
    wide = Taxonomy.from_paths([("A", str(i)) for i in range(5000)])
    assert chosen().arrangement == "both"
    assert chosen(task="multi").arrangement == "per-parent"
    assert chosen(["x"] * 1000, wide).arrangement == "per-parent"
    assert chosen(taxonomy=Taxonomy.from_paths([("A",), ("B",)])).arrangement == "per-parent"


def test_resolving_twice_changes_nothing():
    assert resolved(chosen(), LONG * 2000, TAXONOMY, task="single") == chosen()


def test_settings_out_of_bounds():
    for wrong in (
        {"C": 0},
        {"characters": "some"},
        {"word_ngrams": 9},
        {"character_ngrams": (0, 3)},
        {"max_features": 0},
    ):
        with pytest.raises(ConfigError):
            LinearSettings(**wrong)
