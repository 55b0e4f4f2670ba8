"""A short training of a tiny encoder, whose answers tell whether several processes did what one does."""

from pathlib import Path

from tiny_encoder import make_tiny_encoder
from training.apps import rows

from textaxa.heads.flat import FlatSettings
from textaxa.settings import EncoderSettings, TrainingSettings
from textaxa.taxonomy import Taxonomy
from textaxa.training import train_model

TEXTS, LABELS = rows(93)  # no multiple of anything: last batches are short
VALID = (TEXTS[:29], LABELS[:29])
TAXONOMY = Taxonomy.from_paths([paths[0] for paths in LABELS], sort=True)

NOISE = 2e-3
"""In a probability, after 36 steps; another seed differs by fifty times as much."""


def train(tiny, *, encoder=None, head="flat", head_settings=None, texts=TEXTS, **options):
    """Train a head without those directions along which a chained one has no gradient: Adam makes rounding large."""
    run = {key: options.pop(key) for key in ("checkpoint_dir", "resume", "listener") if key in options}
    recipe = {"epochs": 3, "batch_size": 8, "precision": "fp32", "encoder_rate": 1e-4, "head_rate": 3e-3, **options}
    return train_model(
        texts,
        LABELS,
        TAXONOMY,
        head=head,
        head_settings=head_settings or FlatSettings(dropout=0.0),
        encoder=EncoderSettings(encoder=tiny, max_length=32, **(encoder or {})),
        training=TrainingSettings(**recipe),
        valid=VALID,
        **run,
    )


def encoder_without_dropout(folder: Path) -> str:
    """Write a tiny encoder; what is drawn at random would differ with the number of processes."""
    encoder = make_tiny_encoder(folder, layers=3)
    config = encoder / "config.json"
    text = config.read_text(encoding="utf-8")
    for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
        assert f'"{name}": 0.1' in text
        text = text.replace(f'"{name}": 0.1', f'"{name}": 0.0')
    config.write_text(text, encoding="utf-8")
    return str(encoder)
