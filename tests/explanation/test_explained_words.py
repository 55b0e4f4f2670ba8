"""The words of a text in any script, where n-grams stand, and contributions brought to words."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from textaxa.explanation._ngrams import lowered_with_places, places
from textaxa.explanation._words import Parts, by_word, word_spans
from textaxa.linear import LinearSettings

TEXTS = st.text(st.sampled_from("aB cİß'’é-.日本หิ 😀👍🏽\u200d\u0301_1Σ\n\tनि"), max_size=40)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's a co-op game!", ["It's", "a", "co", "-", "op", "game", "!"]),
        ("日本のゲーム", list("日本のゲーム")),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("café cafe\u0301", ["café", "cafe\u0301"]),
        ("👍🏽👨\u200d👩\u200d👧 ok", ["👍🏽", "👨\u200d👩\u200d👧", "ok"]),
        ("'quoted'", ["'", "quoted", "'"]),
        ("snake_case 5G", ["snake_case", "5G"]),
        (" \n\t", []),
        ("", []),
    ],
)
def test_words_of_many_scripts(text, words):
    assert [text[start:end] for start, end in word_spans(text)] == words


@settings(deadline=None)
@given(TEXTS)
def test_words_cover_all_but_blanks_once(text):
    covered = [i for start, end in word_spans(text) for i in range(start, end)]
    assert covered == sorted(set(covered))
    assert {i for i, c in enumerate(text) if not c.isspace()} <= set(covered)


@settings(deadline=None)
@given(TEXTS, st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.floats(-5, 5)), max_size=12))
def test_contributions_are_shared_evenly_by_characters_and_none_is_lost(text, given_parts):
    spans = [(min(a, b, len(text)), min(max(a, b), len(text)), value) for a, b, value in given_parts]
    start, end, value = (np.array(column) for column in zip(*spans, strict=True)) if spans else (np.zeros(0, int),) * 3
    words, lost = by_word(text, Parts(start.astype(int), end.astype(int), value.astype(float)))
    of_character = np.zeros(len(text))
    nowhere = 0.0
    for a, b, share in spans:
        printed = [i for i in range(a, b) if not text[i].isspace()]
        of_character[printed] += share / max(1, len(printed))
        nowhere += 0 if printed else share
    assert lost == pytest.approx(nowhere, abs=1e-9)
    for word in words:
        assert word.weight == pytest.approx(of_character[word.start : word.end].sum(), abs=1e-9)


@pytest.mark.parametrize(
    ("options", "vectorizer"),
    [
        ({"word_ngrams": 3}, {"token_pattern": r"(?u)\b\w+\b", "ngram_range": (1, 3)}),
        (
            {"characters": "within-words", "character_ngrams": (2, 5)},
            {"analyzer": "char_wb", "ngram_range": (2, 5)},
        ),
        (
            {"characters": "across-words", "character_ngrams": (1, 3)},
            {"analyzer": "char", "ngram_range": (1, 3)},
        ),
    ],
)
@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_n_grams_are_those_that_are_counted_and_stand_where_they_are_said_to(options, vectorizer, text):
    kind = "characters" if "characters" in options else "words"
    found = list(places(LinearSettings(**options), kind, text.lower()))
    counted = Counter(CountVectorizer(**vectorizer).build_analyzer()(text))
    if kind == "words":
        assert Counter(gram for gram, _, _ in found) == {gram: n * len(gram.split()) for gram, n in counted.items()}
        assert all(text.lower()[start:end] in gram.split() for gram, start, end in found)
        return
    assert Counter(gram for gram, _, _ in found) == counted
    for gram, start, end in found:
        assert "".join(text.lower()[start:end].split()) == "".join(gram.split())


@settings(deadline=None)
@given(TEXTS)
def test_places_in_lower_case_lead_back_to_the_text(text):
    lowered, place = lowered_with_places(text)
    assert len(place) == len(lowered) + 1
    for i, character in enumerate(lowered):
        assert character in text[place[i]].lower() or text[place[i]] == "Σ"
