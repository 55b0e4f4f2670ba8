"""``textaxa info``: what is known about a model folder, without loading the model."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textaxa.errors import ModelFileError


@dataclass(frozen=True)
class Info:
    """What a model folder says about itself.

    Attributes
    ----------
    config
        ``config.json``: format version, task, head, encoder, training, summary.
    card
        ``README.md``, the model card, or the empty string where there is none.
    nodes, levels, terminals
        The size of the taxonomy.
    size
        Bytes of all files.
    """

    config: dict[str, Any]
    card: str
    nodes: int
    levels: int
    terminals: int
    size: int


def info(model: str | Path) -> Info:
    """Tell what a model is, from its small files.

    Raises
    ------
    ModelFileError
        The folder is not there, or is not a whole textaxa model.
    """
    from textaxa._extras import require

    require("torch", extra="train")
    from textaxa.persistence import read_config
    from textaxa.taxonomy import Taxonomy

    folder = Path(model)
    config = read_config(folder)
    try:
        taxonomy = Taxonomy.from_dict(json.loads((folder / "taxonomy.json").read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ModelFileError(f"{folder}: taxonomy.json is missing or damaged: {error}") from error
    card = folder / "README.md"
    return Info(
        config=config,
        card=card.read_text(encoding="utf-8") if card.is_file() else "",
        nodes=len(taxonomy),
        levels=taxonomy.n_levels,
        terminals=len(taxonomy.terminals),
        size=sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
    )
