"""Models and tables for the tests of the page: hostile names, wide levels, texts of every kind."""

import csv
from pathlib import Path

from textaxa.linear.model import LinearModel
from textaxa.persistence import save_model
from textaxa.taxonomy import Taxonomy

HOSTILE = "<img src=x onerror=document.title='owned'>"
WORDS = {
    ("Games", "Sports"): "football club match",
    ("Games", "Cards"): "poker cards deck",
    ("Money",): "bank money note",
    ("Hostile", HOSTILE): "danger markup script",
    ("Hostile", "__proto__"): "prototype object key",
}
WIDE = 5000
"""Categories of one level."""


def wide_model(folder: Path) -> Path:
    """Save a linear model with hostile names and 5,000 categories of one level."""
    paths = [*WORDS, *(("Wide", f"Branch {i:04}") for i in range(WIDE))]
    texts = [f"{words} {i}" for i in range(8) for words in WORDS.values()]
    labels = [(path,) for _ in range(8) for path in WORDS]
    return save_model(LinearModel.fit(texts, labels, Taxonomy.from_paths(paths), task="single"), folder)


def labelled_table(file: Path) -> Path:
    """Write labelled texts, one of them under the wrong label."""
    rows = [(f"{words} again {i}", " > ".join(path)) for i in range(3) for path, words in WORDS.items()]
    rows.append(("football club match", "Games > Cards"))
    return write_csv(file, [("text", "path"), *rows])


def write_csv(file: Path, rows: list[tuple[str, ...]], **how: str) -> Path:
    """Write rows of cells."""
    delimiter, encoding = how.get("delimiter", ","), how.get("encoding", "utf-8")
    with file.open("w", newline="", encoding=encoding) as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows)
    return file
