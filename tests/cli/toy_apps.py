"""Rows of toy apps, and tables of them, for the tests of the command line."""

import csv
import json
import sys
from pathlib import Path

KINDS = {
    ("Games", "Sports"): "play football match in the club",
    ("Games", "Cards"): "play card strategy game app",
    ("Media", "Music"): "music for the app and edit",
    ("Media",): "photo and video edit app",
    ("Money",): "bank money note build",
}
TEXTAXA = [sys.executable, "-c", "from textaxa.cli import main; main()"]
"""The command line as a process of its own."""

FAST = ["--set", "encoder.max_length=48", "--epochs", "2", "--set", "training.device=cpu", "--quiet"]


def app_rows(n: int = 60) -> list[dict[str, str]]:
    """Give toy apps: id, text, category, subcategory (empty where the label ends above)."""
    rows = []
    for i in range(n):
        path, words = list(KINDS.items())[i % len(KINDS)]
        rows.append(
            {
                "id": f"app-{i}",
                "text": f"{words} {i}",
                "category": path[0],
                "subcategory": path[1] if len(path) > 1 else "",
            }
        )
    return rows


def write_csv(file: Path, rows: list[dict[str, str]]) -> Path:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def write_jsonl(file: Path, rows: list[dict]) -> Path:
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return file
