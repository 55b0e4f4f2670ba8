"""Places that a job writes to: checked before the work, not after it."""

import os
from pathlib import Path

from textaxa.errors import ConfigError


def check_new_folder(out: Path, *, overwrite: bool) -> None:
    """Make sure that a model folder can be written.

    Raises
    ------
    ConfigError
        Something is there already, or its place cannot be written: told before hours of training, not after.
    """
    if out.exists() and not overwrite and not (out.is_dir() and not any(out.iterdir())):
        raise ConfigError(f"The output {str(out)!r} is already there. Name another one, or add --overwrite.")
    if out.exists() and not out.is_dir():
        raise ConfigError(f"The output {str(out)!r} is a file, but a model is a folder. Name another one.")
    parent = _nearest_existing(out.absolute().parent)
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise ConfigError(f"The output {str(out)!r} cannot be written: you may not write to {str(parent)!r}.")


def _nearest_existing(folder: Path) -> Path:
    return next((place for place in (folder, *folder.parents) if place.exists()), folder)
