"""The thresholds of a several-paths model as a file of its folder; there only where they are not all 0.5."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from textaxa.decoding import check_thresholds
from textaxa.errors import ConfigError, ModelFileError
from textaxa.taxonomy import Taxonomy

THRESHOLDS = "thresholds.json"


def write_thresholds(thresholds: NDArray[np.float64] | None, folder: Path) -> None:
    """Write one threshold a node, in the taxonomy's order; None leaves no file."""
    if thresholds is not None:
        (folder / THRESHOLDS).write_text(json.dumps(thresholds.tolist()) + "\n", encoding="utf-8")


def read_thresholds(folder: Path, files: Mapping[str, Any], taxonomy: Taxonomy) -> NDArray[np.float64] | None:
    """Read what `write_thresholds` wrote; None where ``files``, those of the model, do not name it.

    Raises
    ------
    ModelFileError
        It is no list of one number in (0, 1] for every node.
    """
    if THRESHOLDS not in files:
        return None
    file = folder / THRESHOLDS
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(values, list) or not all(type(value) in (float, int) for value in values):
            raise ModelFileError(f"{file} is damaged: it is no list of numbers.")
        return check_thresholds(taxonomy, values)
    except (ValueError, RecursionError, OverflowError) as error:
        raise ModelFileError(f"{file} is damaged: it is not readable JSON ({error}).") from error
    except ConfigError as error:
        raise ModelFileError(f"{file} does not fit the model: {error}") from error
