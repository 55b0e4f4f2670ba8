"""The data sets of the benchmarks: rows of text and labels, in a fixed split of training, validation and test.

A row has one path; in the sets fdroid, selfhosted and goemotions it may have several. Sets that may not be shipped are
read from the folder ``$TEXTAXA_DATA`` (``../shared/data`` where it is not set); a benchmark skips the ones that are not
there and says so.
"""

import csv
import hashlib
import json
import lzma
import os
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

Rows = tuple[list[str], list[tuple[tuple[str, ...], ...]]]

FOLDER = Path(os.environ.get("TEXTAXA_DATA", "../shared/data"))
APPSTORE_SAMPLE = 20_000


@dataclass(frozen=True)
class Split:
    """One data set: texts and labels of each part."""

    name: str
    train: Rows
    valid: Rows
    test: Rows

    @property
    def paths(self) -> list[tuple[str, ...]]:
        return [path for part in (self.train, self.valid, self.test) for labels in part[1] for path in labels]

    @property
    def several(self) -> bool:
        """Whether a row may have several paths."""
        return any(len(labels) > 1 for part in (self.train, self.valid, self.test) for labels in part[1])


def load(name: str) -> Split:
    """Load a data set by name. Raises FileNotFoundError where it is not at hand."""
    if name == "open-apps":
        return _open_apps()
    rows = _jsonl(name)
    if name == "appstore_tokens":
        rows = sorted(rows, key=lambda row: _hash(row["id"]))[:APPSTORE_SAMPLE]
    parts: dict[str, list[dict]] = {"train": [], "valid": [], "test": []}
    has_valid = any(row.get("split") == "val" for row in rows)
    for row in rows:
        parts[_part(row, has_valid)].append(row)
    return Split(name, *(_rows(parts[part]) for part in ("train", "valid", "test")))


def _open_apps() -> Split:
    table = files("textaxa").joinpath("demo_data", "open-apps.csv").read_text(encoding="utf-8")
    rows = [
        {**row, "path": [name for name in (row["category"], row["subcategory"]) if name]}
        for row in csv.DictReader(table.splitlines())
    ]
    named = {"train": "train", "valid": "validation", "test": "test"}
    parts = ([row for row in rows if row["split"] == split] for split in named.values())
    return Split("open-apps", *map(_rows, parts))


def _jsonl(name: str) -> list[dict]:
    with lzma.open(FOLDER / name / f"{name}.jsonl.xz", "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def _part(row: dict, has_valid: bool) -> str:
    """Give the official part of a row; where a set has none (or no validation part), the hash of the id decides."""
    share = _hash(row["id"]) % 100
    official = _OFFICIAL.get(row.get("split", ""))
    if official is None:
        return "test" if share < 20 else "valid" if share < 30 else "train"
    if official == "train" and not has_valid:
        return "valid" if share < 10 else "train"
    return official


_OFFICIAL = {"train": "train", "val": "valid", "test": "test"}


def _hash(identifier: str) -> int:
    return int(hashlib.sha256(identifier.encode()).hexdigest(), 16)


def _rows(rows: list[dict]) -> Rows:
    return [row["text"] for row in rows], [
        tuple(tuple(path) for path in row["labels"]) if "labels" in row else (tuple(row["path"]),) for row in rows
    ]
