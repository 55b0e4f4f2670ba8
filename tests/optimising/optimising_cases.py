"""Models for these tests: parts that answer by rote, linear ones, and a small network that has learned its table."""

from pathlib import Path

import numpy as np
import torch
from tiny_encoder import make_tiny_encoder
from training.apps import rows

from textaxa.encoders import load_encoder
from textaxa.heads import build_head
from textaxa.linear import LinearModel
from textaxa.model import Model
from textaxa.optimising._material import Teacher
from textaxa.optimising._teaching import Lesson, teach
from textaxa.persistence import save_model
from textaxa.settings import EncoderSettings, ModelSettings
from textaxa.taxonomy import Taxonomy

TEXTS, LABELS = rows(240)
TAXONOMY = Taxonomy.from_paths([paths[0] for paths in LABELS], sort=True)


class Rote:
    """Answers every text with the row of probabilities that it was given for it."""

    def __init__(self, proba, taxonomy=TAXONOMY, task="single"):
        self.known, self.taxonomy, self.task = proba, taxonomy, task
        self.settings = ModelSettings(task, "flat", None)
        self.asked = []

    def node_proba(self, texts):
        self.asked += texts
        return np.array([self.known[text] for text in texts], dtype=np.float32)


def certain(node: int, probability: float = 1.0) -> np.ndarray:
    """Give the coherent probabilities of one answer; what is left goes to the other terminals, evenly."""
    terminals = TAXONOMY.terminals
    own = np.full(len(terminals), (1 - probability) / (len(terminals) - 1))
    own[list(terminals).index(node)] = probability
    proba = np.zeros(len(TAXONOMY))
    for terminal, share in zip(terminals, own, strict=True):
        proba[TAXONOMY.ancestors.row(int(terminal))] += share
    return proba


def linear_model(n: int = 240) -> LinearModel:
    return LinearModel.fit(TEXTS[:n], LABELS[:n], TAXONOMY, valid=(TEXTS[:60], LABELS[:60]))


def trained(folder: Path) -> Path:
    """Teach a network of three layers the labels, without the training loop, and save it."""
    make_tiny_encoder(folder / "encoder", layers=3)
    encoder = load_encoder(EncoderSettings(encoder=str(folder / "encoder"), max_length=32))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = build_head("chained", TAXONOMY, encoder.width, task="single")
    settings = ModelSettings("single", "chained", head.settings, encoder.settings)
    model = Model(TAXONOMY, encoder, head, settings, {"rows": len(TEXTS)})
    model.scale.fit(encoder.encode(TEXTS))
    proba = np.array([certain(TAXONOMY.index(paths[0])) for paths in LABELS], dtype=np.float32)
    answers = Teacher(TEXTS, np.zeros((len(TEXTS), 1), dtype=np.float32), proba)
    teach(model, answers, Lesson(4, 60.0, encoder_rate=2e-3, head_rate=1e-2), seed=0)
    return save_model(model, folder / "model")
