"""Two model folders side by side: which files differ, and by how much their numbers do."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from textaxa.persistence._config import read_config


@dataclass(frozen=True)
class FileDifference:
    """A file that two models do not have alike.

    Attributes
    ----------
    file
        Its name in the folder.
    tensors, of
        How many tensors differ in it, of how many; 0 of 0 where it holds none, or is in one folder only.
    largest
        The largest difference of two numbers; None where there are none to compare.
    """

    file: str
    tensors: int = 0
    of: int = 0
    largest: float | None = None

    def sentence(self) -> str:
        """Say it.

        Examples
        --------
        >>> FileDifference("head.safetensors", 2, 4, 0.002).sentence()
        'head.safetensors: 2 of 4 tensors differ, by at most 0.002'
        """
        if not self.of:
            return f"{self.file}: differs"
        largest = "" if self.largest is None else f", by at most {self.largest:.2g}"
        return f"{self.file}: {self.tensors} of {self.of} tensors differ{largest}"


def compare_folders(one: Path, other: Path, *, leave_out: Collection[str] = ()) -> tuple[list[FileDifference], int]:
    """Compare the files of two models; give those that differ, and how many were compared.

    Exports (``onnx/``) are not compared, nor are ``config.json`` and the card, which tell dates.

    Parameters
    ----------
    one, other
        The folders.
    leave_out
        Names of files that are not compared.

    Raises
    ------
    ModelFileError
        A folder is not a model.
    """
    sums: list[dict[str, Any]] = [read_config(folder)["files"] for folder in (one, other)]
    names = sorted(name for name in sums[0] | sums[1] if not name.startswith("onnx/") and name not in leave_out)
    found = [_compared(name, one / name, other / name) for name in names if sums[0].get(name) != sums[1].get(name)]
    return [difference for difference in found if difference is not None], len(names)


def _compared(name: str, one: Path, other: Path) -> FileDifference | None:
    if one.suffix != ".safetensors" or not (one.is_file() and other.is_file()):
        return FileDifference(name)
    return _of_tensors(name, _tensors(one), _tensors(other))


def _tensors(file: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file  # noqa: PLC0415 - of the extra train

    return dict(load_file(file))


def _of_tensors(name: str, one: dict[str, Any], other: dict[str, Any]) -> FileDifference | None:
    """Compare tensor by tensor; None where all are the same and only the file is laid out in another way."""
    names = sorted(one.keys() | other.keys())
    differing = [key for key in names if not _same(one.get(key), other.get(key))]
    if not differing:
        return None
    comparable = [key for key in differing if key in one and key in other and one[key].shape == other[key].shape]
    largest = max((_largest(one[key], other[key]) for key in comparable), default=None)
    return FileDifference(name, len(differing), len(names), largest)


def _same(one: Any, other: Any) -> bool:
    if one is None or other is None or one.shape != other.shape or one.dtype != other.dtype:
        return False
    return bool(one.tobytes() == other.tobytes())


def _largest(one: Any, other: Any) -> float:
    if not one.size:
        return 0.0
    return float(np.abs(one.astype(np.float64) - other.astype(np.float64)).max())
