"""A tiny linear model and tables for it, shared by the tests of the predict job."""

import csv
from pathlib import Path

from textaxa.linear.model import LinearModel
from textaxa.persistence import save_model
from textaxa.taxonomy import Taxonomy

WORDS = {
    ("Games", "Sports"): "football club match",
    ("Games", "Cards"): "cards poker deck",
    ("Games",): "game play fun",
    ("Media", "Photo", "Edit"): "photo edit filter",
    ("Money",): "bank money note",
}


def linear_model(folder: Path, *, task: str = "single") -> Path:
    """Save a linear model."""
    paths = list(WORDS)
    texts = [f"{WORDS[paths[i % len(paths)]]} {i % 7}" for i in range(60)]
    labels = [(paths[i % len(paths)],) if task == "single" else (paths[i % 5], paths[(i + 2) % 5]) for i in range(60)]
    save_model(LinearModel.fit(texts, labels, Taxonomy.from_paths(WORDS), task=task), folder)
    return folder


def write_table(file: Path, rows: int = 60) -> Path:
    """Write a CSV: ids, texts of which some are equal and some blank, and a column with whatever needs quotes."""
    awkward = ["plain", 'a "quote"', "two\nlines", "a, comma", "", "ü😀"]
    words = " ".join(WORDS.values()).split()
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "text", "note"])
        for i in range(rows):
            text = " " if i % 17 == 3 else f"{words[i % 15]} {words[i * 7 % 11]} {i % 23}"
            writer.writerow([i, text, awkward[i % 6]])
    return file
