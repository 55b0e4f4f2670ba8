"""A look into an ONNX file before anything runs it: no data outside the file, no operators of strangers.

The file is walked as the Protocol Buffers message that it is, so that the package onnx is not needed for reading.
Numbers of weights are stepped over, never read.

Source: field numbers from onnx.proto3, https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from textaxa.errors import ModelFileError

_DOMAINS = {b"", b"ai.onnx", b"com.microsoft"}
"""Operators that ONNX Runtime brings itself; those of com.microsoft are what its optimiser and quantiser write."""

_DEEPEST = 32
"""Messages within messages. A graph within a graph costs three, and ours have none."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

_TENSOR, _SPARSE, _ATTRIBUTE, _NODE, _GRAPH, _OPSET, _MODEL = (
    "tensor", "sparse", "attribute", "node", "graph", "opset", "model",
)  # fmt: skip

_WITHIN: dict[str, dict[int, str]] = {
    _MODEL: {7: _GRAPH, 8: _OPSET},
    _GRAPH: {1: _NODE, 5: _TENSOR, 15: _SPARSE},
    _NODE: {5: _ATTRIBUTE},
    _ATTRIBUTE: {5: _TENSOR, 6: _GRAPH, 10: _TENSOR, 11: _GRAPH, 22: _SPARSE, 23: _SPARSE},
    _SPARSE: {1: _TENSOR, 2: _TENSOR},
    _TENSOR: {},
    _OPSET: {},
}
"""Which field of which message holds which message that has to be looked at."""

_DOMAIN = {(_NODE, 7), (_OPSET, 1)}
_OPERATOR = (_NODE, 4)
_LOOPS = {b"Loop", b"Scan", b"SequenceMap"}
"""They may go round without end, and no export of ours has them."""
_REFUSED = {
    (_MODEL, 20): "training steps",
    (_MODEL, 25): "functions of its own",
    (_TENSOR, 13): "data outside the file",
    (_TENSOR, 14): "data outside the file",
}


class _Field(NamedTuple):
    number: int
    start: int
    end: int
    value: int


def check_onnx_file(file: Path) -> None:
    """Refuse an ONNX file that reads other files or calls operators that are not ONNX Runtime's own.

    Raises
    ------
    ModelFileError
        Saying what was found, or that the file is no ONNX file.
    """
    try:
        with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            _check(data, _MODEL, 0, len(data), depth=0)
    except OSError as error:
        raise ModelFileError(f"{file} cannot be read: {error.strerror}. Export the model again.") from error
    except ValueError as error:
        raise ModelFileError(f"{file} is refused: {error}. Use an export of textaxa: textaxa export MODEL") from error


def _check(data: Any, message: str, start: int, end: int, *, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("its graphs lie too deep within each other")
    within = _WITHIN[message]
    for field in _fields(data, start, end):
        here = (message, field.number)
        if here in _REFUSED and (field.end > field.start or field.value):
            raise ValueError(f"it has {_REFUSED[here]}")
        if here in _DOMAIN and bytes(data[field.start : field.end]) not in _DOMAINS:
            raise ValueError(f"it uses operators of {bytes(data[field.start : field.end])!r}")
        if here == _OPERATOR and bytes(data[field.start : field.end]) in _LOOPS:
            raise ValueError(f"it has the operator {bytes(data[field.start : field.end]).decode()}, a loop")
        if field.number in within:
            _check(data, within[field.number], field.start, field.end, depth=depth + 1)


def _fields(data: Any, start: int, end: int) -> Iterator[_Field]:
    """Give the fields of the message that stands at [start, end)."""
    while start < end:
        key, start = _varint(data, start, end)
        kind, value, stop = key & 7, 0, start
        if kind == _VARINT:
            value, start = _varint(data, start, end)
            stop = start
        elif kind == _BYTES:
            size, start = _varint(data, start, end)
            stop = start + size
        elif kind in (_FIXED64, _FIXED32):
            stop = start + (8 if kind == _FIXED64 else 4)
        else:
            raise ValueError("it is no ONNX file, or damaged")
        if stop > end:
            raise ValueError("it is no ONNX file, or was cut off")
        yield _Field(key >> 3, start, stop, value)
        start = stop


def _varint(data: Any, start: int, end: int) -> tuple[int, int]:
    value, shift = 0, 0
    while start < end and shift < 70:
        byte = data[start]
        start += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, start
        shift += 7
    raise ValueError("it is no ONNX file, or was cut off")
