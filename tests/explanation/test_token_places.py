"""Where the tokens of a text stand: pieces as they are read, words of word vectors, tokenizers that do not know."""

import pytest
from tiny_encoder import make_tiny_encoder

from textaxa.encoders import load_encoder
from textaxa.encoders._tokens import TextTokeniser
from textaxa.encoders._word_vectors import WordTokenizer
from textaxa.settings import EncoderSettings


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    settings = EncoderSettings(encoder=str(make_tiny_encoder(tmp_path_factory.mktemp("encoder"))), max_length=16)
    return load_encoder(settings).tokenise.tokenizer


@pytest.mark.parametrize("long_text", ["head", "head+tail", "windows"])
@pytest.mark.parametrize("words", [0, 3, 30, 900])
def test_every_token_of_every_piece_has_its_place(tokenizer, long_text, words):
    tokenise = TextTokeniser(tokenizer, EncoderSettings(max_length=16, long_text=long_text))
    text = " ".join(["game", "football", "music", "app"][i % 4] for i in range(words))
    pieces, places = tokenise([text])[0], tokenise.places(text)
    assert [len(piece) for piece in pieces] == [len(row) for row in places]
    for piece, row in zip(pieces, places, strict=True):
        told = tokenizer.convert_ids_to_tokens(list(piece))
        for token, (start, end) in zip(told, row, strict=True):
            assert text[start:end] == ("" if token in ("[CLS]", "[SEP]") else token)


def test_words_of_word_vectors_have_places_even_where_lower_case_is_longer():
    text = "Play İzmir's FOOTBALL!"
    known = WordTokenizer(["play", "football", "!"])
    encoded = known([text], return_offsets_mapping=True)
    found = [text[start:end] for start, end in encoded["offset_mapping"][0]]
    assert len(found) == len(encoded["input_ids"][0])
    assert {"Play", "FOOTBALL", "!"} <= set(found)
    assert known([""], return_offsets_mapping=True)["offset_mapping"] == [[(0, 0)]]


def test_tokens_of_a_tokenizer_without_offsets_are_looked_for_in_turn():
    class Slow:
        """Cuts words in two, as a word piece tokenizer written in Python would."""

        is_fast = False
        pad_token_id = 0

        def __call__(self, texts, **options):
            self.pieces = [p for word in str(texts[0]).lower().split() for p in (word[:2], f"##{word[2:]}")]
            return {"input_ids": [list(range(len(self.pieces)))] if isinstance(texts, list) else [0]}

        def convert_ids_to_tokens(self, ids):
            return [self.pieces[i] for i in ids]

    text = "Game app game"
    (places,) = TextTokeniser(Slow(), EncoderSettings()).places(text)
    assert [text[start:end] for start, end in places] == ["Ga", "me", "ap", "p", "ga", "me"]
    assert places[-1] == (11, 13)
