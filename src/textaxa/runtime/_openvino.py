"""The encoder's ONNX file computed by OpenVINO: with bf16 products where the processor has instructions for them.

The head stays with ONNX Runtime: it costs a thousandth of the encoder, its operators are tested there, and bf16 would
leave three digits of a probability.
"""

import threading
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from textaxa._extras import require
from textaxa.errors import ModelFileError
from textaxa.runtime._onnx_file import check_onnx_file
from textaxa.runtime._session import check_fits, first_line, not_computed

_SHAPES_KEPT = 16
"""Shapes of batches for which compiled products are kept; by default 5,000, and a long table has batches of thousands
of shapes. Over 256 shapes memory grew by 132 MB with the default, and by 80 MB, levelling off, with 16."""

_SMALL, _STEP = 2048, 4
"""In a batch of up to 2048 tokens, rows are filled up to a multiple of 4: OpenVINO prepares itself for every new shape.
One text took 10 ms of a core at a new shape, and 4.5 ms at a known one."""


class OpenVINOSession:
    """A computation by OpenVINO, with named inputs and one output, on the CPU; as `Session`.

    Parameters
    ----------
    file
        The ONNX file.
    precision
        ``bf16``: products in bf16 where the processor can, else in fp32. ``fp32``: all in fp32.
    inputs, output, width, threads
        As in `Session`.
    longest
        Tokens that a piece may have.

    Attributes
    ----------
    name
        What computes, and in which precision: ``OpenVINO (bf16)``.

    Raises
    ------
    MissingExtraError
        openvino is not installed.
    ModelFileError
        The file is refused, damaged, or computes something else.
    """

    def __init__(
        self,
        file: Path,
        *,
        precision: str,
        inputs: set[str],
        output: str,
        width: int,
        threads: int,
        longest: int = 0,
    ) -> None:
        check_onnx_file(file)
        core = _core()
        computed = "bf16" if precision == "bf16" and _has_bf16(core) else "fp32"
        options = {
            "INFERENCE_PRECISION_HINT": "bf16" if computed == "bf16" else "f32",
            "PERFORMANCE_HINT": "LATENCY",  # one text stream that all threads work on
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,  # two processes would be pinned to the same cores
            "CPU_RUNTIME_CACHE_CAPACITY": _SHAPES_KEPT,
        }
        try:
            self._compiled = core.compile_model(core.read_model(file), "CPU", options)
            found = {one.any_name for one in self._compiled.inputs}
            given = {one.any_name: one.partial_shape[-1] for one in self._compiled.outputs}
        except (RuntimeError, ValueError, IndexError) as error:  # the latter of names and shapes that are none
            raise ModelFileError(f"{file} cannot be run: {first_line(error)} Export the model again.") from error
        shapes = [(name, last.get_length() if last.is_static else None) for name, last in given.items()]
        check_fits(file, found, shapes, inputs=inputs, output=output, width=width)
        self._file, self._request = file, self._compiled.create_infer_request()
        self._in_use = threading.Lock()
        self._longest = longest
        self.name = f"OpenVINO ({computed})"

    def __call__(self, feed: Mapping[str, np.ndarray]) -> np.ndarray:
        """Compute the output of named inputs.

        Raises
        ------
        ModelFileError
            The file cannot be computed for these: it is damaged, or of another model than the tokenizer beside it.
        """
        rounded = {name: _rounded(value, longest=self._longest) for name, value in feed.items()}
        with self._in_use:  # a request holds the inputs and outputs of one computation
            try:
                self._request.infer(rounded, share_inputs=True)
            except RuntimeError as error:
                raise not_computed(self._file, error) from error
            computed: np.ndarray = self._request.get_output_tensor(0).data.copy()
        return computed


def _rounded(values: np.ndarray, *, longest: int) -> np.ndarray:
    """Give token ids or a mask (W, L) in a shape that comes again: a small batch filled up with zeros, masked ones.

    Examples
    --------
    >>> _rounded(np.ones((1, 5)), longest=16).tolist(), _rounded(np.ones((2, 5)), longest=6).shape
    ([[1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0]], (2, 6))
    """
    length = values.shape[1]
    more = min(-length % _STEP, longest - length)
    return values if more <= 0 or values.size > _SMALL else np.pad(values, ((0, 0), (0, more)))


def is_openvino_installed() -> bool:
    """Tell whether openvino is there, without importing it."""
    return find_spec("openvino") is not None


def computes_bf16() -> bool:
    """Tell whether OpenVINO is installed and this processor has instructions for bf16; imports openvino."""
    return is_openvino_installed() and _has_bf16(_core())


def _core() -> Any:
    return require("openvino", extra="openvino").Core()


def _has_bf16(core: Any) -> bool:
    """Ask OpenVINO: without such instructions (AMX, AVX512-BF16) bf16 is many times slower than fp32."""
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
