"""The ``wide/`` part of a model folder: the rows, which stay in their file, and what goes with them.

``model.json`` has the calibration, ``scale.npy`` mean and factor of the feature scale, float32 (2, D), and ``head/`` is
as `save_wide` writes it.
"""

import json
from pathlib import Path

import numpy as np

from textaxa.errors import ModelFileError
from textaxa.taxonomy import Taxonomy
from textaxa.wide._files import load_wide, mapped, save_wide
from textaxa.wide._head import WideHead
from textaxa.wide._scale import Scale
from textaxa.wide._temperature import WideCalibration, calibration_of

FOLDER = "wide"
_MODEL, _SCALE, _HEAD = "model.json", "scale.npy", "head"

Parts = tuple[WideHead, Scale, WideCalibration]


def write_parts(folder: Path, head: WideHead, scale: Scale, calibration: WideCalibration) -> None:
    """Write the part into a model folder.

    Raises
    ------
    ModelFileError
        It cannot be written.
    """
    place = folder / FOLDER
    place.mkdir()
    np.save(place / _SCALE, np.stack([scale.mean, scale.factor]), allow_pickle=False)
    stored = json.dumps({"calibration": calibration.to_dict()}, indent=1, allow_nan=False)
    (place / _MODEL).write_text(stored + "\n", encoding="utf-8")
    save_wide(head, place / _HEAD)


def read_parts(folder: Path, taxonomy: Taxonomy) -> Parts:
    """Read what `write_parts` wrote.

    Raises
    ------
    ModelFileError
        A file is missing, damaged, or of another model.
    """
    place = folder / FOLDER
    try:
        calibration = calibration_of(json.loads((place / _MODEL).read_text(encoding="utf-8"))["calibration"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ModelFileError(f"{place} cannot be read: {error}. Copy the whole folder again, or train anew.") from None
    head = load_wide(place / _HEAD, taxonomy)
    scale = mapped(place / _SCALE, "float32", (2, head.rows.width))
    return head, Scale(*np.array(scale)), calibration
