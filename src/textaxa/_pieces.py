"""Texts to pieces of token ids, and pieces to batches: what is the same whatever computes the vectors.

Token ids of a text come in, without special tokens; pieces of at most ``max_length`` ids go out, and batches of pieces
of like length. Light: PyTorch and ONNX Runtime read the same pieces in the same batches.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from textaxa.errors import ModelFileError
from textaxa.settings import EncoderSettings

_CHARACTERS_PER_TOKEN = 32
"""A text is cut to this many characters a token before it is tokenised. Real texts have 2 to 6, so nothing that would
be read is lost, while a text of 5 MB costs no more than one of 10 kB."""

_WINDOW_OVERLAP = 0.25
"""Neighbouring windows share at least this part, so that a phrase at a border is read whole at least once."""

BATCH_TOKENS = 4096
"""Padded tokens in one batch at prediction time: the plateau of speed on a CPU, small enough for any memory."""

_WORTH_A_BATCH, _LIKE = 512, 0.9
"""A batch of so many tokens is large enough to be ended where texts get shorter than this share of its longest. Of 512
app descriptions (23 tokens on average, to 256) 1.07 tokens are computed for every real one; without it, 1.45."""

Pieces = tuple[tuple[int, ...], ...]
"""The token ids of one text, special tokens included: one piece, or several overlapping windows."""


@dataclass
class Work:
    """What an encoder has done so far; it counts up.

    Attributes
    ----------
    tokens
        Tokens read, padding left out, special tokens included.
    flop
        Useful floating-point operations; 0 for encoders that only look vectors up.
    """

    tokens: int = 0
    flop: float = 0.0

    def add(self, lengths: Iterable[int], flop: float) -> None:
        """Count pieces of these lengths, and what they cost."""
        self.tokens += sum(lengths)
        self.flop += flop


def flop_of(lengths: Iterable[int], *, width: int, layers: int, feed_forward: int) -> float:
    """Give the useful floating-point operations of a BERT-like encoder over pieces: projections, layers, attention.

    Parameters
    ----------
    lengths
        Tokens of each piece, padding left out.
    width, layers, feed_forward
        Sizes of the encoder: hidden width, number of layers, width inside a feed-forward layer.

    Examples
    --------
    >>> f"{flop_of([256], width=384, layers=6, feed_forward=1536):.3g}"
    '6.04e+09'
    """
    per_token = 8 * width**2 + 4 * width * feed_forward  # a multiply and an add are two operations
    return float(sum(layers * (per_token * length + 4 * width * length**2) for length in lengths))


@contextmanager
def tokenizer_faults() -> Iterator[None]:
    """Tell what the library tokenizers raises as an error of the model's files: bare exceptions, and panics of Rust.

    Raises
    ------
    ModelFileError
        Saying what the library said.
    """
    try:
        yield
    except BaseException as error:  # a panic is no Exception, and its class cannot be imported
        if type(error) is not Exception and type(error).__name__ != "PanicException":
            raise
        raise ModelFileError(f"The tokenizer cannot be used: {error}. Its file is damaged: get it again.") from error


class Cutter:
    """Cuts token ids into pieces, each in the tokenizer's frame of special tokens.

    Attributes
    ----------
    prefix, suffix
        Special tokens before and after a piece.
    room
        How many other tokens a piece has at most.

    Examples
    --------
    >>> cut = Cutter(EncoderSettings(max_length=8, long_text="head+tail"), prefix=(1,), suffix=(2,))
    >>> cut.pieces([10, 11, 12]), cut.pieces(list(range(10, 30)))
    (((1, 10, 11, 12, 2),), ((1, 10, 11, 12, 27, 28, 29, 2),))
    """

    def __init__(self, settings: EncoderSettings, *, prefix: tuple[int, ...], suffix: tuple[int, ...]) -> None:
        self.settings = settings
        self.prefix, self.suffix = prefix, suffix
        self.room = settings.max_length - len(prefix) - len(suffix)

    def text(self, text: str) -> str:
        """Give the part of a text that is worth tokenising: all of it, but for very long ones."""
        limit = self.settings.max_length * _CHARACTERS_PER_TOKEN
        if self.settings.long_text == "windows" or len(text) <= 2 * limit:
            return text
        return text[:limit] if self.settings.long_text == "head" else f"{text[:limit]} {text[-limit:]}"

    def pieces(self, ids: list[int]) -> Pieces:
        """Give the framed pieces of the token ids of a text."""
        return tuple((*self.prefix, *piece, *self.suffix) for piece in self.bare_pieces(ids))

    def bare_pieces(self, ids: list[int]) -> list[list[int]]:
        """Give the pieces without their frame."""
        if len(ids) <= self.room:
            return [ids]
        if self.settings.long_text == "head":
            return [ids[: self.room]]
        if self.settings.long_text == "head+tail":
            tail = self.room // 2
            return [ids[: self.room - tail] + ids[len(ids) - tail :]]
        return [ids[start : start + self.room] for start in self._window_starts(len(ids))]

    def _window_starts(self, length: int) -> list[int]:
        """Spread windows evenly from the first token to the last; as few as overlap by at least a quarter."""
        stride = max(1, int(self.room * (1 - _WINDOW_OVERLAP)))
        count = min(self.settings.max_windows, 1 + -(-(length - self.room) // stride))
        last = length - self.room
        return [round(i * last / max(1, count - 1)) for i in range(count)]


def frame_of(bare: list[int], full: list[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Find the special tokens that stand before and after the ids of a text; none where it is not found again.

    >>> frame_of([7], [1, 7, 2])
    ((1,), (2,))
    """
    for start in range(len(full) - len(bare) + 1):
        if full[start : start + len(bare)] == bare:
            return tuple(full[:start]), tuple(full[start + len(bare) :])
    return (), ()


def length_of(pieces: Pieces) -> int:
    """Give the number of tokens that a text costs, over all its pieces."""
    return sum(map(len, pieces))


def batches_by_length(pieces: Sequence[Pieces], *, budget: int = BATCH_TOKENS) -> Iterator[list[int]]:
    """Give row numbers in batches of at most ``budget`` padded tokens and of like length, longest texts first.

    >>> list(batches_by_length([((1, 2),), ((1, 2, 3, 4),), ((1, 2),)], budget=5))
    [[1], [0, 2]]
    """
    order = sorted(range(len(pieces)), key=lambda row: -length_of(pieces[row]))
    batch: list[int] = []
    windows, longest = 0, 0
    for row in order:
        more, length = len(pieces[row]), max(map(len, pieces[row]))
        full = (windows + more) * max(longest, length) > budget
        unlike = windows * longest >= _WORTH_A_BATCH and length < _LIKE * longest
        if batch and (full or unlike):
            yield batch
            batch, windows, longest = [], 0, 0
        batch.append(row)
        windows += more
        longest = max(longest, length)
    if batch:
        yield batch
