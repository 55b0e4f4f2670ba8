"""Counting n-grams with arrays: the same counts, and the same choice of n-grams, as CountVectorizer's."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

from textaxa.linear import _ngrams, _symbols
from textaxa.linear._counter import Columns, Cut, blocks, columns_of, count
from textaxa.linear._ngrams import Packing, hashes
from textaxa.linear._symbols import classes, join, text_of, words
from textaxa.linear._table import KeyTable
from textaxa.linear._vocabulary import choose

TEXTS = [
    "Football, football and a Club!",
    "",
    "   ",
    "  a  b\t c\n\n d e\r\n",
    "İSTANBUL'DA İlk İş",
    "ΟΔΟΣ ΣΑΣ Σ ΟΔΟΣ. Ὀδυσσεύς",
    "Straße STRASSE ﬁn ǅ",
    "Übung_1 x² ½ ٣ naïve e\u0301tude",
    "😀😀 👩‍👩‍👧 a😀b",
    "half \ud800 characters \udc00\ud800x",
    "日本語のテキスト とても短い",
    "สวัสดีชาวโลก का हिन्दी",
    "x\x1cy\x1dz\x00 \u2028a\u3000b\u00a0c\x85d",
    "word " * 300 + "w" * 5000,
    "C or R, R or C; C",
    "football club",
]
CUTS = {
    "words": Cut("words", 1, 2),
    "sequences of words": Cut("words", 1, 5),
    "within words": Cut("characters", 2, 5, within_words=True),
    "single characters": Cut("characters", 1, 3, within_words=True),
    "long within words": Cut("characters", 5, 7, within_words=True),
    "across words": Cut("characters", 1, 3),
    "long across words": Cut("characters", 4, 10),
}
every_cut = pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)


def theirs(cut: Cut, **options) -> CountVectorizer:
    how = {"token_pattern": r"(?u)\b\w+\b"} if cut.kind == "words" else {}
    analyzer = "word" if cut.kind == "words" else "char_wb" if cut.within_words else "char"
    return CountVectorizer(
        analyzer=analyzer, ngram_range=(cut.shortest, cut.longest), dtype=np.float32, **how, **options
    )


def counted(columns: Columns, n_columns: int, texts, **options) -> sparse.csr_matrix:
    parts = [count([columns], [0], n_columns, block) for block in blocks(texts, n_columns, **options)]
    found = [sparse.csr_matrix((p.values, p.columns, p.starts), (len(p.starts) - 1, n_columns)) for p in parts]
    return sparse.vstack(found, format="csr")


def assert_same(cut: Cut, fitted, texts, **options) -> None:
    vectorizer = theirs(cut).fit(fitted)
    terms = vectorizer.get_feature_names_out().tolist()
    expected = vectorizer.transform(texts)
    expected.sort_indices()
    found = counted(columns_of(cut, terms), len(terms), texts, **options)
    np.testing.assert_array_equal(found.indptr, expected.indptr)
    np.testing.assert_array_equal(found.indices, expected.indices)
    np.testing.assert_array_equal(found.data, expected.data)


@every_cut
def test_counts_are_those_of_scikit_learn(cut):
    assert_same(cut, TEXTS, TEXTS)
    assert_same(cut, TEXTS[::2], TEXTS)
    assert_same(cut, TEXTS, [*TEXTS, "words never seen: жизнь 𝒳"], characters=7)


@every_cut
@given(st.data())
@settings(max_examples=15, deadline=None)
def test_counts_of_any_text_are_those_of_scikit_learn(cut, data):
    letters = st.sampled_from("aAbB _-'\n\t.Σσςİıß😀日\u0301")
    texts = data.draw(st.lists(st.text(letters | st.characters(), max_size=30), min_size=1, max_size=6))
    assert_same(cut, ["a B bb Σ 日", *texts], texts)


@every_cut
@pytest.mark.parametrize(("most", "least"), [(10**6, 1), (10**6, 2), (40, 1), (7, 2)])
def test_the_chosen_n_grams_are_those_of_scikit_learn(cut, most, least):
    texts = [text.replace("\0", "") for text in TEXTS] * 2 + TEXTS[:5]
    expected = theirs(cut, max_features=most, min_df=least).fit(texts).get_feature_names_out().tolist()
    assert choose(cut, texts, most=most, least=least) == expected


def test_blocks_of_training_texts_are_merged(monkeypatch):
    monkeypatch.setattr("textaxa.linear._vocabulary._BLOCK", 40)
    for cut in (CUTS["words"], CUTS["within words"]):
        expected = theirs(cut, min_df=2).fit(TEXTS * 3).get_feature_names_out().tolist()
        assert choose(cut, TEXTS * 3, most=10**6, least=2) == expected


def test_characters_that_fit_no_key_and_null_are_chosen_slowly():
    cut = CUTS["long across words"]
    texts = ["".join(map(chr, range(0x4E00, 0x4E00 + 200))), "a\0b a\0b"]
    expected = theirs(cut).fit(texts).get_feature_names_out().tolist()
    assert choose(cut, texts, most=10**6, least=1) == expected
    assert choose(cut, ["", " "], most=5, least=2) == []


def test_strings_that_no_text_can_have_stay_uncounted():
    terms = ["a", "A", "a  b", " a", "a-b", "", "a b c", "a b"]
    found = counted(columns_of(CUTS["words"], terms), len(terms), ["a b c A-b"])
    assert found.toarray().tolist() == [[2, 0, 0, 0, 0, 0, 0, 2]]
    terms = ["  ", "a b", " a", "abcdefg", "\n\n"]
    found = counted(columns_of(CUTS["within words"], terms), len(terms), ["a b\n\nabcdefg"])
    assert found.toarray().tolist() == [[0, 0, 2, 0, 0]]


def test_few_rows_a_block_where_there_are_many_columns():
    assert [len(block) for block in blocks(["x"] * 5, 2**31)] == [1] * 5
    assert [len(block) for block in blocks(["x" * 10] * 5, 10, characters=25)] == [2, 2, 1]
    assert list(blocks([], 10)) == []
    assert [len(block) for block in blocks(["x" * 100, "", "y"], 10, characters=25)] == [1, 2]


def test_words_of_the_alphabet_are_known_alone(monkeypatch):
    """With the base 1 a hash is a sum, so anagrams share it; with ours they do not."""
    joined = join(["abc", "cab", "bca"])
    runs = words(joined)
    assert len(set(hashes(joined.codes, runs.start, runs.end).tolist())) == 3
    monkeypatch.setattr(_ngrams, "_BASE", 1)
    monkeypatch.setattr(_ngrams, "_INVERSE", np.uint64(1))
    monkeypatch.setattr(_ngrams, "_powers", {})
    assert len(set(hashes(joined.codes, runs.start, runs.end).tolist())) == 1


def test_the_same_word_has_the_same_hash_everywhere():
    joined = join(["one two", "x" * 9000 + " two", "two"])
    runs = words(joined)
    found = hashes(joined.codes, runs.start, runs.end)
    assert found[1] == found[3] == found[4]
    assert len(set(found.tolist())) == 3


def test_kinds_of_characters_are_those_of_regular_expressions():
    codes = np.unique(np.concatenate([np.arange(0x3100), np.random.default_rng(0).integers(0, 0x110000, 3000)]))
    found = classes(codes.astype(np.uint32))
    for code, kind in zip(codes.tolist(), found.tolist(), strict=True):
        character = chr(code)
        assert bool(kind & 1) == bool(re.fullmatch(r"\w", character))
        assert bool(kind & 2) == bool(re.fullmatch(r"\s", character)) == (not character.strip())
    assert (_symbols._classes[codes] == found).all()


def test_lower_case_of_all_texts_is_that_of_each():
    for texts in (TEXTS, ["ΑΣ", "ς", "Σ", "'Σ"], ["İ"], [""], []):
        joined = join(texts)
        found = [text_of(joined.codes[a : b - 1]) for a, b in pairwise(joined.starts.tolist())]
        assert found == [text.lower() for text in texts]


@given(st.integers(1, 6), st.integers(1, 400), st.data())
def test_digits_are_read_off_exact_keys(longest, n_symbols, data):
    packing = Packing(n_symbols, longest)
    assert packing.exact
    digits = np.array(data.draw(st.lists(st.integers(1, n_symbols), min_size=1, max_size=9)), dtype=np.uint64)
    for n, keys in enumerate(packing.keys(digits), start=1):
        for at, found in enumerate(packing.digits(keys).tolist()):
            assert found == [*digits[at : at + n].tolist(), *[0] * (longest - n)]


def test_the_table_finds_every_key_and_no_other():
    keys = np.unique(np.random.default_rng(0).integers(1, 2**64 - 1, 5000, dtype=np.uint64))
    table = KeyTable(keys[::2], np.arange(7, 7 + len(keys[::2])))
    assert table(keys[::2]).tolist() == list(range(7, 7 + len(keys[::2])))
    assert (table(keys[1::2]) == -1).all()
    assert table(np.zeros(3, dtype=np.uint64)).tolist() == [-1] * 3
    assert KeyTable(keys[:0])(keys[:2]).tolist() == [-1, -1]


def test_keys_that_want_the_same_slot_step_on():
    shared = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))  # its multiples 1, 2, … all begin the search at slot 0
    keys = np.arange(1, 12, dtype=np.uint64) * shared
    table = KeyTable(keys)
    assert table(keys).tolist() == list(range(11))
    assert table(np.arange(12, 15, dtype=np.uint64) * shared).tolist() == [-1] * 3
