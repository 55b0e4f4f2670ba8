"""The weights of a wide head: a row and a bias an option, as float32, or smaller as float16 or int8.

Rows may be mapped from a file: only those of the groups that a search meets are read.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from textaxa.errors import ConfigError, DataError

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]
ROW_TYPES = ("float32", "float16", "int8")
BLOCK = 1 << 16
"""Rows turned into another type at once: 100 MB of float32 at 384 features."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Weights of C options for D features: an option's logit is ``scale · (values @ features) + bias``.

    Attributes
    ----------
    values
        ``(C, D)``, float32, float16 or int8, rows contiguous; an array in memory or mapped from a file.
    bias
        ``float32 (C,)``.
    scale
        ``float32 (C,)`` for int8, else None.
    """

    values: NDArray[np.float32] | NDArray[np.float16] | NDArray[np.int8]
    bias: Float32
    scale: Float32 | None = None

    def __post_init__(self) -> None:
        values, n = self.values, len(self.values)
        usable = values.dtype.name in ROW_TYPES and values.dtype.isnative and values.flags.c_contiguous
        if values.ndim != 2 or not usable:
            raise DataError(
                f"Rows are a contiguous (options, features) array of {', '.join(ROW_TYPES)}; "
                f"this is {values.dtype} of shape {values.shape}."
            )
        if (self.scale is None) == (values.dtype == np.int8):
            raise DataError("int8 rows need a scale a row, other rows have none.")
        for name, column in (("bias", self.bias), ("scale", self.scale)):
            if column is not None and (column.dtype != np.float32 or column.shape != (n,)):
                raise DataError(
                    f"The {name} of {n:,} rows is float32 ({n},), not {column.dtype} of shape {column.shape}."
                )

    @classmethod
    def zeros(cls, n: int, width: int) -> "Rows":
        """Give float32 rows of nothing, ready to be trained."""
        return cls(np.zeros((n, width), dtype=np.float32), np.zeros(n, dtype=np.float32))

    def __len__(self) -> int:
        return len(self.values)

    @property
    def width(self) -> int:
        """Features a row, D."""
        return int(self.values.shape[1])

    @property
    def nbytes(self) -> int:
        """Bytes of values, biases and scales."""
        return self.values.nbytes + self.bias.nbytes + (0 if self.scale is None else self.scale.nbytes)

    def as_float32(self, start: int, stop: int) -> Float32:
        """Give rows ``start`` to ``stop - 1`` as they count, (stop - start, D)."""
        rows = self.values[start:stop].astype(np.float32)
        return rows if self.scale is None else rows * self.scale[start:stop, None]

    def astype(self, name: str) -> "Rows":
        """Give the same rows as ``float32``, ``float16`` or ``int8``; an int8 row has steps of its largest value / 127.

        Raises
        ------
        ConfigError
            Another type.
        DataError
            A weight is too large for float16.
        """
        if name not in ROW_TYPES:
            raise ConfigError(f"Rows are stored as {', '.join(ROW_TYPES)}, not as {name!r}.")
        values = np.empty(self.values.shape, dtype=name)
        scale = np.ones(len(self), dtype=np.float32) if name == "int8" else None
        for at in range(0, len(self), BLOCK):
            rows = self.as_float32(at, at + BLOCK)
            largest = np.abs(rows).max(axis=1, initial=0.0)
            if name == "float16" and largest.max(initial=0.0) > np.finfo(np.float16).max:
                raise DataError(f"A weight of {largest.max():.3g} is too large for float16. Store int8 or float32.")
            if scale is not None:
                scale[at : at + BLOCK] = np.where(largest > 0, largest / 127, 1.0)
                rows = np.rint(rows / scale[at : at + BLOCK, None])
            values[at : at + BLOCK] = rows
        return Rows(values, self.bias, scale)

    def logits(self, features: Float32, start: int, stop: int) -> Float32:
        """Give the logits of rows ``start`` to ``stop - 1`` for one text (D,), float32 (stop - start,)."""
        rows = self.values[start:stop]
        found: Float32 = np.dot(rows if rows.dtype == np.float32 else rows.astype(np.float32), features)
        if self.scale is not None:
            found *= self.scale[start:stop]
        found += self.bias[start:stop]
        return found

    def products(self, features: Float32, first: Int64, sizes: Int64) -> tuple[Float32, Int64]:
        """Multiply row ranges with features: pair ``p`` is rows ``first[p]`` to ``first[p] + sizes[p] - 1``.

        A range is read once for all pairs that want it, which lie side by side here.

        Parameters
        ----------
        features
            ``float32 (P, D)``, those of each pair.
        first, sizes
            ``int64 (P,)``; ``first`` ascending.

        Returns
        -------
        The products of all pairs end to end, before scale and bias, float32 (sum of sizes,); and where each pair's
        begin, ``int64 (P,)``.
        """
        values, convert = self.values, self.values.dtype != np.float32
        offset = np.cumsum(sizes) - sizes
        out = np.empty(int(sizes.sum()), dtype=np.float32)
        begins = np.flatnonzero(np.diff(first, prepend=-1))
        bounds = np.append(begins, len(first)).tolist()
        ranges = zip(bounds, bounds[1:], first[begins].tolist(), sizes[begins].tolist(), strict=False)
        # The loop runs once a sibling group, thousands of times a batch: every call in it is measured.
        at = 0
        for a, b, start, size in ranges:
            rows = values[start : start + size]
            if convert:
                rows = rows.astype(np.float32)
            if b - a == 1:
                np.dot(rows, features[a], out=out[at : at + size])
                at += size
            else:
                end = at + (b - a) * size
                np.matmul(features[a:b], rows.T, out=out[at:end].reshape(b - a, size))
                at = end
        return out, offset
