"""A made-up table that a working model learns: words tell the path."""

from textaxa.taxonomy import Path

_WORDS: dict[Path, str] = {
    ("Games", "Sports"): "football club match",
    ("Games", "Puzzle"): "puzzle game",
    ("Games",): "game play",
    ("Media", "Photo"): "photo edit",
    ("Media", "Video"): "video",
    ("Finance",): "bank money",
}


def rows(n: int = 96) -> tuple[list[str], list[tuple[Path, ...]]]:
    """Give texts and labels, the paths taking turns."""
    paths = list(_WORDS)
    texts = [f"{_WORDS[paths[i % len(paths)]]} {i}" for i in range(n)]
    return texts, [(paths[i % len(paths)],) for i in range(n)]
