"""``textaxa info``: what is known about a model folder, without loading the model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textaxa.persistence import read_config, read_model_taxonomy


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
    folder = Path(model)
    config = read_config(folder)
    taxonomy = read_model_taxonomy(folder)
    card = folder / "README.md"
    return Info(
        config=config,
        card=card.read_text(encoding="utf-8", errors="replace") if card.is_file() else "",
        nodes=len(taxonomy),
        levels=taxonomy.n_levels,
        terminals=len(taxonomy.terminals),
        size=sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()),
    )
