"""Tables and models that the killed commands work on.

Everything is made of the app descriptions that textaxa ships with, and of an encoder of random weights: what is asked
is whether work is lost, not how good it is.
"""

import csv
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textaxa import train
from textaxa.config import Config

_ROOT = Path(__file__).resolve().parents[2]
_EPOCHS = 3


@dataclass(frozen=True)
class Material:
    """Where things lie that no run changes."""

    folder: Path

    @property
    def table(self) -> Path:
        """Labelled rows."""
        return self.folder / "rows.csv"

    @property
    def many(self) -> Path:
        """Texts to be predicted."""
        return self.folder / "many.csv"

    @property
    def changed(self) -> Path:
        """Another taxonomy: some leaves gone, some new."""
        return self.folder / "changed.csv"

    def model(self, head: str) -> Path:
        """Give a trained model: ``linear`` or ``conditional``."""
        return self.folder / head

    def config(self, head: str = "conditional", *, epochs: int = _EPOCHS) -> Config:
        """Give what is trained."""
        values: dict[str, Any] = {
            "data": {"table": str(self.table), "labels": ["category", "subcategory"]},
            "head": {"name": head},
        }
        if head != "linear":
            values["encoder"] = {"encoder": str(self.folder / "tiny"), "max_length": 32}
            values["training"] = {"epochs": epochs, "batch_size": 16, "device": "cpu", "patience": 0}
        return Config.from_dict(values)


def made(folder: Path, *, rows: int, texts: int) -> Material:
    """Make the tables and the models: so many labelled rows, so many texts to predict."""
    folder.mkdir(parents=True, exist_ok=True)
    material = Material(folder)
    _tiny_encoder(folder / "tiny")
    with (_ROOT / "src/textaxa/demo_data/open-apps.csv").open(encoding="utf-8", newline="") as stream:
        apps = [row for row in csv.DictReader(stream) if row["category"]]
    some = apps[:: len(apps) // rows][:rows]
    _write(material.table, ["id", "text", "category", "subcategory"], some)
    number = range(texts)
    _write(material.many, ["id", "text"], [{"id": i, "text": f"{apps[i % len(apps)]['text']} {i}"} for i in number])
    leaves = sorted({(row["category"], row["subcategory"]) for row in some if row["subcategory"]})
    kept = [leaf for i, leaf in enumerate(leaves) if i % 5] + [(first, "Something new") for first, _ in leaves[::7]]
    _write(material.changed, ["path"], [{"path": " > ".join(path)} for path in dict.fromkeys(kept)])
    train(material.config(epochs=1), material.model("conditional"), references=False)
    train(material.config("linear"), material.model("linear"), references=False)
    return material


def _write(file: Path, columns: list[str], rows: list[dict[str, Any]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _tiny_encoder(folder: Path) -> None:
    sys.path.insert(0, str(_ROOT / "tests"))
    try:
        from tiny_encoder import make_tiny_encoder
    finally:
        sys.path.pop(0)
    make_tiny_encoder(folder)
