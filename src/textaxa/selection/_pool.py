"""The texts to choose from, block by block, in the memory of those that still have a chance.

Comes in: blocks of rows with what they are worth. Goes out: the rows to label, in order. Which rows these are depends
on the texts, the worth and the seed, not on where blocks end.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textaxa.data._keys import seeded, text_key

PER_WANTED = 10
"""Candidates kept for every row wanted: among these, unlike ones are looked for. The rest is too sure to be asked."""

FEWEST = 2000
"""Candidates kept at least."""

_RANDOM_SALT = 1 << 32
"""Added to the seed of random rows: they must not be those that win ties."""


@dataclass
class _Block:
    rows: NDArray[np.int64]
    ties: NDArray[np.uint64]
    worth: NDArray[np.float64]
    payload: tuple[Any, ...]

    def kept(self, places: NDArray[np.int64]) -> "_Block":
        payload = tuple(one.take(places) if hasattr(one, "uncertainty") else one[places] for one in self.payload)
        return _Block(self.rows[places], self.ties[places], self.worth[places], payload)


class Pool:
    """Keeps the most worthwhile rows of a stream, and draws random ones from all of it.

    Parameters
    ----------
    n
        Rows wanted in all.
    random
        How many of them are drawn at random from all rows, so that accuracy can be estimated on them.
    most
        Candidates kept; None: ten for every row wanted, 2,000 at least.
    seed
        Of the random rows, and of ties.

    Attributes
    ----------
    seen
        Rows added.
    duplicates
        Rows left out because an earlier one had the same text; case and spaces do not count.
    """

    def __init__(self, n: int, *, random: int = 0, most: int | None = None, seed: int = 0) -> None:
        self.n = n
        self.seen = 0
        self.duplicates = 0
        self._n_random = min(random, n)
        self._most = most or max(FEWEST, PER_WANTED * n)
        self._seed = seed
        self._known: set[bytes] = set()
        self._blocks: list[_Block] = []
        self._random: list[tuple[bytes, int]] = []

    def exclude(self, text: str) -> None:
        """Leave out this text wherever it comes: it is labelled already."""
        self._known.add(text_key(text))

    def fresh(self, texts: list[str]) -> list[int]:
        """Give the positions of texts that have not been seen before; from now on they have."""
        found = []
        for place, text in enumerate(texts):
            key = text_key(text)
            if key in self._known:
                self.duplicates += 1
                continue
            self._known.add(key)
            found.append(place)
        return found

    def add(self, rows: ArrayLike, texts: list[str], worth: ArrayLike, *payload: Any) -> None:
        """Add a block of fresh rows with their worth (B,), and what is to be kept of each beside it."""
        numbers = np.asarray(rows, dtype=np.int64)
        keys = [text_key(text) for text in texts]
        self.seen += len(keys)
        self._draw(keys, numbers)
        ties = np.array([int.from_bytes(seeded(key, self._seed)[:8], "big") for key in keys], dtype=np.uint64)
        self._blocks.append(_Block(numbers, ties, np.asarray(worth, dtype=np.float64), payload))
        self._trim()

    def random_rows(self) -> list[int]:
        """Give the numbers of the random rows, in a random order."""
        return [row for _, row in self._random]

    def candidates(self) -> tuple[NDArray[np.int64], list[tuple[Any, ...]]]:
        """Give the row numbers (C,) of the candidates, and their payload block by block.

        Random rows are no candidates.
        """
        drawn = np.array(self.random_rows(), dtype=np.int64)
        blocks = [block.kept(np.flatnonzero(~np.isin(block.rows, drawn))) for block in self._blocks]
        blocks = [block for block in blocks if len(block.rows)]
        rows = np.concatenate([block.rows for block in blocks] or [np.empty(0, dtype=np.int64)])
        return rows, [block.payload for block in blocks]

    def _draw(self, keys: list[bytes], rows: NDArray[np.int64]) -> None:
        if self._n_random:
            drawn = [(seeded(key, self._seed + _RANDOM_SALT), int(row)) for key, row in zip(keys, rows, strict=True)]
            self._random = sorted([*self._random, *drawn])[: self._n_random]

    def _trim(self) -> None:
        """Keep the rows of the largest worth; of equals those that the seed prefers."""
        most = self._most + self._n_random  # any of them may be drawn at random in the end
        worth = np.concatenate([block.worth for block in self._blocks])
        if len(worth) <= most:
            return
        ties = np.concatenate([block.ties for block in self._blocks])
        kept = np.zeros(len(worth), dtype=bool)
        kept[np.lexsort((ties, -worth))[:most]] = True
        starts = np.cumsum([0, *(len(block.rows) for block in self._blocks)])
        trimmed = [
            block.kept(np.flatnonzero(kept[start:stop]))
            for block, start, stop in zip(self._blocks, starts[:-1], starts[1:], strict=True)
        ]
        self._blocks = [block for block in trimmed if len(block.rows)]
