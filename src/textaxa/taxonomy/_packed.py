"""Many short texts in two arrays: one run of UTF-8 bytes, and where each text begins in it.

In come texts, or arrays mapped from a file; out come `str` objects, made one by one when they are asked for. A million
names are 30 MB this way, mapped or not, and 70 MB more as Python objects.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np
import numpy.typing as npt

from textaxa.taxonomy._csr import Int64, offsets, read_only

Bytes = npt.NDArray[np.uint8]

_AT_ONCE = 8_192
"""Texts that are decoded together where all are wanted; more do not make it faster."""


class PackedTexts(Sequence[str]):
    """Texts that are decoded when asked for.

    Examples
    --------
    >>> texts = PackedTexts.of(["Spiele", "", "Ärzte"])
    >>> texts[2], len(texts.blob), texts.starts.tolist(), list(texts[:2])
    ('Ärzte', 12, [0, 6, 6, 12], ['Spiele', ''])
    """

    __slots__ = ("_bytes", "blob", "starts")

    def __init__(self, blob: Bytes, starts: Int64) -> None:
        self.blob = read_only(blob)
        self.starts = read_only(starts)
        self._bytes = self.blob.data  # slices of it are quicker than an array's

    @classmethod
    def of(cls, texts: Sequence[str]) -> "PackedTexts":
        """Pack texts; what is packed already stays as it is."""
        if isinstance(texts, PackedTexts):
            return texts
        encoded = [text.encode("utf-8") for text in texts]
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        return cls(np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets(lengths))

    @classmethod
    def blank(cls, n: int) -> "PackedTexts":
        """Give ``n`` empty texts, which take no memory."""
        return cls(np.empty(0, dtype=np.uint8), np.broadcast_to(np.zeros(1, dtype=np.int64), (n + 1,)))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @overload
    def __getitem__(self, position: int) -> str: ...
    @overload
    def __getitem__(self, position: slice) -> tuple[str, ...]: ...
    def __getitem__(self, position: int | slice) -> str | tuple[str, ...]:
        if isinstance(position, slice):
            start, stop, step = position.indices(len(self))
            if step == 1:
                return tuple(self._decoded(start, stop))
            return tuple([self[at] for at in range(start, stop, step)])
        at = range(len(self))[position]
        return str(self._bytes[self.starts.item(at) : self.starts.item(at + 1)], "utf-8")

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _AT_ONCE):
            yield from self._decoded(start, min(start + _AT_ONCE, len(self)))

    def _decoded(self, start: int, stop: int) -> list[str]:
        if stop <= start:
            return []
        begins = self.starts[start : stop + 1]
        run = self.blob[begins[0] : begins[-1]].tobytes()
        cuts = (begins - begins[0]).tolist()
        if run.isascii():
            text = run.decode("ascii")
            return [text[a:b] for a, b in itertools.pairwise(cuts)]
        return [run[a:b].decode("utf-8") for a, b in itertools.pairwise(cuts)]

    def as_json(self) -> Iterator[bytes]:
        """Give the pieces of what ``json.dumps(texts, ensure_ascii=False)`` gives, in UTF-8, without all at once."""
        yield b"["
        for start in range(0, len(self), _AT_ONCE):
            stop = min(start + _AT_ONCE, len(self))
            yield (b", " if start else b"") + self._json_of(start, stop)
        yield b"]"

    def _json_of(self, start: int, stop: int) -> bytes:
        begins = self.starts[start : stop + 1]
        run = self.blob[begins[0] : begins[-1]]
        if run.size and (run.min() < ord(" ") or (run == ord('"')).any() or (run == ord("\\")).any()):
            # Only these are written with a backslash.
            return json.dumps(self._decoded(start, stop), ensure_ascii=False)[1:-1].encode("utf-8")
        whole, cuts = run.tobytes(), (begins - begins[0]).tolist()
        return b'"' + b'", "'.join([whole[a:b] for a, b in itertools.pairwise(cuts)]) + b'"'

    def __eq__(self, other: object) -> bool:
        if isinstance(other, PackedTexts):
            return np.array_equal(self.starts, other.starts) and np.array_equal(self.blob, other.blob)
        if isinstance(other, tuple | list):
            return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{len(self):,} texts in {len(self.blob):,} bytes>"
