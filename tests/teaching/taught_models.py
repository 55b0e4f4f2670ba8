"""Small models whose taxonomy has a node that no training text reached, and texts of that node."""

import numpy as np
from tiny_encoder import make_tiny_encoder

from textaxa.settings import EncoderSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy
from textaxa.training import train_model

WORDS = {
    ("Games", "Sports"): "football club match",
    ("Games", "Puzzle"): "puzzle game",
    ("Media", "Photo"): "photo edit",
    ("Media", "Video"): "video the the",
    ("Bank",): "bank money note",
    ("Music",): "music and app",
}
NEW = ("Music",)
"""Training has no text of it."""

TAXONOMY = Taxonomy.from_paths(WORDS)
RANDOM_WORDS = "build strategy with for app"


def texts_of(path, n, *, seed=0):
    """Give n different texts of a path."""
    random = np.random.default_rng([seed, len(WORDS[path])])
    noise = RANDOM_WORDS.split()
    return [f"{WORDS[path]} {noise[random.integers(len(noise))]} {seed}{i}" for i in range(n)]


def rows(n=16, *, seed=0, new=False):
    """Give n texts of every path, with or without the new one."""
    paths = [path for path in WORDS if new or path != NEW]
    return (
        [text for path in paths for text in texts_of(path, n, seed=seed)],
        [(path,) for path in paths for _ in range(n)],
    )


def tiny(folder):
    return str(make_tiny_encoder(folder / "tiny"))


def trained(encoder, head="chained", *, task="single", taxonomy=TAXONOMY, labels=None, **options):
    """Train a head on a frozen tiny encoder, or ``linear``, on rows without the new node."""
    texts, paths = rows()
    settings = None if head == "linear" else EncoderSettings(encoder=encoder, frozen=True, max_length=32)
    return train_model(
        texts,
        labels or paths,
        taxonomy,
        task=task,
        head=head,
        encoder=settings,
        training=TrainingSettings(epochs=20, batch_size=16, head_rate=1e-2, precision="fp32"),
        **options,
    )


def share_right(model, given):
    """Give the share of rows whose first answer is the first of their paths."""
    texts, labels = given
    found = [row[0].path if row else () for row in model.predict(texts)]
    return np.mean([a == b[0] for a, b in zip(found, labels, strict=True)])
