"""One ONNX file, ready to run: checked first, and its inputs and outputs compared with what they must be."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
    precision
        Of its weights, for the name alone: the file says by itself how it is computed.
    inputs
        The names that it must take.
    output
        The name of what it must give, a float array (rows, ``width``).
    width
        Its columns.
    threads
        How many to compute with.

    Attributes
    ----------
    name
        What computes, and in which precision: ``ONNX Runtime (fp32)``.

    Raises
    ------
    MissingExtraError
        onnxruntime is not installed.
    ModelFileError
        The file is refused, damaged, or computes something else.
    """

    def __init__(
        self, file: Path, *, precision: str = "fp32", inputs: set[str], output: str, width: int, threads: int
    ) -> None:
        check_onnx_file(file)
        runtime = require("onnxruntime", extra="runtime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # warnings are about node placement, and nobody can act on them
        try:
            # Without the fallback: it tries the same again, and writes to standard output that it does.
            how: dict[str, Any] = {"providers": ["CPUExecutionProvider"], "enable_fallback": 0}
            self._session = runtime.InferenceSession(str(file), options, **how)
            found = {one.name for one in self._session.get_inputs()}
            shapes = [(one.name, (one.shape or [None])[-1]) for one in self._session.get_outputs()]
        except Exception as error:  # the library raises nothing narrower
            raise ModelFileError(f"{file} cannot be run: {first_line(error)} Export the model again.") from error
        check_fits(file, found, shapes, inputs=inputs, output=output, width=width)
        self._file, self._output = file, [output]
        self.name = f"ONNX Runtime ({'int8' if precision == 'int8' else 'fp32'})"

    def __call__(self, feed: Mapping[str, np.ndarray]) -> np.ndarray:
        """Compute the output of named inputs.

        Raises
        ------
        ModelFileError
            The file cannot be computed for these: it is damaged, or of another model than the tokenizer beside it.
        """
        try:
            computed: np.ndarray = self._session.run(self._output, feed)[0]
        except Exception as error:  # the library raises nothing narrower
            raise not_computed(self._file, error) from error
        return computed


def check_fits(
    file: Path,
    found: set[str],
    given: Sequence[tuple[str, object]],
    *,
    inputs: set[str],
    output: str,
    width: int,
) -> None:
    """Refuse a file that takes or gives something else than the model needs.

    Raises
    ------
    ModelFileError
        Saying both.
    """
    if found != inputs or list(given) != [(output, width)]:
        raise ModelFileError(
            f"{file} does not fit the model: it takes {sorted(found)} and gives {list(given)}, "
            f"not {sorted(inputs)} and {output} of width {width}. Export the model again."
        )


def not_computed(file: Path, error: Exception) -> ModelFileError:
    """Give the error for a file that was loaded and then could not be computed."""
    return ModelFileError(f"{file} could not be computed: {first_line(error)} Export the model again: textaxa export")


def first_line(error: Exception) -> str:
    """Give the first line of a library's message."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".") + "."
