"""Rows of different lengths in two arrays: parents, children, ancestors."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]
Bool = npt.NDArray[np.bool_]
Array = TypeVar("Array", bound=npt.NDArray[Any])


@dataclass(frozen=True, eq=False)
class CSR:
    """Rows of node ids, laid end to end (compressed sparse rows without values). Read-only.

    Attributes
    ----------
    indptr
        ``int64 (rows + 1,)``; row ``i`` is ``indices[indptr[i]:indptr[i + 1]]``.
    indices
        ``int32 (entries,)``.

    Examples
    --------
    >>> csr = CSR(np.array([0, 0, 2]), np.array([0, 1]))
    >>> len(csr), csr.row(1).tolist(), csr.counts.tolist()
    (2, [0, 1], [0, 2])
    """

    indptr: Int64
    indices: Int32

    def __post_init__(self) -> None:
        object.__setattr__(self, "indptr", read_only(np.asarray(self.indptr, dtype=np.int64)))
        object.__setattr__(self, "indices", read_only(np.asarray(self.indices, dtype=np.int32)))

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __iter__(self) -> Iterator[Int32]:
        return (self.row(i) for i in range(len(self)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CSR):
            return NotImplemented
        return np.array_equal(self.indptr, other.indptr) and np.array_equal(self.indices, other.indices)

    __hash__ = None  # type: ignore[assignment]

    def row(self, i: int) -> Int32:
        """Give row ``i``, ``int32 (entries of the row,)``."""
        return self.indices[self.indptr[i] : self.indptr[i + 1]]

    @property
    def counts(self) -> Int64:
        """Entries of each row, ``int64 (rows,)``."""
        return np.diff(self.indptr)

    @property
    def row_ids(self) -> Int32:
        """The row of each entry, ``int32 (entries,)``."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.counts)

    def rows(self, ids: npt.ArrayLike) -> Int32:
        """Give the entries of several rows, end to end, in the order of ``ids``."""
        wanted = np.asarray(ids, dtype=np.int64)
        counts = self.indptr[wanted + 1] - self.indptr[wanted]
        return self.indices[ranges(self.indptr[wanted], counts)]

    def transpose(self, n_columns: int) -> "CSR":
        """Give the rows in which each of ``n_columns`` ids occurs, ascending."""
        by_column = np.argsort(self.indices, kind="stable")
        return CSR(offsets(np.bincount(self.indices, minlength=n_columns)), self.row_ids[by_column])


def offsets(counts: npt.ArrayLike) -> Int64:
    """Give where each row begins, from its number of entries; ``int64 (rows + 1,)``."""
    lengths = np.asarray(counts, dtype=np.int64)
    indptr = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=indptr[1:])
    return indptr


def ranges(starts: Int64, counts: Int64) -> Int64:
    """Give ``start, start + 1, …`` for every start, ``count`` numbers each, end to end."""
    begins = offsets(counts)
    return np.arange(begins[-1], dtype=np.int64) + np.repeat(starts - begins[:-1], counts)


def group(rows: npt.ArrayLike, values: npt.ArrayLike, n_rows: int) -> CSR:
    """Give the values of each row, in the order in which they came."""
    row_ids = np.asarray(rows, dtype=np.int64)
    order = np.argsort(row_ids, kind="stable")
    return CSR(offsets(np.bincount(row_ids, minlength=n_rows)), np.asarray(values, dtype=np.int32)[order])


def read_only(array: Array) -> Array:
    """Give a view that cannot be written through."""
    view = array.view()
    view.setflags(write=False)
    return view
