"""A stand-in for an encoder, and texts whose words tell the path: everything but the transformer is real."""

import zlib
from pathlib import Path

import numpy as np

from textaxa.settings import EncoderSettings, ModelSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy
from textaxa.wide import WideHead, WideModel, WideSettings, fit_wide
from textaxa.wide._scale import Scale

WIDTH = 48
PATHS = [(f"group {i}", f"kind {i}{j}", f"item {i}{j}{k}") for i in range(4) for j in range(3) for k in range(3)]
TAXONOMY = Taxonomy.from_paths([*PATHS, *[path[:2] for path in PATHS[:3]]])


class WordVectors:
    """Gives the mean of vectors that depend on the words alone, and counts how many texts it was asked for."""

    width = WIDTH
    settings = EncoderSettings(frozen=True)
    work = None

    def __init__(self):
        self.asked = 0

    def encode(self, texts):
        self.asked += len(texts)
        return np.stack([self._of(text) for text in texts]) if len(texts) else np.empty((0, WIDTH), np.float32)

    def _of(self, text):
        words = [np.random.default_rng(zlib.crc32(w.encode())).standard_normal(WIDTH) for w in text.split()]
        return np.mean(words, axis=0).astype(np.float32)

    def requires_grad_(self, asked):
        del asked
        return self

    def save(self, folder: Path):
        folder.mkdir()
        (folder / "words.txt").write_text("words\n", encoding="utf-8")


def rows(n, *, seed=0, taxonomy=TAXONOMY, skip=()):
    """Texts of the names on their path among other words, and labels."""
    random = np.random.default_rng(seed)
    ends = [int(t) for t in taxonomy.terminals if int(t) not in skip]
    nodes = [ends[i] for i in random.integers(len(ends), size=n)]
    noise = [" ".join(f"word{w}" for w in random.integers(50, size=3)) for _ in range(n)]
    texts = [" ".join(taxonomy.path(node)) + " " + said for node, said in zip(nodes, noise, strict=True)]
    return texts, [(taxonomy.path(node),) for node in nodes]


def settings(**own):
    return ModelSettings("single", "wide", WideSettings(**own), EncoderSettings(frozen=True), TrainingSettings())


def trained(n=600, **own):
    """A model trained on `rows`, without any PyTorch."""
    encoder, (texts, labels) = WordVectors(), rows(n)
    raw = encoder.encode(texts)
    scale = Scale.of(raw)
    head = WideHead.zeros(TAXONOMY, WIDTH)
    fit_wide(head, scale(raw), np.array([TAXONOMY.index(one[0]) for one in labels]))
    model = WideModel(TAXONOMY, settings(**own), encoder, scale, head.astype(own.get("rows", "float32")))
    model.summary = {"rows": n, "best": {}}
    return model
