"""Which recipe a run takes where its time budget decides. The choice is told, and kept for resuming.

Measured times come in, the recipe goes out.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from textaxa._whole import write_whole
from textaxa.training._recipes import (
    HEAD_EPOCHS,
    PRESETS,
    TOP_EPOCHS,
    TUNED_EPOCHS,
    Pace,
    Recipe,
    Work,
    predicted,
    that_fits,
    told,
)

_FILE = "recipe.json"
Told = Callable[[dict[str, Any]], None]


def recorded_values(folder: Path) -> dict[str, Any] | None:
    """Give the recipe that an interrupted run had chosen, as JSON; a second measurement might end at another one."""
    try:
        return asdict(Recipe(**json.loads((folder / _FILE).read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError):
        return None


def choose(pace: Pace, work: Work, *, seconds: float, layers: bool, folder: Path, tell: Told) -> Recipe:
    """Choose the recipe that fits, write it down, and tell it.

    Parameters
    ----------
    pace, work, seconds, layers
        As `textaxa.training._recipes.that_fits` takes them.
    folder
        Of the run.
    tell
        Is given one event, ``recipe``.
    """
    recipe = that_fits(pace, work, seconds=seconds, layers=layers)
    epochs = {"fast": HEAD_EPOCHS, "balanced": TOP_EPOCHS, "best": TUNED_EPOCHS}
    others = {name: predicted(name, epochs[name], pace, work) for name in PRESETS if layers or name != "balanced"}
    write_whole(folder / _FILE, json.dumps(asdict(recipe)))
    tell({"event": "recipe", **asdict(recipe), "text": told(recipe, others)})
    return recipe
