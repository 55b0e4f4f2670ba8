"""One ONNX file, ready to run: checked first, and its inputs and outputs compared with what they must be."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from textaxa._extras import require
from textaxa.errors import ModelFileError
from textaxa.runtime._onnx_file import check_onnx_file


class Session:
    """A computation by ONNX Runtime, with named inputs and one output, on the CPU.

    Parameters
    ----------
    file
        The ONNX file.
    inputs
        The names that it must take.
    output
        The name of what it must give, a float array (rows, ``width``).
    width
        Its columns.
    threads
        How many to compute with.

    Raises
    ------
    MissingExtraError
        onnxruntime is not installed.
    ModelFileError
        The file is refused, damaged, or computes something else.
    """

    def __init__(self, file: Path, *, inputs: set[str], output: str, width: int, threads: int) -> None:
        check_onnx_file(file)
        runtime = require("onnxruntime", extra="runtime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # warnings are about node placement, and nobody can act on them
        try:
            self._session = runtime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # the library raises nothing narrower
            raise ModelFileError(f"{file} cannot be run: {_first_line(error)} Export the model again.") from error
        found = {one.name for one in self._session.get_inputs()}
        (given, *more) = self._session.get_outputs()
        if found != inputs or more or given.name != output or given.shape[-1] != width:
            raise ModelFileError(
                f"{file} does not fit the model: it takes {sorted(found)} and gives {given.name} {given.shape}, "
                f"not {sorted(inputs)} and {output} of width {width}. Export the model again."
            )
        self._output = [output]

    def __call__(self, feed: Mapping[str, np.ndarray]) -> np.ndarray:
        """Compute the output of named inputs."""
        (found,) = self._session.run(self._output, dict(feed))
        computed: np.ndarray = found
        return computed


def available_threads() -> int:
    """Give the cores that this process may use, or ``OMP_NUM_THREADS`` where that is set."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".") + "."
